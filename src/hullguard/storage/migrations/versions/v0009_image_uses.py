"""What containers of an image run and load is kept, and findings have their priority by it.

Revision ID: 0009
Revises: 0008
"""

import sqlalchemy as sa
from alembic import op

from hullguard.storage.dialect import Compressed, Instant, text

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("findings", sa.Column("priority", sa.BigInteger(), server_default="0", nullable=False))
    op.add_column("findings", sa.Column("used", sa.BigInteger(), server_default="0", nullable=False))
    op.create_table(
        "image_watches",
        sa.Column("tenant", text(64), nullable=False),
        sa.Column("node", text(64), nullable=False),
        sa.Column("image_id", text(128), nullable=False),
        sa.Column("cluster", text(64), nullable=False),
        sa.Column("since", Instant(), nullable=False),
        sa.Column("until", Instant(), nullable=False),
        sa.Column("containers", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("whole", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "node", "image_id", name=op.f("pk_image_watches")),
    )
    op.create_index("ix_image_watches_image", "image_watches", ["tenant", "image_id", "until"], unique=False)
    op.create_index("ix_image_watches_until", "image_watches", ["tenant", "until"], unique=False)
    op.create_table(
        "image_uses",
        sa.Column("tenant", text(64), nullable=False),
        sa.Column("image_id", text(128), nullable=False),
        sa.Column("files", Compressed(), nullable=False),
        sa.Column("told", Instant(), nullable=False),
        sa.Column("use", Compressed(), nullable=False),
        sa.Column("due", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "image_id", name=op.f("pk_image_uses")),
    )
    op.create_index("ix_image_uses_told", "image_uses", ["tenant", "told"], unique=False)
    # The rows of findings get their priorities when their images are matched again.
    op.execute("UPDATE reports SET digest = 0")
    op.execute("UPDATE images SET waits = 1 WHERE waits = 0 AND scanned IS NOT NULL")
