"""Errors become exit codes."""

import pytest

from hullguard.app.cli import exits
from hullguard.model.errors import Conflict, HullguardError, Invalid, LimitReached, NotFound, Unavailable


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (Invalid("x"), 2),
        (NotFound("x"), 2),
        (Conflict("x"), 2),
        (HullguardError("x"), 2),
        (Unavailable("x"), 3),
        (LimitReached("x"), 4),
    ],
)
def test_the_nature_of_an_error_decides_the_code(error: HullguardError, code: int) -> None:
    assert exits.exit_code(error) == code


def test_a_mistake_of_ours_is_one_line(capsys, monkeypatch) -> None:
    monkeypatch.delenv("HULLGUARD_DEBUG", raising=False)

    with pytest.raises(SystemExit) as left:
        exits.unexpected(ZeroDivisionError("division by zero"))

    assert left.value.code == 3
    assert capsys.readouterr().err.startswith("hullguard: internal error: ZeroDivisionError: division by zero")


def test_a_mistake_of_ours_is_the_whole_story_when_asked_for(monkeypatch) -> None:
    monkeypatch.setenv("HULLGUARD_DEBUG", "1")

    with pytest.raises(ZeroDivisionError):
        exits.unexpected(ZeroDivisionError("division by zero"))
