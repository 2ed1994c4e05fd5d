"""Every kind of background job."""

from typing import Final

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
    Sweep(),
)

LONG_JOBS: Final[tuple[JobKind, ...]] = (ReadRegistry(),)
"""Those that take minutes: they have lanes of their own (``worker/lanes.py``)."""
