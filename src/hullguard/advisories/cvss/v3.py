"""CVSS 3.0 and 3.1 base score (first.org/cvss/v3.1/specification-document, section 7.1)."""

from collections.abc import Mapping

_IMPACT = {"H": 0.56, "L": 0.22, "N": 0.0}
_VECTOR = {"N": 0.85, "A": 0.62, "L": 0.55, "P": 0.2}
_COMPLEXITY = {"L": 0.77, "H": 0.44}
_INTERACTION = {"N": 0.85, "R": 0.62}
_PRIVILEGES = {"U": {"N": 0.85, "L": 0.62, "H": 0.27}, "C": {"N": 0.85, "L": 0.68, "H": 0.5}}


def base(metrics: Mapping[str, str]) -> float:
    """Raises KeyError when a metric is absent or has no such value."""
    scope = metrics["S"]
    privileges = _PRIVILEGES[scope][metrics["PR"]]
    lost = 1 - (1 - _IMPACT[metrics["C"]]) * (1 - _IMPACT[metrics["I"]]) * (1 - _IMPACT[metrics["A"]])
    impact = 6.42 * lost if scope == "U" else 7.52 * (lost - 0.029) - 3.25 * (lost - 0.02) ** 15
    exploitability = (
        8.22 * _VECTOR[metrics["AV"]] * _COMPLEXITY[metrics["AC"]] * privileges * _INTERACTION[metrics["UI"]]
    )
    if impact <= 0:
        return 0.0
    total = impact + exploitability if scope == "U" else 1.08 * (impact + exploitability)
    return _round_up(min(total, 10.0))


def _round_up(value: float) -> float:
    """Appendix A of 3.1: up to one decimal, without the surprises of binary fractions."""
    whole = round(value * 100_000)
    return whole / 100_000 if whole % 10_000 == 0 else (whole // 10_000 + 1) / 10
