"""rpm's packages of an image, and of a database that rpm itself wrote."""

import contextlib
import shutil
import sqlite3
import subprocess
from pathlib import Path

import pytest
from tests.support.images import file, symlink
from tests.support.inventories import Found
from tests.support.rpms import SqliteDatabase, bdb, header, ndb, sealed

OS = file("etc/os-release", 'ID="rocky"\nVERSION_ID="9.4"\nPRETTY_NAME="Rocky Linux 9.4"\n')
BASH = header("bash", "5.1.8", "9.el9", arch="x86_64", source="bash-5.1.8-9.el9.src.rpm", license="GPLv3+")


@pytest.mark.parametrize("place", ["var/lib/rpm", "usr/lib/sysimage/rpm", "usr/share/rpm"])
def test_the_database_is_found_in_every_place(place: str) -> None:
    package = Found([OS, file(f"{place}/Packages.db", ndb(BASH))]).named("bash")

    assert package.purl == (
        "pkg:rpm/rocky/bash@5.1.8-9.el9?arch=x86_64&distro=rocky-9.4&upstream=bash-5.1.8-9.el9.src.rpm"
    )
    assert (package.ecosystem, package.type, package.version) == ("Rocky Linux:9", "rpm", "5.1.8-9.el9")
    assert (package.source_name, package.source_version) == ("bash", "5.1.8-9.el9")
    assert (package.licenses, package.locations) == (("GPLv3+",), (f"{place}/Packages.db",))


def test_a_linked_place_does_not_count_twice() -> None:
    database = file("usr/lib/sysimage/rpm/Packages", bdb(BASH))

    assert Found([OS, symlink("var/lib/rpm", "../../usr/lib/sysimage/rpm"), database]).names == ["bash"]


def test_the_predecessor_of_a_converted_database_does_not_count() -> None:
    old, new = header("old"), header("new")

    assert Found([OS, file("var/lib/rpm/Packages", bdb(old)), file("var/lib/rpm/Packages.db", ndb(new))]).names == [
        "new"
    ]
    assert Found([OS, file("var/lib/rpm/Packages", bdb(old)), file("var/lib/rpm/Packages.db", ndb())]).names == ["old"]


def test_a_second_database_with_other_packages_is_told() -> None:
    one, two = file("var/lib/rpm/Packages.db", ndb(BASH)), header("evil")
    told = "a second database of packages, 1 of which the one beside it lacks; it was not read"

    beside = Found([OS, one, file("var/lib/rpm/Packages", bdb(BASH, two))])
    same = Found([OS, one, file("var/lib/rpm/Packages", bdb(BASH))])

    assert beside.names == same.names == ["bash"]
    assert ("var/lib/rpm/Packages", told) in [(unknown.what, unknown.why) for unknown in beside.unknowns]
    assert same.unknowns == []


def test_a_journal_that_was_not_applied_is_told(tmp_path: Path) -> None:
    database = SqliteDatabase(tmp_path)
    database.install([BASH])
    database.checkpoint()
    main = file("var/lib/rpm/rpmdb.sqlite", database.main)
    hot = bytes.fromhex("d9d505f920a163d7") + bytes(600)

    found = Found([OS, main, file("var/lib/rpm/rpmdb.sqlite-journal", hot)])

    assert found.names == ["bash"]
    assert [unknown.what for unknown in found.unknowns] == ["var/lib/rpm/rpmdb.sqlite-journal"]
    assert Found([OS, main, file("var/lib/rpm/rpmdb.sqlite-journal", bytes(600))]).unknowns == []


def test_the_log_beside_the_database_is_read(tmp_path: Path) -> None:
    database = SqliteDatabase(tmp_path)
    database.install([BASH])
    database.checkpoint()
    main = file("var/lib/rpm/rpmdb.sqlite", database.main)
    database.install([header("curl")])
    log = file("var/lib/rpm/rpmdb.sqlite-wal", database.log)

    found = Found([OS, main], [log])

    assert {package.name: package.layer for package in found.packages} == {"bash": "layer0", "curl": "layer1"}
    assert Found([OS, main], [file("var/lib/rpm/rpmdb.sqlite-wal", b"")]).names == ["bash"]


@pytest.mark.parametrize("name", ["Packages.db", "Packages", "rpmdb.sqlite"])
def test_a_database_without_a_package_is_told(name: str, tmp_path: Path) -> None:
    empty = {"Packages.db": ndb(), "Packages": bdb(), "rpmdb.sqlite": SqliteDatabase(tmp_path).main}[name]
    keys = ndb(header("gpg-pubkey", "350d275d", "6279464b"))
    why = "the package database names no installed package"

    assert [(u.what, u.why) for u in Found([OS, file(f"var/lib/rpm/{name}", empty)]).unknowns] == [
        (f"var/lib/rpm/{name}", why)
    ]
    assert why in [unknown.why for unknown in Found([OS, file("var/lib/rpm/Packages.db", keys)]).unknowns]
    beside = file("usr/lib/sysimage/rpm/Packages.db", ndb(BASH))
    assert Found([OS, file(f"var/lib/rpm/{name}", empty), beside]).unknowns == []


