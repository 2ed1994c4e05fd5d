"""Whatever limit is reached inside an image: what was cut is named, and the report is incomplete."""

import json
import random
import zlib
from pathlib import Path

import pytest
import zstandard
from tests.support.archives import jar, pom_properties, zipped
from tests.support.images import Image, dpkg_entry, dpkg_status, file, layer
from tests.support.programs import elf, go_info, go_program
from tests.support.rpms import SqliteDatabase, header, ndb
from tests.support.specimens import specimen

from hullguard.inventory import Limits, bounds, read
from hullguard.inventory.content.malware.inspector import RULES_VARIABLE
from hullguard.inventory.content.secrets.rules.catalog import RULES
from hullguard.model.inventory import Inventory

OWN = b"ID=own\n"
"""A distribution of which nobody expects a package database."""
NAMES = {name: bound for name, bound in vars(bounds).items() if isinstance(bound, bounds.Bound)}
NESTED = jar({"b.jar": jar({"c.jar": jar()})})
MODULES = "mod\texample.com/app\tv1.0.0\n" + "dep\texample.com/a\tv1.0.0\n" * 9
CRATES = zlib.compress(json.dumps({"packages": [{"name": "a" * 99, "version": "1"}] * 9}).encode())
NPM_6 = {"dependencies": {"a": {"version": "1.0.0", "dependencies": {"b": {"version": "1.0.0"}}}}}
BILL = json.dumps({"bomFormat": "CycloneDX", "specVersion": "1.5", "components": [{"name": "a", "version": "1"}]})
POM = "<project><dependencies><dependency/></dependencies></project>"
SELF = "<groupId>a</groupId><artifactId>a</artifactId><version>1</version>"
OWN_BILL = (
    f"<project>{SELF}<dependencyManagement><dependencies><dependency>{SELF}<type>pom</type><scope>import</scope>"
    "</dependency></dependencies></dependencyManagement><dependencies><dependency><groupId>b</groupId>"
    "<artifactId>b</artifactId></dependency></dependencies></project>"
)
TOKEN = next(rule for rule in RULES if rule.id == "npm-token")
TOKENS = b"\n".join(specimen(TOKEN, seed=seed) for seed in range(9))
STATUS = "".join(dpkg_entry(f"a{number}", "1") + "\n" for number in range(9))
CHISEL = b'{"jsonwall": "1.0", "schema": "1.0", "count": 3}\n' + b'{"kind": "slice", "name": "a_b"}\n' * 2
REDIS = b"\0" * 99 + b"7.0.11build-1689023612000000000"

