"""Commands: written as intent, carried out by hostmgr, ended by exactly one outcome."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from msgspec import Struct

from hullguard.model.command import Command, CommandKind, CommandState
from hullguard.model.errors import Conflict, Invalid, NotFound
from hullguard.model.ids import new_id
from hullguard.model.page import Page
from hullguard.model.policy import Parameter
from hullguard.storage.paging import Listing, PageRequest, any_of, fetch
from hullguard.storage.stores.places import cluster_of
from hullguard.storage.tables import commands, observations
from hullguard.storage.transaction import Row, Transaction

OPEN_PER_NODE = 100
"""Unfinished commands of one node beyond this are refused: they would only run late."""

_LONGEST_REASON = 500

UNSENT = (CommandState.QUEUED, CommandState.SENT)


class CommandFilter(Struct, frozen=True):
    """Which commands."""

    node: str | None = None
    state: frozenset[CommandState] = frozenset()
    kind: frozenset[CommandKind] = frozenset()
    container: str | None = None
    incident: str | None = None


class About(Struct, frozen=True):
    """What a command is about, and why it was given."""

    container: str | None = None
    incident: str | None = None
    reason: str = ""


_LISTING = Listing(
    key=commands.c.id,
    sorts={"created": commands.c.created},
    default="-created",
    search=(commands.c.id, commands.c.node, commands.c.kind, commands.c.created_by),
)


class Commands:
    """The commands of a scope. A final state is never left: every change asks for it in its own condition."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    async def create(
        self,
        node: str,
        kind: CommandKind,
        parameters: Mapping[str, Parameter],
        by: str,
        deadline: datetime,
        *,
        about: About | None = None,
    ) -> Command:
        """A queued command."""
        about = about or About()
        cluster = await cluster_of(self._tx, node)
        if len(await self.for_node(node)) >= OPEN_PER_NODE:
            raise Conflict(
                f"node {node} has {OPEN_PER_NODE} unfinished commands already; cancel some or wait", "command.too-many"
            )
        command = Command(
            id=new_id(),
            node=node,
            kind=kind,
            parameters=dict(parameters),
            created=self._tx.now,
            created_by=by,
            deadline=deadline,
            container=about.container,
            incident=about.incident,
            reason=about.reason[:_LONGEST_REASON],
        )
        await self._tx.insert(commands, {**_values(command, cluster), "open_until": deadline})
        return command

    async def keep(self, command: Command) -> bool:
        """One that an agent gave itself and has ended; False, and nothing changes, if it is known already."""
        if not command.state.final:
            raise Invalid(f"{command.state} is no outcome of a command", "command.not-final", field="state")
        cluster = await cluster_of(self._tx, command.node)
        if await self._rows([command.id]):
            return False
        values = {"result": command.result, "finished": command.finished or self._tx.now, "progress": command.progress}
        await self._tx.insert(commands, {**_values(command, cluster), **values})
        return True

    async def get(self, command: str) -> Command:
        """One command."""
        return _command(await self._row(command))

    async def page(self, wanted: CommandFilter, request: PageRequest) -> Page[Command]:
        """A page of commands, newest first."""
        tx = self._tx
        where = [tx.mine(commands)]
        where += [] if wanted.node is None else [commands.c.node == wanted.node]
        where += any_of(commands.c.state, {state.value for state in wanted.state}, tx)
        where += any_of(commands.c.kind, {kind.value for kind in wanted.kind}, tx)
        where += [] if wanted.container is None else [commands.c.container == wanted.container]
        where += [] if wanted.incident is None else [self._answers(wanted.incident)]
        found = await fetch(tx, sa.select(commands).where(*where), _LISTING, request)
        return Page([_command(row) for row in found.rows], found.total, found.cursor)

    def _answers(self, incident: str) -> sa.ColumnElement[bool]:
        """An agent knows only the observation that it answered, not the incident that this became a part of."""
        of = sa.select(observations.c.id).where(self._tx.mine(observations), observations.c.incident == incident)
        return sa.or_(commands.c.incident == incident, commands.c.incident.in_(of))

    async def for_node(self, node: str) -> list[Command]:
        """The node's unfinished commands that are still in time, oldest first."""
        select = sa.select(commands).where(
            self._tx.mine(commands), commands.c.node == node, commands.c.open_until > self._tx.now
        )
        return [_command(row) for row in await self._tx.all(select.order_by(commands.c.id))]

    async def reads_again(self, node: str) -> bool:
        """Whether a person had the node read its images again, and it is not done with that."""
        return any(
            command.kind is CommandKind.SCAN_NOW and command.parameters.get("again") is True
            for command in await self.for_node(node)
        )

    async def sent(self, command: str) -> bool:
        """It went over the wire, perhaps once more; False if it is final."""
        sent = sa.case((commands.c.state == CommandState.QUEUED.value, CommandState.SENT.value), else_=commands.c.state)
        return await self._change(command, state=sent, attempts=commands.c.attempts + 1)

    async def acknowledged(self, command: str) -> bool:
        """The agent has it; False if it is final."""
        waiting = commands.c.state.in_([state.value for state in UNSENT])
        state = sa.case((waiting, CommandState.ACKNOWLEDGED.value), else_=commands.c.state)
        return await self._change(command, state=state)

    async def progress(self, command: str, percent: int, message: str) -> bool:
        """The agent is at it; False if it is final."""
        percent = max(0, min(percent, 100))
        return await self._change(command, state=CommandState.RUNNING.value, progress=percent, message=message[:2000])

    async def finish(
        self, command: str, state: CommandState, result: Mapping[str, str | int], at: datetime | None = None
    ) -> bool:
        """The outcome. False, and nothing changes, if there was one before."""
        if not state.final:
            raise Invalid(f"{state} is no outcome of a command", "command.not-final", field="state")
        return await self._change(command, **_final(state, dict(result), at or self._tx.now))

    async def cancel(self, command: str) -> Command:
        """Give up on a command. An agent that runs it already may still do so; its result is then ignored."""
        result: dict[str, str | int] = {"code": "command.cancelled", "message": "a person cancelled the command"}
        if not await self._change(command, **_final(CommandState.CANCELLED, result, self._tx.now)):
            state = (await self.get(command)).state
            raise Conflict(f"command {command[:64]} is {state} already", "command.final", state=state.value)
        return await self.get(command)

    async def cancel_for_node(self, node: str) -> None:
        """The node goes; what it should do goes with it."""
        result: dict[str, str | int] = {"code": "command.node-removed", "message": "the node was removed"}
        open_ones = sa.and_(self._tx.mine(commands), commands.c.node == node, commands.c.open_until.is_not(None))
        values = _final(CommandState.CANCELLED, result, self._tx.now)
        await self._tx.run(sa.update(commands).where(open_ones).values(**values))

    async def expire(self, now: datetime | None = None) -> list[Command]:
        """End what is past its deadline; the commands that were."""
        at = now or self._tx.now
        select = sa.select(commands.c.id).where(self._tx.mine(commands), commands.c.open_until <= at).limit(1000)
        late = [row.id for row in await self._tx.all(select)]
        result: dict[str, str | int] = {
            "code": "command.expired",
            "message": "the node did not finish the command before its deadline",
        }
        for command in late:
            await self._change(command, **_final(CommandState.EXPIRED, result, at))
        return [_command(row) for row in await self._rows(late)]

    async def _change(self, command: str, **values: Any) -> bool:
        still_open = sa.and_(self._tx.mine(commands), commands.c.id == command, commands.c.open_until.is_not(None))
        if await self._tx.run(sa.update(commands).where(still_open).values(**values)):
            return True
        await self._row(command)
        return False

    async def _row(self, command: str) -> Row:
        rows = await self._rows([command])
        if not rows:
            raise NotFound(f"there is no command {command[:64]}", "command.not-found")
        return rows[0]

    async def _rows(self, ids: Collection[str]) -> list[Row]:
        select = sa.select(commands).where(self._tx.mine(commands), commands.c.id.in_(ids))
        return await self._tx.all(select.order_by(commands.c.id))


def _values(command: Command, cluster: str) -> dict[str, Any]:
    return {
        "id": command.id,
        "cluster": cluster,
        "node": command.node,
        "kind": command.kind.value,
        "parameters": command.parameters,
        "state": command.state.value,
        "created": command.created,
        "created_by": command.created_by,
        "deadline": command.deadline,
        "message": "",
        "result": {},
        "container": command.container,
        "incident": command.incident,
        "reason": command.reason,
    }


def _final(state: CommandState, result: dict[str, str | int], at: datetime) -> dict[str, Any]:
    values = {"state": state.value, "result": result, "finished": at, "open_until": None}
    return {**values, "progress": 100} if state is CommandState.DONE else values


def _command(row: Row) -> Command:
    return Command(
        id=row.id,
        node=row.node,
        kind=CommandKind(row.kind),
        parameters=row.parameters,
        state=CommandState(row.state),
        created=row.created,
        created_by=row.created_by,
        deadline=row.deadline,
        attempts=row.attempts,
        progress=row.progress,
        message=row.message,
        result=row.result,
        finished=row.finished,
        container=row.container,
        incident=row.incident,
        reason=row.reason,
    )
