"""Named values of a tenant, each a msgspec type of its reader's choice."""

from typing import TypeVar

import msgspec
import sqlalchemy as sa

from hullguard.storage.tables import settings
from hullguard.storage.transaction import Transaction

T = TypeVar("T")

ADVISORIES = "advisories"
"""The ``AdvisoryState`` of the database that the workers match against."""

ADVISORIES_TROUBLE = "advisories.trouble"
"""Why the workers cannot match with the database that there is, or was; empty while they can."""


class Settings:
    """Small, rarely changed, read as a whole."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    async def get(self, name: str, kind: type[T]) -> T | None:
        """The value, if it was ever set."""
        select = sa.select(settings.c.value).where(self._tx.mine(settings), settings.c.name == name)
        value = await self._tx.scalar(select)
        return None if value is None else msgspec.msgpack.decode(value, type=kind)

    async def set(self, name: str, value: object) -> None:
        """Keep the value."""
        await self._tx.upsert(settings, {"name": name, "value": msgspec.msgpack.encode(value)}, update=["value"])
