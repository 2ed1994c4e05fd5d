import asyncio
import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs
from tests.support.database import SCOPE, START

from hullguard import audit
from hullguard.model.audit import AuditRecord
from hullguard.model.errors import Invalid
from hullguard.model.identity import Actor, Role, Scope
from hullguard.storage import PageRequest, Storage, Transaction
from hullguard.storage.stores import Audit, AuditFilter
from hullguard.storage.stores import audit as audit_store
from hullguard.storage.tables import audit_heads, audit_records

RECORD = AuditRecord(
    sequence=7,
    at=START,
    actor="user:alice",
    action="policy.update",
    subject="policy:1",
    reason="räumt auf 清理",
    source="10.0.0.9",
    details={"b": "2", "a": "1"},
    previous="0" * 64,
    hash="",
)


async def write(tx: Transaction, records: int, **more: Any) -> list[AuditRecord]:
    return [
        await audit.record(
            tx, f"user:{number}", "policy.update", f"policy:{number}", reason="why", source="10.0.0.1",
            details={"version": str(number), "name": "x"}, **more,
        )
        for number in range(1, records + 1)
    ]  # fmt: skip


def test_the_hash_is_what_the_description_says() -> None:
    described = [
        "hullguard-audit/1", "default", 7, int(START.timestamp()) * 1_000_000, "user:alice", "policy.update", "policy:1",
        "done", "räumt auf 清理", "10.0.0.9", {"a": "1", "b": "2"}, "0" * 64,
    ]  # fmt: skip
    text = json.dumps(described, separators=(",", ":"), ensure_ascii=False, sort_keys=True)
    assert audit.digest("default", RECORD) == hashlib.sha256(text.encode()).hexdigest()


