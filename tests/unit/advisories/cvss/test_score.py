"""Base scores, against FIRST's published examples and NVD's scores."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hullguard.advisories.cvss.score import read, severity
from hullguard.model.report import Cvss
from hullguard.model.severity import Severity

EXAMPLES = [
    ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", 9.8),
    ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H", 10.0),
    ("CVSS:3.1/AV:N/AC:H/PR:L/UI:R/S:U/C:L/I:L/A:L", 4.6),
    ("CVSS:3.1/AV:L/AC:L/PR:L/UI:N/S:U/C:H/I:H/A:H", 7.8),
    ("CVSS:3.0/AV:N/AC:L/PR:N/UI:R/S:C/C:L/I:L/A:N", 6.1),
    ("CVSS:3.1/AV:P/AC:H/PR:H/UI:R/S:U/C:N/I:N/A:N", 0.0),
    ("CVSS:3.1/AV:N/AC:L/PR:L/UI:N/S:C/C:L/I:L/A:N", 6.4),
    ("CVSS:3.1/AV:N/AC:H/PR:N/UI:R/S:U/C:L/I:N/A:N", 3.1),
    ("AV:N/AC:L/Au:N/C:N/I:N/A:C", 7.8),
    ("AV:N/AC:L/Au:N/C:C/I:C/A:C", 10.0),
    ("(AV:L/AC:H/Au:N/C:C/I:C/A:C)", 6.2),
    ("AV:N/AC:M/Au:N/C:N/I:P/A:N", 4.3),
    ("AV:N/AC:L/Au:N/C:N/I:N/A:N", 0.0),
    ("CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:H/SI:H/SA:H", 10.0),
    ("CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N", 9.3),
    ("CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:N/VI:N/VA:H/SC:N/SI:N/SA:N", 8.7),
    ("CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:A/VC:N/VI:N/VA:N/SC:L/SI:L/SA:N", 5.1),
    ("CVSS:4.0/AV:L/AC:L/AT:P/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N", 7.5),
    ("CVSS:4.0/AV:L/AC:L/AT:N/PR:L/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N", 8.5),
    ("CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:N/VI:N/VA:N/SC:N/SI:N/SA:N", 0.0),
]


@pytest.mark.parametrize(("vector", "score"), EXAMPLES)
def test_published_scores(vector: str, score: float) -> None:
    cvss = read(vector)

    assert cvss is not None
    assert cvss.score == score


def test_optional_metrics_do_not_change_the_base_score() -> None:
    cvss = read("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H/E:U/RL:O/RC:C")

    assert cvss is not None
    assert cvss.score == 9.8


@pytest.mark.parametrize(
    "vector", ["CVSS:3.1/AV:N/AC:L", "CVSS:3.1/AV:X/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", "CVSS:4.0/AV:N", "AV:N/AC:L"]
)
def test_a_vector_that_lacks_something_has_no_score(vector: str) -> None:
    assert read(vector) == Cvss(read(vector).version, vector)  # type: ignore[union-attr]


@pytest.mark.parametrize("text", ["", "high", "7.5", "CVSS:9.0/AV:N", "CVSS:3.1", "x" * 1000])
def test_what_is_no_vector_is_none(text: str) -> None:
    assert read(text) is None


@pytest.mark.parametrize(
    ("score", "word"),
    [
        (10.0, "critical"),
        (9.0, "critical"),
        (8.9, "high"),
        (7.0, "high"),
        (6.9, "medium"),
        (4.0, "medium"),
        (3.9, "low"),
        (0.1, "low"),
        (0.0, "negligible"),
    ],
)
def test_the_words_of_the_rating_scale(score: float, word: str) -> None:
    assert severity(Cvss("3.1", "", score)) is Severity(word)


def test_no_score_no_word() -> None:
    assert severity(Cvss("3.1", "")) is None


@given(st.text(max_size=80))
def test_no_text_makes_reading_fail(text: str) -> None:
    for vector in (text, f"CVSS:3.1/{text}", f"CVSS:4.0/AV:N/{text}"):
        cvss = read(vector)
        assert cvss is None or cvss.score is None or 0 <= cvss.score <= 10


V4 = {
    "AV": "NALP",
    "AC": "LH",
    "AT": "NP",
    "PR": "NLH",
    "UI": "NPA",
    "VC": "HLN",
    "VI": "HLN",
    "VA": "HLN",
    "SC": "HLN",
    "SI": "HLN",
    "SA": "HLN",
}


@given(st.tuples(*(st.sampled_from(values) for values in V4.values())), st.sampled_from(sorted(V4)))
def test_a_worse_metric_never_lowers_a_score_of_version_4(values: tuple[str, ...], metric: str) -> None:
    metrics = dict(zip(V4, values, strict=True))
    worse = {**metrics, metric: V4[metric][0]}
    vectors = [
        "CVSS:4.0/" + "/".join(f"{name}:{value}" for name, value in chosen.items()) for chosen in (metrics, worse)
    ]

    low, high = (read(vector) for vector in vectors)
    assert low is not None
    assert high is not None
    assert low.score is not None
    assert high.score is not None
    assert low.score <= high.score
