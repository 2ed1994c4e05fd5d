"""CycloneDX VEX: the ``vulnerabilities`` of a bill of materials (CycloneDX 1.4 and later)."""

from urllib.parse import unquote

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from hullguard.imagescan.suppress import images, purl
from hullguard.imagescan.suppress.rule import Product, Rule, Statements, instant
from hullguard.model.decoding import from_json
from hullguard.model.report import SuppressedBy

_SUPPRESSING = frozenset({"not_affected", "false_positive", "resolved", "resolved_with_pedigree"})
_FIXED = frozenset({"resolved", "resolved_with_pedigree"})
_MAX_DEPTH = 50


class _Component(Struct, frozen=True, rename={"ref": "bom-ref"}):
    ref: str = ""
    purl: str = ""
    components: "list[_Component]" = []


class _Metadata(Struct, frozen=True):
    component: _Component | None = None
    timestamp: str = ""


class _Analysis(Struct, frozen=True, rename="camel"):
    state: str = ""
    justification: str = ""
    detail: str = ""
    last_updated: str = ""


class _Version(Struct, frozen=True):
    version: str = ""


class _Affects(Struct, frozen=True):
    ref: str = ""
    versions: list[_Version] = []
    """Those that the analysis is about, where it is not about the one that the reference names; or ranges of them."""


class _Vulnerability(Struct, frozen=True):
    id: str = ""
    analysis: _Analysis | None = None
    affects: list[_Affects] = []


class _Document(Struct, frozen=True):
    vulnerabilities: list[_Vulnerability] = []
    components: list[_Component] = []
    serial_number: str = msgspec.field(default="", name="serialNumber")
    metadata: _Metadata | None = None


def read(content: bytes, name: str) -> Statements:
    """The analyses as rules."""
    document = from_json(content, _Document)
    known: dict[str, str] = {}
    main = document.metadata.component if document.metadata else None
    _collect([*document.components, *([main] if main else [])], known, 0)
    issued = document.metadata.timestamp if document.metadata else ""
    own = f"urn:cdx:{document.serial_number.removeprefix('urn:uuid:')}/" if document.serial_number else None
    rules: list[Rule] = []
    skipped = 0
    for number, said in enumerate(document.vulnerabilities, 1):
        if said.analysis is None:
            continue
        suppresses = said.analysis.state in _SUPPRESSING
        found = (product for one in said.affects for product in _products(one, known, own, suppresses))
        fixes = said.analysis.state in _FIXED
        products = tuple(product for product in found if not (fixes and product.is_any_version))
        if not products or not said.id:
            skipped += 1
            continue
        words = (said.analysis.justification, said.analysis.detail)
        reason = f"{said.analysis.state}: {'; '.join(filter(None, words)) or 'no justification given'} ({name})"
        rules.append(
            Rule(
                SuppressedBy.VEX,
                frozenset({said.id}),
                reason[:1000],
                f"{name}, vulnerability {number}",
                suppresses=suppresses,
                products=products,
                at=instant(said.analysis.last_updated or issued),
            )
        )
    return Statements(rules, skipped)


def _collect(components: list[_Component], known: dict[str, str], depth: int) -> None:
    for component in components:
        if component.ref and component.purl:
            known[component.ref] = component.purl
        if depth < _MAX_DEPTH:
            _collect(component.components, known, depth + 1)


def _products(said: _Affects, known: dict[str, str], own: str | None, suppresses: bool) -> list[Product]:
    """A reference is a component of this document, of another one (``urn:cdx:…#ref``), or itself a package URL.

    Where versions are named, what takes a warning back speaks of those alone; ranges of them are not compared.
    """
    ref = said.ref
    if ref.startswith("urn:cdx:"):
        here = own is not None and ref.startswith(own)
        ref = unquote(ref.partition("#")[2])
        package = purl.read(known.get(ref, ref) if here else ref)
    else:
        package = purl.read(known.get(ref, ref))
    if package is None:
        return []
    meant = [package]
    if suppresses and said.versions:
        exact = [one.version for one in said.versions if one.version]
        meant = [replace(package, version=one) for one in exact if package.version in (None, one)]
    return [Product(None, one) if one.type in images.TYPES else Product(one) for one in meant]
