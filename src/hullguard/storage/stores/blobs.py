"""Large files by their SHA-256: agent bundles. Kept in pieces, so that no statement carries 64 MB."""

import hashlib
from collections.abc import AsyncIterator, Iterable
from datetime import datetime

import sqlalchemy as sa
from msgspec import Struct

from hullguard.model.errors import Invalid, NotFound
from hullguard.storage.tables import blob_chunks, blobs
from hullguard.storage.transaction import Row, Transaction

CHUNK = 256 * 1024
SIZE_MAX = 64 * 1024 * 1024


class Blob(Struct, frozen=True):
    """One file."""

    sha256: str
    kind: str
    version: str
    size: int
    uploaded: datetime


class Blobs:
    """The files of a tenant."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    async def store(self, sha256: str, kind: str, version: str, pieces: Iterable[bytes]) -> Blob:
        """Keep a file that is here already, for example in a temporary file; storing it twice is storing it once.

        Not for streaming from a client: the transaction keeps all other writers waiting.
        """
        digest, size, number = hashlib.sha256(), 0, 0
        await self.delete(sha256)
        for piece in _rechunked(pieces):
            size += len(piece)
            if size > SIZE_MAX:
                raise Invalid(f"the file has more than {SIZE_MAX} bytes", "blob.too-large", limit=SIZE_MAX)
            digest.update(piece)
            await self._tx.insert(blob_chunks, {"sha256": sha256, "number": number, "data": piece})
            number += 1
        if digest.hexdigest() != sha256:
            raise Invalid(
                f"the file's SHA-256 is {digest.hexdigest()}, not {sha256[:64]}; upload it again", "blob.digest"
            )
        row = {"sha256": sha256, "kind": kind, "version": version, "size": size, "chunks": number}
        await self._tx.insert(blobs, {**row, "created": self._tx.now})
        return await self.get(sha256)

    async def get(self, sha256: str) -> Blob:
        """What is known of a file."""
        row = await self._tx.first(sa.select(blobs).where(self._tx.mine(blobs), blobs.c.sha256 == sha256))
        if row is None:
            raise NotFound(f"there is no file {sha256[:64]}", "blob.not-found")
        return _blob(row)

    async def all(self, kind: str) -> list[Blob]:
        """Every file of one kind, newest first."""
        select = sa.select(blobs).where(self._tx.mine(blobs), blobs.c.kind == kind)
        return [_blob(row) for row in await self._tx.all(select.order_by(blobs.c.created.desc(), blobs.c.sha256))]

    async def read(self, sha256: str) -> AsyncIterator[bytes]:
        """The bytes, a piece at a time."""
        await self.get(sha256)
        number = 0
        while True:
            piece = await self._tx.scalar(
                sa.select(blob_chunks.c.data).where(
                    self._tx.mine(blob_chunks), blob_chunks.c.sha256 == sha256, blob_chunks.c.number == number
                )
            )
            if piece is None:
                return
            yield piece
            number += 1

    async def piece(self, sha256: str, offset: int) -> bytes:
        """The bytes from ``offset`` to the end of the stored piece that holds it; empty at the end of the file."""
        number, skip = divmod(offset, CHUNK)
        if number > SIZE_MAX // CHUNK:
            return b""
        piece: bytes | None = await self._tx.scalar(
            sa.select(blob_chunks.c.data).where(
                self._tx.mine(blob_chunks), blob_chunks.c.sha256 == sha256, blob_chunks.c.number == number
            )
        )
        return b"" if piece is None else piece[skip:]

    async def delete(self, sha256: str) -> None:
        """Remove a file, if it is there."""
        for table in (blobs, blob_chunks):
            await self._tx.run(sa.delete(table).where(self._tx.mine(table), table.c.sha256 == sha256))


def _rechunked(pieces: Iterable[bytes]) -> Iterable[bytes]:
    held = bytearray()
    for piece in pieces:
        held += piece
        while len(held) >= CHUNK:
            yield bytes(held[:CHUNK])
            del held[:CHUNK]
    if held:
        yield bytes(held)


def _blob(row: Row) -> Blob:
    return Blob(row.sha256, row.kind, row.version, row.size, row.created)
