"""Which files of an image the analyzers want, and how little of each is worth keeping."""

import functools
import hashlib
import itertools
import re
from collections.abc import Callable, Iterator, Sequence

import msgspec

from hullguard.inventory import bounds
from hullguard.inventory.analyzers.analyzer import Analyzer
from hullguard.inventory.analyzers.language import LargeFileAnalyzer
from hullguard.inventory.content.inspector import Inspector
from hullguard.inventory.endings import Endings
from hullguard.inventory.limits import Budget
from hullguard.inventory.random_access import RandomAccess

# Raised when the meaning of an index changes, so that no cached one is misread.
INDEX_VERSION = 11

SNIFFED_FROM = 64
"""Smaller files are no programs; ELF's header alone has 64 bytes."""


BEGINNING = 1 << 20
"""Bytes in which files show what they are that are wanted for that: a block of bzip2 may have nearly as many."""
_SCRIPT, _SCRIPT_FROM = b"#!", 1 << 13
"""Scripts are many; one that starts an archive behind it is not so small (Spring Boot's has nine kilobytes)."""


class _Alias:
    """A name, or a part of one, that stands for wanted ones."""

    __slots__ = ("below", "logicals")

    def __init__(self) -> None:
        self.below: dict[str, _Alias] = {}
        self.logicals: list[str] = []

    def at(self, path: str) -> "_Alias":
        alias = self
        for part in path.split("/") if path else ():
            alias = alias.below.setdefault(part, _Alias())
        return alias


