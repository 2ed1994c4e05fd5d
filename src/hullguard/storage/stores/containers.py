"""Containers, as each node's runtime lists them."""

from collections.abc import Sequence

import sqlalchemy as sa
from msgspec import Struct, structs

from hullguard.model.command import allowed
from hullguard.model.errors import NotFound
from hullguard.model.event import ImageRef
from hullguard.model.node import Container, PlacedContainer
from hullguard.model.page import Page
from hullguard.storage.paging import Listing, PageRequest, fetch
from hullguard.storage.stores.node_rows import count_open_incidents
from hullguard.storage.stores.places import cluster_of
from hullguard.storage.tables import containers, incidents, nodes
from hullguard.storage.transaction import Row, Transaction

RUNNING = "running"


class ContainerFilter(Struct, frozen=True):
    """Which containers; ``image`` is an image id."""

    node: str | None = None
    image: str | None = None
    state: str | None = None


_LISTING = Listing(
    key=containers.c.id,
    sorts={
        "name": containers.c.name,
        "image": containers.c.image_name,
        "state": containers.c.state,
    },
    default="name",
    search=(containers.c.name, containers.c.id, containers.c.image_name, nodes.c.name),
)


class Containers:
    """The containers of a scope."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    async def replace(self, node: str, found: Sequence[Container]) -> None:
        """Put the node's containers in place of those known before."""
        tx, cluster = self._tx, await cluster_of(self._tx, node)
        await tx.run(sa.delete(containers).where(tx.mine(containers), containers.c.node == node))
        # A runtime that names one id twice would break the key; the later word counts.
        rows = {each.id: _values(each, node, cluster) for each in found}
        await tx.insert(containers, rows.values())

    async def get(self, container: str, node: str | None = None) -> PlacedContainer:
        """One container; on this node, if one is given: another node may claim the same id."""
        select = self._select().where(containers.c.id == container)
        select = select if node is None else select.where(containers.c.node == node)
        rows = await self._tx.all(select.limit(1))
        if not rows:
            raise NotFound(f"there is no container {container[:64]}", "container.not-found")
        return (await self._placed(rows))[0]

    async def page(self, wanted: ContainerFilter, request: PageRequest) -> Page[PlacedContainer]:
        """A page of containers."""
        select = self._select()
        if wanted.node is not None:
            select = select.where(containers.c.node == wanted.node)
        if wanted.image is not None:
            select = select.where(containers.c.image_id == wanted.image)
        if wanted.state is not None:
            select = select.where(containers.c.state == wanted.state)
        found = await fetch(self._tx, select, _LISTING, request)
        return Page(await self._placed(found.rows), found.total, found.cursor)

    def _select(self) -> sa.Select[tuple[Row, ...]]:
        on = sa.and_(nodes.c.tenant == containers.c.tenant, nodes.c.id == containers.c.node)
        return sa.select(containers, nodes.c.name.label("node_name")).join(nodes, on).where(self._tx.mine(containers))

    async def _placed(self, rows: Sequence[Row]) -> list[PlacedContainer]:
        counts = await count_open_incidents(self._tx, incidents.c.container, {row.id for row in rows})
        return [_placed(row, counts.get(row.id, 0)) for row in rows]


def _placed(row: Row, open_incidents: int) -> PlacedContainer:
    container = PlacedContainer(
        row.id,
        row.name,
        ImageRef(row.image_id, row.image_name),
        row.state,
        row.created,
        row.started,
        bool(row.privileged),
        bool(row.host_network),
        row.held or (),
        row.engine,
        node=row.node,
        node_name=row.node_name,
        open_incidents=open_incidents,
    )
    return structs.replace(container, actions=allowed(container))


def _values(container: Container, node: str, cluster: str) -> dict[str, object]:
    return {
        "node": node,
        "id": container.id,
        "cluster": cluster,
        "name": container.name,
        "image_id": container.image.id,
        "image_name": container.image.name,
        "state": container.state,
        "created": container.created,
        "started": container.started,
        "privileged": container.privileged,
        "host_network": container.host_network,
        "held": container.held or None,
        "engine": container.engine,
    }
