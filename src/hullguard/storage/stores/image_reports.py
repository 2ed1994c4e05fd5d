"""What an inventory and a report leave in the tables that lists read."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from msgspec import Struct, structs

from hullguard.model.image import Layer
from hullguard.model.inventory import Inventory
from hullguard.model.package import Package
from hullguard.model.report import ReportedPackage, ScanReport, Vulnerability
from hullguard.model.severity import Severity
from hullguard.model.use import Use
from hullguard.model.view import LayerShare
from hullguard.storage.paging import INTEGER_MAX

RISK_STEP = 100_000
"""One vulnerability of a class weighs more than any number of the class below, up to this many."""

USED = {Use.UNKNOWN: 0, Use.NOT_SEEN: 1, Use.LOADED: 2}
"""As ``findings.used`` has it."""

SERIOUS = frozenset({Severity.CRITICAL, Severity.HIGH})


def sorted_packages(inventory: Inventory) -> list[Package]:
    """The order of the package list; a row's position counts in it."""
    return sorted(inventory.packages, key=lambda each: (each.name, each.version, each.purl))


def sorted_vulnerabilities(report: ScanReport) -> list[Vulnerability]:
    """From the worst to the least: exploited ones first within a severity. A row's position counts in it."""
    return sorted(report.vulnerabilities, key=_worst_first)


def _worst_first(each: Vulnerability) -> tuple[int, bool, float, str, str]:
    return (-each.severity.rank, not each.kev, -(each.epss or 0.0), each.id, each.package)


def package_rows(image: str, inventory: Inventory) -> Iterator[dict[str, Any]]:
    """The index of an inventory's packages."""
    for position, package in enumerate(sorted_packages(inventory)):
        yield {
            "image_id": image,
            "position": position,
            "ecosystem": package.ecosystem,
            "matched_name": package.source_name or package.name,
            "name": package.name,
            "type": package.type.value,
            "layer": package.layer,
        }


def finding_rows(
    image: str, report: ScanReport, known: Mapping[tuple[str, str], datetime], now: datetime
) -> Iterable[dict[str, Any]]:
    """The index of a report's vulnerabilities; ``known`` says since when (vulnerability, package) was found before.

    An advisory that got its CVE meanwhile is found under another id, but not anew. Of the packages' use nothing is
    known yet: ``ImageUses.weigh`` follows.
    """
    names = {package.purl: package.name for package in report.packages}
    for position, found in enumerate(report.vulnerabilities):
        package = names.get(found.package, found.package)
        earlier = [known[each, package] for each in (found.id, *found.aliases) if (each, package) in known]
        yield {
            "image_id": image,
            "position": position,
            "vulnerability": found.id,
            "severity": found.severity.rank,
            "fixable": found.fixed is not None,
            "package": package,
            "layer": found.layer,
            "priority": found.priority.score,
            "used": USED[Use.UNKNOWN],
            "first_found": min(earlier, default=now),
        }


def inventory_summary(inventory: Inventory) -> dict[str, Any]:
    """The columns of ``images`` that an inventory decides."""
    return {
        "platform": (inventory.target.platform or "")[:64] or None,
        "os": inventory.os,
        "size": min(sum(max(0, layer.size) for layer in inventory.layers), INTEGER_MAX),
        "packages": len(inventory.packages),
        "complete": inventory.complete,
        "reader": _bounded(inventory.reader),
    }


def _bounded(count: int) -> int:
    """As a column takes it, whatever somebody claims."""
    return min(max(0, count), INTEGER_MAX)


class Tally(Struct, frozen=True):
    """The counts of a set of vulnerabilities."""

    per_severity: dict[Severity, int]
    fixable: int
    fixable_serious: int

    @property
    def risk(self) -> int:
        """Orders images: by critical ones, then high, then medium."""
        risk = 0
        for severity in (Severity.CRITICAL, Severity.HIGH, Severity.MEDIUM):
            risk = risk * RISK_STEP + min(self.per_severity[severity], RISK_STEP - 1)
        return risk


def tally(found: Iterable[Vulnerability]) -> Tally:
    """A vulnerability counts for each package that has it, as the list shows it: each number is its list's length."""
    counts = Counter((each.severity, each.fixed is not None) for each in found)
    per_severity = {severity: counts[severity, True] + counts[severity, False] for severity in Severity}
    fixable = sum(count for (_, fixed), count in counts.items() if fixed)
    return Tally(per_severity, fixable, sum(counts[severity, True] for severity in SERIOUS))


def report_summary(found: Tally, report: ScanReport, unread: int) -> dict[str, Any]:
    """The columns of ``images`` that a report decides; ``unread`` as in ``ImageSummary``."""
    return {
        **{severity.value: count for severity, count in found.per_severity.items()},
        "vulnerabilities": sum(found.per_severity.values()),
        "fixable": found.fixable,
        "fixable_serious": found.fixable_serious,
        "risk": found.risk,
        "complete": report.complete,
        "unjudged": _bounded(report.unjudged),
        "unread": _bounded(unread),
        "advisories_built": report.advisories.built,
    }


def layer_shares(
    layers: tuple[Layer, ...], packages: Iterable[ReportedPackage], found: Iterable[Vulnerability]
) -> tuple[LayerShare, ...]:
    """What each layer brought in; of two with one content, the second brought nothing that was not there."""
    brought = Counter(each.layer for each in packages)
    wrong: dict[str | None, Counter[Severity]] = defaultdict(Counter)
    for each in found:
        wrong[each.layer][each.severity] += 1
    return tuple(
        LayerShare(layer, brought.pop(layer.diff_id, 0), dict(wrong.pop(layer.diff_id, {}))) for layer in layers
    )


def with_sorted(report: ScanReport) -> ScanReport:
    """The report as it is kept: a finding's position in it is its position in the index."""
    return structs.replace(report, vulnerabilities=tuple(sorted_vulnerabilities(report)))
