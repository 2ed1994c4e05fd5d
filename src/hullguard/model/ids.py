"""Identifiers: sortable by the time they were made, so that a list pages by its primary key."""

import hashlib
import secrets
import time


def new_id() -> str:
    """A UUID version 7 (RFC 9562, section 5.7) as 32 hexadecimal digits."""
    milliseconds = time.time_ns() // 1_000_000
    value = milliseconds << 80 | 0x7 << 76 | secrets.randbits(12) << 64 | 0b10 << 62 | secrets.randbits(62)
    return f"{value:032x}"


def derived_id(*parts: str | int) -> str:
    """The same 32 hexadecimal digits for the same parts, on every machine.

    What is found twice (a kernel event replayed after a crash) gets one id, so storing it twice is storing it once.
    """
    digest = hashlib.blake2b(digest_size=16)
    for part in parts:
        text = str(part).encode()
        digest.update(len(text).to_bytes(4, "big") + text)
    return digest.hexdigest()
