"""Images of registries are listed by their versions.

Revision ID: 0018
Revises: 0017
"""

import sqlalchemy as sa
from alembic import op

from hullguard.storage.dialect import text

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("registry_images", sa.Column("place", text(255), server_default="", nullable=False))
    # As they were listed so far, until the registry is listed the next time.
    op.execute("UPDATE registry_images SET place = id")
    op.create_index(
        "ix_registry_images_place", "registry_images", ["tenant", "registry", "repository", "place"], unique=False
    )
