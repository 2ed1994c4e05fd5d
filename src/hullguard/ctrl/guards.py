"""Who may call a route: every one names a permission or says why it is open, and one that does neither is shut."""

from typing import Any, Final

from litestar.connection import ASGIConnection
from litestar.handlers.base import BaseRouteHandler

from hullguard.access.iam import denials, identify
from hullguard.access.iam.authorize import authorize, require_own_password
from hullguard.access.iam.identify import SignedIn
from hullguard.ctrl.addresses import client_address, is_loopback
from hullguard.ctrl.decoding import refuse_query
from hullguard.ctrl.services import Services
from hullguard.model.errors import Denied, Unauthenticated
from hullguard.model.identity import Actor, Permission

SIGNED_IN: Final = "signed-in"
"""As ``permission=``: anybody who is signed in, whatever the role."""

COOKIE: Final = "hg_session"
CSRF_HEADER: Final = "x-hullguard-request"
_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})

Connection = ASGIConnection[Any, Any, Any, Any]


async def gate(connection: Connection, handler: BaseRouteHandler) -> None:
    """Run before every handler; leaves who is calling in ``connection.scope``."""
    opt = handler.opt
    if method(connection) == "OPTIONS" or "why_open" in opt:
        return
    permission = opt.get("permission")
    if permission is None:
        raise Denied("This route names no permission, so it is shut.", "route-shut")
    if opt.get("loopback_is_enough") and _is_local(connection):
        return
    try:
        caller = await _identify(connection)
        _refuse_forged(connection, caller)
    except (Unauthenticated, Denied) as refusal:
        connection.app.state.metrics.refused(refusal.code)
        raise
    connection.scope["state"]["caller"] = caller
    try:
        _decide(caller.actor, permission, during_password_change=bool(opt.get("during_password_change")))
    except Denied as refusal:
        await _denied(connection, caller.actor, permission, refusal)
        raise
    if "filters" not in handler.parsed_fn_signature.parameters:
        refuse_query(connection.query_params)


def source(connection: Connection) -> str:
    """The caller's address, as far as it can be believed."""
    peer = connection.client.host if connection.client else ""
    trusted = connection.app.state.trusted_proxies
    return client_address(peer, connection.headers.get("x-forwarded-for"), trusted)


def method(connection: Connection) -> str:
    """The request's verb; a WebSocket has none."""
    return str(connection.scope.get("method", ""))


def _decide(actor: Actor, permission: Permission | str, *, during_password_change: bool) -> None:
    if permission != SIGNED_IN:
        authorize(actor, Permission(permission))
    elif not during_password_change:
        require_own_password(actor)


async def _identify(connection: Connection) -> SignedIn:
    services: Services = connection.app.state.services
    header = connection.headers.get("authorization")
    if header is not None:
        scheme, _, token = header.partition(" ")
        if scheme.lower() != "bearer":
            raise Unauthenticated("Only Bearer tokens are understood here.", "token-invalid")
        return await identify.by_token(services.storage, token.strip(), source(connection))
    if cookie := connection.cookies.get(COOKIE):
        return await identify.by_session(services.storage, cookie, source(connection))
    raise Unauthenticated("Sign in first, or send an API token.", "not-signed-in")


def _refuse_forged(connection: Connection, caller: SignedIn) -> None:
    """A browser adds the cookie to whatever a foreign page sends, but lets no foreign page add this header."""
    by_cookie = caller.session is not None
    if by_cookie and method(connection) not in _SAFE and connection.headers.get(CSRF_HEADER) != "1":
        raise Denied("Writing with a session cookie needs the header X-Hullguard-Request: 1.", "csrf-header-missing")


async def _denied(connection: Connection, actor: Actor, permission: Permission | str, refusal: Denied) -> None:
    services: Services = connection.app.state.services
    connection.app.state.metrics.refused(refusal.code)
    action = f"{method(connection).lower()} {connection.scope.get('path_template', '')}"
    await denials.record(services.storage, services.cache, actor, action, str(permission), reason=refusal.code)


def _is_local(connection: Connection) -> bool:
    """On this machine and not through a proxy on it."""
    headers = connection.headers
    forwarded = "x-forwarded-for" in headers or "forwarded" in headers or "x-real-ip" in headers
    return connection.client is not None and is_loopback(connection.client.host) and not forwarded
