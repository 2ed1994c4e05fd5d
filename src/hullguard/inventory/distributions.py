"""Linux distributions as advisories know them: OSV's ecosystem name, the purl's names, and the end of their support."""

import re
from collections.abc import Sequence
from datetime import date

from msgspec import Struct

from hullguard.inventory.end_of_life import END_OF_LIFE
from hullguard.model.image import OperatingSystem
from hullguard.model.package import PackageType


class Distribution(Struct, frozen=True):
    """A distribution at one release. ``ecosystem`` is empty when OSV has no name for it."""

    id: str
    release: str
    ecosystem: str
    end_of_life: date | None = None
    doubt: str = ""
    """Why its packages cannot be matched, where that is known."""

    @property
    def qualifier(self) -> str:
        """The purl qualifier ``distro``."""
        return f"{self.id}-{self.release}" if self.release else self.id

    def uses(self, kind: PackageType) -> bool:
        """Whether its own packages may be of this kind: the versions of others are numbered in another way."""
        return _MANAGERS.get(self.id, kind) is kind


def kept_by(name: str) -> PackageType | None:
    """The kind of packages of which the distribution of this name in os-release is known to keep a list."""
    return _MANAGERS.get(name) or _UNMATCHED.get(name)


_DEBIAN_CODENAMES = {
    "lenny": "5", "squeeze": "6", "wheezy": "7", "jessie": "8", "stretch": "9", "buster": "10", "bullseye": "11",
    "bookworm": "12", "trixie": "13", "forky": "14",
}  # fmt: skip
_UBUNTU_CODENAMES = {
    "lucid": "10.04", "precise": "12.04", "trusty": "14.04", "utopic": "14.10", "vivid": "15.04", "wily": "15.10",
    "xenial": "16.04", "yakkety": "16.10", "zesty": "17.04", "artful": "17.10", "bionic": "18.04", "cosmic": "18.10",
    "disco": "19.04", "eoan": "19.10", "focal": "20.04", "groovy": "20.10", "hirsute": "21.04", "impish": "21.10",
    "jammy": "22.04", "kinetic": "22.10", "lunar": "23.04", "mantic": "23.10", "noble": "24.04", "oracular": "24.10",
    "plucky": "25.04", "questing": "25.10", "resolute": "26.04",
}  # fmt: skip
CODENAMES = {
    **{name: ("debian", release) for name, release in _DEBIAN_CODENAMES.items()},
    **{name: ("ubuntu", release) for name, release in _UBUNTU_CODENAMES.items()},
}
"""ID and release of a distribution by what people call it; no two have one name."""
# Whose advisories name two numbers; the second was 0 but for 3.1.
_DEBIAN_OF_TWO_NUMBERS = frozenset("3456")

# Distributions of one release, or of none that advisories tell apart.
_WITHOUT_RELEASE = {
    "arch": "Arch Linux", "chainguard": "Chainguard", "cleanstart": "CleanStart", "echo": "Echo", "minimos": "MinimOS",
    "wolfi": "Wolfi",
}  # fmt: skip

# Those whose advisories name the first number of a release.
_BY_MAJOR = {
    "almalinux": "AlmaLinux", "azurelinux": "Azure Linux", "mageia": "Mageia", "mariner": "Azure Linux",
    "rhel": "Red Hat:enterprise_linux", "rocky": "Rocky Linux",
}  # fmt: skip

# Those whose advisories name the release as os-release does.
_BY_RELEASE = {
    "alpaquita": "Alpaquita:", "bellsoft-hardened-containers": "BellSoft Hardened Containers:",
    "opensuse-leap": "openSUSE:Leap ", "opensuse-leap-micro": "openSUSE:Leap Micro ", "photon": "Photon OS:",
}  # fmt: skip

_SUSE = frozenset({"sle-micro", "sl-micro", "sled", "sles", "sles_sap"})
# Those whose releases are a number and a service pack; of the others the name alone says it.
_SUSE_PRODUCTS = {
    "sled": "SUSE:Linux Enterprise Desktop", "sles": "SUSE:Linux Enterprise Server",
    "sles_sap": "SUSE:Linux Enterprise Server for SAP Applications",
}  # fmt: skip
_MANAGERS = {
    **dict.fromkeys(("debian", "ubuntu"), PackageType.DEB),
    **dict.fromkeys(("alpine", "chainguard", "minimos", "wolfi"), PackageType.APK),
    **dict.fromkeys(("alpaquita", "bellsoft-hardened-containers"), PackageType.APK),
    **dict.fromkeys((*_BY_MAJOR, *_SUSE, "openeuler", "photon"), PackageType.RPM),
    **dict.fromkeys(("opensuse-leap", "opensuse-leap-micro", "opensuse-tumbleweed"), PackageType.RPM),
    "arch": PackageType.ALPM,
}
"""What those use for whose packages there are advisories; of the others nobody is misled."""
_UNMATCHED = {
    **dict.fromkeys(("amzn", "centos", "fedora", "ol"), PackageType.RPM),
    **dict.fromkeys(("kali", "linuxmint", "raspbian"), PackageType.DEB),
    "gentoo": PackageType.EBUILD, "openwrt": PackageType.OPKG, "void": PackageType.XBPS,
}  # fmt: skip
"""Others that keep a package database."""
_SERVICE_PACK = re.compile(r"(\d\d)[ -]SP(\d)")
_OPENEULER_RELEASE = re.compile(r"(\d\d\.\d\d)-(LTS(?:-SP\d+)?)")
_OPENEULER = re.compile(r"openEuler (\d\d\.\d\d)(?: \((LTS(?:-SP\d+)?)\))?")


