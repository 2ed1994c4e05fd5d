"""CycloneDX VEX: the ``vulnerabilities`` of a bill of materials (CycloneDX 1.4 and later)."""

from urllib.parse import unquote

import msgspec
from msgspec import Struct

from hullguard.imagescan.suppress import images, purl
from hullguard.imagescan.suppress.rule import Product, Rule
from hullguard.model.report import SuppressedBy

_SUPPRESSING = frozenset({"not_affected", "false_positive", "resolved", "resolved_with_pedigree"})
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


class _Affects(Struct, frozen=True):
    ref: str = ""


class _Vulnerability(Struct, frozen=True):
    id: str = ""
    analysis: _Analysis | None = None
    affects: list[_Affects] = []


class _Document(Struct, frozen=True):
    vulnerabilities: list[_Vulnerability] = []
    components: list[_Component] = []
    metadata: _Metadata | None = None


def read(content: bytes, name: str) -> tuple[list[Rule], int]:
    """The analyses as rules, and how many name nothing comparable."""
    document = msgspec.json.decode(content, type=_Document)
    known: dict[str, str] = {}
    main = document.metadata.component if document.metadata else None
    _collect([*document.components, *([main] if main else [])], known, 0)
    issued = document.metadata.timestamp if document.metadata else ""
    rules: list[Rule] = []
    skipped = 0
    for number, said in enumerate(document.vulnerabilities, 1):
        if said.analysis is None:
            continue
        found = (_product(one.ref, known) for one in said.affects)
        products = tuple(product for product in found if product is not None)
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
                suppresses=said.analysis.state in _SUPPRESSING,
                products=products,
                at=said.analysis.last_updated or issued,
            )
        )
    return rules, skipped


def _collect(components: list[_Component], known: dict[str, str], depth: int) -> None:
    for component in components:
        if component.ref and component.purl:
            known[component.ref] = component.purl
        if depth < _MAX_DEPTH:
            _collect(component.components, known, depth + 1)


def _product(ref: str, known: dict[str, str]) -> Product | None:
    """A reference is a component of this document, of another one (``urn:cdx:…#ref``), or itself a package URL."""
    if ref.startswith("urn:cdx:"):
        ref = unquote(ref.partition("#")[2])
    package = purl.read(known.get(ref, ref))
    if package is None:
        return None
    return Product(None, package) if package.type in images.TYPES else Product(package)
