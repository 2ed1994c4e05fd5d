"""Whether the distribution itself built an OS package: its advisories speak of those, and of no other.

A package that the distribution built stands for the language packages among its files, which are reported once. Of a
vendor's package nobody's advisories know what lies in it, so that is looked up by itself. The evidence is what the
package database says; where that shows nothing, or no advisories of the distribution are published at all, the package
counts as somebody else's (decision 0015).
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct
from msgspec.structs import replace

from hullguard.inventory.analyzers.analyzer import Claim, Context, Files, Findings
from hullguard.inventory.analyzers.ownable import metadata
from hullguard.inventory.distributions import Distribution
from hullguard.model.package import OS_TYPES, Package, PackageType, Unknown

# Packages that Ubuntu takes over from Debian unchanged keep their maintainers.
_MAINTAINERS = {
    "debian": ("debian.org", "debian.net"),
    "ubuntu": ("ubuntu.com", "canonical.com", "debian.org", "debian.net"),
    "alpine": ("alpinelinux.org",),
    "arch": ("archlinux.org",),
}
"""The domains of those who make packages for a distribution."""
_DOMAIN = re.compile(r"@([A-Za-z0-9.-]+)>?\s*$")
# Personal archives and vendors mark their builds of a distribution's package: 1.2-3~ppa1, 8.2.1+0~deb12+deb.sury.org+1.
_MARKED = re.compile(r"ppa\d|[a-z0-9-]\.(?:org|com|net|io)\b", re.IGNORECASE)

# Updates of a stable release (deb12u3), and what Debian's own machines built again (b1): many who maintain programs for
# Debian use addresses of their own (decision 0028).
_DEBIANS_OWN = re.compile(r"(?:[+~]deb\d+u\d+(?:\+b\d+)?|\+b\d+)\Z")

_VENDORS = {
    "almalinux": ("AlmaLinux",),
    "mageia": ("Mageia.Org",),
    "openeuler": ("http://openeuler.org", "openEuler"),
    "opensuse-leap": ("openSUSE", "SUSE"),
    "opensuse-leap-micro": ("openSUSE", "SUSE"),
    "opensuse-tumbleweed": ("openSUSE",),
    "photon": ("VMware",),
    "rhel": ("Red Hat, Inc.",),
    "rocky": ("Rocky",),
    **dict.fromkeys(("sle-micro", "sl-micro", "sled", "sles", "sles_sap"), ("SUSE",)),
    **dict.fromkeys(("azurelinux", "mariner"), ("Microsoft",)),
}
"""The beginnings of rpm's ``Vendor``."""
# Microsoft is the vendor of what it builds for other distributions, too.
_RELEASES = {"azurelinux": re.compile(r"\.azl\d"), "mariner": re.compile(r"\.cm\d")}

_REPOSITORIES = {
    "alpine": re.compile(r"\S+/(?:v\d+\.\d+|edge|latest-stable)/(?:main|community|testing)/?"),
    "alpaquita": re.compile(r"https?://packages\.bell-sw\.com/alpaquita/\S+"),
    "bellsoft-hardened-containers": re.compile(r"https?://packages\.bell-sw\.com/\S+"),
    **dict.fromkeys(("chainguard", "wolfi"), re.compile(r"https://(?:packages\.wolfi\.dev|(?:[a-z]+\.)?cgr\.dev)/\S+")),
}
"""Lines of apk's list of repositories; mirrors keep the paths below their own names."""
# Where packages of a distribution put files (FHS); Debian's and Alpine's leave /opt to the vendors, and all leave
# /usr/local and what the administrator made to him: a list that names those was not made by the distribution.
_FHS = re.compile(r"(?:usr/(?!local/)|s?bin/|lib(?:32|64|x32)?/|etc/|var/|boot/|opt/)")
_VENDORS_OWN = "opt/"
_COLLECTIONS = "opt/rh/"
_NAMED = 5
_PROGRAMS = {
    PackageType.DEB: "dpkg", PackageType.APK: "apk", PackageType.RPM: "rpm", PackageType.ALPM: "pacman",
    PackageType.OPKG: "opkg", PackageType.NIX: "Nix", PackageType.GUIX: "Guix",
    PackageType.EBUILD: "Portage", PackageType.XBPS: "xbps", PackageType.SLACKWARE: "pkgtools",
}  # fmt: skip


def maintained(distribution: Distribution | None, maintainer: str | None, version: str = "") -> bool:
    """By whom a package of dpkg or pacman says that it is made (``Name <address>``), or that its version tells."""
    # Some lists end with a comma, and firms have commas in their names.
    named_ones = [part for part in (maintainer or "").split(",") if part.strip()]
    domains = [_DOMAIN.search(part) for part in named_ones if "@" in part or part is named_ones[-1]]
    if distribution is None or not domains or marked(version):
        return False
    made_by = [f".{domain[1].lower()}" for domain in domains if domain is not None]
    if len(made_by) < len(domains):
        return False
    if distribution.id == "debian" and _DEBIANS_OWN.search(version):
        return True
    known = _MAINTAINERS.get(distribution.id, ())
    # Who adds himself to the distribution's maintainers may well have built it.
    return all(any(domain.endswith(f".{each}") for each in known) for domain in made_by)


def marked(version: str) -> bool:
    """Whether a version names a personal archive or a vendor."""
    return _MARKED.search(version) is not None


