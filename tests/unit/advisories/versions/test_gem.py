"""RubyGems' order: words, zeros and platforms."""

import itertools

import pytest

from hullguard.advisories.versions.gem import GemOrder
from hullguard.advisories.versions.order import UnreadableVersion

order = GemOrder()


def test_the_order_of_known_versions() -> None:
    ascending = ["0.9", "1.0.a", "1.0.b1", "1.0.b10", "1.0.pre", "1.0.rc1", "1.0", "1.0.1.beta", "1.0.1", "1.1", "1.10"]

    for low, high in itertools.pairwise(ascending):
        assert order.key(low) < order.key(high), (low, high)


@pytest.mark.parametrize(
    ("one", "other"), [("1", "1.0.0"), ("1.0.a", "1.a"), ("1.b1", "1.b.1"), ("1-rc1", "1.pre.rc1")]
)
def test_versions_that_are_one(one: str, other: str) -> None:
    assert order.key(one) == order.key(other)


@pytest.mark.parametrize(
    ("installed", "compared"),
    [
        ("1.10.4-java", "1.10.4"),
        ("1.13.0-x86_64-linux", "1.13.0"),
        ("1.13.0-x86_64-linux-musl", "1.13.0"),
        ("1.13.0-arm64-darwin", "1.13.0"),
        ("1.13.0-x64-mingw-ucrt", "1.13.0"),
        ("1.13.0.rc1", "1.13.0.rc1"),
    ],
)
def test_a_platform_is_no_part_of_the_version(installed: str, compared: str) -> None:
    assert order.key(installed) == order.key(compared)


@pytest.mark.parametrize("text", ["", "a.1", "1..2", "1_0", "~> 1.0", "1-x86" + "_a" * 200 + "!"])
def test_what_is_no_version_is_said_to_be_none(text: str) -> None:
    with pytest.raises(UnreadableVersion):
        order.key(text)
