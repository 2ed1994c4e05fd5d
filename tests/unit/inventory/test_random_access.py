"""Whole files that are read at any place: in memory or on disk, they answer alike."""

import io
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from tests.support.images import file, layer

from hullguard.inventory import random_access
from hullguard.inventory.limits import Budget, Limits
from hullguard.inventory.random_access import OnDisk, Part, RandomAccess, held, pieces, places, reader, windows
from hullguard.inventory.streams import Section
from hullguard.inventory.tar import TarWalk

CONTENT = bytes(range(256)) * 8


@contextmanager
def laid(monkeypatch: pytest.MonkeyPatch, where: str) -> Iterator[RandomAccess]:
    monkeypatch.setattr(random_access, "IN_MEMORY", len(CONTENT) if where == "memory" else 100)
    monkeypatch.setattr(random_access, "_WINDOW", 64)
    with held(CONTENT[start : start + 300] for start in range(0, len(CONTENT), 300)) as whole:
        assert isinstance(whole, bytes if where == "memory" else OnDisk)
        yield whole


@pytest.mark.parametrize("where", ["memory", "disk"])
def test_slices_are_those_of_the_bytes(monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    with laid(monkeypatch, where) as whole:
        assert len(whole) == len(CONTENT)
        for start, end in [(0, 4), (290, 310), (2000, 5000), (5000, 6000), (9, 3), (0, len(CONTENT))]:
            assert whole[start:end] == CONTENT[start:end]
            assert Part(whole, 10, 1000)[start:end] == CONTENT[10:1010][start:end]


@pytest.mark.parametrize("where", ["memory", "disk"])
def test_a_stretch_ends_where_the_whole_does(monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    with laid(monkeypatch, where) as whole:
        assert len(Part(whole, len(CONTENT) - 5, 100)) == 5
        assert len(Part(whole, len(CONTENT) + 5, 100)) == 0
        inner = Part(Part(whole, 100, 50), 10, 100)
        assert inner[0 : len(inner)] == CONTENT[110:150]


@pytest.mark.parametrize("where", ["memory", "disk"])
@pytest.mark.parametrize("word", [b"\x3e\x3f\x40\x41", b"\x00", b"no such word"])
def test_a_word_is_found_wherever_windows_meet(monkeypatch: pytest.MonkeyPatch, where: str, word: bytes) -> None:
    with laid(monkeypatch, where) as whole:
        found = list(places(whole, word, 5, len(CONTENT) - 5))

    assert found == [at for at in range(5, len(CONTENT) - 4 - len(word)) if CONTENT.startswith(word, at)]


@pytest.mark.parametrize("where", ["memory", "disk"])
def test_windows_cover_everything_and_no_more(monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    with laid(monkeypatch, where) as whole:
        covered = bytearray(1000)
        for place, window in windows(whole, 16, 1000):
            covered[place : place + len(window)] = window

    assert covered == CONTENT[:1000]


@pytest.mark.parametrize("where", ["memory", "disk"])
def test_it_can_be_read_as_a_stream(monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    with laid(monkeypatch, where) as whole:
        assert b"".join(pieces(reader(whole))) == CONTENT


def test_nothing_is_held_of_nothing() -> None:
    with held(pieces(io.BytesIO())) as whole:
        assert whole == b""


def test_a_member_is_read_at_any_place_where_one_can_seek() -> None:
    content = bytes(range(256)) * 300
    archive = layer(file("a", b"x" * 700), file("b", content), file("c", b"z"))
    walk = TarWalk(Section(lambda size, at: archive[at : at + size], 0, len(archive)), Budget(Limits()), "layer")

    seen = {}
    for member in walk:
        walk.peek(100)
        direct = walk.direct()
        assert direct is not None
        seen[member.name] = (len(direct), direct[0:3], direct[500:520], direct[len(direct) - 1 : len(direct) + 9])

    assert seen == {
        "a": (700, b"xxx", b"x" * 20, b"x"),
        "b": (len(content), content[:3], content[500:520], content[-1:]),
        "c": (1, b"z", b"", b"z"),
    }


def test_a_stream_has_no_places() -> None:
    walk = TarWalk(io.BytesIO(layer(file("a", b"x"))), Budget(Limits()), "layer")

    assert [walk.direct() for _ in walk] == [None]


def test_a_member_that_is_cut_off_is_as_long_as_what_is_there() -> None:
    archive = layer(file("a", b"x" * 4000))[:2000]
    walk = TarWalk(Section(lambda size, at: archive[at : at + size], 0, len(archive)), Budget(Limits()), "layer")
    next(iter(walk))

    direct = walk.direct()

    assert direct is not None
    assert len(direct) == 2000 - 512
