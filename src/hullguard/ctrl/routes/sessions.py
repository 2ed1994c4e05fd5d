"""Signing in and out, and one's own password."""

from datetime import datetime
from typing import Annotated, Final

from litestar import Response, delete, get, post, put
from litestar.datastructures import Cookie
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import JSONBody
from msgspec import Meta, Struct

from hullguard.access.iam.identify import SignedIn
from hullguard.access.iam.roles import permissions
from hullguard.access.iam.sessions import LIFETIME_SECONDS, SignIn, sign_out
from hullguard.ctrl.call import Call, Visit
from hullguard.ctrl.guards import COOKIE, SIGNED_IN
from hullguard.model.errors import Denied
from hullguard.model.identity import Permission, User

Secret = Annotated[str, Meta(min_length=1, max_length=1024)]


class Credentials(Struct, frozen=True, forbid_unknown_fields=True):
    """A user's name and password."""

    username: Annotated[str, Meta(min_length=1, max_length=128)]
    password: Secret


class PasswordChange(Struct, frozen=True, forbid_unknown_fields=True):
    """The password until now and the one from now on."""

    old: Secret
    new: Secret


class CurrentSession(Struct, frozen=True):
    """Who is signed in and what that person may do now."""

    user: User
    permissions: list[Permission]
    must_change_password: bool
    expires: datetime


def _describe(caller: SignedIn) -> CurrentSession:
    held = [] if caller.actor.must_change_password else sorted(permissions(caller.actor.role))
    return CurrentSession(caller.user, held, caller.actor.must_change_password, caller.expires)


def _cookie(value: str, max_age: int, *, secure: bool) -> Cookie:
    return Cookie(COOKIE, path="/", value=value, max_age=max_age, httponly=True, samesite="strict", secure=secure)


@post(
    "/sessions",
    why_open="This is how one signs in; attempts are throttled per account and per address.",
    refusals=(401, 429, 503),
)
async def create_session(visit: NamedDependency[Visit], data: JSONBody[Credentials]) -> Response[CurrentSession]:
    """Sign in.

    Sets the session cookie. After ten failures in five minutes an account answers 429.
    """
    services = visit.services
    signing = SignIn(services.storage, services.cache, services.passwords)
    issued = await signing.sign_in(data.username, data.password, visit.source)
    cookie = _cookie(issued.secret, LIFETIME_SECONDS, secure=services.settings.secure_cookies)
    return Response(_describe(issued.caller), cookies=[cookie], status_code=201)


@get("/sessions/current", permission=SIGNED_IN, during_password_change=True)
async def current_session(call: NamedDependency[Call]) -> CurrentSession:
    """Who is signed in."""
    return _describe(call.caller)


@delete("/sessions/current", permission=SIGNED_IN, during_password_change=True)
async def end_session(call: NamedDependency[Call]) -> Response[None]:
    """Sign out."""
    await sign_out(call.services.storage, _own_session(call))
    return Response(None, status_code=204, cookies=[_cookie("", 0, secure=call.services.settings.secure_cookies)])


@put(
    "/sessions/current/password",
    permission=SIGNED_IN,
    during_password_change=True,
    status_code=204,
    refusals=(429, 503),
)
async def change_password(call: NamedDependency[Call], data: JSONBody[PasswordChange]) -> None:
    """Change one's own password.

    Ends every other session of the user and revokes the user's API tokens.
    """
    services = call.services
    signing = SignIn(services.storage, services.cache, services.passwords)
    await signing.change_password(_own_session(call), data.old, data.new)


def _own_session(call: Call) -> SignedIn:
    if call.caller.session is None:
        raise Denied("An API token has no session and no password: sign in instead.", "session-needed")
    return call.caller


ROUTES: Final[tuple[HTTPRouteHandler, ...]] = (create_session, current_session, end_session, change_password)