def distribution(os: OperatingSystem, codename: str = "", like: Sequence[str] = ()) -> Distribution:
    """The distribution that an os-release file describes; ``like`` are those that it says it derives from."""
    ecosystem, release = _ecosystem(os, os.version_id or "", codename)
    return Distribution(os.id, release, ecosystem, END_OF_LIFE.get(ecosystem), "" if ecosystem else _doubt(os, like))


def release_of(name: str, words: str) -> str:
    """A release as VERSION_ID has it, of a distribution by its ID, from the words of VERSION or a code name."""
    first, _, rest = words.lower().partition(" ")
    if CODENAMES.get(first, ("", ""))[0] == name:
        return CODENAMES[first][1]
    if name in _SUSE and (pack := _SERVICE_PACK.fullmatch(words.upper())):
        return f"{pack[1]}.{pack[2]}"
    if re.fullmatch(r"v?\d[\w.]*", first) is None or (rest and name == "openeuler"):
        return words
    return first.removeprefix("v")


def _ecosystem(os: OperatingSystem, version: str, codename: str) -> tuple[str, str]:
    """OSV's name, empty if there is none, and the release for purls."""
    numbers = version.split(".")
    match os.id:
        case "debian":
            # Testing and unstable have no VERSION_ID; testing names the coming release.
            release = numbers[0] or _DEBIAN_CODENAMES.get(codename, "")
            if release in _DEBIAN_OF_TWO_NUMBERS:
                return f"Debian:{release}.{numbers[1] if len(numbers) > 1 and release == '3' else '0'}", release
            return (f"Debian:{release}" if release else "", release)
        case "ubuntu":
            version = ".".join(numbers[:2])  # bills of materials also name the point release
            lts = re.fullmatch(r"(\d\d)\.04", version) is not None and int(numbers[0]) % 2 == 0
            return (f"Ubuntu:{version}{':LTS' if lts else ''}" if version else "", version)
        case "alpine":
            if "_alpha" in version or version == "edge":
                return ("Alpine:edge", "edge")
            return (f"Alpine:v{'.'.join(numbers[:2])}" if len(numbers) > 1 else "", version)
    ecosystem = _rolling_or_numbered(os, version)
    # Its VERSION_ID is the same for all service packs.
    return ecosystem, (ecosystem.partition(":")[2] or version) if os.id == "openeuler" else version


def _rolling_or_numbered(os: OperatingSystem, version: str) -> str:
    name, major = os.name or "", version.split(".", maxsplit=1)[0]
    if os.id in _WITHOUT_RELEASE:
        return _WITHOUT_RELEASE[os.id]
    if os.id == "opensuse-tumbleweed":
        return "openSUSE:Tumbleweed"
    if os.id in _BY_MAJOR and major.isdigit():
        return f"{_BY_MAJOR[os.id]}:{major}"
    if os.id in _BY_RELEASE and version:
        return f"{_BY_RELEASE[os.id]}{version}"
    if os.id in _SUSE:
        if name.startswith("SUSE "):
            return f"SUSE:{name.removeprefix('SUSE ')}"
        return "" if name else _of_suse(os.id, version)
    if os.id == "openeuler":
        found = _OPENEULER.fullmatch(name) or _OPENEULER_RELEASE.fullmatch(version)
        return f"openEuler:{'-'.join(part for part in found.groups() if part)}" if found else ""
    return ""


def _of_suse(name: str, version: str) -> str:
    """By the release alone, as purls have it: the advisories name products, and service packs in words."""
    product = _SUSE_PRODUCTS.get(name)
    release = re.fullmatch(r"(\d\d)(?:\.(\d))?", version)
    if product is None or release is None:
        return ""
    return f"{product} {release[1]}{f' SP{release[2]}' if release[2] not in (None, '0') else ''}"


def _doubt(os: OperatingSystem, like: Sequence[str]) -> str:
    if not (like := [name for name in like if name != os.id]):
        return ""
    # The same version of a package may be another build there, with other fixes in it.
    return f"{os.id} derives from {', '.join(like)} but builds packages of its own, so their advisories are not used"
