"""What all tables share: one catalogue, names for constraints, and the column that separates tenants."""

import sqlalchemy as sa

from hullguard.storage.dialect import text

metadata = sa.MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    }
)

ID = 64
"""Ids are 32 hexadecimal digits; containers and hashes have 64."""


def tenant() -> sa.Column[str]:
    """First in every table and first in its key."""
    return sa.Column("tenant", text(ID), primary_key=True)


def key(name: str, length: int = ID) -> sa.Column[str]:
    """A further column of the primary key."""
    return sa.Column(name, text(length), primary_key=True)


def short(name: str, length: int = 255, *, default: str | None = None) -> sa.Column[str]:
    """Text that every row has."""
    return sa.Column(name, text(length), nullable=False, server_default=default)


def number(name: str, default: str | None = "0") -> sa.Column[int]:
    """A whole number that every row has."""
    return sa.Column(name, sa.BigInteger, nullable=False, server_default=default)


def flag(name: str, *, default: bool = False) -> sa.Column[bool]:
    """Yes or no."""
    return sa.Column(name, sa.Boolean, nullable=False, server_default=sa.true() if default else sa.false())
