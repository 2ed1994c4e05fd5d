"""What was sent by the command line; what is in it stands where that of other images does."""

import sqlalchemy as sa

from hullguard.storage.dialect import Instant
from hullguard.storage.tables.images import IMAGE
from hullguard.storage.tables.metadata import flag, key, metadata, number, short, tenant

submissions = sa.Table(
    "submissions",
    metadata,
    tenant(),
    key("id"),
    short("name", 512),
    short("kind", 32),
    short("image_id", IMAGE),
    short("host"),
    short("by"),
    # The id of the user whose token or session it was.
    short("user", 64),
    short("source", 64),
    # Bytes as it came, compressed.
    number("size"),
    flag("kept", default=True),
    # The digest of the layers that it named, as it was sent; empty where it is no image.
    short("layers", 64, default=""),
    sa.Column("first", Instant, nullable=False),
    sa.Column("submitted", Instant, nullable=False),
    sa.Column("expires", Instant, nullable=False),
    sa.Index("ix_submissions_image", "tenant", "image_id"),
    sa.Index("ix_submissions_expires", "tenant", "expires"),
)
