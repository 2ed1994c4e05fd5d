"""Tokens with which agents join."""

from datetime import timedelta
from typing import Annotated, Final

from litestar import delete, get, post
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, JSONBody
from msgspec import Meta, Struct

from hullguard.access import enrolment
from hullguard.ctrl.call import Call
from hullguard.ctrl.listing import Paged
from hullguard.model.errors import Unavailable
from hullguard.model.identity import DEFAULT_CLUSTER, EnrolmentToken, Permission
from hullguard.model.page import Page
from hullguard.model.policy import Name
from hullguard.storage.stores import EnrolmentTokens

Cluster = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9._-]{0,62}$(?!\n)")]


class EnrolmentTokenInput(Struct, frozen=True, forbid_unknown_fields=True):
    """A new enrolment token."""

    name: Name
    hours: Annotated[int, Meta(ge=1, le=24 * 90)] = 24
    max_uses: Annotated[int, Meta(ge=1, le=100_000)] = 1
    cluster: Cluster = DEFAULT_CLUSTER


class NewEnrolmentToken(Struct, frozen=True):
    """A token, its secret, which is shown only now, and where agents use it."""

    token: EnrolmentToken
    secret: str
    server: str
    """The URL for ``hullguard agent enrol --server``; empty if this installation has not set it."""


@get("/enrolment-tokens", permission=Permission.ENROLMENT_READ)
async def list_enrolment_tokens(call: NamedDependency[Call], filters: NamedDependency[Paged]) -> Page[EnrolmentToken]:
    """The enrolment tokens, without their secrets."""
    async with call.reading() as tx:
        return await EnrolmentTokens(tx).page(filters.page())


@post("/enrolment-tokens", permission=Permission.ENROLMENT_WRITE, refusals=(503,))
async def create_enrolment_token(call: NamedDependency[Call], data: JSONBody[EnrolmentTokenInput]) -> NewEnrolmentToken:
    """Create an enrolment token."""
    settings = call.services.settings
    if not settings.ca_fingerprint:
        raise Unavailable("This installation has no platform CA yet: start hostmgr once.", "authority-missing")
    async with call.changing() as tx:
        token, secret = await enrolment.create(
            tx,
            call.actor,
            name=data.name,
            cluster=data.cluster,
            expires=tx.now + timedelta(hours=data.hours),
            max_uses=data.max_uses,
            pin=settings.ca_fingerprint,
        )
    return NewEnrolmentToken(token, secret, settings.agent_url)


@delete("/enrolment-tokens/{token:str}", permission=Permission.ENROLMENT_WRITE)
async def revoke_enrolment_token(call: NamedDependency[Call], token: FromPath[str]) -> None:
    """Revoke an enrolment token. Agents that have joined with it stay."""
    async with call.changing() as tx:
        await enrolment.revoke(tx, call.actor, token)


ROUTES: Final[tuple[HTTPRouteHandler, ...]] = (list_enrolment_tokens, create_enrolment_token, revoke_enrolment_token)
