"""For whoever keeps this process running."""

from typing import Final

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from msgspec import Struct

from hullguard.ctrl.call import Visit
from hullguard.ctrl.decoding import StrictRequest
from hullguard.ctrl.metrics import CONTENT_TYPE
from hullguard.model.identity import DEFAULT_TENANT, Permission, Scope
from hullguard.storage.stores import Quotas


class Health(Struct, frozen=True):
    """The answer of a process that is well."""

    status: str = "ok"


@get("/healthz", why_open="A supervisor asks whether the process answers; it learns nothing else.")
async def healthz() -> Health:
    """The process answers."""
    return Health()


@get("/readyz", why_open="A load balancer asks whether to send requests here; it learns nothing else.")
async def readyz(visit: NamedDependency[Visit]) -> Health:
    """The process and its database answer; 503 otherwise."""
    async with visit.services.storage.reading(Scope(DEFAULT_TENANT)) as tx:
        await Quotas(tx).get()
    return Health()


@get("/metrics", permission=Permission.NODES_READ, loopback_is_enough=True)
async def metrics(request: StrictRequest) -> Response[bytes]:
    """Prometheus metrics of this process."""
    return Response(request.app.state.metrics.text(), media_type=CONTENT_TYPE)


ROUTES: Final[tuple[HTTPRouteHandler, ...]] = (healthz, readyz, metrics)
