"""Lock files in TOML, which the standard library's reader takes the square of a key's parts to read."""

import tomllib
from typing import Any

from hullguard.inventory.analyzers.language import Unreadable

_DOTS = 100
"""In one line: tools write some ten, and a key of thousands of parts would take minutes."""


def table(content: bytes) -> dict[str, Any]:
    """The whole file; raises what the standard library raises, or Unreadable."""
    if any(line.count(b".") > _DOTS for line in content.splitlines()):
        raise Unreadable(f"has a line with more than {_DOTS} dots, which no tool writes; it was not read")
    return tomllib.loads(content.decode())
