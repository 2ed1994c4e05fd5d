"""Incidents, and their counts: millions of rows that no first screen should have to count."""

import sqlalchemy as sa
from msgspec import Struct

from hullguard.model.event import Process
from hullguard.model.incident import PolicyRef
from hullguard.storage.dialect import Instant, Packed, long_text, text
from hullguard.storage.tables.images import IMAGE
from hullguard.storage.tables.metadata import ID, flag, key, metadata, number, short, tenant


class Evidence(Struct, frozen=True):
    """The part of an incident that no list filters by."""

    lineage: tuple[Process, ...]
    details: dict[str, str]
    policy: PolicyRef | None


incidents = sa.Table(
    "incidents",
    metadata,
    tenant(),
    key("id"),
    short("cluster", ID),
    short("node", ID),
    short("node_name"),
    sa.Column("at", Instant, nullable=False),
    sa.Column("received", Instant, nullable=False),
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