def test_keys_are_no_packages() -> None:
    key = header("gpg-pubkey", "350d275d", "6279464b")

    assert Found([OS, file("var/lib/rpm/Packages.db", ndb(key, BASH))]).names == ["bash"]


@pytest.mark.parametrize(
    ("version", "epoch", "source", "expected"),
    [
        ("5.26.3", 4, "perl-5.26.3-420.el8.src.rpm", ("perl", "4:5.26.3-420.el8")),
        ("1.28", 4, "perl-5.26.3-420.el8.src.rpm", ("perl", "5.26.3-420.el8")),
        ("5.26.3", None, "perl-5.26.3-420.el8.src.rpm", ("perl", "5.26.3-420.el8")),
        ("5.26.3", 0, "perl-5.26.3-420.el8.nosrc.rpm", ("perl", "5.26.3-420.el8")),
        ("1", 2, "(none)", ("perl-Errno", "2:1-420.el8")),
        ("1", None, None, ("perl-Errno", "1-420.el8")),
    ],
)
def test_the_source_has_the_epoch_of_a_binary_of_its_version(
    version: str, epoch: int | None, source: str | None, expected: tuple[str, str]
) -> None:
    fields = {key: value for key, value in {"epoch": epoch, "source": source}.items() if value is not None}
    blob = header("perl-Errno", version, "420.el8", **fields)
    package = Found([OS, file("var/lib/rpm/Packages.db", ndb(blob))]).named("perl-Errno")

    assert (package.source_name, package.source_version) == expected
    assert package.version == (f"{epoch}:{version}-420.el8" if epoch else f"{version}-420.el8")
    assert ("epoch=4" in package.purl) is (epoch == 4)


def test_the_module_is_its_name_and_stream() -> None:
    blob = header("npm", module="nodejs:12:8040020210817133458:522a0ee4")

    package = Found([OS, file("var/lib/rpm/Packages.db", ndb(blob))]).named("npm")

    assert package.module == "nodejs:12"
    assert "&rpmmod=nodejs:12:8040020210817133458:522a0ee4" in package.purl


def test_a_package_belongs_to_the_layer_that_brought_its_version() -> None:
    def database(curl: str) -> bytes:
        return ndb(BASH, header("curl", curl))

    found = Found(
        [OS, file("var/lib/rpm/Packages.db", database("1"))], [file("var/lib/rpm/Packages.db", database("2"))]
    )

    assert {package.name: package.layer for package in found.packages} == {"bash": "layer0", "curl": "layer1"}


def test_what_cannot_be_read_is_said_beside_what_could() -> None:
    found = Found([OS, file("var/lib/rpm/Packages.db", ndb(BASH, b"\xff" * 50))])

    assert found.names == ["bash"]
    assert [(unknown.what, unknown.why) for unknown in found.unknowns] == [
        ("var/lib/rpm/Packages.db", "the package database is damaged: a header is longer than what holds it")
    ]


def test_packages_that_are_not_what_their_digests_say_are_named_and_kept() -> None:
    whole = sealed(header("bash", "5.1"))
    changed = sealed(header("openssl-libs", "3.0.7")).replace(b"3.0.7\0", b"3.0.9\0")

    found = Found([OS, file("var/lib/rpm/Packages.db", ndb(whole, changed))])

    assert found.named("openssl-libs").version == "3.0.9-1.el9"
    (said,) = found.unknowns
    assert said.incomplete
    assert said.why == (
        "the package database is damaged: 1 packages are not what their digests say, openssl-libs the first of them: "
        "they were taken for what their headers name, which may be another version or source"
    )


@pytest.mark.parametrize(
    ("os", "vendor", "release", "once"),
    [
        ("rocky", "Rocky Enterprise Software Foundation", "1.el9", True),
        ("rocky", "Fedora Project", "1.el9", False),  # EPEL
        ("rocky", None, "1.el9", False),
        ("rhel", "Red Hat, Inc.", "1.el9", True),
        ("azurelinux", "Microsoft Corporation", "1.azl3", True),
        ("azurelinux", "Microsoft Corporation", "1", False),
        ("fedora", "Fedora Project", "1.fc39", False),  # no advisories are published
    ],
)
def test_a_python_package_of_the_distribution_is_reported_once(
    os: str, vendor: str | None, release: str, *, once: bool
) -> None:
    place = "usr/lib/python3.9/site-packages/six-1.15.0.dist-info"
    said = {"vendor": vendor} if vendor else {}
    blob = header("python3-six", "1", release, basenames=["METADATA"], dirnames=[f"/{place}/"], dirindexes=[0], **said)
    metadata = file(f"{place}/METADATA", "Name: six\nVersion: 1.15.0\n")

    release_file = file("etc/os-release", f'ID="{os}"\nVERSION_ID="9.4"\n')
    found = Found([release_file, file("var/lib/rpm/Packages.db", ndb(blob)), metadata])

    assert found.names == (["python3-six"] if once else ["python3-six", "six"])


