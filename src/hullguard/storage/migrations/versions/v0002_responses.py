"""What is done to a container: commands know it, and containers know what is held of them.

Revision ID: 0002
Revises: 0001
"""

import sqlalchemy as sa
from alembic import op

from hullguard.storage.dialect import Packed, text

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("commands", sa.Column("container", text(255), nullable=True))
    op.add_column("commands", sa.Column("incident", text(64), nullable=True))
    op.add_column("commands", sa.Column("reason", text(500), server_default="", nullable=False))
    op.create_index("ix_commands_container", "commands", ["tenant", "container", "created", "id"], unique=False)
    op.create_index("ix_commands_incident", "commands", ["tenant", "incident", "created", "id"], unique=False)
    op.add_column("containers", sa.Column("host_network", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column("containers", sa.Column("held", Packed(), nullable=True))
