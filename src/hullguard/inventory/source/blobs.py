"""Named blobs of an image, three ways: in a directory, in a tar file one can seek in, in a stream that passes once."""

import abc
import functools
import os
import stat
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import NamedTuple, Protocol

from hullguard.inventory.compression import Readable, compression_of
from hullguard.inventory.layer import IndexedLayer
from hullguard.inventory.limits import Budget, Limits
from hullguard.inventory.paths import normal, resolve
from hullguard.inventory.source.reader import LayerReader, check_digest
from hullguard.inventory.source.sniff import begins_a_tar
from hullguard.inventory.source.unchanged import identity_of
from hullguard.inventory.sparse import BLOCK
from hullguard.inventory.streams import Prefixed, Section, Uncompressed, read_up_to
from hullguard.inventory.tar import Kind, Member, TarWalk
from hullguard.model.errors import HullguardError, Invalid, LimitReached, NotFound


class LayerBlob:
    """A layer as a manifest names it."""

    def __init__(self, name: str, digest: str | None, claimed: str | None) -> None:
        self.name = name
        self.digest = digest
        self.claimed = claimed


class Blobs(Protocol):
    """The parts of one stored image."""

    stopped: LimitReached | None
    """Set when a limit ended the reading before all parts were seen."""

    def document(self, name: str) -> bytes | None:
        """A small file in memory, None when there is none of that name."""
        ...

    def earlier(self, name: str) -> bytes | None:
        """The document that had this name first, where another took its place; some engines read that."""
        ...

    def layer(self, blob: LayerBlob, reader: LayerReader) -> IndexedLayer:
        """The index of a layer; raises Invalid when it is absent or damaged."""
        ...

    def found(self) -> list[IndexedLayer]:
        """Layers that were read although no manifest was reached."""
        ...


class Part(NamedTuple):
    """Where the bytes of a layer lie in a file that is open."""

    descriptor: int
    offset: int
    size: int

    def section(self) -> Section:
        return Section(functools.partial(_pread, self.descriptor), self.offset, self.size, self.descriptor)

    def identity(self) -> str | None:
        return identity_of(self.descriptor, self.offset, self.size)


class PlacedBlobs(abc.ABC):
    """Blobs that are read by position, so that several layers may be read at once."""

    stopped: LimitReached | None = None

    @abc.abstractmethod
    def part(self, blob: LayerBlob) -> AbstractContextManager[Part]:
        """Where a layer lies, while the context lasts; raises Invalid when it is absent."""

    def layer(self, blob: LayerBlob, reader: LayerReader) -> IndexedLayer:
        with self.part(blob) as part:
            return reader.read(
                part.section(),
                f"layer {blob.name}",
                claimed=blob.claimed,
                digest=blob.digest,
                identity=part.identity,
            )

    def found(self) -> list[IndexedLayer]:
        return []


class DirectoryBlobs(PlacedBlobs):
    """An image in a directory. Links are not followed: a layout has none, and they could lead anywhere."""

    def __init__(self, root: Path, limits: Limits, *, links: bool = False) -> None:
        """``links``: whether those count that lead to another place in the directory: Docker's archives have such."""
        self._root = root
        self._limits = limits
        self._links = links

    def document(self, name: str) -> bytes | None:
        path = self._path(name)
        if path is None:
            return None
        with path.open("rb") as file:
            return _bounded(file, path.stat().st_size, name, self._limits)

    def earlier(self, name: str) -> None:
        del name

    @contextmanager
    def part(self, blob: LayerBlob) -> Iterator[Part]:
        path = self._path(blob.name)
        if path is None:
            raise _absent(blob.name)
        with path.open("rb", buffering=0) as file:
            yield Part(file.fileno(), 0, path.stat().st_size)

    def _path(self, name: str) -> Path | None:
        clean = normal(name)
        path = self._root / clean if clean else self._root
        try:
            if self._links:
                path = path.resolve()
                inside = path.is_relative_to(self._root.resolve())
            else:
                inside = path.parent.resolve() == (self._root.resolve() / (clean or "")).parent
            state = path.lstat()
        except (OSError, RuntimeError):  # the latter for links in a circle
            return None
        return path if stat.S_ISREG(state.st_mode) and inside else None


