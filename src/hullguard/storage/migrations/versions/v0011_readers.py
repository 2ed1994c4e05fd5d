"""Of each image it is kept which generation of readers took stock of it.

Revision ID: 0011
Revises: 0010
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # What is there was read before generations were counted, so it is read again when agents say one.
    op.add_column("images", sa.Column("reader", sa.BigInteger(), server_default="0", nullable=False))
