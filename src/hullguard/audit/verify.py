"""Walks the chain and says where it breaks, if it does."""

from collections.abc import Collection, Iterable, Mapping

from msgspec import Struct

from hullguard.audit.anchor import Anchor
from hullguard.audit.chain import GENESIS, digest
from hullguard.model.audit import AuditRecord
from hullguard.storage import Transaction
from hullguard.storage.stores import Audit, Head, Unreadable


class Verification(Struct, frozen=True):
    """``records`` were read; the chain holds up to but not including ``broken_at``, if that is not null."""

    ok: bool
    records: int
    broken_at: int | None = None
    why: str = ""


async def verify(tx: Transaction, anchors: Iterable[Anchor] = ()) -> Verification:
    """Check every record against its hash, its neighbour, the noted head and what was noted outside the database.

    The memory it takes does not grow with the chain. The head lies in the same database, so it shows a lost end but
    not a forger who rewrites the whole chain and the head: for that, keep ``anchors`` somewhere else.
    """
    # Every hash that was ever noted of a record: an anchor of a forged chain must not stand in for an earlier one.
    expected: dict[int, set[str]] = {}
    for anchor in anchors:
        if anchor.tenant == tx.scope.tenant:
            expected.setdefault(anchor.sequence, set()).add(anchor.hash)
    store = Audit(tx)
    head = await store.head()
    last, hash_before = 0, GENESIS
    async for record in store.walk():
        why = _fault(tx.scope.tenant, record, last + 1, hash_before)
        if not why and isinstance(record, AuditRecord) and expected.pop(record.sequence, set()) - {record.hash}:
            why = "it differs from what was noted outside the database"
        if why or not isinstance(record, AuditRecord):
            return Verification(False, last, last + 1, f"record {last + 1}: {why}")
        last, hash_before = record.sequence, record.hash
    return _end(last, hash_before, head, expected)


def _fault(tenant: str, record: AuditRecord | Unreadable, sequence: int, previous: str) -> str:
    if record.sequence != sequence:
        return "it is missing"
    if isinstance(record, Unreadable):
        return "it cannot be read"
    if record.previous != previous:
        return "it does not continue the record before"
    return "" if record.hash == digest(tenant, record) else "its content does not have its hash"


def _end(last: int, last_hash: str, head: Head | None, expected: Mapping[int, Collection[str]]) -> Verification:
    noted = Head(0, GENESIS) if head is None else head
    missing = max([noted.sequence, *expected])
    if missing > last:
        return Verification(False, last, last + 1, f"records {last + 1} to {missing} are missing")
    if noted.sequence != last or noted.hash != last_hash:
        # The records agree with each other and the head does not: something was added beside ``record``.
        return Verification(False, last, noted.sequence + 1, f"the noted end of the chain is record {noted.sequence}")
    return Verification(True, last)
