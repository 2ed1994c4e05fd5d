"""One run of a program: its wall time, its processor time and the most memory that it had at once."""

import os
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Run:
    """What one run cost and how many packages it found."""

    wall: float
    cpu: float
    peak: int
    """Bytes."""
    packages: int


def run(command: Sequence[str], environment: Mapping[str, str], output: Path, count: Callable[[Path], int]) -> Run:
    """Runs a command that writes to ``output``; raises RuntimeError with what it said when it fails."""
    said = output.with_suffix(".stderr")
    with said.open("wb") as errors:
        began = time.perf_counter()
        process = subprocess.Popen(command, env={**os.environ, **environment}, stdout=errors, stderr=errors)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{said.read_text(errors='replace')[-2000:]}")
    return Run(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024, count(output))


def middle(runs: Sequence[Run]) -> Run:
    """The run with the median wall time."""
    return sorted(runs, key=lambda one: one.wall)[len(runs) // 2]