@given(
    st.builds(
        AuditRecord,
        sequence=st.integers(1, 2**40),
        at=st.datetimes(min_value=datetime(1990, 1, 1), max_value=datetime(2100, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - the strategy adds the zone
        actor=st.text(max_size=20),
        action=st.text(max_size=20),
        subject=st.text(max_size=20),
        reason=st.text(max_size=40),
        source=st.just(""),
        outcome=st.sampled_from(["done", "denied"]),
        details=st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=4),
        previous=st.just("0" * 64),
        hash=st.just(""),
    )
)
def test_a_second_implementation_agrees_on_any_record(record: AuditRecord) -> None:
    microseconds = round((record.at - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() * 10**6)
    array = ["hullguard-audit/1", "t", record.sequence, microseconds, record.actor, record.action, record.subject]
    array += [record.outcome, record.reason, record.source, record.details, record.previous]
    text = json.dumps(array, separators=(",", ":"), ensure_ascii=False, sort_keys=True)
    # Python's json escapes DEL no more than msgspec does, but writes \b and \f where both may.
    assert audit.digest("t", record) == hashlib.sha256(text.encode()).hexdigest()


def test_every_field_and_the_tenant_are_in_the_hash() -> None:
    base = audit.digest("default", RECORD)
    assert audit.digest("other", RECORD) != base
    changes = {"sequence": 8, "at": START.replace(microsecond=1), "details": {"a": "1"}}
    for name in RECORD.__struct_fields__:
        if name != "hash":
            changed = structs.replace(RECORD, **{name: changes.get(name, "changed")})
            assert audit.digest("default", changed) != base, name
    assert audit.digest("default", structs.replace(RECORD, hash="x")) == base


async def test_records_form_a_chain(tx: Transaction) -> None:
    first, second, third = await write(tx, 3)
    assert (first.sequence, first.previous) == (1, audit.GENESIS)
    assert (second.previous, third.previous) == (first.hash, second.hash)
    assert await audit.verify(tx) == audit.Verification(True, 3)
    page = await Audit(tx).page(AuditFilter(), PageRequest())
    assert page.items == [third, second, first]


async def test_an_actor_brings_name_and_address(tx: Transaction) -> None:
    alice = Actor("user:alice", SCOPE, Role.ADMIN, source="10.0.0.9")
    made = await audit.record(tx, alice, "user.delete", "user:bob", outcome="denied")
    assert (made.actor, made.source, made.outcome, made.at) == ("user:alice", "10.0.0.9", "denied", START)
    assert (await audit.record(tx, alice, "a", "b", source="::1")).source == "::1"


async def test_a_deed_that_is_undone_leaves_no_record_and_no_gap(storage: Storage) -> None:
    async def fail() -> None:
        async with storage.transaction(SCOPE) as tx:
            await write(tx, 2)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    async with storage.transaction(SCOPE) as tx:
        assert (await write(tx, 1))[0].sequence == 1
        assert (await audit.verify(tx)).ok


async def test_many_writers_keep_one_chain(storage: Storage) -> None:
    async def one() -> None:
        async with storage.transaction(SCOPE) as tx:
            await write(tx, 2)

    await asyncio.gather(*(one() for _ in range(20)))
    async with storage.reading(SCOPE) as tx:
        assert await audit.verify(tx) == audit.Verification(True, 40)


async def test_tenants_have_chains_of_their_own(tx: Transaction) -> None:
    other = tx.within(Scope("other"))
    await write(tx, 2)
    await write(other, 3)
    await tx.run(sa.update(audit_records).where(audit_records.c.tenant == "other").values(reason="forged"))
    assert (await audit.verify(tx)).ok
    assert (await audit.verify(other)).broken_at == 1


FORGERIES: dict[str, Any] = {
    "at": START.replace(second=1),
    "actor": "user:eve",
    "action": "policy.read",
    "subject": "policy:0",
    "outcome": "denied",
    "reason": "because",
    "source": "127.0.0.1",
    "details": '{"version":"9","name":"x"}',
    "previous": "f" * 64,
    "hash": "f" * 64,
}


def test_every_column_of_a_record_is_forged_below() -> None:
    assert set(FORGERIES) == {column.name for column in audit_records.c} - {"tenant", "sequence"}


@pytest.mark.parametrize("column", FORGERIES)
@pytest.mark.parametrize("sequence", [1, 3, 5])
async def test_any_change_of_any_record_is_found_where_it_is(tx: Transaction, column: str, sequence: int) -> None:
    await write(tx, 5)
    this = audit_records.c.sequence == sequence
    assert await tx.run(sa.update(audit_records).where(this).values({column: FORGERIES[column]})) == 1
    found = await audit.verify(tx)
    assert (found.ok, found.broken_at, found.records) == (False, sequence, sequence - 1)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"a": 1}', "null", "\0"])
async def test_a_record_that_cannot_be_read_is_a_broken_one(tx: Transaction, text: str) -> None:
    await write(tx, 3)
    await tx.run(sa.update(audit_records).where(audit_records.c.sequence == 2).values(details=text))
    assert (await audit.verify(tx)).broken_at == 2


@pytest.mark.parametrize(("gone", "broken"), [([1], 1), ([3], 3), ([5], 5), ([4, 5], 4), ([1, 2, 3, 4, 5], 1)])
async def test_missing_records_are_noticed_at_the_end_too(tx: Transaction, gone: list[int], broken: int) -> None:
    await write(tx, 5)
    await tx.run(sa.delete(audit_records).where(audit_records.c.sequence.in_(gone)))
    found = await audit.verify(tx)
    assert (found.ok, found.broken_at) == (False, broken)
    assert "missing" in found.why


async def test_moved_and_added_records_are_noticed(tx: Transaction) -> None:
    await write(tx, 3)
    await tx.run(sa.update(audit_records).where(audit_records.c.sequence == 3).values(sequence=4))
    assert (await audit.verify(tx)).broken_at == 3
    await tx.run(sa.update(audit_records).where(audit_records.c.sequence == 4).values(sequence=3))
    assert (await audit.verify(tx)).ok
    forged = structs.replace(RECORD, sequence=4, previous=(await Audit(tx).head()).hash)  # type: ignore[union-attr]
    forged = structs.replace(forged, hash=audit.digest("default", forged))
    row = {name: getattr(forged, name) for name in forged.__struct_fields__} | {"details": '{"a":"1","b":"2"}'}
    await tx.insert(audit_records, row)
    assert (await audit.verify(tx)).broken_at == 4


async def test_a_chain_longer_than_one_batch_is_walked_whole(tx: Transaction, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit_store, "BATCH", 4)
    for records in (3, 1, 5):
        await write(tx, records)
        assert (await audit.verify(tx)).ok
    await tx.run(sa.update(audit_records).where(audit_records.c.sequence == 8).values(reason="forged"))
    assert await audit.verify(tx) == audit.Verification(False, 7, 8, "record 8: its content does not have its hash")


async def test_an_empty_chain_holds(tx: Transaction) -> None:
    assert await audit.verify(tx) == audit.Verification(True, 0)


async def test_an_anchor_outside_shows_a_chain_that_was_written_anew(tx: Transaction, tmp_path: Path) -> None:
    path = tmp_path / "anchors"
    assert await audit.write_anchor(tx, path) is None
    assert audit.read_anchors(path) == []
    await write(tx, 3)
    first = await audit.write_anchor(tx, path)
    await write(tx, 1)
    second = await audit.write_anchor(tx, path)
    assert audit.read_anchors(path) == [first, second]
    assert path.stat().st_mode & 0o777 == 0o600
    assert (await audit.verify(tx, audit.read_anchors(path))).ok
    # The forger has the whole database: a new chain, with a matching head, and no way to see it from inside.
    await tx.run(sa.delete(audit_records))
    await tx.run(sa.delete(audit_heads))
    await write(tx, 2)
    await audit.record(tx, "user:eve", "nothing.happened", "here")
    assert (await audit.verify(tx)).ok
    found = await audit.verify(tx, audit.read_anchors(path))
    assert (found.ok, found.broken_at) == (False, 3)
    assert "outside" in found.why


async def test_an_anchor_shows_a_chain_that_was_cut_with_its_head(tx: Transaction, tmp_path: Path) -> None:
    await write(tx, 3)
    await audit.write_anchor(tx, tmp_path / "anchors")
    await tx.run(sa.delete(audit_records))
    await tx.run(sa.delete(audit_heads))
    assert (await audit.verify(tx, audit.read_anchors(tmp_path / "anchors"))).broken_at == 1


def test_a_file_that_holds_no_anchors_is_refused(tmp_path: Path) -> None:
    (tmp_path / "anchors").write_text('{"tenant": 5}\n')
    with pytest.raises(Invalid, match="not an anchor file"):
        audit.read_anchors(tmp_path / "anchors")


async def test_a_record_cannot_fill_the_disk(tx: Transaction) -> None:
    made = await audit.record(
        tx, "u" * 999, "a" * 999, "s" * 9999, reason="r" * 10**6, details={str(n): "v" * 10**5 for n in range(1000)}
    )
    assert (len(made.actor), len(made.reason), len(made.details)) == (255, 2000, 64)
    assert len(str(made)) < 80_000
    assert (await audit.verify(tx)).ok


async def test_records_are_listed_by_what_they_name(storage: Storage) -> None:
    async with storage.transaction(SCOPE) as tx:
        await write(tx, 3)
        await write(tx, 1, outcome="denied")
        for wanted, sequences in (
            (AuditFilter(actor="user:1"), [4, 1]),
            (AuditFilter(actor="user:1", outcome="done"), [1]),
            (AuditFilter(subject="policy:2"), [2]),
            (AuditFilter(action="policy.read"), []),
            (AuditFilter(since=START), [4, 3, 2, 1]),
            (AuditFilter(until=START), []),
        ):
            page = await Audit(tx).page(wanted, PageRequest())
            assert [record.sequence for record in page.items] == sequences
            assert page.total == len(sequences)
        assert (await Audit(tx).page(AuditFilter(), PageRequest(q="policy:3"))).total == 1
