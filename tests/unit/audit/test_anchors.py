"""Anchors outside the database, and chains that many write at once."""

import asyncio
import os
import stat
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import structs
from tests.support.database import SCOPE, walked

from hullguard import audit
from hullguard.audit import GENESIS, Anchor, Verification
from hullguard.model.audit import AuditRecord
from hullguard.model.identity import Scope
from hullguard.storage import PageRequest, Storage, Transaction
from hullguard.storage.stores import Audit, AuditFilter
from hullguard.storage.tables import audit_heads, audit_records


async def written(tx: Transaction, count: int) -> list[AuditRecord]:
    return [await audit.record(tx, "user:a", "thing.do", str(number)) for number in range(count)]


async def rewrite(tx: Transaction, count: int) -> list[AuditRecord]:
    """What an intruder with the database in hand does: another chain, whole and in itself right."""
    for table in (audit_records, audit_heads):
        await tx.run(sa.delete(table).where(tx.mine(table)))
    return [await audit.record(tx, "user:mallory", "thing.do", str(number)) for number in range(count)]


def anchored(record: AuditRecord, tenant: str = SCOPE.tenant) -> Anchor:
    return Anchor(tenant, record.sequence, record.hash)


async def test_an_anchor_written_after_a_forgery_does_not_hide_the_one_before(tx: Transaction, tmp_path: Path) -> None:
    path = tmp_path / "anchors"
    await written(tx, 3)
    await audit.write_anchor(tx, path)
    await rewrite(tx, 3)
    await audit.write_anchor(tx, path)
    assert (await audit.verify(tx)).ok, "the chain alone cannot tell"
    found = await audit.verify(tx, audit.read_anchors(path))
    assert (found.ok, found.broken_at) == (False, 3)
    found = await audit.verify(tx, reversed(audit.read_anchors(path)))
    assert (found.ok, found.broken_at) == (False, 3)


@pytest.mark.parametrize("at", [1, 2, 5])
async def test_an_anchor_of_any_record_is_enough(tx: Transaction, at: int) -> None:
    before = await written(tx, 5)
    assert await audit.verify(tx, map(anchored, before)) == Verification(True, 5)
    assert await audit.verify(tx, [anchored(before[at - 1])] * 3) == Verification(True, 5)
    await rewrite(tx, 7)
    found = await audit.verify(tx, [anchored(before[at - 1])])
    assert (found.ok, found.broken_at, found.records) == (False, at, at - 1)


async def test_anchors_of_other_tenants_are_none_of_ours(tx: Transaction, tmp_path: Path) -> None:
    path = tmp_path / "anchors"
    other = tx.within(Scope("房客"))
    await written(other, 2)
    await written(tx, 1)
    for one in (other, tx):
        await audit.write_anchor(one, path)
    anchors = audit.read_anchors(path)
    assert [(each.tenant, each.sequence) for each in anchors] == [("房客", 2), (SCOPE.tenant, 1)]
    assert (await audit.verify(tx, anchors)).ok
    await rewrite(other, 2)
    assert (await audit.verify(tx, anchors)).ok
    assert not (await audit.verify(other, anchors)).ok


async def test_an_anchor_of_the_whole_chain_shows_that_nothing_is_left(tx: Transaction) -> None:
    before = await written(tx, 3)
    await rewrite(tx, 0)
    found = await audit.verify(tx, [anchored(before[-1])])
    assert (found.ok, found.records, found.broken_at) == (False, 0, 1)


async def test_the_file_is_the_owners_and_no_link_leads_elsewhere(tx: Transaction, tmp_path: Path) -> None:
    path, target = tmp_path / "anchors", tmp_path / "target"
    assert await audit.write_anchor(tx, path) is None
    assert not path.exists()
    await written(tx, 1)
    mask = os.umask(0)
    try:
        await audit.write_anchor(tx, path)
    finally:
        os.umask(mask)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    target.write_bytes(b"")
    (tmp_path / "link").symlink_to(target)
    with pytest.raises(OSError, match="link"):
        await audit.write_anchor(tx, tmp_path / "link")
    assert target.read_bytes() == b""


async def test_writers_at_once_and_one_who_fails_keep_one_chain_that_anchors_confirm(
    storage: Storage, tmp_path: Path
) -> None:
    path = tmp_path / "anchors"

    async def write(number: int) -> None:
        async with storage.transaction(SCOPE) as tx:
            await audit.record(tx, f"user:{number}", "thing.do", "")
            await audit.write_anchor(tx, path)

    async def fail() -> None:
        async with storage.transaction(SCOPE) as tx:
            await audit.record(tx, "user:failed", "thing.do", "")
            raise ZeroDivisionError

    outcomes = await asyncio.gather(*(fail() if n % 3 == 0 else write(n) for n in range(15)), return_exceptions=True)
    assert [type(each) for each in outcomes if each] == [ZeroDivisionError] * 5
    async with storage.reading(SCOPE) as tx:
        anchors = audit.read_anchors(path)
        assert [each.sequence for each in anchors] == list(range(1, 11))
        assert await audit.verify(tx, anchors) == Verification(True, 10)
        assert (await Audit(tx).page(AuditFilter(actor="user:failed"), PageRequest())).total == 0


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from(["actor", "action", "subject", "outcome", "reason", "source", "details", "previous", "hash"]),
    st.integers(1, 4),
    st.text(max_size=8),
)
async def test_whatever_is_written_over_a_record_is_found(tx: Transaction, column: str, at: int, text: str) -> None:
    await rewrite(tx, 4)
    row = sa.and_(tx.mine(audit_records), audit_records.c.sequence == at)
    before = await tx.scalar(sa.select(audit_records.c[column]).where(row))
    await tx.run(sa.update(audit_records).where(row).values({column: text}))
    found = await audit.verify(tx)
    assert found.ok == (text == before)
    assert found.broken_at in ({None} if found.ok else {at, at + 1})


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=300),
    st.dictionaries(st.text("aé键", max_size=3), st.text("a🐳\0", max_size=3)),
)
async def test_a_record_is_read_back_as_it_was_hashed(tx: Transaction, text: str, details: dict[str, str]) -> None:
    await rewrite(tx, 0)
    made = await audit.record(
        tx, text, text, text, outcome=text, reason=text, source=text, details={**details, "k": text}
    )
    assert made.previous == GENESIS
    assert await walked(lambda step: Audit(tx).page(AuditFilter(), step)) == [made]
    assert await audit.verify(tx, [anchored(made)]) == Verification(True, 1)
    forged = structs.replace(made, reason=made.reason + " ")
    assert audit.digest(SCOPE.tenant, forged) != made.hash
