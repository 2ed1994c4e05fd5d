"""The automaton over all rules that finds candidates.

Compiling it takes longer than most scans. So it is compiled when the package is built, and the result is used by who
has the same rules, the same engine and a processor that the engine finds fit; everybody else compiles it again.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

BUILT = Path(__file__).with_name("automaton.hs")
"""Of the rules that come with the package; ``make`` writes it."""
_NAME = 32


def automaton(patterns: Sequence[str], numbers: Sequence[int], built: Path = BUILT) -> Any:
    """A database of the engine that tells for a block which of the patterns fit somewhere in it, each at most once."""
    import hyperscan

    try:
        with built.open("rb") as file:
            if file.read(_NAME) == _name(patterns, numbers):
                return hyperscan.loadb(file.read(), hyperscan.HS_MODE_BLOCK)
    except (OSError, hyperscan.error):
        pass  # absent, damaged or for another processor: it is only a head start
    return _compiled(patterns, numbers)


def build(patterns: Sequence[str], numbers: Sequence[int], built: Path = BUILT) -> None:
    """Writes the compiled automaton."""
    import hyperscan

    content = _name(patterns, numbers) + hyperscan.dumpb(_compiled(patterns, numbers))
    half = built.with_suffix(".part")
    half.write_bytes(content)
    half.replace(built)


def _name(patterns: Sequence[str], numbers: Sequence[int]) -> bytes:
    import hyperscan

    # What the package says of itself: to ask for what is installed loads all that reads mail, and takes 15 ms.
    engine: Any = hyperscan  # its stubs leave that out
    made_of = repr((engine.__version__, list(patterns), list(numbers)))
    return hashlib.sha256(made_of.encode()).digest()


def _compiled(patterns: Sequence[str], numbers: Sequence[int]) -> Any:
    import hyperscan

    database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
    expressions = [pattern.encode("ascii") for pattern in patterns]
    flags = [hyperscan.HS_FLAG_SINGLEMATCH] * len(patterns)
    database.compile(expressions=expressions, ids=list(numbers), elements=len(patterns), flags=flags)
    return database
