"""The question in a DNS message, as far as it can be read; everything in it is an attacker's choice."""

from msgspec import Struct

_HEADER = 12
_LONGEST_NAME = 255
_TYPES = {1: "A", 2: "NS", 5: "CNAME", 6: "SOA", 12: "PTR", 15: "MX", 16: "TXT", 28: "AAAA", 33: "SRV", 65: "HTTPS"}


class Question(Struct, frozen=True):
    """A name without its last dot, and the kind of record that is asked for."""

    name: str
    kind: str


def question(message: bytes) -> Question | None:
    """The first question of a query; None for an answer, and for what is no DNS message (RFC 1035, section 4.1)."""
    if len(message) < _HEADER or message[2] & 0x80 or not int.from_bytes(message[4:6], "big"):
        return None
    labels: list[str] = []
    place, length = _HEADER, 0
    while True:
        size = message[place] if place < len(message) else -1
        if size == 0:
            break
        # A question has no pointers: there is nothing before it to point to.
        length += size + 1
        if size < 0 or size > 63 or length > _LONGEST_NAME or place + 1 + size > len(message):
            return None
        labels.append(_label(message[place + 1 : place + 1 + size]))
        place += 1 + size
    if place + 3 > len(message):
        return None
    kind = int.from_bytes(message[place + 1 : place + 3], "big")
    return Question(".".join(labels), _TYPES.get(kind, str(kind)))


def _label(raw: bytes) -> str:
    """Dots and what cannot be printed are written as zone files do, so that no two names look the same."""
    return "".join(chr(byte) if 0x21 <= byte <= 0x7E and byte not in b".\\" else f"\\{byte:03d}" for byte in raw)
