"""Images that registries and submissions list, beside those of nodes.

Revision ID: 0010
Revises: 0009
"""

import sqlalchemy as sa
from alembic import op

from hullguard.storage.dialect import Packed, text

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "image_sources",
        sa.Column("tenant", text(64), nullable=False),
        sa.Column("kind", text(16), nullable=False),
        sa.Column("source", text(64), nullable=False),
        sa.Column("image_id", text(128), nullable=False),
        sa.Column("names", Packed(tuple[str, ...]), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "kind", "source", "image_id", name=op.f("pk_image_sources")),
    )
    op.create_index("ix_image_sources_image", "image_sources", ["tenant", "image_id"], unique=False)
