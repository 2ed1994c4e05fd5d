"""What a kind of credential looks like."""

import re

from msgspec import Struct

from hullguard.model.severity import Severity

# Between a name and its value: KEY="...", key: ..., "key": "...", key => ..., key := ...
_ASSIGNED = r"""[0-9A-Za-z_.\-]{0,24}["']?[ \t]{0,4}(?:=|:|=>|:=)[ \t]{0,4}["']?"""

_REPEAT = re.compile(r"\{(\d+)(?:,(\d+))?\}")
_COUNTED = 16


def _widened(repeat: re.Match[str]) -> str:
    least, most = int(repeat[1]), int(repeat[2] or repeat[1])
    if least > _COUNTED:
        return f"{{{_COUNTED},}}"
    return f"{{{least},}}" if most > _COUNTED else repeat[0]


class Rule(Struct, frozen=True):
    """One kind of credential. ``pattern`` is for both engines: no lookaround, no backreference, bounded repeats.

    Its first group, where it has one, is the secret itself; else the whole match is.
    """

    id: str
    title: str
    severity: Severity
    pattern: str
    words: str = ""
    """Names, as alternatives, of which one must begin what the value is assigned to; their case does not matter."""
    entropy: float = 0.0
    """Bits per character that the secret must have: what is lower was not made at random."""
    paths: str = ""
    """A regular expression that the end of the path must fit, for formats that are known by their file."""
    whole: bool = True
    """The match must not go on with more letters or digits on either side."""
    allow: str = ""
    """A regular expression; a secret that begins like this is none."""
    unless: str = ""
    """A regular expression; what this stands behind is no secret."""
    needs: tuple[str, ...] = ()
    """Of these one stands in whatever it matches: looked for first, they take a tenth of the time."""

    @property
    def search(self) -> str:
        """The pattern with the names before it."""
        return f"(?:(?i:{self.words}){_ASSIGNED})({self.pattern})" if self.words else self.pattern

    @property
    def candidate(self) -> str:
        """A pattern that fits at least as much and compiles to a small automaton: long repeats need not be counted."""
        return _REPEAT.sub(_widened, self.search)

    def confirm(self) -> re.Pattern[bytes]:
        """The pattern for the engine that confirms a candidate and says where it begins."""
        pattern = self.search
        if self.whole:
            before = "" if self.words else "(?<![0-9A-Za-z_])"
            pattern = f"{before}(?:{pattern})(?![0-9A-Za-z_])"
        return re.compile(pattern.encode("ascii"))

    def excuse(self) -> re.Pattern[bytes] | None:
        """What is looked for where a secret ends, and shows that it is none."""
        return re.compile(self.unless.encode("ascii")) if self.unless else None
