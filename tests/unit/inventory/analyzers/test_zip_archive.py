"""Zip archives by their directory: what Java can open is opened, and no number in them is believed."""

import io
import random
import struct
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from hullguard.inventory.analyzers.zip_archive import BadArchive, BadMember, ZipArchive
from hullguard.inventory.limits import Budget, Limits
from hullguard.model.errors import LimitReached

MEMBERS = {"a.txt": b"first" * 100, "b/": b"", "b/c.txt": b"second", "empty": b""}


def archive(
    members: Mapping[str, bytes] = MEMBERS, how: int = zipfile.ZIP_DEFLATED, comment: bytes = b"", *, long: bool = False
) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", how) as file:
        file.comment = comment
        for name, content in members.items():
            with file.open(name, "w", force_zip64=long) as member:
                member.write(content)
    return out.getvalue()


def opened(content: bytes, limits: Limits | None = None) -> ZipArchive:
    return ZipArchive(content, Budget(limits or Limits()))


def contents(content: bytes) -> dict[str, bytes]:
    found = opened(content)
    return {member.name.decode(): b"".join(found.unpacked(member, 1 << 20)) for member in found}


@pytest.mark.parametrize("how", [zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED])
@pytest.mark.parametrize("comment", [b"", b"a comment", b"PK\x05\x06" * 9, bytes(65535)])
@pytest.mark.parametrize("before", [b"", b"#!/bin/sh\nexec java -jar $0\n"])
def test_members_are_read(how: int, comment: bytes, before: bytes) -> None:
    assert contents(before + archive(how=how, comment=comment)) == MEMBERS


def test_numbers_of_64_bits_are_read() -> None:
    assert contents(archive(long=True)) == MEMBERS


def test_a_directory_of_64_bits_is_found() -> None:
    content = archive()
    count, size, place = len(MEMBERS), *struct.unpack_from("<II", content, len(content) - 10)
    longer = struct.pack("<4sQHHIIQQQQ", b"PK\x06\x06", 44, 45, 45, 0, 0, count, count, size, place)
    locator = struct.pack("<4sIQI", b"PK\x06\x07", 0, len(content) - 22, 1)
    end = struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    content = content[:-22] + longer + locator + end

    assert contents(content) == MEMBERS
    assert contents(b"before" + content) == MEMBERS


@pytest.mark.parametrize("content", [b"", b"PK\x05\x06", b"no archive" * 9000, archive()[:-23], archive()[100:]])
def test_what_is_no_archive(content: bytes) -> None:
    with pytest.raises(BadArchive):
        list(opened(content))


def test_an_empty_archive_has_no_members() -> None:
    assert list(opened(archive({}))) == []


def ended(content: bytes, count: int, size: int, place: int) -> bytes:
    """An archive with other numbers in its end mark."""
    return content[:-14] + struct.pack("<HHIIH", count, count, size, place, 0)


@pytest.mark.parametrize("place", [0, 100])
@pytest.mark.parametrize("before", [b"", b"#!/bin/sh\n"])
def test_a_directory_that_is_empty_behind_members_is_told(place: int, before: bytes) -> None:
    content = before + ended(archive(), 0, 0, place)

    with pytest.raises(BadArchive, match=f"has an empty directory, and {len(content) - 22} bytes before it"):
        opened(content)


def test_a_directory_without_its_first_members_is_told() -> None:
    content = archive()
    size, place = struct.unpack_from("<II", content, len(content) - 10)
    first = 46 + len("a.txt")
    cut = ended(content, len(MEMBERS), size - first, place + first)

    with pytest.raises(BadArchive, match="has a directory of 3 members, and says that it has 4"):
        list(opened(cut))
    assert contents(ended(content, 0xFFFF, size, place)) == MEMBERS


def test_a_directory_that_is_damaged_half_way_gives_what_stands_before() -> None:
    content = bytearray(archive())
    content[content.rindex(b"PK\x01\x02")] = 0
    found = iter(opened(bytes(content)))

    assert [next(found).name for _ in range(3)] == [b"a.txt", b"b/", b"b/c.txt"]
    with pytest.raises(BadArchive, match="has a damaged directory"):
        next(found)


@pytest.mark.parametrize(("place", "why"), [(42, "is not where the archive's directory says"), (20, "is cut off")])
def test_places_and_sizes_outside_the_archive(place: int, why: str) -> None:
    content = bytearray(archive({"a": random.Random(1).randbytes(1000)}))
    struct.pack_into("<I", content, content.index(b"PK\x01\x02") + place, 0xFFFFFF00)
    found = opened(bytes(content))
    (member,) = found

    with pytest.raises(BadMember, match=why):
        list(found.unpacked(member, 1 << 20))


def test_no_more_is_unpacked_than_asked_for() -> None:
    found = opened(archive({"a": b"x" * 1000}))
    (member,) = found
    given: list[bytes] = []

    with pytest.raises(BadMember, match="has more than 300 bytes"):
        given.extend(found.unpacked(member, 300))
    assert b"".join(given) == b"x" * 300


def test_what_grows_too_much_ends_early() -> None:
    content = archive({"a": bytes(64 << 20)})
    budget = Budget(Limits(unpacked_bytes=4 << 20))
    found = ZipArchive(content, budget)
    (member,) = found

    with pytest.raises(BadMember, match="grows more than 200 times"):
        list(found.unpacked(member, 1 << 30))


def test_members_are_spent_of_the_budget() -> None:
    with pytest.raises(LimitReached, match="more than 50 files"):
        list(opened(archive({str(number): b"x" for number in range(100)}), Limits(entries=50)))


def test_what_is_unpacked_is_spent_of_the_budget() -> None:
    found = opened(archive({"a": random.Random(1).randbytes(200_000)}), Limits(unpacked_bytes=100_000))
    (member,) = found

    with pytest.raises(LimitReached, match="more than 100000 bytes"):
        list(found.unpacked(member, 1 << 20))


def test_opening_archives_is_spent_of_the_budget() -> None:
    budget, content = Budget(Limits(unpacked_bytes=1 << 20)), archive({})

    with pytest.raises(LimitReached):
        [ZipArchive(content, budget) for _ in range(1000)]


def test_looking_for_the_right_end_is_spent_of_the_budget() -> None:
    marks = b"PK\x05\x06" * 10_000

    with pytest.raises(LimitReached):
        ZipArchive(marks, Budget(Limits(unpacked_bytes=64 << 20)))
    with pytest.raises(BadArchive):
        ZipArchive(marks[:400], Budget(Limits(unpacked_bytes=64 << 20)))


def test_archives_are_read_as_python_reads_them(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    path.write_bytes(archive({f"{number}.bin": random.Random(number).randbytes(number * 700) for number in range(90)}))
    with zipfile.ZipFile(path) as theirs:
        assert contents(path.read_bytes()) == {name: theirs.read(name) for name in theirs.namelist()}


def test_changed_bytes_raise_nothing_else() -> None:
    content = archive()
    for place in range(len(content)):
        changed = bytearray(content)
        changed[place] ^= 0xFF
        try:
            contents(bytes(changed))
        except (BadArchive, BadMember, UnicodeDecodeError):
            continue


@pytest.mark.parametrize("inside", [True, False])
def test_an_empty_end_mark_behind_the_real_one_hides_nothing(inside: bool) -> None:
    """The comment of the planted mark does not reach the end of the file, so Java goes on looking."""
    planted = b"PK\x05\x06" + bytes(16) + b"\x07\x00" + b"x"
    content = bytearray(archive())
    if inside:
        content[-2:] = len(planted).to_bytes(2, "little")

    assert contents(bytes(content) + planted) == MEMBERS
