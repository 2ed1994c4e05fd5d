"""What one end of a session understands beyond what its protocol always had; each tells the other when it opens.

A name stands for one form of the messages concerned: a form that changes gets a new name, and the old name stays for
as long as the old form is understood. Names that are not known here are ignored, so that either end may be the younger.
Who says nothing is of before this list, and understands none of it.
"""

from collections.abc import Iterable
from typing import Annotated, Final

from msgspec import Meta

MOST: Final = 128
Names = Annotated[tuple[Annotated[str, Meta(min_length=1, max_length=64)], ...], Meta(max_length=MOST)]

PROFILES: Final = "profiles"
"""Profiles beside the policies, under one hash with them, and ``learned`` records."""

USED: Final = "used"
"""``used`` messages."""

KNOWN: Final = frozenset({PROFILES, USED})
"""What both ends of this release understand."""
SAID: Final = tuple(sorted(KNOWN))
"""The same as it is told."""


def understood(said: Iterable[str]) -> frozenset[str]:
    """Of what the other end said, what means something here."""
    return KNOWN.intersection(said)
