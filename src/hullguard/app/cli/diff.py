"""``hullguard diff``: what became of an image."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec

from hullguard.app.cli import exits
from hullguard.app.cli import scan_options as options
from hullguard.app.cli.declared import Argument, Option
from hullguard.app.cli.option_groups import takes
from hullguard.app.cli.output import check_file, coloured, counted, width, write
from hullguard.model.decoding import wrong
from hullguard.model.errors import Invalid
from hullguard.model.severity import Severity
from hullguard.words import say

if TYPE_CHECKING:
    from hullguard.app.cli.scan_job import Job
    from hullguard.imagescan.diff import Difference
    from hullguard.model.report import ScanReport

_MAX_REPORT = 1 << 30
_SCHEMA, _HEAD = b'"schema"', 4096
"""A report begins with the name of its form; a bill of materials is JSON, too."""
_HELP = "An image, as `scan` takes it, or a report that `scan -f json` wrote."


@takes(counting=options.Counting, reading=options.Reading)
def diff(
    before: Annotated[str, Argument(help=_HELP)],
    after: Annotated[str, Argument(help=_HELP)],
    format_: Annotated[str, Option(("-f", "--format"), help="table or json.")] = "table",
    output: options.OutputFile = None,
    fail_on: Annotated[str | None, Option(("--fail-on",), help="Exit with 1 for a new finding as grave.")] = None,
    *,
    counting: options.Counting,
    reading: options.Reading,
) -> int:
    """Compare two images: packages, findings, better or worse, and which updates help most."""
    from hullguard.imagescan.diff import compare
    from hullguard.imagescan.formats.difference import difference_table
    from hullguard.imagescan.formats.format import Page
    from hullguard.imagescan.select import parse_severity

    if format_ not in ("table", "json"):
        raise Invalid(f"there is no format {format_!r} for a difference; choose among table, json")
    bound = None if fail_on is None else parse_severity(fail_on)
    check_file(output, [before, after])
    job = options.job_of(reading, counting, frozenset({"vuln"}))
    with counted(say("Reading both"), 2) as done:
        reports = []
        for target in (before, after):
            reports.append(_report(job, target))
            done()
    made = compare(*reports)
    if format_ == "json":
        content = msgspec.json.format(msgspec.json.encode(made), indent=2) + b"\n"
    else:
        content = difference_table(made, Page() if output else Page(width(), coloured()))
    write(content, output)
    return _judged(bound, reports, made)


def _judged(bound: Severity | None, reports: "Sequence[ScanReport]", made: "Difference") -> int:
    """The code, with a line that says why where somebody asked whether the second passes; as ``scan`` leaves."""
    from hullguard.imagescan.diff import Verdict, lets_in_unjudged

    before, after = reports
    for report in reports:
        if not report.complete:
            exits.remark(say("{target}: the report is incomplete", target=report.target.ref))
            return exits.LIMIT_REACHED
    if made.verdict is Verdict.UNDECIDED:
        if bound is not None:
            exits.remark(made.sentence)
        return exits.LIMIT_REACHED
    if bound is None:
        return exits.DONE
    if any(one.severity.rank >= bound.rank for one in made.new):
        return exits.FINDING
    if lets_in_unjudged(before, after):
        exits.remark(exits.unjudged(after.unknowns))
        return exits.LIMIT_REACHED
    if said := exits.unrated(sum(one.severity is Severity.UNKNOWN for one in made.new)):
        exits.remark(said)
    return exits.DONE


def _report(job: "Job", target: str) -> "ScanReport":
    """From a report in a file, else from a scan, of a bill of materials, too; in both cases of what counts."""
    from hullguard.app.cli.scan_job import counted_by, scan_one

    path = Path(target)
    if _is_report(path):
        return counted_by(job, read_report(path))[0]

    report = scan_one(job, target).report
    if report is None:
        raise Invalid(f"{target} gave no report")
    return report


def read_report(path: Path) -> "ScanReport":
    """A report that an earlier scan wrote; raises Invalid when it is none."""
    from hullguard.model.report import ScanReport

    if path.stat().st_size > _MAX_REPORT:
        raise Invalid(f"{path} is larger than any report")
    try:
        return msgspec.json.decode(path.read_bytes(), type=ScanReport)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as cause:
        raise Invalid(f"{path} is no report of `hullguard scan -f json`: {wrong(cause)}") from cause


def _is_report(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD)
            return head.startswith(b"{") and _SCHEMA in head
    except (OSError, ValueError):
        return False
