"""The report for people at a terminal: the gravest first, grouped by what installed the packages."""

import io
import re

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from hullguard.imagescan.formats.format import Format, Page
from hullguard.imagescan.formats.table_sections import STYLES, sections
from hullguard.imagescan.formats.words import NO_FIX, plain
from hullguard.model.report import ScanReport, Vulnerability
from hullguard.model.severity import Severity

_WIDE = 110
_BESIDE_LAYER = 96
"""What the other columns want before the layer gets more than its number and a word."""
_MAX_UNKNOWNS = 20


class TableFormat(Format):
    """Fits the width of the terminal; below 110 columns layers and priorities are left out."""

    name = "table"
    suffix = "txt"

    def render(self, report: ScanReport, page: Page) -> bytes:
        out = io.StringIO()
        console = Console(
            file=out, width=max(page.width, 40), force_terminal=page.colour, no_color=not page.colour, highlight=False
        )
        self._head(console, report, page.hidden)
        for title, found in _groups(report).items():
            console.print()
            console.print(Text(f"{title}  ({len(found)})", style="bold"))
            console.print(self._table(found, report, page.width))
        sections(console, report, page)
        self._unknowns(console, report)
        self._foot(console, report)
        return out.getvalue().encode("utf-8", "backslashreplace")

    @staticmethod
    def _head(console: Console, report: ScanReport, hidden: int) -> None:
        console.print(Text(plain(report.target.ref), style="bold"))
        facts = [plain(report.os.name or report.os.id)] if report.os else []
        if report.target.platform:
            facts.append(plain(report.target.platform))
        if report.layers:
            facts.append(_count(len(report.layers), "layer"))
        facts.append(_count(len(report.packages), "package"))
        console.print(Text(" · ".join(facts)))
        line = Text(_count(len(report.vulnerabilities), "vulnerability", "vulnerabilities"))
        if report.advisories.built is None:
            line = Text("vulnerabilities were not looked for")
        for severity in Severity:
            number = sum(one.severity is severity for one in report.vulnerabilities)
            if number:
                line.append(" · ")
                line.append(f"{number} {severity}", style=STYLES[severity])
        fixable = sum(one.fixed is not None for one in report.vulnerabilities)
        if fixable:
            line.append(f" · {fixable} can be fixed", style="green")
        for number, one, many in (
            (len(report.malware), "malicious file", "malicious files"),
            (len(report.secrets), "secret", "secrets"),
            (len(report.config), "failed check", "failed checks"),
        ):
            if number:
                line.append(f" · {_count(number, one, many)}", style="bold")
        if hidden:
            line.append(f" · {hidden} more not shown, as the filters ask", style="bold")
        console.print(line)

    @staticmethod
    def _table(found: list[Vulnerability], report: ScanReport, width: int) -> Table:
        wide = width >= _WIDE
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False, expand=False)
        table.add_column("Package", overflow="fold")
        table.add_column("Vulnerability", no_wrap=True)
        table.add_column("Severity", no_wrap=True)
        judged = wide and any(one.priority.score for one in found)
        if judged:
            table.add_column("Priority", justify="right", no_wrap=True)
        table.add_column("Installed", overflow="fold")
        table.add_column("Fixed in", overflow="fold")
        if wide:
            table.add_column("Layer", overflow="ellipsis", no_wrap=True, max_width=max(width - _BESIDE_LAYER, 12))
        names = {package.purl: package.name for package in report.packages}
        steps = {layer.diff_id: _step(number, layer.created_by) for number, layer in enumerate(report.layers, 1)}
        before = ""
        for one in found:
            fixed = Text(plain(one.fixed), style="green") if one.fixed else Text(NO_FIX[one.status], style="dim")
            identity = Text(plain(one.id))
            if one.kev:
                identity.append(" exploited", style="bold red")
            row = [
                Text("" if one.package == before else plain(names.get(one.package, one.package)), style="cyan"),
                identity,
                Text(one.severity, style=STYLES[one.severity]),
                *([Text(str(one.priority.score))] if judged else []),
                Text(plain(one.installed)),
                fixed,
            ]
            table.add_row(*row, *([Text(steps.get(one.layer or "", ""), style="dim")] if wide else []))
            before = one.package
        return table

    @staticmethod
    def _unknowns(console: Console, report: ScanReport) -> None:
        if not report.unknowns:
            return
        console.print()
        console.print(Text(f"Could not be decided  ({len(report.unknowns)})", style="bold yellow"))
        for unknown in report.unknowns[:_MAX_UNKNOWNS]:
            console.print(Text(f"  {plain(unknown.what)}: {plain(unknown.why)}"))
        if len(report.unknowns) > _MAX_UNKNOWNS:
            console.print(Text(f"  … and {len(report.unknowns) - _MAX_UNKNOWNS} more; -f json names them all"))

    @staticmethod
    def _foot(console: Console, report: ScanReport) -> None:
        console.print()
        if not report.complete:
            console.print(Text("Incomplete: a limit stopped the scan; there may be more.", style="bold red"))
        if built := report.advisories.built:
            console.print(Text(f"Advisories as of {built:%Y-%m-%d}.", style="dim"))


def _groups(report: ScanReport) -> dict[str, list[Vulnerability]]:
    """Findings by ecosystem; within one, package by package, the package with the gravest finding first."""
    ecosystems = {package.purl: package.ecosystem for package in report.packages}
    worst: dict[str, int] = {}
    groups: dict[str, list[Vulnerability]] = {}
    for one in report.vulnerabilities:
        worst[one.package] = max(worst.get(one.package, 0), one.severity.rank)
        groups.setdefault(ecosystems.get(one.package, "") or "other", []).append(one)

    def order(one: Vulnerability) -> tuple[int, str, str, int, str]:
        return -worst[one.package], one.package, one.layer or "", -one.severity.rank, one.id

    return {title: sorted(found, key=order) for title, found in sorted(groups.items())}


def _step(number: int, created_by: str | None) -> str:
    words = " ".join(plain(created_by or "").split())
    words = words.removeprefix("/bin/sh -c #(nop) ").strip()
    words = re.sub(r"^(?:RUN )?/bin/sh -c ", "RUN ", words).removesuffix(" # buildkit")
    return f"{number} {words[:40]}".rstrip()


def _count(number: int, one: str, many: str | None = None) -> str:
    return f"{number} {one if number == 1 else many or one + 's'}"
