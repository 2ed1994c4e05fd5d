"""The precedence of Semantic Versioning 2.0.0, section 11, shared by the orders that are built on it."""

import re

IDENTIFIERS = r"[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*"
STRICT = re.compile(rf"v?(\d+)\.(\d+)\.(\d+)(?:-({IDENTIFIERS}))?(?:\+({IDENTIFIERS}))?", re.ASCII)
"""A whole version, with the ``v`` that tags bring along."""

Identifier = tuple[int, int | str]


def identifiers(text: str | None) -> tuple[Identifier, ...]:
    """Numbers come before words, and what goes on comes after what ends."""
    return tuple((0, int(part)) if part.isdigit() else (1, part) for part in text.split(".")) if text else ()


def prerelease(text: str | None) -> tuple[int, tuple[Identifier, ...]]:
    """A pre-release comes before its release."""
    return (0, identifiers(text)) if text else (1, ())
