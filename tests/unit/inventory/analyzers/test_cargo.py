"""Programs that cargo installed."""

import json

import pytest
from tests.support.images import Entry, file
from tests.support.inventories import Found

INDEX = "registry+https://github.com/rust-lang/crates.io-index"
PATH = "usr/local/cargo/.crates2.json"


def installed(*identities: str) -> Entry:
    return file(PATH, json.dumps({"installs": {identity: {"bins": ["x"]} for identity in identities}}))


def test_a_program_is_its_crate() -> None:
    package = Found([installed(f"ripgrep 11.0.0 ({INDEX})")]).named("ripgrep")

    assert (package.purl, package.ecosystem) == ("pkg:cargo/ripgrep@11.0.0", "crates.io")


@pytest.mark.parametrize("source", ["git+https://example.org/a#0123", "path+file:///srv/a"])
def test_advisories_do_not_speak_of_what_comes_from_elsewhere(source: str) -> None:
    assert Found([installed(f"a 1.0.0 ({source})")]).named("a").ecosystem == ""


def test_odd_entries_are_counted() -> None:
    found = Found([installed("a", "a 1", f"b 1.0.0 ({INDEX})")])

    assert found.names == ["b"]
    why = "2 of its entries are not made of a name, a version and a source"
    assert (PATH, why) in [(one.what, one.why) for one in found.unknowns]


@pytest.mark.parametrize("content", ["", "[]", '{"installs": 1}'])
def test_a_list_that_cannot_be_read_is_told(content: str) -> None:
    found = Found([file(PATH, content)])

    assert (PATH, "is no readable list of what cargo installed") in [(one.what, one.why) for one in found.unknowns]
