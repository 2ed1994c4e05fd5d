"""Lock files in TOML, which the standard library's reader takes the square of a key's parts to read."""

import tomllib
from typing import Any

from hullguard.inventory import bounds
from hullguard.inventory.analyzers.language import TooMuch


def table(content: bytes) -> dict[str, Any]:
    """The whole file; raises what the standard library raises, or TooMuch."""
    tables, lines = bounds.LOCK_TABLES, bounds.LOCK_LINES
    if content.count(b"[") > tables or content.count(b"\n") > lines:
        raise TooMuch(f"has more than {tables} tables and lists, or more than {lines} lines; it was not read")
    if any(line.count(b".") > bounds.LOCK_DOTS for line in content.splitlines()):
        raise TooMuch(f"has a line with more than {bounds.LOCK_DOTS} dots, which no tool writes; it was not read")
    return tomllib.loads(content.decode())
