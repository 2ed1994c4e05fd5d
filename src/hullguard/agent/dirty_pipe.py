"""Whether a kernel has the hole that ``privilege.dirty-pipe`` is about (CVE-2022-0847), as far as its number says.

Since 5.8 (commit f6dd975583bd); mended by commit 9d2231c5d74e, which stable kernels have as listed here. Kernels that
ended between those never were. Distributions mend a kernel and keep its number, so an old number proves nothing.
"""

import re
from typing import Final

_SINCE: Final = (5, 8)
_MENDED: Final = {(5, 10): 102, (5, 15): 25, (5, 16): 11}
_CLOSED: Final = (5, 17)
_NUMBER: Final = re.compile(r"(\d+)\.(\d+)(?:\.(\d+))?")


def may_be_open(release: str) -> bool | None:
    """By what ``uname -r`` says; None where that has no number."""
    found = _NUMBER.match(release)
    if found is None:
        return None
    series, patch = (int(found[1]), int(found[2])), int(found[3] or 0)
    return _SINCE <= series < _CLOSED and patch < _MENDED.get(series, patch + 1)


def words(release: str) -> str:
    """The same for people."""
    may = may_be_open(release)
    if may is None:
        return f"the kernel's number cannot be read in {release[:64]!r}, so nobody knows whether it has the hole"
    if not may:
        return "closed in this kernel; attempts are told"
    return (
        "by its number this kernel has the hole: update to 5.10.102, 5.15.25, 5.16.11 or newer, unless the "
        "distribution mended it and kept the number"
    )
