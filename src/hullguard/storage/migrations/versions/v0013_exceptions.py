"""Exceptions and VEX documents, and which findings do not count because of them.

Revision ID: 0013
Revises: 0012
"""

import sqlalchemy as sa
from alembic import op

from hullguard.storage.dialect import Compressed, Instant, Packed, long_text, text

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "exceptions",
        sa.Column("tenant", text(64), nullable=False),
        sa.Column("id", text(64), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("spec", Packed(large=True), nullable=False),
        sa.Column("searched", long_text(), nullable=False),
        sa.Column("ends", Instant(), nullable=True),
        sa.Column("lapsed", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("by_name", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("created_by", text(255), nullable=False),
        sa.Column("changed_at", Instant(), nullable=False),
        sa.Column("changed_by", text(255), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_exceptions")),
    )
    op.create_index("ix_exceptions_changed", "exceptions", ["tenant", "changed_at", "id"], unique=False)
    op.create_table(
        "vex_documents",
        sa.Column("tenant", text(64), nullable=False),
        sa.Column("id", text(64), nullable=False),
        sa.Column("document", text(64), nullable=False),
        sa.Column("head", Packed(large=True), nullable=False),
        sa.Column("searched", long_text(), nullable=False),
        sa.Column("content", Compressed(), nullable=False),
        sa.Column("names", Compressed(), nullable=False),
        sa.Column("size", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("statements", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("unread", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("by_name", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("uploaded_at", Instant(), nullable=False),
        sa.Column("uploaded_by", text(255), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_vex_documents")),
        sa.UniqueConstraint("tenant", "document", name=op.f("uq_vex_documents_tenant_document")),
    )
    op.create_index("ix_vex_documents_uploaded", "vex_documents", ["tenant", "uploaded_at", "id"], unique=False)
    op.create_table(
        "suppressions",
        sa.Column("tenant", text(64), nullable=False),
        sa.Column("image_id", text(128), nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("source", text(64), nullable=False),
        sa.Column("vulnerability", text(128), nullable=False),
        sa.Column("package", text(255), nullable=False),
        sa.Column("first_found", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "image_id", "position", name=op.f("pk_suppressions")),
    )
    op.create_index("ix_suppressions_source", "suppressions", ["tenant", "source", "image_id"], unique=False)
    op.create_index(
        "ix_suppressions_vulnerability", "suppressions", ["tenant", "vulnerability", "image_id"], unique=False
    )
    op.create_table(
        "vulnerability_names",
        sa.Column("tenant", text(64), nullable=False),
        sa.Column("name", text(128), nullable=False),
        sa.Column("vulnerability", text(128), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "name", "vulnerability", name=op.f("pk_vulnerability_names")),
    )
    # The names of what was found are kept when its images are matched again.
    op.execute("UPDATE reports SET digest = 0")
    op.execute("UPDATE images SET waits = 1 WHERE waits = 0 AND scanned IS NOT NULL")
