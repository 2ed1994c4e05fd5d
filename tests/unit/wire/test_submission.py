"""What is submitted is packed as it is unpacked, and nothing that is sent costs more than it may."""

import gzip
import json
import tracemalloc
import zlib
from typing import Any

import msgspec
import pytest
import zstandard
from tests.support import records

from hullguard.model.errors import Invalid, LimitReached
from hullguard.wire import limits, submission
from hullguard.wire.submission import Looked, Sent, pack, unpack

SENT = Sent("shop:ci", "runner-7", records.inventory(), (Looked.CONFIG,), 30)
PLAIN = msgspec.json.encode(SENT)


def zstd(content: bytes) -> bytes:
    return zstandard.ZstdCompressor().compress(content)


def document(**changes: Any) -> bytes:
    return json.dumps({**json.loads(PLAIN), **changes}).encode()


def test_it_comes_as_it_went() -> None:
    assert unpack(pack(SENT), "zstd") == SENT


@pytest.mark.parametrize(
    ("encoding", "how"), [("zstd", zstd), ("gzip", gzip.compress), ("identity", bytes)], ids=["zstd", "gzip", "plain"]
)
def test_every_encoding_is_read(encoding: str, how: Any) -> None:
    assert unpack(how(PLAIN), encoding) == SENT


def test_what_a_bill_of_materials_command_writes_can_be_sent_as_it_is() -> None:
    written = msgspec.json.format(msgspec.json.encode(records.inventory()), indent=2)
    body = b'{"schema": "hullguard/submission/1", "name": "a", "host": "b", "inventory": %b}' % written

    assert unpack(body, "identity") == Sent("a", "b", records.inventory())


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        PLAIN[:-1],
        PLAIN + b"x",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"schema": "hullguard/submission/1", "inventory": ' + b'{"target":' * 100_000,
        document(schema="hullguard/submission/2"),
        document(name=""),
        document(name="x" * 513),
        document(name="a\nb"),
        document(name="a\x1b[31m"),
        document(name=7),
        document(host=""),
        document(keep_days=0),
        document(keep_days=367),
        document(keep_days="90"),
        document(looked_for=["vuln"]),
        document(more=1),
        document(inventory=None),
        document(inventory={}),
        document(inventory={"target": {"ref": "x", "kind": "dir"}, "packages": "none"}),
        document(inventory={"target": {"ref": "x", "kind": "dir"}, "packages": [{"purl": 1}]}),
        PLAIN.replace(b"runner-7", b"\\ud800"),
    ],
)
def test_what_has_not_its_form_is_refused(body: bytes) -> None:
    for encoding, content in (("identity", body), ("zstd", zstd(body)), ("gzip", gzip.compress(body))):
        with pytest.raises(Invalid) as refused:
            unpack(content, encoding)
        assert refused.value.code == "submission.malformed"
        assert len(str(refused.value)) < 700


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("zstd", PLAIN),
        ("zstd", zstd(PLAIN)[:-5]),
        ("zstd", gzip.compress(PLAIN)),
        ("gzip", PLAIN),
        ("gzip", zlib.compress(PLAIN)),
        ("gzip", gzip.compress(PLAIN)[:-9]),
        ("gzip", gzip.compress(PLAIN)[:-1] + b"x"),
        ("gzip", gzip.compress(PLAIN) + b"more"),
        ("gzip", zstd(PLAIN)),
        ("identity", zstd(PLAIN)),
    ],
)
def test_what_is_not_packed_as_it_says_is_refused(encoding: str, body: bytes) -> None:
    with pytest.raises(Invalid):
        unpack(body, encoding)


@pytest.mark.parametrize("encoding", ["zstd", "gzip"])
def test_a_bomb_is_not_unpacked(encoding: str) -> None:
    bomb = zstd(b" " * (256 << 20)) if encoding == "zstd" else gzip.compress(b" " * (256 << 20), 9)
    assert len(bomb) < 1 << 20
    tracemalloc.start()
    try:
        with pytest.raises(LimitReached):
            unpack(bomb, encoding)
        assert tracemalloc.get_traced_memory()[1] < 3 * limits.INVENTORY_BYTES
    finally:
        tracemalloc.stop()


def test_a_length_that_lies_is_not_believed() -> None:
    # A frame whose header says 2 GiB, around nothing of that size (RFC 8878, 3.1.1.1: 8 bytes of content size).
    liar = b"\x28\xb5\x2f\xfd\xe0" + (2 << 30).to_bytes(8, "little") + b"\x01\x00\x00"
    with pytest.raises(Invalid):
        unpack(liar, "zstd")


def test_many_small_values_are_refused_before_they_take_memory() -> None:
    texts = b",".join([b'""'] * 3_000_000)
    body = PLAIN.replace(b'"complete"', b'"x":[%b],"complete"' % texts) if b'"complete"' in PLAIN else b"[%b]" % texts
    tracemalloc.start()
    try:
        with pytest.raises(LimitReached):
            unpack(body, "identity")
        assert tracemalloc.get_traced_memory()[1] < 10 * len(body)
    finally:
        tracemalloc.stop()


def test_more_packages_than_are_kept_are_refused_at_both_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    packed = pack(SENT)
    monkeypatch.setattr(submission, "PACKAGES", 3)
    for refused in (lambda: unpack(packed, "zstd"), lambda: pack(SENT)):
        with pytest.raises(LimitReached, match="4 packages, and at most 3 fit"):
            refused()


def test_what_is_too_large_is_not_even_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "INVENTORY_COMPRESSED_BYTES", 100)
    with pytest.raises(LimitReached, match="bytes compressed"):
        pack(SENT)
    monkeypatch.setattr(limits, "INVENTORY_BYTES", 1000)
    with pytest.raises(LimitReached, match="at most 1000 fit"):
        pack(SENT)
