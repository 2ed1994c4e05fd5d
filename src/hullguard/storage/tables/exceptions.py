"""Exceptions and VEX documents, and which findings do not count because of them."""

import sqlalchemy as sa

from hullguard.model.exception import ExceptionSpec, VexHead
from hullguard.storage.dialect import Compressed, Instant, Packed, long_text, text
from hullguard.storage.tables.images import IMAGE
from hullguard.storage.tables.metadata import flag, key, metadata, number, short, tenant

exceptions = sa.Table(
    "exceptions",
    metadata,
    tenant(),
    key("id"),
    number("version", None),
    sa.Column("spec", Packed(ExceptionSpec, large=True), nullable=False),
    sa.Column("searched", long_text(), nullable=False),
    # The instant after its last day.
    sa.Column("ends", Instant),
    # It ended, and its images were matched again.
    flag("lapsed"),
    # Names of images decide: it is asked again when they change.
    flag("by_name"),
    sa.Column("created_at", Instant, nullable=False),
    short("created_by"),
    sa.Column("changed_at", Instant, nullable=False),
    short("changed_by"),
    sa.Index("ix_exceptions_changed", "tenant", "changed_at", "id"),
)

vex_documents = sa.Table(
    "vex_documents",
    metadata,
    tenant(),
    key("id"),
    # The hash of the document's own id, which may be of any length.
    short("document", 64),
    sa.Column("head", Packed(VexHead, large=True), nullable=False),
    sa.Column("searched", long_text(), nullable=False),
    sa.Column("content", Compressed(bytes), nullable=False),
    # Of the vulnerabilities that it speaks of.
    sa.Column("names", Compressed(tuple[str, ...]), nullable=False),
    number("size"),
    number("statements"),
    number("unread"),
    flag("by_name"),
    sa.Column("uploaded_at", Instant, nullable=False),
    short("uploaded_by"),
    sa.UniqueConstraint("tenant", "document"),
    sa.Index("ix_vex_documents_uploaded", "tenant", "uploaded_at", "id"),
)

# Findings of a report that do not count because of an exception or a VEX document: ``findings`` for what counts.
suppressions = sa.Table(
    "suppressions",
    metadata,
    tenant(),
    key("image_id", IMAGE),
    sa.Column("position", sa.Integer, primary_key=True, autoincrement=False),
    # The id of the exception or of the document.
    short("source", 64),
    short("vulnerability", 128),
    short("package"),
    sa.Column("first_found", Instant, nullable=False),
    sa.Index("ix_suppressions_source", "tenant", "source", "image_id"),
    sa.Index("ix_suppressions_vulnerability", "tenant", "vulnerability", "image_id"),
)

# Under which ids findings are kept whose advisory or alias has this name: what is said of a GHSA is about its CVE.
vulnerability_names = sa.Table(
    "vulnerability_names",
    metadata,
    tenant(),
    key("name", 128),
    sa.Column("vulnerability", text(128), primary_key=True),
)
