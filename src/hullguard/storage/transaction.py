"""One transaction of one scope: where tenants' rows are kept apart.

Every store is made from a transaction, and a transaction cannot be made without a scope. ``mine`` is the only way in
which stores select rows, and a test walks the stores' statements to prove it.
"""

import functools
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from hullguard.model.errors import Invalid
from hullguard.model.identity import Scope
from hullguard.storage import dialect

Row = Any
"""A row: its columns are attributes. The stores give each its type when they build a model object."""

Values = Mapping[str, Any]


class Transaction:
    """Statements inside one database transaction.

    ``now`` is the instant at which it began, so all rows of one transaction carry the same time.
    """

    def __init__(self, connection: AsyncConnection, scope: Scope, now: datetime) -> None:
        self.scope = scope
        self.now = now
        self._connection = connection
        self._after: list[Callable[[], Awaitable[None]]] = []

    @property
    def dialect(self) -> str:
        """``sqlite`` or ``mysql``; for ``storage/dialect.py`` only."""
        return self._connection.dialect.name

    def mine(self, table: sa.FromClause) -> sa.ColumnElement[bool]:
        """The condition that admits this scope's rows of ``table`` and no others."""
        condition = table.c.tenant == self.scope.tenant
        if self.scope.clusters is not None and "cluster" in table.c:
            condition = sa.and_(condition, table.c.cluster.in_(sorted(self.scope.clusters)))
        return condition

    def tenants(self, table: sa.FromClause) -> sa.ColumnElement[bool]:
        """Every row of the tenant, also outside the actor's clusters: for what follows from a change everywhere."""
        condition: sa.ColumnElement[bool] = table.c.tenant == self.scope.tenant
        return condition

    def within(self, scope: Scope) -> "Transaction":
        """The same transaction for another scope: where a secret has just proved which tenant is speaking."""
        other = Transaction(self._connection, scope, self.now)
        other._after = self._after
        return other

    def after_commit(self, call: Callable[[], Awaitable[None]]) -> None:
        """Run ``call`` once this transaction is kept; never if it is rolled back.

        This is where a cache message belongs: a reader woken earlier would not see the row yet.
        """
        self._after.append(call)

    async def committed(self) -> None:
        """Run what waits for the commit. ``Storage`` calls it."""
        for call in self._after:
            await call()

    async def run(self, statement: sa.Executable, rows: Values | Sequence[Values] | None = None) -> int:
        """Execute a writing statement; the number of rows that it touched."""
        if rows is not None and not rows:
            return 0
        return int((await self._execute(statement, rows)).rowcount)

    async def all(self, statement: sa.Executable) -> list[Row]:
        """Every row."""
        return list((await self._execute(statement)).all())

    async def first(self, statement: sa.Executable) -> Row | None:
        """The first row, if there is one."""
        return (await self._execute(statement)).first()

    async def scalar(self, statement: sa.Executable) -> Any:
        """The first column of the first row, or None."""
        return (await self._execute(statement)).scalar()

    async def insert(self, table: sa.Table, rows: Values | Iterable[Values]) -> None:
        """Add rows of this scope's tenant."""
        many = [rows] if isinstance(rows, Mapping) else list(rows)
        await self.run(sa.insert(table), [self._fit(table, row) for row in many])

    async def upsert(
        self,
        table: sa.Table,
        rows: Values | Iterable[Values],
        *,
        update: Sequence[str] = (),
        add: Sequence[str] = (),
    ) -> None:
        """Add rows; where the primary key exists, overwrite ``update`` and add to the counters ``add``."""
        many = [rows] if isinstance(rows, Mapping) else list(rows)
        keys = [column.name for column in table.primary_key]
        statement = dialect.upsert(self.dialect, table, keys, update, add=add)
        await self.run(statement, [self._fit(table, row) for row in many])

    async def _execute(
        self, statement: sa.Executable, rows: Values | Sequence[Values] | None = None
    ) -> sa.CursorResult[Any]:
        try:
            return await self._connection.execute(statement, rows)
        except (sa.exc.StatementError, OverflowError, UnicodeEncodeError) as cause:
            # Python refuses these before the database sees them: a number, a time or a text that nothing can hold.
            if isinstance(getattr(cause, "orig", cause), (OverflowError, UnicodeEncodeError)):
                raise Invalid("a number, a time or a text is not one that can be kept", "storage.value") from cause
            raise

    def _fit(self, table: sa.Table, row: Values) -> dict[str, Any]:
        """The row with its tenant, its texts cut to their columns: an odd name must not stop an agent's whole batch.

        What tells two rows apart is never cut, since two things would become one.
        """
        fitted: dict[str, Any] = {"tenant": self.scope.tenant}
        for name, value in row.items():
            length = getattr(table.c[name].type, "length", None)
            if length is not None and isinstance(value, str) and len(value) > length:
                if name in _identifying(table):
                    raise Invalid(f"{table.name}.{name} has {len(value)} characters; at most {length} fit", field=name)
                value = value[:length]  # noqa: PLW2901
            fitted[name] = value
        return fitted


@functools.cache
def _identifying(table: sa.Table) -> frozenset[str]:
    """The columns of the table's primary key and of its unique constraints."""
    constraints = (each for each in table.constraints if isinstance(each, sa.UniqueConstraint))
    unique = {column.name for constraint in constraints for column in constraint.columns}
    return frozenset(unique | {column.name for column in table.primary_key})
