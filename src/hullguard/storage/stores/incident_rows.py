"""An incident as rows: what its columns hold, and how it is read again."""

from datetime import datetime
from typing import Any

from msgspec import Struct

from hullguard.model.event import ContainerRef, ImageRef
from hullguard.model.incident import Incident, IncidentStatus, Observation, Raise, Story
from hullguard.model.policy import Action
from hullguard.model.severity import Severity
from hullguard.storage import stories, story_facts
from hullguard.storage.stores.incident_counts import Cell, day_of
from hullguard.storage.stores.places import Place
from hullguard.storage.stories import Account, Simulated
from hullguard.storage.tables import Evidence, Joined, incidents
from hullguard.storage.transaction import Row

FOLLOWERS: dict[IncidentStatus, tuple[IncidentStatus, ...]] = {
    IncidentStatus.OPEN: (IncidentStatus.IGNORED, IncidentStatus.RESOLVED),
    IncidentStatus.IGNORED: (IncidentStatus.OPEN, IncidentStatus.RESOLVED),
    IncidentStatus.RESOLVED: (IncidentStatus.OPEN,),
}
"""Which status may follow which."""

LISTED = [column for column in incidents.c if column.name != "story"]
"""What lists read: a story is for one incident at a time."""


class Known(Struct, frozen=True):
    """An incident that stands in the database, as far as joining needs it."""

    id: str
    account: Account
    story: Story
    severity: Severity
    status: IncidentStatus
    cell: Cell
    """Where it is counted."""


def columns(account: Account, told: Story, place: Place, received: datetime) -> dict[str, Any]:
    """Everything but its id, its node and how it was handled."""
    lead = account.lead
    reasons = story_facts.raises(account.tactics, told.at_stake)
    return {
        "cluster": place.cluster,
        "node_name": place.name,
        "at": account.last,
        "began": account.first,
        "received": received,
        "observations": account.observations,
        "rule": lead.rule,
        "severity": story_facts.raised(lead.severity, reasons).rank,
        "technique": lead.technique,
        "action": lead.action.value,
        "stopped": any(step.stopped for step in account.steps),
        "container": lead.container.id,
        "container_name": lead.container.name,
        "image": None if lead.image is None else lead.image.id,
        "image_name": None if lead.image is None else lead.image.name,
        "evidence": _evidence(lead),
        "joined": _joined(account, reasons),
        "story": told,
        **simulated(account),
    }


def _evidence(lead: Observation) -> Evidence:
    return Evidence(
        lead.lineage, lead.details, lead.policy, lead.deed, lead.title, lead.title_zh, self_test=lead.self_test
    )


def simulated(account: Account) -> dict[str, Any]:
    """What a policy that was only simulated would have done, and which."""
    said = account.simulated
    return {
        "simulated_by": None if said is None else said.policy[:64],
        "simulated_version": None if said is None else said.version,
        "would": None if said is None else said.would,
    }


def cell(cluster: str, began: datetime, status: IncidentStatus, severity: Severity | int, rule: str) -> Cell:
    """An incident is counted under the day on which it began."""
    rank = severity if isinstance(severity, int) else severity.rank
    return Cell(cluster, day_of(began), status.value, rank, rule[:128])


def cell_of(row: Row) -> Cell:
    """Where a row is counted."""
    return cell(row.cluster, row.began, IncidentStatus(row.status), row.severity, row.rule)


def _joined(account: Account, reasons: tuple[Raise, ...]) -> Joined:
    lead = account.lead
    return Joined(
        lead=lead.id,
        at=lead.at,
        gravest=lead.severity,
        stopped=lead.stopped,
        would=lead.would,
        keys=account.keys,
        rules=account.rules,
        tactics=stories.tactics(account),
        raised=reasons,
        unplaced=account.unplaced,
        simulated=None if account.simulated is None else (account.simulated.at, account.simulated.id),
    )


def incident(row: Row, told: Story | None = None) -> Incident:
    """A row as the API shows it; with its story only where one is given."""
    status = IncidentStatus(row.status)
    joined: Joined | None = row.joined
    seen = _lead(row)
    return Incident(
        **{name: getattr(seen, name) for name in Observation.__struct_fields__}
        | {
            "id": row.id,
            "at": row.at,
            "severity": Severity.from_rank(row.severity),
            "stopped": bool(row.stopped),
            "would": None if row.would is None else Action(row.would),
        },
        node=row.node,
        node_name=row.node_name,
        cluster=row.cluster,
        received=row.received,
        began=row.began,
        observations=row.observations,
        rules=(row.rule,) if joined is None else joined.rules,
        tactics=() if joined is None else joined.tactics,
        raised=() if joined is None else joined.raised,
        story=told,
        status=status,
        handled_by=row.handled_by,
        handled_at=row.handled_at,
        note=row.note,
        allowed=FOLLOWERS[status],
    )


def story_of(row: Row) -> Story:
    """The story; that of a row from before there were any is made of what the row has."""
    told: Story | None = row.story
    return told if told is not None else stories.story(stories.account_of(row.node, _lead(row)))


def known(row: Row) -> Known:
    """A row as the account that it was made of."""
    lead, joined, told = _lead(row), row.joined, row.story
    account = Account(
        lead=lead,
        first=row.began,
        last=row.at,
        observations=row.observations,
        keys=joined.keys,
        rules=joined.rules,
        tactics=frozenset(joined.tactics),
        steps=told.steps,
        left_out=told.left_out,
        processes={process.key: process for process in told.processes},
        unplaced=joined.unplaced,
        simulated=_simulated(row),
        loaded=told.loaded,
    )
    return Known(row.id, account, told, Severity.from_rank(row.severity), IncidentStatus(row.status), cell_of(row))


def _simulated(row: Row) -> Simulated | None:
    first = None if row.joined is None else row.joined.simulated
    if first is None:
        return None
    at, observation = first
    return Simulated(at, observation, row.simulated_by, row.simulated_version, Action(row.would))


def _lead(row: Row) -> Observation:
    """The gravest observation."""
    joined: Joined | None = row.joined
    evidence: Evidence = row.evidence
    return Observation(
        id=row.id if joined is None else joined.lead,
        at=row.at if joined is None else joined.at,
        rule=row.rule,
        severity=Severity.from_rank(row.severity) if joined is None else joined.gravest,
        technique=row.technique,
        action=Action(row.action),
        stopped=bool(row.stopped) if joined is None else joined.stopped,
        container=ContainerRef(row.container, row.container_name),
        image=None if row.image is None else ImageRef(row.image, row.image_name or ""),
        lineage=evidence.lineage,
        details=evidence.details,
        policy=evidence.policy,
        would=(None if row.would is None else Action(row.would)) if joined is None else joined.would,
        deed=evidence.deed,
        title=evidence.title,
        title_zh=evidence.title_zh,
        self_test=evidence.self_test,
    )
