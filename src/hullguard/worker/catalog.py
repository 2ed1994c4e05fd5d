"""Every kind of background job."""

from typing import Final

from hullguard.worker.context import JobKind
from hullguard.worker.matching import MatchImages, RefreshMatches
from hullguard.worker.profiles import FinishLearning
from hullguard.worker.upkeep import AnchorAudit, LapseExceptions, Sweep

JOBS: Final[tuple[JobKind, ...]] = (
    AnchorAudit(),
    FinishLearning(),
    LapseExceptions(),
    MatchImages(),
    RefreshMatches(),
    Sweep(),
)
