"""The evaluation of the OSV schema, case by case."""

import pytest

from hullguard.advisories.evaluate import Judgement, Verdict, judge, settled
from hullguard.advisories.osv import Event, Range, Statement
from hullguard.advisories.versions.catalog import order_of

PYPI = order_of("PyPI")
INTRODUCED = Event(introduced="0")


def said(*ranges: Range, versions: list[str] | None = None) -> Statement:
    return Statement(list(ranges), versions or [], [], "", "")


def ecosystem(*events: Event) -> Range:
    return Range("ECOSYSTEM", list(events))


def ask(installed: str, statement: Statement) -> Judgement:
    assert PYPI is not None
    return judge(installed, statement, PYPI)


@pytest.mark.parametrize(
    ("installed", "verdict", "fixed"),
    [
        ("0.9", "not affected", None),
        ("1.0", "affected", "1.5"),
        ("1.4", "affected", "1.5"),
        ("1.5", "not affected", None),
        ("2.0rc1", "affected", "2.3"),
        ("2.2", "affected", "2.3"),
        ("2.3", "not affected", None),
        ("9", "not affected", None),
    ],
)
def test_a_range_of_several_branches(installed: str, verdict: str, fixed: str | None) -> None:
    events = (Event(introduced="2.0a1"), Event(fixed="2.3"), Event(fixed="1.5"), Event(introduced="1.0"))

    found = ask(installed, said(ecosystem(*events)))

    assert (found.verdict.value, found.fixed) == (verdict, fixed)


@pytest.mark.parametrize(
    ("name", "installed", "listed", "affected"),
    [
        ("Debian", "1.0-1", "0:1.0-1", True),
        ("Debian", "1:1.0-1", "1.0-1", False),
        ("PyPI", "1.0+local", "1.0", True),
        ("PyPI", "v1.0", "1.0.0", True),
        ("Go", "1.5.0", "v1.5.0", True),
        ("npm", "1.5.0", "v1.5.1", False),
    ],
)
def test_a_listed_version_is_found_in_another_spelling(name: str, installed: str, listed: str, affected: bool) -> None:
    order = order_of(name)
    assert order is not None

    assert (judge(installed, said(versions=["0.1", listed]), order).verdict is Verdict.AFFECTED) is affected


@pytest.mark.parametrize(
    ("installed", "fixed"), [("1.0", "2.0"), ("2.0", "3.0"), ("2.9", "3.0"), ("3.0", "3.5"), ("3.4", "3.5")]
)
def test_branches_that_begin_where_the_last_one_was_fixed_are_affected(installed: str, fixed: str) -> None:
    branches = (Event(introduced="1.0"), Event(fixed="2.0"), Event(introduced="2.0"), Event(fixed="3.0"))

    found = ask(installed, said(ecosystem(*branches, Event(introduced="3.0"), Event(fixed="3.5"))))

    assert (found.verdict, found.fixed) == (Verdict.AFFECTED, fixed)


@pytest.mark.parametrize("installed", ["1.0", "1.1"])
def test_a_range_that_ends_where_it_begins_holds_no_version(installed: str) -> None:
    found = ask(installed, said(ecosystem(Event(introduced="1.0"), Event(fixed="1.0"))))

    assert found.verdict is Verdict.NOT_AFFECTED


def test_zero_comes_before_everything() -> None:
    assert ask("0.0.dev0", said(ecosystem(INTRODUCED, Event(fixed="1")))).verdict is Verdict.AFFECTED


@pytest.mark.parametrize(
    ("installed", "verdict"), [("1.0", "affected"), ("1.0.0", "affected"), ("1.0.1", "not affected")]
)
def test_the_last_affected_version_is_affected(installed: str, verdict: str) -> None:
    found = ask(installed, said(ecosystem(INTRODUCED, Event(last_affected="1.0"))))

    assert (found.verdict.value, found.fixed) == (verdict, None)


def test_without_an_end_everything_is_affected_and_nothing_fixes_it() -> None:
    found = ask("99", said(ecosystem(INTRODUCED)))

    assert (found.verdict, found.fixed) == (Verdict.AFFECTED, None)
    assert found.evidence == "99 is affected since 0, and no fix is named"


def test_fixed_at_zero_means_never_affected() -> None:
    assert ask("1.0", said(ecosystem(INTRODUCED, Event(fixed="0")))).verdict is Verdict.NOT_AFFECTED


def test_a_git_range_is_passed_over_and_does_not_stop_the_others() -> None:
    git = Range("GIT", [INTRODUCED, Event(fixed="0123456789abcdef")])

    assert ask("1.0", said(git)).verdict is Verdict.NOT_AFFECTED
    assert ask("1.0", said(git, ecosystem(INTRODUCED, Event(fixed="2.0")))).fixed == "2.0"


