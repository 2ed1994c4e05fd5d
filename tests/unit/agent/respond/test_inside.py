"""Paths that are resolved as a container sees them: no link leads out, and nothing is looked for behind another mount."""

import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from hullguard.agent.respond import inside


@pytest.fixture
def root(tmp_path: Path) -> Iterator[int]:
    place = tmp_path / "root"
    (place / "etc").mkdir(parents=True)
    (place / "etc/shadow").write_text("inside")
    (place / "etc/passwd").symlink_to("/etc/shadow")
    (place / "up").symlink_to("../../../../etc")
    (place / "out").symlink_to(tmp_path)
    descriptor = os.open(place, os.O_PATH | os.O_DIRECTORY)
    yield descriptor
    os.close(descriptor)


def opened(root: int, path: str) -> os.stat_result:
    descriptor = inside.open_inside(root, path)
    try:
        return os.fstat(descriptor)
    finally:
        os.close(descriptor)


def test_links_are_followed_as_those_inside_follow_them(root, tmp_path):
    wanted = (tmp_path / "root/etc/shadow").stat().st_ino
    for path in ("/etc/shadow", "etc/shadow", "/etc/passwd", "/up/shadow", "/../../etc/shadow"):
        assert opened(root, path).st_ino == wanted, path


def test_what_is_not_inside_is_not_there(root, tmp_path):
    (tmp_path / "secret").write_text("outside")
    with pytest.raises(FileNotFoundError):
        inside.open_inside(root, "/out/secret")


def test_another_mount_is_refused_unless_it_is_wanted():
    root = os.open("/", os.O_PATH)
    with pytest.raises(OSError) as refused:
        inside.open_inside(root, "/proc/self/status")
    assert refused.value.errno == errno.EXDEV
    os.close(inside.open_inside(root, "/proc/version", same_mount=False))
    os.close(root)


def test_below_a_directory_no_link_is_followed(root):
    os.close(inside.open_beneath(root, "/etc/shadow"))
    for path in ("/etc/passwd", "/up/shadow"):
        with pytest.raises(OSError) as refused:
            inside.open_beneath(root, path)
        assert refused.value.errno == errno.ELOOP
    with pytest.raises(OSError):
        inside.open_beneath(root, "/etc/../../root/etc/shadow")


def test_file_systems_and_mounts_are_told_apart(root):
    proc = os.open("/proc", os.O_PATH)
    assert inside.kind_of(proc) == 0x9FA0
    assert inside.mount_of(proc) != inside.mount_of(root)
    assert inside.mount_of(root) == inside.mount_of(root)
    os.close(proc)


def test_a_failure_says_what_failed_and_why(root):
    with pytest.raises(OSError, match="openat2: No such file"):
        inside.open_inside(root, "/nothing")
