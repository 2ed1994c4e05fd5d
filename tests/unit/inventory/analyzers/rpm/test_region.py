"""Headers and the digests beside them: damage that still reads as a package is seen."""

import struct

import pytest
from tests.support.advisories import shared_data
from tests.support.rpms import header, sealed

from hullguard.inventory.analyzers.rpm import bdb
from hullguard.inventory.analyzers.rpm.header import DamagedHeader, Record, parse

PLAIN = header("openssl-libs", "3.0.7", "6.el9", epoch=1, arch="x86_64", source="openssl-3.0.7-6.el9.src.rpm")
TAGS = 6 + 1


def said(blob: bytes) -> Record | None:
    try:
        return parse(blob)
    except DamagedHeader:
        return None


@pytest.mark.parametrize("sha1", [True, False])
@pytest.mark.parametrize("sha256", [True, False])
def test_a_header_that_is_what_its_digests_say_is_whole(sha256: bool, sha1: bool) -> None:
    record = parse(sealed(PLAIN, sha256=sha256, sha1=sha1))

    assert record.whole
    assert record == parse(PLAIN)


@pytest.mark.parametrize("digests", [{"sha1": True}, {"sha256": True}, {"sha256": True, "sha1": True}])
def test_another_version_is_not_what_the_digest_says(digests: dict[str, bool]) -> None:
    blob = sealed(PLAIN, **({"sha256": False, "sha1": False} | digests)).replace(b"3.0.7\0", b"3.0.9\0")

    record = parse(blob)

    assert (record.version, record.whole) == ("3.0.9", False)


@pytest.mark.parametrize("digests", [{"sha256": True}, {"sha1": True}, {}])
def test_no_bit_of_a_header_changes_the_package_unseen(digests: dict[str, bool]) -> None:
    blob = sealed(PLAIN, **({"sha256": False, "sha1": False} | digests)) if digests else sealed(PLAIN)
    whole = parse(blob)

    for bit in range(8 * len(blob)):
        changed = bytearray(blob)
        changed[bit // 8] ^= 1 << bit % 8
        record = said(bytes(changed))
        assert record is None or not record.whole or record == whole, bit


@pytest.mark.parametrize("length", [16, 64])
@pytest.mark.parametrize("fill", [b"\0", b"\xff", b"\x41"])
def test_no_run_of_bytes_changes_the_package_unseen(length: int, fill: bytes) -> None:
    blob = sealed(PLAIN)
    whole = parse(blob)

    for start in range(len(blob) - length):
        record = said(blob[:start] + fill * length + blob[start + length :])
        assert record is None or not record.whole or record == whole, start


@pytest.mark.parametrize("digest", [b"\0", b"g" * 64, b"0" * 63])
def test_a_digest_that_is_none_is_no_proof(digest: bytes) -> None:
    blob = sealed(PLAIN, sha1=False)
    start = blob.index(b"\0\0\x01\x11\0\0\0\x06")
    (offset,) = struct.unpack_from(">I", blob, start + 8)
    at = 8 + 16 * struct.unpack_from(">I", blob)[0] + offset

    assert parse(blob).whole
    assert not parse(blob[:at] + digest + b"\0" + blob[at + len(digest) + 1 :]).whole


def test_a_region_of_more_tags_than_there_are_is_none() -> None:
    blob = sealed(PLAIN)
    for wrong in (-16 * (TAGS + 10), 16 * TAGS, 0, -16 * TAGS + 1):
        trailer = struct.pack(">IIiI", 63, 7, -16 * TAGS, 16)
        assert trailer in blob
        assert not parse(blob.replace(trailer, struct.pack(">IIiI", 63, 7, wrong, 16))).whole, wrong


def test_a_header_of_before_there_were_regions_and_digests_is_taken_as_it_is() -> None:
    assert parse(PLAIN).whole
    # rpm 3's has a region that is as long as the header, and so no trailer.
    tags, size = struct.unpack_from(">II", PLAIN)
    old = struct.pack(">II", tags + 1, size) + struct.pack(">IIiI", 61, 7, 0, 16) + PLAIN[8:]
    assert parse(old).whole


def test_what_stands_behind_the_region_cannot_name_the_package() -> None:
    blob = sealed(PLAIN)
    # The time of the installation (1008) becomes an epoch (1003).
    changed = blob.replace(struct.pack(">II", 1008, 4), struct.pack(">II", 1003, 4))

    assert parse(changed).epoch == 1_700_000_000
    assert not parse(changed).whole


def test_headers_that_rpm_wrote() -> None:
    content = (shared_data() / "samples" / "rpm-bdb-libuuid.Packages").read_bytes()
    (record,) = bdb.condense(content).records
    (changed,) = bdb.condense(
        content.replace(record.version.encode() + b"\0", b"9.99.9\0"[-len(record.version) - 1 :])
    ).records

    assert record.whole
    assert not changed.whole
