"""Every order of versions."""

from hullguard.advisories.versions.apk import ApkOrder
from hullguard.advisories.versions.dpkg import DpkgOrder
from hullguard.advisories.versions.order import Order
from hullguard.advisories.versions.pacman import PacmanOrder
from hullguard.advisories.versions.pep440 import Pep440Order
from hullguard.advisories.versions.rpm import RpmOrder
from hullguard.advisories.versions.semver import SemverOrder

ORDERS: tuple[Order, ...] = (
    DpkgOrder(),
    ApkOrder(),
    RpmOrder(),
    PacmanOrder(),
    Pep440Order(),
    SemverOrder(),
)

_BY_ECOSYSTEM = {name: order for order in ORDERS for name in order.ecosystems}


def order_of(ecosystem: str) -> Order | None:
    """The order for ``Debian:12`` and the like; None when no order is known, so nothing may be compared."""
    return _BY_ECOSYSTEM.get(ecosystem.partition(":")[0])
