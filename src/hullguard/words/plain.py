"""Text of others, made fit to be shown."""

import re
import unicodedata
from typing import Final

# Names come from images: nothing in them may steer a terminal, or turn the direction of what follows.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")


_UNSEEN: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_BLANK: Final = frozenset("\u115f\u1160\u2800\u3164\uffa0")
"""Letters and symbols by Unicode's word that have no ink."""
_JOINED: Final = re.compile(r"[\u034f\u17b4\u17b5\u180b-\u180f\ufe00-\ufe0f\U000e0100-\U000e01ef]")
"""Marks that are shown as nothing (Default_Ignorable_Code_Point, DerivedCoreProperties.txt). A text may have them
behind a symbol that they colour; a name looks the same without."""
_WIDE: Final = "\u3000"
"""The space of Chinese and Japanese, which looks like no other."""


def fault_of_line(text: str, field: str) -> str | None:
    """Why a line that people read may not stand as ``field`` in what somebody gave; None where it may.

    Nothing in it may be hidden, or steer or turn what is shown beside it.
    """
    if is_blank(text):
        return f"its {field} is blank; say what it is"
    hidden = (place for place, each in enumerate(text) if unicodedata.category(each) in _UNSEEN or each in _BLANK)
    place = next(hidden, None)
    return None if place is None else _hidden(text, place, field)


def fault_of_name(text: str, field: str) -> str | None:
    """The same of a name, by which people tell things apart: none may look like another."""
    if (fault := fault_of_line(text, field)) is not None:
        return fault
    if (joined := _JOINED.search(text)) is not None:
        return _hidden(text, joined.start(), field)
    for place, each in enumerate(text):
        if unicodedata.category(each) == "Zs" and each not in (" ", _WIDE):
            character = f"U+{ord(each):04X}"
            return (
                f"character {place + 1} of its {field}, {character}, looks like a usual space; write one in its place"
            )
    if text != text.strip():
        return f"its {field} begins or ends with a space; leave it out"
    return f"its {field} has two spaces in a row; leave one out" if "  " in text else None


def is_blank(text: str) -> bool:
    """Whether nothing of it can be seen."""
    return not any(unicodedata.category(each)[0] in "LNPS" and each not in _BLANK for each in text)


def _hidden(text: str, place: int, field: str) -> str:
    character = f"U+{ord(text[place]):04X}"
    return f"character {place + 1} of its {field}, {character}, cannot be seen or steers what shows it; leave it out"


def plain(text: str) -> str:
    """Text that a terminal shows as it is, in one line."""
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text)
