"""What a whole agent takes while nothing happens, and how late an attack is in the store, under the default policy."""

import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from tests.support.docker import IMAGE, docker, import_image, said
from tests.support.platform import Client, running_platform

IDLE_SECONDS = 60
ROUNDS = 30
_START_SECONDS = 180


class Taken(NamedTuple):
    """The agent's processes at one moment."""

    cpu_seconds: float
    """Of those that have ended, too."""
    agent_mb: float
    """Resident, without the process that reads images."""
    worker_mb: float
    """That process, while there is one."""


class Figures(NamedTuple):
    """Of one agent."""

    resident_mb: float
    """What its processes share counts for each of them."""
    proportional_mb: float
    """What they share counts once."""
    idle: float
    """Share of a core."""
    stored_ms: float
    """Median from the kernel's event to the stored incident."""


def taken(agent: int) -> Taken:
    """Of a process and all below it."""
    ticks, own, worker = 0, 0, 0
    for pid in _family(agent):
        with suppress(OSError, IndexError):
            ticks += sum(int(each) for each in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:15])
            pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
            reads = b"images_worker" in Path(f"/proc/{pid}/cmdline").read_bytes()
            own, worker = (own, worker + pages) if reads else (own + pages, worker)
    size = os.sysconf("SC_PAGE_SIZE") / 1e6
    return Taken(ticks / os.sysconf("SC_CLK_TCK"), own * size, worker * size)


def protected(client: Client) -> None:
    """Returns when the one node is protected, with every hook of its policy."""

    def holds(page: dict[str, list[dict[str, str]]]) -> bool:
        return [node["state"] for node in page["items"]] == ["protected"]

    client.wait("/nodes", holds, seconds=_START_SECONDS)


def measure(address: str) -> Figures:
    """Runs the whole platform in a temporary directory against this Docker daemon."""
    import_image(address)
    container = said(address, "run", "-d", "--network", "none", IMAGE, "sleep", "1000")
    with (
        tempfile.TemporaryDirectory(prefix="hgbench") as work,
        running_platform(Path(work) / "data", environ={"DOCKER_HOST": address}) as platform,
    ):
        client = platform.client()
        protected(client)
        time.sleep(10)  # the images that it met are read
        before = taken(platform.pid("agent"))
        time.sleep(IDLE_SECONDS)
        after = taken(platform.pid("agent"))
        for number in range(ROUNDS):
            docker(address, "exec", container, "cat", "/etc/shadow", f"/{number}", check=False)
            time.sleep(0.3)
        time.sleep(2)
        late = [_late(each) for each in client.all(f"/incidents?container={container}")]
        resident = max(after.agent_mb, taken(platform.pid("agent")).agent_mb)
        proportional = sum(map(_proportional, _family(platform.pid("agent"))))
    docker(address, "rm", "-f", container)
    if len(late) != ROUNDS:
        raise SystemExit(f"{len(late)} of {ROUNDS} reads of /etc/shadow became incidents")
    idle = (after.cpu_seconds - before.cpu_seconds) / IDLE_SECONDS
    return Figures(resident, proportional, idle, statistics.median(late))


def _late(incident: dict[str, str]) -> float:
    at, received = (datetime.fromisoformat(incident[key]).timestamp() for key in ("at", "received"))
    return 1000 * (received - at)


def _proportional(pid: int) -> float:
    """MB, without what others have of shared pages (proc_pid_smaps(5)); the process that reads images is none of it."""
    with suppress(OSError):
        if b"images_worker" not in Path(f"/proc/{pid}/cmdline").read_bytes():
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
            return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) * 1024 / 1e6
    return 0.0


def _family(pid: int) -> Iterator[int]:
    yield pid
    with suppress(OSError):
        for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            yield from _family(int(child))
