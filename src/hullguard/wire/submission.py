"""What ``hullguard submit`` sends, and how it is packed and unpacked. JSON, so that any program can send it.

The body is one JSON object, ``hullguard/submission/1``, under ``Content-Encoding: zstd`` or ``gzip`` or as it is. Its
``inventory`` is what ``hullguard sbom -f json`` writes, with what else was looked for.
"""

import enum
import zlib
from typing import Annotated, Final

import msgspec
import zstandard
from msgspec import Meta, Struct

from hullguard.model.decoding import wrong
from hullguard.model.errors import Invalid, LimitReached
from hullguard.model.inventory import Inventory
from hullguard.wire import limits
from hullguard.wire.codec import decompress
from hullguard.wire.inventory import LAYER_BYTES, odd_size
from hullguard.wire.violation import Code, Violation
from hullguard.words.plain import fault_of_name

VALUES: Final = 2_000_000
"""Commas in the JSON. Each value but the first of its list or object stands behind one, and takes some 100 bytes of
memory once it is read: 3 bytes of an empty text would become a hundredfold of what the size allows."""
PACKAGES: Final = 50_000
NAME: Final = 512
HOST: Final = 255

ZSTD: Final = "zstd"
GZIP: Final = "gzip"


class Looked(enum.StrEnum):
    """What was looked for beside packages."""

    SECRET = "secret"  # noqa: S105 - a kind of finding
    MALWARE = "malware"
    CONFIG = "config"


class Sent(Struct, frozen=True, tag_field="schema", tag="hullguard/submission/1", forbid_unknown_fields=True):
    """One thing that was read."""

    name: Annotated[str, Meta(min_length=1, max_length=NAME)]
    """What it is called: one line that looks like no other name. A later submission of it takes its place."""
    host: Annotated[str, Meta(min_length=1, max_length=HOST)]
    """Where it was read; the same holds for it."""
    inventory: Inventory
    looked_for: tuple[Looked, ...] = ()
    """Of anything else it says nothing, rather than that there is none."""
    keep_days: Annotated[int, Meta(ge=1, le=366)] = 90
    """Forgotten after as many days, unless it is sent again."""


_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(Sent)


def pack(sent: Sent) -> bytes:
    """The body under ``Content-Encoding: zstd``; raises ``LimitReached`` where the other end would not take it."""
    _require_sound(sent)
    plain = _ENCODER.encode(sent)
    _require(
        len(plain) <= limits.INVENTORY_BYTES, f"it is {len(plain)} bytes, and at most {limits.INVENTORY_BYTES} fit"
    )
    _require_few_values(plain)
    _require_few_packages(sent)
    packed = zstandard.ZstdCompressor(level=3).compress(plain)
    most = limits.INVENTORY_COMPRESSED_BYTES
    _require(len(packed) <= most, f"it is {len(packed)} bytes compressed, and at most {most} fit")
    return packed


def unpack(body: bytes, encoding: str) -> Sent:
    """What ``pack``, or anybody, packed. Blocking for large ones: call it in a thread.

    Raises ``Invalid`` where it is not what it should be, ``LimitReached`` where it is too large.
    """
    plain = _unpacked(body, encoding)
    _require_few_values(plain)
    try:
        sent = _DECODER.decode(plain)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as cause:
        raise _malformed(wrong(cause)) from cause
    _require_few_packages(sent)
    _require_sound(sent)
    return sent


def _unpacked(body: bytes, encoding: str) -> bytes:
    bound = limits.INVENTORY_BYTES
    if encoding == GZIP:
        return _gunzipped(body, bound)
    if encoding == ZSTD:
        try:
            return decompress(body, bound)
        except Violation as bad:
            if bad.refusal is Code.MESSAGE_TOO_LARGE:
                raise _too_large(f"it unpacks to more than {bound} bytes") from bad
            raise _malformed(str(bad)) from bad
    _require(len(body) <= bound, f"it is {len(body)} bytes, and at most {bound} fit")
    return body


def _gunzipped(body: bytes, bound: int) -> bytes:
    """One whole member and nothing behind it."""
    unpacker = zlib.decompressobj(wbits=31)
    try:
        plain = unpacker.decompress(body, bound + 1)
    except zlib.error as cause:
        raise _malformed(f"it is no gzip: {cause}") from cause
    _require(len(plain) <= bound, f"it unpacks to more than {bound} bytes")
    if not unpacker.eof or unpacker.unused_data:
        raise _malformed("it is no whole gzip member, or something stands behind it")
    return plain


def _require_few_values(plain: bytes) -> None:
    _require(plain.count(b",") <= VALUES, f"it has more than {VALUES} values")


def _require_few_packages(sent: Sent) -> None:
    packages = len(sent.inventory.packages)
    _require(packages <= PACKAGES, f"it has {packages} packages, and at most {PACKAGES} fit")


def _require_sound(sent: Sent) -> None:
    """Names are shown to people, in lists beside those of others: none may look like another, or turn it."""
    _require_name(sent.name, "name", NAME)
    if sent.inventory.target.image_id is not None and sent.name.endswith(":"):
        raise _malformed("its name ends with a colon, and no tag stands behind it; write one, or no colon", "$.name")
    _require_name(sent.host, "host", HOST)
    if (odd := odd_size(sent.inventory)) is not None:
        size = sent.inventory.layers[odd].size
        why = f"layer {odd + 1} is of {size} bytes, and none has less than 0 or more than {LAYER_BYTES}"
        raise _malformed(why, f"$.inventory.layers[{odd}].size")


def _require_name(said: str, field: str, most: int) -> None:
    if len(said) > most:
        raise _malformed(f"its {field} has {len(said)} characters, and at most {most} fit", f"$.{field}")
    if (why := fault_of_name(said, field)) is not None:
        raise _malformed(why, f"$.{field}")


def _require(fits: bool, why: str) -> None:
    if not fits:
        raise _too_large(why)


def _too_large(why: str) -> LimitReached:
    return LimitReached(f"the inventory is too large to be submitted: {why}", "submission.too-large")


def _malformed(why: str, field: str = "$") -> Invalid:
    return Invalid(f"the submission does not have its form: {why[:500]}", "submission.malformed", field=field)
