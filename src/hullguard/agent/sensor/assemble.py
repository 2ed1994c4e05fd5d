"""A decoded record plus who the container is plus what the processes are: the event that detectors judge."""

from collections.abc import Callable

import msgspec

from hullguard.agent.sensor import abi
from hullguard.agent.sensor.accounts import Accounts
from hullguard.agent.sensor.containers import Identity
from hullguard.agent.sensor.decode import RawEvent, RawTask
from hullguard.agent.sensor.facts import facts, text
from hullguard.agent.sensor.files import open_file
from hullguard.agent.sensor.processes import Processes, at
from hullguard.agent.sensor.slots import KIND_NUMBERS
from hullguard.agent.sensor.sockets import socket
from hullguard.model.event import KUBERNETES, ContainerDetails, Event, Process, Socket

_KINDS = {number: kind for kind, number in KIND_NUMBERS.items()}
_NO_RESULT = frozenset({abi.EXEC, abi.DNS})
"""Kinds that are told from where there is no answer."""


class Assembler:
    """``boot_ns`` is the machine's start in nanoseconds since 1970; kernel times count from it."""

    def __init__(self, processes: Processes, boot_ns: Callable[[], int], accounts: Accounts | None = None) -> None:
        self._processes, self._boot_ns, self._accounts = processes, boot_ns, accounts or Accounts()

    def event(self, record: RawEvent, identity: Identity, watched_as: str | None) -> Event:
        """``watched_as`` is the watched path of the opened inode, where only the inode matched."""
        boot = self._boot_ns()
        opened = record.kind == abi.FILE
        return Event(
            kind=_KINDS[record.kind],
            at=at(record.time_ns, boot),
            sequence=record.sequence,
            container=identity.container,
            image=identity.image,
            lineage=self._lineage(record, identity.container.id, boot),
            path=record.path,
            known_as=(record.other or watched_as) if opened and record.flags & abi.BY_INODE else None,
            reads=bool(record.flags & abi.READS),
            writes=bool(record.flags & abi.WRITES),
            new_file=bool(record.flags & abi.NEW),
            stopped=bool(record.flags & (abi.KILLED | abi.REFUSED)),
            call=_call(record),
            result=None if record.flags & abi.BEFORE or record.kind in _NO_RESULT else record.result,
            raw_path=record.raw,
            target=_target(record),
            file=open_file(record),
            socket=_named(socket(record), identity.details),
            arguments=facts(record),
            container_details=identity.details,
        )

    def _lineage(self, record: RawEvent, container: str, boot: int) -> tuple[Process, ...]:
        """Outermost first; each one's parent is the next of the kernel's list, which begins with the nearest."""
        ancestors = [
            self._processes.ancestor(task, _parent_of(record.ancestry, position), at(task.start_ns, boot))
            for position, task in enumerate(record.ancestry)
        ]
        actor = self._processes.actor(record, at(record.task.start_ns, boot))
        return (*reversed(ancestors), self._accounts.named(actor, container))


def _named(known: Socket | None, details: ContainerDetails | None) -> Socket | None:
    """With the API server's name where it is the other end; the container's specification has its address."""
    api = details.kubernetes if details is not None else None
    if known is None or known.remote is None or known.remote.address != api:
        return known
    return msgspec.structs.replace(known, remote=msgspec.structs.replace(known.remote, name=KUBERNETES))


def _call(record: RawEvent) -> str:
    """Questions to name servers are told from packets, whatever call sent them."""
    if record.kind == abi.DNS:
        return ""
    return f"io_uring {record.call}" if record.flags & abi.RING else record.call


def _target(record: RawEvent) -> str | None:
    """The second path. A symbolic link says what it says; where that leads, the facts tell."""
    if record.kind in {abi.SYMLINK, abi.PIVOT}:
        return text(record.data) or None
    return None if record.kind in {abi.EXEC, abi.FILE} else record.other


def _parent_of(ancestry: tuple[RawTask, ...], position: int) -> int:
    return ancestry[position + 1].pid if position + 1 < len(ancestry) else 0
