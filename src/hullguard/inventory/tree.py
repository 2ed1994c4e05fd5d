"""A file system of names: what is known of an image's, link by link and name by name.

Only what somebody asks for has a place here, with the directories above it. A name that is not here may still be a
file or a directory that nobody wants. Every step costs what it touches: hiding a directory costs what lay in it, once.
"""

import hashlib
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from hullguard.inventory.layer import HASH, path_hash
from hullguard.inventory.limits import Limits, reached
from hullguard.model.errors import LimitReached

MAX_LINKS = 40
"""What Linux follows before ELOOP (path_resolution(7))."""


class Kept:
    """A file under one of its names as it stands after ``layer``, and what stood there before it was written again."""

    __slots__ = ("content", "fingerprint", "layer", "logical", "older")

    def __init__(
        self, content: bytes, layer: int, older: "Kept | None", logical: str, fingerprint: bytes = b""
    ) -> None:
        self.content = content
        self.layer = layer
        self.older = older
        self.logical = logical
        """The wanted name as which its content was condensed."""
        self.fingerprint = fingerprint

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


class Inode:
    """A file itself, whatever its names."""

    __slots__ = ("archived", "names", "source")

    def __init__(self, archived: str, *, unread: bool = True) -> None:
        self.names = 0
        """How many names it has left."""
        self.archived = archived
        """The archive's name for it."""
        self.source = archived if unread else None
        """The same for a file that was not read and that is known by another name."""


class File(NamedTuple):
    """A regular file at one of its names."""

    inode: Inode
    kept: Kept | None
    sniffed: dict[str, Kept] | None
    """By the analyzer that knows it by its first bytes."""


class Node:
    """One name. What is neither a link nor a file is a directory."""

    __slots__ = ("below", "cleared", "digest", "file", "layer", "link", "name", "parent", "stored", "way")

    def __init__(self, parent: "Node | None", name: str, layer: int, digest: bytes) -> None:
        self.parent = parent
        self.name = name
        self.layer = layer
        """Which layer put it here; of a directory, which was the first to."""
        self.digest = digest
        self.below: dict[str, Node] | None = None
        self.cleared = layer
        """The last layer that left nothing of lower ones below."""
        self.link: str | None = None
        self.file: File | None = None
        self.stored: int | None = None
        """Of a directory of a store, the layer that brought it in."""
        self.way: tuple[int, Spot | int] | None = None
        """In which state of the tree it was found where the link leads; or of how many links not one too many was."""

    @property
    def is_directory(self) -> bool:
        return self.link is None and self.file is None

    def child(self, name: str) -> "Node | None":
        return self.below.get(name) if self.below else None

    def name_file(self, file: File) -> None:
        """Makes the node a name of a file."""
        self.file = file
        file.inode.names += 1

    def path(self) -> str:
        names: list[str] = []
        node = self
        while node.parent is not None:
            names.append(node.name)
            node = node.parent
        return "/".join(reversed(names))


class Spot(NamedTuple):
    """Where a path leads: to the last node on it that is known, and the names behind that are not."""

    node: Node
    missing: Sequence[str]
    followed: int
    """How many links were followed."""
    lowest: int
    """The lowest layer that one of those links is from, ``NO_LAYER`` where none was followed."""
    blind: bool
    """Whether some name on the way was not known, so that the way changes when it comes to be."""

    def path(self) -> str:
        path = self.node.path()
        return "/".join((path, *self.missing) if path else self.missing) if self.missing else path


NO_LAYER = 1 << 30
"""Above every layer."""


