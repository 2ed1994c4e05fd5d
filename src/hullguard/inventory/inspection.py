"""Files shown to the inspectors while a layer passes, and what they say about them, bounded."""

import itertools
from collections.abc import Iterator, Sequence

from msgspec import Struct

from hullguard.inventory.content.inspector import Inspector
from hullguard.inventory.random_access import held, pieces, reader
from hullguard.inventory.streams import Readable, Section
from hullguard.model.content import Hit, Malware, Misconfiguration, Secret
from hullguard.model.package import Unknown


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
        self._inspectors = inspectors
        self._most = most
        self._found: dict[str, int] = {}

    def show(self, path: str, size: int, mode: int, head: bytes, raw: Readable) -> None:
        """Shows one file; ``raw`` gives all of it, ``head`` its first bytes. Raises OSError when it has no room."""
        wanting = [inspector for inspector in self._inspectors if inspector.wants(path, size, mode, head)]
        if len(wanting) == 1:
            self._ask(wanting[0], path, size, mode, pieces(raw))
        elif isinstance(raw, Section):
            for inspector in wanting:
                self._ask(inspector, path, size, mode, pieces(raw.copy()))
        elif wanting:
            with held(pieces(raw)) as whole:
                for inspector in wanting:
                    self._ask(inspector, path, size, mode, pieces(reader(whole)))

    def _ask(self, inspector: Inspector, path: str, size: int, mode: int, pieces: Iterator[bytes]) -> None:
        found = self._found.get(inspector.name, 0)
        hits = iter(inspector.inspect(path, size, mode, pieces))
        for hit in itertools.islice(hits, self._most - found):
            if isinstance(hit, Unknown):
                self.unknowns.append(hit)
            else:
                self.hits.add(hit)
            found += 1
        self._found[inspector.name] = found
        if found == self._most and (more := sum(1 for _ in hits)):
            self.left_out[inspector.name] = self.left_out.get(inspector.name, 0) + more
