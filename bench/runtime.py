"""What the sensor costs those who are watched, and those who are not: ratios to the same loops without it.

Beside it, where it is installed and not in use, Linux audit with the same directories, executions and connections. Then
what a whole agent takes, and all of it as one table beside the figures that the design promises.

``python -m bench.runtime [--rounds N] [--plans NAME...] [--soak FILE]``; needs root and Docker, as the tests of the
sensor do. It takes less than ten minutes.
"""

import argparse
import errno
import os
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from tests.support.docker import docker, import_image, inspect, start_dockerd
from tests.support.sensor import state_directory

from bench import agent, auditd, flood, promises
from hullguard.agent.sensor.bpf_sensor import BpfSensor
from hullguard.detect import DEPARTURE, Engine, KernelPlan
from hullguard.detect.detectors.interface import Access, Wants
from hullguard.detect.plan import SlotPlan
from hullguard.model.event import Event, EventKind, Gap
from hullguard.model.policy import Action, Binding, DetectorSettings, NodePolicies, Policy, PolicySpec, RulesSpec
from hullguard.model.profile import Behaviour, Entry, Profile, ProfileState

SOURCE = Path(__file__).with_name("loops.c")
IMAGE = "hullguard-bench/loops"
# Name, what the loop does a run, runs.
LOOPS = (
    ("getppid", 100_000, 40),
    ("open", 10_000, 40),
    ("connect", 1_000, 30),
    ("refused", 1_000, 30),
    ("vfork", 40, 30),
    ("build", 20, 20),
)
WATCHED = ("/etc/*", "/usr/bin/*", "/bin/*", "*/.ssh/*", "*/release_agent", "/proc/sys/*", "/var/log/*")


def everything() -> KernelPlan:
    """Every kind of event there is, of files those that rules usually name, in every container."""
    wants = Wants(frozenset(EventKind), paths=WATCHED, access=frozenset(Access) - {Access.FAILED})
    slot = SlotPlan(wants=(wants,))
    return KernelPlan((), (slot, slot))


def network() -> KernelPlan:
    """Connections, binds, listening sockets, sends and questions for names: nothing that taxes system calls."""
    kinds = {EventKind.CONNECT, EventKind.BIND, EventKind.LISTEN, EventKind.SEND, EventKind.DNS}
    slot = SlotPlan(wants=(Wants(frozenset(kinds)),))
    return KernelPlan((), (slot, slot))


def profile(state: ProfileState) -> NodePolicies:
    """What the loops do, as the profile of their image, but for the connection that is to be refused."""
    learned = (
        Entry(Behaviour.EXEC, "/*", 1),
        Entry(Behaviour.WRITE, "/*", 1),
        Entry(Behaviour.CONNECT, "tcp 127.0.0.0/8 1", 1),
    )
    denied = {DEPARTURE: DetectorSettings(action=Action.DENY)}
    spec = PolicySpec(name="bench", detectors=denied, binding=Binding(nodes=["*"]), rules=RulesSpec(pack=False))
    policy = Policy("bench", 1, 1, spec, datetime.now(UTC), "bench")
    return NodePolicies(1, "bench", (policy,), (Profile("bench", IMAGE, state, 1, 1, learned),))


class Watch(NamedTuple):
    """What is in force while the loops run: the kernel's part, and what judges the events."""

    plan: KernelPlan
    engine: Engine


def _watch(plan: KernelPlan) -> Watch:
    """These filters, and the default policy to judge by."""
    return Watch(plan, Engine("node", "boot"))


def _of(policies: NodePolicies) -> Watch:
    engine = Engine("node", "boot")
    engine.load(policies)
    return Watch(engine.plan(), engine)


PLANS: dict[str, Callable[[], Watch]] = {
    "no policy": lambda: _watch(KernelPlan((), (SlotPlan(), SlotPlan()))),
    "network": lambda: _watch(network()),
    "default": lambda: _watch(Engine("node", "boot").plan()),
    "monitored": lambda: _of(profile(ProfileState.MONITOR)),
    "protected": lambda: _of(profile(ProfileState.PROTECT)),
    "everything": lambda: _watch(everything()),
}


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--plans", nargs="+", choices=PLANS, default=list(PLANS))
    arguments.add_argument("--soak", type=Path, help="what the last `bench.soak` wrote with --summary")
    given = arguments.parse_args()
    peer = auditd.why_not()
    with ExitStack() as stack:
        work = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="hgbench", dir="/tmp")))
        address = stack.enter_context(start_dockerd())
        places = {"container": _in_container(address, _build(work)), "host": [str(work / "loops")]}
        best: promises.Best = {}
        for _ in range(given.rounds):
            _note(best, "without", places)
            for name in given.plans:
                with _sensor(address, PLANS[name]()):
                    _note(best, name, places)
            if peer is None:
                with auditd.auditd(WATCHED):
                    _note(best, "auditd", places)
        _report(best, list(places), [*given.plans, *([] if peer else ["auditd"])])
        print(f"auditd is left out: {peer}" if peer else "auditd watches the directories, executions and connections")
        handed = flood.report(address, places["container"], everything)
        promises.report(best, handed, agent.measure(address), given.soak)


