"""How much of an image was not read and may hold packages; what was matched before says it once matched anew.

Revision ID: 0020
Revises: 0019
"""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("images", sa.Column("unread", sa.BigInteger(), server_default="0", nullable=False))
