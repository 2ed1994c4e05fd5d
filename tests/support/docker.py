"""A Docker daemon of the tests' own, and a small image in it."""

import contextlib
import io
import json
import os
import shutil
import subprocess
import tarfile
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

IMAGE = "hullguard-test/busybox"
SHADOW = b"root:$6$salt$notahash:19000:0:99999:7:::\n"
_APPLETS = ("sh", "cat", "cp", "ln", "mkdir", "mv", "sleep", "touch", "chmod", "env", "id", "ls", "true", "rm", "dd")


class DockerMissing(Exception):
    """Why there can be no daemon here."""


@contextlib.contextmanager
def start_dockerd(*, networks: bool = False) -> Iterator[str]:
    """A private daemon, with ``networks`` one whose containers reach each other and what this machine reaches.

    Gives its ``unix://`` address, and ends it and all it started.
    """
    if os.geteuid() != 0:
        raise DockerMissing("a Docker daemon needs root")
    if not shutil.which("dockerd") or not shutil.which("docker"):
        raise DockerMissing("dockerd and docker are not installed")
    # The path must be short: it becomes part of a unix socket's name.
    root = Path(tempfile.mkdtemp(prefix="hg", dir="/tmp"))
    address = f"unix://{root}/docker.sock"
    with (root / "log").open("wb") as log:
        daemon = subprocess.Popen(
            [
                "dockerd",
                *("--data-root", root / "d", "--exec-root", root / "e", "-p", root / "pid", "--host", address),
                *(() if networks else ("--bridge=none", "--iptables=false")),
            ],
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        _wait_for(daemon, root, address)
        yield address
    finally:
        _end(daemon, address, root)


def _wait_for(daemon: subprocess.Popen[bytes], root: Path, address: str) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if daemon.poll() is not None:
            break
        if (root / "docker.sock").exists() and docker(address, "version", check=False).returncode == 0:
            return
        time.sleep(0.1)
    words = (root / "log").read_text(errors="replace").strip().splitlines()[-3:]
    raise DockerMissing("dockerd did not start: " + " | ".join(words))


def _end(daemon: subprocess.Popen[bytes], address: str, root: Path) -> None:
    if daemon.poll() is None:
        left = docker(address, "ps", "-aq", check=False).stdout.split()
        if left:
            docker(address, "rm", "-f", *(identifier.decode() for identifier in left), check=False)
        daemon.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            daemon.wait(30)
        if daemon.poll() is None:
            daemon.kill()
            daemon.wait()
    for line in reversed(Path("/proc/self/mountinfo").read_text().splitlines()):
        place = line.split()[4]
        if place.startswith(f"{root}/"):
            subprocess.run(["umount", "-l", place], check=False, stderr=subprocess.DEVNULL)
    shutil.rmtree(root, ignore_errors=True)


def docker(
    address: str, *arguments: str, check: bool = True, stdin: bytes | None = None
) -> subprocess.CompletedProcess[bytes]:
    """One call of the command line."""
    done = subprocess.run(
        ["docker", "-H", address, *arguments], capture_output=True, timeout=120, check=False, input=stdin
    )
    if check and done.returncode:
        raise AssertionError(f"docker {' '.join(arguments)}: {done.returncode}: {done.stderr.decode(errors='replace')}")
    return done


def said(address: str, *arguments: str) -> str:
    """What one call prints."""
    return docker(address, *arguments).stdout.decode().strip()


def import_image(
    address: str, name: str = IMAGE, files: dict[str, bytes] | None = None, programs: Sequence[str] = _APPLETS
) -> str:
    """Imports a root file system of busybox and a few files of /etc; gives the image's id."""
    busybox = next((path for path in map(Path, ("/bin/busybox", "/usr/bin/busybox")) if path.exists()), None)
    if busybox is None:
        raise DockerMissing("busybox-static is not installed")
    content = {
        "etc/passwd": b"root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/sh\n",
        "etc/group": b"root:x:0:\nnogroup:x:65534:\n",
        "etc/shadow": SHADOW,
        "etc/hosts.conf": b"order hosts\n",
        **(files or {}),
    }
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for directory in ("bin", "etc", "tmp", "root", "root/.ssh", "proc", "sys", "dev"):
            _add(tar, directory, None, 0o755)
        _add(tar, "bin/busybox", busybox.read_bytes(), 0o755)
        for applet in programs:
            link = tarfile.TarInfo(f"bin/{applet}")
            link.type, link.linkname = tarfile.SYMTYPE, "busybox"
            tar.addfile(link)
        for path, data in content.items():
            _add(tar, path, data, 0o640 if path.endswith("shadow") else 0o644)
    return docker(address, "import", "-", name, stdin=archive.getvalue()).stdout.decode().strip()


def _add(tar: tarfile.TarFile, path: str, data: bytes | None, mode: int) -> None:
    info = tarfile.TarInfo(path)
    info.mode = mode
    if data is None:
        info.type = tarfile.DIRTYPE
        tar.addfile(info)
    else:
        info.size = len(data)
        tar.addfile(info, io.BytesIO(data))


def inspect(address: str, name: str) -> dict[str, object]:
    """What the engine knows of a container."""
    answer: list[dict[str, object]] = json.loads(docker(address, "inspect", name).stdout)
    return answer[0]


@pytest.fixture(scope="session")
def docker_host() -> Iterator[str]:
    """The address of a private daemon with the image ``hullguard-test/busybox``."""
    with contextlib.ExitStack() as stack:
        try:
            address = stack.enter_context(start_dockerd())
            import_image(address)
        except DockerMissing as why:
            pytest.skip(f"no Docker daemon: {why}")
        yield address
