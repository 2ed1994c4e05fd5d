"""An error becomes HTTP: the one place where natures meet status codes (RFC 9457 problems)."""

import http
import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec
import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException
from msgspec import Struct

from hullguard.ctrl.edge import request_id
from hullguard.model.errors import (
    Conflict,
    Denied,
    HullguardError,
    Invalid,
    LimitReached,
    NotFound,
    Stale,
    TooMany,
    Unauthenticated,
    Unavailable,
)

PROBLEM_JSON: Final = "application/problem+json"

_LOG = structlog.get_logger()
_AT: Final = re.compile(r"^(?P<what>.*?)(?: - at `(?P<where>.+)`)?$", re.DOTALL)


class Malformed(Invalid):
    """The body is not what its content type says."""

    nature = "malformed"


class TooSlow(Invalid):
    """The body did not arrive in time."""

    nature = "too-slow"


class NotAcceptable(Invalid):
    """The body's content type is not one that this route reads."""

    nature = "media-type"


class PreconditionMissing(Invalid):
    """A change of something that several people edit must say which version it was made from."""

    nature = "precondition-missing"


STATUS: Final[dict[type[HullguardError], int]] = {  # the most special class of an error's family decides
    Malformed: 400,
    Unauthenticated: 401,
    Denied: 403,
    NotFound: 404,
    TooSlow: 408,
    Conflict: 409,
    Stale: 412,
    LimitReached: 413,
    NotAcceptable: 415,
    Invalid: 422,
    PreconditionMissing: 428,
    TooMany: 429,
    Unavailable: 503,
}

_ROUTING_CODES: Final = {404: "route-unknown", 405: "method-not-allowed", 413: "body-too-large"}


class Problem(Struct, frozen=True, omit_defaults=True):
    """What went wrong (RFC 9457). ``code`` and ``params`` let a client say it in any language."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    request_id: str
    params: dict[str, str | int] = {}
    field: str | None = None
    """Which part of the input is meant, as a JSON path, or a query parameter's name."""


def status_of(error: HullguardError) -> int:
    """The status of the nearest ancestor that has one."""
    return next((STATUS[kind] for kind in type(error).__mro__ if kind in STATUS), 500)


def decoding_error(cause: msgspec.DecodeError | UnicodeDecodeError) -> Invalid:
    """Tell bad syntax from a wrong value, and name the field of the latter."""
    if not isinstance(cause, msgspec.ValidationError):
        return Malformed(f"The body is not JSON: {cause}.", "body-malformed")
    match = _AT.match(str(cause))
    what, where = (match["what"], match["where"]) if match else (str(cause), None)
    return Invalid(f"{what}.", "field-invalid", field=where or "$")


def on_hullguard_error(request: Request[Any, Any, Any], error: HullguardError) -> Response[bytes]:
    """Errors raised on purpose."""
    status = status_of(error)
    headers = {}
    if status == http.HTTPStatus.UNAUTHORIZED:
        headers["www-authenticate"] = 'Bearer realm="hullguard"'
    if "retry_after" in error.params:
        headers["retry-after"] = str(error.params["retry_after"])
    if status >= http.HTTPStatus.INTERNAL_SERVER_ERROR:
        _LOG.warning("request failed", request_id=request_id(request.scope), code=error.code, why=str(error))
    field = error.field if isinstance(error, Invalid) else None
    return _answer(request, status, error.code, str(error), params=error.params, field=field, headers=headers)


def on_http_error(request: Request[Any, Any, Any], error: HTTPException) -> Response[bytes]:
    """What the framework refuses: unknown routes and methods, bodies over the limit, parameters of a wrong type."""
    if isinstance(error, ValidationException):
        return on_hullguard_error(request, _parameter_error(error))
    code = _ROUTING_CODES.get(error.status_code, "request-refused")
    return _answer(request, error.status_code, code, error.detail, headers=error.headers)


def on_fault(request: Request[Any, Any, Any], fault: Exception) -> Response[bytes]:
    """A fault of ours: the log has the trace, the caller the number to ask about."""
    _LOG.error("unexpected fault", request_id=request_id(request.scope), path=request.url.path, exc_info=fault)
    return _answer(
        request, 500, "internal", "The server made a mistake; its log has the details under this request id."
    )


def _parameter_error(error: ValidationException) -> Invalid:
    extra = error.extra[0] if isinstance(error.extra, list) and error.extra else {}
    key, source = str(extra.get("key", "")), str(extra.get("source", ""))
    if source == "body" or key == "data":
        return Invalid("This request needs a JSON body.", "body-missing", field="$")
    return Invalid(str(extra.get("message", error.detail)), "field-invalid", field=key or None)


def _answer(
    request: Request[Any, Any, Any],
    status: int,
    code: str,
    detail: str,
    *,
    params: Mapping[str, str | int] | None = None,
    field: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response[bytes]:
    problem = Problem(
        type=f"urn:hullguard:problem:{code}",
        title=http.HTTPStatus(status).phrase,
        status=status,
        detail=detail,
        code=code,
        request_id=request_id(request.scope),
        params=dict(params or {}),
        field=field,
    )
    content = b"" if request.method == "HEAD" else msgspec.json.encode(problem)
    return Response(content, status_code=status, media_type=PROBLEM_JSON, headers=dict(headers or {}))


HANDLERS: Final = {HullguardError: on_hullguard_error, HTTPException: on_http_error, Exception: on_fault}
