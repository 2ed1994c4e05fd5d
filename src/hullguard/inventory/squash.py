"""Layers laid over one another: what a container of the image would see, of the files that analyzers want."""

import re
from array import array
from collections.abc import Iterator, Sequence
from typing import Any

from hullguard.inventory.layer import LayerIndex, path_hash
from hullguard.inventory.paths import ancestors, resolve
from hullguard.inventory.wanted import Wanted
from hullguard.model.content import Hit


class Kept:
    """A wanted file as it stands after ``layer``, and what stood there before it was written again."""

    __slots__ = ("content", "layer", "older")

    def __init__(self, content: bytes, layer: int, older: "Kept | None") -> None:
        self.content = content
        self.layer = layer
        self.older = older

    @property
    def origin(self) -> int:
        """The lowest layer from which on the file had this content: writing the same again brings nothing in."""
        file = self
        while file.older is not None and file.older.content == self.content:
            file = file.older
        return file.layer

    def history(self) -> "list[Kept]":
        """From the oldest to this one."""
        found = [self]
        while (older := found[-1].older) is not None:
            found.append(older)
        return found[::-1]


class Tree:
    """The squashed image. Build it with ``squash``."""

    def __init__(self) -> None:
        self._files: dict[str, Kept] = {}
        self._links: dict[str, str] = {}
        self._hardlinks: dict[str, str] = {}
        self._sniffed: dict[str, dict[str, Kept]] = {}
        self._inspected: dict[str, int] = {}
        self._hits: list[tuple[Hit, str, int]] = []
        # Hashes of every path above or at an entry, so that one set intersection finds what a layer hides.
        self._known: dict[int, str] = {}
        self.cut = False
        """A file that an analyzer wants was larger than the limits allow, or could not be read."""

    def file(self, path: str) -> Kept | None:
        """The file that a process in the container would open, links followed."""
        real = resolve(path, self._links)
        return self._files.get(real) if real is not None else None

    def real(self, path: str) -> str | None:
        """The path with every link followed."""
        return resolve(path, self._links)

    def children(self, directory: str) -> Iterator[tuple[str, Kept]]:
        """The wanted files directly in a directory, by name."""
        real = resolve(directory, self._links)
        if real is None:
            return
        prefix = real + "/"
        for path, file in sorted(self._files.items()):
            if path.startswith(prefix) and "/" not in path[len(prefix) :]:
                yield path[len(prefix) :], file

    def matching(self, pattern: str) -> Iterator[tuple[str, Kept]]:
        """The wanted files whose whole real path fits, in order of path."""
        fits = re.compile(pattern, re.DOTALL).fullmatch
        for path, file in sorted(self._files.items()):
            if fits(path):
                yield path, file

    def sniffed(self, analyzer: str) -> Iterator[tuple[str, Kept]]:
        """The files of which an analyzer kept something for their first bytes, in order of path."""
        for path, kept in sorted(self._sniffed.items()):
            if analyzer in kept:
                yield path, kept[analyzer]

    def hits(self) -> Iterator[tuple[Hit, int, bool]]:
        """What inspectors said, the number of the layer that holds the file, and whether a later one hides it."""
        for hit, path, number in self._hits:
            yield hit, number, self._inspected.get(path) != number

    def missing(self, wanted: Wanted) -> list[tuple[str, str]]:
        """Aliases under which files must still be read, because links lead from wanted names to unwanted ones."""
        aliases = []
        for path, target in self._hardlinks.items():
            aliases.append((target, path))
        fixed = {place for analyzer in wanted.analyzers for place in analyzer.fixed}
        places = fixed | {path for path in self._links if wanted.logical(path) is not None}
        for place in sorted(places):
            real = resolve(place, self._links)
            if (
                real
                and real != place
                and real not in fixed
                and wanted.logical(real) is None
                and real not in self._files
            ):
                aliases.append((real, place))
        return sorted(set(aliases) - set(wanted.aliases))

    def add(self, number: int, layer: LayerIndex) -> None:
        """Lays one more layer on top."""
        before = {path: self._sniffed.get(path, {}) for path in layer.sniffed}
        self._hide(layer)
        self.cut = self.cut or layer.cut
        for path, target in layer.symlinks.items():
            self._links[path] = target
            self._remember(path)
        for path, target in layer.hardlinks.items():
            self._hardlinks[path] = target
            self._remember(path)
        for path, content in layer.kept.items():
            real = self._written(path)
            older = self._files.get(real)
            self._files[real] = Kept(content, number, older)
            self._links.pop(real, None)
            self._hardlinks.pop(real, None)
            self._inspected.pop(real, None)
            self._remember(real)
        self._add_sniffed(number, layer, before)
        self._add_hits(number, layer)

    def link_hard(self, layer: LayerIndex, number: int) -> None:
        """Gives hard links the content that a second read found under their target's name."""
        for path, target in layer.hardlinks.items():
            if target in layer.kept:
                self._files[path] = Kept(layer.kept[target], number, self._files.get(path))
                self._hardlinks.pop(path, None)

    def _add_sniffed(self, number: int, layer: LayerIndex, before: dict[str, dict[str, Kept]]) -> None:
        for path, condensed in layer.sniffed.items():
            real, older = self._written(path), before[path]
            self._sniffed[real] = {name: Kept(kept, number, older.get(name)) for name, kept in condensed.items()}
            self._remember(real)

    def _add_hits(self, number: int, layer: LayerIndex) -> None:
        for hits in (layer.hits.secrets, layer.hits.malware, layer.hits.config):
            for hit in hits:
                real = self._written(hit.path) if hit.path else ""
                self._hits.append((hit, real, number))
                self._inspected[real] = number
                if real:
                    self._remember(real)

    def _written(self, path: str) -> str:
        """Where a file lands when a lower layer made one of its directories a link."""
        if not self._links:
            return path
        parent, _, base = path.rpartition("/")
        real = resolve(parent, self._links) if parent else ""
        return path if real is None else f"{real}/{base}".lstrip("/")

    def _hide(self, layer: LayerIndex) -> None:
        gone = set(layer.whiteouts)
        inside = set(layer.opaque)
        gone.update(self._met(layer.others))
        gone.update(path for path in layer.symlinks if path_hash(path) in self._known)
        # A directory replaces a file or a link, but merges with a directory.
        gone.update(path for path in self._met(layer.directories) if self._is_file(path))
        for path in layer.kept:
            if path_hash(path) in self._known and path not in self._files:
                gone.add(path)  # a file where there was a directory or a link
        if gone or inside:
            for entries in (self._files, self._links, self._hardlinks, self._sniffed, self._inspected):
                self._forget(entries, gone, inside)

    def _is_file(self, path: str) -> bool:
        return any(path in entries for entries in (self._links, self._files, self._sniffed, self._inspected))

    @staticmethod
    def _forget(entries: dict[str, Any], gone: set[str], inside: set[str]) -> None:
        for path in list(entries):
            above = ancestors(path)
            if path in gone or "" in inside or not gone.isdisjoint(above) or not inside.isdisjoint(above):
                del entries[path]

    def _met(self, hashes: bytes) -> list[str]:
        """The known paths among a layer's hashes."""
        return [self._known[number] for number in array("Q", hashes) if number in self._known]

    def _remember(self, path: str) -> None:
        for name in (path, *ancestors(path)):
            self._known[path_hash(name)] = name


def squash(layers: Sequence[LayerIndex]) -> Tree:
    """The tree of all layers, the lowest first."""
    tree = Tree()
    for number, layer in enumerate(layers):
        tree.add(number, layer)
        tree.link_hard(layer, number)
    return tree
