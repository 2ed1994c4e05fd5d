"""One layer as an index: the few files that analyzers want, and what is needed to lay layers over one another.

The index of a layer depends on its bytes and on the analyzers alone, so it is cached by diff id and never made twice.
"""

import hashlib

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from hullguard.inventory.analyzers.analyzer import Analyzer
from hullguard.inventory.analyzers.language import LargeFileAnalyzer
from hullguard.inventory.analyzers.provenance import packaged
from hullguard.inventory.changes import (
    Change,
    HardLinked,
    Linked,
    Made,
    Opaque,
    Others,
    Stored,
    Totals,
    Whiteout,
    Written,
)
from hullguard.inventory.compression import Readable
from hullguard.inventory.defects import defect
from hullguard.inventory.fingerprint import fingerprint, kinds_of
from hullguard.inventory.inspection import Hits, Inspection
from hullguard.inventory.limits import Budget
from hullguard.inventory.paths import normal
from hullguard.inventory.random_access import FileContent, RandomAccess, all_of, reader
from hullguard.inventory.sparse import Flawed, Whole
from hullguard.inventory.tar import Kind, Member, TarWalk
from hullguard.inventory.wanted import SNIFFED_FROM, Wanted, condense
from hullguard.model.errors import LimitReached
from hullguard.model.package import Unknown

WHITEOUT = ".wh."
_AUFS, _AUFS_LINKS = ".wh..wh.", ".wh..wh.plnk/"
OPAQUE = ".wh..wh..opq"
_NO_NAMES = frozenset({"", ".", ".."})
THIS_LAYER = "\0layer"
"""Stands for a layer's name in what is kept of it: each image that has the layer calls it otherwise."""
HEAD = 512
"""First bytes by which a file is known."""
_NOTHING: tuple[bytes | None, dict[str, bytes]] = None, {}
HASH = 16
"""Bytes of a path's hash."""
_HASHER = hashlib.blake2b(digest_size=HASH)
_TOGETHER = 4096
_LISTED = 64
"""Bytes that it costs to remember that a directory was listed."""
_CHANGE, _PLACE = 128, 400
"""Bytes that a change costs beside its names, and a directory that is laid into the tree for itself."""


class LayerIndex(Struct):
    """What one layer says. Paths are normal: no leading ``/``, no ``.``, no ``..``.

    Most files matter only by their existence: a file may stand where a lower layer has a directory. Of those a hash
    is kept, not the name.
    """

    changes: list[Change] = []
    others: bytes = b""
    """Hashes of the paths of everything that no change names and that is no directory, in order."""
    directories: bytes = b""
    """Hashes of the paths of directories, in order."""
    hits: Hits = msgspec.field(default_factory=Hits)
    """What is wrong with files of this layer."""
    unknowns: list[Unknown] = []
    note: bytes = b""
    """Nothing of a layer: what others keep in the cache beside the indexes."""


def path_hash(path: str) -> bytes:
    """What stands for a path in ``others`` and ``directories``.

    128 bits, since the paths are a stranger's: of 64 he could find two with the same hash in an hour, and have a
    harmless file hide another.
    """
    hasher = _HASHER.copy()  # half the time of a new one
    hasher.update(path.encode("utf-8", "surrogatepass"))
    return hasher.digest()


