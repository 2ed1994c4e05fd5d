"""A bill of materials as what it names: CycloneDX 1.2 to 1.7 and SPDX 2.2 and 2.3, both in JSON."""

import json
import re
from collections.abc import Iterable, Iterator
from urllib.parse import unquote

import msgspec
from msgspec import Struct

from hullguard.inventory.bills.purls import OfOtherKind, is_another, operating_system, package_of, system_of
from hullguard.inventory.bills.written import NOTHING, Choice, Component, Document, External, Relationship, SpdxPackage
from hullguard.inventory.source.engine_json import folded
from hullguard.model.decoding import from_json, wrong
from hullguard.model.errors import Invalid
from hullguard.model.image import OperatingSystem
from hullguard.model.package import Package

_MAX_OBJECTS = 3_000_000
"""An empty one costs two bytes in the file and a hundred in memory; a hundred thousand packages have a million."""
_MAX_DEPTH = 64
_CYCLONEDX = frozenset({"1.2", "1.3", "1.4", "1.5", "1.6", "1.7"})
_SPDX = frozenset({"SPDX-2.2", "SPDX-2.3"})
_NO_PACKAGES = frozenset({"container", "operating-system", "file", "data", "device", "cryptographic-asset"})
"""What needs no purl: it is named for other reasons than to be matched."""
_ARCHIVES = (".jar", ".war", ".ear", ".whl", ".gem", ".nupkg", ".crate", ".dll")
_IMAGES = ("pkg:oci/", "pkg:docker/")
UTF8_MARK, UTF16_MARKS = b"\xef\xbb\xbf", (b"\xff\xfe", b"\xfe\xff")
_SILENT = frozenset({"NOASSERTION", "NONE"})
_SHOWN = 80
"""Characters of a version in a sentence."""
_BUILT_FROM = re.compile(r"^built (?:package )?from: (\S+)(?: (\S+))?$", re.MULTILINE)
_NAMES = ("hullguard:source", "aquasecurity:trivy:SrcName")
_OWN_VERSION = "hullguard:source-version"
SPDX_INCOMPLETE = "incomplete:"
"""How a line of an own document's comment begins. SPDX 2 has no field for that; CycloneDX has ``compositions``."""
OWN_DOUBT = "hullguard:unknown"
"""The name of the properties in which an own document says what could not be read or decided."""
OWN_TOOL = "hullguard-"
_UNREADABLE = (msgspec.MsgspecError, RecursionError, UnicodeDecodeError)
"""What msgspec raises for JSON that is not what is asked for."""
_VERSION = tuple(f"aquasecurity:trivy:Src{part}" for part in ("Epoch", "Version", "Release"))


_UNDECIDING = frozenset({"serialNumber", "documentNamespace", "documentDescribes", "relationships"})
_KEYS = frozenset(each.encode_name for each in msgspec.structs.fields(Document)) - _UNDECIDING
_FOLDED = {folded(key): key for key in _KEYS}
"""The keys that decide what a document names, as programs compare them that take a key in any case."""


_DECIDING = frozenset({
    *("bomFormat", "spdxVersion", "metadata", "component", "components", "packages"),
    *("purl", "externalRefs", "referenceType", "referenceLocator"),
})  # fmt: skip
"""The keys, at any depth, that decide which packages a document names."""
_DECIDING_FOLDED = {folded(key): key for key in _DECIDING}


class Entry(Struct, frozen=True):
    """A package as either kind of document describes it."""

    name: str
    version: str
    kind: str
    purls: tuple[str, ...]
    source: tuple[str, str] | None
    licenses: tuple[str, ...] = ()
    locations: tuple[str, ...] = ()
    description: str | None = None
    group: str = ""
    scope: str = ""
    """CycloneDX's."""
    external: bool = False
    identity: str = ""
    """By which the relationships of SPDX name it."""
    refers: tuple[str, ...] = ()
    """Addresses of bills of materials that are about it."""
    is_subject: bool = False
    """Whether the document as a whole is about it: what was built, of which no advisories need speak."""


