"""One's own API tokens."""

from typing import Annotated, Final

from litestar import delete, get, post
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, JSONBody
from msgspec import Meta, Struct

from hullguard.access.iam import tokens
from hullguard.ctrl.call import Call
from hullguard.ctrl.listing import Paged
from hullguard.model.errors import Denied
from hullguard.model.identity import ApiToken, Permission, Role, TokenName
from hullguard.model.page import Page
from hullguard.model.policy import Name
from hullguard.storage.stores import Tokens

TokenId = Annotated[str, Meta(min_length=1, max_length=64)]


class TokenInput(Struct, frozen=True, forbid_unknown_fields=True):
    """A new API token. Without a role it may do what its owner may."""

    name: Name
    days: Annotated[int, Meta(ge=1, le=366)]
    role: Role | None = None


class TokenNames(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which tokens."""

    id: Annotated[tuple[TokenId, ...], Meta(min_length=1, max_length=100)]


class NewToken(Struct, frozen=True):
    """A token and its secret, which is shown only now."""

    token: ApiToken
    secret: str


@get("/tokens", permission=Permission.TOKENS_OWN)
async def list_tokens(call: NamedDependency[Call], filters: NamedDependency[Paged]) -> Page[ApiToken]:
    """The caller's own tokens."""
    async with call.reading() as tx:
        return await Tokens(tx).page(filters.page(), user=call.caller.user.id)


@get("/tokens/names", permission=Permission.TOKENS_OWN)
async def list_token_names(call: NamedDependency[Call], filters: NamedDependency[TokenNames]) -> list[TokenName]:
    """What tokens are called, and whose they are, also those of others: what was done with one stands under its id.

    Those that were revoked are left out.
    """
    async with call.reading() as tx:
        return await Tokens(tx).names(filters.id)


@post("/tokens", permission=Permission.TOKENS_OWN, refusals=(409,))
async def create_token(call: NamedDependency[Call], data: JSONBody[TokenInput]) -> NewToken:
    """Create an API token.

    Needs a session: a token that could make tokens would never expire.
    """
    if call.caller.session is None:
        raise Denied("An API token cannot create another one: sign in instead.", "session-needed")
    async with call.changing() as tx:
        token, secret = await tokens.create(
            tx, call.actor, call.caller.user, name=data.name, days=data.days, role=data.role
        )
    return NewToken(token, secret)


@delete("/tokens/{token:str}", permission=Permission.TOKENS_OWN)
async def delete_token(call: NamedDependency[Call], token: FromPath[str]) -> None:
    """Revoke one of the caller's own tokens."""
    async with call.changing() as tx:
        await tokens.revoke(tx, call.actor, call.caller.user, token)


ROUTES: Final[tuple[HTTPRouteHandler, ...]] = (
    list_tokens,
    list_token_names,
    create_token,
    delete_token,
)
