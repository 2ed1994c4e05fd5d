"""Many reports on one page."""

import pytest
from tests.support.reports import everything, report

from hullguard.imagescan.formats.summary import summary


def test_a_line_per_target_with_its_counts() -> None:
    text = summary([("app:1", everything()), ("app:2", report()), ("gone", None)], 120, colour=False).decode()
    lines = {line.split()[0]: line.split()[1:] for line in text.splitlines() if line.strip()}

    assert "3 targets" in text
    assert lines["app:1"] == ["1", "1", "0", "1", "2", "3", "3"]
    assert lines["app:2"] == ["0", "0", "0", "0", "0", "0", "1"]
    assert lines["gone"] == ["failed"]


def test_an_incomplete_one_says_so() -> None:
    assert "app (incomplete)" in summary([("app", report(complete=False))], 120, colour=False).decode()


@pytest.mark.parametrize("width", [60, 80, 120])
def test_hostile_names_fit_and_steer_nothing(width: int) -> None:
    text = summary([("x\x1b[2J" * 40, report())], width, colour=False).decode()

    assert "\x1b" not in text
    assert max(len(line) for line in text.splitlines()) <= width


@pytest.mark.parametrize("width", range(40, 100, 5))
def test_no_word_is_parted_however_narrow_the_terminal_is(width: int) -> None:
    text = summary([("registry/app:1", everything()), ("gone", None)], width, colour=False).decode()

    for word in ("Critical", "Medium", "Fixable", "Packages", "failed", "gone"):
        assert word in text.split()
    assert text.split().count("Critical") == 1
