"""Path patterns, as far as the kernel knows them.

``/a/b`` is one file, ``/a/*`` everything below a directory, ``/a/b*`` every path that begins so, ``*/b`` and ``*.so``
every path that ends so, ``*/b/*`` everything below any directory ``b``. In policies people write the first two only.
"""

import enum
from collections.abc import Iterable

LONGEST = 240
"""In bytes; what fits into a key of the kernel's trie (``HG_TRIE`` in ``events.h``) with its end."""


class Shape(enum.Enum):
    """What a pattern's text must be of a path."""

    WHOLE = "whole"
    BEGINNING = "beginning"
    ENDING = "ending"
    DIRECTORY = "directory"


def shape(pattern: str) -> tuple[Shape, str]:
    """A pattern's shape and its text without stars; of DIRECTORY the directory's name."""
    if not pattern.startswith("*"):
        return (Shape.BEGINNING, pattern[:-1]) if pattern.endswith("*") else (Shape.WHOLE, pattern)
    if pattern.endswith("/*") and pattern.startswith("*/") and len(pattern) > 4:
        return Shape.DIRECTORY, pattern[2:-2]
    return Shape.ENDING, pattern[1:]


def covers(pattern: str, path: str) -> bool:
    """Whether the pattern covers the path."""
    kind, text = shape(pattern)
    if kind is Shape.WHOLE:
        return path == text
    if kind is Shape.BEGINNING:
        return path.startswith(text)
    return path.endswith(text) if kind is Shape.ENDING else f"/{text}/" in path


def matches(path: str, patterns: Iterable[str]) -> bool:
    """Whether any pattern covers the path."""
    return any(covers(pattern, path) for pattern in patterns)


def complaint(pattern: str) -> str | None:
    """What is wrong with a pattern in a policy, or None."""
    body = pattern.removesuffix("*") if pattern.endswith("/*") else pattern
    parts = body.split("/")
    if not pattern.startswith("/"):
        return "is not an absolute path"
    if "*" in body or "?" in body or "[" in body:
        return "has a wildcard elsewhere than as a last '/*'"
    if any(part in {".", ".."} for part in parts) or "//" in body or (body.endswith("/") and body == pattern):
        return "is not a plain path: write it without '.', '..', '//' and a last '/'"
    return unusable(pattern)


def unusable(pattern: str) -> str | None:
    """Why the kernel could not hold a pattern, or None."""
    kind, text = shape(pattern)
    if "*" in text or (kind is Shape.DIRECTORY and "/" in text):
        return "has a star where none can be"
    if any(ord(character) < 32 for character in pattern):
        return "has control characters"
    if len(pattern.encode(errors="surrogatepass")) > LONGEST:
        return f"is longer than {LONGEST} bytes"
    return None
