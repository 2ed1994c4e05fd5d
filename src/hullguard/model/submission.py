"""What somebody read with the command line and sent to the platform: an inventory, never an image."""

import hashlib
from collections.abc import Sequence
from datetime import datetime

import msgspec
from msgspec import Struct

from hullguard.model.ids import derived_id
from hullguard.model.image import Layer

PREFIX = "submitted:"
"""What the id of a thing that is no image begins with, beside those of images."""


class Submission(Struct, frozen=True, kw_only=True):
    """One thing by its name; a later one of the same name takes its place."""

    id: str
    name: str
    kind: str
    """What it was read from, as targets of the command line begin: ``docker-archive``, ``dir``, ``sbom``, …"""
    image: str
    """The id under which it stands among the images: the image's own, or one made of kind and name."""
    host: str
    """The machine on which it was read, by its own word."""
    by: str
    """Who sent it last, as the audit names them: ``token:ID``, ``user:alice``."""
    user: str | None = None
    """The name of that user, also where a token of theirs sent it; null when the user is gone."""
    token: str | None = None
    """The name of that token; null where none sent it, and when it is gone."""
    source: str
    """From which address."""
    first: datetime
    submitted: datetime
    """The last time."""
    expires: datetime
    """Forgotten from then on unless it is sent again."""
    kept: bool
    """Whether what it says is what is told of the image; not where a node or a registry had told of that image
    already, where the same user had read it more completely, and where another claim has taken its place."""
    seen: bool = False
    """Whether what is told of the image by now is what a node or a registry has read."""


def image_of(kind: str, name: str) -> str:
    """The id among the images of what is none: the same for the same kind and name."""
    return PREFIX + hashlib.sha256(f"{kind}\0{name}".encode()).hexdigest()


def submission_id(kind: str | None, name: str) -> str:
    """By which a later submission takes this one's place; ``kind`` is None for images, which are one kind."""
    return derived_id("submission", kind or "image", name)


def layers_digest(layers: Sequence[Layer]) -> str:
    """By which two lists of layers are told to be the same: 64 hexadecimal digits over their diff ids, in order."""
    return hashlib.sha256(msgspec.json.encode([layer.diff_id for layer in layers])).hexdigest()
