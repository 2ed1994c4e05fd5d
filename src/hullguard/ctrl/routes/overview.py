"""The first screen."""

import asyncio
from typing import Final

from litestar import get
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from msgspec import structs

from hullguard.advisories.errands.messages import DEFAULTS
from hullguard.ctrl.call import Call
from hullguard.model.identity import Permission
from hullguard.model.view import Overview
from hullguard.storage.stores import overview as figures


@get("/overview", permission=Permission.NODES_READ)
async def overview(call: NamedDependency[Call]) -> Overview:
    """Is everything protected, what must be handled now, which running images are dangerous."""
    async with call.reading() as tx:
        found = await figures(tx)
    if found.advisories_every_hours is None:  # nobody has decided on anything else
        found = structs.replace(found, advisories_every_hours=DEFAULTS.every_hours)
    if found.advisories_built is not None:
        return found
    # No worker has matched anything yet; the database beside this server may still be there.
    state = await asyncio.to_thread(call.services.advisory_state)
    return structs.replace(found, advisories_built=state.built, advisories_sources=state.sources)


ROUTES: Final[tuple[HTTPRouteHandler, ...]] = (overview,)
