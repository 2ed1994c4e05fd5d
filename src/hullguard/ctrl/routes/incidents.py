"""Incidents and what people do about them."""

from typing import Annotated, Final

from litestar import get, post
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, JSONBody
from msgspec import Meta, Struct

from hullguard.ctrl.call import Call
from hullguard.ctrl.listing import Instant, Searched, Short
from hullguard.model.identity import Permission
from hullguard.model.incident import Incident, IncidentStatus
from hullguard.model.page import Page
from hullguard.model.severity import Severity
from hullguard.storage.stores import IncidentFilter, Incidents


class IncidentQuery(Searched, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which incidents."""

    status: tuple[IncidentStatus, ...] = ()
    severity: tuple[Severity, ...] = ()
    rule: Short | None = None
    node: Short | None = None
    container: Short | None = None
    image: Short | None = None
    simulated_by: Short | None = None
    since: Instant | None = None
    until: Instant | None = None


class Handling(Struct, frozen=True, forbid_unknown_fields=True):
    """What became of an incident, and why."""

    status: IncidentStatus
    note: Annotated[str, Meta(max_length=2000)] = ""


@get("/incidents", permission=Permission.INCIDENTS_READ)
async def list_incidents(call: NamedDependency[Call], filters: NamedDependency[IncidentQuery]) -> Page[Incident]:
    """The incidents, the latest first; `rule` finds every one that the rule had a part in."""
    async with call.reading() as tx:
        return await Incidents(tx).page(filters.to(IncidentFilter), filters.page())


@get("/incidents/{incident:str}", permission=Permission.INCIDENTS_READ)
async def get_incident(call: NamedDependency[Call], incident: FromPath[str]) -> Incident:
    """One incident with its story, by its id or by that of any of its observations; `allowed` says what may follow."""
    async with call.reading() as tx:
        return await Incidents(tx).get(incident)


@post("/incidents/{incident:str}/handle", permission=Permission.INCIDENTS_HANDLE, status_code=200, refusals=(409,))
async def handle_incident(call: NamedDependency[Call], incident: FromPath[str], data: JSONBody[Handling]) -> Incident:
    """Ignore, resolve or reopen an incident."""
    async with call.changing() as tx:
        handled = await Incidents(tx).handle(incident, data.status, data.note, call.actor.name)
        await call.record(
            tx, "incident.handle", f"incident:{incident}", reason=data.note, details={"status": data.status.value}
        )
        call.announce(tx, "incident", incident)
    return handled


ROUTES: Final[tuple[HTTPRouteHandler, ...]] = (list_incidents, get_incident, handle_incident)
