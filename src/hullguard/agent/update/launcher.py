"""Keeps the agent running, and carries out the switch to another version of it.

A small process of its own, because an agent that is being replaced cannot watch over that itself. It imports nothing
but the standard library, so that no fault in a new version reaches it; it is replaced only with the package.

The child's exit code says what it wants: 0 it was told to stop, 2 it can never run (not enrolled, dismissed), 75 it has
staged another version (``switch.json``), anything else it died and is started again after a pause that grows.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

EXIT_DIED, EXIT_HOPELESS, EXIT_SWITCH = 1, 2, 75
FIRST_PAUSE, LONGEST_PAUSE, STEADY_SECONDS = 0.2, 15.0, 30.0
STOP_SECONDS = 15
_LOOK_SECONDS = 0.1
_MAX_TRIALS = 2


def command(state: Path, config_json: str, keep_fds: Sequence[int] = ()) -> list[str]:
    """The argument vector of a launcher in a process of its own."""
    words = ("agent", str(state), config_json, *map(str, keep_fds))
    return [sys.executable, "-P", "-m", "hullguard.agent.update.launcher", *words]


def launch(state: Path, config_json: str, keep_fds: Sequence[int] = ()) -> int:
    """Supervise until told to stop; the exit code of the whole agent."""
    return _Launcher(state, config_json, tuple(keep_fds)).run()


class _Launcher:
    def __init__(self, state: Path, config_json: str, keep_fds: tuple[int, ...]) -> None:
        self._state, self._config, self._keep_fds = state, config_json, keep_fds
        self._child: subprocess.Popen[bytes] | None = None
        self._stopping = False

    def run(self) -> int:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        signal.signal(signal.SIGALRM, self._kill)
        pause = FIRST_PAUSE
        while not self._stopping:
            started = time.monotonic()
            trial = self._begin_trial()
            code = self._run_child(trial)
            if code == EXIT_HOPELESS:
                return EXIT_HOPELESS
            if self._ended():
                return 0
            if code == EXIT_SWITCH or trial:
                continue
            pause = FIRST_PAUSE if time.monotonic() - started > STEADY_SECONDS else min(pause * 2, LONGEST_PAUSE)
            _say(f"the agent ended with {code}; it is started again in {pause:.1f} s")
            self._sleep(pause)
        return 0

    def _begin_trial(self) -> dict[str, object] | None:
        try:
            return begin_trial(self._state)
        except OSError as bad:
            _say(f"the new version cannot be tried: {bad}")
            return None

    def _run_child(self, trial: dict[str, object] | None) -> int:
        (self._state / "healthy.json").unlink(missing_ok=True)
        environment = dict(os.environ)
        version = current(self._state)
        if version:
            inherited = [part for part in (environment.get("PYTHONPATH"),) if part]
            environment["PYTHONPATH"] = os.pathsep.join([str(self._state / "versions" / version), *inherited])
        self._child = subprocess.Popen(
            [sys.executable, "-P", "-m", "hullguard.agent.child", self._config],
            stdin=subprocess.DEVNULL,
            env=environment,
            pass_fds=self._keep_fds,
        )
        if self._stopping:  # the signal came while the child was made
            self._child.terminate()
        if trial:
            self._watch_trial(self._child, trial)
        return self._child.wait()

    def _watch_trial(self, child: "subprocess.Popen[bytes]", trial: dict[str, object]) -> None:
        """The new version must say itself, in time, that it has a session; else the old one comes back."""
        seconds = float(str(trial["deadline_seconds"]))
        limit = time.monotonic() + seconds
        why = f"it had no session within {seconds:.0f} s"
        while time.monotonic() < limit and not self._stopping:
            if child.poll() is not None:
                why = f"it ended with {child.returncode} before it had a session"
                break
            healthy = read(self._state / "healthy.json")
            if healthy.get("version") == trial["to"] and healthy.get("pid") == child.pid:
                write(self._state / "switch.json", {**trial, "phase": "done"})
                _say(f"version {trial['to']} is healthy")
                return
            time.sleep(_LOOK_SECONDS)
        if not self._stopping:
            child.kill()
            roll_back(self._state, trial, why)

    def _ended(self) -> bool:
        """A signal came; a method, because nothing in the flow of the code can tell."""
        return self._stopping

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        self._stopping = True
        if self._child is not None:
            self._child.terminate()
            signal.alarm(STOP_SECONDS)

    def _kill(self, _number: int, _frame: FrameType | None) -> None:
        if self._child is not None:
            self._child.kill()

    def _sleep(self, seconds: float) -> None:
        limit = time.monotonic() + seconds
        while not self._stopping and time.monotonic() < limit:
            time.sleep(min(_LOOK_SECONDS, seconds))


def begin_trial(state: Path) -> dict[str, object] | None:
    """Point ``current`` to a version that is waiting for its trial; a trial cut short twice has failed."""
    switch = read(state / "switch.json")
    if switch.get("phase") not in {"pending", "trial"}:
        return None
    trials = int(str(switch.get("trials", 0))) + 1
    if trials > _MAX_TRIALS:
        roll_back(state, switch, f"it was tried {_MAX_TRIALS} times and its launcher ended each time")
        return None
    trial = {**switch, "phase": "trial", "trials": trials}
    write(state / "switch.json", trial)
    point(state, str(switch["to"]))
    _say(f"trying version {switch['to']}")
    return trial


def roll_back(state: Path, switch: dict[str, object], why: str) -> None:
    """The version before it runs again, and reports why."""
    point(state, str(switch.get("previous", "")))
    with contextlib.suppress(OSError):  # a full disk: the trial is counted again, and then its outcome is written
        write(state / "switch.json", {**switch, "phase": "rolled-back", "why": why})
    _say(f"version {switch.get('to')} was rolled back: {why}")


def current(state: Path) -> str:
    """The name of the staged version that runs; empty for the installed package."""
    try:
        name = str((state / "versions" / "current").readlink())
    except OSError:
        return ""
    return name if (state / "versions" / name).is_dir() and "/" not in name else ""


def point(state: Path, version: str) -> None:
    """Make ``current`` name this version, in one step; empty for the installed package."""
    link = state / "versions" / "current"
    if not version:
        link.unlink(missing_ok=True)
        return
    draft = link.with_name(".current")
    draft.unlink(missing_ok=True)
    draft.symlink_to(version)
    draft.rename(link)


def read(path: Path) -> dict[str, object]:
    """A small JSON object; empty if there is none."""
    try:
        value = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


def write(path: Path, value: dict[str, object]) -> None:
    """Replace a small JSON object durably."""
    draft = path.with_name(f".{path.name}.launcher")
    with draft.open("w") as file:
        os.fchmod(file.fileno(), 0o600)
        json.dump(value, file)
        file.flush()
        os.fsync(file.fileno())
    draft.rename(path)


def _say(message: str) -> None:
    sys.stderr.write(json.dumps({"event": message, "part": "agent-launcher", "level": "info"}) + "\n")
    sys.stderr.flush()


if __name__ == "__main__":
    # The first word is for people who look at `ps`.
    sys.exit(launch(Path(sys.argv[2]), sys.argv[3], [int(number) for number in sys.argv[4:]]))