class Indexer:
    """Makes the index of one layer; after a limit was reached ``index`` holds what was found so far.

    A layer that lists a directory before what lies in it, as nearly all do, says that no link is there. Only below
    directories that it leaves out may a name lead elsewhere, so only there unwanted files keep their names.
    """

    def __init__(self, wanted: Wanted, budget: Budget, what: str, *, whiteouts: bool = True) -> None:
        """``whiteouts``: whether names that begin so delete what lies below, as they do in layers only."""
        self.index = LayerIndex()
        self._whiteouts = whiteouts
        self.wanted = wanted
        self.budget = budget
        self._what = what
        self._others = bytearray()
        self._directories = bytearray()
        self._listed = set[int]()
        self._parent = self._before = ""
        """The directory of the last member, and what stands before the names of others in it."""
        self._as_written: str | None = None
        """How the archive spells it."""
        self._by_name = False
        self._names: list[str] = []
        self._linked: tuple[str, ...] = ()
        self._refused = 0
        self._by_name_or_magic, self._magics = not wanted.inspectors, wanted.magics
        self._stores, self._stored = wanted.stores, set[str]()
        self._endings, self._first_bytes = wanted.endings, frozenset(magic[:1] for magic in wanted.magics)
        self._inspection = Inspection(wanted.inspectors, budget.limits.hits)

    def run(self, stream: Readable) -> None:
        """Walks the stream to the archive's end mark; what follows it is the caller's to drain."""
        walk = TarWalk(stream, self.budget, self._what)
        try:
            for member in walk:
                self._member(member, walk)
        finally:
            self.finish()

    def finish(self) -> LayerIndex:
        """The index with everything that was added."""
        self.index.others = bytes(self._others)
        self.index.directories = bytes(self._directories)
        if self._refused > self.budget.limits.refused:
            more = self._refused - self.budget.limits.refused
            why = f"{self._what}: {more} more entries were refused or unreadable"
            self._unknown("more entries", why, incomplete=True)
        self.index.hits = self._inspection.hits
        self.index.unknowns += self._inspection.unknowns
        for name, more in self._inspection.left_out.items():
            self._unknown(f"more {name} findings", f"{self._what}: {more} more were left out", incomplete=True)
        self.index.unknowns += self._inspection.overlooked(THIS_LAYER if self._whiteouts else self._what)
        self._flush()
        return self.index

    def add(self, path: str, kind: Kind, link: str = "") -> None:
        """Records a path that is no wanted file."""
        if kind is Kind.DIRECTORY:
            self._directory(path)
        elif kind is Kind.SYMLINK:
            self._link(Linked(*self._here(), path, link))
        elif kind is Kind.HARDLINK and (target := self._target(path, link)):
            # Of many names of one file, or each of the one before it, no more than one copy is kept.
            target = next((known for known in self._linked if known == target), target)
            self._linked = (path, target)
            self._link(HardLinked(*self._here(), path, target))
        else:
            self._other(path)

    def file(self, path: str, size: int, mode: int, content: FileContent) -> None:
        """Records a regular file, wanted or not; of its content no more is read than somebody asks for."""
        logical, before = self.wanted.logical(path), self._inspection.said
        try:
            # Nearly every file ends here.
            if (
                logical is None
                and self._by_name_or_magic
                and (
                    size < SNIFFED_FROM
                    or (head := content.peek(SNIFFED_FROM))[:1] not in self._first_bytes
                    or not head.startswith(self._magics)
                )
                and not path.endswith(self._endings)
            ):
                self._other(path)
            else:
                self._look_into(path, logical, size, mode, content)
        except OSError as bad:
            self._lost(path, before, f"{self._what}: it could not be read, or laid aside to be read: {bad.strerror}")
        except Exception as error:  # noqa: BLE001 - the boundary of a plug-in: one file must not cost the report
            self._lost(path, before, f"{self._what}: {defect(error)}")

    def _lost(self, path: str, before: int, why: str) -> None:
        """Records a file that failed, with what inspectors had found in it."""
        self._unknown(path, why, incomplete=True)
        self._written(path, None, None, {}, hits=self._inspection.since(before), whose=b"")

    def _look_into(self, path: str, logical: str | None, size: int, mode: int, content: FileContent) -> None:
        head = content.peek(HEAD if self.wanted.inspectors else SNIFFED_FROM) if self.wanted.looks_inside else b""
        analyzer = self.wanted.analyzer(logical) if logical is not None else None
        small = analyzer is not None and not isinstance(analyzer, LargeFileAnalyzer)
        most = self.budget.limits.file_bytes if small else self.budget.limits.large_file_bytes
        before, names = self._inspection.said, self.wanted.names(path)
        kept, whose = _NOTHING, b""
        if analyzer is None and not self.wanted.sniffs(size, head):
            kept = None, self.wanted.begins(path, size, content.peek)
            self._inspection.show(names, size, mode, head, content)
        elif size > most:
            why = f"{self._what}: {size} bytes are more than the {most} that are read of such a file"
            self._unknown(path, why, incomplete=True)
            self._inspection.show(names, size, mode, head, content)
        else:
            with self.budget.turn(size if small else 0), all_of(content, size, in_memory=small) as whole:
                self._inspection.show(names, size, mode, head, reader(whole))
                kept = self._condensed(path, logical, analyzer, whole)
                if any(kept) and (analyzer is None or analyzer.ownable) and packaged(path):
                    whose = fingerprint(whole, kinds_of(lambda directory: hash(directory) in self._listed))
        self._written(path, logical, *kept, hits=self._inspection.since(before), whose=whose)

    def _condensed(
        self, path: str, logical: str | None, analyzer: Analyzer | None, whole: RandomAccess
    ) -> tuple[bytes | None, dict[str, bytes]]:
        if analyzer is None or logical is None:
            return None, self.wanted.condense_sniffed(path, whole, self.budget)
        if isinstance(whole, bytes):
            self.budget.spend_lines(whole.count(b"\n"))
        return condense(analyzer, logical, whole, self.budget), {}

    def refuse(self, name: str, why: str, *, incomplete: bool = False) -> None:
        """Records a member that was left out because it lies about where it belongs."""
        self._refused += 1
        if self._refused <= self.budget.limits.refused:
            self._unknown(name, f"{self._what}: {why}", incomplete=incomplete)

    def _member(self, member: Member, walk: TarWalk) -> None:
        directory, _, base = member.name.rpartition("/")
        if directory == self._as_written and base not in _NO_NAMES and "\0" not in base:
            path = self._before + base  # as most are, behind one of the same directory
        elif (found := self._placed(member.name, directory, base)) is not None:
            path, base = found, found.rpartition("/")[2]
        else:
            return
        if self._whiteouts:
            if path.startswith(_AUFS) and not path.startswith(_AUFS_LINKS) and path != OPAQUE:
                return  # bookkeeping of aufs, which the engines leave out with all below it
            if base.startswith(WHITEOUT):
                self._whiteout(path, self._parent, base)
                return
        if not path and member.kind is not Kind.DIRECTORY:
            self.refuse(member.name, "an entry without a name was refused")
        elif member.kind is Kind.FILE:
            self.file(path, member.size, member.mode, walk)
        elif member.kind >= Kind.SPARSE:
            self._odd(path, member, walk)
        elif path:
            self.add(path, member.kind, member.link)

    def _placed(self, name: str, directory: str, base: str) -> str | None:
        """The normal path of a name in two parts, whose directory is entered; None where it is refused."""
        path = normal(name)
        if path is None:
            self.refuse(name, "its name holds a NUL; the entry was refused")
            return None
        self._as_written = directory if base not in _NO_NAMES else None
        parent = path.rpartition("/")[0]
        if parent != self._parent:
            self._enter(parent)
        return path

    def _odd(self, path: str, member: Member, walk: TarWalk) -> None:
        """A file that is not as the archive holds it; where it cannot be made whole, that is said if somebody asks."""
        if member.kind is Kind.UNKNOWN:
            self.refuse(member.name, "an entry of a kind that is not known was refused", incomplete=True)
            return
        most, beyond = self.budget.limits.hole_bytes, False
        try:
            whole = Whole(walk.sparse, walk, member.size, self.budget)
            if whole.holes <= most:
                self.file(path, whole.size, member.mode, whole)
                return
            why, beyond = f"its holes have {whole.holes} bytes, more than the {most} that are put back", True
        except Flawed as flawed:
            why = str(flawed)
        wanted = self.wanted.logical(path) is not None
        if wanted or self.wanted.looks_inside:
            self._unknown(path, f"{self._what}: a sparse file that was not read: {why}", incomplete=wanted or beyond)
        self._other(path)

    def _enter(self, parent: str) -> None:
        self._flush()
        self._parent, self._before = parent, f"{parent}/" if parent else ""
        # Python's own hash of a string is keyed anew in each process, so nobody can choose names that share one.
        self._by_name = parent != "" and hash(parent) not in self._listed
        if parent.startswith(self._stores):
            self._store(parent)

    def _store(self, path: str) -> None:
        """Records the directory of a store that this is, or lies in, at the first sight of it."""
        store = next(store for store in self._stores if path.startswith(store))
        place = store + path[len(store) :].partition("/")[0]
        if place not in self._stored:
            self._stored.add(place)
            self.budget.keep_path(place)
            self._change(Stored(*self._here(), place))

    def _directory(self, path: str) -> None:
        if self._by_name:
            self.budget.keep_path(path)
            self.budget.keep(_PLACE)
            self._change(Made(*self._here(), path))
        else:
            self._directories += path_hash(path)
            self._listed.add(hash(path))
            if not len(self._directories) % (_TOGETHER * HASH):
                self.budget.keep(_TOGETHER * _LISTED)
        if path.startswith(self._stores):
            self._store(path)

    def _link(self, link: Linked | HardLinked) -> None:
        self.budget.keep_path(link.path, link.target)
        if self._by_name or hash(link.path) in self._listed:
            # What is written below it from here on goes where the link leads. Below a directory that was not listed it
            # may take the place of one that was, under another name.
            self._listed.clear()
        self._change(link)

    def _target(self, path: str, link: str) -> str | None:
        target = normal(link)
        if target is None:
            self.refuse(path, f"its hard link to {link!r} holds a NUL")
        return target

    def _other(self, path: str) -> None:
        if not self._by_name:
            hasher = _HASHER.copy()  # as path_hash does
            hasher.update(path.encode("utf-8", "surrogatepass"))
            self._others += hasher.digest()
            return
        self._names.append(path.rpartition("/")[2])
        if len(self._names) == _TOGETHER:
            self._flush()

    def _written(
        self,
        path: str,
        logical: str | None,
        content: bytes | None,
        sniffed: dict[str, bytes],
        *,
        hits: Totals | None,
        whose: bytes,
    ) -> None:
        """Records a regular file, by its name if anything of it is kept."""
        if content is None and not sniffed and hits is None:
            self._other(path)
            return
        self.budget.keep(len(content or b"") + sum(map(len, sniffed.values())) + len(whose))
        self.budget.keep_path(path)
        other = logical if logical != path else None
        self._change(Written(*self._here(), path, other, content, sniffed or None, hits, whose))

    def _whiteout(self, path: str, directory: str, base: str) -> None:
        hidden = base[len(WHITEOUT) :]
        if base == OPAQUE:
            self.budget.keep(len(directory))
            self._change(Opaque(*self._here(), directory))
        elif hidden.startswith(WHITEOUT):
            pass  # aufs bookkeeping (.wh..wh.plnk, .wh..wh.aufs): it hides nothing
        elif hidden in ("", ".", ".."):
            # Taken literally it would delete the directory that it lies in, or the one above.
            self.refuse(path, "a whiteout that names no file was ignored")
        else:
            self.budget.keep(len(path))
            self._change(Whiteout(*self._here(), f"{directory}/{hidden}" if directory else hidden))

    def _here(self) -> tuple[int, int]:
        return len(self._others) // HASH, len(self._directories) // HASH

    def _change(self, change: Change) -> None:
        self._flush()
        self.budget.keep(_CHANGE)
        self.index.changes.append(change)

    def _flush(self) -> None:
        if self._names:
            names = "/".join(self._names)
            self._names.clear()
            self.index.changes.append(Others(*self._here(), self._parent, names))
            self.budget.keep(len(names) + len(self._parent) + _CHANGE)

    def _unknown(self, what: str, why: str, *, incomplete: bool = False) -> None:
        self.index.unknowns.append(Unknown(what, why, incomplete))


class IndexedLayer(Struct, frozen=True):
    """An index with what was computed while it was made."""

    index: LayerIndex
    diff_id: str
    digest: str
    """Of the bytes as they were stored."""
    size: int
    stopped: LimitReached | None = None

    def said(self, number: int) -> list[Unknown]:
        """What nobody could read of it, where it is the image's layer of this number, from 1."""
        return [
            replace(unknown, why=f"layer {number}{unknown.why.removeprefix(THIS_LAYER)}")
            if unknown.why.startswith(THIS_LAYER)
            else unknown
            for unknown in self.index.unknowns
        ]
