"""Composer's order: stages, branches and dates."""

import itertools

import pytest

from hullguard.advisories.versions.composer import ComposerOrder
from hullguard.advisories.versions.order import UnreadableVersion

key = ComposerOrder().key


def test_every_version_of_a_sequence_comes_before_all_that_follow() -> None:
    ascending = [
        "1.0.0-dev", "1.0.0-alpha1-dev", "1.0.0-alpha1", "1.0.0-alpha.2", "1.0.0-beta", "1.0.0-beta1", "1.0.0RC1",
        "1.0.0-RC10", "1.0.0", "1.0.0-p1", "1.0.0-patch2", "1.0.1", "1.2.0", "1.10", "1.x-dev", "2.0", "v5.4.3.2",
        "2011.05.06", "20100102", "20100102-203040",
    ]  # fmt: skip

    for low, high in itertools.combinations(ascending, 2):
        assert key(low) < key(high), (low, high)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("v1.0", "1.0.0.0"),
        ("1.0-stable", "1.0"),
        ("1.0b2", "1.0.0-beta2"),
        ("1.0-pl1", "1.0-p1"),
        ("1.0+build", "1.0"),
        ("1.x-dev", "1.x.x-dev"),
        ("2010-01-02", "2010:01:02"),
    ],
)
def test_versions_that_are_one(one: str, other: str) -> None:
    assert key(one) == key(other)


@pytest.mark.parametrize(
    "text", ["", "dev-master", "master", "1.0.0.0.0.x", "^1.0", "1.0 || 2.0", "1.0-beta" + "1" * 400 + "x"]
)
def test_what_is_no_version_is_said_to_be_none(text: str) -> None:
    with pytest.raises(UnreadableVersion):
        key(text)
