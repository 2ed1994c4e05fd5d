"""Lists by keyset: a page starts after the last row of the one before, so a deep page costs what the first costs."""

import base64
import binascii
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any

import msgspec
import sqlalchemy as sa
from msgspec import Meta, Struct

from hullguard.model.errors import Invalid
from hullguard.storage import dialect
from hullguard.storage.dialect import EPOCH
from hullguard.storage.transaction import Row, Transaction

LIMIT_MAX = 500
SEARCH_MAX = 200
CURSOR_MAX = 4096
"""Fits the longest name and key that are sorted by (512 and 128 characters of four bytes), in base64."""

INTEGER_MAX = 2**63 - 1
MICROSECOND = timedelta(microseconds=1)


class PageRequest(Struct, frozen=True):
    """Which page of a list: ``sort`` is a column's public name, with ``-`` in front for descending."""

    limit: int = 50
    cursor: str | None = None
    sort: str | None = None
    q: str | None = None


class Cursor(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Where the page before ended. It carries no right: each page is scoped and filtered anew."""

    sort: str
    value: Annotated[int, Meta(ge=-INTEGER_MAX, le=INTEGER_MAX)] | str
    """Of the sorting column; a time as microseconds."""
    id: Annotated[int, Meta(ge=-INTEGER_MAX, le=INTEGER_MAX)] | str


class Listing(Struct, frozen=True):
    """How one kind of rows may be listed: nothing outside these columns can be sorted by or searched."""

    key: sa.ColumnElement[Any]
    """Unique within the scope; orders rows whose sort value is equal."""
    sorts: Mapping[str, sa.ColumnElement[Any]]
    default: str
    search: Sequence[sa.ColumnElement[str]] = ()
    steady: bool = False
    """Whether rows whose sort value is equal keep the order of the key in both directions: for a key that ranks."""


class Fetched(Struct, frozen=True):
    """One page of rows, before they become model objects."""

    rows: Sequence[Row]
    total: int
    cursor: str | None


async def fetch(
    tx: Transaction,
    select: sa.Select[Any],
    listing: Listing,
    request: PageRequest,
    *,
    total: sa.Select[Any] | int | None = None,
    also: sa.ColumnElement[bool] | None = None,
) -> Fetched:
    """The page of ``select`` that ``request`` asks for; ``select`` brings scope and filters with it.

    ``total`` replaces counting the selected rows, where a store knows a cheaper way. ``also`` says which rows a search
    finds beside those that contain its words.
    """
    if not 1 <= request.limit <= LIMIT_MAX:
        raise Invalid(f"limit is {request.limit}; it may be 1 to {LIMIT_MAX}", field="limit")
    column, name, descending = _order(listing, request.sort)
    ties = descending and (column is listing.key or not listing.steady)
    searched = search(listing.search, request.q, tx)
    if searched is not None:
        select, total = select.where(searched if also is None else sa.or_(searched, also)), None
    if total is None:
        total = sa.select(sa.func.count()).select_from(select.order_by(None).subquery())
    count = total if isinstance(total, int) else int(await tx.scalar(total) or 0)
    page = select.add_columns(column.label("_sort"), listing.key.label("_key"))
    if request.cursor is not None:
        last = _decode(request.cursor, name, column, listing.key)
        page = page.where(_after(last, column, listing.key, descending, ties))
    if not count:
        return Fetched([], 0, None)
    directions = [column.desc() if descending else column.asc(), listing.key.desc() if ties else listing.key.asc()]
    rows = await tx.all(page.order_by(*directions).limit(request.limit + 1))
    if len(rows) <= request.limit:
        return Fetched(rows, count, None)
    rows = rows[: request.limit]
    # A row's own columns may have the same names, so the two that were added last are taken by position.
    return Fetched(rows, count, encode(name, rows[-1][-2], rows[-1][-1]))


def search(columns: Sequence[sa.ColumnElement[str]], q: str | None, tx: Transaction) -> sa.ColumnElement[bool] | None:
    """Whether any of the columns contains ``q``, whatever the case; ``%`` and ``_`` stand for themselves."""
    if q is None or not q.strip() or not columns:
        return None
    if len(q) > SEARCH_MAX or "\0" in q or not _encodable(q):
        # SQLite ends a pattern at a zero byte, so such a search would find everything.
        raise Invalid(f"q is up to {SEARCH_MAX} characters of text", field="q")
    return sa.or_(*(dialect.contains(column, q.strip(), tx.dialect) for column in columns))


def any_of(column: sa.ColumnElement[Any], values: Collection[Any], tx: Transaction) -> list[sa.ColumnElement[bool]]:
    """No condition for no values. Several are checked row by row, along the index that serves the order."""
    if not values:
        return []
    if len(values) == 1:
        return [column == next(iter(values))]
    return [dialect.not_indexed(column, tx.dialect).in_(sorted(values))]


def encode(sort: str, value: int | str | datetime, key: int | str) -> str:
    """The opaque text that callers hand back."""
    kept = (value - EPOCH) // MICROSECOND if isinstance(value, datetime) else value
    return base64.urlsafe_b64encode(msgspec.msgpack.encode(Cursor(sort, kept, key))).rstrip(b"=").decode()


def _decode(
    text: str, sort: str, column: sa.ColumnElement[Any], key: sa.ColumnElement[Any]
) -> tuple[int | str | datetime, int | str]:
    if len(text) > CURSOR_MAX:
        raise _bad_cursor()
    try:
        raw = base64.b64decode(text.encode("ascii") + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
        cursor = msgspec.msgpack.decode(raw, type=Cursor)
        value: int | str | datetime = cursor.value
        if column.type.python_type is datetime and isinstance(value, int):
            value = EPOCH + value * MICROSECOND
    except (ValueError, OverflowError, binascii.Error, msgspec.MsgspecError) as cause:
        raise _bad_cursor() from cause
    fits = isinstance(value, column.type.python_type) and isinstance(cursor.id, key.type.python_type)
    if cursor.sort != sort or not fits:
        raise _bad_cursor()
    return value, cursor.id


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _bad_cursor() -> Invalid:
    return Invalid(
        "the cursor is not one that this list gave out in this order; ask for the first page again",
        "list.bad-cursor",
        field="cursor",
    )


def _order(listing: Listing, sort: str | None) -> tuple[sa.ColumnElement[Any], str, bool]:
    name = sort or listing.default
    column = listing.sorts.get(name.removeprefix("-"))
    if column is None:
        allowed = ", ".join(sorted(listing.sorts))
        raise Invalid(f"this list cannot be sorted by {name[:64]!r}; use one of {allowed}", field="sort")
    return column, name, name.startswith("-")


def _after(
    cursor: tuple[Any, Any],
    column: sa.ColumnElement[Any],
    key: sa.ColumnElement[Any],
    descending: bool,
    ties: bool,
) -> sa.ColumnElement[bool]:
    """What follows the row at ``cursor``; ``ties``: rows of one value descend by their keys."""
    # Written so that both databases use the index: the first half bounds the range, the second drops the rows of the
    # last value that were shown already. MySQL does not turn (a, b) < (x, y) into a range.
    value, last = cursor
    later = key < last if ties else key > last
    if descending:
        return sa.and_(column <= value, sa.or_(column < value, later))
    return sa.and_(column >= value, sa.or_(column > value, later))