class Wanted:
    """The analyzers' wishes as one compiled pattern.

    ``aliases`` are names in archives that stand for wanted ones because a symbolic or hard link leads there: with
    ``("opt/db", "var/lib/dpkg")`` the file ``opt/db/status`` is wanted as ``var/lib/dpkg/status``.
    """

    def __init__(
        self,
        analyzers: Sequence[Analyzer],
        aliases: Sequence[tuple[str, str]] = (),
        inspectors: Sequence[Inspector] = (),
    ) -> None:
        self.analyzers = tuple(analyzers)
        self.inspectors = tuple(inspectors)
        self.aliases = tuple(sorted(set(aliases)))
        self._standing_for = _Alias()
        for name, logical in self.aliases:
            self._standing_for.at(name).logicals.append(logical)
        self.magics = tuple(magic for analyzer in analyzers for magic in analyzer.magic)
        """First bytes by which some analyzer wants a file."""
        self.stores = tuple(f"{store}/" for analyzer in analyzers for store in analyzer.stores)
        """Where a directory is a package by its name."""
        self.endings = tuple(ending for analyzer in analyzers for ending in analyzer.endings)
        """Ends of names of files that are wanted for what they begin with."""
        self._longest_magic = max(map(len, self.magics), default=0)

    @functools.cached_property
    def signature(self) -> str:
        """Changes whenever an index made with these wishes could differ."""
        # Names of an image may hold any sign, so what separates them must be none.
        parts = (
            INDEX_VERSION,
            [(a.name, a.version, a.paths, a.magic, a.stores, a.endings) for a in self.analyzers],
            [(inspector.name, inspector.version) for inspector in self.inspectors],
            self.aliases,
        )
        return hashlib.sha256(msgspec.json.encode(parts)).hexdigest()

    def logical(self, path: str) -> str | None:
        """The name under which an analyzer wants this path, or None when nobody does.

        Where it may have its own and one below a link to a directory of packages, which says more, it is the link's.
        """
        if self._possible(path) and (analyzer := self.analyzer(path)) is not None:
            if not (self.aliases and analyzer.linked):
                return path
            others = (name for name, whole in self._renamed(path) if not whole and self._possible(name))
            return next((name for name in others if self.analyzer(name) is analyzer), path)
        if not self.aliases:
            return None
        wanted = (name for name, whole in self._renamed(path) if whole or (self._possible(name) and self._match(name)))
        return next(wanted, None)

    def directory(self, path: str) -> str | None:
        """The name under which a link at this path stands for a directory of some analyzer's."""
        if self._linked(path):
            return path
        return next((name for name, _ in self._renamed(path) if self._linked(name)), None) if self.aliases else None

    def told(self, path: str) -> frozenset[str]:
        """What the name of a file tells of its content, where something else than the name makes that wanted."""
        return self._told_to_inspectors(path).union(
            *(analyzer.told(path) for analyzer in self.analyzers if analyzer.magic)
        )

    def told_by_link(self, path: str) -> frozenset[str]:
        """The part of that which the name of a symbolic link tells of the file that it leads to."""
        return self._told_to_inspectors(path).union(
            *(analyzer.told_by_link(path) for analyzer in self.analyzers if analyzer.magic)
        )

    def _told_to_inspectors(self, path: str) -> frozenset[str]:
        return frozenset[str]().union(*(inspector.told(path) for inspector in self.inspectors))

    def names(self, path: str) -> list[str]:
        """The name of a file in the archive, and those that links give it."""
        return [path, *(name for name, whole in self._renamed(path) if whole)] if self.aliases else [path]

    def _renamed(self, path: str) -> Iterator[tuple[str, bool]]:
        """The names that a path has by the aliases, and whether it is an alias itself and not only below one."""
        alias, end, room = self._standing_for, -1, int(bounds.LINKS_TO_A_DIRECTORY)
        for part in ("", *path.split("/")):
            if part:
                if part not in alias.below:
                    return
                alias = alias.below[part]
                end += len(part) + 1
            if end == len(path):
                yield from ((logical, True) for logical in alias.logicals)
                return
            yield from ((f"{logical}/{path[end + 1 :]}", False) for logical in alias.logicals[:room])
            room = max(room - len(alias.logicals), 0)

    @functools.cached_property
    def crowded(self) -> tuple[tuple[str, str], ...]:
        """Of the aliases those by which nothing below them is wanted: too many lead there, or to what is above."""
        found = list[tuple[str, str]]()
        for name, _ in itertools.groupby(self.aliases, key=lambda alias: alias[0]):
            alias, room = self._standing_for, int(bounds.LINKS_TO_A_DIRECTORY)
            for part in name.split("/") if name else ():
                alias, room = alias.below[part], max(room - len(alias.logicals), 0)
            found += [(name, logical) for logical in alias.logicals[room:]]
        return tuple(found)

    def _match(self, path: str) -> bool:
        return self.analyzer(path) is not None

    @functools.cached_property
    def _possible(self) -> Callable[[str], bool]:
        return Endings(analyzer.paths for analyzer in self.analyzers).possible

    @functools.cached_property
    def _linked(self) -> Callable[[str], re.Match[str] | None]:
        patterns = (f"(?:{analyzer.linked})" for analyzer in self.analyzers if analyzer.linked)
        return re.compile("|".join(patterns) or "(?!)", re.DOTALL).fullmatch

    def analyzer(self, logical: str) -> Analyzer | None:
        """The one that a file of this name belongs to."""
        for analyzer, fits in self._patterns:
            if fits(logical):
                return analyzer
        return None

    @functools.cached_property
    def _patterns(self) -> tuple[tuple[Analyzer, Callable[[str], re.Match[str] | None]], ...]:
        # A name may hold any byte but zero and the slash, line breaks too.
        return tuple((analyzer, re.compile(analyzer.paths, re.DOTALL).fullmatch) for analyzer in self.analyzers)

    def form(self, logical: str) -> str | None:
        """How a file of a wanted name is condensed: two of the same form are condensed alike."""
        analyzer = self.analyzer(logical)
        return f"{analyzer.name} {analyzer.variant(logical)}" if analyzer is not None else None

    def with_aliases(self, aliases: Sequence[tuple[str, str]]) -> "Wanted":
        return Wanted(self.analyzers, (*self.aliases, *aliases), self.inspectors)

    @property
    def looks_inside(self) -> bool:
        """Whether the first bytes of a file decide anything."""
        return bool(self.magics or self.inspectors)

    def sniffs(self, size: int, head: bytes) -> bool:
        """Whether some analyzer wants a file for its first bytes."""
        return size >= (_SCRIPT_FROM if head.startswith(_SCRIPT) else SNIFFED_FROM) and head.startswith(self.magics)

    def begins(self, path: str, size: int, peek: Callable[[int], bytes]) -> dict[str, bytes]:
        """What is kept of a file for what it begins with, by the analyzer's name; ``peek`` leaves it to be read."""
        if not path.endswith(self.endings):
            return {}
        head = peek(BEGINNING)
        asked = (analyzer for analyzer in self.analyzers if path.endswith(analyzer.endings))
        kept = {analyzer.name: analyzer.begins(path, head, size) for analyzer in asked}
        return {name: content for name, content in kept.items() if content}

    def condense_sniffed(self, path: str, content: RandomAccess, budget: Budget) -> dict[str, bytes]:
        """What each analyzer that knows the first bytes keeps of a file, by the analyzer's name."""
        head = content[: self._longest_magic]
        knowing = (analyzer for analyzer in self.analyzers if analyzer.magic and head.startswith(analyzer.magic))
        kept = {
            analyzer.name: analyzer.condense_sniffed(self.names(path), content, budget)
            if isinstance(analyzer, LargeFileAnalyzer)
            else condense(analyzer, path, content, budget)
            for analyzer in knowing
        }
        return {name: condensed for name, condensed in kept.items() if condensed}


def condense(analyzer: Analyzer, logical: str, content: RandomAccess, budget: Budget) -> bytes:
    """What an analyzer keeps of a file."""
    if isinstance(analyzer, LargeFileAnalyzer):
        return analyzer.condense(logical, content, budget)
    return analyzer.condense(logical, content[: len(content)])
