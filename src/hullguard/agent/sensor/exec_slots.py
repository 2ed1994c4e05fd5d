"""What a slot's wants ask of programs that start, as entries of the trie ``paths`` and bits of the configuration. Pure.

``bpf/ask.h`` reads them.
"""

from collections.abc import Iterable, Iterator

from hullguard.agent.sensor import abi
from hullguard.detect.detectors.interface import ExecTrait, Wants
from hullguard.detect.paths import Shape
from hullguard.detect.plan import SlotPlan
from hullguard.detect.texts import key, piece
from hullguard.model.event import EventKind

TRAITS: dict[ExecTrait, int] = {
    ExecTrait.NEW_FILE: abi.TRAIT_NEW,
    ExecTrait.ENTRY_WITH_TERMINAL: abi.TRAIT_ENTRY,
    ExecTrait.STDIO_SOCKET: abi.TRAIT_STDIO,
    ExecTrait.SETUID: abi.TRAIT_SETUID,
    ExecTrait.HIDDEN: abi.TRAIT_HIDDEN,
    ExecTrait.TERMINAL: abi.TRAIT_TERMINAL,
}
PROGRAM_KINDS = {
    Shape.WHOLE: abi.PROGRAM_WANTED,
    Shape.BEGINNING: abi.PROGRAM_WANTED,
    Shape.ENDING: abi.PROGRAM_ENDING,
    Shape.DIRECTORY: abi.PROGRAM_DIRECTORY,
}
_LONGEST_NAME = abi.COMM - 1
_FACTOR, _BITS = 2654435761, 11

Text = tuple[bytes, bytes]
"""The first byte of a key in ``paths``, and what follows it."""


def ask(value: abi.Slot, bit: int, want: Wants) -> None:
    """Adds to a slot's own entry what a want asks of execs."""
    value.by_program |= bit if want.executables else 0
    value.by_cwd |= bit if want.directories else 0
    value.by_parent |= bit if want.parents else 0
    value.by_text |= bit if want.texts else 0
    value.by_variable |= bit if want.variables else 0
    value.execs |= 0 if want.execs else bit
    for trait in want.execs:
        value.traits[TRAITS[trait]] |= bit


def texts(want: Wants) -> Iterator[tuple[Text, bool]]:
    """What a want looks for in names and strings, and whether that is enough for it; paths are apart.

    A variable that only some other rule reads is looked for as well: the environment goes with the exec then.
    """
    for name in want.parents:
        raw = name.removesuffix("*").encode()
        if name.endswith("*"):
            yield (abi.PARENT_WANTED, raw[:_LONGEST_NAME]), True
        elif len(raw) <= _LONGEST_NAME:
            yield (abi.PARENT_WANTED, raw + b"\0"), True
    for text in want.texts:
        yield (abi.TEXT_WANTED, key(text)), True
    for name in variables(want):
        yield (abi.VARIABLE_WANTED, key(f"{name}=")), name in want.variables


def variables(want: Wants) -> frozenset[str]:
    """Those that the kernel can look for."""
    if EventKind.EXEC not in want.kinds:
        return frozenset()
    return frozenset(name for name in want.variables | want.environment if _can_be_found(name))


def environment(slots: Iterable[SlotPlan]) -> int:
    """Whether execs come with their environment."""
    names = {name for slot in slots for want in slot.wants for name in want.environment | want.variables}
    if not names:
        return abi.ENV_NONE
    return abi.ENV_NAMED if all(map(_can_be_found, names)) else abi.ENV_ALL


def grams(slots: Iterable[SlotPlan], kind: bytes) -> list[int]:
    """Words of bits: with which four bytes the texts of a kind begin."""
    words = [0] * abi.GRAMS
    for slot in slots:
        for want in slot.wants:
            for (found, text), _ in texts(want):
                if found == kind:
                    place = gram_bit(text)
                    words[place // 64] |= 1 << place % 64
    return words


def gram_bit(text: bytes) -> int:
    """``may_begin`` in ``bpf/ask.h``."""
    return int.from_bytes(text[: abi.GRAM], "little") * _FACTOR % (1 << 32) >> (32 - _BITS)


def _can_be_found(name: str) -> bool:
    return piece(f"{name}=") == f"{name}="