@pytest.mark.parametrize(
    ("installed", "limit", "verdict"),
    [("1.5", "2.0", "affected"), ("2.0", "2.0", "not affected"), ("9.0", "*", "affected")],
)
def test_a_limit_ends_what_a_range_speaks_of(installed: str, limit: str, verdict: str) -> None:
    assert ask(installed, said(ecosystem(INTRODUCED, Event(limit=limit)))).verdict.value == verdict


@pytest.mark.parametrize(
    ("installed", "verdict"),
    [("1.0", "affected"), ("1.0.0", "affected"), ("v1.0", "affected"), ("1.1", "not affected")],
)
def test_a_listed_version_is_affected_also_when_it_is_spelled_differently(installed: str, verdict: str) -> None:
    assert ask(installed, said(versions=["0.9", "1.0"])).verdict.value == verdict


def test_a_list_and_ranges_are_alternatives() -> None:
    statement = said(ecosystem(Event(introduced="5"), Event(fixed="6")), versions=["1.0"])

    assert ask("1.0", statement).rule == "osv.versions"
    assert ask("1.0", statement).fixed == "6"
    assert ask("5.5", statement).rule == "osv.range"


def test_nothing_said_is_nothing_affected() -> None:
    assert ask("1.0", said()).verdict is Verdict.NOT_AFFECTED
    assert ask("1.0", said(ecosystem())).verdict is Verdict.NOT_AFFECTED


@pytest.mark.parametrize(("installed", "bound"), [("not-a-version", "2.0"), ("1.0", "not-a-version")])
def test_what_cannot_be_ordered_is_unknown_not_unaffected(installed: str, bound: str) -> None:
    found = ask(installed, said(ecosystem(INTRODUCED, Event(fixed=bound))))

    assert found.verdict is Verdict.UNKNOWN
    assert "not-a-version" in found.evidence


def test_a_range_that_can_be_read_decides_although_another_cannot() -> None:
    bad, good = ecosystem(INTRODUCED, Event(fixed="??")), ecosystem(INTRODUCED, Event(fixed="2.0"))

    assert ask("1.0", said(bad, good)).verdict is Verdict.AFFECTED
    assert ask("3.0", said(bad, good)).verdict is Verdict.UNKNOWN


def test_an_unreadable_version_can_still_be_listed() -> None:
    assert ask("weird", said(ecosystem(INTRODUCED, Event(fixed="1")), versions=["weird"])).verdict is Verdict.AFFECTED


@pytest.mark.parametrize(("bound", "verdict"), [("2.0", "not affected"), ("2.0+1", "affected")])
def test_a_local_build_is_the_release_unless_the_bound_is_local_too(bound: str, verdict: str) -> None:
    assert ask("2.0+0", said(ecosystem(INTRODUCED, Event(fixed=bound)))).verdict.value == verdict
    assert ask("2.0+cpu", said(ecosystem(INTRODUCED, Event(last_affected="2.0")))).verdict is Verdict.AFFECTED


def upto(introduced: str, fixed: str | None = None, last: str | None = None) -> Range:
    end = [Event(fixed=fixed)] if fixed else [Event(last_affected=last)] if last else []
    return ecosystem(Event(introduced=introduced), *end)


@pytest.mark.parametrize(
    ("statements", "fixed"),
    [
        ([said(upto("0", "2"))], "2"),
        ([said(upto("0", "2"), upto("0", "4"), upto("0", "3"))], "4"),
        ([said(upto("0", "2")), said(upto("0", "4")), said(upto("1", "3"))], "4"),
        ([said(upto("0", "2"), upto("2", "3"), upto("3", "4"))], "4"),
        ([said(upto("0", "2"), upto("2.0.1", "3"))], "2"),
        ([said(upto("0", "2"), upto("1.9", last="2.5"))], None),
        ([said(upto("0", "2"), upto("2"))], None),
        ([said(upto("0", "2"), versions=["2"])], "2"),
        ([said(upto("0", "2"), upto("0", "no version"))], "2"),
        ([said(upto("0", "2"), Range("GIT", [INTRODUCED]))], "2"),
        ([said(upto("0", "2")), Statement([upto("0")], [], [], "", "not-affected")], "2"),
    ],
)
def test_a_fix_is_the_end_of_all_ranges_that_hold_it(statements: list[Statement], fixed: str | None) -> None:
    assert PYPI is not None
    assert settled("2", statements, PYPI) == fixed


@pytest.mark.parametrize(
    ("installed", "words"),
    [
        ("2", "2 is listed as affected, though a range calls it the fix"),
        ("2.0", "2.0 is listed as affected, though a range calls it the fix"),
        ("2.1", "2.1 is listed as affected"),
    ],
)
def test_a_list_that_its_own_ranges_contradict_is_told(installed: str, words: str) -> None:
    judgement = ask(installed, said(upto("0", "2"), versions=["1", "2", "2.1"]))

    assert (judgement.verdict, judgement.evidence) == (Verdict.AFFECTED, words)
