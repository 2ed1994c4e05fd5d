"""Incidents that the agent itself reports: what was refused, and what became of the means to refuse it."""

import os
import time
from datetime import UTC, datetime

import msgspec

from hullguard.agent.respond import orders
from hullguard.detect.detectors.catalog import BY_ID
from hullguard.detect.detectors.departure import DEPARTURE
from hullguard.detect.detectors.departure import details as departed
from hullguard.detect.profiles import Known
from hullguard.detect.profiles import refused as refused_deed
from hullguard.model.event import ContainerRef, ImageRef, Process
from hullguard.model.ids import derived_id
from hullguard.model.incident import Observation
from hullguard.model.node import Container
from hullguard.model.policy import Action
from hullguard.model.profile import Behaviour, Profile, ProfileState
from hullguard.model.severity import Severity

HOST = ContainerRef("host")
_TICK = 1.0 / os.sysconf("SC_CLK_TCK")
_UNKNOWN = Severity.HIGH, "T1059"
"""Of a detector that this agent has not any more."""


def refused(
    word: orders.Refused, container: Container | None, profile: Profile | None, node: str, boot: str
) -> Observation:
    """The same word always gives the same incident, however often the responder says it."""
    detector = BY_ID.get(word.rule)
    severity, technique = (detector.info.severity, detector.info.technique) if detector else _UNKNOWN
    lineage = tuple(map(_process, word.lineage))
    actor = lineage[-1]
    if word.rule == DEPARTURE:
        details = _departed(word, actor, profile)
    else:
        details = {"path": word.path}
        details |= {"command": " ".join(actor.args)[:1000]} if word.exec else {"program": actor.exe or actor.comm}
    if word.unreported:
        details["unreported"] = str(word.unreported)
    return Observation(
        id=derived_id(node, boot, "deny", word.at_ns, word.number),
        at=datetime.fromtimestamp(word.at_ns / 1e9, UTC),
        rule=word.rule,
        severity=severity,
        technique=technique,
        action=Action.DENY,
        stopped=True,
        container=ContainerRef(word.container, container.name if container else ""),
        image=None if container is None else ImageRef(container.image.id, container.image.name),
        lineage=lineage,
        details=details,
        policy=word.policy,
    )


def of_agent(rule: str, node: str, boot: str, details: dict[str, str]) -> Observation:
    """Something happened to the agent itself: whoever wants to attack unseen begins there (T1562.001)."""
    now = datetime.now(UTC)
    pid = os.getpid()
    return Observation(
        id=derived_id(node, boot, rule, now.isoformat()),
        at=now,
        rule=rule,
        severity=Severity.HIGH,
        technique="T1562.001",
        action=Action.ALERT,
        stopped=False,
        container=HOST,
        image=None,
        lineage=(Process(pid, os.getppid(), "hullguard-agent", args=("hullguard", "agent"), uid=os.geteuid()),),
        details=details,
    )


def tampered(name: str, since: datetime, node: str, boot: str, *, repaired: bool) -> Observation:
    """Something of the agent's own in the kernel was changed by another: what, and since when at the earliest."""
    details = {"name": name, "since": since.isoformat(timespec="seconds"), "repaired": "yes" if repaired else "no"}
    return of_agent("agent.tampered", node, boot, details)


def ended(pid: int, last: datetime, node: str, boot: str) -> Observation:
    """The agent before this one was not told to end: somebody killed it, or it failed."""
    details = {"pid": str(pid), "since": last.isoformat(timespec="seconds")}
    made = of_agent("agent.ended", node, boot, details)
    # However often it is found, until the agent that found it has left a word of its own.
    return msgspec.structs.replace(made, id=derived_id(node, boot, made.rule, pid, last.isoformat()))


def _departed(word: orders.Refused, actor: Process, profile: Profile | None) -> dict[str, str]:
    """As the detector tells it of what it saw. A responder can tell of a profile that the agent has no more."""
    deed = refused_deed(Behaviour.EXEC if word.exec else Behaviour.WRITE, word.path)
    of = profile or Profile("", "", ProfileState.PROTECT, 0)
    return departed(deed, actor.exe or actor.comm, of, Known(of.entries))


def _process(seen: orders.Seen) -> Process:
    boot = time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)
    return Process(
        pid=seen.pid,
        ppid=seen.ppid,
        comm=seen.comm,
        exe=seen.exe or None,
        args=seen.args,
        uid=seen.uid,
        gid=seen.gid,
        started=datetime.fromtimestamp(boot + seen.started_ticks * _TICK, UTC),
        outside=not seen.inside,
    )
