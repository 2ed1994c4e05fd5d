"""Registries that the platform reads, and the images that they have.

Revision ID: 0012
Revises: 0011
"""

import sqlalchemy as sa
from alembic import op

from hullguard.storage.dialect import Instant, Packed, large_binary, long_text, text

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "registries",
        sa.Column("tenant", text(64), nullable=False),
        sa.Column("id", text(64), nullable=False),
        sa.Column("name", text(64), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("spec", Packed(large=True), nullable=False),
        sa.Column("password", large_binary()),
        sa.Column("created", Instant(), nullable=False),
        sa.Column("changed_at", Instant(), nullable=False),
        sa.Column("changed_by", text(255), nullable=False),
        sa.Column("comment", long_text(), nullable=False),
        sa.Column("state", text(16), nullable=False),
        sa.Column("trouble", Packed(large=True)),
        sa.Column("listed", Instant()),
        sa.Column("due", Instant()),
        sa.Column("repositories", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("to_list", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.Column("again", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_registries")),
        sa.UniqueConstraint("tenant", "name", name=op.f("uq_registries_tenant_name")),
    )
    op.create_index("ix_registries_due", "registries", ["tenant", "due"], unique=False)
    op.create_table(
        "registry_images",
        sa.Column("tenant", text(64), nullable=False),
        sa.Column("id", text(64), nullable=False),
        sa.Column("registry", text(64), nullable=False),
        sa.Column("repository", text(255), nullable=False),
        sa.Column("tag", text(128), nullable=False),
        sa.Column("platform", text(64), nullable=False),
        sa.Column("tag_digest", text(160), nullable=False),
        sa.Column("digest", text(160), nullable=False),
        sa.Column("image_id", text(128)),
        sa.Column("state", text(16), nullable=False),
        sa.Column("code", text(64), server_default="", nullable=False),
        sa.Column("why", long_text(), nullable=False),
        sa.Column("seen", Instant(), nullable=False),
        sa.Column("read", Instant()),
        sa.Column("again", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_registry_images")),
    )
    op.create_index(
        "ix_registry_images_registry",
        "registry_images",
        ["tenant", "registry", "repository", "tag", "id"],
        unique=False,
    )
    op.create_index("ix_registry_images_state", "registry_images", ["tenant", "registry", "state", "id"], unique=False)
