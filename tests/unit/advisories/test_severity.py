"""How severe, and who says so."""

import pytest

from hullguard.advisories.osv import Advisory, Rating, Statement
from hullguard.advisories.severity import CveRating, Rated, rate
from hullguard.model.severity import Severity

CRITICAL = Rating("CVSS_V3", "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H")
MEDIUM_V4 = Rating("CVSS_V4", "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:A/VC:N/VI:N/VA:N/SC:L/SI:L/SA:N")


def said(
    identity: str = "X-1", *ratings: Rating, word: str = "", urgency: str = "", own: tuple[Rating, ...] = ()
) -> tuple[Advisory, Statement]:
    return Advisory(identity, (), (), (), "", ratings, word), Statement([], [], list(own), urgency, "")


def facts(rated: Rated) -> tuple[str, str | None]:
    return rated.severity.value, rated.source


@pytest.mark.parametrize(
    ("urgency", "severity"), [("unimportant", "negligible"), ("low", "low"), ("medium", "medium"), ("high", "high")]
)
def test_debians_urgency_wins_over_cvss(urgency: str, severity: str) -> None:
    assert facts(rate("Debian:12", [said("D", CRITICAL, urgency=urgency)], [])) == (severity, "Debian")


@pytest.mark.parametrize("urgency", ["not yet assigned", "end-of-life", ""])
def test_an_urgency_that_is_no_rating_leaves_it_to_cvss(urgency: str) -> None:
    assert facts(rate("Debian:12", [said("D", CRITICAL, urgency=urgency)], [])) == ("critical", "CVSS 3.1, D")


def test_ubuntus_word_wins_over_cvss() -> None:
    assert facts(rate("Ubuntu:22.04:LTS", [said("U", CRITICAL, Rating("Ubuntu", "low"))], [])) == ("low", "Ubuntu")
    assert facts(rate("Ubuntu:22.04:LTS", [said("U", CRITICAL, Rating("Ubuntu", "untriaged"))], [])) == (
        "critical",
        "CVSS 3.1, U",
    )
    assert facts(rate("Ubuntu:22.04:LTS", [said("U")], [CveRating("ubuntu", "", "medium")])) == ("medium", "Ubuntu")


def test_the_word_of_one_distribution_is_not_that_of_another() -> None:
    assert facts(rate("Alpine:v3.18", [said("A", CRITICAL, Rating("Ubuntu", "low"))], [])) == (
        "critical",
        "CVSS 3.1, A",
    )
    assert facts(rate("Alpine:v3.18", [said("A", CRITICAL, urgency="low")], [])) == ("critical", "CVSS 3.1, A")


def test_what_is_said_of_the_package_overrides_what_is_said_of_all() -> None:
    assert facts(rate("PyPI", [said("G", CRITICAL, own=(MEDIUM_V4,))], [])) == ("medium", "CVSS 4.0, G")


def test_of_several_vectors_the_newest_version_counts_and_all_are_shown() -> None:
    rated = rate("PyPI", [said("G", CRITICAL, MEDIUM_V4)], [])

    assert facts(rated) == ("medium", "CVSS 4.0, G")
    assert [(vector.version, vector.score) for vector in rated.cvss] == [("3.1", 9.8), ("4.0", 5.1)]


def test_without_a_vector_the_publishers_word_counts() -> None:
    assert facts(rate("npm", [said("G", word="moderate")], [])) == ("medium", "G")


def test_a_vector_that_cannot_be_scored_is_shown_and_does_not_count() -> None:
    rated = rate("npm", [said("G", Rating("CVSS_V3", "CVSS:3.1/AV:N"), word="low")], [])

    assert facts(rated) == ("low", "G")
    assert rated.cvss[0].score is None


def test_collected_ratings_help_where_the_advisory_has_none_the_most_trusted_first() -> None:
    collected = [
        CveRating("zzz", CRITICAL.score, ""),
        CveRating("nvd", MEDIUM_V4.score, ""),
        CveRating("redhat", "", "low"),
    ]

    assert facts(rate("Debian:12", [said()], collected)) == ("medium", "CVSS 4.0, nvd")
    assert facts(rate("Debian:12", [said()], collected[2:])) == ("low", "redhat")
    assert facts(rate("Debian:12", [said("D", CRITICAL)], collected)) == ("critical", "CVSS 3.1, D")


def test_a_malicious_package_is_critical() -> None:
    assert facts(rate("npm", [said("MAL-2024-1")], [])) == ("critical", "malicious package")


def test_nobody_says_is_unknown() -> None:
    assert rate("npm", [said()], []) == Rated(Severity.UNKNOWN, None, ())
