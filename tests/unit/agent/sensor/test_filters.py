import ctypes

from hullguard.agent.sensor import abi
from hullguard.agent.sensor.filters import _config, _inode_of
from hullguard.agent.sensor.slots import path_entries
from hullguard.detect.detectors.interface import Access, Wants
from hullguard.detect.paths import LONGEST
from hullguard.detect.plan import KernelPlan, SlotPlan
from hullguard.model.event import EventKind


def opening(*paths: str, access: frozenset[Access] = frozenset({Access.READ})) -> SlotPlan:
    return SlotPlan(wants=(Wants(frozenset({EventKind.FILE_OPEN}), paths=paths, access=access),))


def test_the_longest_pattern_fits():
    ((key, bits),) = path_entries(0, opening("/" + "x" * (LONGEST - 1))).items()

    assert len(key) == ctypes.sizeof(abi.Path)
    assert int.from_bytes(key[:4], "little") == (3 + LONGEST + 1) * 8
    assert bits == 1


def test_the_configuration_knows_every_length():
    config = _config(KernelPlan((), (opening("/a/bcd", "/e/*", "/f/" + "x" * 70), SlotPlan())), 256)

    assert config.name_lengths == 1 << 3 | 1 << 63
    assert config.directory_lengths == 1 << 1
    assert (config.unknown_slot, config.everything) == (256, 0)


def test_everything_is_a_pattern_of_its_own():
    everything = _config(KernelPlan((), (opening("/*", access=frozenset({Access.WRITE})),)), 0).everything

    assert everything == abi.ACCESS_WRITE


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
