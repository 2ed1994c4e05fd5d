"""Decompression is recognised by content, bounded, and its damage is told."""

import gzip
import io
import os
import zlib

import pytest
import zstandard
from tests.support.images import compressed, digest_of

from hullguard.inventory.limits import MIB, Budget, Limits
from hullguard.inventory.streams import CHUNK, Prefixed, Section, Uncompressed, read_up_to
from hullguard.model.errors import Invalid, LimitReached

CONTENT = bytes(range(256)) * 5000


def opened(raw: bytes, limits: Limits | None = None) -> Uncompressed:
    return Uncompressed(io.BytesIO(raw), Budget(limits or Limits()), "layer")


@pytest.mark.parametrize("how", ["none", "gzip", "zstd"])
def test_both_digests_cover_every_byte(how: str) -> None:
    raw = compressed(CONTENT, how)
    stream = opened(raw)

    assert read_up_to(stream, 1000) == CONTENT[:1000]
    stream.drain()
    assert stream.digest == digest_of(CONTENT)
    assert stream.raw_digest == digest_of(raw)
    assert stream.count == len(CONTENT)


def test_several_gzip_members_are_one_stream() -> None:
    stream = opened(gzip.compress(b"one") + gzip.compress(b"two"))

    assert read_up_to(stream, 100) == b"onetwo"


def test_several_zstd_frames_are_one_stream() -> None:
    pack = zstandard.ZstdCompressor().compress

    assert read_up_to(opened(pack(b"one") + pack(b"two")), 100) == b"onetwo"


@pytest.mark.parametrize("length", [0, 1, 3])
def test_a_stream_shorter_than_any_mark_is_plain(length: int) -> None:
    assert read_up_to(opened(b"abc"[:length]), 100) == b"abc"[:length]


def test_a_cut_off_gzip_is_told() -> None:
    stream = opened(gzip.compress(CONTENT)[:-20])

    with pytest.raises(Invalid, match="layer is damaged or cut off"):
        stream.drain()


def test_a_wrong_checksum_is_told() -> None:
    raw = bytearray(gzip.compress(CONTENT))
    raw[-6] ^= 1

    with pytest.raises(Invalid, match="damaged"):
        opened(bytes(raw)).drain()


def test_damaged_zstd_is_told() -> None:
    raw = bytearray(compressed(CONTENT, "zstd"))
    raw[12:46] = b"\xff" * 34  # behind the header, which says how large the window is

    with pytest.raises(Invalid, match="damaged"):
        opened(bytes(raw)).drain()


@pytest.mark.parametrize("how", ["gzip", "zstd"])
def test_a_bomb_is_stopped_by_its_ratio(how: str) -> None:
    limits = Limits(ratio=50, ratio_floor=MIB)
    raw = compressed(bytes(64 * MIB), how)
    stream = opened(raw, limits)

    with pytest.raises(LimitReached, match="grows more than 50 times"):
        stream.drain()
    assert stream.count <= max(MIB, 50 * len(raw)) + CHUNK


def test_a_small_stream_may_have_any_ratio() -> None:
    stream = opened(zlib_gzip(bytes(MIB)), Limits(ratio=2, ratio_floor=2 * MIB))

    stream.drain()
    assert stream.count == MIB


@pytest.mark.parametrize("how", ["gzip", "zstd", "bzip2", "xz"])
def test_small_streams_may_not_grow_at_any_ratio_together(how: str) -> None:
    budget = Budget(Limits(ratio=50, ratio_floor=2 * MIB, ratio_floor_of_all=4 * MIB))
    raw = compressed(bytes(MIB), how)

    for _ in range(4):
        Uncompressed(io.BytesIO(raw), budget, "it").drain()
    with pytest.raises(LimitReached, match="compressed streams grow more than 50 times, all together"):
        Uncompressed(io.BytesIO(raw), budget, "it").drain()


def test_streams_that_grow_no_more_than_others_do_may_be_many() -> None:
    content = os.urandom(MIB // 8) + bytes(MIB)
    budget = Budget(Limits(ratio=50, ratio_floor=MIB, ratio_floor_of_all=2 * MIB))

    for _ in range(8):
        Uncompressed(io.BytesIO(zlib_gzip(content)), budget, "it").drain()


def test_what_grew_in_other_processes_counts() -> None:
    limits = Limits(ratio=50, ratio_floor_of_all=MIB)
    one, other = Budget(limits), Budget(limits)
    other.spend_growth(1, MIB)
    one.spend_growth(1, 1)

    with pytest.raises(LimitReached, match="all together"):
        one.join(other.spent)


def zlib_gzip(content: bytes) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    return packer.compress(content) + packer.flush()


def test_all_layers_together_are_bounded() -> None:
    budget = Budget(Limits(total_bytes=3 * MIB))
    Uncompressed(io.BytesIO(bytes(2 * MIB)), budget, "first").drain()

    with pytest.raises(LimitReached, match="more than 3145728 uncompressed bytes"):
        Uncompressed(io.BytesIO(bytes(2 * MIB)), budget, "second").drain()


def test_a_section_ends_where_it_should() -> None:
    whole = b"0123456789"
    section = Section(lambda size, offset: whole[offset : offset + size], 2, 5)

    assert section.read(2) == b"23"
    assert section.skip(1) == 1
    assert section.read(100) == b"56"
    assert section.read(100) == b""
    assert section.skip(5) == 0


def test_what_was_looked_at_is_read_again() -> None:
    stream = Prefixed(b"abc", io.BytesIO(b"def"))
    buffer = memoryview(bytearray(2))

    assert stream.readinto(buffer) == 2
    assert bytes(buffer) == b"ab"
    assert read_up_to(stream, 10) == b"cdef"
