"""What the command line submits, and of which images nothing better is known.

Revision ID: 0015
Revises: 0014
"""

import sqlalchemy as sa
from alembic import op

from hullguard.storage.dialect import Instant, text

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("images", sa.Column("submitted", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column("images", sa.Column("kind", text(32), nullable=True))
    op.create_table(
        "submissions",
        sa.Column("tenant", text(64), nullable=False),
        sa.Column("id", text(64), nullable=False),
        sa.Column("name", text(512), nullable=False),
        sa.Column("kind", text(32), nullable=False),
        sa.Column("image_id", text(128), nullable=False),
        sa.Column("host", text(255), nullable=False),
        sa.Column("by", text(255), nullable=False),
        sa.Column("user", text(64), nullable=False),
        sa.Column("source", text(64), nullable=False),
        sa.Column("size", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("kept", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.Column("first", Instant(), nullable=False),
        sa.Column("submitted", Instant(), nullable=False),
        sa.Column("expires", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_submissions")),
    )
    op.create_index("ix_submissions_expires", "submissions", ["tenant", "expires"], unique=False)
    op.create_index("ix_submissions_image", "submissions", ["tenant", "image_id"], unique=False)