HALF = "Status: install ok half-installed\n\n"
FILES: dict[str, tuple[int, str, bytes | str]] = {
    "PACKAGES_OF_A_FILE": (2, "requirements.txt", "a==1\nb==1\nc==1\n"),
    "DOUBTS_OF_A_FILE": (2, "srv/composer/installed.json", json.dumps([{}] * 5)),
    "DOUBTS": (2, "var/lib/dpkg/status", "".join(f"Package: a{number}\nVersion: 1\n{HALF}" for number in range(5))),
    "OBJECTS": (2, "srv/composer/installed.json", json.dumps([{"name": "a/b", "version": "1"}] * 3)),
    "METADATA_BYTES": (99, "lib/a-1.dist-info/METADATA", "Name: a\nVersion: 1\n" + "Classifier: x\n" * 99),
    "OS_RELEASE_BYTES": (99, "etc/os-release", OWN + b"#" * 99),
    "LOCK_BYTES": (9, "requirements.txt", "a==1\n" * 9),
    "LOCK_LINE": (9, "requirements.txt", "a==1\nbbbbbbbbbbbbb==1\n"),
    "LOCK_LINES": (2, "poetry.lock", '[[package]]\nname = "a"\nversion = "1"\n'),
    "LOCK_TABLES": (1, "poetry.lock", '[[package]]\nname = "a"\nversion = "1"\n'),
    "LOCK_DOTS": (1, "poetry.lock", '[[package]]\nname = "a"\nversion = "1.2.3"\n'),
    "LOCK_LEVELS": (0, "package-lock.json", json.dumps(NPM_6)),
    "POM_TAGS": (3, "pom.xml", POM),
    "POM_PARENTS": (0, "pom.xml", OWN_BILL),
    "POM_STEPS": (0, "pom.xml", POM),
    "NESTED_ARCHIVES": (1, "a.jar", NESTED),
    "UNNAMED_MEMBERS": (1, "data.zip", zipped({"a": b"1", "b": b"2", "c": b"3"})),
    "POMS": (1, "a.jar", jar({**pom_properties("g", "a", "1"), **pom_properties("g", "b", "1")})),
    "GROWTH": (0, "a.jar", jar({"b.jar": random.Random(1).randbytes(1 << 21)})),
    "CRATES_BYTES": (99, "app", elf({".dep-v0": CRATES})),
    "MODULES_BYTES": (99, "app", go_program("go1.20", MODULES)),
    "MARKS": (2, "app", elf({".data": b"\xff Go buildinf:\x08\x02".ljust(32) * 2 + go_info("go1.20", MODULES)})),
    "SECTIONS": (2, "app", elf({".a": b"", ".b": b"", ".c": b""})),
    "SECTION_NAMES_BYTES": (9, "app", elf({".dep-v0": CRATES})),
    "PROGRAM_PLACES": (1, "redis-server", elf(extra=b"-1234567890" * 3 + REDIS)),
    "PROGRAM_BYTES": (99, "redis-server", elf(extra=REDIS)),
    "PROGRAMS_BYTES": (99, "redis-server", elf(extra=REDIS)),
    "RUNTIME_BYTES": (9, "opt/jdk/release", 'JAVA_VERSION="17.0.7"\n'),
    "DATABASE_LINES": (5, "var/lib/dpkg/status", STATUS),
    "CHISEL_BYTES": (99, "var/lib/chisel/manifest.wall", zstandard.compress(CHISEL)),
    "LISTED_FILES": (1, "lib/apk/db/installed", "P:a\nV:1\nF:bin\nR:a\nR:b\n\n"),
    "RPM_PACKAGES": (2, "var/lib/rpm/Packages.db", ndb(*(header(f"a{number}") for number in range(3)))),
    "SYMBOLS_BYTES": (9, "app", elf({".svm_heap": b"x", ".dynsym": b"x" * 24, ".dynstr": b"x"})),
    "BILL_BYTES": (9, "a.cdx.json", BILL),
    "BILL_PARTS": (1, "a.cdx.json", BILL),
    "BILLS_PARTS": (1, "a.cdx.json", BILL),
    "BILLS_OF_AN_ARCHIVE": (1, "a.jar", jar({"META-INF/a.cdx.json": BILL, "META-INF/b.cdx.json": BILL})),
    "SECRETS_OF_A_FILE": (2, "a", TOKENS),
    "WIDE_BYTES": (20, "a", b"\xff" * 90 + "a run of twenty characters".encode("utf-16-le") + b"\xff" * (1 << 20)),
    "GIT_OBJECT_BYTES": (9, f"a/.git/objects/0d/{'8' * 38}", zlib.compress(b"blob 99\0" + b"x" * 99)),
    "GIT_BYTES": (0, f"a/.git/objects/0d/{'8' * 38}", zlib.compress(b"blob 99\0" + b"x" * 99)),
    "SECRETS_JUDGED": (0, "a", TOKENS + b"\n" * (1 << 21) + TOKENS),
}
"""By the limit's name what it is made for the test, and a file that goes beyond."""
ELSEWHERE = {
    *("RPM_PAGES", "MALWARE_SECONDS", "MALWARE_SECONDS_OF_ALL"),
    *("COPYRIGHT_BYTES", "COPYRIGHT_PROSE", "COPYRIGHT_LICENSES", "ACCOUNTS_BYTES"),
    *(
        "LINKED_DIRECTORIES",
        "LINKS_TO_A_DIRECTORY",
        "CONFIG_ENTRIES",
        "INSTRUCTION_CHARACTERS",
        "SBOM_DOUBTS",
        "SBOM_PACKAGES",
    ),
}
"""Those that one file in a directory does not reach; each has a test of its own below."""


def told(found: Inventory) -> list[str]:
    """What makes an inventory incomplete."""
    assert found.complete != any(unknown.incomplete for unknown in found.unknowns)
    return [unknown.what for unknown in found.unknowns if unknown.incomplete]


