"""An hour of ordinary container life under the default policy: what is an incident then, and what the agent takes.

What it consists of stands in ``bench/ordinary.py``. None of it is an attack, so each incident is a mistake of a rule.
The platform and its Docker daemon are this run's own. Building needs a Debian mirror, PyPI and npm.
"""

import argparse
import contextlib
import os
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import httpx
from tests.support.docker import docker, start_dockerd
from tests.support.platform import Client, running_platform

from bench.agent import Taken, protected, taken
from bench.ordinary import BASE, BUILDS, JOBS, PREFIX, SERVICES, TOOLS, UPGRADES, VISITS, fetch
from hullguard.detect.engine import MISSED

T = TypeVar("T")
NET = "soak"
BUILD_SECONDS, JOB_SECONDS, VISIT_SECONDS, RESTART_SECONDS, UPGRADE_SECONDS, SAMPLE_SECONDS = 300, 30, 60, 240, 1200, 30
_NEAR = timedelta(seconds=30)
BUILD_LIMIT = 1800
"""Seconds; a machine that others use too is slow."""


class Sample(NamedTuple):
    """The agent at one moment."""

    minutes: float
    taken: Taken
    incidents: int
    """Of this run."""
    others: int
    """Of what else goes on on this machine."""
    lost: int
    """Events that the sensor counted as lost."""