SPEC = """\
Name: probe
Epoch: 2
Version: 1.5
Release: 3
Summary: a probe
License: MIT
BuildArch: noarch
%description
A probe.
%package -n libprobe
Version: 7.0
Summary: its library
%description -n libprobe
A library.
%install
mkdir -p %{buildroot}/srv
head -c 300000 /dev/zero | tr '\\0' x >%{buildroot}/srv/probe
%files
/srv/probe
%files -n libprobe
%changelog
"""


@pytest.mark.skipif(shutil.which("rpmbuild") is None, reason="rpmbuild is not installed")
def test_a_database_that_rpm_wrote(tmp_path: Path) -> None:
    entries = "".join(
        f"* Mon Jan 01 2024 A B <a@b> - {number}\n- change {number} {'x' * 60}\n" for number in range(300, 0, -1)
    )
    (tmp_path / "probe.spec").write_text(SPEC + entries)
    define = ["--define", f"_topdir {tmp_path}/build", "--define", "__os_install_post %{nil}"]
    run("rpmbuild", "-bb", "--quiet", *define, str(tmp_path / "probe.spec"))
    packages = sorted(map(str, (tmp_path / "build").rglob("*.rpm")))
    root = ["--root", str(tmp_path / "root"), "--define", "_dbpath /var/lib/rpm"]
    run("rpm", *root, "--initdb")
    run("rpm", *root, "-i", "--nodeps", *packages)
    content = (tmp_path / "root/var/lib/rpm/rpmdb.sqlite").read_bytes()
    said = run("rpm", *root, "-qa", "--qf", "%{NAME} %{EPOCH}:%{VERSION}-%{RELEASE} %{SOURCERPM}\\n").splitlines()

    found = Found([OS, file("usr/lib/sysimage/rpm/rpmdb.sqlite", content)])

    assert sorted(f"{one.name} {one.version} probe-1.5-3.src.rpm" for one in found.packages) == sorted(said)
    assert [found.named(name).source_version for name in ("probe", "libprobe")] == ["2:1.5-3", "1.5-3"]
    assert found.unknowns == []


@pytest.mark.parametrize("at", [0, 9, 20, 28, 32, 40, 49, 60, 2000])
def test_a_log_of_which_sqlite_drops_a_part_is_told(tmp_path: Path, at: int) -> None:
    # Story: a bit that had flipped in the log made an update of a package vanish from the report.
    database = SqliteDatabase(tmp_path)
    database.install([BASH])
    database.checkpoint()
    main = file("var/lib/rpm/rpmdb.sqlite", database.main)
    database.install([header("curl")])
    database.install([header("zlib")])
    log = bytearray(database.log)
    log[at] ^= 1

    found = Found([OS, main, file("var/lib/rpm/rpmdb.sqlite-wal", bytes(log))])

    (tmp_path / "seen").mkdir()
    (tmp_path / "seen/db").write_bytes(database.main)
    (tmp_path / "seen/db-wal").write_bytes(log)
    with contextlib.closing(sqlite3.connect(tmp_path / "seen/db")) as opened:
        assert len(found.names) == opened.execute("SELECT count(*) FROM Packages").fetchone()[0] < 3
    assert [one.what for one in found.unknowns if one.incomplete] == ["var/lib/rpm/rpmdb.sqlite-wal"]


def test_of_a_write_that_broke_off_nothing_is_told(tmp_path: Path) -> None:
    database = SqliteDatabase(tmp_path)
    database.install([BASH])
    database.checkpoint()
    main = file("var/lib/rpm/rpmdb.sqlite", database.main)
    database.install([header("curl")])
    whole = database.log

    for log in (whole[:-1], whole[:40], whole[:32], bytes(len(whole)), b""):
        assert Found([OS, main, file("var/lib/rpm/rpmdb.sqlite-wal", log)]).unknowns == []


def run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, check=False, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_log_beside_an_empty_database_is_what_sqlite_would_drop(tmp_path: Path) -> None:
    database = SqliteDatabase(tmp_path)
    database.install([BASH])
    found = Found([OS, file("var/lib/rpm/rpmdb.sqlite"), file("var/lib/rpm/rpmdb.sqlite-wal", database.log)])

    assert found.names == []
    assert [unknown.what for unknown in found.unknowns if unknown.incomplete] == ["var/lib/rpm/rpmdb.sqlite-wal"]
