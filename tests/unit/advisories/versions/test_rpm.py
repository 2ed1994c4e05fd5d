"""rpm's order, against hand-made tables and against rpm itself."""

import itertools
import random
import shutil
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hullguard.advisories.versions.order import UnreadableVersion
from hullguard.advisories.versions.rpm import RpmOrder

order = RpmOrder()
key = order.key
PARTS = ["0", "00", "1", "01", "2", "9", "10", "20160101", "a", "b", "rc", "el8", "el8_4", "fc3", "git", "Z"]
SEPARATORS = [".", ".", ".", "_", "+", "~", "^", "", "..", "._"]
VERSION = st.from_regex(r"\A(?:[0-9]:)?[0-9][0-9a-z.+~^_]{0,8}(?:-[0-9][0-9a-z.+~^_]{0,5})?\Z")

ASCENDING = [
    "0.9", "1.0~rc1", "1.0~rc1^git1", "1.0~rc2", "1.0", "1.0^", "1.0^git1~pre", "1.0^git1", "1.0^git2", "1.0^20160101",
    "1.0a", "1.0b", "1.0.1", "1.1", "1.10", "1.10-1", "1.10-1.el8", "1.10-1.el8_4", "1.10-1.el8_10", "1.10-2",
    "2.0", "1:0.1", "2:0.0.1-1", "10:0",
]  # fmt: skip


def test_the_order_of_known_versions() -> None:
    descending = ASCENDING[::-1]

    assert sorted(descending, key=key) == ASCENDING


@pytest.mark.parametrize(
    ("one", "other"),
    [("1.0", "1_0"), ("1.0", "0:1.0"), ("1.0", ":1.0"), ("1.01", "1.1"), ("1.0.", "1.0"), ("1.0-1", "1.0-01"),
     ("2a", "2.a"), (" 1.0 ", "1.0")],
)  # fmt: skip
def test_versions_that_are_one(one: str, other: str) -> None:
    assert key(one) == key(other)


@pytest.mark.parametrize(
    ("low", "high"),
    [("5.el8", "5.el8_0"), ("1.0", "1.0.0"), ("1.0", "1.0^"), ("1.0^20160101", "1.0.1"), ("1.0", "1.0-~1"),
     ("1.a", "1.1"), ("1.Z", "1.a"), ("5.26.3", "4:5.26.3")],
)  # fmt: skip
def test_versions_that_are_easily_confused(low: str, high: str) -> None:
    assert key(low) < key(high)


@pytest.mark.parametrize("text", ["", " ", "1.0-2-3", "a:1", "1:2:3", "1 2", "1.0-", "é", "١", "1/2", "1" * 501])
def test_what_is_no_version_is_said_to_be_none(text: str) -> None:
    with pytest.raises(UnreadableVersion):
        key(text)


def test_a_bound_without_a_release_is_about_every_release() -> None:
    assert key(order.installed_for("1:2.0-7.el9", "1:2.0")) == key("1:2.0")
    assert order.installed_for("1:2.0-7.el9", "1:2.0-1") == "1:2.0-7.el9"


@given(VERSION, VERSION, VERSION)
def test_the_order_is_total(a: str, b: str, c: str) -> None:
    assert (key(a) < key(b)) + (key(a) == key(b)) + (key(b) < key(a)) == 1
    if key(a) <= key(b) <= key(c):
        assert key(a) <= key(c)


def made(chance: random.Random) -> str:
    def text() -> str:
        return chance.choice(PARTS[:7]) + "".join(
            chance.choice(SEPARATORS) + chance.choice(PARTS) for _ in range(chance.randrange(5))
        )

    epoch = chance.choice(["", "", "", "0:", "1:"])
    release = f"-{text()}" if chance.random() < 0.6 else ""
    return f"{epoch}{text()}{release}"


def near(chance: random.Random, version: str) -> str:
    """The version with one part exchanged, so that pairs are decided late."""
    place = chance.randrange(len(version))
    return version[:place] + chance.choice(["", "0", "1", "a", "~", "^", ".1"]) + version[place + 1 :]


@pytest.mark.skipif(shutil.which("rpm") is None, reason="rpm is not installed")
def test_rpm_says_the_same_of_ten_thousand_pairs() -> None:
    chance = random.Random(7)
    pairs = list(itertools.pairwise([*ASCENDING, *ASCENDING[::-1]]))
    while len(pairs) < 10_000:
        one = made(chance)
        pairs.append((one, near(chance, one) if chance.random() < 0.5 else made(chance)))
    pairs = [pair for pair in pairs if all(readable(version) for version in pair)]
    assert len(pairs) > 9_000
    expected = rpm_compares(pairs)

    wrong = [
        (one, other, said)
        for (one, other), said in zip(pairs, expected, strict=True)
        if (key(one) > key(other)) - (key(one) < key(other)) != said
    ]

    assert wrong == []
    assert set(expected) == {-1, 0, 1}


def readable(version: str) -> bool:
    try:
        key(version)
    except UnreadableVersion:
        return False
    return True


def rpm_compares(pairs: list[tuple[str, str]]) -> list[int]:
    """What rpm's own Lua says, asked in few calls because a macro has a bounded length."""
    said = []
    for start in range(0, len(pairs), 500):
        table = ",".join(f'{{"{one}","{other}"}}' for one, other in pairs[start : start + 500])
        script = f"for _, pair in ipairs({{{table}}}) do print(rpm.vercmp(pair[1], pair[2]) .. ' ') end"
        command = ["rpm", "--eval", f"%{{lua: {script}}}"]
        done = subprocess.run(command, capture_output=True, check=True, text=True)
        said += [int(word) for word in done.stdout.split()]
    return said
