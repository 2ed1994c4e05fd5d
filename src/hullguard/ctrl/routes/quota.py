"""The node quota."""

from typing import Annotated, Final

from litestar import get, put
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import JSONBody
from msgspec import Meta, Struct

from hullguard.ctrl.call import Call
from hullguard.model.identity import Permission, Quota
from hullguard.storage.stores import Quotas


class QuotaInput(Struct, frozen=True, forbid_unknown_fields=True):
    """How many nodes may be protected."""

    total: Annotated[int, Meta(ge=0, le=1_000_000)]


@get("/quota", permission=Permission.NODES_READ)
async def get_quota(call: NamedDependency[Call]) -> Quota:
    """How many nodes may be protected and how many are."""
    async with call.reading() as tx:
        return await Quotas(tx).get()


@put("/quota", permission=Permission.QUOTAS_WRITE, refusals=(409,))
async def set_quota(call: NamedDependency[Call], data: JSONBody[QuotaInput]) -> Quota:
    """Set how many nodes may be protected; not below the number that is."""
    async with call.changing() as tx:
        before = await Quotas(tx).get()
        await Quotas(tx).set_total(data.total)
        await call.record(tx, "quota.set", "quota", details={"before": str(before.total), "after": str(data.total)})
        return await Quotas(tx).get()


ROUTES: Final[tuple[HTTPRouteHandler, ...]] = (get_quota, set_quota)
