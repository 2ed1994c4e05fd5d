"""A service of Podman for the time of one scan, where none answers: Podman's own command gives images in no other way.

``podman system service`` answers at a socket of ours, in a directory that only this user may enter. It ends with the
scan, and by itself where that was killed.
"""

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from hullguard.model.errors import Unavailable

START_SECONDS = 60.0
_IDLE_SECONDS = 300
"""A service whose scan was killed ends after so long without a question."""
_LOOK_SECONDS = 0.05
_LONGEST = 500


def answers(host: str) -> bool:
    """Whether somebody listens at this ``unix://`` address; of others nobody can tell without asking."""
    if not host.startswith("unix://"):
        return True
    with contextlib.closing(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)) as asked:
        asked.settimeout(START_SECONDS)
        try:
            asked.connect(host.removeprefix("unix://"))
        except OSError:
            return False
    return True


def program() -> str | None:
    """Podman's command, where it is installed."""
    return shutil.which("podman")


@contextlib.contextmanager
def service(podman: str) -> Iterator[str]:
    """The address of a service that runs until the end; raises Unavailable with Podman's words where none starts."""
    directory = Path(tempfile.mkdtemp(prefix="hg"))  # short: a socket's name has 107 bytes
    try:
        host = f"unix://{directory / 's'}"
        with tempfile.TemporaryFile() as said:
            process = subprocess.Popen(
                [podman, "system", "service", "--time", str(_IDLE_SECONDS), host],
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
            )
            try:
                if not _begins(process, host):
                    said.seek(0, os.SEEK_SET)
                    words = said.read(_LONGEST).decode("utf-8", "replace").strip()
                    sentence = f"no service of Podman answers, and none could be started: {words or 'it said nothing'}"
                    raise Unavailable(sentence, "podman.no-service")
                yield host
            finally:
                _end(process)
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _begins(process: subprocess.Popen[bytes], host: str) -> bool:
    """Whether it answers before it ends, and in time."""
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        if answers(host):
            return True
        time.sleep(_LOOK_SECONDS)
    return False


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
