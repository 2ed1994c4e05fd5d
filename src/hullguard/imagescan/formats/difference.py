"""A difference for people: the verdict first, then what to do, then what changed."""

import io
from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from hullguard.imagescan.diff import Difference, Verdict
from hullguard.imagescan.formats.format import Page
from hullguard.imagescan.formats.table_sections import STYLES, unknowns_section
from hullguard.imagescan.formats.words import NO_FIX, named_in
from hullguard.model.report import Vulnerability
from hullguard.words import count, local, say
from hullguard.words.plain import plain

_VERDICTS = {Verdict.BETTER: "bold green", Verdict.WORSE: "bold red", Verdict.SAME: "bold", Verdict.UNDECIDED: "yellow"}


def difference_table(made: Difference, page: Page) -> bytes:
    """Findings that are still there are only counted."""
    out = io.StringIO()
    console = Console(
        file=out, width=max(page.width, 40), force_terminal=page.colour, no_color=not page.colour, highlight=False
    )
    console.print(Text(f"{plain(made.before.ref)} → {plain(made.after.ref)}", style="bold"))
    console.print(Text(_verdict(made), style=_VERDICTS[made.verdict]))
    counts = say(
        "{new} new · {fixed} fixed · {still} still there",
        new=len(made.new),
        fixed=len(made.fixed),
        still=len(made.still),
    )
    console.print(Text(counts))
    _findings(console, "New", made.new)
    _findings(console, "Fixed", made.fixed)
    _packages(console, made)
    _upgrades(console, made)
    unknowns_section(console, "Could not be decided before", made.unknowns_before)
    unknowns_section(console, "Could not be decided after", made.unknowns_after)
    return out.getvalue().encode("utf-8", "backslashreplace")


def _verdict(made: Difference) -> str:
    """The sentence for people; its parts are separated as ``compare`` writes them."""
    if made.verdict is Verdict.UNDECIDED:
        return local(made.sentence)
    verdict, _, steps = made.sentence.partition(": ")
    return say(
        "{verdict}: {steps}", verdict=say(verdict), steps=say(", ").join(local(step) for step in steps.split(", "))
    )


def _findings(console: Console, title: str, found: Sequence[Vulnerability]) -> None:
    if not found:
        return
    table = _table(
        console, f"{say(title)}  ({len(found)})", ("Vulnerability", "Severity", "Package", "Version", "Fixed in")
    )
    for one in found:
        fixed = Text(plain(one.fixed), style="green") if one.fixed else Text(say(NO_FIX[one.status]), style="dim")
        identity = Text(plain(one.id))
        if one.kev:
            identity.append(f" {say('exploited')}", style="bold red")
        name = plain(named_in(one.package))
        severity = Text(say(one.severity), style=STYLES[one.severity])
        table.add_row(identity, severity, Text(name), Text(plain(one.installed)), fixed)
    console.print(table)


def _packages(console: Console, made: Difference) -> None:
    rows = [(say("added"), one.name, "", one.version) for one in made.added]
    rows += [(say("removed"), one.name, one.version, "") for one in made.removed]
    rows += [(say("changed"), one.name, ", ".join(one.before), ", ".join(one.after)) for one in made.changed]
    if not rows:
        return
    table = _table(console, f"{say('Packages')}  ({len(rows)})", ("What", "Package", "Before", "After"))
    for row in rows:
        table.add_row(*(Text(plain(cell)) for cell in row))
    console.print(table)


def _upgrades(console: Console, made: Difference) -> None:
    if not made.upgrades:
        return
    title = f"{say('What to update next')}  ({len(made.upgrades)})"
    table = _table(console, title, ("Package", "Installed", "To", "Removes", "Gravest"))
    for one in made.upgrades:
        removes = count(one.findings, "{n} finding", "{n} findings")
        gravest = Text(say(one.gravest), style=STYLES[one.gravest])
        table.add_row(
            Text(plain(one.name)),
            Text(plain(one.installed)),
            Text(plain(one.to), style="green"),
            Text(removes),
            gravest,
        )
    console.print(table)


def _table(console: Console, title: str, headings: Sequence[str]) -> Table:
    console.print()
    console.print(Text(title, style="bold"))
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in headings:
        table.add_column(say(heading), overflow="fold")
    return table
