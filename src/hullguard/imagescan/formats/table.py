"""The report for people at a terminal: the gravest first, grouped by what installed the packages."""

import io
import re
from collections.abc import Iterator, Sequence

from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.style import Style
from rich.table import Column, Table
from rich.text import Text

from hullguard.imagescan.formats.format import Format, Page
from hullguard.imagescan.formats.table_sections import STYLES, sections, unknowns_section
from hullguard.imagescan.formats.words import NO_FIX, page_of
from hullguard.model.report import ScanReport, Vulnerability
from hullguard.model.severity import Severity
from hullguard.words import count, say
from hullguard.words.plain import plain

_WIDE = 110
_CELL, _BETWEEN = 40, 3
"""What another column may want before the layer gets more than its number; longer cells are folded."""
_WORD = 12
"""The longest word of a name or a version that a table must have room for; there are lines for where it has not."""
_NUMBER, _STEP, _TITLE = 4, 18, 30
"""The least that a layer gets alone and beside a title, and the least that a title gets."""


class TableFormat(Format):
    """Fits the width of the terminal; below 110 columns layers, priorities and titles are left out."""

    name = "table"
    suffix = "txt"
    media = "text/plain"

    def render(self, report: ScanReport, page: Page) -> bytes:
        out = io.StringIO()
        console = Console(
            file=out, width=max(page.width, 40), force_terminal=page.colour, no_color=not page.colour, highlight=False
        )
        self._head(console, report, page.hidden)
        for title, found in _groups(report).items():
            console.print()
            console.print(Text(f"{title}  ({len(found)})", style="bold"))
            console.print(*self._found(found, report, page.width), sep="\n")
        sections(console, report, page)
        unknowns_section(console, "Could not be decided", report.unknowns)
        self._foot(console, report)
        return out.getvalue().encode("utf-8", "backslashreplace")

    @staticmethod
    def _head(console: Console, report: ScanReport, hidden: int) -> None:
        console.print(Text(plain(report.target.ref), style="bold"))
        facts = [plain(report.os.name or report.os.id)] if report.os else []
        if report.target.platform:
            facts.append(plain(report.target.platform))
        if report.layers:
            facts.append(count(len(report.layers), "{n} layer", "{n} layers"))
        facts.append(count(len(report.packages), "{n} package", "{n} packages"))
        console.print(Text(" · ".join(facts)))
        line = _counted(report)
        for number, one, many in (
            (len(report.malware), "{n} malicious file", "{n} malicious files"),
            (len(report.secrets), "{n} secret", "{n} secrets"),
            (len(report.config), "{n} failed check", "{n} failed checks"),
        ):
            if number:
                line.append(f" · {count(number, one, many)}", style="bold")
        if hidden:
            line.append(f" · {say('{count} more not shown, as the filters ask', count=hidden)}", style="bold")
        console.print(line)

    @staticmethod
    def _found(found: list[Vulnerability], report: ScanReport, width: int) -> Sequence[Table | Text]:
        """As a table, or as lines where its columns would part words."""
        wide = width >= _WIDE
        judged = wide and any(one.priority.score for one in found)
        table = _columns(judged=judged)
        names = {package.purl: package.name for package in report.packages}
        before, rows = "", list[list[Text]]()
        for one in found:
            fixed = Text(plain(one.fixed), style="green") if one.fixed else Text(say(NO_FIX[one.status]), style="dim")
            identity = Text(plain(one.id), style=Style(link=page_of(one.id)))
            if one.kev:
                identity.append(f" {say('exploited')}", style="bold red")
            rows.append(
                [
                    Text("" if one.package == before else plain(names.get(one.package, one.package)), style="cyan"),
                    identity,
                    Text(say(one.severity), style=STYLES[one.severity]),
                    *([Text(str(one.priority.score))] if judged else []),
                    Text(plain(one.installed)),
                    fixed,
                ]
            )
            before = one.package
        if not wide and sum(_least(column, rows, at) for at, column in enumerate(table.columns)) > width:
            return _lines(rows)
        if wide:
            heads = [Text(str(column.header)) for column in table.columns]
            longest = (max(cell.cell_len for cell in cells) for cells in zip(heads, *rows, strict=True))
            room = width - sum(min(wanted, _CELL) + _BETWEEN for wanted in longest)
            for heading, cells, most in _wide_columns(found, report, room):
                table.add_column(say(heading), overflow="ellipsis", no_wrap=True, max_width=most)
                for row, cell in zip(rows, cells, strict=True):
                    row.append(Text(cell, style="dim"))
        for row in rows:
            table.add_row(*row)
        return (table,)

    @staticmethod
    def _foot(console: Console, report: ScanReport) -> None:
        console.print()
        if not report.complete:
            text = say("Incomplete: packages or findings may be missing; what could not be decided says why.")
            console.print(Text(text, style="bold red"))
        if built := report.advisories.built:
            day, newest = f"{built:%Y-%m-%d}", report.advisories.newest
            text = (
                say("Advisories: newest of {newest}, database of {day}.", newest=str(newest), day=day)
                if newest
                else say("Advisories: database of {day}; how new they are is not known.", day=day)
            )
            console.print(Text(text, style="dim"))


