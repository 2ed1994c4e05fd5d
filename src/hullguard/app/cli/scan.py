"""``hullguard scan`` and ``hullguard sbom``: images, from wherever they lie."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec

from hullguard.app.cli import exits
from hullguard.app.cli import scan_options as options
from hullguard.app.cli.declared import Option
from hullguard.app.cli.option_groups import takes
from hullguard.app.cli.output import check_file, coloured, counted, files_of, progress_of, ready_directory, width, write
from hullguard.model.errors import Invalid
from hullguard.words import local, say

if TYPE_CHECKING:
    from hullguard.app.cli.scan_job import Job, Outcome
    from hullguard.imagescan.formats.format import Format
    from hullguard.inventory.source.ahead import Ahead

_FOR_STREAMS = ("table", "json")
"""Formats whose reports can follow each other in one output."""


@takes(counting=options.Counting, malware=options.Malware, reading=options.Reading)
def scan(  # noqa: PLR0917 - each parameter is an option
    targets: options.Targets,
    format_: Annotated[
        str, Option(("-f", "--format"), help="table, json, html, sarif, cyclonedx, spdx or junit.")
    ] = "table",
    output: options.Output = None,
    scanners: Annotated[
        str, Option(("--scanners",), help="What to look for: vuln, secret, malware, config, license.")
    ] = "vuln",
    fail_on: Annotated[
        str | None, Option(("--fail-on",), help="Exit with 1 from this severity on; `unknown` is the lowest.")
    ] = None,
    show_suppressed: Annotated[
        bool, Option(("--show-suppressed",), help="Name in the table what does not count, and why not.")
    ] = False,
    jobs: Annotated[
        int | None, Option(("--jobs",), least=1, help="Targets to read at once; as many as there are processors.")
    ] = None,
    *,
    counting: options.Counting,
    malware: options.Malware,
    reading: options.Reading,
) -> int:
    """Find what is wrong with images: vulnerable packages, secrets, malware, careless configuration."""
    ahead = _hashed_early(targets, reading)
    from hullguard.advisories.database import Advisories
    from hullguard.imagescan.select import parse_severity
    from hullguard.inventory import recognise

    chosen = format_named(format_)
    bound = None if fail_on is None else parse_severity(fail_on)
    wanted = options.scanners_of(scanners) | ({"license"} if chosen.lists_licenses else frozenset())
    malware.apply(wanted)
    job = options.job_of(reading, counting, wanted, bound)
    if len(targets) == 1:
        check_file(output, targets)
        recognise(targets[0])  # a wrong target is said before a missing database is
        return _one(job, targets[0], chosen, output, ahead, suppressed=show_suppressed)
    if output is None and chosen.name not in _FOR_STREAMS:
        raise Invalid(f"several reports as {chosen.name} need a directory: -o DIR")
    if output is not None:
        ready_directory(output)
    if "vuln" in job.scanners:
        Advisories.open(job.database).close()  # a missing database is said once
    return _many(job, targets, chosen, output, jobs, suppressed=show_suppressed)


def _hashed_early(targets: list[str], reading: options.Reading) -> "Ahead | None":
    """What of a target is hashed while all else is loaded; it ends by itself if this process does."""
    if len(targets) > 1 or options.layer_processes() < 2:
        return None
    from hullguard.inventory.source.early import hashed_early

    return hashed_early(targets[0], reading.cache)


def _one(
    job: "Job", target: str, chosen: "Format", output: Path | None, ahead: "Ahead | None", *, suppressed: bool
) -> int:
    from hullguard.app.cli.scan_job import scan_one

    with progress_of(say("Reading {target}", target=target)) as progress:
        outcome = scan_one(job, target, progress, ahead)
    write(_rendered(outcome, chosen, to_file=output is not None, suppressed=suppressed), output)
    if outcome.said:
        exits.remark(outcome.said)
    return outcome.code


def _many(
    job: "Job", targets: list[str], chosen: "Format", output: Path | None, jobs: int | None, *, suppressed: bool
) -> int:
    """One document per line for programs, one table after another for people with a summary at the end."""
    from hullguard.app.cli.scan_job import default_jobs, scan_many, worst
    from hullguard.imagescan.formats.summary import summary

    outcomes: list[Outcome] = []
    taken = {file.name for target in targets for file in files_of(target)}  # where they lie is not asked
    with counted(say("Reading {count} images", count=len(targets)), len(targets)) as done:
        for outcome in scan_many(job, targets, jobs or default_jobs(), done):
            outcomes.append(outcome)
            if outcome.said:
                exits.remark(f"{outcome.target}: {local(outcome.said)}")
            if outcome.report is None:
                continue
            if output is not None:
                file = output / _file_name(outcome.target, chosen.suffix, taken)
                write(_rendered(outcome, chosen, to_file=True, suppressed=suppressed), file)
            elif chosen.name == "json":
                write(msgspec.json.encode(outcome.report) + b"\n", None)
            else:
                write(_rendered(outcome, chosen, to_file=False, suppressed=suppressed) + b"\n", None)
    if output is None and chosen.name == "table":
        rows = [(outcome.target, outcome.report) for outcome in outcomes]
        write(summary(rows, width(), colour=coloured()), None)
    return worst([outcome.code for outcome in outcomes])


@takes(reading=options.Reading)
def sbom(
    target: options.Target,
    format_: Annotated[str, Option(("-f", "--format"), help="json, cyclonedx, spdx or table.")] = "json",
    output: options.OutputFile = None,
    *,
    reading: options.Reading,
) -> int:
    """List the packages of an image without asking what is wrong with them."""
    ahead = _hashed_early([target], reading)
    from hullguard.imagescan.formats.format import Page
    from hullguard.imagescan.formats.packages import package_table
    from hullguard.imagescan.scan import bill
    from hullguard.inventory import LayerCache, read

    if format_ not in (known := ("json", "cyclonedx", "spdx", "table")):
        raise Invalid(f"there is no format {format_!r} for packages; choose among {', '.join(known)}")
    check_file(output, [target])
    limits, registry = reading.limits(), reading.registry()
    with progress_of(say("Reading {target}", target=target)) as progress:
        inventory = read(
            target,
            limits=limits,
            cache=LayerCache(reading.cache) if reading.cache else None,
            docker_host=reading.docker_host,
            platform=reading.platform,
            progress=progress,
            registry=registry,
            all_mounts=reading.all_mounts,
            licenses=True,
            processes=options.layer_processes(),
            ahead=ahead,
        )
    page = Page() if output else Page(width(), coloured())
    if format_ == "json":
        content = msgspec.json.format(msgspec.json.encode(inventory), indent=2) + b"\n"
    elif format_ == "table":
        content = package_table(bill(inventory), page)
    else:
        content = format_named(format_).render(bill(inventory), page)
    write(content, output)
    return exits.whole(inventory)


def format_named(name: str) -> "Format":
    """A format of reports by what ``-f`` takes; raises Invalid where there is none."""
    from hullguard.imagescan.formats.catalog import FORMATS, format_of

    chosen = format_of(name)
    if chosen is None:
        raise Invalid(f"there is no format {name!r}; choose among {', '.join(FORMATS)}")
    return chosen


def _rendered(outcome: "Outcome", chosen: "Format", *, to_file: bool, suppressed: bool) -> bytes:
    from hullguard.imagescan.formats.format import Page

    if outcome.report is None:
        return b""
    page = Page(hidden=outcome.hidden, suppressed=suppressed)
    if not to_file:
        page = msgspec.structs.replace(page, width=width(), colour=coloured())
    return chosen.render(outcome.report, page)


def _file_name(target: str, suffix: str, taken: set[str]) -> str:
    """A name that says which target it was, and that no other report of this run has."""
    stem = re.sub(r"[^A-Za-z0-9._-]+", "_", target).strip("._")[:120] or "report"
    name, number = f"{stem}.{suffix}", 1
    while name in taken:
        number += 1
        name = f"{stem}-{number}.{suffix}"
    taken.add(name)
    return name
