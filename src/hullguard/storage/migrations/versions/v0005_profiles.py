"""What containers of images do is learned and reviewed.

Revision ID: 0005
Revises: 0007
"""

import sqlalchemy as sa
from alembic import op

from hullguard.model.profile import LearningTerms
from hullguard.storage.dialect import Instant, Packed, text

revision = "0005"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "profiles",
        sa.Column("tenant", text(64), nullable=False),
        sa.Column("id", text(64), nullable=False),
        sa.Column("repository", text(256), nullable=False),
        sa.Column("state", text(16), nullable=False),
        sa.Column("generation", sa.BigInteger(), nullable=False),
        sa.Column("terms", Packed(LearningTerms), nullable=False),
        sa.Column("started", Instant(), nullable=False),
        sa.Column("last_new", Instant(), nullable=True),
        sa.Column("containers", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("dropped", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("changed_at", Instant(), nullable=False),
        sa.Column("changed_by", text(255), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_profiles")),
        sa.UniqueConstraint("tenant", "repository", name=op.f("uq_profiles_tenant_repository")),
    )
    op.create_table(
        "profile_entries",
        sa.Column("tenant", text(64), nullable=False),
        sa.Column("id", text(64), nullable=False),
        sa.Column("profile", text(64), nullable=False),
        sa.Column("deed", text(16), nullable=False),
        sa.Column("what", text(256), nullable=False),
        sa.Column("seen", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("times", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("first", Instant(), nullable=True),
        sa.Column("last", Instant(), nullable=True),
        sa.Column("accepted", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.Column("decided_by", text(255), nullable=True),
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_profile_entries")),
    )
    op.create_index("ix_profile_entries_profile", "profile_entries", ["tenant", "profile", "what", "id"], unique=False)
