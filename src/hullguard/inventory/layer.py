"""One layer as an index: the few files that analyzers want, and what is needed to lay layers over one another.

The index of a layer depends on its bytes and on the analyzers alone, so it is cached by diff id and never made twice.
"""

import hashlib
import sys
from array import array
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Protocol

import msgspec
from msgspec import Struct

from hullguard.inventory.analyzers.analyzer import Analyzer
from hullguard.inventory.analyzers.language import LargeFileAnalyzer
from hullguard.inventory.inspection import Hits, Inspection
from hullguard.inventory.limits import Budget
from hullguard.inventory.paths import normal
from hullguard.inventory.random_access import RandomAccess, held, pieces, reader
from hullguard.inventory.streams import Readable
from hullguard.inventory.tar import Kind, Member, TarWalk
from hullguard.inventory.wanted import Wanted, condense
from hullguard.model.errors import LimitReached
from hullguard.model.package import Unknown

WHITEOUT = ".wh."
OPAQUE = ".wh..wh..opq"
HEAD = 512
"""First bytes by which a file is known."""
_DIRECT_FROM = 1 << 15


class FileContent(Readable, Protocol):
    """A file that is passing by."""

    def peek(self, n: int, /) -> bytes:
        """The first bytes, which are still to be read."""
        ...

    def content(self) -> bytes:
        """All of it."""
        ...

    def direct(self) -> RandomAccess | None:
        """All of it, to be read at any place as long as it is passing by; None where one cannot seek."""
        ...


def _whole(content: FileContent, size: int, *, in_memory: bool) -> AbstractContextManager[RandomAccess]:
    """All of a file: of large ones little is looked at, so where one can seek they are not read through."""
    if in_memory:
        return held([content.content()])
    direct = content.direct() if size > _DIRECT_FROM else None
    # A file that ends too early is read, which says so.
    return held(pieces(content)) if direct is None or len(direct) < size else nullcontext(direct)


class LayerIndex(Struct):
    """What one layer says. Paths are normal: no leading ``/``, no ``.``, no ``..``.

    Most files matter only by their existence: a file may stand where a lower layer has a directory. Of those an
    8-byte hash is kept, not the name.
    """

    kept: dict[str, bytes] = {}
    """Content of wanted files, condensed by their analyzer."""
    symlinks: dict[str, str] = {}
    hardlinks: dict[str, str] = {}
    """Wanted names whose content stands under another, unwanted name of the same layer."""
    whiteouts: list[str] = []
    opaque: list[str] = []
    others: bytes = b""
    """Hashes of the paths of everything else that is no directory."""
    directories: bytes = b""
    sniffed: dict[str, dict[str, bytes]] = {}
    """What analyzers keep of files that they know by their first bytes, by path and analyzer."""
    hits: Hits = msgspec.field(default_factory=Hits)
    """What is wrong with files of this layer."""
    unknowns: list[Unknown] = []
    cut: bool = False
    """A wanted file was left out: it is larger than the limits allow, or could not be read."""


def path_hash(path: str) -> int:
    """The 64 bits that stand for a path in ``others`` and ``directories``."""
    digest = hashlib.blake2b(path.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, sys.byteorder)


