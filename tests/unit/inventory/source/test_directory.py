"""A directory tree on disk: no link leads out, no special file is opened, nothing endless is followed."""

import gzip
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.support.images import DEBIAN_12, Image, dpkg_entry, layer, node_package

from hullguard.inventory import Limits, read
from hullguard.model.errors import Invalid
from hullguard.model.package import Unknown


@pytest.fixture
def root(tmp_path: Path) -> Path:
    tree = tmp_path / "root"
    (tree / "etc").mkdir(parents=True)
    (tree / "etc" / "os-release").write_bytes(DEBIAN_12)
    (tree / "var" / "lib" / "dpkg").mkdir(parents=True)
    return tree


def names(root: Path) -> list[str]:
    return sorted(package.name for package in read(f"dir:{root}").packages)


def test_a_link_out_of_the_tree_is_not_followed(tmp_path: Path, root: Path) -> None:
    outside = tmp_path / "status"
    outside.write_text(dpkg_entry("stolen", "1"))
    (root / "var/lib/dpkg/status").symlink_to(outside)

    assert names(root) == []


def test_an_absolute_link_stays_in_the_tree(root: Path) -> None:
    (root / "opt").mkdir()
    (root / "opt/status").write_text(dpkg_entry("inside", "1"))
    (root / "var/lib/dpkg/status").symlink_to("/opt/status")

    assert names(root) == ["inside"]


def test_a_linked_directory_is_not_walked_into(tmp_path: Path, root: Path) -> None:
    outside = tmp_path / "outside" / "node_modules" / "x"
    outside.mkdir(parents=True)
    (outside / "package.json").write_text('{"name": "x", "version": "1.0.0"}')
    (root / "srv").symlink_to(tmp_path / "outside")
    (root / "loop").symlink_to(".")

    assert names(root) == []


def test_a_pipe_in_place_of_a_database_does_not_block(root: Path) -> None:
    os.mkfifo(root / "var/lib/dpkg/status")

    assert names(root) == []


def test_nesting_is_bounded_and_told(root: Path) -> None:
    deep = root.joinpath(*["d"] * 12)
    deep.mkdir(parents=True)
    found = read(f"dir:{root}", limits=Limits(depth=5))

    assert any("nested deeper than 5" in unknown.why for unknown in found.unknowns)
    assert not found.complete


def test_the_number_of_files_is_bounded(root: Path) -> None:
    for number in range(20):
        (root / f"f{number}").touch()

    assert not read(f"dir:{root}", limits=Limits(entries=10)).complete


def test_a_large_database_is_named(root: Path) -> None:
    (root / "var/lib/dpkg/status").write_bytes(b"x" * 2000)
    found = read(f"dir:{root}", limits=Limits(file_bytes=1000))

    assert not found.complete
    assert "var/lib/dpkg/status" in [unknown.what for unknown in found.unknowns]


def test_a_name_that_is_no_utf_8_does_no_harm(root: Path) -> None:
    place = root / "srv" / os.fsdecode(b"\xff\xfe") / "node_modules" / "a"
    place.mkdir(parents=True)
    (place / "package.json").write_bytes(b'{"name": "a", "version": "1.0.0"}')

    (package,) = read(f"dir:{root}").packages
    assert package.locations == ("srv/\\xff\\xfe/node_modules/a/package.json",)


def test_the_order_is_that_of_the_names_whatever_threads_find_first(root: Path) -> None:
    for parent in ("b", "a/z", "a/y", "a"):
        for number in range(12):
            place = root / parent / f"d{number:02}"
            place.mkdir(parents=True)
            (place / "open").touch()
            (place / "open").chmod(0o666)
    found = read(f"dir:{root}", scanners=frozenset({"config"}))

    paths = [one.path for one in found.config]
    assert len(paths) == 48
    assert paths == sorted(paths)
    assert found == read(f"dir:{root}", scanners=frozenset({"config"}))


def test_a_limit_stops_at_the_same_file_every_time(root: Path) -> None:
    for number in range(30):
        place = root / f"d{number:02}" / "node_modules" / f"p{number}"
        place.mkdir(parents=True)
        (place / "package.json").write_text(f'{{"name": "p{number}", "version": "1.0.0"}}')

    first = read(f"dir:{root}", limits=Limits(entries=50))
    assert not first.complete
    assert {package.name for package in first.packages} == {f"p{number}" for number in range(12)}
    assert first == read(f"dir:{root}", limits=Limits(entries=50))


