"""A real sensor on the real kernel, and containers for it to watch."""

import contextlib
import errno
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest
from tests.support.docker import IMAGE, docker, inspect

from hullguard.agent.drift import Drifts
from hullguard.agent.sensor.bpf_sensor import BpfSensor
from hullguard.detect import Engine, KernelPlan, default_policies
from hullguard.model.errors import Unavailable
from hullguard.model.event import Event, Gap
from hullguard.model.incident import Observation
from hullguard.model.policy import NodePolicies, RulesSpec

PROBE = r"""
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(int count, char **words)
{
	char block[65536];
	ssize_t size;
	if (count > 2 && !strcmp(words[1], "openat2")) {
		struct open_how how = {.flags = O_RDONLY};
		return syscall(SYS_openat2, AT_FDCWD, words[2], &how, sizeof(how)) < 0;
	}
	if (count > 2 && !strcmp(words[1], "path")) /* opens the name only, reads nothing */
		return open(words[2], O_PATH) < 0;
	if (count > 2 && !strcmp(words[1], "memfd")) {
		int from = open(words[2], O_RDONLY), to = memfd_create("ghost", MFD_CLOEXEC);
		char *none[] = {NULL}, *call[] = {"true", NULL};
		while ((size = read(from, block, sizeof(block))) > 0)
			if (write(to, block, size) != size)
				return 2;
		fexecve(to, call, none);
		return 3;
	}
	return 4;
}
"""


PATIENCE = 60.0
"""Seconds until what must come is missed: a bound on hanging, not on speed."""
_FORBIDDEN = {"sensor.no-capability", "sensor.no-btf", "sensor.no-libbpf"}


def build_probe(directory: Path) -> bytes:
    """A static program for what busybox cannot do."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("no C compiler for the probe program: install gcc")
    (directory / "probe.c").write_text(PROBE)
    subprocess.run([compiler, "-static", "-O1", "-o", directory / "probe", directory / "probe.c"], check=True)
    return (directory / "probe").read_bytes()


@contextlib.contextmanager
def state_directory() -> Iterator[Path]:
    """A directory for the agent's state; whatever is pinned below is unmounted with it."""
    directory = Path(tempfile.mkdtemp(prefix="hgs", dir="/tmp"))
    try:
        yield directory
    finally:
        subprocess.run(["umount", directory / "bpf"], check=False, stderr=subprocess.DEVNULL)
        shutil.rmtree(directory, ignore_errors=True)


def builds(state: Path) -> list[Path]:
    """What sensors have pinned there; the kernel may have put files of its own beside."""
    return [path for path in (state / "bpf").iterdir() if path.is_dir()]


class PatientSensor(BpfSensor):
    """Goes on when every hook is there: a deed that comes before its hook would not be seen."""

    def apply(self, plan: KernelPlan) -> None:
        super().apply(plan)
        self.settle()


def open_sensor(directory: Path, docker_host: str | None, rings: dict[str, int] | None = None) -> BpfSensor:
    """The sensor, or a skip that says why this machine cannot run it."""
    try:
        return PatientSensor.open(directory, docker_host, rings)
    except Unavailable as why:
        if why.code not in _FORBIDDEN and os.strerror(errno.EPERM) not in str(why):
            raise
        pytest.skip(f"BPF is not permitted here: {why}")


def detectors_alone() -> NodePolicies:
    """The default policy without the rules that come along, so that each deed has one answer."""
    (policy,) = default_policies().policies
    spec = msgspec.structs.replace(policy.spec, rules=RulesSpec(pack=False))
    return NodePolicies(revision=0, hash="", policies=(msgspec.structs.replace(policy, spec=spec),))


class Watch:
    """A sensor with an engine behind it, looking at one container at a time."""

    def __init__(self, sensor: BpfSensor, address: str, policies: NodePolicies | None = None) -> None:
        self.sensor, self.address = sensor, address
        self.engine = Engine("node", "boot")
        self.gaps: list[Gap] = []
        self.drifts = Drifts()
        self.engine.load(policies or detectors_alone())
        sensor.apply(self.engine.plan())

    def run(self, *command: str, options: tuple[str, ...] = (), image: str = IMAGE) -> str:
        """Starts a container; gives its id."""
        return docker(self.address, "run", "-d", "--network", "none", *options, image, *command).stdout.decode().strip()

    def shell(self, container: str, script: str, *, check: bool = True) -> subprocess.CompletedProcess[bytes]:
        return docker(self.address, "exec", container, "/bin/sh", "-c", script, check=check)

    def events(self, container: str, until: Callable[[list[Event]], bool], seconds: float = PATIENCE) -> list[Event]:
        """What is seen of the container until that is enough, or for so long."""
        seen: list[Event] = []

        def take(event: Event | Gap) -> None:
            if event.container.id != container:
                return
            if isinstance(event, Gap):
                self.gaps.append(event)
            else:
                seen.append(self.drifts.complete(event))

        deadline = time.monotonic() + seconds
        while not until(seen) and time.monotonic() < deadline:
            self.sensor.poll(take, 100)
        return seen

    def observations(self, container: str, count: int = 1, seconds: float = PATIENCE) -> list[Observation]:
        """What the engine objects to: at least so many, or what there is after so long."""

        def judged(events: list[Event]) -> list[Observation]:
            return [found for event in events for found in self.engine.judge(event)]

        return judged(self.events(container, lambda events: len(judged(events)) >= count, seconds))

    def quiet(self, container: str) -> list[Observation]:
        """What is objected to by the time a last, objectionable deed was seen; that deed is left out."""
        self.shell(container, "cat /root/.ssh/marker")
        found: list[Observation] = []

        def done(events: list[Event]) -> bool:
            return any(event.path == "/root/.ssh/marker" for event in events)

        for event in self.events(container, done):
            found += self.engine.judge(event)
        return [one for one in found if one.details.get("path") != "/root/.ssh/marker"]

    def name_of(self, container: str) -> str:
        return str(inspect(self.address, container)["Name"]).removeprefix("/")
