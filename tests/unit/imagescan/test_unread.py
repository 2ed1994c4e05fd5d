"""Packages that moved to where nobody reads them are not fixed, and what nobody has packed away is."""

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from tests.support.advisories import affected, database, record
from tests.support.archives import jar
from tests.support.images import Image, file, layer, node_package
from tests.support.programs import assembly, elf, go_program
from tests.support.reports import report

from hullguard.imagescan.diff import Verdict, compare
from hullguard.imagescan.scan import Scanner
from hullguard.imagescan.unread import _BY_WHY, unread, unread_things
from hullguard.inventory.analyzers.catalog import ANALYZERS
from hullguard.inventory.analyzers.unread import KINDS_BY_NAME
from hullguard.model.package import PackageType, Unknown
from hullguard.model.report import ScanReport
from hullguard.words.catalogue import load

ZERO = {"introduced": "0"}
MAVEN = "groupId=org.example\nartifactId=core\nversion=1.0\n"
NPM = node_package("lodash", "4.17.4")
PYPI = file("usr/lib/python3/dist-packages/pip-1.0.dist-info/METADATA", "Name: pip\nVersion: 1.0\n")
JAR = file("opt/core.jar", jar({"META-INF/maven/org.example/core/pom.properties": MAVEN}))
BARE = file("opt/app.jar", jar())
PACKED = (
    ("npm", NPM, file("srv/.pnp.cjs", "")),
    ("npm", NPM, file("opt/app/resources/app.asar", b"\4\0\0\0")),
    ("pypi", PYPI, file("wheels/pip-1.0-py3-none-any.whl", b"PK")),
    ("maven", JAR, BARE),
)


@pytest.fixture
def scanner(tmp_path: Path) -> Scanner:
    of = (("npm", "lodash"), ("PyPI", "pip"), ("Maven", "org.example:core"))
    return Scanner(database(tmp_path / "db", *(record(f"GHSA-{eco}", affected(eco, name, ZERO)) for eco, name in of)))


def scanned(scanner: Scanner, path: Path, *entries: Any) -> ScanReport:
    return scanner.scan(str(Image([layer(*entries)]).docker_archive(path)))


@pytest.mark.parametrize(("kind", "read", "packed"), PACKED)
def test_what_moved_into_archives_that_are_not_read_is_undecided(
    tmp_path: Path, scanner: Scanner, kind: str, read: Any, packed: Any
) -> None:
    other = file("etc/motd", "hello")
    before = scanned(scanner, tmp_path / "before.tar", read)
    after = scanned(scanner, tmp_path / "after.tar", packed)
    gone = scanned(scanner, tmp_path / "gone.tar", other)
    both = scanned(scanner, tmp_path / "both.tar", read, packed)

    assert len(before.vulnerabilities) == 1
    assert unread(after) == {PackageType(kind): 1}
    assert compare(before, after).verdict is compare(after, before).verdict is Verdict.UNDECIDED
    assert compare(before, gone).verdict is Verdict.BETTER
    assert compare(both, after).verdict is Verdict.BETTER  # as much was not read before


def test_what_is_packed_away_of_another_kind_hides_nothing(tmp_path: Path, scanner: Scanner) -> None:
    before = scanned(scanner, tmp_path / "before.tar", PYPI)

    for _, _, packed in PACKED[:2]:
        assert compare(before, scanned(scanner, tmp_path / "after.tar", packed)).verdict is Verdict.BETTER


def test_as_many_findings_beside_more_that_is_packed_away_are_not_the_same(tmp_path: Path, scanner: Scanner) -> None:
    packed = file("a/.pnp.cjs", "")
    before = scanned(scanner, tmp_path / "before.tar", NPM)
    moved = scanned(scanner, tmp_path / "moved.tar", node_package("lodash", "4.17.4", "srv/other"), packed)
    both = scanned(scanner, tmp_path / "both.tar", NPM, packed)

    assert compare(before, moved).verdict is compare(moved, before).verdict is Verdict.UNDECIDED
    assert compare(both, moved).verdict is Verdict.SAME


