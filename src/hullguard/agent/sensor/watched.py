"""Inodes of files that are watched in containers, for those who open them by other names; as many as a map holds."""

from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from typing import Final, Protocol

from hullguard.agent.sensor import abi

Inode = tuple[int, int]
"""Number and device, as the kernel writes them."""
MOST_INODES: Final = 16_000
"""The map ``inodes`` holds 384 more: ``maps.h``."""
_MOST_CONTAINERS: Final = 1024
_ONE: Final = b"\1"


class Entries(Protocol):
    """The kernel's map."""

    def set(self, key: bytes, value: bytes) -> None: ...

    def discard(self, key: bytes) -> None: ...

    def keys(self) -> Iterator[bytes]: ...


class Watched:
    """By container. Who is forgotten is found again with his next event."""

    def __init__(self, entries: Entries) -> None:
        self._entries = entries
        self._found: OrderedDict[str, Mapping[Inode, str]] = OrderedDict()

    def __contains__(self, container: str) -> bool:
        return container in self._found

    def note(self, container: str, found: Mapping[Inode, str], alive: Callable[[str], bool]) -> None:
        """The paths of a container's watched files by their inodes; of others those go first that are not ``alive``."""
        self._make_room(len(found), alive)
        self._found[container] = found
        for inode in found:
            self._entries.set(_key(inode), _ONE)

    def path(self, container: str, inode: Inode) -> str | None:
        """The watched path that an inode had when the container was first seen."""
        return self._found.get(container, {}).get(inode)

    def clear(self) -> None:
        """Nothing is watched any more."""
        for key in list(self._entries.keys()):
            self._entries.discard(key)
        self._found.clear()

    def _make_room(self, wanted: int, alive: Callable[[str], bool]) -> None:
        if self._fits(wanted):
            return
        for container in [each for each in self._found if not alive(each)]:
            self._forget(container)
        while self._found and not self._fits(wanted):
            self._forget(next(iter(self._found)))

    def _fits(self, wanted: int) -> bool:
        return len(self._found) < _MOST_CONTAINERS and sum(map(len, self._found.values())) + wanted <= MOST_INODES

    def _forget(self, container: str) -> None:
        # A file of the host's may be in several containers.
        for inode in self._found.pop(container):
            if not any(inode in others for others in self._found.values()):
                self._entries.discard(_key(inode))


def _key(inode: Inode) -> bytes:
    return bytes(abi.Inode(inode=inode[0], device=inode[1]))
