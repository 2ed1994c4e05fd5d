"""One number, made of reasons that add up."""

import re
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.advisories import affected, database, found, inventory, package, record

from hullguard.model.priority import as_used, priority
from hullguard.model.report import Priority
from hullguard.model.severity import Severity
from hullguard.model.use import Use

ZERO = {"introduced": "0"}
CHANCE = st.none() | st.floats(min_value=0, max_value=1)


def test_the_gravest_has_a_hundred() -> None:
    gravest = priority(Severity.CRITICAL, kev=True, epss=1.0, fixable=True, kernel=False)

    assert gravest.score == 100
    assert gravest.reasons == (
        "+50 critical severity",
        "+30 known to be exploited (KEV)",
        "+15 attack within 30 days: 100.0% (EPSS)",
        "+5 a fix is available",
    )


def test_a_kernel_that_is_not_booted_counts_for_a_fifth() -> None:
    one = priority(Severity.HIGH, kev=False, epss=None, fixable=True, kernel=True)

    assert one.score == 8
    assert one.reasons[-1] == "-32 a kernel that a container cannot boot"


@given(st.sampled_from(Severity), st.booleans(), CHANCE, st.booleans(), st.booleans())
def test_the_reasons_add_up(severity: Severity, kev: bool, epss: float | None, fixable: bool, kernel: bool) -> None:
    one = priority(severity, kev=kev, epss=epss, fixable=fixable, kernel=kernel)

    assert 0 <= one.score <= 100
    assert one.score == sum(int(re.match(r"[+-]\d+", reason)[0]) for reason in one.reasons)  # type: ignore[index]


@given(st.sampled_from(Severity), CHANCE)
def test_no_good_news_raises_it_and_no_bad_news_lowers_it(severity: Severity, epss: float | None) -> None:
    plain = priority(severity, kev=False, epss=epss, fixable=False, kernel=False).score

    assert priority(severity, kev=True, epss=epss, fixable=False, kernel=False).score > plain
    assert priority(severity, kev=False, epss=1.0, fixable=False, kernel=False).score >= plain
    assert priority(severity, kev=False, epss=epss, fixable=True, kernel=False).score > plain
    assert priority(severity, kev=False, epss=epss, fixable=False, kernel=True).score < plain


@pytest.mark.parametrize(("given", "counted"), [(7.0, 15), (-1.0, 0)])
def test_a_chance_beyond_certainty_is_certainty(given: float, counted: int) -> None:
    assert priority(Severity.LOW, kev=False, epss=given, fixable=False, kernel=False).score == 8 + counted


PRIORITIES = st.builds(
    priority,
    st.sampled_from(Severity),
    kev=st.booleans(),
    epss=CHANCE,
    fixable=st.booleans(),
    kernel=st.booleans(),
)


class TestUse:
    def test_what_is_loaded_comes_first_and_what_is_not_seen_later(self) -> None:
        high = priority(Severity.HIGH, kev=False, epss=None, fixable=True, kernel=False)

        assert as_used(high, Use.LOADED, kev=False).score == 50
        assert as_used(high, Use.LOADED, kev=False).reasons[-1] == "+10 loaded at run time"
        assert as_used(high, Use.NOT_SEEN, kev=False).score == 30
        assert as_used(high, Use.NOT_SEEN, kev=False).reasons[-1] == "-10 not seen loaded"
        assert as_used(high, Use.UNKNOWN, kev=False) is high

    @given(PRIORITIES, st.sampled_from(Use), st.booleans())
    def test_the_reasons_add_up(self, judged: Priority, use: Use, kev: bool) -> None:
        one = as_used(judged, use, kev=kev)

        assert one.score == sum(int(re.match(r"[+-]\d+", reason)[0]) for reason in one.reasons)  # type: ignore[index]
        assert one.score <= 100

    @given(PRIORITIES, st.booleans())
    def test_it_lowers_a_little_and_never_what_is_exploited(self, judged: Priority, kev: bool) -> None:
        lowered = as_used(judged, Use.NOT_SEEN, kev=kev).score

        assert judged.score >= lowered >= judged.score * 3 / 4
        assert lowered == judged.score or not kev
        assert judged.score - lowered <= 10
        assert as_used(judged, Use.LOADED, kev=kev).score >= judged.score


class TestFindings:
    def test_a_finding_has_its_priority(self, tmp_path: Path) -> None:
        advisories = database(
            tmp_path,
            record(
                "DEBIAN-CVE-2024-1",
                affected("Debian:12", "linux", ZERO, {"fixed": "7"}, urgency="high"),
                upstream=["CVE-2024-1"],
            ),
        )

        (one,) = found(advisories, package("linux-libc-dev", "6", "Debian:12", source_name="linux")).values()

        assert (one.priority.score, len(one.priority.reasons)) == (8, 3)

    def test_findings_are_in_the_order_of_severity_then_priority(self, tmp_path: Path) -> None:
        advisories = database(
            tmp_path,
            record("CVE-2024-1", affected("Debian:12", "a", ZERO, urgency="high")),
            record("CVE-2024-2", affected("Debian:12", "a", ZERO, {"fixed": "2"}, urgency="high")),
            record("CVE-2024-3", affected("Debian:12", "a", ZERO, {"fixed": "2"}, urgency="medium")),
        )

        vulnerabilities = advisories.match(inventory(package("a", "1", "Debian:12")), date(2026, 1, 1)).vulnerabilities

        assert [one.id for one in vulnerabilities] == ["CVE-2024-2", "CVE-2024-1", "CVE-2024-3"]
