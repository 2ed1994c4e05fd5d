"""npm's order: Semantic Versioning, read as loosely as npm reads it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hullguard.advisories.versions.order import UnreadableVersion
from hullguard.advisories.versions.semver import SemverOrder

key = SemverOrder().key
VERSION = st.from_regex(
    r"\A[0-9]{1,2}\.[0-9]{1,2}\.[0-9](?:-(?:[0-9]|[a-z]{1,3})(?:\.(?:[0-9]|[a-z]))?)?(?:\+[0-9a-z])?\Z"
)


def test_the_example_of_the_specification() -> None:
    ascending = [
        "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta", "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0-rc.1",
        "1.0.0", "2.0.0", "2.1.0", "2.1.1", "10.0.0",
    ]  # fmt: skip
    descending = ascending[::-1]

    assert sorted(descending, key=key) == ascending


@pytest.mark.parametrize(
    ("one", "other"),
    [("1.0.0+a", "1.0.0+b"), ("v1.2.3", "1.2.3"), ("=1.2.3", "1.2.3"), ("1", "1.0.0"), ("1.2", "1.2.0")],
)
def test_versions_that_are_one(one: str, other: str) -> None:
    assert key(one) == key(other)


@pytest.mark.parametrize("text", ["", "latest", "1.x", "1.2.3.4", "^1.0.0", "git+https://x", "1.2.3-", "workspace:*"])
def test_what_is_no_version_is_said_to_be_none(text: str) -> None:
    with pytest.raises(UnreadableVersion):
        key(text)


@given(VERSION, VERSION, VERSION)
def test_the_order_is_total(a: str, b: str, c: str) -> None:
    assert (key(a) < key(b)) + (key(a) == key(b)) + (key(b) < key(a)) == 1
    if key(a) <= key(b) <= key(c):
        assert key(a) <= key(c)
