"""pacman's order, against hand-made tables and against libalpm itself."""

import ctypes
import ctypes.util
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hullguard.advisories.versions.order import UnreadableVersion
from hullguard.advisories.versions.pacman import PacmanOrder

order = PacmanOrder()
key = order.key
PARTS = ["0", "1", "01", "2", "10", "2024", "a", "b", "rc", "r123", "beta", "Z"]
SEPARATORS = [".", ".", ".", "_", "+", "", "", "..", "._"]
VERSION = st.from_regex(r"\A(?:[0-9]:)?[0-9][0-9a-z.+_]{0,8}[0-9a-z](?:-[0-9]{1,3})?\Z")

ASCENDING = [
    "0.9", "1.0a", "1.0alpha", "1.0b", "1.0beta", "1.0p", "1.0pre", "1.0rc", "1.0", "1.0.a", "1.0.1", "1.0..1", "1.1",
    "1.1-1", "1.1-2", "1.1-2.1", "1.10-1", "1:0.1",
]  # fmt: skip


def test_the_order_of_known_versions() -> None:
    descending = ASCENDING[::-1]

    assert sorted(descending, key=key) == ASCENDING


def test_trailing_letters_are_older_which_rpm_sees_the_other_way() -> None:
    assert key("1.0rc1-1") < key("1.0-1")


@pytest.mark.parametrize(
    ("one", "other"), [("1.0", "0:1.0"), ("1.01", "1.1"), ("1.0", "1_0"), ("1.0-1", "1.0-01"), (" 1.0 ", "1.0")]
)
def test_versions_that_are_one(one: str, other: str) -> None:
    assert key(one) == key(other)


@pytest.mark.parametrize(
    "text", ["", " ", "1.0.", "1.0-x", "1.0-", "a:1", "1:2:3", "1 2", "é", "1é2", "1/2", "1" * 501]
)
def test_what_is_no_version_is_said_to_be_none(text: str) -> None:
    with pytest.raises(UnreadableVersion):
        key(text)


def test_a_bound_without_a_release_is_about_every_release() -> None:
    assert key(order.installed_for("2.0-7", "2.0")) == key("2.0")
    assert order.installed_for("2.0-7", "2.0-1") == "2.0-7"


@given(VERSION, VERSION, VERSION)
def test_the_order_is_total(a: str, b: str, c: str) -> None:
    assert (key(a) < key(b)) + (key(a) == key(b)) + (key(b) < key(a)) == 1
    if key(a) <= key(b) <= key(c):
        assert key(a) <= key(c)


def made(chance: random.Random) -> str:
    version = chance.choice(PARTS[:6])
    for _ in range(chance.randrange(5)):
        version += chance.choice(SEPARATORS) + chance.choice(PARTS)
    return chance.choice(["", "", "", "0:", "1:"]) + version


def near(chance: random.Random, version: str) -> str:
    """The version with one character exchanged, so that pairs are decided late."""
    place = chance.randrange(len(version))
    return version[:place] + chance.choice(["", "0", "1", "a", "_", "..", ".1"]) + version[place + 1 :]


def readable(version: str) -> bool:
    try:
        key(version)
    except UnreadableVersion:
        return False
    return True


@pytest.mark.skipif(ctypes.util.find_library("alpm") is None, reason="libalpm is not installed")
def test_libalpm_says_the_same_of_ten_thousand_pairs() -> None:
    compare = ctypes.CDLL(ctypes.util.find_library("alpm")).alpm_pkg_vercmp
    compare.argtypes, compare.restype = (ctypes.c_char_p, ctypes.c_char_p), ctypes.c_int
    chance = random.Random(7)
    compared, wrong = 0, []
    while compared < 10_000:
        one = made(chance)
        other = near(chance, one) if chance.random() < 0.5 else made(chance)
        # A release on one side only is ignored by libalpm; that is ``installed_for``'s matter.
        release = [f"-{chance.randrange(20)}" for _ in "ab"] if chance.random() < 0.5 else ["", ""]
        one, other = one + release[0], other + release[1]
        if not readable(one) or not readable(other):
            continue
        compared += 1
        said = compare(one.encode(), other.encode())
        if (key(one) > key(other)) - (key(one) < key(other)) != (said > 0) - (said < 0):
            wrong.append((one, other, said))

    assert wrong == []
