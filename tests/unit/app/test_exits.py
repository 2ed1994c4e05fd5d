"""Errors become exit codes."""

from typing import NoReturn

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


def refuse(error: OSError) -> NoReturn:
    raise error


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(5, "Input/output error"), "something could not be read or written: Input/output error"),
        (FileNotFoundError(2, "No such file", "/srv/x"), "/srv/x could not be read or written: No such file"),
        (FileNotFoundError(2, "No such file", b"/srv/\xff"), "/srv/\\xff could not be read or written: No such file"),
    ],
)
def test_what_the_system_refuses_is_no_mistake_of_ours(capsys, monkeypatch, error: OSError, said: str) -> None:
    monkeypatch.delenv("HULLGUARD_DEBUG", raising=False)
    with pytest.raises(SystemExit) as left:
        exits.guarded(lambda: refuse(error))

    assert left.value.code == 3
    assert said in capsys.readouterr().err
    monkeypatch.setenv("HULLGUARD_DEBUG", "1")
    with pytest.raises(OSError, match=r"No such file|Input"):
        exits.guarded(lambda: refuse(error))
