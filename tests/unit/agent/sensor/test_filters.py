import ctypes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hullguard.agent.sensor import abi
from hullguard.agent.sensor.filters import _config, _inode_of, _last_name, path_key
from hullguard.detect.paths import LONGEST, complaint, matches
from hullguard.detect.plan import KernelPlan, SlotPlan


def prefix_of(key: bytes) -> bytes:
    """What a trie compares: as many bits of the key as it says, after the count itself."""
    bits = int.from_bytes(key[:4], "little")
    assert bits % 8 == 0
    return key[4 : 4 + bits // 8]


def looked_up(slot: int, kind: bytes, path: str) -> bytes:
    """What the kernel asks with: path_matches() in path.h."""
    return slot.to_bytes(2, "little") + kind + (path.encode() + b"\0")[: abi.TRIE]


NAMES = st.text(st.characters(codec="ascii", categories=("L", "N"), include_characters="."), min_size=1, max_size=60)
PATTERNS = st.builds(
    lambda parts, below: "/" + "/".join(parts) + ("/*" if below else ""),
    st.lists(NAMES, min_size=1, max_size=5),
    st.booleans(),
).filter(lambda pattern: complaint(pattern) is None)


@given(PATTERNS, PATTERNS)
def test_the_trie_decides_as_detectors_do(pattern, path):
    plain = path.removesuffix("/*")
    for candidate in (plain, pattern.removesuffix("/*"), pattern.removesuffix("/*") + "/x"):
        key = prefix_of(path_key(3, abi.PATH_SENSITIVE, pattern))

        assert looked_up(3, abi.PATH_SENSITIVE, candidate).startswith(key) == matches(candidate, [pattern])


def test_slots_and_kinds_do_not_meet():
    key = prefix_of(path_key(1, abi.PATH_EXEMPT, "/a"))

    assert not looked_up(2, abi.PATH_EXEMPT, "/a").startswith(key)
    assert not looked_up(1, abi.PATH_SENSITIVE, "/a").startswith(key)


def test_the_longest_pattern_fits():
    pattern = "/" + "x" * (LONGEST - 1)

    key = path_key(0, abi.PATH_SENSITIVE, pattern)

    assert len(key) == ctypes.sizeof(abi.Path)
    assert prefix_of(key).endswith(b"x\0")


@pytest.mark.parametrize(
    ("pattern", "kind", "name"),
    [
        ("/etc/shadow", abi.NAME_FILE, b"shadow"),
        ("/root/.ssh/*", abi.NAME_DIRECTORY, b".ssh"),
        ("/*", abi.NAME_DIRECTORY, b""),
        ("/a/" + "y" * 100, abi.NAME_FILE, b"y" * (abi.NAME - 1)),
    ],
)
def test_the_last_name_is_what_the_kernel_looks_for_first(pattern, kind, name):
    assert _last_name(pattern) == (kind, name)


def test_the_configuration_knows_every_length():
    config = _config(KernelPlan((), (SlotPlan(sensitive=("/a/bcd", "/e/*", "/f/" + "x" * 70)), SlotPlan())), 256)

    assert config.name_lengths == 1 << 3 | 1 << 63
    assert config.directory_lengths == 1 << 1
    assert (config.unknown_slot, config.everything, config.every_exec) == (256, 0, 0)


def test_everything_is_a_pattern_of_its_own():
    assert _config(KernelPlan((), (SlotPlan(sensitive=("/*",)),)), 0).everything == 1


def test_an_inode_is_found_through_the_process(tmp_path):
    import os

    place = tmp_path / "secret"
    place.write_text("x")
    link = tmp_path / "link"
    link.symlink_to(place)
    status = place.stat()

    found = _inode_of(os.getpid(), str(place))

    assert found == (status.st_ino, os.major(status.st_dev) << 20 | os.minor(status.st_dev))
    assert _inode_of(os.getpid(), str(link)) == (link.lstat().st_ino, found[1])
    assert _inode_of(os.getpid(), str(tmp_path / "none")) is None
    assert _inode_of(os.getpid(), "/a\0b") is None
