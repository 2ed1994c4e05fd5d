"""Observations that belong together are one incident with a story.

What was kept before stays as it is: incidents of one observation each, which nothing joins.

Revision ID: 0006
Revises: 0004
"""

import sqlalchemy as sa
from alembic import op

from hullguard.storage.dialect import Instant, Packed, large_binary, text

revision = "0006"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("incidents", sa.Column("began", Instant(), server_default="0", nullable=False))
    op.add_column("incidents", sa.Column("observations", sa.BigInteger(), server_default="1", nullable=False))
    op.add_column("incidents", sa.Column("joined", Packed(), nullable=True))
    op.add_column("incidents", sa.Column("story", large_binary(), nullable=True))
    op.execute("UPDATE incidents SET began = at")
    op.create_table(
        "observations",
        sa.Column("tenant", text(64), nullable=False),
        sa.Column("id", text(64), nullable=False),
        sa.Column("incident", text(64), nullable=False),
        sa.Column("cluster", text(64), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("rule", text(128), nullable=False),
        sa.Column("simulated_by", text(64), nullable=True),
        sa.Column("simulated_version", sa.BigInteger(), nullable=True),
        sa.Column("would", text(16), nullable=True),
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_observations")),
    )
    op.create_table(
        "incident_rules",
        sa.Column("tenant", text(64), nullable=False),
        sa.Column("incident", text(64), nullable=False),
        sa.Column("rule", text(128), nullable=False),
        sa.Column("cluster", text(64), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "incident", "rule", name=op.f("pk_incident_rules")),
    )
    op.create_table(
        "incident_keys",
        sa.Column("tenant", text(64), nullable=False),
        sa.Column("key", text(64), nullable=False),
        sa.Column("incident", text(64), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "key", "incident", name=op.f("pk_incident_keys")),
    )
    op.execute(
        "INSERT INTO observations (tenant, id, incident, cluster, at, rule, simulated_by, simulated_version, would)"
        " SELECT tenant, id, id, cluster, at, rule, simulated_by, simulated_version, would FROM incidents"
    )
    op.execute(
        "INSERT INTO incident_rules (tenant, incident, rule, cluster, at)"
        " SELECT tenant, id, rule, cluster, at FROM incidents"
    )
    op.create_index("ix_observations_incident", "observations", ["tenant", "incident"], unique=False)
    op.create_index("ix_observations_simulated", "observations", ["tenant", "simulated_by", "at"], unique=False)
    op.create_index("ix_incident_rules_rule", "incident_rules", ["tenant", "rule", "at", "incident"], unique=False)
    op.create_index("ix_incident_keys_at", "incident_keys", ["tenant", "at"], unique=False)
    op.create_index("ix_incident_keys_incident", "incident_keys", ["tenant", "incident"], unique=False)
