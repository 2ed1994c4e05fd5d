"""Incidents know what a policy that was only simulated would have done.

Revision ID: 0004
Revises: 0003
"""

import sqlalchemy as sa
from alembic import op

from hullguard.storage.dialect import text

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("incidents", sa.Column("simulated_by", text(64), nullable=True))
    op.add_column("incidents", sa.Column("simulated_version", sa.BigInteger(), nullable=True))
    op.add_column("incidents", sa.Column("would", text(16), nullable=True))
    op.create_index("ix_incidents_simulated", "incidents", ["tenant", "simulated_by", "at", "id"], unique=False)
