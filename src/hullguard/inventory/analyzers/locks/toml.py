"""Lock files in TOML, which the standard library's reader takes the square of a key's parts to read."""

import tomllib
from typing import Any

from hullguard.inventory.analyzers.language import Unreadable

_DOTS = 100
"""In one line: tools write some ten, and a key of thousands of parts would take minutes."""
_BRACKETS = 50_000
_LINES = 300_000
"""Of both the largest lock files that tools wrote have a tenth; the reader takes two seconds for as many."""


def table(content: bytes) -> dict[str, Any]:
    """The whole file; raises what the standard library raises, or Unreadable."""
    if content.count(b"[") > _BRACKETS or content.count(b"\n") > _LINES:
        raise Unreadable(f"has more than {_BRACKETS} tables and lists, or more than {_LINES} lines; it was not read")
    if any(line.count(b".") > _DOTS for line in content.splitlines()):
        raise Unreadable(f"has a line with more than {_DOTS} dots, which no tool writes; it was not read")
    return tomllib.loads(content.decode())
