"""Bills of materials in an image: what else shows is named by that; they add what nothing else does (decision 0039).

Places: those of Cloud Native Buildpacks (``layers/sbom``), apko (``var/lib/db/sbom``), Docker Hardened Images
(``opt/docker/sbom``), Spring Boot and Quarkus (``META-INF``), wheels (``sboms``, PEP 770), and usual names anywhere.
"""

import re
import zlib
from collections.abc import Iterator, Sequence
from urllib.parse import unquote

from msgspec import Struct
from msgspec.structs import replace

from hullguard.inventory import bounds
from hullguard.inventory.analyzers.analyzer import Bill, Context, Files, Findings, Stated
from hullguard.inventory.analyzers.language import Doubt, LargeFileAnalyzer
from hullguard.inventory.analyzers.zip_archive import BadMember, Member, TooLong, WrongChecksum, ZipArchive
from hullguard.inventory.content.secrets.redaction import quoted
from hullguard.inventory.distributions import Distribution
from hullguard.inventory.limits import Budget, Limits
from hullguard.inventory.paths import normal
from hullguard.inventory.random_access import RandomAccess
from hullguard.model.package import OS_TYPES, Package, PackageType

_APKO = "var/lib/db/sbom/"
_USUAL = (".cdx.json", ".spdx.json", ".cdx.xml", ".spdx.xml", ".cdx", ".spdx")
_MARKS = (b"CycloneDX", b"spdxVersion", b"spdx.org/rdf", b"cyclonedx.org/schema/bom")
"""One of these stands in every bill; files that are called ``bom.json`` may be something else."""
_ADDRESS = 200
"""Characters of an address in a sentence."""
_PACKED, _GZIP = b".cdx.json.gz", 16
"""The latter asks zlib for gzip's header."""


class BillsAnalyzer(LargeFileAnalyzer):
    """Comes behind all that name packages. Homebrew's and Bitnami's bills have readers of their own.

    Below ``node_modules`` each package is shown by itself, and a bill there is what its maker built with.
    """

    name, version = "bills", 6
    paths = (
        r"(?!.*/Cellar/|opt/bitnami/|(?:.*/)?node_modules/)"
        r"(?:(?:.*/)?(?!\.spdx-)[^/]+\.(?:cdx|spdx)(?:\.json|\.xml)?|(?:.*/)?s?bom\.(?:json|xml)"
        r"|opt/docker/sbom/.+\.json|(?:.*/)?(?:share/sboms?|META-INF/sbom|[^/]+\.dist-info/sboms)/[^/]+\.json)"
    )
    ownable = False
    form = "bill of materials"

    def pieces(self, path: str, content: RandomAccess, budget: Budget | None = None) -> Iterator[Doubt | Bill]:
        from hullguard.inventory.bills.within import in_another_form, read

        whole = content[: bounds.BILL_BYTES + 1]
        if not path.endswith(_USUAL) and not any(mark in whole for mark in _MARKS):
            return
        if (doubt := in_another_form(path, whole)) is not None:
            yield doubt
        elif not path.endswith(".xml"):
            yield from read(whole, budget or Budget(Limits()), of_os_package=path.startswith(_APKO))

    def analyze(self, files: Files, context: Context) -> Findings:
        findings = super().analyze(files, context)
        if context.bills:
            _join(findings, context)
        return findings


def is_bill(member: bytes) -> bool:
    """Whether a member of a Java archive is a bill by its name: Quarkus has it in ``META-INF``, and packs it."""
    return member.startswith(b"META-INF/") and (
        member.endswith((b".cdx.json", _PACKED)) or (member.startswith(b"META-INF/sbom/") and member.endswith(b".json"))
    )


def in_archive(
    archive: ZipArchive, member: Member, inner: Sequence[str], budget: Budget, number: int
) -> Iterator[Bill | Doubt]:
    """The bill that a member of a Java archive is, if it is not one of too many."""
    from hullguard.inventory.bills.within import read

    if number > bounds.BILLS_OF_AN_ARCHIVE:
        if number == bounds.BILLS_OF_AN_ARCHIVE + 1:
            why = f"has more than {bounds.BILLS_OF_AN_ARCHIVE} bills of materials; the others were not read"
            yield Doubt(why, incomplete=True)
        return
    place, content = "!/".join(inner), bytearray()
    try:
        for piece in archive.unpacked(member, bounds.BILL_BYTES):
            content += piece
    except WrongChecksum as why:
        yield Doubt(f"{why}; read nevertheless", place)
    except BadMember as why:
        yield Doubt(f"{why}; not read", place, incomplete=isinstance(why, TooLong))
        return
    if member.name.endswith(_PACKED):
        yield from unzipped(bytes(content), budget, inner=place)
    else:
        yield from read(bytes(content), budget, inner=place)


