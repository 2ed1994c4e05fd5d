"""OpenVEX (the OpenVEX specification 0.2.0); version 0.0 spelled vulnerabilities and products as plain texts."""

from msgspec import Struct

from hullguard.imagescan.suppress import images, purl
from hullguard.imagescan.suppress.rule import Product, Rule, Statements, instant
from hullguard.model.decoding import from_json
from hullguard.model.report import SuppressedBy

_SUPPRESSING = frozenset({"not_affected", "fixed"})


class _Vulnerability(Struct, frozen=True):
    name: str = ""
    aliases: list[str] = []


class _Component(Struct, frozen=True, rename={"id": "@id"}):
    id: str = ""
    identifiers: dict[str, str] = {}


class _Product(_Component, frozen=True):
    subcomponents: list[_Component | str] = []


class _Statement(Struct, frozen=True):
    vulnerability: _Vulnerability | str
    status: str
    products: list[_Product | str] = []
    justification: str = ""
    impact_statement: str = ""
    timestamp: str = ""
    last_updated: str = ""


class _Document(Struct, frozen=True):
    statements: list[_Statement]
    timestamp: str = ""
    last_updated: str = ""


def read(content: bytes, name: str) -> Statements:
    """The statements as rules.

    One of the status ``not_affected`` must have a justification or an impact statement (section "Statement Fields").
    """
    document = from_json(content, _Document)
    rules: list[Rule] = []
    skipped = 0
    unjustified: list[int] = []
    for number, said in enumerate(document.statements, 1):
        products = tuple(product for one in said.products for product in _products(one))
        if said.status == "fixed":
            products = tuple(product for product in products if not product.is_any_version)
        ids = _ids(said.vulnerability)
        if not products or not ids:
            skipped += 1
            continue
        at = said.last_updated or said.timestamp or document.last_updated or document.timestamp
        words = [text for each in (said.justification, said.impact_statement) if (text := each.strip())]
        if said.status == "not_affected" and not words:
            unjustified.append(number)
            continue
        reason = f"{said.status}: {'; '.join(words) or 'no justification given'} ({name})"
        rules.append(
            Rule(
                SuppressedBy.VEX,
                ids,
                reason[:1000],
                f"{name}, statement {number}",
                suppresses=said.status in _SUPPRESSING,
                products=products,
                at=instant(at),
            )
        )
    return Statements(rules, skipped, tuple(unjustified))


def _ids(said: _Vulnerability | str) -> frozenset[str]:
    names = [said] if isinstance(said, str) else [said.name, *said.aliases]
    return frozenset(filter(None, names))


def _products(said: _Product | str) -> list[Product]:
    whole = _purl(said)
    if whole is None:
        return []
    parts = [] if isinstance(said, str) else said.subcomponents
    if whole.type not in images.TYPES:
        # A part of a package is a package of its own here, beside the one that holds it.
        return [Product(whole)] if not parts else [Product(one, None, whole) for part in parts if (one := _purl(part))]
    if not parts:
        return [Product(None, whole)]
    return [Product(one, whole) for part in parts if (one := _purl(part))]


def _purl(said: _Component | str) -> purl.Purl | None:
    if isinstance(said, str):
        return purl.read(said)
    return purl.read(said.identifiers.get("purl", "")) or purl.read(said.id)
