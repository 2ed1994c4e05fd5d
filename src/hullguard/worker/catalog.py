"""Every kind of background job."""

from typing import Final

from hullguard.worker.context import JobKind
from hullguard.worker.matching import MatchImage, MatchWaiting
from hullguard.worker.upkeep import AnchorAudit, Sweep

JOBS: Final[tuple[JobKind, ...]] = (
    AnchorAudit(),
    MatchImage(),
    MatchWaiting(),
    Sweep(),
)
