"""A podman and a containerd of a test's own, in short directories: they become parts of unix sockets' names."""

import contextlib
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

SECONDS = 60
_SETTINGS = '[storage]\ndriver = "vfs"\ngraphroot = "{0}/g"\nrunroot = "{0}/r"\n'
_LIMITS = ("--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1024:1024")


class Podman:
    """Root's podman with a storage of its own, and without a service."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._program = shutil.which("podman") or ""
        self.settings = directory / "storage.conf"
        self.settings.write_text(_SETTINGS.format(directory))
        self._policy = directory / "policy.json"
        self._policy.write_text('{"default":[{"type":"insecureAcceptAnything"}]}')

    def said(self, *words: str) -> str:
        """What one command prints. Docker's runtime serves: Debian's other one starts nothing on mixed cgroups."""
        runtime = shutil.which("runc")
        done = subprocess.run(
            [self._program, *(("--runtime", runtime) if runtime else ()), *words],
            capture_output=True,
            timeout=120,
            check=False,
            text=True,
            env={**os.environ, "CONTAINERS_STORAGE_CONF": str(self.settings)},
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def load(self, archive: Path) -> None:
        """An archive as ``docker save`` writes it."""
        self.said("load", "-q", "--signature-policy", str(self._policy), "-i", str(archive))

    def started(self, name: str, image: str, *command: str) -> str:
        """A container that runs; its id."""
        return self.said("run", "-d", "--network", "none", "--name", name, *_LIMITS, image, *command).split()[-1]


class Containerd:
    """One of its own at ``socket``."""

    def __init__(self, directory: Path) -> None:
        self.socket = directory / "s"
        self._directory = directory
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Returns when it answers."""
        root, state = self._directory / "d", self._directory / "e"
        with (self._directory / "log").open("ab") as log:
            words = ["containerd", "-a", str(self.socket), "--root", str(root), "--state", str(state)]
            self._process = subprocess.Popen(words, stdout=log, stderr=log)
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline and self._process.poll() is None:
            with contextlib.suppress(AssertionError, subprocess.TimeoutExpired):
                self.said("version")
                return
            time.sleep(0.1)
        raise AssertionError((self._directory / "log").read_text()[-2000:])

    def stop(self) -> None:
        """It may be started again."""
        process, self._process = self._process, None
        if process is not None:
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(SECONDS)
            process.kill()
            process.wait()

    def said(self, *words: str) -> str:
        """What ``ctr`` prints."""
        done = subprocess.run(
            ["ctr", "-a", str(self.socket), *words], capture_output=True, timeout=SECONDS, check=False, text=True
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def load(self, archive: Path, namespace: str) -> None:
        """An archive as ``docker save`` writes it, or an OCI layout."""
        self.said("-n", namespace, "images", "import", "--no-unpack", str(archive))


@contextlib.contextmanager
def _directory() -> Iterator[Path]:
    directory = Path(tempfile.mkdtemp(prefix="hg", dir="/tmp"))
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture
def podman(monkeypatch: pytest.MonkeyPatch) -> Iterator[Podman]:
    """Whoever asks for podman's storage or its service in this test means this one."""
    if os.geteuid() != 0 or not shutil.which("podman"):
        pytest.skip("podman needs root here, and its program")
    with _directory() as directory:
        made = Podman(directory)
        monkeypatch.setenv("CONTAINERS_STORAGE_CONF", str(made.settings))
        monkeypatch.setenv("XDG_RUNTIME_DIR", str(directory))
        monkeypatch.delenv("CONTAINER_HOST", raising=False)
        yield made
        made.said("rm", "-f", "-a", "-t", "0")


@pytest.fixture
def containerd(monkeypatch: pytest.MonkeyPatch) -> Iterator[Containerd]:
    """Whoever asks for containerd in this test means this one."""
    if os.geteuid() != 0 or not shutil.which("containerd") or not shutil.which("ctr"):
        pytest.skip("containerd needs root, and the programs containerd and ctr")
    with _directory() as directory:
        made = Containerd(directory)
        monkeypatch.setenv("CONTAINERD_ADDRESS", str(made.socket))
        try:
            made.start()
            yield made
        finally:
            made.stop()
