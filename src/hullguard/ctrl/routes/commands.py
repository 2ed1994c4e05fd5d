"""Commands: intent written here, carried out by a node's agent, ended by exactly one outcome."""

import hashlib
from datetime import datetime, timedelta
from typing import Annotated, Final

import msgspec
from litestar import delete, get, post
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, JSONBody
from msgspec import Meta, Struct

from hullguard.ctrl.call import Call
from hullguard.ctrl.errors import decoding_error
from hullguard.ctrl.listing import Searched, Short
from hullguard.model.command import RESPONSES, Command, CommandKind, CommandState
from hullguard.model.errors import Conflict, Invalid, NotFound
from hullguard.model.identity import Permission
from hullguard.model.page import Page
from hullguard.model.policy import Parameter
from hullguard.storage import Transaction
from hullguard.storage.stores import About, Blobs, CommandFilter, Commands, Containers, Idempotency, Incidents

_HOUR: Final = 3600


class CommandQuery(Searched, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which commands."""

    node: Short | None = None
    state: tuple[CommandState, ...] = ()
    kind: tuple[CommandKind, ...] = ()
    container: Short | None = None
    incident: Short | None = None


class CommandInput(Struct, frozen=True, forbid_unknown_fields=True):
    """A command to one node.

    Parameters: ``scan_now`` takes ``image`` and ``again``, with which what is read takes the place of what is stored;
    ``update_agent`` takes ``sha256`` of an uploaded bundle and ``health_seconds``; the responses take ``container``,
    its whole id, ``stop_container`` also ``grace_seconds``, and ``kill_process`` also ``pid`` and ``started`` as an
    incident has them; the others take none.
    """

    node: Annotated[str, Meta(min_length=1, max_length=64)]
    kind: CommandKind
    parameters: Annotated[dict[str, Parameter], Meta(max_length=16)] = {}
    deadline_seconds: Annotated[int, Meta(ge=10, le=7 * 24 * _HOUR)] = _HOUR
    incident: Annotated[str, Meta(min_length=1, max_length=64)] | None = None
    """The incident that it answers."""
    reason: Annotated[str, Meta(max_length=500)] = ""
    """Why; kept with the command and in the audit."""


class _None(Struct, forbid_unknown_fields=True):
    pass


class _Scan(Struct, forbid_unknown_fields=True):
    image: Annotated[str, Meta(max_length=512)] = ""
    again: bool = False


class _Update(Struct, forbid_unknown_fields=True):
    sha256: Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z")]
    health_seconds: Annotated[int, Meta(ge=1, le=_HOUR)] = 60


class _Response(Struct, forbid_unknown_fields=True):
    container: Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z")]


class _Stop(_Response, forbid_unknown_fields=True):
    grace_seconds: Annotated[int, Meta(ge=0, le=300)] = 10


class _Process(_Response, forbid_unknown_fields=True):
    pid: Annotated[int, Meta(ge=1, le=1 << 22)]
    started: Annotated[datetime, Meta(tz=True)]


_PARAMETERS: Final[dict[CommandKind, type[Struct]]] = {
    CommandKind.SCAN_NOW: _Scan,
    CommandKind.DETECT_NOW: _None,
    CommandKind.UPDATE_POLICY: _None,
    CommandKind.UPDATE_AGENT: _Update,
    **dict.fromkeys(RESPONSES, _Response),
    CommandKind.STOP_CONTAINER: _Stop,
    CommandKind.KILL_PROCESS: _Process,
}


@get("/commands", permission=Permission.COMMANDS_READ)
async def list_commands(call: NamedDependency[Call], filters: NamedDependency[CommandQuery]) -> Page[Command]:
    """The commands, newest first."""
    async with call.reading() as tx:
        return await Commands(tx).page(filters.to(CommandFilter), filters.page())


@post("/commands", permission=Permission.COMMANDS_WRITE, idempotent=True, refusals=(404, 409))
async def create_command(call: NamedDependency[Call], data: JSONBody[CommandInput]) -> Command:
    """Ask one node's agent to do something.

    Sent again with the same Idempotency-Key within a day, it answers with the first command and creates none; the same
    key with another body is refused.
    """
    key = call.request.headers.get("idempotency-key")
    asked = hashlib.sha256(msgspec.json.encode(data, order="sorted")).hexdigest()
    async with call.changing() as tx:
        if key is not None and (known := await _first_answer(call, tx, key, asked)) is not None:
            return known
        wanted = await _check(tx, data)
        deadline = tx.now + timedelta(seconds=data.deadline_seconds)
        container = wanted.container if isinstance(wanted, _Response) else None
        about = About(container, data.incident, data.reason)
        made = await Commands(tx).create(data.node, data.kind, data.parameters, call.actor.name, deadline, about=about)
        if key is not None:
            await Idempotency(tx).remember(call.actor.name, key, asked, made.id)
        details = {"node": data.node, "kind": data.kind.value}
        details |= {} if container is None else {"container": container}
        await call.record(tx, "command.create", f"command:{made.id}", reason=data.reason, details=details)
        call.announce(tx, "command", made.id)
        call.wake(tx, data.node, b"commands")
    return made


@get("/commands/{command:str}", permission=Permission.COMMANDS_READ)
async def get_command(call: NamedDependency[Call], command: FromPath[str]) -> Command:
    """One command, with its progress and, once final, its result."""
    async with call.reading() as tx:
        return await Commands(tx).get(command)


@delete("/commands/{command:str}", permission=Permission.COMMANDS_WRITE, status_code=200, refusals=(409,))
async def cancel_command(call: NamedDependency[Call], command: FromPath[str]) -> Command:
    """Cancel a command that has no outcome yet."""
    async with call.changing() as tx:
        cancelled = await Commands(tx).cancel(command)
        await call.record(tx, "command.cancel", f"command:{command}", details={"node": cancelled.node})
        call.announce(tx, "command", command)
        call.wake(tx, cancelled.node, b"commands")
    return cancelled


async def _first_answer(call: Call, tx: Transaction, key: str, asked: str) -> Command | None:
    try:
        made = await Idempotency(tx).find(call.actor.name, key, asked)
    except Conflict as reused:
        raise Invalid(str(reused), reused.code, field="Idempotency-Key") from reused
    return None if made is None else await Commands(tx).get(made)


async def _check(tx: Transaction, data: CommandInput) -> Struct:
    """Parameters that the agent would refuse are refused here, by name."""
    try:
        wanted = msgspec.convert(data.parameters, _PARAMETERS[data.kind])
    except msgspec.ValidationError as cause:
        error = decoding_error(cause)
        field = (error.field or "$").replace("$", "$.parameters", 1)
        raise Invalid(str(error), "command.parameter", field=field, kind=data.kind.value) from cause
    if isinstance(wanted, _Response):
        await _check_response(tx, data, wanted.container)
    if isinstance(wanted, _Update):
        try:
            await Blobs(tx).get(wanted.sha256)
        except NotFound as cause:
            raise Invalid(
                "No agent bundle with this SHA-256 was uploaded; see GET /api/v1/agent-bundles.",
                "command.bundle-unknown",
                field="$.parameters.sha256",
            ) from cause
    return wanted


async def _check_response(tx: Transaction, data: CommandInput, identity: str) -> None:
    """The agent judges again, by what is so then; what cannot be by all that is known here is refused at once."""
    container = await Containers(tx).get(identity, data.node)
    if data.incident is not None:
        await Incidents(tx).get(data.incident)
    if data.kind is CommandKind.ISOLATE_CONTAINER and container.host_network:
        raise Conflict(
            f"container {container.name} has the host's network: isolating it would cut off the host; "
            "pause or stop it instead",
            "isolation.host-network",
            container=container.name,
        )
    possible = container.state == "running" if data.kind is CommandKind.KILL_PROCESS else data.kind in container.actions
    if not possible:
        raise Conflict(
            f"container {container.name} is {container.state}: {data.kind} is not possible now",
            "command.not-now",
            container=container.name,
            state=container.state,
            kind=data.kind.value,
        )


ROUTES: Final[tuple[HTTPRouteHandler, ...]] = (list_commands, create_command, get_command, cancel_command)
