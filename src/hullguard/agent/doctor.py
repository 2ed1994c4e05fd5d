"""What this kernel and this host allow the agent, and what is in the way."""

import asyncio
import os
from collections import Counter
from collections.abc import Iterator, Sequence

from msgspec import Struct

from hullguard.agent import dirty_pipe, status
from hullguard.agent.config import AgentConfig
from hullguard.agent.runtime import engines
from hullguard.agent.runtime.docker import DEFAULT_HOST, Docker
from hullguard.agent.runtime.stock import Engine
from hullguard.agent.sensor.interface import HookInfo
from hullguard.agent.state import StateDir
from hullguard.model.errors import Conflict, HullguardError, Unavailable
from hullguard.model.node import Reason

_MANY = 5
"""Hooks of which the same is said."""


class Finding(Struct, frozen=True):
    """One line. ``ok`` of None: good to know, neither right nor wrong."""

    what: str
    ok: bool | None
    detail: str = ""


async def examine(config: AgentConfig) -> list[Finding]:
    """Look at everything that protection needs; changes nothing that lasts."""
    state = config.state_dir
    missing = state.reason_missing()
    found = [
        Finding("root", os.geteuid() == 0, "" if os.geteuid() == 0 else "the agent needs root to watch the kernel"),
        Finding("kernel", None, f"{os.uname().release} {os.uname().machine}"),
        _dirty_pipe(os.uname().release),
        Finding("enrolled", missing is None, missing or ""),
        *_alone(state),
        *await _engines(config),
        *_sensor(state),
    ]
    last = status.read(state) if missing is None else None
    found.append(_deny(config.deny_deadline_ms, last.heartbeat.reasons if last is not None else ()))
    if last is not None:
        found += [
            Finding(f"lost {kind}", count == 0, f"{count} events since the sensor was loaded")
            for kind, count in sorted(last.heartbeat.sensor.lost.items())
        ]
        dropped = sum(last.heartbeat.spool_dropped.values())
        found.append(Finding("spool", dropped == 0, f"{last.heartbeat.spool_records} waiting, {dropped} dropped"))
    return found


def _dirty_pipe(release: str) -> Finding:
    """An old number is no fault: distributions keep it when they mend."""
    may = dirty_pipe.may_be_open(release)
    return Finding("dirty pipe", True if may is False else None, dirty_pipe.words(release))


def _alone(state: StateDir) -> list[Finding]:
    """Whether an agent could start; the one that runs here answers that itself."""
    from hullguard.agent import alone

    if status.running(state):
        return []
    try:
        os.close(alone.claim(0))
    except Conflict as another:
        return [Finding("alone", False, str(another))]
    except Unavailable as why:
        return [Finding("alone", None, str(why))]
    return [Finding("alone", True, "no other agent runs on this machine")]


async def _engines(config: AgentConfig) -> list[Finding]:
    """Docker is no need where another engine is and nobody said where Docker would be."""
    others = [] if config.docker_only else [await _engine(each) for each in engines.every()]
    docker = Docker(config.docker_host)
    try:
        return [Finding("docker", True, await docker.version()), *others]
    except HullguardError as bad:
        needless = config.docker_host == DEFAULT_HOST and not docker.here() and any(each.ok for each in others)
        return [Finding("docker", None if needless else False, str(bad)), *others]


async def _engine(engine: Engine) -> Finding:
    try:
        if not engine.here():
            return Finding(engine.name, None, "not on this machine")
        async with asyncio.timeout(engines.LOOK_SECONDS):
            stock = await engine.stock()
    except TimeoutError:
        return Finding(engine.name, False, "it does not tell what it has")
    except HullguardError as bad:
        return Finding(engine.name, False, str(bad))
    counts = f"{stock.version}: {len(stock.images)} images, {len(stock.containers)} containers"
    return Finding(engine.name, not stock.left_out, f"{counts}, {stock.left_out} images not listed")


def _deny(deadline_ms: int, reasons: Sequence[Reason]) -> Finding:
    """Whether the kernel asks before a file is opened or a program starts, and what the agent said of it last."""
    # Here, because the command line imports this module and only `doctor` asks the kernel.
    from hullguard.agent.respond.fanotify import Group

    try:
        Group().close()
    except OSError as bad:
        return Finding("deny", False, f"no permission events: {bad.strerror}; nothing can be refused before it happens")
    wrong = [reason.message for reason in reasons if reason.code.startswith("deny.")]
    return Finding("deny", not wrong, " ".join(wrong) or f"fanotify; fails open after {deadline_ms} ms")


def _sensor(state: StateDir) -> list[Finding]:
    """The hooks of a running agent; without one, what the kernel would take. Blind spots are there either way."""
    # Here, because the command line imports this module and only `doctor` needs the sensor.
    from hullguard.agent.sensor import doctor
    from hullguard.agent.sensor.loader import check_possible

    try:
        check_possible()
    except Unavailable as bad:
        return [Finding("sensor", False, str(bad))]
    return list(_hooks(doctor.examine(state.root), live=status.running(state)))


def _hooks(hooks: Sequence[HookInfo], *, live: bool) -> Iterator[Finding]:
    """One line for each; what is the same for many is said once, before them."""
    said = {why for why, times in Counter(hook.why for hook in hooks).items() if why and times >= _MANY}
    for why in sorted(said):
        yield Finding(f"{sum(hook.why == why for hook in hooks)} hooks below", None, why)
    for hook in hooks:
        yield _hook(hook, "" if hook.why in said else hook.why, live=live)


def _hook(hook: HookInfo, why: str, *, live: bool) -> Finding:
    missing = False if live and hook.backend != "none" and not hook.needless else None
    words = (hook.backend, f"({hook.cost})" if hook.cost else "", why)
    return Finding(f"hook {hook.name}", hook.attached or missing, " ".join(word for word in words if word))
