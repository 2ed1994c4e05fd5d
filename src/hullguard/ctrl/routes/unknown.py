"""What lies below /api and is no route: a problem, never the console's page."""

from typing import Final, NoReturn

from litestar import route
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from hullguard.model.errors import NotFound


@route(
    ["/api", "/api/{path:path}"],
    http_method=["GET", "POST", "PUT", "PATCH", "DELETE"],
    why_open="It only says that there is nothing here.",
)
async def unknown(path: FromPath[str] = "") -> NoReturn:
    """Always 404."""
    raise NotFound(f"There is no route /api{path[:200]}. See /api/v1/openapi.json for all of them.", "route-unknown")


ROUTES: Final[tuple[HTTPRouteHandler, ...]] = (unknown,)
