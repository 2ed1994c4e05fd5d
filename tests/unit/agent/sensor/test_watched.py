"""However many containers come and go, the kernel's map is never asked to hold more than it can."""

import errno
from collections.abc import Iterator

from hullguard.agent.sensor.watched import MOST_INODES, Watched


class Full:
    """A map of the kernel's that holds so many keys as its own does."""

    def __init__(self) -> None:
        self.held: dict[bytes, bytes] = {}

    def set(self, key: bytes, value: bytes) -> None:
        if key not in self.held and len(self.held) >= 16_384:
            raise OSError(errno.E2BIG, "inodes: full")
        self.held[key] = value

    def discard(self, key: bytes) -> None:
        self.held.pop(key, None)

    def keys(self) -> Iterator[bytes]:
        return iter(dict(self.held))


def files(number: int, count: int = 90) -> dict[tuple[int, int], str]:
    return {(inode, number): f"/etc/{inode}" for inode in range(count)}


def test_containers_that_are_gone_make_room_first() -> None:
    entries = Full()
    watched = Watched(entries)
    for number in range(3000):
        alive = {"c0", *(f"c{number - back}" for back in range(5))}
        watched.note(f"c{number}", files(number), alive.__contains__)

    assert len(entries.held) <= MOST_INODES
    assert watched.path("c0", (7, 0)) == watched.path("c2999", (7, 2999)) == "/etc/7"


def test_where_all_are_alive_the_eldest_goes() -> None:
    entries = Full()
    watched = Watched(entries)
    for number in range(500):
        watched.note(f"c{number}", files(number), lambda _: True)

    assert len(entries.held) <= MOST_INODES
    assert "c0" not in watched
    assert "c499" in watched


def test_a_file_of_several_containers_is_watched_as_long_as_one_of_them_is() -> None:
    entries = Full()
    watched = Watched(entries)
    watched.note("gone", {(1, 1): "/shared", (2, 1): "/own"}, lambda _: True)
    watched.note("here", {(1, 1): "/shared"}, lambda _: True)
    watched.note("many", files(9, MOST_INODES - 2), lambda other: other == "here")

    assert len(entries.held) == 1 + MOST_INODES - 2
    assert watched.path("here", (1, 1)) == "/shared"
    watched.clear()
    assert not entries.held
    assert "here" not in watched