def _columns(*, judged: bool) -> Table:
    """The columns that every width has, and that of priorities."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, expand=False)
    table.add_column(say("Package"), overflow="fold")
    table.add_column(say("Vulnerability"), no_wrap=True)
    table.add_column(say("Severity"), no_wrap=True)
    if judged:
        table.add_column(say("Priority"), justify="right", no_wrap=True)
    table.add_column(say("Installed"), overflow="fold")
    table.add_column(say("Fixed in"), overflow="fold")
    return table


def _least(column: Column, rows: Sequence[Sequence[Text]], at: int) -> int:
    """The width in which a column parts no word of its heading or cells, but for names and versions that are long."""
    texts = [str(column.header), *(row[at].plain for row in rows)]
    if column.no_wrap:
        return max(map(cell_len, texts)) + _BETWEEN
    words = [cell_len(word) for text in texts for word in text.split()]
    return max(cell_len(max(texts[0].split(), key=len, default="")), min(max(words, default=0), _WORD)) + _BETWEEN


def _lines(rows: Sequence[Sequence[Text]]) -> list[Text]:
    """The same cells for a narrow terminal: each package, and below it a line for each of its findings."""
    lines = list[Text]()
    for name, identity, severity, installed, fixed in rows:
        if name:
            lines.append(name)
        change = Text(" → ").join((installed, fixed))
        lines.append(Text("  ").append_text(Text(" · ").join((identity, severity, change))))
    return lines


def _counted(report: ScanReport) -> Text:
    """How many vulnerabilities of each severity there are, and of how many packages nobody can tell."""
    line = Text(count(len(report.vulnerabilities), "{n} vulnerability", "{n} vulnerabilities"))
    if report.advisories.built is None:
        line = Text(say("vulnerabilities were not looked for"))
    elif report.unjudged:
        judged = count(report.unjudged, "{n} package was not judged", "{n} packages were not judged")
        line.append(" · ").append(judged, style="bold red")
    for severity in Severity:
        number = sum(one.severity is severity for one in report.vulnerabilities)
        if number:
            line.append(" · ")
            line.append(f"{number} {say(severity)}", style=STYLES[severity])
    fixable = sum(one.fixed is not None for one in report.vulnerabilities)
    if fixable:
        line.append(f" · {say('{count} can be fixed', count=fixable)}", style="green")
    return line


def _groups(report: ScanReport) -> dict[str, list[Vulnerability]]:
    """Findings by ecosystem; within one, package by package, the package with the gravest finding first."""
    ecosystems = {package.purl: package.ecosystem for package in report.packages}
    worst: dict[str, int] = {}
    groups: dict[str, list[Vulnerability]] = {}
    for one in report.vulnerabilities:
        worst[one.package] = max(worst.get(one.package, 0), one.severity.rank)
        groups.setdefault(ecosystems.get(one.package, "") or say("other"), []).append(one)

    def order(one: Vulnerability) -> tuple[int, str, str, int, str]:
        return -worst[one.package], one.package, one.layer or "", -one.severity.rank, one.id

    return {title: sorted(found, key=order) for title, found in sorted(groups.items())}


def _wide_columns(found: list[Vulnerability], report: ScanReport, room: int) -> Iterator[tuple[str, list[str], int]]:
    """Heading, cells and width of what is shown in the room that the other columns leave."""
    steps = {layer.diff_id: _step(number, layer.created_by) for number, layer in enumerate(report.layers, 1)}
    layers = [steps.get(one.layer or "", "") for one in found]
    titles = [plain(" ".join((one.summary or "").split())) for one in found]
    if any(layers):
        wanted = max(cell_len(layer) for layer in layers)
        titled = any(titles) and room >= min(wanted, _STEP) + _TITLE + 2 * _BETWEEN
        most = max(room // 3, _STEP) if titled else max(room - _BETWEEN, _NUMBER)
        yield "Layer", layers, most
        room -= min(wanted, most) + _BETWEEN
    if any(titles) and room >= _TITLE + _BETWEEN:
        yield "Title", titles, room - _BETWEEN


def _step(number: int, created_by: str | None) -> str:
    words = " ".join(plain(created_by or "").split())
    words = words.removeprefix("/bin/sh -c #(nop) ").strip()
    words = re.sub(r"^(?:RUN )?/bin/sh -c ", "RUN ", words).removesuffix(" # buildkit")
    return f"{number} {words[:40]}".rstrip()
