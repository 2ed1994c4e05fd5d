"""Which layers a submission named, and whose claim stands where nothing better is known of an image.

Revision ID: 0017
Revises: 0016
"""

import sqlalchemy as sa
from alembic import op

from hullguard.storage.dialect import text

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("images", sa.Column("claimant", text(64), nullable=True))
    op.add_column("submissions", sa.Column("layers", text(64), server_default="", nullable=False))
