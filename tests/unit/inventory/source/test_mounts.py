"""Which file systems hold files of a tree: real mounts, in a name space of their own."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from hullguard.inventory.source.mounts import Mounts

MOUNTINFO = """22 27 0:21 / /proc rw,relatime - proc proc rw
27 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw,discard
40 27 0:50 / /mnt/share rw - nfs4 server:/share rw
41 27 0:51 / /mnt/far rw - fuse.sshfs me@far:/ rw
42 27 0:52 / /run rw - tmpfs tmpfs rw
43 27 0:53 / /var/lib/docker/overlay2/x/merged rw - overlay overlay rw
"""
READ = """
import json, sys
from hullguard.inventory import read
found = read(sys.argv[1], all_mounts=sys.argv[2] == "all")
print(json.dumps([[package.name for package in found.packages], [[one.what, one.why] for one in found.unknowns]]))
"""


@pytest.fixture
def mounts(tmp_path: Path) -> Mounts:
    (tmp_path / "mountinfo").write_text(MOUNTINFO)
    return Mounts(mountinfo=tmp_path / "mountinfo")


@pytest.mark.parametrize(
    ("minor", "elsewhere"), [(50, "nfs4"), (51, "fuse.sshfs"), (52, None), (53, "overlay"), (99, None)]
)
def test_what_others_hold_is_known_by_its_type(mounts: Mounts, minor: int, elsewhere: str | None) -> None:
    assert mounts.elsewhere(os.makedev(0, minor)) == elsewhere


def test_a_path_may_hold_what_ends_a_line_elsewhere(tmp_path: Path) -> None:
    odd = "".join(f"50 27 0:60 / /mnt/{end}a{end} b rw - nfs4 x:/ rw\n" for end in "\r\v\f\x1c\x85\u2028")
    (tmp_path / "mountinfo").write_bytes((odd + "no line of it\n" + MOUNTINFO).encode())
    found = Mounts(mountinfo=tmp_path / "mountinfo")

    assert [found.elsewhere(os.makedev(0, minor)) for minor in (50, 60)] == ["nfs4", "nfs4"]


def test_a_disk_is_read(mounts: Mounts) -> None:
    assert mounts.elsewhere(os.makedev(254, 0)) is None
    assert not mounts.virtual(os.makedev(254, 0))


def test_what_the_kernel_makes_is_never_read(tmp_path: Path, mounts: Mounts) -> None:
    assert mounts.virtual(os.makedev(0, 21))
    assert Mounts(every=True, mountinfo=tmp_path / "mountinfo").virtual(os.makedev(0, 21))


def test_everything_else_is_read_when_that_is_asked_for(tmp_path: Path, mounts: Mounts) -> None:
    del mounts
    every = Mounts(every=True, mountinfo=tmp_path / "mountinfo")

    assert [every.elsewhere(os.makedev(0, minor)) for minor in range(50, 54)] == [None] * 4


def test_without_the_list_everything_is_read(tmp_path: Path) -> None:
    nothing = Mounts(mountinfo=tmp_path / "absent")

    assert not nothing.virtual(os.makedev(0, 21))
    assert nothing.elsewhere(os.makedev(0, 50)) is None


def seen(root: Path, script: str, how: str) -> tuple[list[str], dict[str, str]]:
    """The packages and the unknowns of a tree after a script of mounts."""
    command = ["unshare", "--mount", "--propagation", "private", "sh", "-ec", f'{script}\nexec "$@"', "sh"]
    done = subprocess.run(
        [*command, sys.executable, "-c", READ, f"dir:{root}", how],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    if done.returncode and "mount" in done.stderr:
        pytest.skip(f"no mount is allowed here: {done.stderr.strip()}")
    assert done.returncode == 0, done.stderr
    names, unknowns = json.loads(done.stdout)
    return names, {what: why for what, why in unknowns if what != "operating system"}


def package(place: Path, name: str) -> None:
    directory = place / "node_modules" / name
    directory.mkdir(parents=True)
    (directory / "package.json").write_text(f'{{"name": "{name}", "version": "1.0.0"}}')


@pytest.fixture
def root(tmp_path: Path) -> Path:
    if os.geteuid() != 0 or shutil.which("unshare") is None:
        pytest.skip("only root mounts")
    root = tmp_path / "root"
    for name in ("here", "memory", "proc", "merged", "deep/proc"):
        (root / name).mkdir(parents=True)
    package(root / "here", "on-disk")
    package(tmp_path / "lower", "in-container")
    return root


def test_the_kernels_own_are_passed_over_without_a_word(root: Path) -> None:
    script = f"mount -t proc proc {root}/proc; mount -t proc proc {root}/deep/proc"

    assert seen(root, script, "all") == (["on-disk"], {})


def test_a_file_system_in_memory_is_read(root: Path) -> None:
    script = f"mount -t tmpfs tmpfs {root}/memory; cp -r {root}/here/node_modules {root}/memory/; rm -r {root}/here/*"

    assert seen(root, script, "own") == (["on-disk"], {})


def test_the_root_of_a_container_is_named_and_read_when_asked_for(root: Path) -> None:
    script = f"mount -t overlay -o lowerdir={root.parent}/lower:{root}/memory overlay {root}/merged"
    names, unknowns = seen(root, script, "own")

    assert names == ["on-disk"]
    assert "of type overlay" in unknowns["merged"]
    assert "--all-mounts" in unknowns["merged"]
    assert seen(root, script, "all") == (["in-container", "on-disk"], {})
