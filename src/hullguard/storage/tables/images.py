"""Images: where they lie, what is in them, what is wrong with them.

The inventory and the report are kept whole and compressed; ``image_packages`` and ``findings`` only index them, by
position, for lists. ``image_subjects`` says of which images an advisory can speak.
"""

import sqlalchemy as sa

from hullguard.model.image import OperatingSystem
from hullguard.model.inventory import Inventory
from hullguard.model.package import Unknown
from hullguard.model.report import ScanReport
from hullguard.model.use import ImageUse
from hullguard.model.view import LayerShare
from hullguard.storage.dialect import Compressed, Instant, Packed, long_text, text
from hullguard.storage.tables.metadata import flag, key, metadata, number, short, tenant

IMAGE = 128
"""``sha256:`` and 64 digits; a longer digest fits too."""

images = sa.Table(
    "images",
    metadata,
    tenant(),
    key("id", IMAGE),
    short("name", 512, default=""),
    sa.Column("names", Packed(tuple[str, ...]), nullable=False),
    sa.Column("searched", long_text(), nullable=False),
    sa.Column("platform", text(64)),
    sa.Column("os", Packed(OperatingSystem)),
    number("size"),
    number("packages"),
    number("critical"),
    number("high"),
    number("medium"),
    number("low"),
    number("negligible"),
    number("unknown"),
    number("vulnerabilities"),
    number("fixable"),
    # Critical or high ones with a fix: what the overview calls "at risk".
    number("fixable_serious"),
    # Orders by severity first: see storage/stores/image_reports.py.
    number("risk"),
    flag("complete", default=True),
    # Packages of which no advisory could say anything.
    number("unjudged"),
    # Files or packages that were not read and may hold packages.
    number("unread"),
    # Whether what stands here of its content is what somebody submitted: no node and no registry has told of it.
    flag("submitted"),
    # The submission whose claim that is.
    sa.Column("claimant", text(64)),
    # What it is, where it is no image: the kind of a target of the command line.
    sa.Column("kind", text(32)),
    # The generation of the reader that took stock of it.
    number("reader"),
    sa.Column("scanned", Instant),
    sa.Column("matched", Instant),
    # With a database since when: what is found later than that is new.
    sa.Column("first_matched", Instant),
    sa.Column("advisories_built", Instant),
    # Why it is to be matched, the most urgent reason (storage/stores/wait.py); until when a worker holds it, and
    # how often one has taken it and not brought it to an end.
    number("waits"),
    sa.Column("claimed", Instant),
    number("tries"),
    # The hash of its rows in image_subjects.
    number("subjects"),
    sa.Column("first_seen", Instant, nullable=False),
    # No node has the image and nothing else lists it since then.
    sa.Column("absent_since", Instant),
    flag("present", default=True),
    sa.Index("ix_images_risk", "tenant", "present", "risk", "id"),
    sa.Index("ix_images_name", "tenant", "present", "name", "id"),
    sa.Index("ix_images_waits", "tenant", "waits", "id"),
)

image_nodes = sa.Table(
    "image_nodes",
    metadata,
    tenant(),
    key("node"),
    key("image_id", IMAGE),
    short("cluster", 64),
    sa.Column("names", Packed(tuple[str, ...]), nullable=False),
    sa.Index("ix_image_nodes_image", "tenant", "image_id"),
)

# Which images something else than a node lists: a registry, or a submission.
image_sources = sa.Table(
    "image_sources",
    metadata,
    tenant(),
    key("kind", 16),
    key("source"),
    key("image_id", IMAGE),
    sa.Column("names", Packed(tuple[str, ...]), nullable=False),
    sa.Index("ix_image_sources_image", "tenant", "image_id"),
)

inventories = sa.Table(
    "inventories",
    metadata,
    tenant(),
    key("image_id", IMAGE),
    sa.Column("inventory", Compressed(Inventory), nullable=False),
)

reports = sa.Table(
    "reports",
    metadata,
    tenant(),
    key("image_id", IMAGE),
    sa.Column("report", Compressed(ScanReport), nullable=False),
    sa.Column("layers", Packed(tuple[LayerShare, ...], large=True), nullable=False),
    sa.Column("unknowns", Packed(tuple[Unknown, ...], large=True), nullable=False),
    # Of everything but the state of the advisories: the same again need not be written again.
    number("digest"),
)

image_packages = sa.Table(
    "image_packages",
    metadata,
    tenant(),
    key("image_id", IMAGE),
    sa.Column("position", sa.Integer, primary_key=True, autoincrement=False),
    short("ecosystem"),
    # The name that advisories use: the source package's where it differs.
    short("matched_name"),
    short("name"),
    short("type", 16),
    sa.Column("layer", text(IMAGE)),
    sa.Index("ix_image_packages_name", "tenant", "name", "image_id"),
    sa.Index("ix_image_packages_matched_name", "tenant", "matched_name", "image_id"),
)

# What advisories may speak of when they speak of an image: a hash of each ecosystem and name. The hashes are the
# worker's; a collision matches an image once too often.
image_subjects = sa.Table(
    "image_subjects",
    metadata,
    tenant(),
    sa.Column("subject", sa.BigInteger, primary_key=True, autoincrement=False),
    key("image_id", IMAGE),
    sa.Index("ix_image_subjects_image", "tenant", "image_id"),
    sqlite_with_rowid=False,
)

findings = sa.Table(
    "findings",
    metadata,
    tenant(),
    key("image_id", IMAGE),
    # From the worst to the least; also the position in the report's ``vulnerabilities`` once sorted that way.
    sa.Column("position", sa.Integer, primary_key=True, autoincrement=False),
    short("vulnerability", 128),
    number("severity"),
    flag("fixable"),
    short("package"),
    sa.Column("layer", text(IMAGE)),
    # With what is known of the package's use, which the report itself does not have: storage/stores/image_uses.py.
    number("priority"),
    number("used"),
    sa.Column("first_found", Instant, nullable=False, server_default="0"),
    sa.Index("ix_findings_vulnerability", "tenant", "vulnerability", "image_id"),
)

# Which agents watch what containers of an image load, and since when.
image_watches = sa.Table(
    "image_watches",
    metadata,
    tenant(),
    key("node"),
    key("image_id", IMAGE),
    short("cluster", 64),
    sa.Column("since", Instant, nullable=False),
    sa.Column("until", Instant, nullable=False),
    number("containers"),
    flag("whole"),
    sa.Index("ix_image_watches_image", "tenant", "image_id", "until"),
    sa.Index("ix_image_watches_until", "tenant", "until"),
)

# Which files they were seen with, and when last (seconds since 1970); what follows from that for its packages.
image_uses = sa.Table(
    "image_uses",
    metadata,
    tenant(),
    key("image_id", IMAGE),
    sa.Column("files", Compressed(dict[str, int]), nullable=False),
    sa.Column("told", Instant, nullable=False),
    sa.Column("use", Compressed(ImageUse), nullable=False),
    # Files came that ``use`` does not know of yet.
    flag("due", default=True),
    sa.Index("ix_image_uses_told", "tenant", "told"),
)
