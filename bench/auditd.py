"""Linux audit as a peer: its daemon with the watches and calls that the sensor's bench asks for, as far as it can."""

import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

CALLS = ("execve", "execveat", "connect", "bind", "listen")
_SETTINGS = """\
log_file = {directory}/audit.log
log_format = RAW
log_group = root
write_logs = yes
flush = INCREMENTAL_ASYNC
freq = 50
max_log_file = 64
num_logs = 2
max_log_file_action = ROTATE
space_left = 75
space_left_action = IGNORE
admin_space_left = 50
admin_space_left_action = IGNORE
disk_full_action = IGNORE
disk_error_action = IGNORE
"""


def why_not() -> str | None:
    """Why audit cannot be measured here, or None."""
    if not shutil.which("auditd") or not shutil.which("auditctl"):
        return "auditd is not installed"
    state = _control("-s").stdout
    if "enabled 0" not in state or "pid 0" not in state or _control("-l").stdout.strip() != "No rules":
        return "audit is in use on this machine"
    return None


@contextmanager
def auditd(watched: Sequence[str]) -> Iterator[None]:
    """The daemon with a rule for each directory of ``watched`` (``/a/*``; other patterns it cannot say) and ``CALLS``.

    Afterwards audit is off and without rules, as it was.
    """
    with tempfile.TemporaryDirectory(prefix="hgaudit", dir="/tmp") as directory:
        Path(directory, "auditd.conf").write_text(_SETTINGS.format(directory=directory))
        daemon = subprocess.Popen(
            ["auditd", "-n", "-c", directory, "-s", "enable"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            _wait(daemon)
            # Like the sensor, it is to lose events and count them rather than to make those wait who are watched.
            _control("-b", "8192", "--backlog_wait_time", "0", check=True)
            for pattern in watched:
                if pattern.startswith("/") and Path(pattern[:-2]).is_dir():
                    _control(
                        *("-a", "always,exit", "-F", "arch=b64", "-F", f"dir={pattern[:-2]}", "-F", "perm=rwxa"),
                        check=True,
                    )
            calls = [word for call in CALLS for word in ("-S", call)]
            _control("-a", "always,exit", "-F", "arch=b64", *calls, check=True)
            yield
        finally:
            _control("-D")
            _control("-e", "0")
            daemon.terminate()
            daemon.wait()


def _wait(daemon: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 10
    while f"pid {daemon.pid}\n" not in _control("-s").stdout:
        if daemon.poll() is not None or time.monotonic() > deadline:
            raise SystemExit("auditd did not start.")
        time.sleep(0.05)


def _control(*arguments: str, check: bool = False) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["auditctl", *arguments], check=check, capture_output=True, text=True)
