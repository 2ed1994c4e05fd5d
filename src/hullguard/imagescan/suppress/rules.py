"""All that was said about findings, and a report without those that do not count."""

from collections.abc import Sequence
from datetime import date

from msgspec import structs

from hullguard.imagescan.suppress import purl
from hullguard.imagescan.suppress.images import is_claimed
from hullguard.imagescan.suppress.rule import Found, Rule, concerns, found
from hullguard.model.image import Target
from hullguard.model.package import Unknown
from hullguard.model.report import ReportedPackage, ScanReport, Suppressed, SuppressedBy, Vulnerability


class Rules:
    """The user's own word comes before that of VEX documents; of those the last word counts."""

    def __init__(self, rules: Sequence[Rule] = (), unknowns: Sequence[Unknown] = ()) -> None:
        self._rules = tuple(rules)
        self._unknowns = tuple(unknowns)
        self._by_id: dict[str, list[Rule]] = {}
        for rule in self._rules:
            for identity in rule.ids:
                self._by_id.setdefault(identity, []).append(rule)

    def apply(self, report: ScanReport, today: date) -> ScanReport:
        """Moves what does not count to ``suppressed``; rules that are over are named among the unknowns."""
        packages: dict[str, list[ReportedPackage]] = {}
        for package in report.packages:
            packages.setdefault(package.purl, []).append(package)
        parts = any(product.holder for rule in self._rules for product in rule.products)
        everything = [read for each in packages if (read := purl.read(each)) is not None] if parts else []
        kept: list[Vulnerability] = []
        suppressed = list(report.suppressed)
        for one in report.vulnerabilities:
            rule = self._deciding(found(one, packages.get(one.package, ())), report.target, today, everything)
            if rule is None or not rule.suppresses:
                kept.append(one)
            else:
                suppressed.append(Suppressed(one, rule.by, rule.reason, rule.until))
        unknowns = (*report.unknowns, *self._unknowns, *self._expired(today), *self._claimed(report.target))
        return structs.replace(
            report, vulnerabilities=tuple(kept), suppressed=tuple(suppressed), unknowns=tuple(dict.fromkeys(unknowns))
        )

    def _deciding(self, one: Found, target: Target, today: date, everything: Sequence[purl.Purl]) -> Rule | None:
        about = [
            rule
            for name in sorted(one.names)
            for rule in self._by_id.get(name, ())
            if not rule.expired(today) and concerns(rule, one, target, everything)
        ]
        own = next((rule for rule in about if rule.by is SuppressedBy.IGNORE_FILE), None)
        return own or max(about, key=_last_word, default=None)

    def _claimed(self, target: Target) -> list[Unknown]:
        """One word for each document that would count if the image were what it calls itself."""
        claimed = {
            rule.where.partition(",")[0]
            for rule in self._rules
            for product in rule.products
            if rule.suppresses and product.image is not None and is_claimed(product.image, target)
        }
        why = (
            "it speaks of an image by the name that this one gives itself; it counts for an image that an engine or a "
            "registry knows by that name, or for a digest"
        )
        return [Unknown(where, why) for where in sorted(claimed)]

    def _expired(self, today: date) -> list[Unknown]:
        return [
            Unknown(", ".join(sorted(rule.ids)), f"{rule.where}: ignored until {rule.until}, so it counts again")
            for rule in self._rules
            if rule.expired(today)
        ]


def _last_word(rule: Rule) -> tuple[bool, str, bool]:
    """Where two were said at one time, the one that warns counts; so does a warning of which nobody knows when."""
    return not rule.at and not rule.suppresses, rule.at, not rule.suppresses
