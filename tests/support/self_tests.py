"""Runs the self-tests of rules in containers, and hears what the engine says of them."""

import contextlib
import io
import platform
import re
import shutil
import subprocess
import tarfile
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from msgspec import Struct
from tests.support.docker import DockerMissing, docker, import_image

from hullguard.agent.sensor.bpf_sensor import BpfSensor
from hullguard.detect import Engine
from hullguard.detect.rules.definitions import SelfTestOption
from hullguard.detect.rules.ruleset import Rule
from hullguard.model.event import Event, Gap

BUSYBOX, DEBIAN = "hullguard-test/self-test-busybox", "hullguard-test/self-test-debian"
IMAGES = {"busybox": BUSYBOX, "debian": DEBIAN}
_PACKAGES = ("bash", "coreutils", "dash", "diffutils", "grep", "libc-bin", "perl-base", "sed")
_POWERS = ("DAC_READ_SEARCH", "NET_ADMIN", "SYSLOG", "SYS_ADMIN", "SYS_MODULE", "SYS_PTRACE", "SYS_RAWIO")
_PRIVILEGED = (
    *(word for power in _POWERS for word in ("--cap-add", power)),
    *(word for part in ("seccomp", "apparmor", "systempaths") for word in ("--security-opt", f"{part}=unconfined")),
)
"""Without what some machines do not let even root have; else as ``--privileged``."""
_OPTIONS: dict[str, tuple[str, ...]] = {
    SelfTestOption.PRIVILEGED: _PRIVILEGED,
    SelfTestOption.UNCONFINED: ("--security-opt", "seccomp=unconfined"),
    SelfTestOption.TERMINAL: ("-t",),
    SelfTestOption.HOST_PID: ("--pid", "host"),
    SelfTestOption.HOST_CGROUPS: ("--cgroupns", "host"),
    SelfTestOption.HOST_NETWORK: ("--network", "host"),
    SelfTestOption.HOST_FILES: ("-v", "/etc:/host/etc:ro"),
}


def import_busybox(address: str, files: dict[str, bytes] | None = None) -> None:
    """Busybox with a link for each of its programs."""
    programs = subprocess.run(["busybox", "--list"], capture_output=True, check=True, text=True).stdout.split()
    import_image(address, BUSYBOX, files, programs=[one for one in programs if one != "busybox"])


def import_debian(address: str) -> None:
    """A small Debian of this machine's own packages; skips where it is no Debian."""
    if shutil.which("dpkg-query") is None:
        pytest.skip("no packages to make a Debian of: this machine has no dpkg")
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for link, target in (("bin", "usr/bin"), ("sbin", "usr/sbin"), ("lib", "usr/lib"), ("lib64", "usr/lib64")):
            info = tarfile.TarInfo(link)
            info.type, info.linkname = tarfile.SYMTYPE, target
            tar.addfile(info)
        for path in sorted(_files_of(_with_dependencies(_PACKAGES))):
            tar.add(path, arcname=str(path)[1:], recursive=False)
        busybox = shutil.which("busybox")
        if busybox is None:
            raise DockerMissing("busybox-static is not installed")
        tar.add(busybox, arcname="usr/bin/busybox")
        for directory in ("dev", "etc", "proc", "root", "sys", "tmp", "usr/sbin"):
            info = tarfile.TarInfo(directory)
            info.type, info.mode = tarfile.DIRTYPE, 0o1777 if directory == "tmp" else 0o755
            tar.addfile(info)
        content = b"root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/sh\n"
        info = tarfile.TarInfo("etc/passwd")
        info.size = len(content)
        tar.addfile(info, io.BytesIO(content))
    docker(address, "import", "-", DEBIAN, stdin=archive.getvalue())


