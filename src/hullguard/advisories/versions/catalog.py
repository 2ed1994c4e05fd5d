"""Every order of versions."""

from hullguard.advisories.versions.apk import ApkOrder
from hullguard.advisories.versions.bitnami import BitnamiOrder
from hullguard.advisories.versions.build_semver import BuildSemverOrder
from hullguard.advisories.versions.composer import ComposerOrder
from hullguard.advisories.versions.cran import CranOrder
from hullguard.advisories.versions.dpkg import DpkgOrder
from hullguard.advisories.versions.gem import GemOrder
from hullguard.advisories.versions.go import GoOrder
from hullguard.advisories.versions.maven import MavenOrder
from hullguard.advisories.versions.nuget import NugetOrder
from hullguard.advisories.versions.opam import OpamOrder
from hullguard.advisories.versions.order import Order
from hullguard.advisories.versions.pacman import PacmanOrder
from hullguard.advisories.versions.pep440 import Pep440Order
from hullguard.advisories.versions.pvp import PvpOrder
from hullguard.advisories.versions.rpm import RpmOrder
from hullguard.advisories.versions.semver import SemverOrder
from hullguard.advisories.versions.strict_semver import StrictSemverOrder

ORDERS: tuple[Order, ...] = (
    DpkgOrder(),
    ApkOrder(),
    RpmOrder(),
    PacmanOrder(),
    Pep440Order(),
    SemverOrder(),
    StrictSemverOrder(),
    BuildSemverOrder(),
    BitnamiOrder(),
    MavenOrder(),
    GoOrder(),
    GemOrder(),
    NugetOrder(),
    ComposerOrder(),
    PvpOrder(),
    CranOrder(),
    OpamOrder(),
)

_BY_ECOSYSTEM = {name: order for order in ORDERS for name in order.ecosystems}


def order_of(ecosystem: str) -> Order | None:
    """The order for ``Debian:12`` and the like; None when no order is known, so nothing may be compared."""
    return _BY_ECOSYSTEM.get(ecosystem.partition(":")[0])