class Mine:
    """Which incidents are this run's: others who use the machine meanwhile may well attack containers of theirs.

    A container is this run's if its daemon made it, and a deed on the host if it came from that daemon or this process.
    That events of such a container were lost is not, where another's flood took their room.
    """

    def __init__(self, host: str, made: Path) -> None:
        self._place, self._made = f"{Path(host.removeprefix('unix://')).parent}/", made

    def made(self) -> set[str]:
        """Ids of all containers so far."""
        return set(self._made.read_text().split())

    def parted(self, incidents: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """This run's, and the others'."""
        made = self.made()
        own: list[dict[str, Any]] = []
        others: list[dict[str, Any]] = []
        for incident in incidents:
            identity = incident["container"]["id"]
            mine = self._began(incident["lineage"]) if identity == "host" else identity in made
            (own if mine else others).append(incident)
        crowded = [each for each in own if any(_crowded_out(each, other) for other in others)]
        return [each for each in own if each not in crowded], [*others, *crowded]

    def _began(self, lineage: list[dict[str, Any]]) -> bool:
        """Whatever a daemon starts is told its directory, or descends from what is."""
        return any(
            process["pid"] == os.getpid() or any(self._place in word for word in process.get("args", ()))
            for process in lineage
        )


class Life:
    """The daemon, and whose turn it is next of those that take turns."""

    def __init__(self, host: str, work: Path) -> None:
        self.host, self._work = host, work
        self._turns: dict[str, int] = {}

    def begin(self, settled: Callable[[], None]) -> None:
        """Builds and starts the services; calls ``settled`` after each."""
        docker(self.host, "network", "create", NET)
        for service in SERVICES:
            self._image(service.name, service.dockerfile)
            self._start(service.name, service.options)
            settled()
        self._image("tools", TOOLS)
        settled()

    def build(self) -> None:
        """The next of the images that are built again and again."""
        name = self._turn("build", tuple(BUILDS))
        self._image(name, BUILDS[name])

    def job(self) -> None:
        options, image, script = self._turn("job", JOBS)
        done = docker(self.host, "run", "--rm", *options, image, "sh", "-c", script, check=False)
        self._say(f"job in {image}", done)

    def visit(self) -> None:
        name, script = self._turn("visit", VISITS)
        self._say(f"visit to {name}", docker(self.host, "exec", name, "sh", "-c", script, check=False))
        docker(self.host, "logs", "--tail", "20", name, check=False)
        docker(self.host, "top", name, check=False)
        with tempfile.TemporaryDirectory(prefix="hgsoak") as place:
            self._say(f"copy from {name}", docker(self.host, "cp", f"{name}:/etc/hosts", place, check=False))

    def upgrade(self) -> None:
        name, script = self._turn("upgrade", UPGRADES)
        self._say(f"upgrade of {name}", self._patiently("exec", name, "sh", "-c", script))

    def restart(self) -> None:
        """A service is started anew, and every other time a new container takes its place."""
        service = self._turn("restart", SERVICES)
        if self._turn("way", (True, False)):
            self._say(f"restart of {service.name}", docker(self.host, "restart", "-t", "5", service.name, check=False))
        else:
            self._say(f"removal of {service.name}", docker(self.host, "rm", "-f", service.name, check=False))
            self._start(service.name, service.options)

    def _turn(self, what: str, those: tuple[T, ...]) -> T:
        turn = self._turns[what] = self._turns.get(what, -1) + 1
        return those[turn % len(those)]

    def _start(self, name: str, options: tuple[str, ...]) -> None:
        run = ("run", "-d", "--name", name, "--network", NET, "--restart", "always")
        self._say(f"start of {name}", docker(self.host, *run, *options, f"{PREFIX}/{name}", check=False))

    def _image(self, name: str, text: str) -> None:
        """With the engine's own builder, whose containers can be seen."""
        with tempfile.TemporaryDirectory(prefix="hgsoak") as context:
            (Path(context) / "Dockerfile").write_text(text, encoding="utf-8")
            for given in ("wheels", "node_modules"):
                if f"COPY {given} " in text:
                    shutil.copytree(self._work / given, Path(context) / given)
            self._say(
                f"build of {name}",
                self._patiently("build", "-q", "--no-cache", "--network", NET, "-t", f"{PREFIX}/{name}", context),
            )

    def _patiently(self, *arguments: str) -> subprocess.CompletedProcess[bytes]:
        environ = {**os.environ, "DOCKER_BUILDKIT": "0"}
        command = ["docker", "-H", self.host, *arguments]
        return subprocess.run(command, env=environ, capture_output=True, check=False, timeout=BUILD_LIMIT)

    @staticmethod
    def _say(what: str, done: subprocess.CompletedProcess[bytes]) -> None:
        """Life that did not go as it should is no proof of anything."""
        if done.returncode:
            said = (done.stdout[-1500:] + done.stderr[-1500:]).decode(errors="replace")
            print(f"  {what} ended with {done.returncode}: {said}", flush=True)


def main() -> None:
    given = _arguments()
    with contextlib.ExitStack() as stack:
        work = Path(given.work or stack.enter_context(tempfile.TemporaryDirectory(prefix="hgsoak")))
        host = stack.enter_context(start_dockerd(networks=True))
        data = stack.enter_context(tempfile.TemporaryDirectory(prefix="hgsoak"))
        fetch(work)
        _import_base(host, work)
        platform = stack.enter_context(running_platform(Path(data) / "data", environ={"DOCKER_HOST": host}))
        client = platform.client()
        protected(client)
        print(f"{given.minutes:g} minutes of ordinary life under the default policy", flush=True)
        mine = Mine(host, stack.enter_context(_noted(host)))
        samples = _live(Life(host, work), client, mine, given.minutes, lambda: platform.pid("agent"))
        time.sleep(5)
        said = _report(client, samples, mine)
        print(said)
        if given.summary:
            given.summary.write_text(said + "\n", encoding="utf-8")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--work", help="directory that keeps the Debian and the packages for the next run")
    parser.add_argument("--summary", type=Path, help="file for what came of it, in one line")
    return parser.parse_args()


def _import_base(host: str, work: Path) -> None:
    """A Debian with the mirrors of this machine, as mmdebstrap makes it."""
    base = work / "soak-base.tar"
    if not base.exists():
        fresh = base.with_suffix(".new.tar")
        subprocess.run(["mmdebstrap", "--quiet", "--variant=minbase", "bookworm", str(fresh)], check=True)
        fresh.rename(base)
    docker(host, "import", str(base), BASE)


@contextlib.contextmanager
def _noted(host: str) -> Iterator[Path]:
    """A file of the ids of all containers that the daemon makes."""
    with tempfile.TemporaryDirectory(prefix="hgsoak") as directory:
        ids = Path(directory) / "ids"
        asked = ("--filter", "type=container", "--filter", "event=create", "--format", "{{.ID}}")
        with ids.open("wb") as file:
            events = subprocess.Popen(["docker", "-H", host, "events", *asked], stdout=file)
        try:
            yield ids
        finally:
            events.terminate()
            events.wait()


def _live(life: Life, client: Client, mine: Mine, minutes: float, agent: Callable[[], int]) -> list[Sample]:
    started = time.monotonic()
    samples: list[Sample] = []

    def sample() -> None:
        lost = sum(client.get("/nodes")["items"][0]["sensor"]["lost"].values())
        found, others = map(len, mine.parted(_incidents(client)))
        one = Sample((time.monotonic() - started) / 60, taken(agent()), found, others, lost)
        samples.append(one)
        cpu, own, worker = one.taken
        print(
            f"{one.minutes:6.1f} min {cpu:7.1f} s {own:6.1f} MB + {worker:5.1f} MB {found} incidents {lost} lost"
            + (f" ({others} incidents of others)" if others else ""),
            flush=True,
        )

    sample()
    life.begin(sample)
    due = [
        (BUILD_SECONDS, life.build),
        (JOB_SECONDS, life.job),
        (VISIT_SECONDS, life.visit),
        (RESTART_SECONDS, life.restart),
        (UPGRADE_SECONDS, life.upgrade),
        (SAMPLE_SECONDS, sample),
    ]
    last = [-every + started for every, _ in due]
    while time.monotonic() < started + minutes * 60:
        for place, (every, do) in enumerate(due):
            if time.monotonic() >= last[place] + every:
                last[place] = time.monotonic()
                with _unhurried():
                    do()
        time.sleep(1)
    sample()
    return samples


@contextlib.contextmanager
def _unhurried() -> Iterator[None]:
    """A machine that is too busy for an order within its time goes on living without it, and says so."""
    try:
        yield
    except subprocess.TimeoutExpired as late:
        print(f"  took too long: {' '.join(map(str, late.cmd))[:100]}", flush=True)
    except httpx.HTTPError as late:
        print(f"  the platform was not asked: {late!r}", flush=True)


def _crowded_out(gap: dict[str, Any], flood: dict[str, Any]) -> bool:
    """Whether events were lost because somebody else's container filled the ring that both share: it lost more."""
    if not gap["rule"] == flood["rule"] == MISSED:
        return False
    one, other = gap["details"], flood["details"]
    near = abs(datetime.fromisoformat(one["until"]) - datetime.fromisoformat(other["until"])) < _NEAR
    return (
        one["events"] == other["events"]
        and one["why"] == other["why"] == "full"
        and near
        and (int(one["count"]) < int(other["count"]))
    )


def _incidents(client: Client) -> list[dict[str, Any]]:
    """All of them; while pages are asked for there may be more."""
    page = client.get("/incidents?limit=500")
    items: list[dict[str, Any]] = page["items"]
    while page["cursor"]:
        page = client.get(f"/incidents?limit=500&cursor={page['cursor']}")
        items += page["items"]
    return items


def _told(incident: dict[str, Any]) -> str:
    lineage = " < ".join(" ".join(each.get("args", [each["comm"]]))[:120] for each in reversed(incident["lineage"]))
    return f"{incident['details']} by {lineage}"


def _report(client: Client, samples: list[Sample], mine: Mine) -> str:
    """Prints each incident, and answers what came of it all."""
    incidents, others = mine.parted(_incidents(client))
    made = mine.made()
    doubtful = [each for each in others if each["container"]["id"] in {"host", *made}]
    for whose, those in (("", incidents), ("by others: ", doubtful)):
        for incident in those:
            image = incident["image"] and incident["image"]["name"]
            print(f"{whose}{incident['at']} {incident['rule']} in {image or incident['container']}: {_told(incident)}")
    first, last = samples[0], samples[-1]
    seconds = (last.minutes - first.minutes) * 60
    share = 100 * (last.taken.cpu_seconds - first.taken.cpu_seconds) / seconds if seconds else 0.0
    if others:
        print(f"{len(others)} incidents of other containers and processes of this machine, which are not counted")
    found = [sample.taken.agent_mb for sample in samples]
    middle, worker = statistics.median(found), max(sample.taken.worker_mb for sample in samples)
    return (
        f"{len(incidents)} incidents of the host and of {len(mine.made())} containers in {last.minutes:.0f} minutes, "
        f"{last.lost - first.lost} events lost; agent {min(found):.0f} MB at least, {middle:.0f} median, "
        f"{max(found):.0f} at most, what reads images {worker:.0f} MB at most, {share:.2f} % of a core"
    )


if __name__ == "__main__":
    main()
