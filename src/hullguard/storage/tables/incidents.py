"""Incidents, what they are made of, and their counts: millions of rows that no first screen should have to count."""

from datetime import datetime

import sqlalchemy as sa
from msgspec import Struct

from hullguard.model.attack import Tactic
from hullguard.model.event import Event, Process
from hullguard.model.incident import Deed, PolicyRef, Raise, Story
from hullguard.model.policy import Action
from hullguard.model.severity import Severity
from hullguard.storage.dialect import Compressed, Instant, Packed, long_text, text
from hullguard.storage.tables.images import IMAGE
from hullguard.storage.tables.metadata import ID, flag, key, metadata, number, short, tenant


class Evidence(Struct, frozen=True):
    """The part of an incident's gravest observation that no list filters by."""

    lineage: tuple[Process, ...]
    details: dict[str, str]
    policy: PolicyRef | None
    deed: Deed | None = None
    title: str = ""
    title_zh: str = ""
    self_test: bool = False


class Joined(Struct, frozen=True):
    """What all observations of an incident come to, for lists and for joining more of them."""

    lead: str
    """The id of the gravest observation."""
    at: datetime
    """When it was made."""
    gravest: Severity
    """That of the gravest rule; the row has the severity that the reasons raise it to."""
    stopped: bool
    would: Action | None
    keys: frozenset[str]
    rules: tuple[str, ...]
    tactics: tuple[Tactic, ...]
    raised: tuple[Raise, ...]
    unplaced: frozenset[str] = frozenset()
    simulated: tuple[datetime, str] | None = None
    """Time and id of the observation that the row's ``simulated_by`` is of."""


incidents = sa.Table(
    "incidents",
    metadata,
    tenant(),
    key("id"),
    short("cluster", ID),
    short("node", ID),
    short("node_name"),
    # When its latest observation was made, its first, and when the latest came.
    sa.Column("at", Instant, nullable=False),
    sa.Column("began", Instant, nullable=False, server_default="0"),
    sa.Column("received", Instant, nullable=False),
    number("observations", "1"),
    short("rule", 128),
    number("severity", None),
    short("technique", 32),
    short("action", 16),
    flag("stopped"),
    short("container"),
    short("container_name"),
    sa.Column("image", text(IMAGE)),
    sa.Column("image_name", text(512)),
    sa.Column("evidence", Packed(Evidence), nullable=False),
    # Null in rows from before observations were joined: each of those is one observation.
    sa.Column("joined", Packed(Joined)),
    sa.Column("story", Compressed(Story)),
    # Of those that a policy only simulated: the policy, its version, and what it would have done.
    sa.Column("simulated_by", text(ID)),
    sa.Column("simulated_version", sa.BigInteger),
    sa.Column("would", text(16)),
    short("status", 16, default="open"),
    sa.Column("handled_by", text(255)),
    sa.Column("handled_at", Instant),
    sa.Column("note", long_text()),
    sa.Index("ix_incidents_at", "tenant", "at", "id"),
    sa.Index("ix_incidents_status", "tenant", "status", "at", "id"),
    sa.Index("ix_incidents_severity", "tenant", "severity", "at", "id"),
    sa.Index("ix_incidents_rule", "tenant", "rule", "at", "id"),
    sa.Index("ix_incidents_node", "tenant", "node", "at", "id"),
    sa.Index("ix_incidents_container", "tenant", "container", "at", "id"),
    sa.Index("ix_incidents_image", "tenant", "image", "at", "id"),
    sa.Index("ix_incidents_simulated", "tenant", "simulated_by", "at", "id"),
    # To count the open ones of a page of nodes or containers.
    sa.Index("ix_incidents_node_status", "tenant", "node", "status"),
    sa.Index("ix_incidents_container_status", "tenant", "container", "status"),
)

# Every observation that was taken in, so that one that comes twice counts once, and is found under its own id.
observations = sa.Table(
    "observations",
    metadata,
    tenant(),
    key("id"),
    short("incident", ID),
    short("cluster", ID),
    sa.Column("at", Instant, nullable=False),
    short("rule", 128),
    sa.Column("simulated_by", text(ID)),
    sa.Column("simulated_version", sa.BigInteger),
    sa.Column("would", text(16)),
    sa.Index("ix_observations_incident", "tenant", "incident"),
    sa.Index("ix_observations_simulated", "tenant", "simulated_by", "at"),
)

# Every rule of an incident, for the list of those that one rule had a part in.
incident_rules = sa.Table(
    "incident_rules",
    metadata,
    tenant(),
    key("incident"),
    key("rule", 128),
    short("cluster", ID),
    # The incident's own.
    sa.Column("at", Instant, nullable=False),
    sa.Index("ix_incident_rules_rule", "tenant", "rule", "at", "incident"),
)

# What an observation must share with an incident to be a part of it (storage/stories.py).
incident_keys = sa.Table(
    "incident_keys",
    metadata,
    tenant(),
    key("key"),
    key("incident"),
    sa.Column("at", Instant, nullable=False),
    sa.Index("ix_incident_keys_at", "tenant", "at"),
    sa.Index("ix_incident_keys_incident", "tenant", "incident"),
)

# Events that observations were made of, to be judged again by rules that change.
recorded_events = sa.Table(
    "recorded_events",
    metadata,
    tenant(),
    key("observation"),
    short("cluster", ID),
    sa.Column("at", Instant, nullable=False),
    sa.Column("event", Compressed(Event), nullable=False),
    sa.Index("ix_recorded_events_at", "tenant", "at", "observation"),
    sa.Index("ix_recorded_events_cluster", "tenant", "cluster", "at"),
)

incident_counts = sa.Table(
    "incident_counts",
    metadata,
    tenant(),
    key("cluster"),
    # Days since 1970 in UTC.
    sa.Column("day", sa.Integer, primary_key=True, autoincrement=False),
    key("status", 16),
    sa.Column("severity", sa.Integer, primary_key=True, autoincrement=False),
    key("rule", 128),
    number("incidents"),
)
