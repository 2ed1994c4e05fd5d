"""What people want: policies and commands."""

import sqlalchemy as sa

from hullguard.model.policy import Parameter, PolicySpec
from hullguard.storage.dialect import Instant, Packed, long_text, text
from hullguard.storage.tables.metadata import ID, flag, key, metadata, number, short, tenant

policies = sa.Table(
    "policies",
    metadata,
    tenant(),
    key("id"),
    short("name", 64),
    number("version", None),
    number("revision", None),
    sa.Column("spec", Packed(PolicySpec, large=True), nullable=False),
    sa.Column("changed_at", Instant, nullable=False),
    short("changed_by"),
    sa.Column("comment", long_text(), nullable=False),
    flag("built_in"),
    sa.UniqueConstraint("tenant", "name"),
)

policy_versions = sa.Table(
    "policy_versions",
    metadata,
    tenant(),
    key("policy"),
    sa.Column("version", sa.BigInteger, primary_key=True, autoincrement=False),
    number("revision", None),
    sa.Column("spec", Packed(PolicySpec, large=True), nullable=False),
    sa.Column("changed_at", Instant, nullable=False),
    short("changed_by"),
    sa.Column("comment", long_text(), nullable=False),
    flag("built_in"),
)

commands = sa.Table(
    "commands",
    metadata,
    tenant(),
    key("id"),
    short("cluster", ID),
    short("node", ID),
    short("kind", 32),
    sa.Column("parameters", Packed(dict[str, Parameter]), nullable=False),
    short("state", 16),
    # Null once final: what deadlines and reconnecting agents look through stays small.
    sa.Column("open_until", Instant),
    sa.Column("created", Instant, nullable=False),
    short("created_by"),
    sa.Column("deadline", Instant, nullable=False),
    number("attempts"),
    number("progress"),
    sa.Column("message", long_text(), nullable=False),
    sa.Column("result", Packed(dict[str, str | int]), nullable=False),
    sa.Column("finished", Instant),
    sa.Column("container", text(255)),
    sa.Column("incident", text(ID)),
    short("reason", 500, default=""),
    sa.Index("ix_commands_created", "tenant", "created", "id"),
    sa.Index("ix_commands_node", "tenant", "node", "created", "id"),
    sa.Index("ix_commands_container", "tenant", "container", "created", "id"),
    sa.Index("ix_commands_incident", "tenant", "incident", "created", "id"),
    sa.Index("ix_commands_open", "tenant", "open_until"),
)

idempotency = sa.Table(
    "idempotency",
    metadata,
    tenant(),
    key("actor", 255),
    key("key", 255),
    # Of the request, so that a key used again for something else is noticed.
    short("digest", ID),
    short("subject"),
    sa.Column("created", Instant, nullable=False),
    sa.Index("ix_idempotency_created", "tenant", "created"),
)