def test_part_of_a_directory_that_is_too_full_is_read(root: Path) -> None:
    for name in ("a.jar", "b", "c", "d", "e"):
        (root / name).write_bytes(b"no archive")
    found = read(f"dir:{root}", limits=Limits(entries=2))

    assert not found.complete
    assert "a.jar" in [unknown.what for unknown in found.unknowns]


def test_no_descriptor_is_left_open(root: Path) -> None:
    for number in range(300):
        (root / f"d{number}" / "e").mkdir(parents=True)
    before = set(Path("/proc/self/fd").iterdir())

    read(f"dir:{root}")
    assert not read(f"dir:{root}", limits=Limits(entries=100)).complete

    assert set(Path("/proc/self/fd").iterdir()) == before


def test_what_may_not_be_read_is_named(root: Path) -> None:
    (root / "closed").mkdir(mode=0)
    (root / "locked").write_bytes(b"x" * 100)
    (root / "locked").chmod(0)
    program = "import sys; from hullguard.inventory import read; print(*read(sys.argv[1]).unknowns, sep='\\n')"
    # Root reads everything, unless it gives up the right to.
    less = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] if os.geteuid() == 0 else []
    if less and shutil.which("setpriv") is None:
        pytest.skip("root cannot give up its rights without setpriv")
    done = subprocess.run(
        [*less, sys.executable, "-c", program, f"dir:{root}"], capture_output=True, text=True, check=True, timeout=60
    )

    for name in ("closed", "locked"):
        why = f"{root}: could not be read: Permission denied"
        assert str(Unknown(name, why, incomplete=True)) in done.stdout


def test_reading_leaves_no_trace(root: Path) -> None:
    place = root / "srv" / "text"
    place.parent.mkdir()
    place.write_bytes(b"x" * 100)
    os.utime(place, (1000, 2000))
    read(f"dir:{root}")

    assert place.stat().st_atime == 1000


def test_it_is_told_how_much_has_passed(root: Path) -> None:
    (root / "srv").mkdir()
    (root / "srv" / "text").write_bytes(b"x" * 1000)
    told: list[tuple[str, int]] = []
    read(f"dir:{root}", progress=lambda what, count: told.append((what, count)))

    assert ("srv/", 1000) in told


def test_what_an_inspector_passes_over_is_counted(root: Path) -> None:
    (root / "srv").mkdir()
    (root / "srv" / "notes.gz").write_bytes(gzip.compress(b"x" * 100))
    found = read(f"dir:{root}", scanners=frozenset({"secret"}))

    assert any("compressed" in unknown.why for unknown in found.unknowns)


def test_a_root_file_system_that_is_an_oci_layout_as_well_is_not_taken_for_either(root: Path) -> None:
    Image([layer(node_package("decoy", "1"))]).oci_dir(root)

    with pytest.raises(Invalid, match=r"is an OCI layout with 'etc' beside it: say oci-dir:.* or dir:"):
        read(str(root))
    assert [package.name for package in read(f"oci-dir:{root}").packages] == ["decoy"]
    assert read(f"dir:{root}").target.kind == "dir"


@pytest.mark.parametrize("target", ["/elsewhere/requirements.txt", "../outside/requirements.txt", "nowhere.txt"])
def test_a_list_that_is_a_link_out_of_a_project_is_told(tmp_path: Path, target: str) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "requirements.txt").write_text("django==3.2.0\n")
    (project := tmp_path / "project").mkdir()
    (project / "requirements.txt").symlink_to(target)
    (project / "README.md").symlink_to("/elsewhere/README.md")

    found = read(f"dir:{project}")

    assert not found.complete
    assert [unknown.what for unknown in found.unknowns if unknown.incomplete] == ["requirements.txt"]


def test_a_link_within_a_project_is_followed(tmp_path: Path) -> None:
    (tmp_path / "lists").mkdir()
    (tmp_path / "lists" / "base").write_text("django==3.2.0\n")
    (tmp_path / "requirements.txt").symlink_to("lists/base")

    found = read(f"dir:{tmp_path}")

    assert [package.name for package in found.packages] == ["django"]
    assert found.complete
