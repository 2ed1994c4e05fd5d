"""Layers laid over one another: what a container of the image would see, of the files that analyzers want."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence

from msgspec.structs import replace

from hullguard.inventory import bounds
from hullguard.inventory.layer import LayerIndex
from hullguard.inventory.limits import Limits
from hullguard.inventory.replay import Replay
from hullguard.inventory.tree import File, Inode, Kept, Node, Spot
from hullguard.inventory.wanted import Wanted
from hullguard.model.content import Hit, Misconfiguration
from hullguard.model.errors import LimitReached
from hullguard.model.package import Unknown

_ENTERED = 1000
"""Links of one directory that are entered; package managers make none, and the others are told."""
_LONGEST = 4096
"""PATH_MAX: no process can open a longer path by its name."""


class Tree:
    """The squashed image. Build it with ``squash``."""

    def __init__(self, replay: Replay, wanted: Wanted, *, stopped: LimitReached | None) -> None:
        replay.names.settle()
        self._stopped = stopped
        self.crossed = replay.crossed
        """Whether what is seen depends on the engine; ``views`` gives both."""
        self._wanted = wanted
        self._names = replay.names
        self._hits = replay.hits
        self._doubts = replay.doubts
        self._files: list[tuple[str, Kept]] = []
        self._otherwise: list[tuple[str, Kept]] = []
        """Files that were condensed in another way than their names ask for."""
        self._unread: list[Node] = []
        """Names of files whose content was not asked for under the name that it has in its layer."""
        self._named_again: list[tuple[str, str]] = []
        """Of files of several names those that tell what the file is, with the archive's name for it."""
        self._sniffed: list[tuple[str, File]] = []
        self._links: dict[str, str] = {}
        self._telling: list[str] = []
        """Links whose names tell what the file is that they lead to."""
        directories: dict[str, str] = {}
        known = set(wanted.aliases)
        for path, node in self._names.leaves():
            if node.file is not None:
                self._note(path, node.file)
                if node.file.kept is None and node.file.inode.source is not None:
                    self._unread.append(node)
                elif node.file.kept is None and node.file.inode.names > 1 and wanted.told(path):
                    self._named_again.append((path, node.file.inode.archived))
            elif (logical := wanted.logical(path)) is not None and (path, logical) not in known:
                self._links[path] = logical  # what a link to a link leads to is known already
            elif (directory := wanted.directory(path)) is not None:
                directories[path] = directory
            elif wanted.told_by_link(path):
                self._telling.append(path)
        for found in (self._files, self._sniffed):
            found.sort(key=lambda item: item[0])
        self._linked = list(self._leading_elsewhere())
        """Links with wanted names, where they lead, and the file there."""
        self._leading = {
            place: (real, logical)
            for place, logical in directories.items()
            if (real := self._directory_at(place)) is not None
        }
        """Links that stand for a directory of packages: where it lies, and as which one it is wanted."""
        self._below = [
            (kept.logical, path, kept)
            for path, kept in self._files
            if kept.logical != path and self.real(kept.logical) == path
        ]
        """Files with wanted names below a link, where they lie, and the files."""
        self.reals = {path: real for path, real, _ in (*self._linked, *self._below)}
        """Where what is wanted by a link's name lies."""

    @property
    def stopped(self) -> LimitReached | None:
        """The limit at which the laying of layers over one another ended, or the following of links."""
        return self._stopped or self._names.stopped

    def file(self, path: str) -> Kept | None:
        """The file that a process in the container would open, links followed."""
        spot = self._names.follow(path)
        if spot is None or spot.missing or spot.node.file is None:
            return None
        kept = spot.node.file.kept
        return kept if kept is not None and self._readable(path, kept) else None

    def real(self, path: str) -> str | None:
        """The path with every link followed."""
        spot = self._names.follow(path)
        real = spot.path() if spot is not None else None
        return real if real is not None and len(real) <= _LONGEST else None

    def children(self, directory: str) -> Iterator[tuple[str, Kept]]:
        """The wanted files directly in a directory, by name."""
        spot = self._names.follow(directory)
        if spot is None or spot.missing or not spot.node.below:
            return
        for name in sorted(spot.node.below):
            if (kept := self.file(f"{directory}/{name}")) is not None:
                yield name, kept

    def links(self, directory: str) -> list[str]:
        """The names of the symbolic links directly in a directory."""
        spot = self._names.follow(directory)
        if spot is None or spot.missing or not spot.node.below:
            return []
        return sorted(name for name, node in spot.node.below.items() if node.link is not None)

    def stored(self, store: str) -> Iterator[tuple[str, int]]:
        """The names of a store's directories, and the layers that brought them in."""
        spot = self._names.follow(store)
        if spot is None or spot.missing or not spot.node.below:
            return
        for name, node in sorted(spot.node.below.items()):
            if node.stored is not None:
                yield name, node.stored

    def matching(self, pattern: str) -> Iterator[tuple[str, Kept]]:
        """The wanted files whose whole real path fits, in order of path.

        A link that fits counts too, if it leads to a file whose own path does not, and so does a name below a link.
        """
        fits = re.compile(pattern, re.DOTALL).fullmatch
        found = [(path, kept) for path, kept in self._files if fits(path)]
        others = (*self._linked, *self._below)
        linked = [(path, kept) for path, real, kept in others if fits(path) and not fits(real)]
        yield from sorted(found + linked, key=lambda item: item[0]) if linked else found

    def sniffed(self, analyzer: str) -> Iterator[tuple[str, Kept]]:
        """The files of which an analyzer kept something for their first bytes, in order of path."""
        for path, file in self._sniffed:
            if file.sniffed and analyzer in file.sniffed:
                yield path, file.sniffed[analyzer]

    def hits(self) -> Iterator[tuple[Hit, int, bool]]:
        """What inspectors said, the number of the layer that holds the file, and whether no name is left of it."""
        others: dict[int, str] | None = None
        for hit, inode, number in self._hits:
            if inode.names and hit.path is not None and not self._is_named(hit.path, inode):
                if others is None:
                    others = self._names_of({id(inode) for _, inode, _ in self._hits})
                yield _renamed(hit, others.get(id(inode), hit.path)), number, False
            else:
                yield hit, number, not inode.names

    def _is_named(self, path: str, inode: Inode) -> bool:
        """Whether a name, or a link, still leads to a file."""
        spot = self._names.follow(path)
        return spot is None or (not spot.missing and spot.node.file is not None and spot.node.file.inode is inode)

    def _names_of(self, inodes: Collection[int]) -> dict[int, str]:
        """The first name of each of these files."""
        found: dict[int, str] = {}
        for path, node in self._names.leaves():
            if node.file is not None and (known := id(node.file.inode)) in inodes:
                found[known] = min(path, found.get(known, path))
        return found

    def missing(self) -> set[tuple[str, str]]:
        """Names under which files must still be read, because they come to wanted names by links: see ``Wanted``."""
        fixed = {place: place for analyzer in self._wanted.analyzers for place in analyzer.fixed}
        for directory in (each for analyzer in self._wanted.analyzers for each in analyzer.entered):
            fixed |= {place: place for name in self.links(directory)[:_ENTERED] if (place := f"{directory}/{name}")}
        aliases = {
            (source, logical)
            for place, logical in (self._links | fixed).items()
            if (source := self._elsewhere(place, fixed)) is not None
        }
        aliases |= set(self._followed.values())
        wanted = self._wanted.with_aliases(sorted(aliases)) if aliases else self._wanted
        for path, source in self._elsewhere_named():
            if (logical := wanted.logical(path)) is not None:
                aliases.add((source, logical))
            elif self._tells(path, source):
                aliases.add((source, path))  # a program is known by any of its names
        aliases |= {(source, path) for path, source in self._named_again if self._tells(path, source)}
        aliases |= {(source, path) for path in self._telling if (source := self._untold(path)) is not None}
        return aliases.difference(self._wanted.aliases)

    def dangling(self) -> list[str]:
        """Links with wanted names that lead to nothing, or out of what was read, in order."""
        leading = ((path, self._names.follow(path)) for path in sorted(self._links))
        return [path for path, spot in leading if spot is None or spot.missing]

    def unknowns(self) -> list[Unknown]:
        """What could not be decided."""
        found = list(self._doubts)
        if left := sorted(self._leading.keys() - self._followed.keys()):
            why = f"a link to a directory that may hold packages; it and {len(left) - 1} others were not followed"
            found.append(Unknown(left[0], why, incomplete=True))
        if left := [logical for name, logical in self._wanted.crowded if self._without_file(name) is not None]:
            why = f"a link to where many lead; by the name of it and of {len(left) - 1} others no file was looked for"
            found.append(Unknown(left[0], why, incomplete=True))
        for path, source in self._elsewhere_named():
            if self._wanted.logical(path) is not None:
                why = f"was not read: its content has in its layer the name {source}"
                found.append(Unknown(path, why, incomplete=True))
        for path, kept in self._otherwise:
            why = f"was not read: its content is that of {kept.logical}, another format"
            found.append(Unknown(path, why, incomplete=True))
        return found

    def _elsewhere_named(self) -> Iterator[tuple[str, str]]:
        """Of what was not read the path, which is not kept for there may be a million, and the name in its layer."""
        for node in self._unread:
            if node.file is not None and node.file.inode.source is not None:
                yield node.path(), node.file.inode.source

    def _note(self, path: str, file: File) -> None:
        if file.kept is not None:
            (self._files if self._readable(path, file.kept) else self._otherwise).append((path, file.kept))
        if file.sniffed:
            self._sniffed.append((path, file))

    def _readable(self, path: str, kept: Kept) -> bool:
        """Whether a file was condensed in a way that serves the analyzer which wants it by this name."""
        if path == kept.logical:
            return True
        form = self._wanted.form(path)
        return form is None or form == self._wanted.form(kept.logical)

    def _leading_elsewhere(self) -> Iterator[tuple[str, str, Kept]]:
        """Links with wanted names, where they lead, and the file there."""
        fixed = {place: place for analyzer in self._wanted.analyzers for place in analyzer.fixed}
        for path, logical in sorted((self._links | fixed).items()):
            spot = self._names.follow(path)
            file = spot.node.file if spot is not None and spot.followed and not spot.missing else None
            if spot is None or file is None or file.kept is None:
                continue
            if not self._readable(logical, file.kept):
                self._otherwise.append((path, file.kept))
            elif path in self._links:
                yield path, spot.path(), file.kept

    def _tells(self, path: str, source: str) -> bool:
        """Whether a name tells more of a file than the archive's does."""
        return not self._wanted.told(path) <= self._wanted.told(source)

    def _untold(self, link: str) -> str | None:
        """The archive's name of the file that a link leads to, if the link's name tells more of it."""
        spot = self._names.follow(link)
        if spot is None or not spot.followed or not (spot.missing or spot.node.file):
            return None
        source = spot.path() if spot.missing or spot.node.file is None else spot.node.file.inode.archived
        return None if self._wanted.told_by_link(link) <= self._wanted.told(source) else source

    @property
    def _followed(self) -> dict[str, tuple[str, str]]:
        return dict(sorted(self._leading.items())[: bounds.LINKED_DIRECTORIES])

    def _directory_at(self, place: str) -> str | None:
        """Where a link at the place of a directory leads, if what lies there is not read by its own name."""
        spot = self._without_file(place)
        real = None if spot is None else spot.path()
        return None if real is None or self._wanted.directory(real) == real else real

    def _without_file(self, path: str) -> Spot | None:
        """Where that leads, if a directory may lie there: of those in which nothing is wanted none is kept."""
        spot = self._names.follow(path)
        return None if spot is None or (spot.node.file is not None and not spot.missing) else spot

    def _elsewhere(self, place: str, fixed: Mapping[str, str]) -> str | None:
        """Under which unwanted name the archive has what a link at a wanted one leads to."""
        spot = self._names.follow(place)
        if spot is None or not spot.followed:
            return None
        file = spot.node.file if not spot.missing else None
        if file is not None:
            return file.inode.source if file.kept is None else None
        real = spot.path()
        if place in fixed:
            return real if real not in fixed else None
        return real if self._wanted.logical(real) is None else None


def squash(layers: Sequence[LayerIndex], wanted: Wanted, limits: Limits, *, overlay: bool = False) -> Tree:
    """The tree of all layers, the lowest first."""
    replay, stopped = Replay(limits, overlay=overlay), None
    try:
        for layer in layers:
            replay.add(layer)
    except LimitReached as reached:
        stopped = reached
    return Tree(replay, wanted, stopped=stopped)


def views(layers: Sequence[LayerIndex], wanted: Wanted, limits: Limits) -> list[Tree]:
    """What containers of the image see: one tree, or two where engines differ (``replay.Replay``)."""
    tree = squash(layers, wanted, limits)
    return [tree, squash(layers, wanted, limits, overlay=True)] if tree.crossed else [tree]


def _renamed(hit: Hit, path: str) -> Hit:
    """The same finding of a file whose name it was found under is gone, while another is left."""
    if isinstance(hit, Misconfiguration):
        return replace(hit, path=path, message=hit.message.replace(f"/{hit.path} ", f"/{path} ", 1))
    return replace(hit, path=path)
