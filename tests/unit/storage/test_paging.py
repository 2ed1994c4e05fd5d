import base64
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs
from tests.support.database import START

from hullguard.model.errors import Invalid
from hullguard.model.identity import Scope
from hullguard.storage import PageRequest, Transaction
from hullguard.storage.dialect import EPOCH
from hullguard.storage.paging import Listing, _decode, encode, fetch, search
from hullguard.storage.tables import counters, schedules

LISTING = Listing(
    key=counters.c.name,
    sorts={"name": counters.c.name, "value": counters.c.value},
    default="name",
    search=(counters.c.name,),
)


async def walk(tx: Transaction, request: PageRequest, listing: Listing = LISTING) -> list[tuple[Any, ...]]:
    """Every page's rows, checked for their total."""
    seen: list[tuple[Any, ...]] = []
    cursor = None
    while True:
        step = PageRequest(request.limit, cursor, request.sort, request.q)
        found = await fetch(tx, sa.select(counters).where(tx.mine(counters)), listing, step)
        seen += [(row.name, row.value) for row in found.rows]
        cursor = found.cursor
        if cursor is None:
            assert found.total == len(seen)
            return seen


@pytest.mark.parametrize("sort", ["name", "-name", "value", "-value"])
@pytest.mark.parametrize("limit", [1, 3, 7, 500])
async def test_pages_show_each_row_once_in_order(tx: Transaction, sort: str, limit: int) -> None:
    rows = [(f"n{number:02}", number % 3) for number in range(14)]
    await tx.insert(counters, [{"name": name, "value": value} for name, value in rows])
    position = 1 if "value" in sort else 0
    expected = sorted(rows, key=lambda row: (row[position], row[0]), reverse=sort.startswith("-"))
    assert await walk(tx, PageRequest(limit, sort=sort)) == expected


@pytest.mark.parametrize("limit", [1, 3, 7, 500])
async def test_a_key_that_ranks_is_in_its_order_among_equals_in_both_directions(tx: Transaction, limit: int) -> None:
    rows = [(f"n{number:02}", number % 3) for number in range(14)]
    await tx.insert(counters, [{"name": name, "value": value} for name, value in rows])
    ranked = structs.replace(LISTING, steady=True)
    for sort, sign in (("value", 1), ("-value", -1)):
        expected = sorted(rows, key=lambda row: (sign * row[1], row[0]))
        assert await walk(tx, PageRequest(limit, sort=sort), ranked) == expected
    assert await walk(tx, PageRequest(limit, sort="-name"), ranked) == rows[::-1]


async def test_a_row_that_comes_or_goes_does_not_shift_the_next_page(tx: Transaction) -> None:
    await tx.insert(counters, [{"name": name, "value": 1} for name in "bdfh"])
    first = await fetch(tx, sa.select(counters).where(tx.mine(counters)), LISTING, PageRequest(2))
    await tx.insert(counters, [{"name": "a", "value": 1}, {"name": "e", "value": 1}])
    await tx.run(sa.delete(counters).where(tx.mine(counters), counters.c.name == "d"))
    second = await fetch(tx, sa.select(counters).where(tx.mine(counters)), LISTING, PageRequest(2, first.cursor))
    assert [row.name for row in second.rows] == ["e", "f"]


async def test_the_last_page_has_no_cursor_even_if_it_is_full(tx: Transaction) -> None:
    await tx.insert(counters, [{"name": name, "value": 1} for name in "ab"])
    found = await fetch(tx, sa.select(counters).where(tx.mine(counters)), LISTING, PageRequest(2))
    assert (found.total, found.cursor) == (2, None)


@pytest.mark.parametrize("limit", [0, -1, 501])
async def test_a_limit_outside_its_bounds_is_refused(tx: Transaction, limit: int) -> None:
    with pytest.raises(Invalid) as refused:
        await walk(tx, PageRequest(limit))
    assert refused.value.field == "limit"


@pytest.mark.parametrize("sort", ["tenant", "password_hash", "name; DROP TABLE counters", "--name", "", "-" * 5000])
async def test_only_listed_columns_sort(tx: Transaction, sort: str) -> None:
    if sort == "":
        assert await walk(tx, PageRequest(sort=sort)) == []
        return
    with pytest.raises(Invalid) as refused:
        await walk(tx, PageRequest(sort=sort))
    assert refused.value.field == "sort"
    assert len(str(refused.value)) < 300


