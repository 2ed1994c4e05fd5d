"""What a lock file names and nobody can judge, counted, so that it is said in one sentence each."""

from collections import Counter
from collections.abc import Iterator

from hullguard.inventory import bounds
from hullguard.inventory.analyzers.analyzer import text
from hullguard.inventory.analyzers.language import Doubt

ELSEWHERE = "come from a repository, an address or a directory, of which no advisories speak"
UNPINNED = "are not held to one version here"
STRANGE = "are written in a way that is not read"
ENDLESS = f"stand in lines of more than {bounds.LOCK_LINE} characters, which no tool writes"
NESTED = f"lie more than {bounds.LOCK_LEVELS} deep in one another, and were left out"
_LIMITS = frozenset({ENDLESS, NESTED})


class Tally:
    """Counts by reason."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()

    def add(self, why: str) -> None:
        self._counts[why] += 1

    def lines(self, content: bytes) -> list[str]:
        """The lines, empty those that are longer than any tool writes them; patterns may take long on them."""
        found = []
        for line in text(content).splitlines():
            if len(line) > bounds.LOCK_LINE:
                self.add(ENDLESS)
            found.append(line if len(line) <= bounds.LOCK_LINE else "")
        return found

    def doubts(self) -> Iterator[Doubt]:
        for why, count in sorted(self._counts.items()):
            yield Doubt(f"{count} of its entries {why}", incomplete=why in _LIMITS)
