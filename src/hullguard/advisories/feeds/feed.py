"""What a feed is, and the account that an import gives of itself."""

import abc
from typing import ClassVar, Protocol

from msgspec import Struct

from hullguard.advisories.writer import Writer

MAX_RECORD = 64 << 20
_NAMED = 1000


class Lines(Protocol):
    """A decompressed stream of bytes."""

    def readline(self, size: int = -1, /) -> bytes: ...
    def read(self, size: int = -1, /) -> bytes: ...


class Refusal(Struct, frozen=True):
    """One record that was left out: where it stands and why."""

    where: str
    why: str


class CutOff(Exception):
    """Why a stream of records cannot be read to its end: what came of it before is not all that it says."""


class Account:
    """What became of the records; refusals are counted all and named up to a bound."""

    def __init__(self) -> None:
        self.imported = 0
        self.older = 0
        self.withdrawn = 0
        self.refused = 0
        self.refusals: list[Refusal] = []
        self.unused = 0
        """Files, or entries of an archive, that were refused as a whole: what was known stands."""
        self.enriched: dict[str, int] = {}
        self.seen: dict[str, str] | None = None
        """When each record that was read was changed, by id; only who sets it is told."""

    @property
    def used(self) -> int:
        """How many records and entries of tables something came of, or would have if newer ones were not there."""
        return self.imported + self.older + self.withdrawn + sum(self.enriched.values())

    def refuse(self, where: str, why: str) -> None:
        self.refused += 1
        if len(self.refusals) < _NAMED:
            self.refusals.append(Refusal(where, why.replace("\n", " ")[:300]))

    def refuse_all(self, where: str, why: str) -> None:
        """Of what is published whole nothing is used."""
        self.unused += 1
        self.refuse(where, why)


class Feed(abc.ABC):
    """Base of every feed."""

    name: ClassVar[str]

    @abc.abstractmethod
    def recognises(self, head: bytes) -> bool:
        """Whether a file that begins so is of this kind; people rename files, so names do not count."""

    @abc.abstractmethod
    def load(self, where: str, stream: Lines, writer: Writer, account: Account) -> None:
        """Loads a whole file; a broken record is refused by name and the rest loaded.

        Raises CutOff, and what the stream raises, where it does not come to the file's end.
        """
