"""Lock files: every format from a file as its tool writes it, bytes that mean harm, and where they count."""

import json
from pathlib import Path

import pytest
from tests.support.images import Entry, Image, file, layer
from tests.support.inventories import Found
from tests.support.lockfiles import CASES, COMPOSER, GO_MOD, GO_SUM, NPM_3, POETRY, POM

from hullguard.inventory.analyzers.locks import analyzer as locks
from hullguard.inventory.analyzers.locks.analyzer import LockAnalyzer
from hullguard.inventory.read import read

NAMES = sorted({name for name, _, _ in CASES})


def entry(path: str, content: object) -> Entry:
    return file(path, content if isinstance(content, str) else json.dumps(content))


@pytest.mark.parametrize(("name", "content", "purls"), CASES)
def test_every_format_is_read(name: str, content: object, purls: list[str]) -> None:
    found = Found([entry(f"src/{name}", content)])

    gin = ["pkg:golang/github.com/gin-gonic/gin@v1.6.0"] if name.startswith("go.") else []
    assert sorted(package.purl for package in found.packages) == sorted(purls + gin)
    assert all(package.ecosystem and package.locations == (f"src/{name}",) for package in found.packages)


def test_go_sum_counts_only_without_go_mod() -> None:
    both = Found([file("a/go.mod", "module a\n\ngo 1.20\n"), file("a/go.sum", GO_SUM)])

    assert both.names == []
    assert Found([file("a/go.sum", GO_SUM)]).names == ["github.com/gin-gonic/gin"]


def test_an_old_go_mod_says_that_it_is_not_complete() -> None:
    found = Found([file("go.mod", GO_MOD.replace("go 1.19", "go 1.16"))])

    assert "go.mod" in [unknown.what for unknown in found.unknowns]


def test_licences_that_a_lock_file_states_are_kept() -> None:
    assert Found([entry("package-lock.json", NPM_3)]).named("lodash").licenses == ("MIT",)
    assert Found([entry("composer.lock", COMPOSER)]).named("symfony/http-kernel").licenses == ("MIT",)


def test_versions_that_other_files_decide_are_counted() -> None:
    whys = [unknown.why for unknown in Found([file("pom.xml", POM)]).unknowns]

    assert "leaves the versions of 2 dependencies to other files" in whys


def test_a_project_file_with_entities_is_refused() -> None:
    bomb = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]><project>&b;</project>'

    found = Found([file("pom.xml", bomb)])
    assert ("pom.xml", "declares a document type, which no project file needs; it was not read") in [
        (unknown.what, unknown.why) for unknown in found.unknowns
    ]


@pytest.mark.parametrize("name", ["poetry.lock", "Cargo.lock"])
def test_keys_of_thousands_of_parts_are_not_read(name: str) -> None:
    found = Found([file(f"a/{name}", f"{POETRY}\n{'a.' * 50_000}a = 1\n"), file("b/poetry.lock", POETRY)])

    assert [package.locations for package in found.packages] == [("b/poetry.lock",)]
    why = "has a line with more than 100 dots, which no tool writes; it was not read"
    assert (f"a/{name}", why) in [(unknown.what, unknown.why) for unknown in found.unknowns]


@pytest.mark.parametrize("inside", ["node_modules/x", "lib/site-packages/x", "vendor/a/b", "gems/rack-2.0.6"])
def test_lock_files_of_installed_packages_do_not_count(inside: str) -> None:
    assert Found([entry(f"srv/{inside}/package-lock.json", NPM_3)]).names == []


@pytest.mark.parametrize("name", NAMES)
def test_bytes_that_mean_harm_never_raise(name: str) -> None:
    analyzer = LockAnalyzer()
    good = next(content for known, content, _ in CASES if known == name)
    content = (good if isinstance(good, str) else json.dumps(good)).encode()
    hostile = [b"", b"\xff" * 100, b"[" * 50_000, b'{"a":' * 50_000, b"<a>" * 50_000, b"a = [" * 20_000, b" " * 100_000]
    hostile += [
        start + unit * 100_000
        for start in (b"packages:\n  a@1.1.1", b"  ", b"")
        for unit in (b"1", b"-1", b" ", b'"a@1')
    ]
    hostile += [content[:position] for position in range(0, len(content), 7)]
    hostile += [content.replace(b"1", b"\x00"), content.replace(b'"', b"'"), content.replace(b":", b"")]

    assert all(isinstance(analyzer.condense(name, each), bytes) for each in hostile)


def test_a_lock_file_without_end_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locks, "_BYTES", 100)

    found = Found([entry("package-lock.json", NPM_3)])
    assert found.names == []
    assert "package-lock.json" in [unknown.what for unknown in found.unknowns]


def test_they_count_in_directories_and_not_in_images(tmp_path: Path) -> None:
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "poetry.lock").write_text(POETRY)
    image = Image([layer(file("project/poetry.lock", POETRY))]).docker_archive(tmp_path / "image.tar")

    assert [package.name for package in read(f"dir:{tmp_path / 'project'}").packages] == ["django"]
    assert read(f"docker-archive:{image}").packages == ()