class Unmatched(Struct, frozen=True):
    """That what an entry names cannot be matched."""

    why: str
    spoken_of: bool
    """Whether it may well be a package of which advisories speak."""


class Described(Struct, frozen=True):
    """What a document names."""

    entries: Iterator[Entry]
    """Read once. Raises Invalid where the document is no such thing."""
    incomplete: bool
    """Whether it says so of itself."""
    doubts: tuple[str, ...] = ()
    """What an own one says could not be read or decided, each as ``WHAT: WHY``."""
    identity: str = ""
    """By which other bills refer to it."""
    others: tuple[str, ...] = ()
    """Addresses of further bills of materials to which it refers as a whole."""
    relationships: msgspec.Raw = NOTHING
    """Of SPDX, for ``related``."""


def described(content: bytes, what: str) -> Described:
    """What a bill of materials names; ``what`` is how sentences call it. Raises Invalid when it is none."""
    if content.startswith(UTF16_MARKS):
        raise Invalid(f"{what} is written in UTF-16; JSON is exchanged in UTF-8 (RFC 8259)", "sbom.encoding")
    if content.count(b"{") > _MAX_OBJECTS:
        raise Invalid(f"{what} has more than {_MAX_OBJECTS} objects, as no bill of materials has", "sbom.too-large")
    document = _decoded(content.removeprefix(UTF8_MARK), what)
    if document.bom_format == "CycloneDX":
        if document.spec_version not in _CYCLONEDX:
            raise unread(what, f"CycloneDX {document.spec_version}")
        about = document.metadata.component if document.metadata else None
        entries: Iterator[Entry] = _components(document.components or [], about, what)
    elif document.spdx_version is not None:
        if document.spdx_version not in _SPDX:
            raise unread(what, document.spdx_version)
        subjects = _subjects(document)
        entries = (_spdx(each, subjects) for each in document.packages or [])
    elif document.context is not None:
        raise unread(what, "JSON-LD, as of SPDX 3")
    else:
        raise Invalid(f"{what} is neither CycloneDX nor SPDX in JSON", "sbom.unknown-kind")
    spdx = _decoded_references(document.external_document_refs)
    others = (*_bills(document.external_references), *(str(each.spdx) for each in spdx))
    identity = document.serial_number or document.document_namespace
    return Described(
        entries,
        _is_incomplete(document),
        tuple(dict.fromkeys(_doubts(document))),
        identity if isinstance(identity, str) else "",
        tuple(dict.fromkeys(others)),
        document.relationships,
    )


def _bills(references: msgspec.Raw) -> tuple[str, ...]:
    """The addresses of the bills of materials among references of CycloneDX."""
    if b"bom" not in bytes(references):
        return ()
    return tuple(str(each.url) for each in _decoded_references(references) if each.type == "bom")


def _decoded_references(references: msgspec.Raw) -> list[External]:
    """What is no list of objects refers to nothing."""
    try:
        return from_json(references, list[External] | None) or []  # type: ignore[arg-type]
    except _UNREADABLE:
        return []


def packages(entry: Entry, os: OperatingSystem | None) -> Iterator[Package | Unmatched]:
    """The packages that an entry names; or why it names none that can be matched, where it should."""
    # Lock files are listed as applications without a version; what is in them is listed beside them.
    silent = entry.kind == "application" and not entry.version
    if not entry.purls and not silent and (entry.kind not in _NO_PACKAGES or _is_archive(entry)):
        yield Unmatched("the bill of materials gives it no purl, so it cannot be matched", not entry.is_subject)
    for purl in entry.purls:
        if purl.lower().startswith(_IMAGES):
            continue  # the image itself, or the one that it was built from
        try:
            yield _package(purl, entry, os)
        except Invalid as bad:
            yield Unmatched(str(bad), not isinstance(bad, OfOtherKind))