DAMAGED = (
    ("npm", NPM, file("srv/node_modules/other/package.json", '{"name":"lod')),
    ("pypi", PYPI, file("usr/lib/python3/dist-packages/Other-1.0.dist-info/METADATA", b"\0\xff" * 50)),
    ("maven", JAR, file("opt/app.jar", b"PK\3\4" + b"\xff" * 3000)),
    ("golang", None, file("usr/bin/app", go_program("go1.19.3", "path\texample.org/app\n"))),
    ("cargo", None, file("usr/bin/app", elf({".comment": b"rustc version 1.80.0\0"}))),
    ("nuget", None, file("app/Some.dll", assembly("1.0.0.0"))),
    ("gem", None, file("usr/share/gems/specifications/x-1.gemspec", b"Gem::Specification.new do |s|\n")),
    ("composer", None, file("app/vendor/composer/installed.json", b"{")),
    ("generic", None, file("opt/app/bom.json", b'{"bomFormat": "CycloneDX", "specVersion": ')),
)


@pytest.mark.parametrize(("kind", "read", "damaged"), DAMAGED)
def test_what_is_damaged_or_lists_nothing_may_hold_packages_of_its_kind(
    tmp_path: Path, scanner: Scanner, kind: str, read: Any, damaged: Any
) -> None:
    after = scanned(scanner, tmp_path / "after.tar", damaged)

    assert unread(after)[PackageType(kind)] == 1, after.unknowns
    if read is not None:
        before = scanned(scanner, tmp_path / "before.tar", read)
        assert compare(before, after).verdict is Verdict.UNDECIDED


def test_python_in_a_zip_archive_counts_for_each_of_its_packages(tmp_path: Path, scanner: Scanner) -> None:
    path = tmp_path / "app.jar"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("META-INF/MANIFEST.MF", "")
        for name in ("a", "b"):
            archive.writestr(f"lib/{name}-1.dist-info/METADATA", f"Name: {name}\nVersion: 1\n")

    found = unread(scanned(scanner, tmp_path / "image.tar", file("opt/app.jar", path.read_bytes())))

    assert (found[PackageType.PYPI], found[PackageType.NPM]) == (2, 2)


def test_a_part_of_a_bill_that_lost_its_purl_is_undecided(tmp_path: Path, scanner: Scanner) -> None:
    def bill(**part: str) -> ScanReport:
        path = tmp_path / "bill.json"
        parts = [{"type": "library", "version": "1.0", **part}]
        path.write_text(json.dumps({"bomFormat": "CycloneDX", "specVersion": "1.5", "components": parts}))
        return scanner.scan(f"sbom:{path}")

    before = bill(group="org.example", name="core", purl="pkg:maven/org.example/core@1.0")

    assert compare(before, bill(group="org.example", name="core")).verdict is Verdict.UNDECIDED
    assert compare(before, bill(name="other")).verdict is Verdict.BETTER


def test_every_kind_that_is_not_read_is_of_one_that_advisories_speak_of_or_of_none() -> None:
    without = {name for name, of in KINDS_BY_NAME.items() if of is None}

    assert without == {
        *("Lua", "WordPress's plugins and themes", "PECL and other channels of PEAR", "opam", "Solus", "CPAN"),
        *("snap in its archives", "Homebrew's casks"),
        "bills of materials in other forms, or of packages of Node.js",
    }


def test_each_thing_is_counted_once_whatever_may_be_in_it() -> None:
    said = (
        Unknown("app.jar", "an archive that holds 3 packages of Python or Node.js; they were not read"),
        Unknown("var/lib/rpm", "an OS package database lies outside the root file system: it was not read"),
        Unknown("packages of Lua", f"packages of this kind are not read; {SIGNS.format(2)}"),
        Unknown("packages of Lua", f"packages of this kind are not read; {SIGNS.format('9' * 5000)}"),
        Unknown("packages of Nobody", f"packages of this kind are not read; {SIGNS.format(7)}"),
        Unknown("licenses", "1 packages of dpkg (libc6) have no copyright file in usr/share/doc"),
    )

    assert unread_things(report(unknowns=said)) == 3 + 1 + 2
    assert unread(report(unknowns=said))[PackageType.GENERIC] == 2


SIGNS = "there are {} signs of them, usr/share/lua the first"


def test_every_sentence_by_which_something_counts_as_not_read_is_one_that_analyzers_say() -> None:
    # Every sentence of theirs is in the catalogue, so one that is reworded is missed here.
    said = {*load("zh").written, *(f"is no readable {each.form}" for each in ANALYZERS if hasattr(each, "form"))}

    assert [start for start, _ in _BY_WHY if not any(sentence.startswith(start) for sentence in said)] == []
