"""Text of others, made fit to be shown."""

import re

# Names come from images: nothing in them may steer a terminal, or turn the direction of what follows.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")


def plain(text: str) -> str:
    """Text that a terminal shows as it is, in one line."""
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text)
