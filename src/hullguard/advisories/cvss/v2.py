"""CVSS 2.0 base score (first.org/cvss/v2/guide, section 3.2.1)."""

from collections.abc import Mapping

_IMPACT = {"N": 0.0, "P": 0.275, "C": 0.660}
_VECTOR = {"L": 0.395, "A": 0.646, "N": 1.0}
_COMPLEXITY = {"H": 0.35, "M": 0.61, "L": 0.71}
_AUTHENTICATION = {"M": 0.45, "S": 0.56, "N": 0.704}


def base(metrics: Mapping[str, str]) -> float:
    """Raises KeyError when a metric is absent or has no such value."""
    impact = 10.41 * (1 - (1 - _IMPACT[metrics["C"]]) * (1 - _IMPACT[metrics["I"]]) * (1 - _IMPACT[metrics["A"]]))
    exploitability = 20 * _VECTOR[metrics["AV"]] * _COMPLEXITY[metrics["AC"]] * _AUTHENTICATION[metrics["Au"]]
    factor = 0.0 if impact == 0 else 1.176
    return round((0.6 * impact + 0.4 * exploitability - 1.5) * factor + 1e-9, 1)