class Indexer:
    """Makes the index of one layer; after a limit was reached ``index`` holds what was found so far."""

    def __init__(self, wanted: Wanted, budget: Budget, what: str) -> None:
        self.index = LayerIndex()
        self.wanted = wanted
        self.budget = budget
        self._what = what
        self._others = array("Q")
        self._directories = array("Q")
        self._refused = 0
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
        self.index.others = self._others.tobytes()
        self.index.directories = self._directories.tobytes()
        if self._refused > self.budget.limits.refused:
            more = self._refused - self.budget.limits.refused
            self._unknown("more entries", f"{self._what}: {more} more entries were refused or unreadable")
        self.index.hits = self._inspection.hits
        self.index.unknowns += self._inspection.unknowns
        for name, more in self._inspection.left_out.items():
            self._unknown(f"more {name} findings", f"{self._what}: {more} more were left out")
        for (name, kind), (count, first) in self._inspection.passed_over.items():
            why = f"{self._what}: {count} that are {kind} were not looked into, {first} the first of them"
            self._unknown(f"files without a search for a {name}", why)
        return self.index

    def add(self, path: str, kind: Kind, link: str = "") -> None:
        """Records a path that is no wanted file."""
        index = self.index
        if kind is Kind.DIRECTORY:
            self._directories.append(path_hash(path))
            return
        index.kept.pop(path, None)  # of two members with one name the later counts
        index.symlinks.pop(path, None)
        index.hardlinks.pop(path, None)
        index.sniffed.pop(path, None)
        if kind is Kind.SYMLINK:
            self.budget.keep_path(path, link)
            index.symlinks[path] = link
            return
        if kind is Kind.HARDLINK and self.wanted.logical(path) is not None and self._hardlink(path, link):
            return
        self._others.append(path_hash(path))

    def file(self, path: str, size: int, mode: int, content: FileContent) -> None:
        """Records a regular file, wanted or not; of its content no more is read than somebody asks for."""
        logical = self.wanted.logical(path)
        if logical is None and not self.wanted.looks_inside:
            self.add(path, Kind.FILE)
            return
        try:
            self._look_into(path, logical, size, mode, content)
        except OSError as cause:
            self.index.cut = True
            self._unknown(path, f"{self._what}: it could not be read, or laid aside to be read: {cause.strerror}")
            self.add(path, Kind.OTHER)

    def _look_into(self, path: str, logical: str | None, size: int, mode: int, content: FileContent) -> None:
        head = content.peek(HEAD) if self.wanted.looks_inside else b""
        analyzer = self.wanted.analyzer(logical) if logical is not None else None
        small = analyzer is not None and not isinstance(analyzer, LargeFileAnalyzer)
        most = self.budget.limits.file_bytes if small else self.budget.limits.large_file_bytes
        if analyzer is None and not self.wanted.sniffs(size, head):
            self._inspection.show(path, size, mode, head, content)
            self.add(path, Kind.OTHER)
        elif size > most:
            # Of most programs nothing is known anyway; what is wanted by its name is missed.
            self.index.cut = self.index.cut or analyzer is not None
            self._unknown(path, f"{self._what}: {size} bytes are more than the {most} that are read of such a file")
            self._inspection.show(path, size, mode, head, content)
            self.add(path, Kind.OTHER)
        else:
            with _whole(content, size, in_memory=small) as whole:
                self._inspection.show(path, size, mode, head, reader(whole))
                self._keep(path, logical, analyzer, whole)

    def _keep(self, path: str, logical: str | None, analyzer: Analyzer | None, whole: RandomAccess) -> None:
        if analyzer is None or logical is None:
            self.add(path, Kind.OTHER)
            if kept := self.wanted.condense_sniffed(path, whole, self.budget):
                self.budget.keep(sum(map(len, kept.values())))
                self.budget.keep_path(path)
                self.index.sniffed[path] = kept
            return
        if isinstance(whole, bytes):
            self.budget.spend_lines(whole.count(b"\n"))
        condensed = condense(analyzer, logical, whole, self.budget)
        self.budget.keep(len(condensed))
        self.budget.keep_path(path)
        self.index.symlinks.pop(path, None)
        self.index.hardlinks.pop(path, None)
        self.index.kept[path] = condensed

    def refuse(self, name: str, why: str) -> None:
        """Records a member that was left out because it lies about where it belongs."""
        self._refused += 1
        if self._refused <= self.budget.limits.refused:
            self._unknown(name, f"{self._what}: {why}")

    def _member(self, member: Member, walk: TarWalk) -> None:
        path = normal(member.name)
        if path is None:
            self.refuse(member.name, "the name leaves the image's root; the entry was refused")
            return
        base = path.rpartition("/")[2]
        if base.startswith(WHITEOUT):
            self._whiteout(path, base)
            return
        if not path and member.kind is not Kind.DIRECTORY:
            self.refuse(member.name, "an entry without a name was refused")
        elif member.kind is Kind.FILE:
            self.file(path, member.size, member.mode, walk)
        elif path:
            self.add(path, member.kind, member.link)

    def _whiteout(self, path: str, base: str) -> None:
        directory = path[: len(path) - len(base)]
        hidden = base[len(WHITEOUT) :]
        if base == OPAQUE:
            self.budget.keep(len(directory))
            self.index.opaque.append(directory.rstrip("/"))
        elif hidden.startswith(WHITEOUT):
            pass  # aufs bookkeeping (.wh..wh.plnk, .wh..wh.aufs): it hides nothing
        elif hidden in ("", ".", ".."):
            # Taken literally it would delete the directory that it lies in, or the one above.
            self.refuse(path, "a whiteout that names no file was ignored")
        else:
            self.budget.keep(len(path))
            self.index.whiteouts.append(directory + hidden)

    def _hardlink(self, path: str, link: str) -> bool:
        target = normal(link)
        if target is None:
            self.refuse(path, f"its hard link to {link!r} leaves the image's root")
            return False
        self.budget.keep_path(path, target)
        if target in self.index.kept:
            self.index.kept[path] = self.index.kept[target]
            return True
        self.index.hardlinks[path] = target
        return False

    def _unknown(self, what: str, why: str) -> None:
        self.index.unknowns.append(Unknown(what, why))


@dataclass(frozen=True, slots=True)
class IndexedLayer:
    """An index with what was computed while it was made."""

    index: LayerIndex
    diff_id: str
    digest: str
    """Of the bytes as they were stored."""
    size: int
    stopped: LimitReached | None = None
