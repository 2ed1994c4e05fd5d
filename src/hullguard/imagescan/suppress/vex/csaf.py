"""CSAF 2.0 documents of the profile VEX (OASIS CSAF 2.0, sections 3.2 and 4.5)."""

from collections.abc import Iterator

from msgspec import Struct

from hullguard.imagescan.suppress import images, purl
from hullguard.imagescan.suppress.rule import Product, Rule, Statements, instant
from hullguard.model.decoding import from_json
from hullguard.model.report import SuppressedBy

_MAX_DEPTH = 50


class _Helper(Struct, frozen=True):
    purl: str = ""


class _Product(Struct, frozen=True):
    product_id: str = ""
    product_identification_helper: _Helper | None = None


class _Branch(Struct, frozen=True):
    branches: "list[_Branch]" = []
    product: _Product | None = None


class _Relationship(Struct, frozen=True):
    full_product_name: _Product
    product_reference: str = ""
    relates_to_product_reference: str = ""


class _Tree(Struct, frozen=True):
    branches: list[_Branch] = []
    full_product_names: list[_Product] = []
    relationships: list[_Relationship] = []


class _Status(Struct, frozen=True):
    known_not_affected: list[str] = []
    fixed: list[str] = []
    known_affected: list[str] = []
    under_investigation: list[str] = []


class _Flag(Struct, frozen=True):
    label: str = ""
    product_ids: list[str] = []


class _Threat(Struct, frozen=True):
    category: str = ""
    details: str = ""
    product_ids: list[str] = []


class _Id(Struct, frozen=True):
    text: str = ""


class _Vulnerability(Struct, frozen=True):
    cve: str = ""
    ids: list[_Id] = []
    product_status: _Status | None = None
    flags: list[_Flag] = []
    threats: list[_Threat] = []


class _Tracking(Struct, frozen=True):
    current_release_date: str = ""


class _Head(Struct, frozen=True):
    tracking: _Tracking | None = None


class _Document(Struct, frozen=True):
    document: _Head
    product_tree: _Tree | None = None
    vulnerabilities: list[_Vulnerability] = []


def read(content: bytes, name: str) -> Statements:
    """The statuses of products as rules."""
    document = from_json(content, _Document)
    products = _products(document.product_tree or _Tree())
    at = document.document.tracking.current_release_date if document.document.tracking else ""
    rules: list[Rule] = []
    skipped = 0
    for said in document.vulnerabilities:
        ids = frozenset(filter(None, [said.cve, *(one.text for one in said.ids)]))
        why = _justifications(said)
        for status, product_id in _statuses(said.product_status or _Status()):
            product = products.get(product_id)
            if product is None or not ids or (status == "fixed" and product.is_any_version):
                skipped += 1
                continue
            reason = f"{status}: {why.get(product_id, 'no justification given')} ({name})"
            rules.append(
                Rule(
                    SuppressedBy.VEX,
                    ids,
                    reason[:1000],
                    f"{name}, {product_id}"[:300],
                    suppresses=status in ("not_affected", "fixed"),
                    products=(product,),
                    at=instant(at),
                )
            )
    return Statements(rules, skipped)


def _statuses(said: _Status) -> Iterator[tuple[str, str]]:
    yield from (("not_affected", one) for one in said.known_not_affected)
    yield from (("fixed", one) for one in said.fixed)
    yield from (("affected", one) for one in said.known_affected)
    yield from (("under_investigation", one) for one in said.under_investigation)


def _justifications(said: _Vulnerability) -> dict[str, str]:
    found = {one: flag.label for flag in said.flags for one in flag.product_ids}
    for threat in said.threats:
        if threat.category == "impact":
            for one in threat.product_ids:
                found[one] = "; ".join(filter(None, (found.get(one), threat.details)))
    return found


def _products(tree: _Tree) -> dict[str, Product]:
    """Product ids with what they are; one that a package URL does not tell is left out."""
    purls: dict[str, purl.Purl] = {}
    for product in (*tree.full_product_names, *_leaves(tree.branches, 0)):
        helper = product.product_identification_helper
        read = purl.read(helper.purl) if helper else None
        if read is not None:
            purls[product.product_id] = read
    found = {one: Product(None, read) if read.type in images.TYPES else Product(read) for one, read in purls.items()}
    for relation in tree.relationships:
        part, whole = purls.get(relation.product_reference), purls.get(relation.relates_to_product_reference)
        if part is None:
            continue
        # Of a platform that only its own name tells, a version's number must say which one is meant.
        if whole is not None and whole.type in images.TYPES:
            found[relation.full_product_name.product_id] = Product(part, whole)
        elif part.version is not None:
            found[relation.full_product_name.product_id] = Product(part)
    return found


def _leaves(branches: list[_Branch], depth: int) -> Iterator[_Product]:
    for branch in branches:
        if branch.product is not None:
            yield branch.product
        if depth < _MAX_DEPTH:
            yield from _leaves(branch.branches, depth + 1)
