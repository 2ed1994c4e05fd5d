"""What the table shows beside vulnerabilities: secrets, malware, configuration, licences, what does not count."""

from collections.abc import Iterable, Sequence

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from hullguard.imagescan.formats.format import Page
from hullguard.imagescan.formats.words import declaring
from hullguard.inventory.content.titles import title_of
from hullguard.model.package import Unknown
from hullguard.model.report import ScanReport
from hullguard.model.severity import Severity
from hullguard.words import local, say
from hullguard.words.plain import plain

STYLES = {
    Severity.CRITICAL: "bold white on red",
    Severity.HIGH: "bold red",
    Severity.MEDIUM: "yellow",
    Severity.LOW: "blue",
    Severity.NEGLIGIBLE: "dim",
    Severity.UNKNOWN: "dim",
}
_CARE = {"strong copyleft", "network copyleft", "proprietary"}
_NAMED = 3
_MAX_UNKNOWNS = 20


def sections(console: Console, report: ScanReport, page: Page) -> None:
    """In the order in which a person would act."""
    _malware(console, report)
    _secrets(console, report)
    _config(console, report)
    _licenses(console, report)
    _suppressed(console, report, page)


def _malware(console: Console, report: ScanReport) -> None:
    rows = [
        (one.severity, (title_of(one.title), _place(one.path, deleted=one.deleted), f"sha256 {one.sha256[:16]}…"))
        for one in report.malware
    ]
    _findings(console, "Malware", ("What", "Where", "File"), rows)


def _secrets(console: Console, report: ScanReport) -> None:
    rows = [
        (one.severity, (title_of(one.title), _place(f"{one.path}:{one.line}", deleted=one.deleted), one.match))
        for one in report.secrets
    ]
    _findings(console, "Secrets", ("What", "Where", "Text, without the secret"), rows)


def _config(console: Console, report: ScanReport) -> None:
    rows = [
        (one.severity, (f"{one.id} {title_of(one.title)}", local(one.message), local(one.fix))) for one in report.config
    ]
    _findings(console, "Configuration", ("Check", "Found", "What to do"), rows)


def _licenses(console: Console, report: ScanReport) -> None:
    if not report.licenses:
        return
    _title(console, "Licences", len(report.licenses))
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in ("Licence", "Kind", "Packages"):
        table.add_column(say(heading), overflow="fold")
    for one in sorted(report.licenses, key=lambda one: (one.category not in _CARE, one.category, one.license)):
        packages = declaring(report, one)
        names = ", ".join(map(plain, packages[:_NAMED]))
        if len(packages) > _NAMED:
            names = say("{names} and {count} more", names=names, count=len(packages) - _NAMED)
        style = "yellow" if one.category in _CARE else ""
        table.add_row(Text(plain(one.license)), Text(say(one.category), style=style), Text(names))
    console.print(table)


def _suppressed(console: Console, report: ScanReport, page: Page) -> None:
    if not report.suppressed:
        return
    if not page.suppressed:
        console.print()
        text = say(
            "{count} more do not count; --show-suppressed names them and says why.", count=len(report.suppressed)
        )
        console.print(Text(text, style="dim"))
        return
    _title(console, "Do not count", len(report.suppressed))
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in ("Vulnerability", "Package", "Said by", "Why not"):
        table.add_column(say(heading), overflow="fold")
    names = {package.purl: package.name for package in report.packages}
    for one in report.suppressed:
        found = one.vulnerability
        reason = one.reason
        if one.until:
            reason = say("{reason} (until {day})", reason=reason, day=one.until.isoformat())
        cells = (found.id, names.get(found.package, found.package), say(one.by), reason)
        table.add_row(*(Text(plain(cell), style="dim") for cell in cells))
    console.print(table)


def _findings(
    console: Console, title: str, headings: Sequence[str], rows: Iterable[tuple[Severity, tuple[str, ...]]]
) -> None:
    ordered = sorted(rows, key=lambda row: (-row[0].rank, row[1]))
    if not ordered:
        return
    _title(console, title, len(ordered))
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column(say("Severity"), no_wrap=True)
    for heading in headings:
        table.add_column(say(heading), overflow="fold")
    for severity, cells in ordered:
        table.add_row(Text(say(severity), style=STYLES[severity]), *(Text(plain(cell)) for cell in cells))
    console.print(table)


def _title(console: Console, title: str, count: int) -> None:
    console.print()
    console.print(Text(f"{say(title)}  ({count})", style="bold"))


def _place(path: str, *, deleted: bool) -> str:
    return say("{path} (deleted by a later layer, still in the image)", path=path) if deleted else path


def unknowns_section(console: Console, title: str, unknowns: Sequence[Unknown]) -> None:
    """What nobody could decide, up to a screenful."""
    if not unknowns:
        return
    console.print()
    console.print(Text(f"{say(title)}  ({len(unknowns)})", style="bold yellow"))
    for unknown in unknowns[:_MAX_UNKNOWNS]:
        console.print(Text(f"  {plain(local(unknown.what))}: {plain(local(unknown.why))}"))
    if len(unknowns) > _MAX_UNKNOWNS:
        more = say("… and {count} more; -f json names them all", count=len(unknowns) - _MAX_UNKNOWNS)
        console.print(Text(f"  {more}"))
