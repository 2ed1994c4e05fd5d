"""How the platform keeps its advisory database: what it should fetch, what became of it, what it knows."""

import enum
from datetime import date, datetime
from typing import Annotated

from msgspec import Meta, Struct

from hullguard.model.policy import NAME

RUNS_KEPT = 10
"""Finished runs that stay readable."""
WAITING_MOST = 8
"""Runs that may wait at a time."""

Address = Annotated[str, Meta(max_length=500)]


class RunKind(enum.StrEnum):
    """What a run does."""

    UPDATE = "update"
    IMPORT = "import"


class RunState(enum.StrEnum):
    """How far a run is."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    PARTIAL = "partial"
    """A source could not be had, or some of a file was refused; the rest is in the database."""
    FAILED = "failed"
    """The database is as it was."""


class TrustedKey(Struct, frozen=True, forbid_unknown_fields=True):
    """A key whose bundles are believed; ``key`` is what ``hullguard db keygen`` writes into its ``.pub`` file."""

    name: Annotated[str, Meta(min_length=1, max_length=64, extra=NAME)]
    key: Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z")]


class AdvisorySettings(Struct, frozen=True, forbid_unknown_fields=True):
    """When the platform updates, and from where; the sources are those of ``hullguard db update``."""

    enabled: bool
    every_hours: Annotated[int, Meta(ge=1, le=720)]
    mirror: Address
    """A mirror of OSV's dumps."""
    kev: Address
    """CISA's catalogue; nothing leaves it out."""
    epss: Address
    """FIRST's scores; nothing leaves them out."""
    ecosystems: Annotated[tuple[Annotated[str, Meta(min_length=1, max_length=100)], ...], Meta(max_length=100)] = ()
    """As OSV names them; none means all whose versions can be compared."""
    trusted_keys: Annotated[tuple[TrustedKey, ...], Meta(max_length=20)] = ()


class ChosenSettings(Struct, frozen=True):
    """The settings, and which version of them it is; the first one is what an installation begins with."""

    settings: AdvisorySettings
    version: int = 1


class AdvisoryRefusal(Struct, frozen=True):
    """One record that was left out: where it stands and why."""

    where: str
    why: str


class SourceReport(Struct, frozen=True):
    """What became of one source in a run."""

    name: str
    how: str = ""
    """``same``, ``records`` (a few, one by one) or ``whole``; nothing when it failed."""
    records: int = 0
    dropped: int = 0
    """Stored records that its whole archive no longer has."""
    unconfirmed: int = 0
    """Those that it may no longer have; not all of the archive could be read."""
    refused: int = 0
    refusals: tuple[AdvisoryRefusal, ...] = ()
    """The first of them."""
    why: str | None = None
    """Why it failed; the database has of it what it had before."""


class AdvisoryRun(Struct, frozen=True):
    """One update or import, from the wish to its one outcome."""

    id: str
    kind: RunKind
    state: RunState
    by: str
    asked: datetime
    file: str | None = None
    """The name that the uploaded file was given."""
    size: int | None = None
    """Its bytes."""
    started: datetime | None = None
    finished: datetime | None = None
    replaced: bool = False
    """Whether there is a new database since."""
    imported: int = 0
    withdrawn: int = 0
    older: int = 0
    refused: int = 0
    same: int = 0
    """Sources that had nothing new."""
    sources: tuple[SourceReport, ...] = ()
    """The others."""
    code: str | None = None
    """Of why it failed, for translators."""
    why: str | None = None
    """Why it failed, and what to do."""


class AdvisoryProgress(Struct, frozen=True):
    """How far the run that is under way has come."""

    phase: str
    """``waiting`` (for another import into the same database), ``fetching``, ``reading`` or ``finishing``."""
    what: str = ""
    """The source or the file."""
    number: int = 0
    """Which one it is of ``of``; nought where nobody knows."""
    of: int = 0
    bytes: int = 0
    """Received or read so far."""
    size: int | None = None
    """Of how many, where that is known."""


class AdvisorySource(Struct, frozen=True):
    """What the database holds of one source, and what became of it when it was last read."""

    name: str
    records: int
    releases: int = 0
    """Of how many releases of it records speak; nought where it has none."""
    updated: datetime | None = None
    """When it was last known to be up to date."""
    whole: datetime | None = None
    """When all of its records were last seen in its archive."""
    report: SourceReport | None = None


class AdvisoryDatabase(Struct, frozen=True):
    """The database that the workers match with."""

    built: datetime
    newest: date | None
    """The last day on which one of its records was changed."""
    generation: int
    size: int
    sources: tuple[AdvisorySource, ...]


class AdvisoryStatus(Struct, frozen=True):
    """What is known, and how it is kept."""

    database: AdvisoryDatabase | None
    trouble: str | None
    """Why nothing can be matched with the database that there is, or was."""
    enabled: bool
    every_hours: int
    next_due: datetime | None
    run: AdvisoryRun | None
    """The one that is under way or comes next."""
    waiting: int
    """How many come after it."""
    progress: AdvisoryProgress | None
    runs: tuple[AdvisoryRun, ...]
    """The last ones that are finished, newest first."""
