"""What engines decompress is decompressed, across the joints of streams, and never with more memory than is given."""

import bz2
import gzip
import io
import lzma
from pathlib import Path

import pytest
import zstandard
from tests.support.images import Image, compressed, digest_of, layer, node_package

from hullguard.inventory import read
from hullguard.inventory.compression import compression_of
from hullguard.inventory.limits import MIB, Budget, Limits
from hullguard.inventory.streams import Uncompressed, read_up_to
from hullguard.model.errors import Invalid, LimitReached

CONTENT = bytes(range(256)) * 5000
SKIPPABLE = b"\x53\x2a\x4d\x18\x04\x00\x00\x00abcd"
PACKED = zstandard.ZstdCompressor().compress


def opened(raw: bytes, limits: Limits | None = None) -> Uncompressed:
    return Uncompressed(io.BytesIO(raw), Budget(limits or Limits()), "layer")


@pytest.mark.parametrize("how", ["gzip", "zstd", "bzip2", "xz"])
def test_it_is_told_by_its_first_bytes_and_read(how: str) -> None:
    raw = compressed(CONTENT, how)
    stream = opened(raw)
    stream.drain()

    assert compression_of(raw[:6]) == how
    assert (stream.digest, stream.raw_digest, stream.count) == (digest_of(CONTENT), digest_of(raw), len(CONTENT))


@pytest.mark.parametrize(
    "raw",
    [
        bz2.compress(b"one") + bz2.compress(b"two"),
        lzma.compress(b"one") + lzma.compress(b"two"),
        lzma.compress(b"one") + bytes(8) + lzma.compress(b"two") + bytes(4),
        SKIPPABLE + PACKED(b"one") + SKIPPABLE + PACKED(b"two") + SKIPPABLE,
        gzip.compress(b"") + gzip.compress(b"onetwo"),
    ],
    ids=["bzip2", "xz", "xz with padding", "zstd with frames to skip", "gzip with nothing first"],
)
def test_streams_one_after_another_are_one(raw: bytes) -> None:
    assert read_up_to(opened(raw), 100) == b"onetwo"


@pytest.mark.parametrize("how", ["bzip2", "xz"])
@pytest.mark.parametrize("cut", [1, 20, 100])
def test_a_cut_off_stream_is_told(how: str, cut: int) -> None:
    with pytest.raises(Invalid, match="layer is damaged or cut off"):
        opened(compressed(CONTENT, how)[:-cut]).drain()


@pytest.mark.parametrize("how", ["bzip2", "xz"])
def test_what_is_no_stream_behind_one_is_told(how: str) -> None:
    with pytest.raises(Invalid, match="layer is damaged or cut off"):
        opened(compressed(CONTENT, how) + b"garbage").drain()


@pytest.mark.parametrize("how", ["bzip2", "xz"])
def test_a_bomb_ends_at_the_ratio(how: str) -> None:
    stream = opened(compressed(bytes(8 * MIB), how), Limits(ratio_floor=MIB))

    with pytest.raises(LimitReached):
        stream.drain()


def _frame_of_a_large_window() -> bytes:
    parameters = zstandard.ZstdCompressionParameters(window_log=30, enable_ldm=True)
    packer = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    return packer.compress(b"one") + packer.flush()


def test_more_memory_than_is_given_is_a_limit() -> None:
    large = [{"id": lzma.FILTER_LZMA2, "dict_size": 1 << 28}]
    for raw in (_frame_of_a_large_window(), lzma.compress(CONTENT, filters=large)):
        with pytest.raises(LimitReached, match="layer: its compression asks for a window of more than 134217728 bytes"):
            opened(raw).drain()


@pytest.mark.parametrize("how", ["bzip2", "xz"])
def test_layers_and_whole_archives_are_read(tmp_path: Path, how: str) -> None:
    content = layer(node_package("lodash", "4.17.4"))
    layers = Image([content], compression=how).docker_archive(tmp_path / "layers.tar")
    whole = Image([content]).docker_archive(tmp_path / "whole.tar", whole=how)

    for path in (layers, whole):
        assert [package.name for package in read(str(path)).packages] == ["lodash"]
