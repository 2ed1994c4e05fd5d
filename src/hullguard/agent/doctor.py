"""What this kernel and this host allow the agent, and what is in the way."""

import os
import tempfile
from pathlib import Path

from msgspec import Struct

from hullguard.agent import status
from hullguard.agent.config import AgentConfig
from hullguard.agent.runtime.docker import Docker
from hullguard.agent.sensor.interface import HookInfo
from hullguard.agent.state import StateDir
from hullguard.model.errors import HullguardError, Unavailable


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
        Finding("enrolled", missing is None, missing or ""),
        await _docker(config.docker_host),
        *_sensor(state),
    ]
    last = status.read(state) if missing is None else None
    if last is not None:
        found += [
            Finding(f"lost {kind}", count == 0, f"{count} events since the sensor was loaded")
            for kind, count in sorted(last.heartbeat.sensor.lost.items())
        ]
        dropped = sum(last.heartbeat.spool_dropped.values())
        found.append(Finding("spool", dropped == 0, f"{last.heartbeat.spool_records} waiting, {dropped} dropped"))
    return found


async def _docker(host: str) -> Finding:
    try:
        return Finding("docker", True, await Docker(host).version())
    except HullguardError as bad:
        return Finding("docker", False, str(bad))


def _sensor(state: StateDir) -> list[Finding]:
    """A running agent's hooks; else those that a sensor made for a moment gets."""
    from hullguard.agent.sensor.loader import check_possible
    from hullguard.agent.sensor.pins import Pins

    try:
        check_possible()
    except Unavailable as bad:
        return [Finding("sensor", False, str(bad))]
    if status.running(state):
        places = [path for path in _directories(state.root / "bpf") if (path / "sequence").exists()]
        return [_hook(hook) for path in places for hook in Pins(path).hooks()] or [
            Finding("sensor", False, "the running agent has nothing in the kernel")
        ]
    return _trial()


def _trial() -> list[Finding]:
    from hullguard.agent.sensor.bpf_sensor import BpfSensor
    from hullguard.detect import default_policies, plan

    with tempfile.TemporaryDirectory(prefix="hullguard-doctor-") as directory:
        try:
            sensor = BpfSensor.open(Path(directory), None)
        except Unavailable as bad:
            return [Finding("sensor", False, str(bad))]
        try:
            sensor.apply(plan(default_policies()))
            return [_hook(hook) for hook in sensor.hooks()]
        finally:
            sensor.close(unpin=True)
            (Path(directory) / "bpf").rmdir()


def _hook(hook: HookInfo) -> Finding:
    return Finding(f"hook {hook.name}", hook.attached, f"{hook.backend} {hook.why}".strip())


def _directories(path: Path) -> list[Path]:
    return [child for child in path.iterdir() if child.is_dir()] if path.is_dir() else []
