"""The members of layers, replayed in their order as an engine extracts them.

A member replaces what stands in its place unless both are directories, and the directories on the way to it may be
links, which are followed within the root (containerd, pkg/archive/tar.go). Whiteouts delete what lower layers have,
wherever in their layer they stand (OCI image specification, layer.md).
"""

from struct import iter_unpack

from hullguard.inventory.changes import HardLinked, Linked, Made, Opaque, Others, Stored, Totals, Whiteout, Written
from hullguard.inventory.layer import HASH, LayerIndex, path_hash
from hullguard.inventory.limits import Limits
from hullguard.inventory.tree import MAX_LINKS, NO_LAYER, File, Inode, Kept, Names, Node, Spot
from hullguard.model.content import Hit
from hullguard.model.package import Unknown

_HASHES = f"{HASH}s"


class Replay:
    """Lays layers over one another.

    Engines differ where a layer writes through a link of a lower one. Those that extract all layers into one directory
    follow it. Those that extract each into an empty directory and leave the rest to overlayfs do not see it: they make
    a directory there, and that hides the link. ``overlay`` chooses.
    """

    def __init__(self, limits: Limits, *, overlay: bool = False) -> None:
        self.names = Names(limits)
        self.crossed = False
        """Whether a layer wrote through a link of a lower one, or through what is no directory."""
        self.hits: list[tuple[Hit, Inode, int]] = []
        """What inspectors said, the file of which they said it, and the number of its layer."""
        self.doubts: list[Unknown] = []
        self._overlay = overlay
        self._layer = -1
        self._entered: tuple[str, int, Spot] | None = None
        self._deleted: dict[bytes, str] = {}
        self._elsewhere: tuple[str, File] | None = None
        """The unnamed file that the last hard links led to, so that all its names are names of one."""

    def add(self, layer: LayerIndex) -> None:
        """Lays one more layer on top."""
        self._layer += 1
        self._entered = None
        self._deleted.clear()
        files = directories = 0
        totals = (0, 0, 0)
        for change in layer.changes:
            self._nameless(layer, (files, change.files), (directories, change.directories))
            if (files, directories) != (change.files, change.directories) or not isinstance(
                change, HardLinked | Stored
            ):
                self._elsewhere = None
            files, directories = change.files, change.directories
            match change:
                case Written():
                    totals = self._write(change, layer, totals)
                case Linked():
                    self._put(change.path)[0].link = change.target
                case HardLinked():
                    self._link_hard(change)
                case Others():
                    self._others(change)
                case Made() | Stored():
                    self._make(change)
                case Whiteout():
                    self._white_out(change.path)
                case Opaque():
                    self._clear(change.path)
        self._nameless(layer, (files, len(layer.others) // HASH), (directories, len(layer.directories) // HASH))

    def _nameless(self, layer: LayerIndex, files: tuple[int, int], directories: tuple[int, int]) -> None:
        """What nobody named: a file replaces anything, a directory anything but a directory."""
        known = self.names.known
        if files[0] < files[1]:
            hashes = iter_unpack(_HASHES, layer.others[files[0] * HASH : files[1] * HASH])
            for digest in [digest for (digest,) in hashes if digest in known]:
                if (node := known.get(digest)) is not None:
                    self._replace(node)
        if directories[0] < directories[1]:
            hashes = iter_unpack(_HASHES, layer.directories[directories[0] * HASH : directories[1] * HASH])
            for digest in [digest for (digest,) in hashes if digest in known or digest in self._deleted]:
                self._directory_again(digest)
                if (node := known.get(digest)) is not None and not node.is_directory:
                    self.names.remove(node)

    def _write(self, change: Written, layer: LayerIndex, totals: Totals) -> Totals:
        node, old, spot = self._put(change.path)
        # Through a link it may have come to a name under which more is wanted of it.
        inode = Inode(change.path, unread=change.content is None and bool(spot.followed))
        kept = None
        if change.content is not None:
            older = self._before(old.kept) if old else None
            kept = Kept(change.content, self._layer, older, change.logical or change.path, change.fingerprint)
        sniffed = None
        if change.sniffed:
            before = (old.sniffed if old else None) or {}
            sniffed = {
                name: Kept(content, self._layer, self._before(before.get(name)), change.path, change.fingerprint)
                for name, content in change.sniffed.items()
            }
        node.name_file(File(inode, kept, sniffed))
        if change.hits is None:
            return totals
        new = [slice(*bounds) for bounds in zip(totals, change.hits, strict=True)]
        hits: list[Hit] = [
            *layer.hits.secrets[new[0]],
            *layer.hits.malware[new[1]],
            *layer.hits.config[new[2]],
        ]
        self.hits += [(hit, inode, self._layer) for hit in hits]
        return change.hits

    def _link_hard(self, change: HardLinked) -> None:
        """The target's last name is not followed: a hard link to a symbolic one is that symbolic link again."""
        parent, _, base = change.target.rpartition("/")
        spot = self.names.follow(parent)
        source = spot.node.child(base) if spot and not spot.missing else None
        above, _, name = change.path.rpartition("/")
        place = self._enter(above)
        if source is not None and not place.missing and place.node.child(name) is source:
            return
        node, old, _ = self._put(change.path)
        if source is None:
            real = f"{spot.path()}/{base}".lstrip("/") if spot and spot.followed else change.target
            if self._elsewhere is None or self._elsewhere[0] != real:
                self._elsewhere = (real, File(Inode(real), None, None))
            node.name_file(self._elsewhere[1])
        elif source.link is not None:
            node.link = source.link
        elif source.file is not None:
            inode, kept, sniffed = source.file
            again = self._again(kept, old.kept if old else None)
            node.name_file(source.file if again is kept else File(inode, again, sniffed))
        else:
            self.names.remove(node)  # no directory has two names: extracting it fails

    def _others(self, change: Others) -> None:
        spot = self._enter(change.path)
        if not spot.followed and spot.missing:
            return
        for name in change.names.split("/"):
            if spot.followed:
                path = f"{change.path}/{name}"
                self._put(path)[0].name_file(File(Inode(path), None, None))
            elif (node := spot.node.child(name)) is not None:
                self._replace(node)

    def _make(self, change: Made | Stored) -> None:
        if isinstance(change, Stored):
            spot = self._enter(change.path)
            directory = self.names.make(spot, self._layer) if spot.missing else spot.node
            directory.stored = self._layer if directory.stored is None else directory.stored
            return
        parent, _, base = change.path.rpartition("/")
        spot = self._enter(parent)
        if self._deleted:
            self._directory_again(path_hash(f"{spot.path()}/{base}".lstrip("/")))
        if not spot.missing and (node := spot.node.child(base)) is not None and not node.is_directory:
            self.names.remove(node)

    def _white_out(self, path: str) -> None:
        parent, _, base = path.rpartition("/")
        spot = self._enter(parent)
        if not spot.missing and (node := spot.node.child(base)) is not None:
            if node.is_directory:
                self._deleted[node.digest] = path
            self.names.hide(node, self._layer)

    def _clear(self, path: str) -> None:
        spot = self._enter(path)
        if not spot.missing:
            self.names.hide(spot.node, self._layer)

    def _put(self, path: str) -> tuple[Node, File | None, Spot]:
        """A new node for what is no directory, the file in whose place it comes, and the directory's spot."""
        parent, _, base = path.rpartition("/")
        spot = self._enter(parent)
        if spot.missing:
            spot = Spot(self.names.make(spot, self._layer), (), spot.followed, spot.lowest, spot.blind)
            self._remember(parent, spot)
        old = spot.node.child(base)
        if old is not None:
            self._replace(old)
        real = f"{spot.path()}/{base}".lstrip("/") if spot.followed else path
        return self.names.put(spot.node, real, self._layer), old.file if old else None, spot

    def _replace(self, node: Node) -> None:
        if node.is_directory:
            self._deleted[node.digest] = node.path()
        self.names.remove(node)

    def _directory_again(self, digest: bytes) -> None:
        path = self._deleted.pop(digest, None)
        if path is not None:
            why = (
                f"layer {self._layer} deletes it and makes it a directory again: whether what lower layers have in it "
                "is seen depends on the engine; it is taken for deleted"
            )
            self.doubts.append(Unknown(path, why))

    def _before(self, kept: Kept | None) -> Kept | None:
        """Of two files that one layer writes with one name, the first was never seen."""
        return kept.older if kept is not None and kept.layer == self._layer else kept

    def _again(self, kept: Kept | None, old: Kept | None) -> Kept | None:
        if kept is None:
            return None
        return Kept(kept.content, self._layer, self._before(old), kept.logical, kept.fingerprint)

    def _enter(self, path: str) -> Spot:
        """The directory at a path, as the layer finds it that writes there; what is in its way makes room."""
        if self._entered is not None and self._entered[:2] == (path, self.names.state):
            return self._entered[2]
        spot = self._enter_overlay(path) if self._overlay else self._enter_through(path)
        if spot.lowest < self._layer:
            self.crossed = True
        if not spot.missing:
            self._remember(path, spot)
        return spot

    def _remember(self, path: str, spot: Spot) -> None:
        self._entered = None if spot.blind else (path, self.names.state, spot)

    def _enter_through(self, path: str) -> Spot:
        node: Node = self.names.root
        missing: list[str] = []
        followed, lowest, blind = 0, NO_LAYER, False
        for name in path.split("/") if path else ():
            child = None if missing else node.child(name)
            if child is None:
                missing.append(name)
            elif child.is_directory:
                node = child
            else:
                there = self.names.way(child, MAX_LINKS - followed) if child.link is not None else None
                if there is None or not there.node.is_directory:
                    self.crossed = True  # only an overlay may have room here
                    self.names.remove(child)
                    missing.append(name)
                    continue
                node, missing = there.node, list(there.missing)
                followed += there.followed + 1
                lowest, blind = min(lowest, there.lowest, child.layer), blind or there.blind
        return Spot(node, missing, followed, lowest, blind)

    def _enter_overlay(self, path: str) -> Spot:
        """Only the layer's own links are there to be followed."""
        todo = path.split("/")[::-1]
        node: Node = self.names.root
        missing: list[str] = []
        blocking: Node | None = None
        followed = 0
        while todo:
            name = todo.pop()
            if name in ("", "."):
                continue
            if name == "..":
                if missing:
                    missing.pop()
                elif node.parent is not None:
                    node = node.parent
                blocking = blocking if missing else None
                continue
            child = None if missing else node.child(name)
            if child is None:
                missing.append(name)
            elif child.is_directory:
                node = child
            elif child.link is not None and child.layer == self._layer and followed < MAX_LINKS:
                followed += 1
                todo.extend(self.names.target(child)[::-1])
                node, missing = self.names.root if child.link.startswith("/") else node, []
            else:
                blocking = child
                missing.append(name)
        if blocking is not None:
            self.names.remove(blocking)
        return Spot(node, missing, followed, NO_LAYER, blind=followed > 0)
