"""Files shown to the inspectors while a layer passes, and what they say about them, bounded."""

from collections.abc import Iterator, Sequence

from msgspec import Struct

from hullguard.inventory.compression import Readable
from hullguard.inventory.content.inspector import Inspector
from hullguard.inventory.defects import defect
from hullguard.inventory.random_access import held, pieces, reader
from hullguard.inventory.streams import Section
from hullguard.model.content import Hit, Malware, Misconfiguration, Secret
from hullguard.model.package import Unknown

_PLURAL = {"secret": "secrets"}
"""Of what scanners look for."""


class Hits(Struct):
    """What is wrong with files, as it was found in one layer."""

    secrets: list[Secret] = []
    malware: list[Malware] = []
    config: list[Misconfiguration] = []

    def add(self, hit: Hit) -> None:
        if isinstance(hit, Secret):
            self.secrets.append(hit)
        elif isinstance(hit, Malware):
            self.malware.append(hit)
        else:
            self.config.append(hit)


class Inspection:
    """Shows the files of one layer to the inspectors."""

    def __init__(self, inspectors: Sequence[Inspector], most: int) -> None:
        self.hits = Hits()
        self.left_out: dict[str, int] = {}
        """How many findings were too many, by inspector."""
        self.unknowns: list[Unknown] = []
        """What an inspector could not judge."""
        self._passed_over: dict[tuple[str, str], tuple[int, str]] = {}
        """How many files an inspector could not look into and the first of them, by inspector and kind of file."""
        self._nameless: dict[tuple[str, str], tuple[int, str]] = {}
        """The same of those whose content has other names than they have, which are not known."""
        self._inspectors = inspectors
        self._most = most
        self._found: dict[tuple[str, bool], int] = {}
        self.said = 0
        """How much was found so far, of whatever kind."""

    def since(self, said: int) -> tuple[int, int, int] | None:
        """How many secrets, malware and careless settings there are; None where nothing was found since then."""
        if self.said == said:
            return None
        return len(self.hits.secrets), len(self.hits.malware), len(self.hits.config)

    def show(self, names: Sequence[str], size: int, mode: int, head: bytes, raw: Readable) -> None:
        """Shows one file; ``raw`` gives all of it, ``head`` its first bytes. Raises OSError when it has no room.

        The first of its names is the archive's. By another one it is shown to whom that tells more.
        """
        reading: list[tuple[Inspector, str]] = []
        for inspector in self._inspectors:
            for path in names if len(names) == 1 else _telling(inspector, names):
                if not inspector.wants(path, size, mode, head):
                    self._count(self._passed_over, inspector, path, inspector.passes_over(path, size, mode, head))
                elif inspector.reads:
                    self._count(self._nameless, inspector, path, inspector.nameless(head))
                    reading.append((inspector, path))
                else:
                    self._ask(inspector, path, size, mode, iter(()))
        if len(reading) == 1:
            self._ask(*reading[0], size, mode, pieces(raw))
        elif isinstance(raw, Section):
            for inspector, path in reading:
                self._ask(inspector, path, size, mode, pieces(raw.copy()))
        elif reading:
            with held(pieces(raw)) as whole:
                for inspector, path in reading:
                    self._ask(inspector, path, size, mode, pieces(reader(whole)))

    def overlooked(self, where: str) -> Iterator[Unknown]:
        """What inspectors did not look into, or not for all that they know, in what is called ``where``."""
        for (name, kind), (count, first) in self._passed_over.items():
            why = f"{where}: {count} that are {kind} were not looked into, {first} the first of them"
            yield Unknown(f"files that were not searched for {_PLURAL.get(name, name)}", why)
        for (name, kind), (count, first) in self._nameless.items():
            why = (
                f"{where}: {count} that are {kind} were not searched for what only the names of the files in them "
                f"would tell, {first} the first of them"
            )
            yield Unknown(f"files that were not searched for all {_PLURAL.get(name, name)}", why)

    @staticmethod
    def _count(counts: dict[tuple[str, str], tuple[int, str]], inspector: Inspector, path: str, kind: str) -> None:
        if kind:
            count, first = counts.get((inspector.name, kind), (0, path))
            counts[inspector.name, kind] = (count + 1, first)

    def _ask(self, inspector: Inspector, path: str, size: int, mode: int, pieces: Iterator[bytes]) -> None:
        try:
            for hit in inspector.inspect(path, size, mode, pieces):
                self._add(inspector, hit)
        except Exception as error:  # noqa: BLE001 - the boundary of a plug-in: one file must not cost the report
            self.unknowns.append(Unknown(path, defect(error), incomplete=True))

    def _add(self, inspector: Inspector, hit: Hit | Unknown) -> None:
        # What could not be judged takes no finding's place.
        key = inspector.name, isinstance(hit, Unknown)
        self._found[key] = found = self._found.get(key, 0) + 1
        if found > self._most:
            self.left_out[inspector.name] = self.left_out.get(inspector.name, 0) + 1
        elif isinstance(hit, Unknown):
            self.unknowns.append(hit)
        else:
            self.hits.add(hit)
            self.said += 1


def _telling(inspector: Inspector, names: Sequence[str]) -> Sequence[str]:
    """The names that tell it something that none before them tells; the archive's own where none does."""
    known, found = set[str](), list[str]()
    for name in names:
        if not inspector.told(name) <= known:
            known |= inspector.told(name)
            found.append(name)
    return found or names[:1]
