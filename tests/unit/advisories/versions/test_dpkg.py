"""Debian's order, against its own examples and against dpkg itself."""

import itertools
import random
import re
import shutil
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hullguard.advisories.versions.dpkg import DpkgOrder
from hullguard.advisories.versions.order import UnreadableVersion

key = DpkgOrder().key
VERSION = st.from_regex(r"\A(?:[0-9]:)?[0-9][0-9a-z.+~]{0,8}(?:-[0-9a-z.+~]{1,6})?\Z")

PARTS = ["0", "00", "1", "01", "9", "10", "a", "rc", "dfsg", "deb12u", "b", "Z"]

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


@pytest.mark.skipif(shutil.which("perl") is None, reason="perl is not installed")
def test_dpkgs_own_perl_says_the_same_of_ten_thousand_pairs() -> None:
    chance = random.Random(7)
    pairs = []
    while len(pairs) < 10_000:
        one = made(chance)
        # Half of the pairs differ in one character only, so that they are decided late.
        place = chance.randrange(len(one))
        near = one[:place] + chance.choice("01a~+.") + one[place + 1 :]
        other = near if chance.random() < 0.5 else made(chance)
        if all(re.fullmatch(r"(?:\d:)?\d[^:]*[^:-]", version) for version in (one, other)):
            pairs.append((one, other))
    script = "use Dpkg::Version; while (<>) { chomp; my ($a, $b) = split / /; print version_compare($a, $b), qq(\\n) }"
    lines = "".join(f"{one} {other}\n" for one, other in pairs)
    done = subprocess.run(["perl", "-e", script], input=lines, capture_output=True, check=False, text=True)
    if "Dpkg/Version.pm" in done.stderr:
        pytest.skip("Dpkg::Version is not installed")
    assert done.stderr == ""

    expected = [int(line) for line in done.stdout.split()]
    wrong = [
        (one, other, said)
        for (one, other), said in zip(pairs, expected, strict=True)
        if (key(one) > key(other)) - (key(one) < key(other)) != said
    ]

    assert wrong == []
    assert set(expected) == {-1, 0, 1}


def made(chance: random.Random) -> str:
    def text() -> str:
        tail = (chance.choice([".", ".", "~", "+", ""]) + chance.choice(PARTS) for _ in range(chance.randrange(4)))
        return chance.choice("0129") + "".join(tail)

    epoch = chance.choice(["", "", "0:", "1:"])
    return epoch + text() + (f"-{text()}" if chance.random() < 0.6 else "")


def dpkg(one: str, relation: str, other: str) -> bool:
    return subprocess.run(["dpkg", "--compare-versions", one, relation, other], check=False).returncode == 0
