"""Profiles come into force as policies do: from some version, on some nodes, and are taken back.

Revision ID: 0008
Revises: 0005
"""

import sqlalchemy as sa
from alembic import op

from hullguard.model.rollout import Rollout
from hullguard.storage.dialect import Instant, Packed

revision = "0008"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("profiles", sa.Column("version", sa.BigInteger(), server_default="1", nullable=False))
    op.add_column("profiles", sa.Column("rollout", Packed(Rollout), nullable=True))
    op.add_column("profiles", sa.Column("judged_since", Instant(), nullable=True))
