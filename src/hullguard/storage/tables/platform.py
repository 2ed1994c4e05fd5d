"""What the platform needs for itself: settings, counters, bundles, jobs."""

import sqlalchemy as sa

from hullguard.storage.dialect import Instant, large_binary, long_text, text
from hullguard.storage.tables.metadata import ID, flag, key, metadata, number, short, tenant

settings = sa.Table(
    "settings", metadata, tenant(), key("name", 128), sa.Column("value", large_binary(), nullable=False)
)

counters = sa.Table("counters", metadata, tenant(), key("name", 128), number("value"))

blobs = sa.Table(
    "blobs",
    metadata,
    tenant(),
    key("sha256"),
    short("kind", 32),
    short("version", 128),
    number("size", None),
    number("chunks", None),
    sa.Column("created", Instant, nullable=False),
)

blob_chunks = sa.Table(
    "blob_chunks",
    metadata,
    tenant(),
    key("sha256"),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("data", large_binary(), nullable=False),
)

jobs = sa.Table(
    "jobs",
    metadata,
    tenant(),
    key("id"),
    short("kind", ID),
    short("key"),
    # The key while the job waits, null afterwards: one waiting job per key, any number of past ones.
    sa.Column("waiting", text(255)),
    sa.Column("payload", large_binary(), nullable=False),
    short("state", 16),
    number("attempts"),
    number("max_attempts"),
    # When it may be taken: in the future while somebody holds the lease or a retry is due later.
    sa.Column("ready", Instant),
    short("lease", ID, default=""),
    sa.Column("created", Instant, nullable=False),
    sa.Column("finished", Instant),
    sa.Column("error", long_text(), nullable=False),
    sa.UniqueConstraint("tenant", "kind", "waiting"),
    sa.Index("ix_jobs_ready", "tenant", "kind", "ready"),
    sa.Index("ix_jobs_finished", "tenant", "finished"),
)

schedules = sa.Table(
    "schedules",
    metadata,
    tenant(),
    key("kind"),
    number("every_seconds", None),
    flag("enabled", default=True),
    sa.Column("due", Instant, nullable=False),
)
