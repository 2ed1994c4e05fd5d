"""A container's start as an event of its own: with what it may do, when its first program begins."""

from collections import OrderedDict
from datetime import timedelta

import msgspec

from hullguard.agent.sensor import abi
from hullguard.agent.sensor.decode import RawEvent
from hullguard.model.event import Event, EventKind

_FRESH = timedelta(minutes=1)
"""A specification is written at each start; an older one is that of a container which the agent only meets now."""
_MOST = 8192


class Starts:
    """Remembers the cgroups that were met; each start of a container makes a new one."""

    def __init__(self) -> None:
        self._met: OrderedDict[int, None] = OrderedDict()

    def may_be(self, record: RawEvent) -> bool:
        """Whether this may be a container's first program: its runtime started it, in a cgroup not met before."""
        begins = record.kind == abi.EXEC and bool(record.ancestry) and record.ancestry[0].outside
        return begins and record.cgroup not in self._met

    def start(self, event: Event) -> Event | None:
        """The start, if the event's container has just been made."""
        details = event.container_details
        if details is None or details.started is None or abs(event.at - details.started) > _FRESH:
            return None
        return msgspec.structs.replace(event, kind=EventKind.CONTAINER_START, call="")

    def told(self, cgroup: int) -> None:
        """Whoever should know does."""
        self._met[cgroup] = None
        if len(self._met) > _MOST:
            self._met.popitem(last=False)
