"""Many reports on one page: a line per target, so that a fleet is read at a glance."""

import io
from collections.abc import Sequence

from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from hullguard.imagescan.formats.table_sections import STYLES
from hullguard.model.report import ScanReport
from hullguard.model.severity import Severity
from hullguard.words import say
from hullguard.words.plain import plain

_TARGET, _BETWEEN = 12, 3
"""The least that the name of a target gets, and what stands between columns."""
_SHOWN = (Severity.CRITICAL, Severity.HIGH, Severity.MEDIUM, Severity.LOW)


def summary(rows: Sequence[tuple[str, ScanReport | None]], width: int, *, colour: bool) -> bytes:
    """``rows`` are a target and its report, if it could be made."""
    out = io.StringIO()
    console = Console(file=out, width=max(width, 40), force_terminal=colour, no_color=not colour, highlight=False)
    table = Table(
        box=box.SIMPLE_HEAD, pad_edge=False, title=say("{count} targets", count=len(rows)), title_justify="left"
    )
    headings = [say(word) for word in (*(each.capitalize() for each in _SHOWN), "Fixable", "Other", "Packages")]
    table.add_column(say("Target"), overflow="fold")
    for heading in headings:
        table.add_column(heading, justify="right", no_wrap=True)
    # As lines where the table would part the words above it.
    narrow = width < _TARGET + sum(cell_len(heading) + _BETWEEN for heading in headings)
    if narrow:
        console.print(Text(str(table.title)))
    for target, report in rows:
        if report is None:
            failed = Text(say("failed"), style="bold red")
            if narrow:
                console.print(Text("\n").append(plain(target), style="bold"), Text("  ").append_text(failed), sep="\n")
            else:
                table.add_row(Text(plain(target)), failed)
            continue
        name = plain(target)
        if not report.complete:
            name = say("{name} (incomplete)", name=name)
        elif report.unjudged:
            name = say("{name} ({count} packages not judged)", name=name, count=report.unjudged)
        counts = [*_counts(report), Text(str(len(report.packages)))]
        if narrow:
            facts = (Text(f"{heading} ").append_text(count) for heading, count in zip(headings, counts, strict=True))
            line = Text("  ").append_text(Text(" · ").join(facts))
            console.print(Text("\n").append(name, style="bold"), line, sep="\n")
        else:
            table.add_row(Text(name), *counts)
    if not narrow:
        console.print(table)
    return out.getvalue().encode("utf-8", "backslashreplace")


def _counts(report: ScanReport) -> list[Text]:
    cells = []
    for severity in _SHOWN:
        number = sum(one.severity is severity for one in report.vulnerabilities)
        cells.append(Text(str(number), style=STYLES[severity] if number else "dim"))
    fixable = sum(one.fixed is not None for one in report.vulnerabilities)
    other = len(report.secrets) + len(report.malware) + len(report.config)
    return [*cells, Text(str(fixable), style="green" if fixable else "dim"), Text(str(other))]
