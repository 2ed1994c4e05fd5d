"""Files shown to the inspectors while a layer passes, and what they say about them, bounded."""

import itertools
import tempfile
from collections.abc import Iterator, Sequence
from typing import IO

from msgspec import Struct

from hullguard.inventory.content.inspector import Inspector
from hullguard.inventory.streams import CHUNK, Readable
from hullguard.model.content import Hit, Malware, Misconfiguration, Secret
from hullguard.model.package import Unknown

_IN_MEMORY = 1 << 24


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
        """Shows one file; ``raw`` gives all of it, ``head`` its first bytes."""
        wanting = [inspector for inspector in self._inspectors if inspector.wants(path, size, mode, head)]
        if len(wanting) == 1:
            self._ask(wanting[0], path, size, mode, _pieces(raw))
        elif wanting:
            with tempfile.SpooledTemporaryFile(_IN_MEMORY) as copy:
                for piece in _pieces(raw):
                    copy.write(piece)
                for inspector in wanting:
                    self._ask(inspector, path, size, mode, _from_start(copy))

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


def _pieces(raw: Readable) -> Iterator[bytes]:
    while piece := raw.read(CHUNK):
        yield piece


def _from_start(copy: IO[bytes]) -> Iterator[bytes]:
    copy.seek(0)
    return _pieces(copy)
