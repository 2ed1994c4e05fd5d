"""Containers, where they run."""

from typing import Final

from litestar import get
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from hullguard.ctrl.call import Call
from hullguard.ctrl.listing import Searched, Short
from hullguard.model.identity import Permission
from hullguard.model.node import PlacedContainer
from hullguard.model.page import Page
from hullguard.storage.stores import ContainerFilter, Containers


class ContainerQuery(Searched, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which containers."""

    node: Short | None = None
    image: Short | None = None
    state: Short | None = None


@get("/containers", permission=Permission.NODES_READ)
async def list_containers(
    call: NamedDependency[Call], filters: NamedDependency[ContainerQuery]
) -> Page[PlacedContainer]:
    """The containers of all nodes."""
    async with call.reading() as tx:
        return await Containers(tx).page(filters.to(ContainerFilter), filters.page())


@get("/containers/{container:str}", permission=Permission.NODES_READ)
async def get_container(call: NamedDependency[Call], container: FromPath[str]) -> PlacedContainer:
    """One container."""
    async with call.reading() as tx:
        return await Containers(tx).get(container)


ROUTES: Final[tuple[HTTPRouteHandler, ...]] = (list_containers, get_container)
