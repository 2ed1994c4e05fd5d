"""Many reports on one page: a line per target, so that a fleet is read at a glance."""

import io
from collections.abc import Iterator, Sequence
from typing import TypeAlias

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
_Cells: TypeAlias = tuple[Text, list[Text]]
"""The name of a target, and what stands beside it."""
_SHOWN = (Severity.CRITICAL, Severity.HIGH, Severity.MEDIUM, Severity.LOW)


def summary(rows: Sequence[tuple[str, ScanReport | None]], width: int, *, colour: bool) -> bytes:
    """``rows`` are a target and its report, if it could be made."""
    out = io.StringIO()
    console = Console(file=out, width=max(width, 40), force_terminal=colour, no_color=not colour, highlight=False)
    title = say("{count} targets", count=len(rows))
    headings = [say(word) for word in (*(each.capitalize() for each in _SHOWN), "Fixable", "Other", "Packages")]
    cells = [(_named(target, report), _counts(report)) for target, report in rows]
    # As lines where the table would part the words above it.
    if width < _TARGET + sum(cell_len(heading) + _BETWEEN for heading in headings):
        console.print(*_lines(title, headings, cells), sep="\n")
    else:
        console.print(_table(title, headings, cells))
    return out.getvalue().encode("utf-8", "backslashreplace")


def _table(title: str, headings: Sequence[str], rows: Sequence[_Cells]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, title=title, title_justify="left")
    table.add_column(say("Target"), overflow="fold")
    for heading in headings:
        table.add_column(heading, justify="right", no_wrap=True)
    for name, counts in rows:
        table.add_row(name, *counts)
    return table


def _lines(title: str, headings: Sequence[str], rows: Sequence[_Cells]) -> Iterator[Text]:
    yield Text(title)
    for name, counts in rows:
        yield Text("\n").append(name.plain, style="bold")
        if len(counts) < len(headings):
            facts = counts
        else:
            facts = [Text(f"{each} ").append_text(count) for each, count in zip(headings, counts, strict=True)]
        yield Text("  ").append_text(Text(" · ").join(facts))


def _named(target: str, report: ScanReport | None) -> Text:
    name = plain(target)
    if report is not None and not report.complete:
        name = say("{name} (incomplete)", name=name)
    elif report is not None and report.unjudged:
        name = say("{name} ({count} packages not judged)", name=name, count=report.unjudged)
    return Text(name)


def _counts(report: ScanReport | None) -> list[Text]:
    """What stands below the headings; one word where there is no report."""
    if report is None:
        return [Text(say("failed"), style="bold red")]
    cells = []
    for severity in _SHOWN:
        number = sum(one.severity is severity for one in report.vulnerabilities)
        cells.append(Text(str(number), style=STYLES[severity] if number else "dim"))
    fixable = sum(one.fixed is not None for one in report.vulnerabilities)
    other = len(report.secrets) + len(report.malware) + len(report.config)
    packages = Text(str(len(report.packages)))
    return [*cells, Text(str(fixable), style="green" if fixable else "dim"), Text(str(other)), packages]
