"""Facts of one kind of event, under the names that ``detect/fields/arguments.py`` lists."""

from collections.abc import Callable

from hullguard.agent.sensor import abi, dns
from hullguard.agent.sensor.decode import RawEvent

Facts = dict[str, str | int]


def facts(record: RawEvent) -> Facts:
    """What is said of the event beside its paths, its file and its socket."""
    found = _KINDS[record.kind](record) if record.kind in _KINDS else {}
    if record.flags & (abi.UNRESOLVED | abi.OTHER_UNRESOLVED):
        found["unresolved"] = 1
    return found


def _dup(record: RawEvent) -> Facts:
    return {"old_fd": record.arguments[0], "new_fd": record.arguments[1]}


def _dns(record: RawEvent) -> Facts:
    asked = dns.question(record.data)
    return {"name": asked.name, "type": asked.kind} if asked else {}


_KINDS: dict[int, Callable[[RawEvent], Facts]] = {
    abi.DUP: _dup,
    abi.DNS: _dns,
}