def _build(work: Path) -> bytes:
    made = work / "loops"
    subprocess.run([shutil.which("cc") or "gcc", "-static", "-O2", "-o", made, SOURCE], check=True)
    return made.read_bytes()


def _in_container(address: str, program: bytes) -> list[str]:
    import_image(address, IMAGE, {"bin/loops": program})
    script = "chmod 755 /bin/loops; exec sleep 100000"
    started = docker(address, "run", "-d", "--network", "none", IMAGE, "/bin/sh", "-c", script)
    state = inspect(address, started.stdout.decode().strip())["State"]
    assert isinstance(state, dict)
    pid = int(state["Pid"])
    lines = Path(f"/proc/{pid}/cgroup").read_text().splitlines()
    memory = next((line.split(":", 2)[2] for line in lines if line.split(":")[1] == "memory"), None)
    if memory is None:
        raise SystemExit("This benchmark needs the memory controller of cgroup v1.")
    # An engine's containers get no real-time priority. What makes a process the container's, for the sensor, is its
    # memory group and its mount namespace; so the loop is started here and enters those two only.
    join = f'echo $$ > /sys/fs/cgroup/memory{memory}/cgroup.procs; exec nsenter -t {pid} -m "$@"'
    return ["sh", "-c", join, "sh", "/bin/loops"]


def _run(command: list[str], *, refuses: bool) -> dict[str, float]:
    found = {}
    for name, times, runs in LOOPS:
        done = subprocess.run([*command, name, str(times), str(runs)], check=True, capture_output=True, text=True)
        nanoseconds, failed = done.stdout.split()
        if (int(failed) == errno.EPERM) != (refuses and name == "refused"):
            raise SystemExit(f"The loop {name} ended with {os.strerror(int(failed))}: nothing of it can be said.")
        found[name] = float(nanoseconds)
    return found


@contextmanager
def _sensor(address: str, watch: Watch) -> Iterator[None]:
    """A sensor under this plan, with somebody who reads what it says and judges it."""
    with state_directory() as directory:
        sensor = BpfSensor.open(directory, address)
        sensor.apply(watch.plan)
        sensor.settle()
        ended = threading.Event()

        def read() -> None:
            def take(event: Event | Gap) -> None:
                if isinstance(event, Event):
                    watch.engine.judge(event)

            while not ended.is_set():
                sensor.poll(take, 100)

        reader = threading.Thread(target=read)
        reader.start()
        try:
            yield
        finally:
            ended.set()
            reader.join()
            sensor.close(unpin=True)


def _note(best: promises.Best, plan: str, places: dict[str, list[str]]) -> None:
    for place, command in places.items():
        known = best.setdefault((place, plan), {})
        refuses = (place, plan) == ("container", "protected")
        for loop, nanoseconds in _run(command, refuses=refuses).items():
            known[loop] = min(nanoseconds, known.get(loop, nanoseconds))


def _report(best: promises.Best, places: list[str], plans: list[str]) -> None:
    kernel = subprocess.run(["uname", "-rm"], check=True, capture_output=True, text=True).stdout.strip()
    print(f"Linux {kernel}; nanoseconds without the sensor, then ratios to that; best of many short runs")
    print(f"{'':10} {'':12}" + "".join(f"{loop:>12}" for loop, _, _ in LOOPS))
    for place in places:
        base = best[place, "without"]
        print(f"{place:10} {'without':12}" + "".join(f"{base[loop]:12.0f}" for loop, _, _ in LOOPS))
        for plan in plans:
            found = best[place, plan]
            print(f"{place:10} {plan:12}" + "".join(f"{found[loop] / base[loop]:12.2f}" for loop, _, _ in LOOPS))


if __name__ == "__main__":
    main()
