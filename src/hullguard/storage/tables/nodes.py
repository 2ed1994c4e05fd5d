"""Nodes, their certificates, what runs on them and how far their messages were taken in."""

import sqlalchemy as sa

from hullguard.model.node import HostFacts, Reason, SensorHealth
from hullguard.model.policy import Action
from hullguard.storage.dialect import Instant, Packed, text
from hullguard.storage.tables.metadata import ID, flag, key, metadata, number, short, tenant

nodes = sa.Table(
    "nodes",
    metadata,
    tenant(),
    key("id"),
    short("cluster", ID),
    short("name"),
    sa.Column("facts", Packed(HostFacts), nullable=False),
    flag("protection"),
    short("agent_version", ID, default=""),
    sa.Column("sensor", Packed(SensorHealth)),
    sa.Column("runtime_reachable", sa.Boolean),
    sa.Column("reasons", Packed(tuple[Reason, ...])),
    number("spool_records"),
    number("spool_dropped"),
    # What the last heartbeat alone says, by storage/node_state.py: the state lists filter by it.
    flag("sound"),
    number("wanted_revision"),
    short("wanted_hash", ID, default=""),
    sa.Column("applied_revision", sa.BigInteger),
    sa.Column("applied_hash", text(ID)),
    sa.Column("enrolled", Instant, nullable=False),
    sa.Column("last_seen", Instant),
    sa.Index("ix_nodes_name", "tenant", "name", "id"),
)

certificates = sa.Table(
    "certificates",
    metadata,
    tenant(),
    key("fingerprint"),
    short("node", ID),
    sa.Column("issued", Instant, nullable=False),
    sa.Column("expires", Instant, nullable=False),
    sa.Column("revoked", Instant),
    sa.Index("ix_certificates_fingerprint", "fingerprint", unique=True),
    sa.Index("ix_certificates_node", "tenant", "node"),
)

containers = sa.Table(
    "containers",
    metadata,
    tenant(),
    key("node"),
    key("id"),
    short("cluster", ID),
    short("name"),
    short("image_id", 128),
    short("image_name", 512),
    short("state", 32),
    sa.Column("created", Instant),
    sa.Column("started", Instant),
    flag("privileged"),
    flag("host_network"),
    sa.Column("held", Packed(tuple[Action, ...])),
    short("engine", 16, default="docker"),
    sa.Index("ix_containers_id", "tenant", "id"),
    sa.Index("ix_containers_name", "tenant", "name", "id"),
    sa.Index("ix_containers_image", "tenant", "image_id", "state"),
    sa.Index("ix_containers_state", "tenant", "state"),
)

progress = sa.Table(
    "progress",
    metadata,
    tenant(),
    key("node"),
    key("boot"),
    number("sequence", None),
    number("missed"),
    sa.Column("at", Instant, nullable=False),
)

quotas = sa.Table("quotas", metadata, tenant(), number("total", None))

quota_units = sa.Table("quota_units", metadata, tenant(), key("node"), sa.Column("taken", Instant, nullable=False))
