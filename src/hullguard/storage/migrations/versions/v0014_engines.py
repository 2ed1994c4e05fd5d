"""Of each container it is kept which engine runs it.

Revision ID: 0014
Revises: 0013
"""

import sqlalchemy as sa
from alembic import op

from hullguard.storage.dialect import text

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Agents told of Docker's alone.
    op.add_column("containers", sa.Column("engine", text(16), server_default="docker", nullable=False))
