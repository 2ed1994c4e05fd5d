"""What becomes a record in the spool: its bytes, its key, its priority."""

import msgspec

from hullguard.agent.spool import Keep, Priority, Spool
from hullguard.model.incident import Observation
from hullguard.model.severity import Severity
from hullguard.wire.messages import CommandUpdate, Incidents
from hullguard.wire.session import record_body

_MOST_BYTES = 60 * 1024
"""hostmgr refuses an observation of more than 64 KiB."""
_URGENT = frozenset({Severity.CRITICAL, Severity.HIGH})


def put_observation(spool: Spool, observation: Observation) -> bool:
    """Durable when this returns; the same observation again, after a crash, is the same record."""
    urgent = observation.stopped or observation.severity in _URGENT
    priority = Priority.HIGH if urgent else Priority.NORMAL
    return spool.put(priority, _body(observation), observation.id, Keep.FIRST)


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


def _body(observation: Observation) -> bytes:
    body = record_body(Incidents((observation,)))
    if len(body) <= _MOST_BYTES:
        return body
    # A process can choose megabytes of arguments; its ancestors' matter less than the incident itself.
    lineage = tuple(
        msgspec.structs.replace(process, args=tuple(arg[:200] for arg in process.args[:8]), args_truncated=True)
        for process in observation.lineage[-8:]
    )
    details = {name: value[:1000] for name, value in list(observation.details.items())[:16]}
    return record_body(Incidents((msgspec.structs.replace(observation, lineage=lineage, details=details),)))
