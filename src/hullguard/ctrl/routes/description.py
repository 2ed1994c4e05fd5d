"""The API's own description."""

from functools import cache
from typing import Final

import msgspec
from litestar import Response, get
from litestar.handlers import HTTPRouteHandler


@cache
def _document() -> bytes:
    # Imported when first asked for: the document is built from the catalog, which this route is part of.
    from hullguard.ctrl import openapi

    return msgspec.json.encode(openapi.document())


@get(
    "/openapi.json",
    why_open="It describes the product, not the installation.",
    media="application/json",
)
async def openapi_document() -> Response[bytes]:
    """This document."""
    return Response(_document(), media_type="application/json")


ROUTES: Final[tuple[HTTPRouteHandler, ...]] = (openapi_document,)
