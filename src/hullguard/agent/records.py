"""What becomes a record in the spool: its bytes, its key, its priority."""

import msgspec

from hullguard.agent.spool import Keep, Priority, Spool
from hullguard.model.command import Command
from hullguard.model.event import Event, Process
from hullguard.model.ids import new_id
from hullguard.model.incident import Deed, Observation
from hullguard.model.severity import Severity
from hullguard.wire.messages import CommandUpdate, Incidents, Learned, OwnCommand, RecordedEvent
from hullguard.wire.session import record_body

_MOST_BYTES = 60 * 1024
"""hostmgr refuses an observation of more than 64 KiB."""
_MOST_LINEAGE = 10
_LARGEST_EVENT = 16 * 1024
_URGENT = frozenset({Severity.CRITICAL, Severity.HIGH})


def put_observation(spool: Spool, observation: Observation, event: Event | None = None) -> bool:
    """Durable when this returns; the same observation again, after a crash, is the same record.

    ``event`` goes along, to be judged again by rules that change, unless it is too large for that.
    """
    urgent = observation.stopped or observation.severity in _URGENT
    priority = Priority.HIGH if urgent else Priority.NORMAL
    return spool.put(priority, _body(observation, event), observation.id, Keep.FIRST)


def put_update(spool: Spool, update: CommandUpdate) -> bool:
    """Progress replaces progress, and an outcome replaces both; an outcome is reported once."""
    running = f"command:{update.id}:running"
    if update.state == "running":
        return spool.put(Priority.LOW, record_body(update), running, Keep.NEWEST)
    final = update.state != "acknowledged"
    kept = spool.put(
        Priority.HIGH, record_body(update), f"command:{update.id}:{'outcome' if final else 'acknowledged'}", Keep.FIRST
    )
    if final:
        spool.withdraw(running)
    return kept


def put_own(spool: Spool, command: Command) -> bool:
    """A command that the agent gave itself, with its outcome; it is reported once."""
    return spool.put(Priority.HIGH, record_body(OwnCommand(command)), f"command:{command.id}:outcome", Keep.FIRST)


def put_learned(spool: Spool, learned: Learned) -> bool:
    """It counts what is new, so each record must arrive once; incidents go first."""
    return spool.put(Priority.LOW, record_body(learned), f"learned:{new_id()}", Keep.FIRST)


def _body(observation: Observation, event: Event | None) -> bytes:
    if len(msgspec.msgpack.encode(observation)) <= _MOST_BYTES:
        recorded = event is not None and len(msgspec.msgpack.encode(event)) <= _LARGEST_EVENT
        events = (RecordedEvent(observation.id, event),) if event is not None and recorded else ()
        return record_body(Incidents((observation,), events))
    # A process can choose megabytes of arguments; they matter less than that the incident arrives.
    details = {_cut(name, 64): _cut(value, 500) for name, value in list(observation.details.items())[:16]}
    # Its beginning tells what it belongs to, its end what happened.
    whole = observation.lineage
    lineage = tuple(map(_brief, whole if len(whole) <= _MOST_LINEAGE else (*whole[:2], *whole[2 - _MOST_LINEAGE :])))
    return record_body(
        Incidents(
            (
                msgspec.structs.replace(
                    observation, lineage=lineage, details=details, deed=_brief_deed(observation.deed), loaded=None
                ),
            )
        )
    )


def _brief_deed(deed: Deed | None) -> Deed | None:
    if deed is None:
        return None
    path, target = (None if text is None else _cut(text, 1000) for text in (deed.path, deed.target))
    return msgspec.structs.replace(deed, path=path, target=target)


def _brief(process: Process) -> Process:
    return msgspec.structs.replace(
        process,
        comm=_cut(process.comm, 64),
        exe=None if process.exe is None else _cut(process.exe, 1000),
        cwd=None if process.cwd is None else _cut(process.cwd, 1000),
        args=tuple(_cut(argument, 200) for argument in process.args[:8]),
        args_truncated=True,
    )


def _cut(text: str, size: int) -> str:
    """At most ``size`` bytes; a character may take four."""
    return text.encode(errors="replace")[:size].decode(errors="ignore")
