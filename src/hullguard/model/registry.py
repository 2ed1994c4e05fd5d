"""Registries that the platform reads: what people say of one, how far it is read, and the images that it has."""

import enum
from datetime import datetime
from typing import Annotated

from msgspec import Meta, Struct, field

from hullguard.model.policy import NAME, Name
from hullguard.model.view import ImageSummary

PASSWORD_MAX = 16_384
"""Characters; what clouds give in a password's place is a token or a whole key file."""

Pattern = Annotated[str, Meta(min_length=1, max_length=255)]
"""A name, in which ``*`` stands for any characters, ``/`` among them."""


class RegistryState(enum.StrEnum):
    """How far a registry is read."""

    WAITING = "waiting"
    """It is to be listed, and its turn has not come yet."""
    LISTING = "listing"
    READING = "reading"
    DONE = "done"
    FAILED = "failed"
    """It could not be listed, or not be read to the end; ``trouble`` says why, ``due`` when that is tried again."""


class ImageState(enum.StrEnum):
    """What became of one image of a registry."""

    WAITING = "waiting"
    READING = "reading"
    DONE = "done"
    INCOMPLETE = "incomplete"
    """Some of it could not be read; the image itself says what."""
    FAILED = "failed"
    UNSUPPORTED = "unsupported"
    """It is no image that can be read: a chart, a signature, one for another platform."""


class RegistrySpec(Struct, frozen=True, forbid_unknown_fields=True):
    """The part of a registry that people edit, but its password."""

    name: Name
    address: Annotated[str, Meta(min_length=1, max_length=261)]
    """``HOST[:PORT]``; ``docker.io`` for Docker Hub."""
    repositories: Annotated[list[Pattern], Meta(min_length=1, max_length=100)]
    """Exact names, or patterns; only patterns need the registry's catalog."""
    insecure: bool = False
    """Plain HTTP: what is read, and the password, can be seen and changed on the way."""
    username: Annotated[str, Meta(max_length=255, extra=NAME)] = ""
    ca: Annotated[str, Meta(max_length=65_536)] = ""
    """Certificates in PEM form to trust instead of the system's."""
    tags: Annotated[list[Pattern], Meta(min_length=1, max_length=100)] = field(default_factory=lambda: ["*"])
    newest: Annotated[int, Meta(ge=1, le=1000)] | None = None
    """Most tags of one repository that are read: ``latest``, then versions from the highest, then other names."""
    platforms: Annotated[list[Annotated[str, Meta(max_length=64)]], Meta(min_length=1, max_length=10)] = field(
        default_factory=lambda: ["linux/amd64"]
    )
    every_hours: Annotated[int, Meta(ge=1, le=720)] | None = None
    """How often it is listed by itself; null: only when somebody asks for it."""


class RegistryInput(Struct, frozen=True, forbid_unknown_fields=True):
    """A registry's content and why it is so."""

    spec: RegistrySpec
    password: Annotated[str, Meta(max_length=PASSWORD_MAX)] | None = None
    """Null leaves the one that is kept, an empty one takes it away. It is never given out again."""
    comment: Annotated[str, Meta(max_length=500)] = ""


class Trouble(Struct, frozen=True):
    """What of a registry could not be read, why, and what to do."""

    code: str
    sentence: str


class RegistryAttempt(Struct, frozen=True, kw_only=True):
    """What a registry says when it is asked once, as a scan would begin to ask it; nothing of it is kept."""

    reachable: bool
    """Whether there was an answer."""
    admitted: bool | None = None
    """Whether the user name and the password are right; null where none are given, and where nobody asked for them."""
    catalog: bool | None = None
    """Whether the list of its repositories is given; null where only exact names are wanted, and where it was not
    come to."""
    repositories: int = 0
    """How many are there of those that are named."""
    looked_into: str = ""
    """The first of these whose tags were asked for; empty where none was."""
    tags: int = 0
    """How many of its tags would be read."""
    trouble: Trouble | None = None
    """What a scan would say, and what to do; null where all is well."""


class Registry(Struct, frozen=True, kw_only=True):
    """A registry at one version, and how far it is read."""

    id: str
    version: int
    spec: RegistrySpec
    has_password: bool
    created: datetime
    changed_at: datetime
    changed_by: str
    comment: str
    state: RegistryState
    trouble: Trouble | None
    """Also where it is read otherwise: a bound that was reached, a repository that could not be listed."""
    listed: datetime | None
    """When it was last listed."""
    due: datetime | None
    """When it is listed, or read on after a failure, by itself."""
    retry: datetime | None
    """When it is tried again because it failed; null where that is not to come."""
    repositories: int
    """How many were found that it names."""
    images: dict[ImageState, int]


class RegistryImage(Struct, frozen=True, kw_only=True):
    """One tag of a registry for one platform."""

    id: str
    repository: str
    tag: str
    platform: str
    digest: str
    """Of its manifest, as it was when the registry was last listed."""
    image_id: str | None
    """Of the image that it names; null while that is not known, and where it is none."""
    state: ImageState
    code: str
    why: str
    """Why it is failed, incomplete or unsupported, and what to do; empty otherwise."""
    seen: datetime
    """When it was last listed."""
    read: datetime | None
    """When it was last read, or tried."""
    image: ImageSummary | None
    """What is known of the image, as the list of images has it; null where that list does not."""


class ListedImage(Struct, frozen=True, kw_only=True):
    """What a registry says that a tag names for one platform."""

    repository: str
    tag: str
    tag_digest: str
    """Of what the tag names, which may be a list of manifests."""
    platform: str
    digest: str
    """Of the platform's own manifest."""
    image_id: str | None = None
    state: ImageState = ImageState.WAITING
    """Or unsupported, or failed."""
    code: str = ""
    why: str = ""


class RegistryListing(Struct, frozen=True, kw_only=True):
    """What was found in a registry."""

    repositories: int
    images: tuple[ListedImage, ...]
    unchanged: tuple[tuple[str, str], ...]
    """(repository, tag) of those that still name what they named."""
    unlisted: tuple[str, ...]
    """Repositories that could not be listed to the end: what else is known of them stands."""
    trouble: Trouble | None = None
    stopped: bool = False
    """Whether there is more, which is to be asked for later."""
    retry_after: int | None = None
    """In so many seconds at the earliest."""
