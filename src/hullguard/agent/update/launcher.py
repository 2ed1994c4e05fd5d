"""Keeps the agent running, and carries out the switch to another version of it.

A small process of its own, because an agent that is being replaced cannot watch over that itself. It imports nothing
but the standard library, so that no fault in a new version reaches it; it is replaced only with the package. Of that
library it imports what Python has loaded anyway: it is on every machine, beside the agent.

The child's exit code says what it wants: 0 it was told to stop, 2 it can never run (not enrolled, dismissed), 75 it has
staged another version (``switch.json``), anything else it died and is started again after a pause that grows.
"""

import contextlib
import os
import signal
import sys
import time
from collections.abc import Sequence
from types import FrameType

EXIT_DIED, EXIT_HOPELESS, EXIT_SWITCH = 1, 2, 75
FIRST_PAUSE, LONGEST_PAUSE, STEADY_SECONDS = 0.2, 15.0, 30.0
STOP_SECONDS = 15
_LOOK_SECONDS = 0.1
_MAX_TRIALS = 2
Place = str | os.PathLike[str]


def command(state: Place, config_json: str, keep_fds: Sequence[int] = ()) -> list[str]:
    """The argument vector of a launcher in a process of its own."""
    words = ("agent", str(state), config_json, *map(str, keep_fds))
    return [sys.executable, "-P", "-m", "hullguard.agent.update.launcher", *words]


def launch(state: Place, config_json: str, keep_fds: Sequence[int] = ()) -> int:
    """Supervise until told to stop; the exit code of the whole agent."""
    keep_to_itself(keep_fds)
    return _Launcher(state, config_json).run()


class _Launcher:
    def __init__(self, state: Place, config_json: str) -> None:
        self._state, self._config = state, config_json
        self._child: Child | None = None
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
        with contextlib.suppress(FileNotFoundError):
            os.unlink(os.path.join(self._state, "healthy.json"))
        environment = dict(os.environ)
        version = current(self._state)
        if version:
            inherited = [part for part in (environment.get("PYTHONPATH"),) if part]
            environment["PYTHONPATH"] = os.pathsep.join([os.path.join(self._state, "versions", version), *inherited])
        self._child = Child([sys.executable, "-P", "-m", "hullguard.agent.child", self._config], environment)
        if self._stopping:  # the signal came while the child was made
            self._child.send(signal.SIGTERM)
        if trial:
            self._watch_trial(self._child, trial)
        return self._child.wait()

    def _watch_trial(self, child: "Child", trial: dict[str, object]) -> None:
        """The new version must say itself, in time, that it has a session; else the old one comes back."""
        seconds = float(str(trial["deadline_seconds"]))
        limit = time.monotonic() + seconds
        why = f"it had no session within {seconds:.0f} s"
        while time.monotonic() < limit and not self._stopping:
            code = child.poll()
            if code is not None:
                why = f"it ended with {code} before it had a session"
                break
            healthy = read(os.path.join(self._state, "healthy.json"))
            if healthy.get("version") == trial["to"] and healthy.get("pid") == child.pid:
                write(os.path.join(self._state, "switch.json"), {**trial, "phase": "done"})
                _say(f"version {trial['to']} is healthy")
                return
            time.sleep(_LOOK_SECONDS)
        if not self._stopping:
            child.send(signal.SIGKILL)
            roll_back(self._state, trial, why)

    def _ended(self) -> bool:
        """A signal came; a method, because nothing in the flow of the code can tell."""
        return self._stopping

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        self._stopping = True
        if self._child is not None:
            self._child.send(signal.SIGTERM)
            signal.alarm(STOP_SECONDS)

    def _kill(self, _number: int, _frame: FrameType | None) -> None:
        if self._child is not None:
            self._child.send(signal.SIGKILL)

    def _sleep(self, seconds: float) -> None:
        limit = time.monotonic() + seconds
        while not self._stopping and time.monotonic() < limit:
            time.sleep(min(_LOOK_SECONDS, seconds))


