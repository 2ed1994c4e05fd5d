"""What containers of images do, as it was learned and reviewed."""

import sqlalchemy as sa

from hullguard.model.profile import LearningTerms
from hullguard.model.rollout import Rollout
from hullguard.storage.dialect import Instant, Packed, text
from hullguard.storage.tables.metadata import ID, flag, key, metadata, number, short, tenant

profiles = sa.Table(
    "profiles",
    metadata,
    tenant(),
    key("id"),
    short("repository", 256),
    short("state", 16),
    number("generation", None),
    sa.Column("terms", Packed(LearningTerms), nullable=False),
    sa.Column("started", Instant, nullable=False),
    sa.Column("last_new", Instant),
    number("containers"),
    number("dropped"),
    number("version", "1"),
    sa.Column("rollout", Packed(Rollout)),
    sa.Column("judged_since", Instant),
    sa.Column("changed_at", Instant, nullable=False),
    short("changed_by"),
    sa.UniqueConstraint("tenant", "repository"),
)

profile_entries = sa.Table(
    "profile_entries",
    metadata,
    tenant(),
    # Of profile, deed and what: together they are too long for a key.
    key("id"),
    short("profile", ID),
    short("deed", 16),
    short("what", 256),
    number("seen"),
    number("times"),
    sa.Column("first", Instant),
    sa.Column("last", Instant),
    flag("accepted", default=True),
    sa.Column("decided_by", text(255)),
    sa.Index("ix_profile_entries_profile", "tenant", "profile", "what", "id"),
)
