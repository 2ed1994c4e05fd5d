"""One scan of one target, and many of them side by side in processes of their own."""

import os
import signal
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct, structs

from hullguard.advisories.database import Advisories
from hullguard.app.cli import exits
from hullguard.app.cli.scan_options import layer_processes
from hullguard.imagescan.scan import NO_ADVISORIES, Scanner
from hullguard.imagescan.select import narrow, reaches, unrated
from hullguard.inventory import LayerCache, Limits
from hullguard.inventory.source.ahead import Ahead
from hullguard.inventory.source.opened import RegistryAccess
from hullguard.model.errors import HullguardError
from hullguard.model.report import Asked, ScanReport
from hullguard.model.severity import Severity

if TYPE_CHECKING:
    from concurrent.futures import Future

_PR_SET_PDEATHSIG = 1
"""Of prctl(2): the signal that a process is sent when the one that made it ends."""
_DIED = "a scanning process died; there may be too little memory for so many --jobs"
_WORSE = (exits.DONE, exits.FINDING, exits.LIMIT_REACHED, exits.OUTSIDE_FAILED, exits.WRONG_REQUEST)


class Job(Struct, frozen=True):
    """Everything that is asked about each target."""

    database: Path
    scanners: frozenset[str]
    limits: Limits
    registry: RegistryAccess
    cache: Path | None = None
    docker_host: str | None = None
    platform: str | None = None
    all_mounts: bool = False
    severities: frozenset[Severity] = frozenset()
    fixable_only: bool = False
    bound: Severity | None = None
    ignore_file: Path | None = None
    vex_files: tuple[Path, ...] = ()
    processes: int = 1
    """For the layers of one target."""


class Outcome(Struct, frozen=True):
    """A report, or why there is none; ``code`` is what a scan of this target alone would leave with."""

    target: str
    report: ScanReport | None = None
    hidden: int = 0
    code: int = exits.DONE
    said: str = ""
    """For standard error."""


def scan_one(
    job: Job, target: str, progress: Callable[[str, int], None] | None = None, ahead: Ahead | None = None
) -> Outcome:
    """Raises what the scan raises."""
    wants_vulnerabilities = "vuln" in job.scanners
    advisories = Advisories.open(job.database) if wants_vulnerabilities else None
    try:
        report = Scanner(advisories).scan(
            target,
            limits=job.limits,
            cache=LayerCache(job.cache) if job.cache else None,
            docker_host=job.docker_host,
            platform=job.platform,
            progress=progress,
            scanners=job.scanners - {"vuln", "license"},
            registry=job.registry,
            all_mounts=job.all_mounts,
            licenses="license" in job.scanners,
            processes=job.processes,
            ahead=ahead,
        )
    finally:
        if advisories is not None:
            advisories.close()
    if not wants_vulnerabilities:
        report = structs.replace(report, unknowns=tuple(one for one in report.unknowns if one != NO_ADVISORIES))
    report = structs.replace(report, asked=Asked(tuple(sorted(job.scanners))))
    counted, hidden = counted_by(job, report)
    return judged(job.bound, target, counted, hidden)


def counted_by(job: Job, report: ScanReport) -> tuple[ScanReport, int]:
    """A report of what counts and was asked for, and how many findings were not asked for."""
    if job.ignore_file is not None or job.vex_files:
        from hullguard.imagescan.suppress import load

        rules = load(job.ignore_file, job.vex_files)
        report = rules.apply(report, datetime.now(UTC).date())
    return narrow(report, job.severities, fixable_only=job.fixable_only)


def scan_many(job: Job, targets: Sequence[str], jobs: int, done: Callable[[], None]) -> Iterator[Outcome]:
    """Outcomes in the order of the targets; one that fails does not stop the others."""
    from concurrent.futures import ProcessPoolExecutor
    from concurrent.futures.process import BrokenProcessPool
    from multiprocessing import get_context

    jobs = min(jobs, len(targets))
    job = structs.replace(job, processes=layer_processes(jobs))
    with ProcessPoolExecutor(jobs, get_context("fork"), _alone, (os.getpid(),)) as pool:
        futures: list[Future[Outcome]] = [pool.submit(_caught, job, target) for target in targets]
        for future in futures:
            future.add_done_callback(lambda _: done())
        try:
            for target, future in zip(targets, futures, strict=True):
                try:
                    outcome = future.result()
                except BrokenProcessPool:
                    outcome = Outcome(target, code=exits.OUTSIDE_FAILED, said=_DIED)
                yield outcome
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def worst(codes: Sequence[int]) -> int:
    """Of several exit codes: what failed hides no finding, so failures come last."""
    return max(codes, key=_WORSE.index, default=exits.DONE)


def default_jobs() -> int:
    """As many as there are processors for this process, at most eight."""
    return max(1, min(8, len(os.sched_getaffinity(0))))


def _caught(job: Job, target: str) -> Outcome:
    try:
        return scan_one(job, target)
    except HullguardError as error:
        return Outcome(target, code=exits.exit_code(error), said=str(error))
    except PermissionError as error:
        return Outcome(target, code=exits.OUTSIDE_FAILED, said=exits.forbidden(error))


def _alone(command: int) -> None:
    """An interrupt ends a worker at once and without a word: the command itself says it. With the command it ends, too.

    ``command`` is the process that waits for it.
    """
    import ctypes

    signal.signal(signal.SIGINT, signal.SIG_DFL)
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != command:
        os._exit(exits.OUTSIDE_FAILED)  # it ended before that


def judged(bound: Severity | None, target: str, report: ScanReport, hidden: int = 0) -> Outcome:
    """What a scan of this target alone leaves with, where ``bound`` is the severity from which on it fails."""
    if not report.complete:
        return Outcome(target, report, hidden, exits.LIMIT_REACHED, exits.incomplete(report.unknowns))
    if bound is None:
        return Outcome(target, report, hidden, exits.DONE)
    if reaches(report, bound):
        return Outcome(target, report, hidden, exits.FINDING)
    if report.unjudged and report.advisories.built:
        return Outcome(target, report, hidden, exits.LIMIT_REACHED, exits.unjudged(report.unknowns))
    from hullguard.imagescan.unread import unread_things  # other scans need not load it

    said = (exits.unrated(unrated(report)), exits.unread(unread_things(report)))
    return Outcome(target, report, hidden, exits.DONE, "; ".join(filter(None, said)))
