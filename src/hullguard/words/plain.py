"""Text of others, made fit to be shown."""

import re
import unicodedata
from typing import Final

# Names come from images: nothing in them may steer a terminal, or turn the direction of what follows.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")


_UNSEEN: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_BLANK: Final = frozenset("\u115f\u1160\u2800\u3164\uffa0")
"""Letters and symbols by Unicode's word that have no ink."""


def unseen(text: str) -> int | None:
    """The place of the first character that shows nothing, or steers what shows it; None where there is none."""
    found = (place for place, each in enumerate(text) if unicodedata.category(each) in _UNSEEN)
    return next(found, None)


def is_blank(text: str) -> bool:
    """Whether nothing of it can be seen."""
    return not any(unicodedata.category(each)[0] in "LNPS" and each not in _BLANK for each in text)


def plain(text: str) -> str:
    """Text that a terminal shows as it is, in one line."""
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text)
