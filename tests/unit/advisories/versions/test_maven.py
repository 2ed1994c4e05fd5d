"""Maven's order, against the examples of its specification and the sequences that ComparableVersion is tested with."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hullguard.advisories.versions.maven import MavenOrder
from hullguard.advisories.versions.order import UnreadableVersion

key = MavenOrder().key
VERSION = st.from_regex(r"\A[0-9]{1,2}(?:\.[0-9]){0,3}(?:-(?:alpha|beta|rc|m|SNAPSHOT|jre|sp)-?[0-9]?)?\Z")

QUALIFIERS = [
    "1-alpha2snapshot", "1-alpha2", "1-alpha-123", "1-beta-2", "1-beta123", "1-m2", "1-m11", "1-rc", "1-cr2",
    "1-rc123", "1-SNAPSHOT", "1", "1-sp", "1-sp2", "1-sp123", "1-abc", "1-def", "1-pom-1", "1-1-snapshot", "1-1",
    "1-2", "1-123",
]  # fmt: skip
NUMBERS = [
    "2.0", "2.0.a", "2-1", "2.0.2", "2.0.123", "2.1.0", "2.1-a", "2.1b", "2.1-c", "2.1-1", "2.1.0.1", "2.2", "2.123",
    "11.a2", "11.a11", "11.b2", "11.b11", "11.m2", "11.m11", "11", "11.a", "11b", "11c", "11m",
]  # fmt: skip


@pytest.mark.parametrize("ascending", [QUALIFIERS, NUMBERS], ids=["qualifiers", "numbers"])
def test_every_version_of_a_sequence_comes_before_all_that_follow(ascending: list[str]) -> None:
    for low, high in itertools.combinations(ascending, 2):
        assert key(low) < key(high), (low, high)
        assert key(high) > key(low), (low, high)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("1", "1.0"), ("1", "1.0.0"), ("1", "1-0"), ("1", "1.0-0"), ("1.ga", "1"), ("1.final", "1"), ("1.", "1"),
        ("1-", "1"), ("1.0.0-foo.0.0", "1-foo"), ("1.0.0-0.0.0", "1"), ("1-1.foo-bar1baz-.1", "1-1.foo-bar-1-baz-0.1"),
        ("1a1", "1-alpha-1"), ("1b2", "1-beta-2"), ("1m3", "1-milestone-3"), ("1X", "1x"), ("1.0-CR1", "1.0-rc1"),
        ("2.5.4.RELEASE", "2.5.4"), ("4.1.0.Final", "4.1.0"), ("01", "1"), ("1.0.0x", "1-x"),
    ],
)  # fmt: skip
def test_versions_that_are_one(one: str, other: str) -> None:
    assert key(one) == key(other)


@pytest.mark.parametrize(
    ("low", "high"),
    [
        ("1", "2"), ("1.5", "2"), ("1", "2.5"), ("1.0", "1.1"), ("1.1", "1.2"), ("1.0.0", "1.1"), ("1.0.1", "1.1"),
        ("1.1", "1.2.0"), ("1.0-alpha-1", "1.0"), ("1.0-alpha-1", "1.0-alpha-2"), ("1.0-alpha-1", "1.0-beta-1"),
        ("1.0-beta-1", "1.0-SNAPSHOT"), ("1.0-SNAPSHOT", "1.0"), ("1.0-alpha-1-SNAPSHOT", "1.0-alpha-1"),
        ("1.0", "1.0-1"), ("1.0-1", "1.0-2"), ("1.0.0", "1.0-1"), ("2.0-1", "2.0.1"), ("2.0.1-klm", "2.0.1-lmn"),
        ("2.0.1", "2.0.1-xyz"), ("2.0.1", "2.0.1-123"), ("2.0.1-xyz", "2.0.1-123"), ("6.1.0rc3", "6.1H.5-beta"),
        ("20190126.230843", "20190126.230843.1"), ("1.0.0.RC1", "1.0.0-RC2"), ("1.0.0.X1", "1.0.0-X2"),
        ("2.14.1", "2.15.0"), ("31.1-android", "32.0.0-android"),
    ],
)  # fmt: skip
def test_versions_in_order(low: str, high: str) -> None:
    assert key(low) < key(high)


@pytest.mark.parametrize("text", ["", " ", "${project.version}", "[1.0,2.0)", "1 0", "1,0", "1/2"])
def test_what_is_no_version_is_said_to_be_none(text: str) -> None:
    with pytest.raises(UnreadableVersion):
        key(text)


@given(VERSION, VERSION, VERSION)
def test_the_order_is_total(a: str, b: str, c: str) -> None:
    assert (key(a) < key(b)) + (key(a) == key(b)) + (key(b) < key(a)) == 1
    if key(a) <= key(b) <= key(c):
        assert key(a) <= key(c)
