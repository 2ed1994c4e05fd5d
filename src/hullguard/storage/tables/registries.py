"""Registries that the platform reads, and the images that they have."""

import sqlalchemy as sa

from hullguard.model.registry import RegistrySpec, Trouble
from hullguard.storage.dialect import Instant, Packed, large_binary, long_text, text
from hullguard.storage.tables.images import IMAGE
from hullguard.storage.tables.metadata import ID, flag, key, metadata, number, short, tenant

registries = sa.Table(
    "registries",
    metadata,
    tenant(),
    key("id"),
    short("name", 64),
    number("version", None),
    sa.Column("spec", Packed(RegistrySpec, large=True), nullable=False),
    # Sealed by access/registries/vault.py for this very row and address.
    sa.Column("password", large_binary()),
    sa.Column("created", Instant, nullable=False),
    sa.Column("changed_at", Instant, nullable=False),
    short("changed_by"),
    sa.Column("comment", long_text(), nullable=False),
    short("state", 16),
    sa.Column("trouble", Packed(Trouble, large=True)),
    sa.Column("listed", Instant),
    # When it is to be listed by itself.
    sa.Column("due", Instant),
    number("repositories"),
    # It is to be listed before it is read on; what is read already is to be read again then.
    flag("to_list", default=True),
    flag("again"),
    sa.UniqueConstraint("tenant", "name"),
    sa.Index("ix_registries_due", "tenant", "due"),
)

registry_images = sa.Table(
    "registry_images",
    metadata,
    tenant(),
    key("id"),
    short("registry", ID),
    short("repository"),
    short("tag", 128),
    short("platform", 64),
    # What the tag names, which may be a list of manifests, and the manifest of this platform.
    short("tag_digest", 160),
    short("digest", 160),
    sa.Column("image_id", text(IMAGE)),
    short("state", 16),
    short("code", 64, default=""),
    sa.Column("why", long_text(), nullable=False),
    sa.Column("seen", Instant, nullable=False),
    sa.Column("read", Instant),
    # It is read though the image is known.
    flag("again"),
    # Orders the tags of a repository by version, and is unique: it ends with the id.
    short("place", 255, default=""),
    sa.Index("ix_registry_images_place", "tenant", "registry", "repository", "place"),
    sa.Index("ix_registry_images_registry", "tenant", "registry", "repository", "tag", "id"),
    sa.Index("ix_registry_images_state", "tenant", "registry", "state", "id"),
)
