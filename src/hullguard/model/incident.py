"""An incident: what a detector found, where, and what became of it."""

import enum
from datetime import datetime

from msgspec import Struct

from hullguard.model.event import ContainerRef, ImageRef, Process
from hullguard.model.policy import Action
from hullguard.model.severity import Severity


class IncidentStatus(enum.StrEnum):
    """How a person handled it."""

    OPEN = "open"
    IGNORED = "ignored"
    RESOLVED = "resolved"


class PolicyRef(Struct, frozen=True):
    """The policy, and its version, that was in force."""

    id: str
    version: int


class Observation(Struct, frozen=True, kw_only=True):
    """What the agent reports. ``id`` is derived from node, kernel boot, event and rule: twice seen is once stored."""

    id: str
    at: datetime
    rule: str
    severity: Severity
    technique: str
    """MITRE ATT&CK technique, for example ``T1059``."""
    action: Action
    stopped: bool
    container: ContainerRef
    image: ImageRef | None
    lineage: tuple[Process, ...]
    """Outermost ancestor first; the last is the process that did it."""
    details: dict[str, str] = {}
    """Facts that fill the rule's sentence, for example ``path``."""
    policy: PolicyRef | None = None
    would: Action | None = None
    """What the policy would have done, were it not only simulated."""


class Incident(Observation, frozen=True, kw_only=True):
    """An observation as the platform keeps it."""

    node: str
    node_name: str
    cluster: str
    received: datetime
    status: IncidentStatus = IncidentStatus.OPEN
    handled_by: str | None = None
    handled_at: datetime | None = None
    note: str | None = None
    allowed: tuple[IncidentStatus, ...] = ()
    """The statuses that may follow now; the console offers no others."""
