"""Reads the files that say what does not count."""

from collections.abc import Sequence
from pathlib import Path

from hullguard.imagescan.suppress import ignore, vex
from hullguard.imagescan.suppress.rules import Rules
from hullguard.model.errors import Invalid, NotFound

_MAX_IGNORES = 1 << 20
_MAX_VEX = 64 << 20


def load(ignore_file: Path | None = None, vex_files: Sequence[Path] = ()) -> Rules:
    """Raises NotFound or Invalid, naming the file and the place in it: a rule that is not read must not be missed."""
    rules = []
    unknowns = []
    if ignore_file is not None:
        rules += ignore.read(_content(ignore_file, _MAX_IGNORES), ignore_file.name)
    for path in vex_files:
        said, doubts = vex.read(_content(path, _MAX_VEX), path.name)
        rules += said
        unknowns += doubts
    return Rules(rules, unknowns)


def _content(path: Path, limit: int) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(limit + 1)
    except FileNotFoundError as cause:
        raise NotFound(f"there is no file {str(path)!r}", "suppress.no-file") from cause
    except (OSError, ValueError) as cause:
        raise Invalid(f"{str(path)!r} cannot be read: {cause}", "suppress.unreadable") from cause
    if len(content) > limit:
        raise Invalid(f"{str(path)!r} has more than {limit} bytes", "suppress.too-large")
    return content
