"""VEX documents: what makers of software say of vulnerabilities in it."""

import asyncio
from typing import Final

import msgspec
from litestar import Response, delete, get, post
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, JSONBody

from hullguard.ctrl.call import Call
from hullguard.ctrl.listing import Searched
from hullguard.ctrl.routes.exceptions import Deletion
from hullguard.imagescan.suppress import standing, vex
from hullguard.model.errors import Invalid
from hullguard.model.exception import VexDocument
from hullguard.model.identity import Permission
from hullguard.model.page import Page
from hullguard.storage import Transaction
from hullguard.storage.stores import Statements, VexDocuments

SIZE_MAX: Final = 16 * 1024 * 1024


@get("/vex-documents", permission=Permission.EXCEPTIONS_READ)
async def list_vex_documents(call: NamedDependency[Call], filters: NamedDependency[Searched]) -> Page[VexDocument]:
    """The documents, with how many statements each has and how many findings do not count because of it."""
    async with call.reading() as tx:
        return await VexDocuments(tx).page(filters.page())


@post(
    "/vex-documents",
    permission=Permission.EXCEPTIONS_WRITE,
    refusals=(409,),
    request_max_body_size=SIZE_MAX,
)
async def upload_vex_document(call: NamedDependency[Call], data: JSONBody[msgspec.Raw]) -> VexDocument:
    """Upload an OpenVEX, CSAF or CycloneDX document of at most 16 MiB, as it is.

    It takes the place of an earlier one of the same document id; 409 where that one is newer.
    """
    said = await asyncio.to_thread(_read, bytes(data))
    async with call.changing() as tx:
        kept = await VexDocuments(tx).upload(said, call.actor.name)
        await _changed(call, tx, kept, "vex-document.upload")
    return kept


@get("/vex-documents/{document:str}", permission=Permission.EXCEPTIONS_READ)
async def get_vex_document(call: NamedDependency[Call], document: FromPath[str]) -> VexDocument:
    """One document."""
    async with call.reading() as tx:
        return await VexDocuments(tx).get(document)


@get("/vex-documents/{document:str}/content", permission=Permission.EXCEPTIONS_READ)
async def get_vex_content(call: NamedDependency[Call], document: FromPath[str]) -> Response[msgspec.Raw]:
    """The document as it was uploaded, for `hullguard scan --vex`."""
    async with call.reading() as tx:
        content = await VexDocuments(tx).content(document)
    headers = {"content-disposition": f'attachment; filename="{document}.vex.json"'}
    return Response(msgspec.Raw(content), headers=headers)


@delete("/vex-documents/{document:str}", permission=Permission.EXCEPTIONS_WRITE)
async def delete_vex_document(
    call: NamedDependency[Call], document: FromPath[str], filters: NamedDependency[Deletion]
) -> None:
    """Take a document back: what it said of findings is said no more, within seconds."""
    async with call.changing() as tx:
        gone = await VexDocuments(tx).delete(document)
        await _changed(call, tx, gone, "vex-document.delete", reason=filters.reason or "")


def _read(content: bytes) -> Statements:
    try:
        head = vex.describe(content, "the document")
        rules, unread = standing.document_rules("", head, content)
    except Invalid as wrong:
        raise Invalid(str(wrong), wrong.code, field="$", **wrong.params) from wrong
    names, by_name = standing.names_of(rules), standing.ask_names(rules)
    return Statements(head, content, names, len(rules), unread, by_name)


async def _changed(call: Call, tx: Transaction, document: VexDocument, action: str, *, reason: str = "") -> None:
    details = {"document": document.head.document, "statements": str(document.statements)}
    await call.record(tx, action, f"vex-document:{document.id}", reason=reason, details=details)
    call.announce(tx, "exception", document.id)
    call.wake_workers(tx)


ROUTES: Final[tuple[HTTPRouteHandler, ...]] = (
    list_vex_documents,
    upload_vex_document,
    get_vex_document,
    get_vex_content,
    delete_vex_document,
)
