"""How soon to act on a finding: one number that anyone can add up again from its reasons."""

from hullguard.model.report import Priority
from hullguard.model.severity import Severity
from hullguard.model.use import Use

# 100 are shared out: what harm it may do, whether it is being done, how likely it soon is, whether it can be ended.
_SEVERITY = {
    Severity.CRITICAL: 50,
    Severity.HIGH: 35,
    Severity.MEDIUM: 20,
    Severity.LOW: 8,
    Severity.NEGLIGIBLE: 2,
    Severity.UNKNOWN: 15,
}
_EXPLOITED = 30
_LIKELY = 15
_FIXABLE = 5
_KERNEL_SHARE = 5
"""A kernel that is not booted counts for a fifth."""
_MOST = 100
_LOADED = 10
_NOT_SEEN = 10
_NOT_SEEN_SHARE = 4
"""What was not seen may run tomorrow: it takes a quarter away at most, so nothing is hidden."""


def priority(severity: Severity, *, kev: bool, epss: float | None, fixable: bool, kernel: bool) -> Priority:
    """The sum of its reasons, from 0 to 100."""
    parts = [(_SEVERITY[severity], f"{severity} severity")]
    if kev:
        parts.append((_EXPLOITED, "known to be exploited (KEV)"))
    if epss is not None:
        # Most scores are far below one per cent; the root keeps them apart.
        likely = min(max(epss, 0.0), 1.0)
        parts.append((round(_LIKELY * likely**0.5), f"attack within 30 days: {likely:.1%} (EPSS)"))
    if fixable:
        parts.append((_FIXABLE, "a fix is available"))
    score = sum(points for points, _ in parts)
    reasons = [f"+{points} {why}" for points, why in parts]
    if kernel:
        less = score - score // _KERNEL_SHARE
        score -= less
        reasons.append(f"-{less} a kernel that a container cannot boot")
    return Priority(score, tuple(reasons))


def as_used(judged: Priority, use: Use, *, kev: bool) -> Priority:
    """The priority where it is known whether the package is run or loaded; what was added up before stays as it is.

    What is known to be exploited is to be acted on, whether anybody was seen with it or not.
    """
    match use:
        case Use.LOADED:
            points, why = min(_LOADED, _MOST - judged.score), "loaded at run time"
        case Use.NOT_SEEN if kev:
            points, why = 0, "not seen loaded, which takes nothing from what is known to be exploited"
        case Use.NOT_SEEN:
            points, why = -min(_NOT_SEEN, judged.score // _NOT_SEEN_SHARE), "not seen loaded"
        case Use.UNKNOWN:
            return judged
    sign = "-" if use is Use.NOT_SEEN else "+"
    return Priority(judged.score + points, (*judged.reasons, f"{sign}{abs(points)} {why}"))
