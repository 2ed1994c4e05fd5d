"""All that was said about findings, and a report without those that do not count."""

from collections.abc import Collection, Sequence
from datetime import date
from functools import cached_property

from msgspec import UNSET, structs

from hullguard.imagescan.suppress import purl
from hullguard.imagescan.suppress.images import is_claimed
from hullguard.imagescan.suppress.rule import Rule, concerns, folded, found, names_of
from hullguard.model.image import Target
from hullguard.model.package import Unknown
from hullguard.model.report import ReportedPackage, ScanReport, Suppressed, SuppressedBy, Vulnerability

_NAMED = 5
"""Lines."""


class Rules:
    """The user's own word comes before that of VEX documents; of those the last word counts."""

    def __init__(self, rules: Sequence[Rule] = (), unknowns: Sequence[Unknown] = ()) -> None:
        self._rules = tuple(rules)
        self._unknowns = tuple(unknowns)
        self._by_id: dict[str, list[Rule]] = {}
        for rule in self._rules:
            for identity in set(map(folded, rule.ids)):
                self._by_id.setdefault(identity, []).append(rule)

    def apply(self, report: ScanReport, today: date) -> ScanReport:
        """Moves what does not count to ``suppressed``; rules that are over, or fit nothing, are among the unknowns."""
        told, fitting = self._sorted(report, report.target, today)
        unknowns = [*report.unknowns, *self._unknowns, *self._expired(today), *self._claimed(report.target)]
        if report.advisories.built is not None:
            unknowns += self._idle(fitting, today)
        return structs.replace(told, unknowns=tuple(dict.fromkeys(unknowns)))

    def suppress(self, report: ScanReport, today: date, names: Sequence[str]) -> ScanReport:
        """Moves what does not count to ``suppressed``, and says nothing of the rules: these are for many images.

        ``names`` are those that the image has now, whatever it was called when it was read.
        """
        if not self._rules:
            return report
        target = structs.replace(report.target, ref="", tags=tuple(names))
        return self._sorted(report, target, today)[0]

    def _sorted(self, report: ScanReport, target: Target, today: date) -> tuple[ScanReport, set[str]]:
        """Also which rules fit anything."""
        subject = _Subject(report, target)
        kept: list[Vulnerability] = []
        suppressed = list(report.suppressed)
        fitting = {rule.where for one in suppressed for rule in self._about(one.vulnerability, subject, today)}
        for one in report.vulnerabilities:
            rules = self._about(one, subject, today)
            fitting.update(rule.where for rule in rules)
            rule = _deciding(rules)
            if rule is None or not rule.suppresses:
                kept.append(one)
            else:
                suppressed.append(Suppressed(one, rule.by, rule.reason, rule.until, rule.source or UNSET))
        return structs.replace(report, vulnerabilities=tuple(kept), suppressed=tuple(suppressed)), fitting

    def _about(self, one: Vulnerability, subject: "_Subject", today: date) -> list[Rule]:
        speaking = [rule for name in sorted(names_of(one)) for rule in self._by_id.get(name, ())]
        if not speaking:  # of most nobody says anything: they need not be looked at
            return []
        facts = found(one, subject.packages.get(one.package, ()))
        return [
            rule
            for rule in speaking
            if not rule.expired(today) and concerns(rule, facts, subject.target, subject.everything)
        ]

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

    def _idle(self, fitting: Collection[str], today: date) -> list[Unknown]:
        """One word for an ignore file's entries that fit no finding: a mistyped one would never be missed."""
        idle: dict[str, list[str]] = {}
        for rule in self._rules:
            if rule.by is SuppressedBy.IGNORE_FILE and rule.where not in fitting and not rule.expired(today):
                file, _, line = rule.where.rpartition(", line ")
                idle.setdefault(file, []).append(line)
        told = []
        for file, lines in sorted(idle.items()):
            first = ", ".join(lines[:_NAMED])
            why = f"{len(lines)} of its entries fit nothing that was found; the first are in lines {first}"
            told.append(Unknown(file, why))
        return told


class _Subject:
    """The image that is asked about; what few rules need of it is worked out when one does."""

    def __init__(self, report: ScanReport, target: Target) -> None:
        self.target = target
        self._report = report

    @cached_property
    def packages(self) -> dict[str, list[ReportedPackage]]:
        """By their purl."""
        found: dict[str, list[ReportedPackage]] = {}
        for package in self._report.packages:
            found.setdefault(package.purl, []).append(package)
        return found

    def everything(self) -> list[purl.Purl]:
        """Every package that it holds."""
        return self._purls

    @cached_property
    def _purls(self) -> list[purl.Purl]:
        return [read for each in self.packages if (read := purl.read(each)) is not None]


_OWN = (SuppressedBy.IGNORE_FILE, SuppressedBy.EXCEPTION)


def _deciding(about: Sequence[Rule]) -> Rule | None:
    own = next((rule for rule in about if rule.by in _OWN), None)
    return own or max(about, key=_last_word, default=None)


def _last_word(rule: Rule) -> tuple[bool, str, bool]:
    """Where two were said at one time, the one that warns counts; so does a warning of which nobody knows when."""
    return not rule.at and not rule.suppresses, rule.at, not rule.suppresses
