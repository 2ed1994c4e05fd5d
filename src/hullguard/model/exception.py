"""Exceptions: findings that do not count, because people of this house or makers of software said so, and why."""

import enum
from collections.abc import Iterable
from datetime import date, datetime
from typing import Annotated

from msgspec import Meta, Struct

from hullguard.model.pattern import shell_pattern
from hullguard.model.policy import LINE, NAME

VulnerabilityId = Annotated[str, Meta(min_length=3, max_length=128, pattern=r"^[A-Za-z0-9][A-Za-z0-9._:+-]*$(?!\n)")]
ImagePattern = Annotated[str, Meta(min_length=1, max_length=256, pattern=r"^[^\x00-\x20\x7f]+$(?!\n)", extra=NAME)]
ImageId = Annotated[str, Meta(min_length=1, max_length=128, pattern=r"^[a-z0-9]+:[0-9a-f]{32,120}$(?!\n)")]
Line = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=1000,
        pattern=r"^[^\x00-\x1f\x7f]*[^\x00-\x20\x7f][^\x00-\x1f\x7f]*$(?!\n)",
        extra=LINE,
    ),
]
"""One line in which something stands."""


class ExceptionStatus(enum.StrEnum):
    """What is said of the findings."""

    NOT_AFFECTED = "not_affected"
    """As in VEX: the vulnerability cannot be used here."""
    ACCEPTED = "accepted"
    """It can, and the risk is taken."""


class Justification(enum.StrEnum):
    """Why something is not affected, in the words of VEX (OpenVEX 0.2.0, "Status Justifications")."""

    COMPONENT_NOT_PRESENT = "component_not_present"
    VULNERABLE_CODE_NOT_PRESENT = "vulnerable_code_not_present"
    VULNERABLE_CODE_NOT_IN_EXECUTE_PATH = "vulnerable_code_not_in_execute_path"
    VULNERABLE_CODE_CANNOT_BE_CONTROLLED_BY_ADVERSARY = "vulnerable_code_cannot_be_controlled_by_adversary"
    INLINE_MITIGATIONS_ALREADY_EXIST = "inline_mitigations_already_exist"


class ExceptionState(enum.StrEnum):
    """Whether it counts now."""

    IN_FORCE = "in_force"
    EXPIRED = "expired"


class ExceptionSpec(Struct, frozen=True, forbid_unknown_fields=True):
    """The part of an exception that people edit: what it covers, and why.

    It covers a finding that has any of the ids (or an alias) and fits every further condition that is given; the
    conditions are those of an entry of an ignore file, and the image.
    """

    vulnerabilities: Annotated[list[VulnerabilityId], Meta(min_length=1, max_length=100)]
    reason: Line
    status: ExceptionStatus = ExceptionStatus.ACCEPTED
    justification: Justification | None = None
    expires: date | None = None
    """The last day (UTC) on which it counts; null for ever."""
    package: Line | None = None
    """The package's name, or that of its source package."""
    purl: Line | None = None
    """A package URL; without a version all versions, without qualifiers whatever they may be."""
    path: Line | None = None
    """A shell pattern that every place of the package must fit."""
    images: Annotated[list[ImagePattern], Meta(max_length=100)] = []
    """Shell patterns on the image's names (``nginx:*``), as nodes and registries know them now."""
    image_ids: Annotated[list[ImageId], Meta(max_length=100)] = []
    """With ``images``: either will do. With neither: every image."""

    @property
    def is_everywhere(self) -> bool:
        """Whether it is about every image."""
        return not self.images and not self.image_ids

    def is_about(self, image_id: str | None, names: Iterable[str]) -> bool:
        """Whether it is about this image, which has these names now."""
        return is_meant(self.images, self.image_ids, image_id, names)


def is_meant(patterns: Iterable[str], image_ids: Iterable[str], image_id: str | None, names: Iterable[str]) -> bool:
    """Whether an image is one of ``image_ids``, or has a name that fits a pattern; where there are neither, it is."""
    patterns, image_ids = tuple(patterns), tuple(image_ids)
    if not patterns and not image_ids:
        return True
    if image_id is not None and image_id in image_ids:
        return True
    compiled = [shell_pattern(one) for one in patterns]
    return any(one.match(name) for name in names for one in compiled)


class FindingException(Struct, frozen=True, kw_only=True):
    """An exception at one version, with what it does now."""

    id: str
    version: int
    spec: ExceptionSpec
    state: ExceptionState
    created_at: datetime
    created_by: str
    changed_at: datetime
    changed_by: str
    findings: int = 0
    """Findings that do not count because of it, in images that lie somewhere."""
    images: int = 0
    """Images with such findings."""
    names: dict[str, str] = {}
    """What those of ``spec.image_ids`` are called now that have a name."""


class VexFormat(enum.StrEnum):
    """Whose words a document uses."""

    OPENVEX = "openvex"
    CSAF = "csaf"
    CYCLONEDX = "cyclonedx"


class VexHead(Struct, frozen=True, kw_only=True):
    """What a VEX document says of itself."""

    document: str
    """Its own id; ``sha256:`` and the hash of its content where it has none."""
    format: VexFormat
    author: str = ""
    issued: datetime | None = None
    revision: str = ""
    """As the document counts its versions."""


class VexDocument(Struct, frozen=True, kw_only=True):
    """A VEX document that is applied to every image, with what it does now."""

    id: str
    head: VexHead
    size: int
    """Bytes."""
    statements: int
    """Those that are applied: each is about products that can be compared."""
    unread: int
    """Those that are not: they name no product by a package URL that could be compared, or lack a justification."""
    uploaded_at: datetime
    uploaded_by: str
    findings: int = 0
    images: int = 0


class ExceptionPreview(Struct, frozen=True, kw_only=True):
    """What an exception would do if it were made now."""

    findings: int
    """Findings that count now and would not; of one that is changed, also those that do not count because of it."""
    images: int
    exact: bool
    """False where they are at most so many: what only a whole report tells was not asked."""
    examples: tuple[str, ...]
    """Names of some of the images, the most at risk first."""
