from datetime import UTC, datetime, timedelta, timezone

import msgspec
import pytest
import sqlalchemy as sa
import zstandard
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.dialects import mysql, sqlite
from tests.support.records import facts

from hullguard.model.errors import LimitReached
from hullguard.model.node import HostFacts
from hullguard.storage import Transaction, dialect
from hullguard.storage.dialect import Compressed, Instant, Packed, upsert
from hullguard.storage.tables import counters, nodes

LITE = sqlite.dialect()


@given(st.datetimes(timezones=st.just(UTC)))
def test_an_instant_survives_to_the_microsecond(at: datetime) -> None:
    kept = Instant().process_bind_param(at, LITE)
    assert isinstance(kept, int)
    assert Instant().process_result_value(kept, LITE) == at


def test_an_instant_of_another_zone_is_the_same_instant_and_one_without_a_zone_is_utc() -> None:
    east = datetime(2026, 3, 1, 20, tzinfo=timezone(timedelta(hours=8)))
    naive = datetime(2026, 3, 1, 12)  # noqa: DTZ001 - the point of the test
    assert Instant().process_bind_param(east, LITE) == Instant().process_bind_param(naive, LITE)


def test_structs_come_back_as_they_were() -> None:
    for kind in (Packed(HostFacts), Compressed(HostFacts)):
        assert kind.process_result_value(kind.process_bind_param(facts(), LITE), LITE) == facts()
        assert kind.process_bind_param(None, LITE) is None


def test_a_struct_that_no_longer_fits_its_type_is_noticed() -> None:
    with pytest.raises(msgspec.ValidationError):
        Packed(HostFacts).process_result_value(msgspec.msgpack.encode({"hostname": 5}), LITE)


def test_a_compressed_value_that_would_fill_the_memory_is_not_unpacked() -> None:
    bomb = zstandard.ZstdCompressor().compress(b"\0" * (dialect.UNPACKED_MAX + 1))
    assert len(bomb) < 64 * 1024
    with pytest.raises(LimitReached):
        Compressed(bytes).process_result_value(bomb, LITE)


@pytest.mark.parametrize(
    ("update", "add", "lite", "my"),
    [
        (["value"], [], "DO UPDATE SET value = excluded.value", "UPDATE value = VALUES(value)"),
        ([], ["value"], "DO UPDATE SET value = (counters.value + excluded.value)", "(counters.value + VALUES(value))"),
        ([], [], "DO NOTHING", "UPDATE tenant = counters.tenant"),
    ],
)
def test_both_databases_are_told_to_insert_or_update(update: list[str], add: list[str], lite: str, my: str) -> None:
    keys = ["tenant", "name"]
    assert lite in str(upsert("sqlite", counters, keys, update, add=add).compile(dialect=LITE))
    assert my in str(upsert("mysql", counters, keys, update, add=add).compile(dialect=mysql.dialect()))


def test_every_table_can_be_made_on_mysql() -> None:
    made = str(sa.schema.CreateTable(nodes).compile(dialect=mysql.dialect()))
    assert "COLLATE utf8mb4_bin" in made
    assert "last_seen BIGINT" in made


async def test_names_compare_byte_by_byte(tx: Transaction) -> None:
    await tx.insert(counters, [{"name": "Nginx", "value": 1}, {"name": "nginx", "value": 2}])
    assert await tx.scalar(sa.select(counters.c.value).where(tx.mine(counters), counters.c.name == "nginx")) == 2


async def test_a_column_hidden_from_the_planner_has_the_same_value(tx: Transaction) -> None:
    await tx.insert(counters, [{"name": name, "value": 1} for name in ("a", "b", "c")])
    hidden = dialect.not_indexed(counters.c.name, tx.dialect).in_(["a", "c"])
    select = sa.select(counters.c.name).where(tx.mine(counters), hidden).order_by(counters.c.name)
    assert [row.name for row in await tx.all(select)] == ["a", "c"]
