"""Events are recorded, so that rules that change can be tried on them.

Revision ID: 0007
Revises: 0006
"""

import sqlalchemy as sa
from alembic import op

from hullguard.storage.dialect import Instant, large_binary, text

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "recorded_events",
        sa.Column("tenant", text(64), nullable=False),
        sa.Column("observation", text(64), nullable=False),
        sa.Column("cluster", text(64), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("event", large_binary(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "observation", name=op.f("pk_recorded_events")),
    )
    op.create_index("ix_recorded_events_at", "recorded_events", ["tenant", "at", "observation"], unique=False)
    op.create_index("ix_recorded_events_cluster", "recorded_events", ["tenant", "cluster", "at"], unique=False)
