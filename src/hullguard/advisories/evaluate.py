"""Whether a version is affected: the evaluation of the OSV schema, with "unknown" as an answer of its own."""

import enum
from collections.abc import Iterable
from typing import Any

from msgspec import Struct

from hullguard.advisories.osv import Event, Range, Statement
from hullguard.advisories.versions.order import Order, UnreadableVersion

# A limit is no event of this kind.
_KINDS = ("introduced", "last_affected", "fixed")


class Verdict(enum.Enum):
    """Three answers; the third is said aloud, never taken for the second."""

    AFFECTED = "affected"
    NOT_AFFECTED = "not affected"
    UNKNOWN = "unknown"


class Judgement(Struct, frozen=True):
    """A verdict with its proof, and the lowest version that ends what was found."""

    verdict: Verdict
    rule: str = ""
    evidence: str = ""
    fixed: str | None = None
    denied: bool = False
    """Not affected because the publisher says so of every version, and not because another version is installed."""


_NOT_AFFECTED = Judgement(Verdict.NOT_AFFECTED)
_DENIED = Judgement(Verdict.NOT_AFFECTED, "osv.not-affected", "not affected in any version", denied=True)


def judge(installed: str, said: Statement, order: Order) -> Judgement:
    """Judges one installed version by one statement; every range is looked at, whatever the others say."""
    if said.denies:
        return _DENIED
    doubt: str | None = None
    denied = False
    for candidate in said.ranges:
        if candidate.type == "GIT":
            continue  # commits; another range of the record may still speak of versions
        try:
            judgement = _judge_range(installed, candidate, order)
        except UnreadableVersion as bad:
            doubt = f"cannot order versions: {bad}"
            continue
        if judgement.verdict is Verdict.AFFECTED:
            return judgement
        denied = denied or judgement.denied
    if _listed(installed, said.versions, order):
        evidence = f"{installed} is listed as affected"
        if _is_fix(installed, said, order):
            evidence = f"{installed} is listed as affected, though a range calls it the fix"
        return Judgement(Verdict.AFFECTED, "osv.versions", evidence, _fix(installed, said, order))
    if doubt:
        return Judgement(Verdict.UNKNOWN, "", doubt)
    return _DENIED if denied else _NOT_AFFECTED


def settled(fixed: str, said: Iterable[Statement], order: Order) -> str | None:
    """The lowest version from a fix on that no range of what one record says holds; None where none ends that.

    Ranges of one record may overlap or follow one another. Lists are not asked: some have the fix itself among what is
    affected, against their own ranges.
    """
    ranges = [Statement(each.ranges, [], [], "", "") for each in said if not each.denies]
    steps = sum(len(candidate.events) for each in ranges for candidate in each.ranges)
    for _ in range(steps):  # each is to a higher fix
        here = [judgement for each in ranges if (judgement := judge(fixed, each, order)).verdict is Verdict.AFFECTED]
        if not here:
            return fixed
        if here[0].fixed is None:
            return None
        fixed = here[0].fixed
    return fixed


def why_not(installed: str, said: Statement, order: Order) -> str:
    """Why a version that was judged not to be affected is not."""
    if judge(installed, said, order).denied:
        return "no version of it is"
    ends = [event.fixed for candidate in said.ranges if candidate.type != "GIT" for event in candidate.events]
    reached = [bound for bound in ends if bound is not None and _reached(installed, bound, order)]
    if reached:
        return f"fixed in {max(reached, key=order.key)}"
    return "it is none of the affected versions"


def _reached(installed: str, bound: str, order: Order) -> bool:
    try:
        return _at_least(installed, bound, order.key(bound), order, strictly=False)
    except UnreadableVersion:
        return False


def _listed(installed: str, versions: list[str], order: Order) -> bool:
    """Looks the version up in the list, also when it is spelled differently: ``1.0`` and ``1.0.0`` may be one."""
    if installed in versions:
        return True
    # Spelled differently they are equal only with the same beginning, but for epochs and a "v"; the list may be long.
    begins = {installed[:1], installed.lower().removeprefix("v")[:1], installed.partition(":")[2][:1]}
    alike = [version for version in versions if version[:1] in begins or version[:1] in "vV0"]
    for version in alike:
        try:
            if order.key(version) == order.key(order.installed_for(installed, version)):
                return True
        except UnreadableVersion:
            continue
    return False


def _is_fix(installed: str, said: Statement, order: Order) -> bool:
    """Whether ranges contradict the list."""
    fixes = [event.fixed for candidate in said.ranges for event in candidate.events if event.fixed is not None]
    return _listed(installed, fixes, order)


def _judge_range(installed: str, candidate: Range, order: Order) -> Judgement:
    if any(event.fixed == "0" for event in candidate.events):
        return _DENIED  # Debian's way to say that no version ever was
    events = _sorted(candidate.events, order)
    if not _before_limits(installed, candidate, order):
        return _NOT_AFFECTED
    since: str | None = None
    for position, (kind, bound, key) in enumerate(events):
        reached = key is None or _at_least(installed, bound, key, order, strictly=kind == "last_affected")
        if not reached:
            continue
        since = bound if kind == "introduced" else None
        last = position
    if since is None:
        return _NOT_AFFECTED
    following = events[last + 1 :]
    end = next(((kind, bound) for kind, bound, _ in following if kind != "introduced"), None)
    fixed = next((bound for kind, bound, _ in following if kind == "fixed"), None)
    words = {"fixed": "before the fix", "last_affected": "up to the last affected"}
    until = f", {words[end[0]]} {end[1]}" if end else ", and no fix is named"
    return Judgement(Verdict.AFFECTED, "osv.range", f"{installed} is affected since {since}{until}", fixed)


def _sorted(events: list[Event], order: Order) -> list[tuple[str, str, Any]]:
    """Events as (kind, bound, key) in the order of versions; the key of ``introduced: 0`` is None, before all.

    At one version they stay in the record's own order: ``fixed X, introduced X`` goes from one branch to the next one,
    ``introduced X, fixed X`` is a range without any version.
    """
    start, others = [], []
    for event in events:
        for kind in _KINDS:
            bound = getattr(event, kind)
            if bound is None:
                continue
            if kind == "introduced" and bound == "0":
                start.append((kind, bound, None))
            else:
                others.append((kind, bound, order.key(bound)))
    others.sort(key=lambda event: event[2])
    return [*start, *others]


def _at_least(installed: str, bound: str, key: Any, order: Order, *, strictly: bool) -> bool:
    version = order.key(order.installed_for(installed, bound))
    return bool(version > key) if strictly else bool(version >= key)


def _before_limits(installed: str, candidate: Range, order: Order) -> bool:
    limits = [event.limit for event in candidate.events if event.limit is not None]
    if not limits:
        return True
    return any(limit == "*" or order.key(order.installed_for(installed, limit)) < order.key(limit) for limit in limits)


def _fix(installed: str, said: Statement, order: Order) -> str | None:
    """For a listed version: the lowest fixed version above it in any range."""
    found: list[tuple[Any, str]] = []
    for candidate in said.ranges:
        for event in candidate.events:
            if candidate.type == "GIT" or event.fixed is None:
                continue
            try:
                key = order.key(event.fixed)
                if order.key(installed) < key:
                    found.append((key, event.fixed))
            except UnreadableVersion:
                continue
    return min(found, key=lambda item: item[0])[1] if found else None
