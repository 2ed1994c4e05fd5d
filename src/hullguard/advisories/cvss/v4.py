"""CVSS 4.0 base score (first.org/cvss/v4-0, section 8): a looked-up macro vector, less the distance from its worst.

Base metrics alone: exploit maturity counts as attacked (E:A), every requirement as high, as the specification says
for metrics that are not defined. So the fifth digit of a macro vector is always 0 and is left out here.
"""

from collections.abc import Mapping

# Section 8.2: the score of the worst vector in each macro vector, by EQ1, EQ2, EQ3, EQ4, EQ6.
_SCORES = {
    "00010": 10.0, "00011": 9.6, "00020": 9.3, "00021": 9.0, "00110": 9.3, "00111": 9.2, "00120": 8.8, "00121": 8.0,
    "00211": 7.9, "00221": 6.9, "01010": 9.5, "01011": 9.1, "01020": 9.2, "01021": 8.1, "01110": 9.2, "01111": 8.2,
    "01120": 8.4, "01121": 7.0, "01211": 7.1, "01221": 6.3, "10010": 9.4, "10011": 8.9, "10020": 8.7, "10021": 7.5,
    "10110": 8.6, "10111": 7.6, "10120": 7.2, "10121": 5.7, "10211": 6.5, "10221": 5.3, "11010": 9.0, "11011": 7.7,
    "11020": 7.7, "11021": 6.6, "11110": 7.4, "11111": 5.9, "11120": 6.1, "11121": 5.2, "11211": 5.8, "11221": 2.3,
    "20010": 8.6, "20011": 7.4, "20020": 7.0, "20021": 5.4, "20110": 7.2, "20111": 5.7, "20120": 5.3, "20121": 3.6,
    "20211": 4.7, "20221": 2.4, "21010": 7.3, "21011": 5.5, "21020": 5.4, "21021": 4.3, "21110": 6.1, "21111": 5.1,
    "21120": 4.6, "21121": 1.8, "21211": 2.4, "21221": 1.0,
}  # fmt: skip

# The values of each metric from the worst on, and the worst vectors of each level (section 8.3).
_LEVELS = {
    "AV": "NALP", "PR": "NLH", "UI": "NPA", "AC": "LH", "AT": "NP",
    "VC": "HLN", "VI": "HLN", "VA": "HLN", "SC": "HLN", "SI": "HLN", "SA": "HLN",
}  # fmt: skip
_Equivalence = tuple[tuple[str, ...], dict[int, tuple[str, ...]], dict[int, int]]
_EQ1: _Equivalence = (
    ("AV", "PR", "UI"),
    {0: ("NNN",), 1: ("ANN", "NLN", "NNP"), 2: ("PNN", "ALP")},
    {0: 1, 1: 4, 2: 5},
)
_EQ2: _Equivalence = (("AC", "AT"), {0: ("LN",), 1: ("HN", "LP")}, {0: 1, 1: 2})
_EQ3: _Equivalence = (("VC", "VI", "VA"), {0: ("HHH",), 1: ("LHH", "HLH"), 2: ("LLL",)}, {0: 7, 1: 8, 2: 10})
_EQ4: _Equivalence = (("SC", "SI", "SA"), {1: ("HHH",), 2: ("LLL",)}, {1: 5, 2: 4})


def base(metrics: Mapping[str, str]) -> float:
    """Raises KeyError when a metric is absent or has no such value."""
    levels = {}
    for metric, values in _LEVELS.items():
        levels[metric] = values.find(metrics[metric])
        if levels[metric] < 0 or not metrics[metric]:
            raise KeyError(metric)
    if all(metrics[metric] == "N" for metric in ("VC", "VI", "VA", "SC", "SI", "SA")):
        return 0.0
    eq1, eq2, eq3, eq4 = _equivalences(metrics)
    eq6 = 0 if eq3 < 2 else 1
    score = _SCORES[f"{eq1}{eq2}{eq3}{eq4}{eq6}"]
    lower = (
        (_EQ1, eq1, [f"{eq1 + 1}{eq2}{eq3}{eq4}{eq6}"]),
        (_EQ2, eq2, [f"{eq1}{eq2 + 1}{eq3}{eq4}{eq6}"]),
        (_EQ3, eq3, _below_eq3(eq1, eq2, eq3, eq4)),
        (_EQ4, eq4, [f"{eq1}{eq2}{eq3}{eq4 + 1}{eq6}"]),
    )
    # EQ5 always has a lower neighbour and no distance to it, so it counts in the mean and adds nothing.
    losses, neighbours = 0.0, 1
    for equivalence, level, names in lower:
        below = [_SCORES[name] for name in names if name in _SCORES]
        if below:
            neighbours += 1
            losses += (score - max(below)) * _distance(equivalence, level, levels) / equivalence[2][level]
    return int(max(score - losses / neighbours, 0.0) * 10 + 0.5 + 1e-5) / 10


def _equivalences(metrics: Mapping[str, str]) -> tuple[int, int, int, int]:
    easy = [metrics["AV"] == "N", metrics["PR"] == "N", metrics["UI"] == "N"]
    eq1 = 0 if all(easy) else 1 if any(easy) and metrics["AV"] != "P" else 2
    eq2 = 0 if metrics["AC"] == "L" and metrics["AT"] == "N" else 1
    high = [metrics[metric] == "H" for metric in ("VC", "VI", "VA")]
    eq3 = 0 if high[0] and high[1] else 1 if any(high) else 2
    eq4 = 1 if "H" in (metrics["SC"], metrics["SI"], metrics["SA"]) else 2
    return eq1, eq2, eq3, eq4


def _below_eq3(eq1: int, eq2: int, eq3: int, eq4: int) -> list[str]:
    """EQ3 and EQ6 fall together; from 0,0 there are two ways down and the higher score counts."""
    pairs = {0: ((0, 1), (1, 0)), 1: ((1, 1),), 2: ()}[eq3]
    return [f"{eq1}{eq2}{third}{eq4}{sixth}" for third, sixth in pairs]


def _distance(equivalence: _Equivalence, level: int, levels: Mapping[str, int]) -> int:
    """Steps from the first worst vector of the level that is nowhere better than this one."""
    names, worst, _ = equivalence
    for vector in worst[level]:
        steps = [levels[name] - _LEVELS[name].find(value) for name, value in zip(names, vector, strict=True)]
        if min(steps) >= 0:
            return sum(steps)
    return 0