def states_source(entry: Entry) -> bool:
    """Whether it says, in its purl or beside it, from which source package it was built."""
    return entry.source is not None or any("upstream=" in purl.partition("?")[2] for purl in entry.purls)


def two_versions(entry: Entry, package: Package) -> tuple[str, str] | None:
    """The version that an entry gives a package, and another one that its purl does; by that it is judged."""
    if entry.version in _SILENT or not is_another(entry.version, package):
        return None
    if len(entry.purls) > 1 and any(f"@{entry.version}" in unquote(purl) for purl in entry.purls):
        return None  # SPDX gives some a purl for each version that they are known by
    return entry.version[:_SHOWN], package.version[:_SHOWN]


def _is_archive(entry: Entry) -> bool:
    """Whether a file is a package, of which some tools list nothing else."""
    return entry.kind == "file" and bool(entry.version) and (entry.name or "").lower().endswith(_ARCHIVES)


def system(entries: Iterable[Entry]) -> OperatingSystem | None:
    """As the document says, else as the first package of a distribution does."""
    for entry in entries:
        if entry.kind == "operating-system" and entry.name:
            return operating_system(entry.name, entry.version or None, entry.description)
    found = (system_of(purl) for entry in entries for purl in entry.purls)
    return next((os for os in found if os is not None), None)


def _is_incomplete(document: Document) -> bool:
    """What the document says of itself; of which parts its parts depend does not matter here."""
    if document.comment is not None:
        return any(line.startswith(SPDX_INCOMPLETE) for line in document.comment.splitlines())
    parts = (each for each in document.compositions or [] if each.assemblies or not each.dependencies)
    return any(each.aggregate.startswith("incomplete") for each in parts)


def _doubts(document: Document) -> Iterator[str]:
    for each in (document.metadata.properties if document.metadata else None) or []:
        if each.name == OWN_DOUBT and each.value:
            yield each.value
    creators = (document.creation_info.creators if document.creation_info else None) or []
    if document.comment and any(each.removeprefix("Tool: ").startswith(OWN_TOOL) for each in creators):
        lines = document.comment.splitlines()
        yield from (line for line in lines if line and not line.startswith(SPDX_INCOMPLETE))


def _decoded(content: bytes, what: str) -> Document:
    """The document, of either kind; raises Invalid for one in which other programs would find other packages."""
    try:
        keys = from_json(content, dict[str, msgspec.Raw]).keys()
        document = from_json(content, Document)
    except _UNREADABLE as cause:
        raise Invalid(f"{what} is not what it should be: {wrong(cause)}", "sbom.bad-document") from cause
    for odd in keys - _KEYS:
        if key := _FOLDED.get(folded(odd)):
            raise _odd(what, key, odd)
    try:
        json.loads(content, object_pairs_hook=lambda pairs: _unambiguous(pairs, what))
    except (ValueError, RecursionError) as cause:
        raise Invalid(f"{what} is not what it should be: {wrong(cause)}", "sbom.bad-document") from cause
    if document.bom_format is not None and document.spdx_version is not None:
        raise Invalid(f"{what} is CycloneDX and SPDX at once; make two files of it", "sbom.ambiguous")
    return document


def _unambiguous(pairs: list[tuple[str, object]], what: str) -> None:
    """Raises Invalid for an object of which programs would read different packages; nothing is kept of it."""
    seen = set[str]()
    for key, _ in pairs:
        decides = key if key in _DECIDING else _DECIDING_FOLDED.get(folded(key))
        if decides is None:
            continue
        if decides != key:
            raise _odd(what, decides, key)
        if key in seen:
            raise Invalid(
                f"{what} gives {key!r} twice in one object; which counts depends on who reads", "sbom.ambiguous"
            )
        seen.add(key)


def _odd(what: str, key: str, odd: str) -> Invalid:
    sentence = f"{what} writes {key!r} as {odd!a}, which some programs read and others do not"
    return Invalid(sentence, "sbom.ambiguous")


