"""Every order of versions, and the ecosystems that order theirs so."""

from typing import Final

from hullguard.advisories.versions.order import Order
from hullguard.model.plugin import load

ORDERS: Final[dict[str, tuple[str, ...]]] = {
    "dpkg.DpkgOrder": (
        "Debian",
        "Ubuntu",
        "Echo",
    ),
    "apk.ApkOrder": (
        "Alpaquita",
        "Alpine",
        "BellSoft Hardened Containers",
        "Chainguard",
        "CleanStart",
        "MinimOS",
        "Wolfi",
    ),
    "rpm.RpmOrder": (
        "AlmaLinux",
        "Azure Linux",
        "Mageia",
        "Photon OS",
        "Red Hat",
        "Rocky Linux",
        "SUSE",
        "openEuler",
        "openSUSE",
    ),
    "pacman.PacmanOrder": ("Arch Linux",),
    "pep440.Pep440Order": ("PyPI",),
    "semver.SemverOrder": (
        "npm",
        "GitHub Actions",
    ),
    "strict_semver.StrictSemverOrder": (
        "crates.io",
        "Hex",
        "SwiftURL",
    ),
    "build_semver.BuildSemverOrder": (
        "Pub",
        "Julia",
    ),
    "bitnami.BitnamiOrder": ("Bitnami",),
    "maven.MavenOrder": ("Maven",),
    "go.GoOrder": ("Go",),
    "gem.GemOrder": ("RubyGems",),
    "nuget.NugetOrder": ("NuGet",),
    "composer.ComposerOrder": ("Packagist",),
    "pvp.PvpOrder": (
        "Hackage",
        "GHC",
    ),
    "cran.CranOrder": (
        "CRAN",
        "Bioconductor",
    ),
    "opam.OpamOrder": ("opam",),
}
"""Module and class -> OSV's names of ecosystems, without the release behind the colon."""

DISTRIBUTIONS: Final = frozenset(
    name for order in ("dpkg.DpkgOrder", "apk.ApkOrder", "rpm.RpmOrder", "pacman.PacmanOrder") for name in ORDERS[order]
)
"""Ecosystems of operating systems; behind the colon stands a release, not a repository."""

_BY_ECOSYSTEM = {name: place for place, names in ORDERS.items() for name in names}


def order_of(ecosystem: str) -> Order | None:
    """The order for ``Debian:12`` and the like; None when no order is known, so nothing may be compared."""
    place = _BY_ECOSYSTEM.get(ecosystem.partition(":")[0])
    return None if place is None else named(place)


def named(place: str) -> Order:
    """The order of this name in the catalog."""
    order: Order = load(__package__, place)
    return order