class FileBlobs(PlacedBlobs):
    """A plain tar file: its members are found once, then read by position."""

    def __init__(self, path: Path, limits: Limits) -> None:
        self._limits = limits
        self._file = path.open("rb", buffering=0)
        self._pread = functools.partial(_pread, self._file.fileno())
        self._places: dict[str, tuple[int, int]] = {}
        self._first: dict[str, tuple[int, int] | None] = {}
        self._sparse = set[str]()
        self._links: dict[str, str] = {}
        budget = Budget(limits)
        try:
            self._find(TarWalk(Section(self._pread, 0, path.stat().st_size), budget, path.name), budget)
        except LimitReached as reached:
            self.stopped = reached
        except Invalid:
            self.close()
            raise

    def _find(self, walk: TarWalk, budget: Budget) -> None:
        for member in walk:
            name = landed(member.name, self._links)
            if not name:
                continue
            budget.keep(len(name) + len(member.link))
            if name in self._places or name in self._links:
                self._first.setdefault(name, self._place(name))
            linked = landed(member.link, self._links) if member.kind is Kind.HARDLINK else ""
            there, sparse, link = self._places.get(linked), linked in self._sparse, self._links.get(linked)
            # A member takes the place of whatever had its name.
            self._places.pop(name, None)
            self._links.pop(name, None)
            self._sparse.discard(name)
            if member.kind is Kind.FILE:
                self._places[name] = (walk.offset, member.size)
            elif member.kind is Kind.SYMLINK:
                self._links[name] = _plain(member.link)
            elif there is not None:
                self._places[name] = there
            elif link is not None:
                self._links[name] = link  # a hard link to a symbolic one is the symbolic one (link(2))
            elif member.kind is Kind.SPARSE or sparse:
                self._sparse.add(name)

    def document(self, name: str) -> bytes | None:
        place = self._place(name)
        return None if place is None else self._content(place, name)

    def earlier(self, name: str) -> bytes | None:
        place = self._first.get(resolve(name, self._links) or "")
        return None if place is None else self._content(place, name)

    @contextmanager
    def part(self, blob: LayerBlob) -> Iterator[Part]:
        place = self._place(blob.name)
        if place is None:
            raise self.stopped or _absent(blob.name, sparse=resolve(blob.name, self._links) in self._sparse)
        yield Part(self._file.fileno(), *place)

    def close(self) -> None:
        self._file.close()

    def _content(self, place: tuple[int, int], name: str) -> bytes:
        return _bounded(Section(self._pread, *place), place[1], name, self._limits)

    def _place(self, name: str) -> tuple[int, int] | None:
        return self._places.get(resolve(name, self._links) or "")


