"""Plain words are read as typer reads them; whatever is not plain is left to typer."""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st
from typer.exceptions import TyperException

from hullguard.app.cli import diff, scan
from hullguard.app.cli.declared import Argument, Option, plain, typed

COMMANDS = {"scan": scan.scan, "sbom": scan.sbom, "diff": diff.diff}
NAMES = sorted({
    name
    for command in COMMANDS.values()
    for annotation in command.__annotations__.values()
    for said in annotation.__metadata__
    if isinstance(said, Option)
    for name in said.names
})  # fmt: skip
VALUES = (
    "json",
    "a b",
    "",
    "0",
    "1",
    "007",
    "+3",
    "99999999999999999999",
    "x.tar",
    "-",
    "--",
    "-x",
    "--help",
    "=",
    "a=b",
    "é",
)


def by_typer(command: Callable[..., int], words: list[str]) -> dict[str, Any] | None:
    """What typer gives a command for these words; None where it refuses them, or answers by itself."""
    seen: list[dict[str, Any]] = []

    @functools.wraps(command)
    def record(**given: Any) -> int:
        seen.append(given)
        return 0

    app = typer.Typer(context_settings={"help_option_names": ["-h", "--help"]})
    app.command()(typed(record))
    try:
        typer.main.get_command(app).main(args=words, prog_name="hullguard", standalone_mode=False)
    except TyperException:
        return None
    return seen[0] if seen else None


words = st.one_of(
    st.sampled_from(NAMES),
    st.sampled_from(VALUES),
    st.builds("{}={}".format, st.sampled_from(NAMES), st.sampled_from(VALUES)),
    st.text(max_size=8).filter(lambda text: "\0" not in text),
)


@pytest.mark.parametrize("name", COMMANDS)
@given(given_words=st.lists(words, max_size=6))
def test_what_is_read_plainly_is_what_typer_reads(name: str, given_words: list[str]) -> None:
    read = plain(COMMANDS[name], given_words)

    if read is not None:
        assert read == by_typer(COMMANDS[name], given_words)


@pytest.mark.parametrize("name", ["scan", "sbom"])
@pytest.mark.parametrize(
    "given_words",
    [
        ["x.tar"],
        ["x.tar", "-f", "json", "-o", "out"],
        ["--format=spdx", "--no-cache", "x.tar"],
        ["--max-files", "10", "x.tar", "--max-size=1G", "--insecure"],
        ["--ca-file", "/etc/ca.pem", "registry:a/b:1", "--username=me", "--password-stdin"],
    ],
)
def test_ordinary_words_need_no_typer(name: str, given_words: list[str]) -> None:
    read = plain(COMMANDS[name], given_words)

    assert read is not None
    assert read == by_typer(COMMANDS[name], given_words)


@pytest.mark.parametrize(
    "given_words",
    [
        [],
        ["--help"],
        ["-h", "x.tar"],
        ["--", "x.tar"],
        ["-fjson", "x.tar"],
        ["-f=json", "x.tar"],
        ["x.tar", "--format"],
        ["x.tar", "--no-such"],
        ["x.tar", "--format", "--no-cache"],
        ["x.tar", "--no-cache=yes"],
        ["x.tar", "--max-files", "0"],
        ["x.tar", "--max-files", "many"],
        ["x.tar", "-f", "json", "-f", "table"],
        ["-"],
    ],
)
def test_anything_else_is_left_to_typer(given_words: list[str]) -> None:
    assert plain(scan.scan, given_words) is None


def test_several_targets_and_what_may_be_given_often_are_lists() -> None:
    given_words = ["a.tar", "--vex", "one", "b.tar", "--vex=two", "--jobs", "2"]
    read = plain(scan.scan, given_words)

    assert read is not None
    assert (read["targets"], read["vex"], read["jobs"]) == (["a.tar", "b.tar"], [Path("one"), Path("two")], 2)
    assert read == by_typer(scan.scan, given_words)


@pytest.mark.parametrize("value", ["", "unix:///run/x.sock"])
def test_a_variable_of_the_environment_counts_as_with_typer(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("DOCKER_HOST", value)

    for given_words in (["x.tar"], ["x.tar", "--docker-host", "tcp://h:1"]):
        read = plain(scan.scan, given_words)
        assert read is not None
        assert read == by_typer(scan.scan, given_words)


def test_a_word_too_many_is_left_to_typer() -> None:
    def greet(
        who: Annotated[str, Argument("Whom.")], loud: Annotated[bool, Option(("--loud",), "How.")] = False
    ) -> int:
        return len(who) + loud

    assert plain(greet, ["you", "--loud"]) == {"who": "you", "loud": True}
    assert plain(greet, ["you", "me"]) is None