class Child:
    """A process with nothing to read. ``subprocess`` would be a megabyte, for what one call does."""

    def __init__(self, argv: list[str], environment: dict[str, str]) -> None:
        self.pid = os.posix_spawn(
            argv[0],
            argv,
            environment,
            file_actions=[(os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0)],
            setsigdef=[signal.SIGPIPE, signal.SIGXFSZ],  # Python ignores them, and what is ignored is inherited
        )
        self._code: int | None = None

    def poll(self) -> int | None:
        """The exit code, or the negative number of the signal that ended it; None while it runs."""
        return self._ended(os.WNOHANG)

    def wait(self) -> int:
        code = None
        while code is None:
            code = self._ended(0)
        return code

    def send(self, number: int) -> None:
        """A signal, unless it has ended: its number may be another's by then."""
        if self._code is None:
            with contextlib.suppress(ProcessLookupError):  # from a signal's handler, while its end is being noted
                os.kill(self.pid, number)

    def _ended(self, options: int) -> int | None:
        if self._code is None:
            pid, status = os.waitpid(self.pid, options)
            if pid:
                self._code = os.waitstatus_to_exitcode(status)
        return self._code


def keep_to_itself(but: Sequence[int]) -> None:
    """No child gets what this process was given, above all not the claim that it is this machine's agent.

    What it opens itself Python keeps from them.
    """
    for name in os.listdir("/proc/self/fd"):
        if int(name) > 2:
            with contextlib.suppress(OSError):  # the one that was listed through is closed
                os.set_inheritable(int(name), int(name) in but)


def begin_trial(state: Place) -> dict[str, object] | None:
    """Point ``current`` to a version that is waiting for its trial; a trial cut short twice has failed."""
    switch = read(os.path.join(state, "switch.json"))
    if switch.get("phase") not in {"pending", "trial"}:
        return None
    trials = int(str(switch.get("trials", 0))) + 1
    if trials > _MAX_TRIALS:
        roll_back(state, switch, f"it was tried {_MAX_TRIALS} times and its launcher ended each time")
        return None
    trial = {**switch, "phase": "trial", "trials": trials}
    write(os.path.join(state, "switch.json"), trial)
    point(state, str(switch["to"]))
    _say(f"trying version {switch['to']}")
    return trial


def roll_back(state: Place, switch: dict[str, object], why: str) -> None:
    """The version before it runs again, and reports why."""
    point(state, str(switch.get("previous", "")))
    with contextlib.suppress(OSError):  # a full disk: the trial is counted again, and then its outcome is written
        write(os.path.join(state, "switch.json"), {**switch, "phase": "rolled-back", "why": why})
    _say(f"version {switch.get('to')} was rolled back: {why}")


def current(state: Place) -> str:
    """The name of the staged version that runs; empty for the installed package."""
    try:
        name = os.readlink(os.path.join(state, "versions", "current"))
    except OSError:
        return ""
    return name if "/" not in name and os.path.isdir(os.path.join(state, "versions", name)) else ""


def point(state: Place, version: str) -> None:
    """Make ``current`` name this version, in one step; empty for the installed package."""
    link = os.path.join(state, "versions", "current")
    draft = os.path.join(state, "versions", ".current")
    for old in (draft,) if version else (link,):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(old)
    if version:
        os.symlink(version, draft)
        os.rename(draft, link)


def read(path: Place) -> dict[str, object]:
    """A small JSON object; empty if there is none."""
    try:
        with open(path, "rb") as file:
            content = file.read()
    except OSError:
        return {}
    import json  # only where there is a note: hardly ever

    try:
        value = json.loads(content)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def write(path: Place, value: dict[str, object]) -> None:
    """Replace a small JSON object durably."""
    import json

    directory, name = os.path.split(path)
    draft = os.path.join(directory, f".{name}.launcher")
    with open(draft, "w") as file:
        os.fchmod(file.fileno(), 0o600)
        json.dump(value, file)
        file.flush()
        os.fsync(file.fileno())
    os.rename(draft, path)


def _say(message: str) -> None:
    import json

    sys.stderr.write(json.dumps({"event": message, "part": "agent-launcher", "level": "info"}) + "\n")
    sys.stderr.flush()


if __name__ == "__main__":
    # The first word is for people who look at `ps`.
    sys.exit(launch(sys.argv[2], sys.argv[3], [int(number) for number in sys.argv[4:]]))