class StreamBlobs:
    """A tar that passes once: what looks like a layer is indexed as it comes by, small documents are remembered.

    The manifest stands at the end of such archives, so nobody knows beforehand which members are layers.
    """

    def __init__(self, opened: Callable[[], AbstractContextManager[Readable]], what: str, limits: Limits) -> None:
        self._opened = opened
        self._what = what
        self._limits = limits
        self._documents: dict[str, bytes] = {}
        self._first: dict[str, bytes | None] = {}
        self._layers: dict[str, IndexedLayer | HullguardError] = {}
        self._links: dict[str, str] = {}
        self._reader: LayerReader | None = None
        self.stopped: LimitReached | None = None

    def prepare(self, reader: LayerReader) -> None:
        """Lets the whole archive pass, unless it did for these wishes already."""
        if self._reader is reader:
            return
        self._reader, self.stopped = reader, None
        for one in (self._documents, self._first, self._layers, self._links):
            one.clear()
        budget = Budget(self._limits)
        with self._opened() as raw:
            stream = Uncompressed(raw, budget, self._what, hashed=False)
            walk = TarWalk(stream, budget, self._what)
            try:
                for member in walk:
                    name = landed(member.name, self._links)
                    budget.keep(len(member.name) + len(member.link))
                    if name:
                        self.stopped = self._take(name, member, walk, reader)
                    if self.stopped is not None:
                        return
                stream.drain()
            except LimitReached as reached:
                self.stopped = reached

    def document(self, name: str) -> bytes | None:
        return self._documents.get(resolve(name, self._links) or "")

    def earlier(self, name: str) -> bytes | None:
        return self._first.get(resolve(name, self._links) or "")

    def layer(self, blob: LayerBlob, reader: LayerReader) -> IndexedLayer:
        self.prepare(reader)
        layer = self._layers.get(resolve(blob.name, self._links) or "")
        if layer is None and self.stopped is not None:
            raise self.stopped
        if layer is None:
            raise _absent(blob.name)
        if isinstance(layer, HullguardError):
            raise layer
        if layer.stopped is None:
            check_digest(f"layer {blob.name}", blob.claimed, layer.diff_id)
            check_digest(f"layer {blob.name}", blob.digest, layer.digest)
        return layer

    def found(self) -> list[IndexedLayer]:
        return [layer for layer in self._layers.values() if isinstance(layer, IndexedLayer)]

    def _take(self, name: str, member: Member, walk: TarWalk, reader: LayerReader) -> LimitReached | None:
        """A member takes the place of whatever had its name; a hard link is what its target is by then."""
        if name in self._documents or name in self._links:
            self._first.setdefault(name, self.document(name))
        linked = landed(member.link, self._links) if member.kind is Kind.HARDLINK else ""
        document, layer, link = self._documents.get(linked), self._layers.get(linked), self._links.get(linked)
        self._documents.pop(name, None)
        self._layers.pop(name, None)
        self._links.pop(name, None)
        if member.kind is Kind.FILE:
            return self._file(name, member.size, walk, reader)
        if member.kind is Kind.SPARSE:
            self._layers[name] = _absent(name, sparse=True)
        elif member.kind is Kind.SYMLINK:
            self._links[name] = _plain(member.link)
        elif link is not None:
            self._links[name] = link  # a hard link to a symbolic one is the symbolic one (link(2))
        if document is not None:
            self._documents[name] = document
        if layer is not None:
            self._layers[name] = layer
        return None

    def _file(self, name: str, size: int, walk: TarWalk, reader: LayerReader) -> LimitReached | None:
        head = read_up_to(walk, min(size, BLOCK))
        if head.lstrip()[:1] in (b"{", b"[") and not begins_a_tar(head):
            if size <= self._limits.document_bytes:
                reader.budget.keep(size)
                self._documents[name] = head + walk.content()
            return None
        if head and not _may_be_layer(head):
            return None
        try:
            layer = reader.read(Prefixed(head, walk), f"layer {name}")
        except Invalid as bad:
            # It counts only if a manifest names it: archives may carry other things.
            self._layers[name] = bad
            return None
        self._layers[name] = layer
        return layer.stopped


def landed(name: str, links: Mapping[str, str]) -> str:
    """Where a member comes to lie when it is unpacked: below what the links above it lead to.

    Raises Invalid where that is nowhere, or cannot be followed: an engine would not unpack such an archive, or would
    follow further and find another image.
    """
    clean = normal(name)
    above, slash, last = (clean or "").rpartition("/")
    real = resolve(above, links) if slash and links else above
    if clean is None or real is None:
        raise Invalid(f"the archive's member {name[:100]!r} lies behind links that lead nowhere", "image.archive-links")
    return f"{real}/{last}".lstrip("/")


def _plain(target: str) -> str:
    """A link's target without what leads nowhere else: an archive may hold thousands of such parts."""
    parts = "/".join(part for part in target.split("/") if part not in ("", "."))
    return f"/{parts}" if target.startswith("/") else parts


def _pread(descriptor: int, size: int, offset: int) -> bytes:
    return os.pread(descriptor, size, offset)


def _may_be_layer(head: bytes) -> bool:
    if compression_of(head):
        return True
    return len(head) == BLOCK and (head[257:262] == b"ustar" or not any(head) or head[148:156].strip(b" \0").isdigit())


def _bounded(raw: Readable, size: int, name: str, limits: Limits) -> bytes:
    if size > limits.document_bytes:
        raise Invalid(f"{name} has {size} bytes; a document of an image has at most {limits.document_bytes}")
    return read_up_to(raw, size)


def _absent(name: str, *, sparse: bool = False) -> HullguardError:
    if sparse:
        sentence = f"{name} is stored as a sparse file, which is read inside layers only; archive it without --sparse"
        return Invalid(sentence, "image.layer-sparse")
    return NotFound(f"the image's manifest names the layer {name}, but it is not there", "image.layer-missing")
