"""A package URL as a package: the way back from what other programs wrote into a bill of materials."""

import re
from collections.abc import Mapping

from packageurl import PackageURL

from hullguard.inventory.analyzers.language import ECOSYSTEMS, NAMESPACED
from hullguard.inventory.distributions import CODENAMES, Distribution, distribution, release_of
from hullguard.model.errors import Invalid
from hullguard.model.image import OperatingSystem
from hullguard.model.package import OS_TYPES, Package, PackageType

_MAX_LENGTH = 4096
_RELEASE = re.compile(r"(?:(.*?)-)?(v?\d[^-]*(?:-LTS(?:-SP\d+)?|-SP\d)?|edge)")
_MARK = re.compile(r"^(?:go|[vV=])(?=\d)")
_NAME_AND_RELEASE = re.compile(r"(\D+?) (v?\d.*)")
_RELATIVES = {
    "redhat": "rhel", "amazon": "amzn", "oracle": "ol", "alma": "almalinux", "suse": "sles", "cbl-mariner": "mariner",
    "suse.linux-enterprise-server": "sles", "opensuse.leap": "opensuse-leap",
    "opensuse.tumbleweed": "opensuse-tumbleweed",
    "rockylinux": "rocky", "oraclelinux": "ol", "amazonlinux": "amzn", "archlinux": "arch",
    "debian-gnu/linux": "debian", "alpine-linux": "alpine", "red-hat-enterprise-linux": "rhel",
    "red-hat-enterprise-linux-server": "rhel", "rocky-linux": "rocky", "centos-linux": "centos",
    "centos-stream": "centos", "fedora-linux": "fedora", "amazon-linux": "amzn", "oracle-linux": "ol",
    "oracle-linux-server": "ol", "arch-linux": "arch", "suse-linux-enterprise-server": "sles",
    "opensuse-leap": "opensuse-leap", "opensuse-tumbleweed": "opensuse-tumbleweed", "photon-os": "photon",
    "vmware-photon-os": "photon", "azure-linux": "azurelinux", "microsoft-azure-linux": "azurelinux",
}  # fmt: skip
"""Namespaces, names as Trivy writes them, and the NAME of os-release files, which are not the distribution's ID; a
hyphen stands for a blank."""


def _identity(name: str) -> str:
    return _RELATIVES.get(name.lower().replace(" ", "-"), name.lower())


def package_of(
    text: str,
    os: OperatingSystem | None = None,
    *,
    version: str = "",
    spelled: str = "",
    source: tuple[str, str] | None = None,
    licenses: tuple[str, ...] = (),
    locations: tuple[str, ...] = (),
) -> Package:
    """The package that a purl names; raises Invalid with the reason when it names none that can be matched.

    ``os`` counts for a package of a distribution that does not say which, ``source`` when the purl has no ``upstream``,
    ``version`` when it has none. ``spelled`` is how its name is written beside the purl: those of Go's modules and npm
    are in small letters (purl-spec, the types' rules), advisories speak of ``Haraka``.
    """
    purl = _parsed(text)
    if not purl.version and version:
        purl = purl._replace(version=version)
    kind = _kind(purl)
    qualifiers = purl.qualifiers
    version = _with_epoch(purl.version or "", qualifiers)
    ecosystem = ECOSYSTEMS.get(kind, "")
    if kind in OS_TYPES:
        found = _distribution(purl.namespace or "", _distro(qualifiers), os)
        ecosystem = found.ecosystem if found and found.uses(kind) else ""
        source = _upstream(kind, qualifiers, version) or source or (purl.name, version)
    separator = NAMESPACED.get(kind)
    if kind is PackageType.GOLANG and not purl.namespace and purl.name in ("std", "stdlib"):
        # As advisories call it, by the number of its version.
        version, spelled = version.removeprefix("go").removeprefix("v"), ""
        purl = purl._replace(name="stdlib", version=version)
    name = f"{purl.namespace}{separator}{purl.name}" if purl.namespace and separator else purl.name
    module = qualifiers.get("rpmmod", "").split(":")
    return Package(
        purl=purl.to_string(),
        type=kind,
        name=spelled if spelled.lower() == name.lower() else name,
        version=version,
        ecosystem=ecosystem,
        source_name=source[0] if source else None,
        source_version=(source[1] or version) if source else None,
        arch=qualifiers.get("arch"),
        locations=locations,
        licenses=licenses,
        module=":".join(module[:2]) if len(module) > 1 else None,
    )


def is_another(version: str, package: Package) -> bool:
    """Whether a version that is given beside a purl is not the purl's; what tools write in two ways is one."""
    given, judged = version.strip(), package.version
    if package.type not in OS_TYPES:
        given, judged = _MARK.sub("", given), _MARK.sub("", judged)
    elif (":" in given) != (":" in judged):  # some write no epoch, or as a qualifier
        given, judged = given.rpartition(":")[2], judged.rpartition(":")[2]
    return bool(given) and given != judged