def raw(value: object) -> str:
    return base64.urlsafe_b64encode(msgspec.msgpack.encode(value)).rstrip(b"=").decode()


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "!",
        "é",
        "AAAA",
        "A" * 5000,
        raw(None),
        raw(["name"]),
        raw(["name", "a", "b", "c"]),
        raw(["value", 1, "a"]),
        raw(["name", 1, "a"]),
        raw(["name", "a", 1]),
        raw(["name", None, "a"]),
        raw(["name", {"a": 1}, "a"]),
        raw({"sort": "name", "value": "a", "id": "a"}),
    ],
)
async def test_a_cursor_that_this_list_did_not_give_is_refused(tx: Transaction, cursor: str) -> None:
    with pytest.raises(Invalid) as refused:
        await walk_from(tx, cursor)
    assert refused.value.field == "cursor"


async def walk_from(tx: Transaction, cursor: str, sort: str | None = None) -> list[str]:
    request = PageRequest(50, cursor, sort)
    return [row.name for row in (await fetch(tx, sa.select(counters).where(tx.mine(counters)), LISTING, request)).rows]


@pytest.mark.parametrize("value", [2**63, -(2**63), 2**64 - 1])
async def test_a_number_that_no_column_holds_is_refused(tx: Transaction, value: int) -> None:
    with pytest.raises(Invalid) as refused:
        await walk_from(tx, raw(["value", value, "a"]), "value")
    assert refused.value.field == "cursor"


async def test_a_cursor_shows_nothing_that_the_list_would_not(tx: Transaction) -> None:
    other = tx.within(Scope("other"))
    await other.insert(counters, {"name": "secret", "value": 1})
    await tx.insert(counters, {"name": "mine", "value": 1})
    assert await walk_from(tx, raw(["name", "a", "a"])) == ["mine"]


@given(st.text(max_size=300))
def test_no_text_makes_decoding_fail_otherwise(text: str) -> None:
    # Random text is practically never a cursor, so anything but this refusal is a fault.
    with pytest.raises(Invalid, match="cursor"):
        _decode(text, "name", counters.c.name, counters.c.name)


@given(st.datetimes(timezones=st.just(UTC)))
def test_a_cursor_of_a_time_is_exact(at: datetime) -> None:
    text = encode("due", at, "a")
    assert _decode(text, "due", schedules.c.due, schedules.c.kind)[0] == at


def test_a_missing_time_can_be_a_cursor_through_coalesce() -> None:
    column = sa.func.coalesce(schedules.c.due, sa.literal(EPOCH, schedules.c.due.type))
    assert _decode(encode("due", START, "a"), "due", column, schedules.c.kind)[0] == START


@pytest.mark.parametrize(
    ("q", "found"),
    [
        ("an", ["banana", "mango"]),
        ("AN", ["banana", "mango"]),
        ("%", ["100%"]),
        ("_", ["a_b"]),
        ("\\", ["back\\slash"]),
        ("/", []),
        ("  banana ", ["banana"]),
        ("'; DROP TABLE counters; --", []),
    ],
)
async def test_search_takes_every_character_for_itself(tx: Transaction, q: str, found: list[str]) -> None:
    names = ["100%", "a_b", "back\\slash", "banana", "mango"]
    await tx.insert(counters, [{"name": name, "value": 1} for name in names])
    assert [name for name, _ in await walk(tx, PageRequest(q=q))] == found


async def test_a_blank_search_finds_everything_and_a_long_one_is_refused(tx: Transaction) -> None:
    await tx.insert(counters, {"name": "a", "value": 1})
    assert len(await walk(tx, PageRequest(q="   "))) == 1
    assert search((), "x", tx) is None
    for q in ("x" * 201, "\0", "\ud800"):
        with pytest.raises(Invalid) as refused:
            await walk(tx, PageRequest(q=q))
        assert refused.value.field == "q"


async def test_a_cheap_total_is_used_unless_a_search_makes_it_wrong(tx: Transaction) -> None:
    await tx.insert(counters, [{"name": name, "value": 1} for name in "ab"])
    select = sa.select(counters).where(tx.mine(counters))
    assert (await fetch(tx, select, LISTING, PageRequest(), total=99)).total == 99
    assert (await fetch(tx, select, LISTING, PageRequest(), total=sa.select(sa.literal(98)))).total == 98
    assert (await fetch(tx, select, LISTING, PageRequest(q="a"), total=99)).total == 1
