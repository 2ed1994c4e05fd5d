"""How many packages of an image no advisory can say anything of; what was matched before says it once matched anew.

Revision ID: 0019
Revises: 0018
"""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("images", sa.Column("unjudged", sa.BigInteger(), server_default="0", nullable=False))
