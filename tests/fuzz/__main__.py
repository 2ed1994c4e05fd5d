"""The long run: ``make fuzz ARGS="--minutes 60 packages.rpm advisories"``; ends with 1 when something went wrong."""

import argparse
import os
import signal
import sys
import time
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tests.fuzz.hunt import Ground, hunt, instrumented

if TYPE_CHECKING:
    from tests.fuzz.target import Target

_TOLD_SECONDS = 15.0
_RESTARTS = 5


class Run:
    """One target's turn: a process, and another after one that died."""

    def __init__(self, target: "Target", ground: Ground, seconds: float) -> None:
        self.target, self.ground = target, ground
        self._seconds, self._restarts = seconds, 0
        ground.begin()
        self._process = self._start()

    def _start(self) -> int:
        sys.stdout.flush()
        process = os.fork()
        if process:
            return process
        log = os.open(self.ground.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        os.dup2(log, 1)
        os.dup2(log, 2)
        try:
            hunt(self.target, self.ground, self._seconds)
        except BaseException:
            traceback.print_exc()
        os._exit(70)

    def over(self) -> bool:
        """Whether the target's turn is over; a process that died before its time is started again."""
        done, state = os.waitpid(self._process, os.WNOHANG)
        if not done:
            return False
        if os.waitstatus_to_exitcode(state) == 0:
            return True
        self._restarts += 1
        if self._restarts > _RESTARTS or self.ground.status().seconds >= self._seconds:
            return True
        self._process = self._start()
        return False

    def stop(self) -> None:
        """Ends the process before its time."""
        os.kill(self._process, signal.SIGKILL)
        os.waitpid(self._process, 0)

    @property
    def failed(self) -> str:
        """Why the hunt itself did not run; nothing when it did."""
        if self.ground.status().executions:
            return ""
        lines = self.ground.log.read_text("utf-8", "replace").strip().splitlines()
        return lines[-1] if lines else "it ended without a word"


def _told(run: Run, *, over: bool) -> None:
    status = run.ground.status()
    rate = status.executions / status.seconds if status.seconds else 0.0
    line = f"{run.target.name:42} {status.executions:10} executions {rate:8.0f}/s"
    line += (
        f"  refused {100 * status.refused // max(status.executions, 1):3} %  slowest {1000 * status.slowest:6.0f} ms"
    )
    sys.stdout.write(f"{'done' if over else '    '} {line}  faults {len(run.ground.inputs())}\n")
    sys.stdout.flush()


def _hunted(targets: Sequence["Target"], work: Path, minutes: float, jobs: int) -> list[Run]:
    seconds = max(60 * minutes * jobs / len(targets), 1.0)
    waiting, running, done = list(targets), list[Run](), list[Run]()
    sys.stdout.write(f"{len(targets)} targets, {seconds:.0f} s each, {jobs} at once; what is found lies in {work}\n")
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        _turns(waiting, running, done, work, seconds, jobs)
    except KeyboardInterrupt:
        sys.stdout.write("stopped\n")
    finally:
        for run in running:
            run.stop()
    return [*done, *running]


def _turns(waiting: list["Target"], running: list[Run], done: list[Run], work: Path, seconds: float, jobs: int) -> None:
    """Gives every target its turn."""
    told = time.monotonic()
    while waiting or running:
        while waiting and len(running) < jobs:
            target = waiting.pop(0)
            running.append(Run(target, Ground(work, target), seconds))
        time.sleep(0.1)
        for run in [run for run in running if run.over()]:
            running.remove(run)
            done.append(run)
            _told(run, over=True)
        if time.monotonic() - told > _TOLD_SECONDS:
            told = time.monotonic()
            for run in running:
                _told(run, over=False)


def _summed(done: Sequence[Run]) -> int:
    """The sum, every fault with the command that shows it again, and the exit code."""
    executions = sum(run.ground.status().executions for run in done)
    seconds = sum(run.ground.status().seconds for run in done)
    sys.stdout.write(f"\n{executions} executions of {len(done)} targets, {executions / max(seconds, 1):.0f}/s\n")
    broken = [f"{run.target.name}: {run.failed}" for run in done if run.failed]
    found = [(run.target.name, path) for run in done for path in run.ground.inputs()]
    for name, path in found:
        sys.stdout.write(f"FAULT  make fuzz ARGS='--reproduce {path} {name}'\n")
    for line in broken:
        sys.stdout.write(f"NOT RUN  {line}\n")
    return 1 if found or broken else 0


def _reproduced(target: "Target", path: Path) -> int:
    """Reads one input as the hunt would, and says what became of it."""
    from tests.fuzz.guard import Guard

    guarded = Guard(target).run(path.read_bytes())
    outcome, fault = guarded.outcome, guarded.outcome.fault
    words = f"{fault.kind} in {fault.where}\n\n{fault.trace}" if fault else "refused" if outcome.refused else "read"
    sys.stdout.write(f"{words}\n{guarded.seconds:.3f} s\n")
    return 1 if fault else 0


def _chosen(patterns: Sequence[str]) -> list["Target"]:
    with instrumented():
        from tests.fuzz.catalog import TARGETS

    return [target for target in TARGETS if not patterns or any(pattern in target.name for pattern in patterns)]


def main(arguments: Sequence[str] | None = None) -> int:
    """Fuzzes the chosen targets; 1 when anything is wrong, 2 when nothing is chosen."""
    parser = argparse.ArgumentParser(prog="make fuzz", description="Hunt for inputs that parsers do not survive.")
    parser.add_argument("targets", nargs="*", help="parts of targets' names; without any, all of them")
    parser.add_argument("--minutes", type=float, default=30.0, help="for all targets together (default 30)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes at once")
    parser.add_argument("--work", type=Path, default=Path(".make/fuzzing"), help="where inputs and findings are kept")
    parser.add_argument("--reproduce", type=Path, metavar="FILE", help="read one input with the named target")
    parser.add_argument("--list", action="store_true", help="name the targets")
    given = parser.parse_args(arguments)
    targets = _chosen(given.targets)
    if given.list:
        sys.stdout.write("".join(f"{target.name}\n" for target in targets))
        return 0
    if given.reproduce is not None:
        exact = [target for target in targets if target.name in given.targets] or targets
        return _reproduced(exact[0], given.reproduce) if len(exact) == 1 else _refused("name one target")
    if not targets:
        return _refused("no target's name holds any of these words; --list names them")
    return _summed(_hunted(targets, given.work.absolute(), given.minutes, max(given.jobs, 1)))


def _refused(why: str) -> int:
    sys.stderr.write(f"make fuzz: {why}\n")
    return 2


if __name__ == "__main__":
    sys.exit(main())