class Names:
    """The tree itself."""

    def __init__(self, limits: Limits) -> None:
        self.root = Node(None, "", -1, b"")
        self.known: dict[bytes, Node] = {}
        """Every node but the root by its path's hash."""
        self._limits = limits
        self.state = 0
        """Grows whenever a node goes."""
        self._settled = False
        self.stopped: LimitReached | None = None
        """Set when links were walked so far that they are no longer followed."""
        self._walked = 0

    def settle(self) -> None:
        """Says that nothing will change any more, so that what was found out once stays true.

        From here on a limit raises no more: it is noted in ``stopped``, and links lead nowhere.
        """
        self._settled = True

    def follow(self, path: str) -> Spot | None:
        """Where a path leads when every link in it is followed; None for a loop.

        As in a container, ``..`` at the root stays at the root and an absolute target starts there.
        """
        if self.stopped is not None:
            return None
        try:
            return self._walk(self.root, path.split("/"), MAX_LINKS)
        except LimitReached as stopped:
            if not self._settled:
                raise
            self.stopped = stopped
            return None

    def target(self, link: Node) -> list[str]:
        """The names in a link's target; every use of it counts."""
        names = (link.link or "").split("/")
        self._walked += len(names)
        if self._walked > self._limits.steps:
            raise reached("the image's links lead over more than {limit} names", "steps", self._limits.steps)
        return names

    def leaves(self) -> Iterator[tuple[str, Node]]:
        """Every file and every link with its path, in no certain order."""
        for directory in (self.root, *self.known.values()):
            if directory.below:
                above = None
                for name, node in directory.below.items():
                    if not node.is_directory:
                        above = directory.path() if above is None else above
                        yield (f"{above}/{name}" if above else name), node

    def make(self, spot: Spot, layer: int) -> Node:
        """The directory at a spot, with those above it."""
        node = spot.node
        if spot.missing:
            hasher = hashlib.blake2b(digest_size=HASH)
            if above := node.path():
                hasher.update(_encoded(above + "/"))
            for name in spot.missing:
                hasher.update(_encoded(name))
                node = self._add(node, name, layer, hasher.digest())
                hasher.update(b"/")
        return node

    def put(self, directory: Node, path: str, layer: int) -> Node:
        """A new node in a directory; ``path`` is its real one."""
        return self._add(directory, path.rpartition("/")[2], layer, path_hash(path))

    def remove(self, top: Node) -> None:
        """Takes a node away with all that lies below it."""
        self._detach(top)
        nodes = [top]
        while nodes:
            node = nodes.pop()
            del self.known[node.digest]
            if node.file is not None:
                node.file.inode.names -= 1
            if node.below:
                nodes.extend(node.below.values())

    def hide(self, top: Node, layer: int) -> None:
        """Takes away what lower layers have at a node and below it; a directory that was emptied goes too."""
        seen, nodes = [], [top]
        while nodes:
            node = nodes.pop()
            seen.append(node)
            if node.below and node.cleared < layer:
                node.cleared = layer
                nodes.extend(node.below.values())
        for node in reversed(seen):
            if node.stored is not None and node.stored < layer:
                node.stored = None
            gone = not node.below and node.stored is None if node.is_directory else node.layer < layer
            if gone and node.parent is not None:
                self.remove(node)

    def _add(self, directory: Node, name: str, layer: int, digest: bytes) -> Node:
        node = Node(directory, name, layer, digest)
        if directory.below is None:
            directory.below = {}
        directory.below[name] = self.known[digest] = node
        if len(self.known) > self._limits.places:
            raise reached(
                "the image's file system has more than {limit} names that count", "places", self._limits.places
            )
        return node

    def _detach(self, node: Node) -> None:
        self.state += 1
        if node.parent is not None and node.parent.below is not None:
            del node.parent.below[node.name]

    def _walk(self, node: Node, names: Sequence[str], left: int) -> Spot | None:
        missing: list[str] = []
        followed, lowest, blind = 0, NO_LAYER, False
        for name in names:
            if name in ("", "."):
                continue
            if name == "..":
                if missing:
                    missing.pop()
                elif node.parent is not None:
                    node = node.parent
                continue
            child = None if missing else node.child(name)
            if child is None:
                missing.append(name)
                blind = True
            elif child.link is None:
                node = child
            else:
                there = self.way(child, left - followed)
                if there is None:
                    return None
                node, missing = there.node, list(there.missing)
                followed += there.followed + 1
                lowest = min(lowest, there.lowest, child.layer)
                blind = blind or there.blind
        return Spot(node, missing, followed, lowest, blind)

    def way(self, link: Node, left: int = MAX_LINKS) -> Spot | None:
        """Where a link leads; None for a loop, and when ``left`` links, itself among them, do not suffice."""
        if left < 1:
            return None
        if link.way is not None and link.way[0] == self.state:
            known = link.way[1]
            if isinstance(known, Spot):
                return known if known.followed < left else None
            if left <= known:
                return None
        names = self.target(link)
        start = self.root if not names[0] or link.parent is None else link.parent
        found = self._walk(start, names, left - 1)
        if found is None:
            link.way = (self.state, left)
        elif self._settled or not found.blind:
            link.way = (self.state, found)
        return found


def _encoded(name: str) -> bytes:
    return name.encode("utf-8", "surrogatepass")