def unzipped(packed: bytes, budget: Budget, *, inner: str = "") -> Iterator[Bill | Doubt]:
    """The bill that lies packed by gzip in something else."""
    from hullguard.inventory.bills.within import read

    decoder = zlib.decompressobj(zlib.MAX_WBITS | _GZIP)
    try:
        content = decoder.decompress(packed, bounds.BILL_BYTES + 1)  # one that is longer is refused by who reads it
    except zlib.error:
        yield Doubt("a bill of materials that cannot be unpacked", inner)
        return
    budget.spend_unpacked(len(content))
    if not decoder.eof and len(content) <= bounds.BILL_BYTES:
        yield Doubt("a bill of materials that is cut off", inner)
        return
    yield from read(content, budget, inner=inner)


class _Shown(Struct):
    """What the image shows without its bills."""

    packages: set[tuple[PackageType, str, str]]
    managers: set[PackageType]
    """The kinds of OS packages of which it has a database."""
    distribution: Distribution | None


def _join(findings: Findings, context: Context) -> None:
    """Adds what bills alone name, and says of each bill that it does; what counts for nothing is said once."""
    shown = _shown(context)
    apart: dict[str, tuple[int, str]] = {}
    for stated in context.bills:
        added = 0
        for package in stated.bill.packages:
            key = _key(package.type, package.name, package.version)
            if key in shown.packages:
                continue
            if (why := _not_of_image(package, shown)) is not None:
                _count(apart, why, 1, f"{package.name} {package.version}", stated.place)
            elif findings.has_room():
                shown.packages.add(key)
                added += 1
                one = replace(package, layer=stated.layer, locations=(stated.place,), by_bill=True)
                findings.packages.append(one)
        for why, (count, first) in stated.bill.apart.items():
            _count(apart, why, count, first, stated.place)
        if added:
            why = (
                f"{added} packages are named by this bill of materials alone: nothing else in the image shows them, "
                "and it may be older than the image, or speak of something else"
            )
            findings.say(stated.place, why)
    _tell_unread(findings, context.bills)
    for why, (count, first) in apart.items():
        findings.say(f"{count} components of bills of materials, {first} the first of them", why)


def _tell_unread(findings: Findings, bills: Sequence[Stated]) -> None:
    """Says to which others bills refer that the image does not have, or that are not read."""
    places = {stated.place for stated in bills}
    identities = {_identity(stated.bill.identity) for stated in bills} - {""}
    for stated in bills:
        unread = [each for each in stated.bill.refers if not _is_read(each, stated.place, places, identities)]
        if count := len(unread) + stated.bill.further:
            first = quoted(unread[0] if unread else "", _ADDRESS)
            why = (
                f"refers to {count} other bills of materials, {first!a} the first of them; what they name was not read"
            )
            findings.say(stated.place, why)


def _is_read(address: str, referring: str, places: set[str], identities: set[str]) -> bool:
    """Whether what a bill refers to is among those that were read: by a serial number (BOM-Link), a name or a place."""
    if _identity(address) in identities:
        return True
    path = unquote(address.partition("#")[0].removeprefix("file://"))
    place = normal(path if path.startswith("/") else f"{referring.rpartition('/')[0]}/{path}")
    return place in places


def _identity(address: str) -> str:
    """A serial number without the document's version and what is named inside of it; any other as it is."""
    if address.startswith(("urn:cdx:", "urn:uuid:")):
        return re.split("[/#]", address[4:].partition(":")[2], maxsplit=1)[0].lower()
    return address.partition("#")[0]


def _count(apart: dict[str, tuple[int, str]], why: str, count: int, name: str, place: str) -> None:
    before, first = apart.get(why, (0, ""))
    apart[why] = before + count, first or f"{name} in {place}"


def _shown(context: Context) -> _Shown:
    packages = {_key(one.type, one.name, one.version) for one in context.packages}
    for reader, file in context.brought:
        packages |= {_key(*one) for one in reader.named(file.content)}
    managers = {one.type for one in context.packages if one.type in OS_TYPES}
    return _Shown(packages, managers, context.distribution)


def _key(kind: PackageType, name: str, version: str) -> tuple[PackageType, str, str]:
    """As the same package is written by different programs."""
    name = re.sub(r"[-_.]+", "-", name) if kind is PackageType.PYPI else name
    return kind, name.lower(), version.removeprefix("v") if kind is PackageType.GOLANG else version


def _not_of_image(package: Package, shown: _Shown) -> str | None:
    """Why an OS package that a bill names is not taken for one of the image's."""
    if package.type not in OS_TYPES:
        return None
    if package.type in shown.managers:
        return "the image's package database does not name this version, and it knows what is installed"
    here = shown.distribution
    if here is None or (package.ecosystem == here.ecosystem and here.ecosystem and here.uses(package.type)):
        return None
    return f"it is an OS package of another distribution or release than the image, which is {here.id}"
