"""What every list takes, and the shapes that several lists filter by."""

from datetime import datetime
from typing import Annotated, TypeVar

import msgspec
from msgspec import Meta, Struct

from hullguard.storage import PageRequest

Filter = TypeVar("Filter", bound=Struct)
Short = Annotated[str, Meta(max_length=256)]
Instant = Annotated[datetime, Meta(tz=True)]


class Paged(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One page of a list."""

    limit: Annotated[int, Meta(ge=1, le=500, description="How many items at most.")] = 50
    cursor: (
        Annotated[str, Meta(max_length=4096, description="From the page before; null starts at the first.")] | None
    ) = None

    def page(self) -> PageRequest:
        """As storage takes it."""
        return PageRequest(self.limit, self.cursor, getattr(self, "sort", None), getattr(self, "q", None))

    def to(self, kind: type[Filter]) -> Filter:
        """The fields that a store filters by; those of the query have the same names."""
        return msgspec.convert(self, kind, from_attributes=True)


class Searched(Paged, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One page of a list that can be searched and sorted."""

    q: Annotated[str, Meta(max_length=200, description="Only items that contain this text.")] | None = None
    sort: Annotated[str, Meta(max_length=64, description="A field's name; with - in front, descending.")] | None = None