def _with_dependencies(packages: Sequence[str]) -> set[str]:
    found: set[str] = set()
    waiting = list(packages)
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        asked = ["dpkg-query", "-W", "-f", "${db:Status-Status}|${Depends}, ${Pre-Depends}", name]
        said = subprocess.run(asked, capture_output=True, check=False, text=True).stdout
        status, _, needed = said.partition("|")
        if status != "installed":
            continue  # another package provides it
        found.add(name)
        waiting += re.findall(r"(?:^|,)\s*([a-z0-9][a-z0-9.+-]*)", needed)
    return found


def _files_of(packages: set[str]) -> set[Path]:
    listed = subprocess.run(["dpkg-query", "-L", *sorted(packages)], capture_output=True, check=True, text=True).stdout
    wanted = set()
    for line in listed.splitlines():
        path = Path(line)
        if len(path.parts) < 3 or line.startswith(("/usr/share", "/etc", "/var")):
            continue
        if path.parts[1] in {"bin", "sbin", "lib", "lib64"}:
            path = Path("/usr", *path.parts[1:])
        if path.is_symlink() or path.is_file():
            wanted.add(path)
    return wanted


class Heard(Struct, frozen=True):
    """A rule or detector that objected to a container."""

    container: str
    rule: str
    seconds: float
    """From the event in the kernel to the observation."""
    text: str


class Listener(threading.Thread):
    """Polls a sensor and judges, as the agent does, until it is told to end."""

    def __init__(self, sensor: BpfSensor, engine: Engine) -> None:
        super().__init__(name="listener", daemon=True)
        self._sensor, self._engine = sensor, engine
        self._ended = threading.Event()
        self.heard: list[Heard] = []
        self.tried: set[str] = set()
        self.gaps: list[Gap] = []
        self.broken: BaseException | None = None

    def run(self) -> None:
        try:
            while not self._ended.is_set():
                self._sensor.poll(self._take, 50)
        except BaseException as cause:
            self.broken = cause

    def _take(self, event: Event | Gap) -> None:
        if isinstance(event, Gap):
            self.gaps.append(event)
            return
        for one in self._engine.judge(event):
            text = one.details.get("output") or str(one.details)
            seconds = time.time() - event.at.timestamp()
            self.heard.append(Heard(event.container.id, one.rule, seconds, text))

    def of(self, container: str) -> list[Heard]:
        return [one for one in self.heard if one.container == container]

    def end(self) -> None:
        self._ended.set()
        self.join(30)
        if self.broken is not None:
            raise self.broken


@contextlib.contextmanager
def listening(sensor: BpfSensor) -> Iterator[Listener]:
    """Under the policy that holds before anyone wrote one."""
    engine = Engine("node", "boot")
    sensor.apply(engine.plan())
    listener = Listener(sensor, engine)
    listener.start()
    try:
        yield listener
    finally:
        listener.end()


def options_of(rule: Rule) -> list[str]:
    """For ``docker run``."""
    found: list[str] = []
    for option in rule.self_test_options:
        found += _OPTIONS[option] if option in _OPTIONS else ("--cap-add", option.removeprefix("CAP_"))
    return found


def start(address: str, rule: Rule) -> str:
    """Starts a rule's self-test; gives the container's id. Skips where the engine cannot run such a container."""
    if rule.self_test_image == "debian" and platform.machine() not in {"x86_64", "aarch64"}:
        pytest.skip("the self-tests that make calls by number know x86-64 and arm64")
    script = "\n".join(rule.self_test)
    network = () if SelfTestOption.HOST_NETWORK in rule.self_test_options else ("--network", "none")
    done = docker(
        address,
        *("run", "-d", *network, *options_of(rule), IMAGES[rule.self_test_image], "/bin/sh", "-c", script),
        check=False,
    )
    if done.returncode:
        words = done.stderr.decode(errors="replace").strip().splitlines()
        pytest.skip(f"the engine starts no container with {rule.self_test_options}: {words[0] if words else ''}")
    return done.stdout.decode().strip()


def outcome(address: str, container: str) -> str:
    """What a self-test printed, for people who look why it did not fire."""
    done = docker(address, "logs", container, check=False)
    return (done.stdout + done.stderr).decode(errors="replace")[-2000:]
