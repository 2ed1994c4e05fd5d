"""The fields of CycloneDX and SPDX in JSON that are read, by the names that they have there."""

import msgspec
from msgspec import Struct, field

NOTHING = msgspec.Raw(b"null")


class License(Struct, frozen=True):
    id: str | None = None
    name: str | None = None


class Choice(Struct, frozen=True):
    license: License | None = None
    expression: str | None = None


class Property(Struct, frozen=True):
    name: str = ""
    value: str | None = None


class Occurrence(Struct, frozen=True):
    location: str = ""


class Evidence(Struct, frozen=True):
    occurrences: list[Occurrence] | None = None


class External(Struct, frozen=True):
    """To what a document refers; whatever is written there, it is not refused for that."""

    type: object = ""
    url: object = ""
    spdx: object = field(default="", name="spdxDocument")


class Component(Struct, frozen=True):
    type: str = ""
    group: str | None = None
    name: str = ""
    version: str | None = None
    description: str | None = None
    scope: str | None = None
    external: bool | None = field(default=None, name="isExternal")
    """Expected where it runs, and not brought (1.7)."""
    purl: str | None = None
    licenses: list[Choice] | None = None
    properties: list[Property] | None = None
    evidence: Evidence | None = None
    references: msgspec.Raw = field(default=NOTHING, name="externalReferences")
    components: "list[Component] | None" = None


class Relationship(Struct, frozen=True):
    """Of SPDX, between what its two identities name."""

    one: str = field(default="", name="spdxElementId")
    kind: str = field(default="", name="relationshipType")
    other: str = field(default="", name="relatedSpdxElement")


class Reference(Struct, frozen=True, rename="camel"):
    reference_type: str = ""
    reference_locator: str = ""


class SpdxPackage(Struct, frozen=True, rename="camel"):
    name: str = ""
    identity: str = field(default="", name="SPDXID")
    version_info: str | None = None
    license_declared: str | None = None
    source_info: str | None = None
    primary_package_purpose: str | None = None
    external_refs: list[Reference] | None = None


class Composition(Struct, frozen=True):
    aggregate: str = ""
    assemblies: list[str] | None = None
    dependencies: list[str] | None = None


class Metadata(Struct, frozen=True):
    component: Component | None = None
    """What the document as a whole is about."""
    properties: list[Property] | None = None


class Creation(Struct, frozen=True):
    creators: list[str] | None = None


class Document(Struct, frozen=True, rename="camel"):
    """Either kind: what makes it one is its first field."""

    bom_format: str | None = None
    spec_version: str | None = None
    metadata: Metadata | None = None
    components: list[Component] | None = None
    compositions: list[Composition] | None = None
    comment: str | None = None
    creation_info: Creation | None = None
    serial_number: object = ""
    document_namespace: object = ""
    external_references: msgspec.Raw = NOTHING
    external_document_refs: msgspec.Raw = NOTHING
    spdx_version: str | None = None
    packages: list[SpdxPackage] | None = None
    document_describes: msgspec.Raw = NOTHING
    relationships: msgspec.Raw = NOTHING
    context: object = field(default=None, name="@context")
