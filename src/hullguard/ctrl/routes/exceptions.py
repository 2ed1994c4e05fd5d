"""Exceptions: findings that do not count, by whose word, why and until when."""

from datetime import UTC, date
from typing import Annotated, Final

from litestar import Response, delete, get, post, put
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, JSONBody
from msgspec import Meta, Struct

from hullguard.ctrl.call import Call
from hullguard.ctrl.listing import Searched
from hullguard.ctrl.versions import if_match, tagged
from hullguard.imagescan.suppress import standing
from hullguard.model.exception import ExceptionPreview, ExceptionSpec, ExceptionState, FindingException, Line
from hullguard.model.identity import Permission
from hullguard.model.page import Page
from hullguard.storage import Transaction
from hullguard.storage.stores import ExceptionFilter, Exceptions


class ExceptionQuery(Searched, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which exceptions."""

    state: ExceptionState | None = None


class ExceptionInput(Struct, frozen=True, forbid_unknown_fields=True):
    """An exception's content; its reason is in it."""

    spec: ExceptionSpec


class PreviewInput(ExceptionInput, frozen=True, forbid_unknown_fields=True):
    """An exception's content, and which exception is to become so, where one is changed."""

    exception: Annotated[str, Meta(max_length=64)] | None = None


class Deletion(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why something is deleted; the audit keeps it."""

    reason: Line | None = None


class ForImage(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """For which image a file is meant."""

    image: Annotated[
        str, Meta(max_length=512, description="The image's name: what is only about others is left out.")
    ] = ""


@get("/exceptions", permission=Permission.EXCEPTIONS_READ)
async def list_exceptions(
    call: NamedDependency[Call], filters: NamedDependency[ExceptionQuery]
) -> Page[FindingException]:
    """The exceptions, with how many findings do not count because of each."""
    async with call.reading() as tx:
        return await Exceptions(tx).page(filters.to(ExceptionFilter), filters.page())


@post("/exceptions", permission=Permission.EXCEPTIONS_WRITE, versioned=True, refusals=(409,))
async def create_exception(call: NamedDependency[Call], data: JSONBody[ExceptionInput]) -> Response[FindingException]:
    """Make an exception. The images that it is about are matched again within seconds."""
    standing.check(data.spec)
    async with call.changing() as tx:
        made = await Exceptions(tx).create(data.spec, call.actor.name)
        await _changed(call, tx, made.id, "exception.create", made.spec, reason=made.spec.reason)
    return tagged(made, 201)


@post("/exceptions/preview", permission=Permission.EXCEPTIONS_READ, status_code=200, refusals=(404, 409))
async def preview_exception(call: NamedDependency[Call], data: JSONBody[PreviewInput]) -> ExceptionPreview:
    """How many findings of how many images would not count; nothing is changed.

    With `exception`, the id of the one that is to be changed, what does not count because of it is among them. What
    could not be made, or changed so, is refused with the same words.
    """
    standing.check(data.spec)
    async with call.reading() as tx:
        return await Exceptions(tx).preview(data.spec, data.exception)


@get("/exceptions/ignore-file", permission=Permission.EXCEPTIONS_READ, media="application/yaml")
async def get_ignore_file(call: NamedDependency[Call], filters: NamedDependency[ForImage]) -> Response[bytes]:
    """The exceptions in force as a file for `hullguard scan --ignore-file`: a build then decides as the platform does.

    An ignore file does not say for which images it is: with `image` it holds what is about every image and what is
    about this one, without it only the former.
    """
    async with call.reading() as tx:
        found = await Exceptions(tx).in_force()
        today: date = tx.now.astimezone(UTC).date()
    content = standing.ignore_file(found, filters.image, today)
    headers = {"content-disposition": 'attachment; filename="hullguard-ignore.yaml"'}
    return Response(content.encode(), media_type="application/yaml", headers=headers)


@get("/exceptions/{exception:str}", permission=Permission.EXCEPTIONS_READ, versioned=True)
async def get_exception(call: NamedDependency[Call], exception: FromPath[str]) -> Response[FindingException]:
    """One exception; its ETag is what a change must send as If-Match."""
    async with call.reading() as tx:
        found = await Exceptions(tx).get(exception)
    return tagged(found)


@put("/exceptions/{exception:str}", permission=Permission.EXCEPTIONS_WRITE, versioned=True, if_match=True)
async def update_exception(
    call: NamedDependency[Call], exception: FromPath[str], data: JSONBody[ExceptionInput]
) -> Response[FindingException]:
    """Make a new version. 412 if somebody else made one since it was read."""
    expected = if_match(call.request, "exception")
    standing.check(data.spec)
    async with call.changing() as tx:
        made = await Exceptions(tx).update(exception, data.spec, call.actor.name, expected_version=expected)
        await _changed(call, tx, made.id, "exception.update", made.spec, reason=made.spec.reason)
    return tagged(made)


@delete("/exceptions/{exception:str}", permission=Permission.EXCEPTIONS_WRITE, if_match=True)
async def delete_exception(
    call: NamedDependency[Call], exception: FromPath[str], filters: NamedDependency[Deletion]
) -> None:
    """Take an exception back: what it covered counts again within seconds."""
    expected = if_match(call.request, "exception")
    async with call.changing() as tx:
        spec = await Exceptions(tx).delete(exception, expected)
        await _changed(call, tx, exception, "exception.delete", spec, reason=filters.reason or "")


async def _changed(
    call: Call, tx: Transaction, exception: str, action: str, spec: ExceptionSpec, *, reason: str
) -> None:
    details = {"vulnerabilities": ", ".join(spec.vulnerabilities)[:500], "expires": str(spec.expires or "never")}
    details["images"] = ", ".join((*spec.images, *spec.image_ids))[:500] or "all"
    await call.record(tx, action, f"exception:{exception}", reason=reason, details=details)
    call.announce(tx, "exception", exception)
    call.wake_workers(tx)


ROUTES: Final[tuple[HTTPRouteHandler, ...]] = (
    list_exceptions,
    create_exception,
    preview_exception,
    get_ignore_file,
    get_exception,
    update_exception,
    delete_exception,
)
