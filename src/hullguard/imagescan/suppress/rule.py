"""One thing that was said about findings, and whether it is about this one."""

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime

from msgspec import Struct

from hullguard.imagescan.suppress.images import is_image
from hullguard.imagescan.suppress.purl import Purl, read
from hullguard.model.exception import is_meant
from hullguard.model.image import Target
from hullguard.model.pattern import shell_pattern
from hullguard.model.report import ReportedPackage, SuppressedBy, Vulnerability

_SOURCE_ARCHES = ("source", "src")


class Product(Struct, frozen=True):
    """A package, and the image that it must be in."""

    package: Purl | None
    image: Purl | None = None
    holder: Purl | None = None
    """A package of which it is a part, and which must be there as well."""

    @property
    def is_any_version(self) -> bool:
        """Whether it leaves open which version is meant, which "fixed" cannot."""
        return all(one is None or one.version is None for one in (self.package, self.image))


class Rule(Struct, frozen=True):
    """``ids`` of vulnerabilities do not count, or do after all, for these products."""

    by: SuppressedBy
    ids: frozenset[str]
    reason: str
    where: str
    """The file and the line or statement in it."""
    suppresses: bool = True
    products: tuple[Product, ...] = ()
    """Any of them; where there is none, every package."""
    package: str | None = None
    path: str | None = None
    until: date | None = None
    at: str = ""
    """When it was said, as ``instant`` writes it; of VEX statements the last one counts."""
    images: tuple[str, ...] = ()
    """Shell patterns on the image's names; with ``image_ids``, either will do."""
    image_ids: frozenset[str] = frozenset()
    source: str = ""
    """In the platform: the id of what it is from."""

    def expired(self, today: date) -> bool:
        """``until`` is the last day on which it counts."""
        return self.until is not None and self.until < today


class Statements(Struct, frozen=True):
    """What a VEX document says."""

    rules: list[Rule]
    nameless: int = 0
    """Statements that name nothing comparable."""
    unjustified: tuple[int, ...] = ()
    """Which statements say that something is not affected without the reason that their format requires."""


class Found(Struct, frozen=True):
    """A finding with what a rule may ask of it."""

    purls: tuple[Purl, ...]
    packages: frozenset[str]
    locations: tuple[str, ...]


def instant(said: str) -> str:
    """A time as documents write it (RFC 3339), so that texts compare as the times do; empty when it is none."""
    try:
        read_as = datetime.fromisoformat(said.strip().upper())
    except ValueError:
        return ""
    if read_as.tzinfo is None:
        read_as = read_as.replace(tzinfo=UTC)
    try:
        return read_as.astimezone(UTC).isoformat(timespec="microseconds")
    except OverflowError:
        return ""


def names_of(one: Vulnerability) -> frozenset[str]:
    """The ids under which a rule may speak of it, as ``folded`` writes them."""
    return frozenset(map(folded, (one.id, one.advisory, *one.aliases)))


def folded(identity: str) -> str:
    """An id as it is compared: people write ``cve-2024-1`` and ``GHSA-ABCD``, and mean no other ones."""
    return identity.strip().upper()


def found(one: Vulnerability, packages: Sequence[ReportedPackage]) -> Found:
    """``packages`` are the reported packages with the finding's purl."""
    own = read(one.package)
    purls = [] if own is None else [own]
    names = set() if own is None else {own.name}
    for package in packages:
        names |= {package.name} | ({package.source_name} if package.source_name else set())
        if own is not None and package.source_name:
            purls += _sources(own, package)
    locations = tuple(place for package in packages for place in package.locations)
    return Found(tuple(purls), frozenset(names), locations)


def _sources(own: Purl, package: ReportedPackage) -> list[Purl]:
    """The source package, which VEX documents of distributions speak of."""
    version = package.source_version or package.version
    others = tuple(pair for pair in own.qualifiers if pair[0] != "arch")
    arches = [*_SOURCE_ARCHES, dict(own.qualifiers).get("arch", "")]
    return [
        Purl(own.type, own.namespace, package.source_name or "", version, tuple(sorted((*others, ("arch", arch)))))
        for arch in arches
    ]


def concerns(rule: Rule, one: Found, target: Target, everything: Callable[[], Sequence[Purl]]) -> bool:
    """Whether the rule is about this finding in this image; ``everything`` tells what it holds."""
    if not is_meant(rule.images, rule.image_ids, target.image_id, target.tags):
        return False
    if rule.package is not None and rule.package not in one.packages:
        return False
    if rule.path is not None and not _everywhere(rule.path, one.locations):
        return False
    return not rule.products or any(_is_product(product, one, target, everything) for product in rule.products)


def _everywhere(pattern: str, locations: tuple[str, ...]) -> bool:
    """A package that also lies elsewhere is not ignored."""
    wanted = shell_pattern(pattern.lstrip("/"))
    return bool(locations) and all(wanted.match(place.lstrip("/")) for place in locations)


def _is_product(product: Product, one: Found, target: Target, everything: Callable[[], Sequence[Purl]]) -> bool:
    if product.image is not None and not is_image(product.image, target):
        return False
    if product.holder is not None and not any(product.holder.covers(purl) for purl in everything()):
        return False
    return product.package is None or any(product.package.covers(purl) for purl in one.purls)
