"""What the analyzers of language packages share: bounds, doubts, and names that cannot be names."""

from collections.abc import Iterator

import msgspec
import pytest
from tests.support import rpms
from tests.support.images import Entry
from tests.support.inventories import Found

from hullguard.inventory import bounds
from hullguard.inventory.analyzers.analyzer import Claim, Context
from hullguard.inventory.analyzers.language import Doubt, LanguageAnalyzer, Piece, Unreadable, purl
from hullguard.inventory.changes import Written
from hullguard.inventory.layer import LayerIndex
from hullguard.inventory.limits import Limits
from hullguard.inventory.squash import squash
from hullguard.inventory.wanted import Wanted
from hullguard.model.package import PackageType


class Sample(LanguageAnalyzer):
    """Reads one package a line; some lines mean trouble."""

    name, version = "sample", 1
    paths = r"sample"
    form = "sample"

    def pieces(self, path: str, content: bytes) -> Iterator[Piece | Doubt]:
        for line in content.decode().split("\n"):
            if line == "unreadable":
                raise Unreadable("is written in an unknown tongue")
            if line == "doubt":
                yield Doubt("one part is missing", "part")
                continue
            name, _, version = line.partition(" ")
            yield Piece(PackageType.NPM, name, version)


def findings(content: bytes, owned: frozenset[str] = frozenset()) -> tuple[list[str], list[tuple[str, str]]]:
    analyzer = Sample()
    tree = squash(
        [LayerIndex(changes=[Written(0, 0, "sample", None, analyzer.condense("sample", content))])],
        Wanted([analyzer]),
        Limits(),
    )
    found = analyzer.analyze(tree, Context(owned=dict.fromkeys(owned, Claim(0, frozenset([""]))), layers=("layer0",)))
    assert {package.layer for package in found.packages} <= {"layer0"}
    return [package.purl for package in found.packages], [(u.what, u.why) for u in found.unknowns]


def test_pieces_become_packages() -> None:
    assert findings(b"a 1\n@s/b 2") == (["pkg:npm/a@1", "pkg:npm/%40s/b@2"], [])


def test_doubts_say_where() -> None:
    assert findings(b"a 1\ndoubt") == (["pkg:npm/a@1"], [("sample!/part", "one part is missing")])


def test_what_was_read_before_the_trouble_is_kept() -> None:
    assert findings(b"a 1\nunreadable") == (["pkg:npm/a@1"], [("sample", "is written in an unknown tongue")])
    assert findings(b"\xff") == ([], [("sample", "is no readable sample")])


@pytest.mark.parametrize("line", ["a", " 1", "a\x1b[31m 1", "a" * 400 + " 1", "a 1\r"])
def test_what_cannot_be_a_name_or_a_version_is_told(line: str) -> None:
    packages, unknowns = findings(line.encode())

    assert packages == []
    assert "that cannot be one" in unknowns[0][1]


@pytest.mark.parametrize("name", ["@s/", "/"])
def test_a_name_without_a_base_is_told(name: str) -> None:
    assert findings(f"{name} 1".encode()) == ([], [("sample", f"{name!r} is no name of a package")])


def test_the_number_of_packages_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "PACKAGES_OF_A_FILE", 3)

    packages, unknowns = findings(b"\n".join(b"a %d" % number for number in range(10)))
    assert len(packages) == 3
    assert unknowns == [("sample", "names more than is read; the rest of it was left out")]


def test_the_number_of_doubts_is_bounded() -> None:
    assert len(findings(b"doubt\n" * 1000)[1]) == bounds.DOUBTS_OF_A_FILE + 1


def test_what_an_os_package_owns_is_passed_over() -> None:
    assert findings(b"a 1", owned=frozenset({"sample"})) == ([], [])


def test_a_file_that_says_nothing_keeps_nothing() -> None:
    class Silent(Sample):
        def pieces(self, path: str, content: bytes) -> Iterator[Piece | Doubt]:
            yield from ()

    assert Silent().condense("sample", b"x") == b""
    assert findings(b"doubt")[0] == []


@pytest.mark.parametrize(
    ("kind", "name", "expected"),
    [
        (PackageType.MAVEN, "org.example:app", "pkg:maven/org.example/app@1"),
        (PackageType.GOLANG, "github.com/a/b", "pkg:golang/github.com/a/b@1"),
        (PackageType.GOLANG, "stdlib", "pkg:golang/stdlib@1"),
        (PackageType.COMPOSER, "symfony/http", "pkg:composer/symfony/http@1"),
        (PackageType.CARGO, "serde", "pkg:cargo/serde@1"),
        (PackageType.NUGET, "Newtonsoft.Json", "pkg:nuget/Newtonsoft.Json@1"),
    ],
)
def test_purls_are_spelled_as_their_kind_wants(kind: PackageType, name: str, expected: str) -> None:
    assert purl(kind, name, "1") == expected


def test_every_kept_reading_can_be_read_again() -> None:
    kept = Sample().condense("sample", b"a 1\nb \xed\xa0\x80\ndoubt")

    assert msgspec.json.decode(kept)
    assert Found([]).packages == []


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("var/lib/dpkg/status", b"Package: /\nStatus: install ok installed\nVersion: 1\n\n"),
        ("lib/apk/db/installed", b"P:/\nV:1\n\n"),
        ("var/lib/pacman/local/a-1/desc", b"%NAME%\n/\n\n%VERSION%\n1\n"),
        ("usr/lib/sysimage/rpm/Packages.db", rpms.ndb(rpms.header("/"))),
        ("lib/python3/site-packages/a-1.dist-info/METADATA", b"Name: /\nVersion: 1\n"),
        ("srv/node_modules/a/package.json", b'{"name": "@a/ ", "version": "1"}'),
        ("usr/lib/ruby/specifications/a-1.gemspec", b's.name = " "\ns.version = "1"\n'),
    ],
)
def test_what_a_purl_cannot_name_is_an_unknown(path: str, content: bytes) -> None:
    known = {unknown.what for unknown in Found([]).unknowns}
    found = Found([Entry(path, content)])

    assert found.packages == []
    assert len({unknown.what for unknown in found.unknowns} - known) == 1
