"""Every kind of background job."""

from typing import Final

from hullguard.worker.advisories import RunAdvisories, ScheduleAdvisories
from hullguard.worker.context import JobKind
from hullguard.worker.matching import MatchImages, RefreshMatches
from hullguard.worker.profiles import FinishLearning
from hullguard.worker.registries import DueRegistries, ReadRegistry
from hullguard.worker.upkeep import AnchorAudit, LapseExceptions, Sweep

JOBS: Final[tuple[JobKind, ...]] = (
    AnchorAudit(),
    DueRegistries(),
    FinishLearning(),
    LapseExceptions(),
    MatchImages(),
    RefreshMatches(),
    ScheduleAdvisories(),
    Sweep(),
)

LONG_JOBS: Final[tuple[JobKind, ...]] = (ReadRegistry(),)
"""Those that take minutes: they have lanes of their own (``worker/lanes.py``)."""

ADVISORY_JOBS: Final[tuple[JobKind, ...]] = (RunAdvisories(),)
"""The same of the advisory database, which is built by one at a time: it waits for no registry, and none for it."""
