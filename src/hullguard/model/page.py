"""One page of a list."""

from typing import Generic, TypeVar

from msgspec import Struct

T = TypeVar("T")


class Page(Struct, Generic[T], frozen=True):
    """``items`` of a list of ``total``; ``cursor`` fetches the next page and is null on the last."""

    items: list[T]
    total: int
    cursor: str | None = None
