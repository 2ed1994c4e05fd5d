"""Python's order is the packaging library's; what is ours is how local versions count."""

import pytest

from hullguard.advisories.versions.order import UnreadableVersion
from hullguard.advisories.versions.pep440 import Pep440Order

order = Pep440Order()


def test_the_order_of_known_versions() -> None:
    ascending = ["1.0.dev1", "1.0a1", "1.0b2", "1.0rc1", "1.0", "1.0.post1", "1.1", "1.10", "2!0.1"]
    descending = ascending[::-1]

    assert sorted(descending, key=order.key) == ascending
    assert order.key("1.0") == order.key("1.0.0") == order.key("v1.0")


@pytest.mark.parametrize(("bound", "compared"), [("2.0", "2.0"), ("2.0+1", "2.0+cu118")])
def test_a_local_version_counts_only_against_one_that_has_one(bound: str, compared: str) -> None:
    assert order.installed_for("2.0+cu118", bound) == compared


@pytest.mark.parametrize("text", ["", "latest", "1.0-unknown-x", "dog", "1..2"])
def test_what_is_no_version_is_said_to_be_none(text: str) -> None:
    with pytest.raises(UnreadableVersion):
        order.key(text)
