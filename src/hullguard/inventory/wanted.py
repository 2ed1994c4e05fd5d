"""Which files of an image the analyzers want, and how little of each is worth keeping."""

import functools
import hashlib
import re
from collections.abc import Sequence

from hullguard.inventory.analyzers.analyzer import Analyzer

# Raised when the meaning of an index changes, so that no cached one is misread.
INDEX_VERSION = 1


class Wanted:
    """The analyzers' wishes as one compiled pattern.

    ``aliases`` are real paths that stand for wanted ones because a symbolic or hard link leads there: with
    ``("opt/db", "var/lib/dpkg")`` the file ``opt/db/status`` is wanted as ``var/lib/dpkg/status``.
    """

    def __init__(self, analyzers: Sequence[Analyzer], aliases: Sequence[tuple[str, str]] = ()) -> None:
        self.analyzers = tuple(analyzers)
        self.aliases = tuple(sorted(set(aliases)))
        self._match = re.compile("|".join(f"(?:{analyzer.paths})" for analyzer in analyzers)).fullmatch
        self._patterns = [(analyzer, re.compile(analyzer.paths)) for analyzer in analyzers]

    @functools.cached_property
    def signature(self) -> str:
        """Changes whenever an index made with these wishes could differ."""
        parts = [str(INDEX_VERSION), *(f"{a.name}:{a.version}:{a.paths}" for a in self.analyzers)]
        parts += [f"{real}={logical}" for real, logical in self.aliases]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()

    def logical(self, path: str) -> str | None:
        """The name under which an analyzer wants this path, or None when nobody does."""
        if self._match(path):
            return path
        for real, logical in self.aliases:
            if path == real:
                return logical
            if path.startswith(real) and path[len(real)] == "/":
                name = logical + path[len(real) :]
                if self._match(name):
                    return name
        return None

    def condense(self, logical: str, content: bytes) -> bytes:
        """What the analyzer that wants the file keeps of it."""
        for analyzer, pattern in self._patterns:
            if pattern.fullmatch(logical):
                return analyzer.condense(logical, content)
        return content

    def with_aliases(self, aliases: Sequence[tuple[str, str]]) -> "Wanted":
        return Wanted(self.analyzers, (*self.aliases, *aliases))
