"""What is submitted is packed as it is unpacked, and nothing that is sent costs more than it may."""

import gzip
import json
import re
import tracemalloc
import zlib
from typing import Any

import msgspec
import pytest
import zstandard
from tests.support import records

from hullguard.model.errors import Invalid, LimitReached
from hullguard.model.image import Layer, Target
from hullguard.wire import limits, submission
from hullguard.wire.inventory import LAYER_BYTES
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
    ("changes", "field", "sentence"),
    [
        ({"name": "shop\u202egpj.exe"}, "$.name", "character 5 of its name, U+202E, cannot be seen"),
        ({"name": "\u2066a"}, "$.name", "character 1 of its name, U+2066, cannot be seen"),
        ({"name": "a\u200b"}, "$.name", "character 2 of its name, U+200B, cannot be seen"),
        ({"name": "a\nb"}, "$.name", "character 2 of its name, U+000A, cannot be seen"),
        ({"name": "   "}, "$.name", "its name is blank; say what it is"),
        ({"name": "\u3164\u3000"}, "$.name", "its name is blank; say what it is"),
        ({"host": "run\u202ener"}, "$.host", "character 4 of its host, U+202E, cannot be seen"),
        ({"host": "\u00a0"}, "$.host", "its host is blank; say what it is"),
        ({"name": "shop\u00a0ci"}, "$.name", "character 5 of its name, U+00A0, looks like a usual space"),
        ({"name": "shop\u3164"}, "$.name", "character 5 of its name, U+3164, cannot be seen"),
        ({"name": "shop\ufe0f"}, "$.name", "character 5 of its name, U+FE0F, cannot be seen"),
        ({"name": "shop "}, "$.name", "its name begins or ends with a space"),
        ({"name": " shop"}, "$.name", "its name begins or ends with a space"),
        ({"name": "my  shop"}, "$.name", "its name has two spaces in a row"),
        ({"host": "runner "}, "$.host", "its host begins or ends with a space"),
    ],
)
def test_a_name_that_hides_or_turns_what_stands_beside_it_is_refused_at_both_ends(
    changes: dict[str, str], field: str, sentence: str
) -> None:
    for refuse in (
        lambda: unpack(document(**changes), "identity"),
        lambda: pack(msgspec.structs.replace(SENT, **changes)),
    ):
        with pytest.raises(Invalid, match=re.escape(sentence)) as refused:
            refuse()
        assert (refused.value.code, refused.value.field) == ("submission.malformed", field)
        assert str(refused.value).isprintable()


def test_an_image_whose_tag_is_left_blank_is_refused() -> None:
    target = Target("docker:shop", "docker", "sha256:" + "0" * 64)
    shop = msgspec.structs.replace(SENT, inventory=msgspec.structs.replace(SENT.inventory, target=target), name="shop:")
    with pytest.raises(Invalid, match="no tag stands behind it"):
        pack(shop)
    assert pack(msgspec.structs.replace(shop, name="shop:1"))


def test_names_as_people_write_them_are_taken() -> None:
    for name in ("x" * 512, "\u5546\u5e97\u3000\u955c\u50cf:1", "\u05e9\u05dc\u05d5\u05dd", "caf\u00e9 \U0001f433"):
        assert unpack(document(name=name), "identity").name == name


@pytest.mark.parametrize("size", [-1, -(1 << 62), LAYER_BYTES + 1, 1 << 62])
def test_a_size_that_no_layer_has_is_refused(size: int) -> None:
    odd = records.inventory()
    odd = msgspec.structs.replace(odd, layers=(*odd.layers, Layer("sha256:" + "0" * 64, size=size)))
    with pytest.raises(Invalid, match=f"is of {size} bytes, and none has less than 0") as refused:
        unpack(document(inventory=json.loads(msgspec.json.encode(odd))), "identity")
    assert refused.value.field == f"$.inventory.layers[{len(odd.layers) - 1}].size"


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


def test_one_that_is_nested_too_deeply_is_said_to_be() -> None:
    deep = b"[" * 100_000 + b"]" * 100_000
    body = PLAIN.replace(b'"target":', b'"more": %b, "target":' % deep, 1)
    with pytest.raises(Invalid, match=r"does not have its form: it is nested too deeply$"):
        unpack(body, "identity")
