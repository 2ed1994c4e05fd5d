"""An advisory reaches the images that it can speak of, and a finding knows since when it is one.

Revision ID: 0003
Revises: 0002
"""

import sqlalchemy as sa
from alembic import op

from hullguard.storage.dialect import Instant, text

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "image_subjects",
        sa.Column("tenant", text(64), nullable=False),
        sa.Column("subject", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("image_id", text(128), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "subject", "image_id", name=op.f("pk_image_subjects")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_image_subjects_image", "image_subjects", ["tenant", "image_id"], unique=False)
    op.drop_index("ix_image_packages_matched", "image_packages")
    op.drop_index("ix_images_pending", "images")
    op.add_column("images", sa.Column("first_matched", Instant(), nullable=True))
    op.add_column("images", sa.Column("waits", sa.BigInteger(), server_default="0", nullable=False))
    op.add_column("images", sa.Column("claimed", Instant(), nullable=True))
    op.add_column("images", sa.Column("tries", sa.BigInteger(), server_default="0", nullable=False))
    op.add_column("images", sa.Column("subjects", sa.BigInteger(), server_default="0", nullable=False))
    op.add_column("reports", sa.Column("digest", sa.BigInteger(), server_default="0", nullable=False))
    op.add_column("findings", sa.Column("first_found", Instant(), server_default="0", nullable=False))
    # Nothing is known of their subjects yet, so all are matched again; what was found is as old as its last match.
    op.execute("UPDATE images SET first_matched = matched WHERE advisories_built IS NOT NULL")
    op.execute("UPDATE images SET waits = CASE WHEN matched IS NULL THEN 3 ELSE 1 END WHERE scanned IS NOT NULL")
    op.execute(
        "UPDATE findings SET first_found = COALESCE((SELECT matched FROM images"
        " WHERE images.tenant = findings.tenant AND images.id = findings.image_id), 0)"
    )
    op.drop_column("images", "wanted_built")
    op.drop_column("images", "pending")
    op.create_index("ix_images_waits", "images", ["tenant", "waits", "id"], unique=False)
