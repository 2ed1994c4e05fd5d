"""VEX documents: each by its own id, the newer in the place of the older."""

import hashlib
from collections.abc import Iterable

import sqlalchemy as sa
from msgspec import Struct, structs

from hullguard.model.errors import Conflict, NotFound
from hullguard.model.exception import VexDocument, VexHead
from hullguard.model.ids import new_id
from hullguard.model.page import Page
from hullguard.storage.paging import Listing, PageRequest, fetch
from hullguard.storage.stores import suppression_counts, suppressions
from hullguard.storage.tables import vex_documents
from hullguard.storage.transaction import Row, Transaction

MOST = 200
"""Documents of a tenant."""
TOGETHER, SAID = 64 * 1024 * 1024, 100_000
"""Bytes and statements of all of them: a worker holds what they say in memory, about a kilobyte for each statement."""

_INFO = [each for each in vex_documents.c if each.name not in {"content", "names"}]
_LISTING = Listing(
    key=vex_documents.c.id,
    sorts={"uploaded_at": vex_documents.c.uploaded_at, "statements": vex_documents.c.statements},
    default="-uploaded_at",
    search=(vex_documents.c.searched,),
)


class Statements(Struct, frozen=True):
    """A document that was read."""

    head: VexHead
    content: bytes
    names: tuple[str, ...]
    """Of the vulnerabilities that it speaks of."""
    count: int
    unread: int
    by_name: bool
    """Whether names of images decide."""


class VexDocuments:
    """The VEX documents of a tenant."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    async def get(self, document: str) -> VexDocument:
        """One document."""
        return (await self._counted([await self._row(document)]))[0]

    async def page(self, request: PageRequest) -> Page[VexDocument]:
        """A page of documents, the youngest first."""
        select = sa.select(*_INFO).where(self._tx.mine(vex_documents))
        found = await fetch(self._tx, select, _LISTING, request)
        return Page(await self._counted(found.rows), found.total, found.cursor)

    async def content(self, document: str) -> bytes:
        """As it was uploaded."""
        await self._row(document)
        of = (self._tx.mine(vex_documents), vex_documents.c.id == document)
        return bytes(await self._tx.scalar(sa.select(vex_documents.c.content).where(*of)))

    async def ids(self) -> list[str]:
        """Of every document, the oldest first."""
        table = vex_documents.c
        select = sa.select(table.id).where(self._tx.mine(vex_documents))
        return [row.id for row in await self._tx.all(select.order_by(table.id))]

    async def said(self, documents: Iterable[str]) -> dict[str, tuple[VexHead, bytes]]:
        """What these are and say."""
        table = vex_documents.c
        of = (self._tx.mine(vex_documents), table.id.in_(sorted(documents)))
        select = sa.select(table.id, table.head, table.content).where(*of)
        return {row.id: (row.head, row.content) for row in await self._tx.all(select)}

    async def upload(self, said: Statements, by: str) -> VexDocument:
        """Keep a document, in the place of an earlier one of its id; one that is older than that is refused."""
        tx = self._tx
        key = hashlib.sha256(said.head.document.encode("utf-8", "surrogatepass")).hexdigest()
        table = vex_documents.c
        before = await tx.first(sa.select(*_INFO).where(tx.mine(vex_documents), table.document == key))
        concerned = await suppressions.concerned(tx, said.names)
        if before is not None:
            _check_newer(before.head, said.head)
            concerned |= await self._concerned(before.id)
            await tx.run(sa.delete(vex_documents).where(tx.mine(vex_documents), table.id == before.id))
        await self._check_room(len(said.content), said.count)
        identity = new_id()
        head = said.head
        row = {"id": identity, "document": key, "head": head, "searched": f"{head.document} {head.author}"}
        row |= {"content": said.content, "names": said.names, "size": len(said.content), "statements": said.count}
        row |= {"unread": said.unread, "by_name": said.by_name, "uploaded_at": tx.now, "uploaded_by": by}
        await tx.insert(vex_documents, row)
        await suppressions.changed(tx, concerned)
        return await self.get(identity)

    async def delete(self, document: str) -> VexDocument:
        """Take it back: what it said of findings is said no more. The document as it was."""
        tx = self._tx
        before = await self.get(document)
        concerned = await self._concerned(document)
        await tx.run(sa.delete(vex_documents).where(tx.mine(vex_documents), vex_documents.c.id == document))
        await suppressions.changed(tx, concerned)
        return before

    async def _concerned(self, document: str) -> set[str]:
        of = (self._tx.mine(vex_documents), vex_documents.c.id == document)
        names = await self._tx.scalar(sa.select(vex_documents.c.names).where(*of))
        return await suppressions.concerned(self._tx, names or ())

    async def _check_room(self, size: int, statements: int) -> None:
        sums = (sa.func.sum(vex_documents.c[name]).label(name) for name in ("size", "statements"))
        select = sa.select(sa.func.count().label("many"), *sums).where(self._tx.mine(vex_documents))
        row = await self._tx.first(select)
        if row is None:
            return
        together, said = int(row.size or 0) + size, int(row.statements or 0) + statements
        if row.many >= MOST or together > TOGETHER or said > SAID:
            raise Conflict(
                f"there is room for {MOST} documents of {TOGETHER >> 20} MiB and {SAID} statements together, and these "
                f"would be {row.many + 1} of {together >> 20} MiB and {said}; delete some that are over",
                "vex-document.no-room",
            )

    async def _row(self, document: str) -> Row:
        of = (self._tx.mine(vex_documents), vex_documents.c.id == document)
        row = await self._tx.first(sa.select(*_INFO).where(*of))
        if row is None:
            raise NotFound(f"there is no VEX document {document[:64]}", "vex-document.not-found")
        return row

    async def _counted(self, rows: Iterable[Row]) -> list[VexDocument]:
        found = [_document(row) for row in rows]
        counts = await suppression_counts.tallies(self._tx, [each.id for each in found])
        return [
            structs.replace(each, findings=tally.findings, images=tally.images)
            for each in found
            for tally in (counts.get(each.id, suppression_counts.Tally()),)
        ]


def _check_newer(before: VexHead, after: VexHead) -> None:
    if before.issued is not None and after.issued is not None and after.issued < before.issued:
        raise Conflict(
            f"a newer one of this document is kept already: it is of {before.issued.isoformat()}, this one of "
            f"{after.issued.isoformat()}; delete that one first if this one is meant",
            "vex-document.older",
        )


def _document(row: Row) -> VexDocument:
    return VexDocument(
        id=row.id,
        head=row.head,
        size=row.size,
        statements=row.statements,
        unread=row.unread,
        uploaded_at=row.uploaded_at,
        uploaded_by=row.uploaded_by,
    )
