"""Users and everything that proves who somebody is. Secrets stand here only as hashes."""

import sqlalchemy as sa

from hullguard.storage.dialect import Instant, long_text
from hullguard.storage.tables.metadata import ID, flag, key, metadata, number, short, tenant

users = sa.Table(
    "users",
    metadata,
    tenant(),
    key("id"),
    short("name", 128),
    short("role", 32),
    short("password_hash"),
    flag("disabled"),
    flag("must_change_password"),
    sa.Column("created", Instant, nullable=False),
    sa.Column("last_sign_in", Instant),
    sa.UniqueConstraint("tenant", "name"),
)

sessions = sa.Table(
    "sessions",
    metadata,
    tenant(),
    key("secret_hash"),
    short("user", ID),
    sa.Column("created", Instant, nullable=False),
    sa.Column("last_used", Instant, nullable=False),
    sa.Column("expires", Instant, nullable=False),
    short("source", default=""),
    sa.Index("ix_sessions_secret_hash", "secret_hash", unique=True),
    sa.Index("ix_sessions_user", "tenant", "user"),
    sa.Index("ix_sessions_expires", "tenant", "expires"),
)

tokens = sa.Table(
    "tokens",
    metadata,
    tenant(),
    key("id"),
    short("secret_hash", ID),
    short("name", 128),
    short("user", ID),
    short("role", 32),
    sa.Column("created", Instant, nullable=False),
    sa.Column("expires", Instant, nullable=False),
    sa.Column("last_used", Instant),
    sa.Index("ix_tokens_secret_hash", "secret_hash", unique=True),
    sa.Index("ix_tokens_user", "tenant", "user"),
)

enrolment_tokens = sa.Table(
    "enrolment_tokens",
    metadata,
    tenant(),
    key("id"),
    short("secret_hash", ID),
    short("name", 128),
    short("cluster", ID),
    sa.Column("created", Instant, nullable=False),
    sa.Column("expires", Instant, nullable=False),
    number("uses"),
    number("max_uses", None),
    flag("revoked"),
    sa.Index("ix_enrolment_tokens_secret_hash", "secret_hash", unique=True),
)

audit_records = sa.Table(
    "audit_records",
    metadata,
    tenant(),
    sa.Column("sequence", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("at", Instant, nullable=False),
    short("actor"),
    short("action", 128),
    short("subject", 512),
    short("outcome", 16),
    sa.Column("reason", long_text(), nullable=False),
    short("source"),
    # JSON text, so that an auditor can read the table itself.
    sa.Column("details", long_text(), nullable=False),
    short("previous", ID),
    short("hash", ID),
    sa.Index("ix_audit_records_at", "tenant", "at"),
    sa.Index("ix_audit_records_actor", "tenant", "actor", "sequence"),
    sa.Index("ix_audit_records_action", "tenant", "action", "sequence"),
    sa.Index("ix_audit_records_subject", "tenant", "subject", "sequence"),
)

audit_heads = sa.Table("audit_heads", metadata, tenant(), number("sequence", None), short("hash", ID))