def from_origin(distribution: Distribution | None, origin: str | None) -> bool:
    """Whether dpkg's ``Origin`` does not name somebody else."""
    return not origin or (distribution is not None and origin.lower() == distribution.id)


def vended(distribution: Distribution | None, vendor: str | None, release: str) -> bool:
    """By whom an rpm package says that it is distributed."""
    if distribution is None or not vendor:
        return False
    tag = _RELEASES.get(distribution.id)
    known = vendor.startswith(vendors_of(distribution))
    return known and (tag is None or tag.search(release) is not None)


def vendors_of(distribution: Distribution | None) -> tuple[str, ...]:
    """The beginnings of the vendors in a distribution's own rpm packages, none where they are not known."""
    return _VENDORS.get(distribution.id, ()) if distribution is not None else ()


def fetched(distribution: Distribution | None, repositories: str) -> bool:
    """Whether every repository in apk's list is the distribution's, and there is one."""
    form = _REPOSITORIES.get(distribution.id) if distribution is not None else None
    lines = [line.split()[-1] for line in repositories.splitlines() if line.strip() and not line.startswith("#")]
    return form is not None and bool(lines) and all(map(form.fullmatch, lines))


def foreign(distribution: Distribution | None, packages: Iterable[Package]) -> Iterator[Unknown]:
    """Says of OS packages that the distribution does not use their manager, and so that nobody judges them."""
    if distribution is None:
        return
    kinds = Counter(one.type for one in packages if one.type in OS_TYPES and not distribution.uses(one.type))
    for kind, count in sorted(kinds.items()):
        why = f"{distribution.id} does not use this package manager, so its advisories do not speak of them"
        yield Unknown(f"{count} packages of {_PROGRAMS[kind]}", why)


class Owner(Struct):
    """An OS package as far as it speaks for files."""

    name: str
    own: bool
    """Whether the distribution built it."""
    layer: int
    """The number of the layer that brought it in."""
    other: bool = False
    """Whether it shows that somebody else built it (``third_party``); of many neither is shown."""
    paths: set[str] = set()
    """The real paths that it lists, links followed to their ends."""
    sums: dict[str, str] = {}
    """Those of its own files, with their checksums (``fingerprint.checksum``)."""

    def with_files(self, files: Files, listed: Mapping[str, str | None]) -> "Owner":
        """The same package with what it lists, by name with the checksum; None for what is no file that it brought.

        Where a link stands now the package owns that, and not what it leads to, which lists of its own name.
        """
        directories: dict[str, str | None] = {}
        paths, sums = set[str](), dict[str, str]()
        for path, checksum in listed.items():
            directory, _, base = path.rpartition("/")
            if directory not in directories:
                directories[directory] = files.real(directory)
            if (above := directories[directory]) is None or (real := files.real(path)) is None:
                continue
            paths.add(real)
            if checksum is not None and real == (f"{above}/{base}" if above else base):
                sums[real] = checksum
        return replace(self, paths=paths, sums=sums)


def take(findings: Findings, distribution: Distribution | None, owners: Iterable[Owner], *, fhs: bool) -> None:
    """Notes what packages list and which of it the distribution's own, and which others own something.

    ``fhs`` says that the distribution's packages leave /opt alone.
    """
    # That nobody knows of a distribution's packages is said elsewhere.
    published = distribution is not None and distribution.ecosystem != ""
    for owner in owners:
        speaks = owner.own and published
        kept = {path for path in owner.sums if speaks and _placed(path, fhs=fhs)}
        for path in kept:
            claim = Claim(owner.layer, frozenset((owner.sums[path],)))
            findings.owned[path] = claim.joined(findings.owned.get(path))
        findings.listed.append((owner.name, owner.paths))
        apart = [path for path in owner.sums if path not in kept]
        if published:
            findings.unshown.update(dict.fromkeys(apart, owner.name))
            findings.apart.update([owner.name] if any(map(metadata, apart)) else [])


def looked_up(context: Context) -> Iterator[Unknown]:
    """Says which OS packages do not stand for what is named beside them, when all analyzers are through.

    Nothing else tells why an image has Debian's libc-ares2 and c-ares.
    """
    places = (
        place.partition("!/")[0] for one in context.packages if one.type not in OS_TYPES for place in one.locations
    )
    others = {context.unshown.get(context.reals.get(place, place), "") for place in places} - {""} | context.apart
    if not others or context.distribution is None:
        return
    why = (
        f"nothing shows that {context.distribution.id} built them, and its advisories may not speak of them: "
        "programs and packages of languages among their files were looked up by themselves"
    )
    yield Unknown(named(others), why)


def named(others: set[str]) -> str:
    """How many OS packages, and the names of the first."""
    names = ", ".join(sorted(others)[:_NAMED]) + (", …" if len(others) > _NAMED else "")
    return f"{len(others)} OS packages ({names})"[:500]


def packaged(path: str) -> bool:
    """Whether some distribution's packages may put a file there; what is in /opt but for collections is a vendor's."""
    return _FHS.match(path) is not None and (not path.startswith(_VENDORS_OWN) or path.startswith(_COLLECTIONS))


def _placed(path: str, *, fhs: bool) -> bool:
    """Whether packages of a distribution put files there."""
    return _FHS.match(path) is not None and not (fhs and path.startswith(_VENDORS_OWN))
