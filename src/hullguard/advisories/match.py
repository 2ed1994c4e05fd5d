"""Matches the packages of an inventory against what is known; pure but for the look-ups that it is given."""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Protocol

from msgspec.structs import replace

from hullguard.advisories.evaluate import Judgement, Verdict, judge
from hullguard.advisories.findings import Match, vulnerabilities
from hullguard.advisories.osv import Advisory, Statement
from hullguard.advisories.products import products
from hullguard.advisories.severity import CveRating
from hullguard.advisories.subjects import Subject, addresses, comparable, order_for, subject, subjects
from hullguard.advisories.versions.order import Order, UnreadableVersion
from hullguard.model.inventory import Inventory
from hullguard.model.package import OS_TYPES, Unknown
from hullguard.model.report import Vulnerability


class Lookup(Protocol):
    """What the database answers."""

    def statements(self, ecosystem: str, name: str) -> Sequence[tuple[Advisory, Statement]]: ...
    def ecosystems(self) -> frozenset[str]: ...
    def known_exploited(self, cve: str) -> bool: ...
    def epss(self, cve: str) -> float | None: ...
    def ratings(self, cve: str) -> Iterable[CveRating]: ...


def match(inventory: Inventory, lookup: Lookup, today: date) -> tuple[tuple[Vulnerability, ...], tuple[Unknown, ...]]:
    """Every vulnerability of every package, the gravest first, and everything that could not be judged."""
    unknowns = set(inventory.unknowns) | set(_gaps(inventory, lookup, today))
    judged: dict[Subject, list[Match]] = {}
    found: list[Vulnerability] = []
    known = lookup.ecosystems()
    for package in inventory.packages:
        published = products(package.ecosystem, known)
        matches: dict[str, Match] = {}
        for about in (replace(about, ecosystem=name) for name in published for about in subjects(package)):
            if about not in judged:
                judged[about], doubts = _judge(about, lookup)
                unknowns.update(doubts)
            matches.update((match.advisory.id, match) for match in judged[about])
        found += vulnerabilities(package, matches.values(), lookup)
    found.sort(key=lambda one: (-one.severity.rank, -one.priority.score, one.id, one.package, one.layer or ""))
    return tuple(found), tuple(sorted(unknowns, key=lambda unknown: (unknown.what, unknown.why)))


def _judge(about: Subject, lookup: Lookup) -> tuple[list[Match], list[Unknown]]:
    statements = lookup.statements(about.ecosystem, about.name)
    what = f"{about.name} {about.version}"
    order = order_for(about)
    if not statements:
        return [], []
    if order is None:
        return [], [Unknown(what, f"versions of {about.ecosystem} cannot be ordered")]
    readable = _unreadable(about.version, order) is None
    matches: dict[str, Match] = {}
    doubts = []
    for advisory, statement in statements:
        if not addresses(about, advisory, statement):
            continue
        judgement = judge(about.version, comparable(about, statement), order)
        if judgement.verdict is Verdict.UNKNOWN and readable:
            doubts.append(Unknown(what, f"{advisory.id}: {judgement.evidence}"))
        known = matches.get(advisory.id)
        # One record may speak of a package several times; one "affected" decides.
        if known is None or known.judgement.verdict is not Verdict.AFFECTED:
            matches[advisory.id] = Match(advisory, statement, judgement, about.name)
    if not readable:
        why = f"{_unreadable(about.version, order)}; {len(statements)} advisories were looked up by exact version only"
        doubts.append(Unknown(what, why))
    return list(matches.values()), doubts


def _unreadable(version: str, order: Order) -> str | None:
    try:
        order.key(version)
    except UnreadableVersion as bad:
        return f"cannot order versions: {bad}"
    return None


def _gaps(inventory: Inventory, lookup: Lookup, today: date) -> Iterable[Unknown]:
    """What the advisories cannot know about this image at all."""
    os = inventory.os
    if os is not None and os.end_of_life is not None and os.end_of_life < today:
        name = os.name or f"{os.id} {os.version_id or ''}".strip()
        why = f"its security support ended on {os.end_of_life}; what was found since then may be missing"
        yield Unknown(name, why)
    known = lookup.ecosystems()
    counts: dict[str, int] = {}
    others = 0
    for package in inventory.packages:
        if package.ecosystem or package.type in OS_TYPES:
            counts[package.ecosystem] = counts.get(package.ecosystem, 0) + 1
        else:
            others += 1
    if others:
        yield Unknown(f"{others} other packages", "no advisories speak of their kind, or of a version such as theirs")
    for ecosystem, count in counts.items():
        if not ecosystem:
            yield Unknown(f"{count} OS packages", "no advisories are published for this distribution or release")
        elif not products(ecosystem, known):
            why = f"the advisory database has no advisories for it; its {count} packages were not judged"
            yield Unknown(ecosystem, why)


__all__ = ["Judgement", "Lookup", "Subject", "match", "subject"]
