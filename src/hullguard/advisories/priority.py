"""How soon to act on a finding: one number that anyone can add up again from its reasons."""

from hullguard.model.report import Priority
from hullguard.model.severity import Severity

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
