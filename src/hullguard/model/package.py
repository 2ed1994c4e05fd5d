"""A package as it lies in an image."""

import enum
from typing import Final

from msgspec import Struct


class PackageType(enum.StrEnum):
    """How a package was installed; the purl type."""

    DEB = "deb"
    APK = "apk"
    RPM = "rpm"
    PYPI = "pypi"
    NPM = "npm"
    ALPM = "alpm"
    OPKG = "opkg"
    MAVEN = "maven"
    GOLANG = "golang"
    CARGO = "cargo"
    GEM = "gem"
    COMPOSER = "composer"
    NUGET = "nuget"
    CONDA = "conda"
    HEX = "hex"
    PUB = "pub"
    SWIFT = "swift"
    JULIA = "julia"
    CRAN = "cran"
    HACKAGE = "hackage"
    BITNAMI = "bitnami"
    NIX = "nix"
    GUIX = "guix"
    EBUILD = "ebuild"
    XBPS = "xbps"
    SLACKWARE = "slackware"
    BREW = "brew"
    SPACK = "spack"
    SNAP = "snap"
    FLATPAK = "flatpak"
    GENERIC = "generic"
    """A program that no package manager knows of, recognised by its own version string."""


OS_TYPES = frozenset({
    PackageType.DEB, PackageType.APK, PackageType.RPM, PackageType.ALPM, PackageType.OPKG, PackageType.NIX,
    PackageType.GUIX, PackageType.EBUILD, PackageType.XBPS, PackageType.SLACKWARE,
})  # fmt: skip
"""What a distribution's own package manager installs."""
OF_SYSTEM: Final = tuple(f"pkg:{kind.value}/" for kind in OS_TYPES)
"""How their purls begin."""


class Package(Struct, frozen=True, omit_defaults=True):
    """An installed package.

    ``ecosystem`` is OSV's name with its release suffix (``Debian:12``, ``Alpine:v3.18``, ``PyPI``); it is empty when no
    advisory source knows the distribution. ``source_name`` and ``source_version`` are the source package's, and for a
    distribution they differ from the binary's often enough that matching must use them.
    """

    purl: str
    type: PackageType
    name: str
    version: str
    ecosystem: str = ""
    source_name: str | None = None
    source_version: str | None = None
    arch: str | None = None
    layer: str | None = None
    """The diff id of the layer that brought it in."""
    locations: tuple[str, ...] = ()
    licenses: tuple[str, ...] = ()
    """As the package declares them: SPDX expressions where it uses them, else its own words."""
    module: str | None = None
    """The rpm module stream (``nodejs:12``) that the package was built in."""
    by_bill: bool = False
    """Whether nothing shows it but a bill of materials in the image, at ``locations``."""


class Unknown(Struct, frozen=True, omit_defaults=True):
    """Something that could not be read or decided, said aloud."""

    what: str
    why: str
    incomplete: bool = False
    """Whether something may be missing from the report for it: a limit was reached, say."""
    unjudged: int = 0
    """Packages that were found and of which no advisory could say anything for it: they may well be vulnerable."""
