"""The packages of an image as a table: ``hullguard sbom -f table``."""

import io

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from hullguard.imagescan.formats.format import Page
from hullguard.model.report import ReportedPackage, ScanReport
from hullguard.words import local, say
from hullguard.words.plain import plain


def package_table(report: ScanReport, page: Page) -> bytes:
    """By ecosystem, then by name."""
    out = io.StringIO()
    console = Console(
        file=out, width=max(page.width, 40), force_terminal=page.colour, no_color=not page.colour, highlight=False
    )
    console.print(Text(plain(report.target.ref), style="bold"))
    groups: dict[str, list[ReportedPackage]] = {}
    for package in report.packages:
        groups.setdefault(package.ecosystem or say("other"), []).append(package)
    for title, packages in sorted(groups.items()):
        console.print()
        console.print(Text(f"{plain(title)}  ({len(packages)})", style="bold"))
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
        for heading in ("Package", "Version", "Source", "Licence"):
            table.add_column(say(heading), overflow="fold")
        for package in sorted(packages, key=lambda one: (one.name, one.version)):
            source = package.source_name if package.source_name != package.name else ""
            cells = (package.name, package.version, source or "", ", ".join(package.licenses))
            table.add_row(*(Text(plain(cell)) for cell in cells))
        console.print(table)
    for unknown in report.unknowns:
        what, why = plain(local(unknown.what)), plain(local(unknown.why))
        console.print(Text(f"{say('Could not be decided')}: {what}: {why}", style="yellow"))
    if not report.complete:
        console.print(
            Text(say("Incomplete: packages may be missing; what could not be decided says why."), style="bold red")
        )
    return out.getvalue().encode("utf-8", "backslashreplace")
