"""Copyright files with fields (copyright-format 1.0, once DEP-5): the licences of files and those that stand alone."""

import re
from collections.abc import Iterator

from hullguard.inventory.analyzers.copyright import free_form
from hullguard.inventory.analyzers.copyright.names import expression, known

_FORMAT = re.compile(
    r"\s*(?:[A-Za-z-]+:.*\n(?:[ \t].*\n)*){0,8}?Format(?:-Specification)?:\s*\S*(?:copyright-format|dep-?5)"
)
# One field with its further lines, which begin with a blank.
_LICENSE = re.compile(r"^License[ \t]*:[ \t]*(.*)((?:\n[ \t].*)*)", re.MULTILINE | re.IGNORECASE)


def is_machine_readable(content: str) -> bool:
    """Whether the file says that it has the form."""
    return _FORMAT.match(content) is not None


def licenses(content: str) -> Iterator[str]:
    """As the fields name them, as SPDX expressions where SPDX has the names, more than once where they are there so.

    Where a field has no name but the licence's text, what is unmistakable of that counts.
    """
    for field in _LICENSE.finditer(content):
        words = field[1].strip() or _on_the_next_line(field[2])
        named = expression(words) if words else None
        if named is not None:
            yield named
        elif words or field[2]:
            yield from free_form.licenses(f"{field[1]}{field[2]}")


def _on_the_next_line(more: str) -> str:
    line = more.lstrip("\n").partition("\n")[0].strip()
    return line if known(line) is not None else ""
