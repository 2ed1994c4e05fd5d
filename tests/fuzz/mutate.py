"""Makes hostile inputs of real ones: the same for the same seed, on every machine."""

import json
import random
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec

_EDGES = (0, 1, 2, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, (1 << 63) - 1, -1)
_WIDTHS = (1, 2, 3, 4, 8)
_NUMBERS = (b"0", b"-1", b"1", b"00", b"65536", b"2147483648", b"99999999999999999999", b"9" * 5000, b"1e999", b"0x10")
_ODD = (
    b"\0", b"\n", b"\r\n", b"\t", b" ", b"\x1b[31m", b"\xff", b"\xfe\xff", b"\xef\xbb\xbf", b"\xed\xa0\x80", b"\\ud800",
    b"\xe2\x80\xa8", b"\xc2\x85", b"\xd9\xa3", b"\xf0\x9f\x98\x80", b"..", b"../", b"/", b"//", b"\\", b'"', b"'",
    b"%00", b"%", b"$", b"{", b"}", b"[", b"]", b"<", b">", b"&", b"=", b":", b";", b",", b"@", b"#", b"-", b"~", b"*",
)  # fmt: skip
_DIGITS = re.compile(rb"\d+")
_OPENING = (b"[", b"{", b'{"a":', b"<a>", b"(", b"\x91", b"\x81\xa1x", b"a.", b"- ")
_VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1.5, 2**31, 2**63 - 1, 2**63, 2**64, 1e308, "", " ", "0", "true", "a" * 5000, "\0", "\x7f", "\n",
    "\ufeff", "\u2028", "\ud800", "٣", "..", "../../etc", "/", "//", "@", "pkg:npm/a@1", "sha256:" + "0" * 64, "9" * 5000,
    "2024-01-01T00:00:00Z", "0001-01-01T00:00:00-23:59", "9999-12-31T23:59:59.999999999+14:00", [], {}, [[]], [None], {"": None},
)  # fmt: skip
_DEEP = 900
_RUNS = (
    *(
        b" ",
        b"\t",
        b"\n",
        b"a",
        b"0",
        b".",
        b"-",
        b"_",
        b"/",
        b"(",
        b"[",
        b"{",
        b"<",
        b'"',
        b"'",
        b"=",
        b":",
        b",",
        b"@",
        b"#",
    ),
    *(
        b"%",
        b"\0",
        b"~",
        b"+",
        b"&",
        b"a.",
        b"a ",
        b"1.",
        b"-1",
        b"a/",
        b'":"',
        b" (",
        b"a\n",
        b"\n\n",
        b"--",
        b'{"a":',
        b"a,",
    ),
    *(b"PK\x05\x06", b"https://", b"a=", b" =", b"\xe2\x80\xa8", b"\\", b"../", b"a;"),
)
_STACKED = (1, 1, 1, 2, 2, 3, 4, 6, 10)
_REPEATS = (2, 3, 16, 100, 1000)