def unread(what: str, kind: str) -> Invalid:
    """That a document is of another kind."""
    sentence = f"{what} is {kind[:50]}; what is read is CycloneDX 1.2 to 1.7, SPDX 2.2 and 2.3, in JSON"
    return Invalid(sentence, "sbom.unknown-kind")


def _components(components: list[Component], about: Component | None, what: str) -> Iterator[Entry]:
    """All components, those inside others too; at last of the first level what the document is about."""
    level = [*components, *([about] if about else [])]
    for _ in range(_MAX_DEPTH):
        yield from (_cyclonedx(each, is_subject=each is about) for each in level)
        level = [inner for component in level for inner in component.components or []]
        if not level:
            return
    raise Invalid(f"the components of {what} are nested too deeply", "sbom.nesting")


def _cyclonedx(component: Component, *, is_subject: bool) -> Entry:
    properties = {each.name: each.value for each in component.properties or [] if each.value}
    name = next((properties[key] for key in _NAMES if properties.get(key)), None)
    occurrences = (component.evidence.occurrences if component.evidence else None) or []
    return Entry(
        name=component.name,
        version=component.version or "",
        kind=component.type,
        purls=(component.purl,) if component.purl else (),
        source=(name, properties.get(_OWN_VERSION) or _trivys(properties)) if name else None,
        licenses=tuple(word for choice in component.licenses or [] if (word := _license(choice))),
        locations=tuple(each.location for each in occurrences if each.location),
        description=component.description,
        group=component.group or "",
        scope=component.scope or "",
        refers=_bills(component.references),
        external=component.external or False,
        is_subject=is_subject,
    )


def _trivys(properties: dict[str, str]) -> str:
    epoch, version, release = (properties.get(key, "") for key in _VERSION)
    prefix = f"{epoch}:" if epoch not in ("", "0") else ""
    return f"{prefix}{version}{f'-{release}' if release else ''}" if version else ""


def _license(choice: Choice) -> str | None:
    named = choice.license
    return choice.expression or (named.id or named.name if named else None)


def _subjects(document: Document) -> frozenset[str]:
    """By its identity the one package that a document in SPDX is about; some describe all that they name."""
    try:
        named = set(from_json(document.document_describes, list[str] | None) or ())  # type: ignore[arg-type]
        relationships = related(document.relationships)
    except _UNREADABLE:
        return frozenset()
    named |= {each.other for each in relationships if each.kind == "DESCRIBES"}
    return frozenset(named) if len(named) == 1 else frozenset()


def related(relationships: msgspec.Raw) -> list[Relationship]:
    """What a document in SPDX says of two things each; raises what msgspec does."""
    return from_json(relationships, list[Relationship] | None) or []  # type: ignore[arg-type]


def _spdx(package: SpdxPackage, subjects: frozenset[str]) -> Entry:
    # SPDX 2.2 also writes the type as an address that ends in its name.
    references = (each for each in package.external_refs or [] if each.reference_type.lower().endswith("purl"))
    purls = (reference.reference_locator for reference in references if reference.reference_locator)
    declared = package.license_declared or "NOASSERTION"
    built = _BUILT_FROM.search(package.source_info or "")
    return Entry(
        name=package.name,
        identity=package.identity,
        version=package.version_info or "",
        kind=(package.primary_package_purpose or "").lower(),
        purls=tuple(dict.fromkeys(purls)),
        source=(built.group(1), built.group(2) or "") if built else None,
        licenses=() if declared in _SILENT else (declared,),
        is_subject=bool(package.identity) and package.identity in subjects,
    )


def _package(purl: str, entry: Entry, os: OperatingSystem | None) -> Package:
    return package_of(
        purl,
        os,
        version=entry.version,
        spelled=f"{entry.group}/{entry.name}" if entry.group else entry.name,
        source=entry.source,
        licenses=entry.licenses,
        locations=entry.locations,
    )
