"""What the sensor can detect."""

from typing import Final

from litestar import get
from litestar.handlers import HTTPRouteHandler

from hullguard import detect
from hullguard.model.detector import DetectorInfo
from hullguard.model.identity import Permission


@get("/detectors", permission=Permission.POLICIES_READ)
async def list_detectors() -> list[DetectorInfo]:
    """Every detector with its parameters, their defaults and bounds: what a policy may set."""
    return list(detect.catalog_info())


ROUTES: Final[tuple[HTTPRouteHandler, ...]] = (list_detectors,)
