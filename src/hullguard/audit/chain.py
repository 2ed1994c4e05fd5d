"""The chain: each record carries the hash of the one before.

The hash of a record is the SHA-256, in lower-case hexadecimal digits, of the UTF-8 bytes of this JSON array, written
without spaces, with the keys of ``details`` in ascending order of their code points::

    ["hullguard-audit/1", tenant, sequence, at, actor, action, subject, outcome, reason, source, details, previous]

``at`` is in whole microseconds since 1970-01-01T00:00:00Z. ``sequence`` starts at 1 and has no gaps. ``previous`` is
the hash of the record before, 64 zeros for the first. Anybody can check an export with a page of code in any language.
"""

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import msgspec
from msgspec import structs

from hullguard.model.audit import AuditRecord
from hullguard.model.identity import Actor
from hullguard.storage import Transaction
from hullguard.storage.stores import Audit

GENESIS = "0" * 64
FORMAT = "hullguard-audit/1"

REASON_MAX, DETAILS_MAX, VALUE_MAX = 2000, 64, 1000
"""What is longer is cut before it is hashed: the audit must not be a way to fill the disk."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_JSON = msgspec.json.Encoder(order="sorted")


def digest(tenant: str, record: AuditRecord) -> str:
    """The hash that ``record`` must have in the chain of ``tenant``."""
    return hashlib.sha256(
        _JSON.encode(
            [
                FORMAT,
                tenant,
                record.sequence,
                (record.at - _EPOCH) // timedelta(microseconds=1),
                record.actor,
                record.action,
                record.subject,
                record.outcome,
                record.reason,
                record.source,
                record.details,
                record.previous,
            ]
        )
    ).hexdigest()


async def record(
    tx: Transaction,
    actor: Actor | str,
    action: str,
    subject: str,
    *,
    outcome: str = "done",
    reason: str = "",
    source: str = "",
    details: Mapping[str, str] | None = None,
) -> AuditRecord:
    """Add a record in the caller's transaction.

    A writing transaction holds the write lock from its first statement, so two writers cannot both continue one link.
    """
    store = Audit(tx)
    head = await store.head()
    name, address = (actor, source) if isinstance(actor, str) else (actor.name, source or actor.source)
    blank = AuditRecord(
        sequence=1 if head is None else head.sequence + 1,
        at=tx.now,
        actor=name[:255],
        action=action[:128],
        subject=subject[:512],
        outcome=outcome[:16],
        reason=reason[:REASON_MAX],
        source=address[:255],
        details=_bounded(details or {}),
        previous=GENESIS if head is None else head.hash,
        hash="",
    )
    made = structs.replace(blank, hash=digest(tx.scope.tenant, blank))
    await store.append(made)
    return made


def _bounded(details: Mapping[str, str]) -> dict[str, str]:
    return {key[:VALUE_MAX]: value[:VALUE_MAX] for key, value in sorted(details.items())[:DETAILS_MAX]}