class Mutator:
    """Changes bytes in ways that parsers stumble over: lengths that lie, ends that come early, blocks without end."""

    def __init__(self, seeds: Sequence[bytes], words: Sequence[bytes], longest: int) -> None:
        self._seeds = list(seeds) or [b""]
        self._words = list(words)
        self._longest = longest

    def mutate(self, data: bytes, chance: random.Random) -> bytes:
        """One input made of another by a few changes."""
        if chance.random() < 0.5 and (tampered := self._tampered(data, chance)) is not None:
            return tampered[: self._longest]
        made = bytearray(data)
        for _ in range(chance.choice(_STACKED)):
            chance.choice(_CHANGES)(self, made, chance)
        return bytes(made[: self._longest])

    def inputs(self, count: int, seed: str) -> Iterator[bytes]:
        """The seeds themselves, then what is made of them, ``count`` in all; never fewer than there are seeds."""
        chance = random.Random(seed)
        yield from self._seeds
        for _ in range(count - len(self._seeds)):
            yield self.mutate(chance.choice(self._seeds), chance)

    def strained(self, chance: random.Random) -> Iterator[bytes]:
        """Samples with a run without end somewhere in them: what takes the square of its length to read shows here."""
        for unit in _RUNS:
            run = unit * (self._longest // len(unit))
            for data in self._seeds:
                for at in {0, len(data), *(chance.randint(0, len(data)) for _ in range(4))}:
                    yield (data[:at] + run)[: self._longest - len(data) + at] + data[at:]

    def _tampered(self, data: bytes, chance: random.Random) -> bytes | None:
        """A document with other values in it; None when there is none that can be read."""
        opening = min((at for at in (data.find(b"{"), data.find(b"[")) if at >= 0), default=-1)
        try:
            if opening >= 0:
                text = data[opening:].decode()
                value, end = json.JSONDecoder().raw_decode(text)
                made = json.dumps(self._value(value, chance), ensure_ascii=chance.random() < 0.7)
                return data[:opening] + (made + text[end:]).encode()
            value = msgspec.msgpack.decode(data)
            return msgspec.msgpack.encode(self._value(value, chance)) if isinstance(value, dict | list) else None
        except (ValueError, TypeError, OverflowError, RecursionError):
            return None

    def _value(self, value: Any, chance: random.Random) -> Any:
        """The value with a change somewhere in it, or another in its place."""
        if isinstance(value, dict) and value and chance.random() < 0.85:
            made = dict(value)
            name = chance.choice(list(made))
            match chance.randrange(12):
                case 0:
                    del made[name]
                case 1:
                    made[chance.choice(list(made))] = made[name]
                case 2:
                    made[chance.choice(("", "a", f"{name} ", "\0", "a" * 300))] = made[name]
                case _:
                    made[name] = self._value(made[name], chance)
            return made
        if isinstance(value, list) and value and chance.random() < 0.85:
            items = list(value)
            at = chance.randrange(len(items))
            match chance.randrange(8):
                case 0:
                    del items[at]
                case 1:
                    items += [items[at]] * chance.choice((1, 2, 70))
                case 2:
                    chance.shuffle(items)
                case _:
                    items[at] = self._value(items[at], chance)
            return items
        return self._leaf(value, chance)

    def _leaf(self, value: Any, chance: random.Random) -> Any:
        match chance.randrange(6):
            case 0 | 1 if isinstance(value, str):
                return self.mutate(value.encode("utf-8", "replace"), chance).decode("utf-8", "replace")
            case 2:
                return [value] * chance.choice((1, 2, 300))
            case 3:
                deep = value
                for _ in range(chance.choice((1, 70, _DEEP))):
                    deep = [deep] if chance.random() < 0.5 else {"a": deep}
                return deep
            case 4 if self._words:
                return chance.choice(self._words).decode("utf-8", "replace")
        return chance.choice(_VALUES)

    def _flip(self, made: bytearray, chance: random.Random) -> None:
        if made:
            made[chance.randrange(len(made))] ^= 1 << chance.randrange(8)

    def _byte(self, made: bytearray, chance: random.Random) -> None:
        if made:
            made[chance.randrange(len(made))] = chance.choice((0, 0xFF, 0x80, 0x20, 0x0A, chance.randrange(256)))

    def _length(self, made: bytearray, chance: random.Random) -> None:
        """A binary number anywhere becomes one at the edge, or a little more or less than it was."""
        width, order = chance.choice(_WIDTHS), chance.choice(("little", "big"))
        if len(made) < width:
            return
        at = chance.randrange(len(made) - width + 1)
        value = chance.choice((*_EDGES, len(made), len(made) - at))
        if chance.random() < 0.4:
            value = int.from_bytes(made[at : at + width], order) + chance.randint(-4, 4)  # type: ignore[arg-type]
        made[at : at + width] = (value & ((1 << 8 * width) - 1)).to_bytes(width, order)  # type: ignore[arg-type]

    def _number(self, made: bytearray, chance: random.Random) -> None:
        """A number in digits becomes another."""
        found = list(_DIGITS.finditer(made))
        if found:
            place = chance.choice(found)
            made[place.start() : place.end()] = chance.choice(_NUMBERS)

    def _cut(self, made: bytearray, chance: random.Random) -> None:
        if made:
            at = chance.randrange(len(made))
            made[:] = made[:at] if chance.random() < 0.7 else made[at:]

    def _remove(self, made: bytearray, chance: random.Random) -> None:
        start, end = _span(made, chance)
        del made[start:end]

    def _repeat(self, made: bytearray, chance: random.Random) -> None:
        start, end = _span(made, chance)
        block = bytes(made[start:end])
        count = min(chance.choice(_REPEATS), self._longest // max(len(block), 1))
        made[end:end] = block * count

    def _swap(self, made: bytearray, chance: random.Random) -> None:
        start, end = _span(made, chance)
        block = bytes(made[start:end])
        del made[start:end]
        at = chance.randint(0, len(made))
        made[at:at] = block

    def _word(self, made: bytearray, chance: random.Random) -> None:
        word = chance.choice(self._words or _ODD)
        at = chance.randint(0, len(made))
        made[at : at + len(word) if chance.random() < 0.5 else at] = word

    def _odd(self, made: bytearray, chance: random.Random) -> None:
        word = chance.choice(_ODD) * chance.choice((1, 1, 1, 2, 40))
        at = chance.randint(0, len(made))
        made[at : at + chance.choice((0, 1, len(word)))] = word

    def _noise(self, made: bytearray, chance: random.Random) -> None:
        at = chance.randint(0, len(made))
        made[at:at] = chance.randbytes(chance.choice((1, 2, 4, 16, 300)))

    def _splice(self, made: bytearray, chance: random.Random) -> None:
        """A part of another sample in place of a part of this one."""
        other = chance.choice(self._seeds)
        first, last = _span(bytearray(other), chance)
        start, end = _span(made, chance)
        made[start:end] = other[first:last]

    def _nest(self, made: bytearray, chance: random.Random) -> None:
        """Something opens again and again and never closes."""
        at = chance.randint(0, len(made))
        made[at:at] = chance.choice(_OPENING) * chance.choice((3, 70, 2000))

    def _lines(self, made: bytearray, chance: random.Random) -> None:
        """Lines in another order, one of them twice."""
        lines = bytes(made).split(b"\n")
        lines.append(chance.choice(lines))
        chance.shuffle(lines)
        made[:] = b"\n".join(lines)


def _span(made: bytearray, chance: random.Random) -> tuple[int, int]:
    """The beginning and the end of a part, short ones more often than long ones."""
    if not made:
        return 0, 0
    start = chance.randrange(len(made))
    length = chance.choice((1, 2, 4, 8, 16, 64, 512, len(made)))
    return start, min(start + chance.randint(1, length), len(made))


_CHANGES: tuple[Callable[[Mutator, bytearray, random.Random], None], ...] = (
    Mutator._flip,
    Mutator._byte,
    Mutator._length,
    Mutator._length,
    Mutator._number,
    Mutator._cut,
    Mutator._remove,
    Mutator._repeat,
    Mutator._swap,
    Mutator._word,
    Mutator._odd,
    Mutator._noise,
    Mutator._splice,
    Mutator._nest,
    Mutator._lines,
)
