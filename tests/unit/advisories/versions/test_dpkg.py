"""Debian's order, against its own examples and against dpkg itself."""

import itertools
import shutil
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hullguard.advisories.versions.dpkg import DpkgOrder
from hullguard.advisories.versions.order import UnreadableVersion

key = DpkgOrder().key
VERSION = st.from_regex(r"\A(?:[0-9]:)?[0-9][0-9a-z.+~]{0,8}(?:-[0-9a-z.+~]{1,6})?\Z")

ASCENDING = [
    "0~~", "0~~a", "0~", "0", "0.1~rc1", "0.1", "1.0~rc1-1", "1.0-0+deb~1", "1.0-0+deb1", "1.0-1", "1.0-1+b1",
    "1.0-1.1", "1.0a", "1.0+dfsg", "1.0.1", "1.2", "1.10", "2.36-9+deb12u1", "2.36-9+deb12u10", "1:0.1", "1:0.2", "10:0",
]  # fmt: skip


def test_the_order_of_known_versions() -> None:
    descending = ASCENDING[::-1]

    assert sorted(descending, key=key) == ASCENDING


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("1.0", "1.0-0"),
        ("1.0", "0:1.0"),
        ("1.0", "1.00"),
        ("1.01", "1.1"),
        ("1.0", "1.0-"),
        ("1.", "1.0"),
        (" 1.0 ", "1.0"),
    ],
)
def test_versions_that_are_one(one: str, other: str) -> None:
    assert key(one) == key(other)


@pytest.mark.parametrize(
    ("low", "high"), [("1.0-1", "1.0.1"), ("1.0~", "1.0"), ("1.0-~", "1.0"), ("1a", "1+"), ("1z", "1.")]
)
def test_versions_that_are_easily_confused(low: str, high: str) -> None:
    assert key(low) < key(high)


@pytest.mark.parametrize(
    "text", ["", " ", "1.0 2", "1_0", "a:1.0", "1.0:2", "<unfixed>", "1.0\n2", "é", "1" * 501, "12345678901:1"]
)
def test_what_is_no_version_is_said_to_be_none(text: str) -> None:
    with pytest.raises(UnreadableVersion):
        key(text)


@given(VERSION, VERSION, VERSION)
def test_the_order_is_total(a: str, b: str, c: str) -> None:
    assert (key(a) < key(b)) + (key(a) == key(b)) + (key(b) < key(a)) == 1
    if key(a) <= key(b) <= key(c):
        assert key(a) <= key(c)


@pytest.mark.skipif(shutil.which("dpkg") is None, reason="dpkg is not installed")
@settings(max_examples=100, deadline=None)
@given(VERSION, VERSION)
def test_dpkg_says_the_same(one: str, other: str) -> None:
    assert (key(one) < key(other)) is dpkg(one, "lt", other)
    assert (key(one) == key(other)) is dpkg(one, "eq", other)


@pytest.mark.skipif(shutil.which("dpkg") is None, reason="dpkg is not installed")
def test_dpkg_says_the_same_of_neighbours() -> None:
    for low, high in itertools.pairwise(ASCENDING):
        assert dpkg(low, "lt", high), (low, high)


def dpkg(one: str, relation: str, other: str) -> bool:
    return subprocess.run(["dpkg", "--compare-versions", one, relation, other], check=False).returncode == 0
