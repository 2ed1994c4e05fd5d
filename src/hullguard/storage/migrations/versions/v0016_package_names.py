"""Images are found by the name of a package in them.

Revision ID: 0016
Revises: 0015
"""

from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_image_packages_name", "image_packages", ["tenant", "name", "image_id"], unique=False)
    op.create_index(
        "ix_image_packages_matched_name", "image_packages", ["tenant", "matched_name", "image_id"], unique=False
    )