def tree(root: Path, path: str, content: bytes | str) -> Inventory:
    place = root / path
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read(f"dir:{root}", scanners=frozenset({"secret"}))


def test_every_limit_is_reached_by_a_test() -> None:
    assert (FILES.keys() & ELSEWHERE, FILES.keys() | ELSEWHERE) == (set(), NAMES.keys())


@pytest.mark.parametrize("name", FILES)
def test_a_limit_that_is_reached_makes_the_report_incomplete(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    most, path, content = FILES[name]
    assert told(tree(tmp_path, path, content)) == []

    monkeypatch.setattr(bounds, name, most)
    assert told(tree(tmp_path, path, content))


@pytest.mark.parametrize(
    ("name", "most", "content"),
    [
        ("COPYRIGHT_BYTES", 99, "License: MIT\n" * 9),
        ("COPYRIGHT_PROSE", 99, "License: MIT\n" * 9),
        ("COPYRIGHT_LICENSES", 1, "License: MIT\nLicense: ISC\n"),
    ],
)
def test_copyright_files(name: str, most: int, content: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tree(tmp_path, "var/lib/dpkg/status", dpkg_entry("a", "1"))
    tree(tmp_path, "usr/share/doc/a/copyright", content)
    assert told(read(f"dir:{tmp_path}", licenses=True)) == []

    monkeypatch.setattr(bounds, name, most)
    assert told(read(f"dir:{tmp_path}", licenses=True)) == ["licenses"]


def test_files_of_accounts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tree(tmp_path, "etc/passwd", "root:x:0:0::/:/bin/sh\n")
    assert told(read(f"dir:{tmp_path}", scanners=frozenset({"config"}))) == []

    monkeypatch.setattr(bounds, "ACCOUNTS_BYTES", 9)
    assert told(read(f"dir:{tmp_path}", scanners=frozenset({"config"}))) == ["etc/passwd"]


def test_pages_of_a_database_of_rpm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    database = SqliteDatabase(tmp_path)
    database.install([header(f"a{number}") for number in range(20)])
    database.checkpoint()
    database.install([header("b")])
    log = tmp_path / "root/var/lib/rpm/rpmdb.sqlite-wal"
    log.parent.mkdir(parents=True)
    log.write_bytes(database.log)
    assert told(tree(tmp_path / "root", "var/lib/rpm/rpmdb.sqlite", database.main)) == []

    monkeypatch.setattr(bounds, "RPM_PAGES", 2)
    assert told(tree(tmp_path / "root", "var/lib/rpm/rpmdb.sqlite", database.main)) == ["var/lib/rpm/rpmdb.sqlite"]


def test_links_to_directories_of_packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in "abc":
        tree(tmp_path, f"opt/{name}/package.json", f'{{"name": "{name}", "version": "1"}}')
        (tmp_path / "srv/node_modules").mkdir(parents=True, exist_ok=True)
        (tmp_path / f"srv/node_modules/{name}").symlink_to(f"/opt/{name}")
    whole = read(f"dir:{tmp_path}")

    monkeypatch.setattr(bounds, "LINKED_DIRECTORIES", 2)
    cut = read(f"dir:{tmp_path}")

    assert ([one.name for one in whole.packages], told(whole)) == (["a", "b", "c"], [])
    assert ([one.name for one in cut.packages], told(cut)) == (["a", "b"], ["srv/node_modules/c"])


def test_links_to_one_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tree(tmp_path, "opt/a/package.json", '{"name": "a", "version": "1"}')
    for name in "abc":
        (tmp_path / f"srv/{name}").mkdir(parents=True)
        (tmp_path / f"srv/{name}/node_modules").symlink_to("/opt")
    whole = read(f"dir:{tmp_path}")

    monkeypatch.setattr(bounds, "LINKS_TO_A_DIRECTORY", 2)
    cut = read(f"dir:{tmp_path}")

    assert ([one.name for one in whole.packages], told(whole)) == (["a"], [])
    assert ([one.name for one in cut.packages], told(cut)) == (["a"], ["srv/c/node_modules"])


def test_rules_of_malware_that_take_too_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    endless = "rule a { condition: for all i in (0..1000000) : (for all j in (0..1000000) : (uint8(j % 9) >= 0)) }"
    (tmp_path / "rules.yar").write_text(endless, encoding="utf-8")
    monkeypatch.setenv(RULES_VARIABLE, str(tmp_path / "rules.yar"))
    monkeypatch.setattr(bounds, "MALWARE_SECONDS", 1)
    (tmp_path / "root").mkdir()
    (tmp_path / "root/a.sh").write_bytes(b"#!/bin/sh\n" + b"x" * 5000)

    assert told(read(f"dir:{tmp_path / 'root'}", scanners=frozenset({"malware"}))) == ["a.sh"]


def test_secrets_that_are_looked_for_too_long(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).write_bytes(b"text that is long enough")
    scanners = frozenset({"secret"})

    assert told(read(f"dir:{tmp_path}", scanners=scanners)) == []
    assert sorted(told(read(f"dir:{tmp_path}", limits=Limits(secret_seconds=0), scanners=scanners))) == ["a", "b"]


def test_rules_of_malware_that_take_too_long_on_all_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a.sh", "b.sh"):
        (tmp_path / name).write_bytes(b"#!/bin/sh\n")
    assert told(read(f"dir:{tmp_path}", scanners=frozenset({"malware"}))) == []

    monkeypatch.setattr(bounds, "MALWARE_SECONDS_OF_ALL", 1e-9)
    (name,) = told(read(f"dir:{tmp_path}", scanners=frozenset({"malware"})))
    assert name in {"a.sh", "b.sh"}


@pytest.mark.parametrize("name", ["CONFIG_ENTRIES", "INSTRUCTION_CHARACTERS"])
def test_a_configuration_of_too_much(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    history = [{"created_by": "RUN true", "empty_layer": True}] * 5
    image = Image([layer(file("etc/os-release", OWN))], history=[*history, {"created_by": "COPY a b"}])
    archive = str(image.docker_archive(tmp_path / "image.tar"))
    assert told(read(archive, scanners=frozenset({"config"}))) == []

    monkeypatch.setattr(bounds, name, 3)
    assert "image configuration" in told(read(archive, scanners=frozenset({"config"})))


@pytest.mark.parametrize(("name", "purl"), [("SBOM_DOUBTS", None), ("SBOM_PACKAGES", "pkg:pypi/a@1")])
def test_a_bill_of_materials_of_too_much(
    name: str, purl: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    components = [{"type": "library", "name": f"a{number}", "version": "1", "purl": purl} for number in range(5)]
    bill = tmp_path / "bill.json"
    bill.write_text(json.dumps({"bomFormat": "CycloneDX", "specVersion": "1.5", "components": components}), "utf-8")
    assert told(read(f"sbom:{bill}")) == []

    monkeypatch.setattr(bounds, name, 3)
    assert told(read(f"sbom:{bill}"))


@pytest.mark.parametrize(
    ("limits", "scanner"),
    [(Limits(depth=1), "secret"), (Limits(hits=2), "secret"), (Limits(file_bytes=99), ""), (Limits(packages=2), "")],
    ids=["depth", "hits", "file_bytes", "packages"],
)
def test_a_limit_on_the_image_that_leaves_something_out(limits: Limits, scanner: str, tmp_path: Path) -> None:
    (tmp_path / "a/b/c").mkdir(parents=True)
    (tmp_path / "a/tokens").write_bytes(TOKENS)
    (tmp_path / "var/lib/dpkg").mkdir(parents=True)
    (tmp_path / "var/lib/dpkg/status").write_text(STATUS, encoding="utf-8")
    scanners = frozenset({scanner} if scanner else ())
    assert told(read(f"dir:{tmp_path}", scanners=scanners)) == []

    assert told(read(f"dir:{tmp_path}", scanners=scanners, limits=limits))


def test_more_refused_entries_than_are_named(tmp_path: Path) -> None:
    entries = [file(f"a{number}/.wh.") for number in range(3)]
    image = Image([layer(dpkg_status(dpkg_entry("a", "1")), *entries)])
    archive = str(image.docker_archive(tmp_path / "image.tar"))

    assert told(read(archive)) == []
    assert told(read(archive, limits=Limits(refused=1))) == ["more entries"]