def system_of(text: str) -> OperatingSystem | None:
    """The distribution that a purl names with its release."""
    try:
        purl = _parsed(text)
        kind = _kind(purl)
    except Invalid:
        return None
    qualifiers = purl.qualifiers
    distro = _distro(qualifiers) if kind in OS_TYPES else ""
    fits = _RELEASE.fullmatch(distro)
    if fits is None:
        found = _by_codename(purl.namespace or "", distro) if distro else None
        return operating_system(found.id, found.release) if found and found.release else None
    name = fits.group(1) or purl.namespace or ""
    return operating_system(name, fits.group(2)) if name else None


def operating_system(name: str, release: str | None, words: str | None = None) -> OperatingSystem:
    """A distribution by any of its names, and its release in any of its spellings, with the end of its support."""
    if not release and (whole := _NAME_AND_RELEASE.fullmatch(name)) and _identity(whole[1]) != whole[1].lower():
        name, release = whole[1], whole[2]  # PRETTY_NAME
    identity = _identity(name)
    release = release_of(identity, release) if release else release
    os = OperatingSystem(identity, release, words)
    return OperatingSystem(identity, release, words, distribution(os).end_of_life)


class OfOtherKind(Invalid):
    """A purl of packages of which no advisories speak."""


def _parsed(text: str) -> PackageURL:
    if len(text) > _MAX_LENGTH:
        raise Invalid(f"its purl has more than {_MAX_LENGTH} characters")
    if text[:4].lower() == "pkg:":
        text = f"pkg:{text[4:]}"  # a scheme has no case (RFC 3986, section 3.1)
    try:
        return PackageURL.from_string(text)
    except ValueError as cause:
        raise Invalid(f"{text[:200]!r} is no purl") from cause


def _kind(purl: PackageURL) -> PackageType:
    try:
        kind = PackageType(purl.type)
    except ValueError as cause:
        raise OfOtherKind(f"packages of the type {purl.type!r} are not known here") from cause
    if not purl.version:
        raise Invalid("its purl has no version")
    return kind


def _distribution(namespace: str, distro: str, os: OperatingSystem | None) -> Distribution | None:
    fits = _RELEASE.fullmatch(distro)
    if fits is not None:
        named = operating_system(fits.group(1) or namespace, fits.group(2))
        # The document may say of its system more than an id and a release.
        same = os is not None and (os.id, os.version_id) == (named.id, named.version_id)
        return distribution(os if os is not None and same else named)
    if distro and distro not in (namespace, os and os.id):  # which name no release
        return _by_codename(namespace, distro)
    if os is not None:
        return distribution(os)
    return distribution(OperatingSystem(namespace)) if namespace else None


def _by_codename(namespace: str, distro: str) -> Distribution:
    """``bookworm`` and ``debian-bookworm``; a name that is not known is a distribution of which no release is."""
    head, _, word = distro.lower().rpartition("-")
    name, release = CODENAMES.get(word, ("", ""))
    if name and {head, namespace} <= {name, ""}:
        return distribution(operating_system(name, release))
    return distribution(OperatingSystem(namespace or distro))


def _distro(qualifiers: Mapping[str, str]) -> str:
    """``ID-RELEASE``, which Docker Scout writes as several qualifiers."""
    release = qualifiers.get("os_version") or qualifiers.get("os_distro", "")
    name = qualifiers.get("os_name", "")
    return qualifiers.get("distro") or (f"{name}-{release}" if name and release else release)


def _upstream(kind: PackageType, qualifiers: Mapping[str, str], version: str) -> tuple[str, str] | None:
    """The source package: ``NAME[@VERSION]``, and for rpm the name of its file."""
    upstream = qualifiers.get("upstream", "")
    if kind is PackageType.RPM and upstream.endswith(".rpm"):
        stem = upstream.removesuffix(".rpm").removesuffix(".src").removesuffix(".nosrc")
        name, *rest = stem.rsplit("-", 2)
        epoch = f"{version.partition(':')[0]}:" if ":" in version else ""
        same = len(rest) == 2 and version.removeprefix(epoch).startswith(f"{rest[0]}-")
        return (name, (epoch if same else "") + "-".join(rest)) if len(rest) == 2 else None
    name, _, release = upstream.partition("@")
    return (name, release) if name else None


def _with_epoch(version: str, qualifiers: Mapping[str, str]) -> str:
    epoch = qualifiers.get("epoch", "")
    return f"{epoch}:{version}" if epoch.isdecimal() and epoch != "0" and ":" not in version else version
