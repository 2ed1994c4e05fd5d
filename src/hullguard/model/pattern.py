"""Shell patterns, each compiled once: ``*`` stands for any characters, also ``/``; ``?`` for one; ``[…]`` for some.

What ``fnmatch`` makes of a pattern does not backtrack: every ``*`` but the last is an atomic group that takes as little
as it can, so the time is bounded by the product of the two lengths. Both are bounded where they come in.
"""

import re
from fnmatch import translate
from functools import lru_cache


@lru_cache(maxsize=8192)
def shell_pattern(pattern: str) -> re.Pattern[str]:
    """Matches (``.match``) a whole text, with its case."""
    return re.compile(translate(pattern))
