"""Options written once, for several commands."""

from typing import Annotated

import typer
from msgspec import Struct
from typer.testing import CliRunner

from hullguard.app.cli.option_groups import takes


class Sizes(Struct, frozen=True):
    width: Annotated[int, typer.Option("--width", min=1, help="How wide.")] = 3
    names: Annotated[list[str] | None, typer.Option("--name", help="May be given many times.")] = None


class Colours(Struct, frozen=True):
    red: Annotated[bool, typer.Option("--red", help="Whether it is red.")] = False


@takes(sizes=Sizes, colours=Colours)
def paint(
    target: str, quiet: Annotated[bool, typer.Option("--quiet")] = False, *, sizes: Sizes, colours: Colours
) -> int:
    """Paints a target."""
    typer.echo(f"{target} {quiet} {sizes} {colours}")
    return 0


def run(*arguments: str) -> tuple[int, str]:
    app = typer.Typer()
    app.command()(paint)
    done = CliRunner().invoke(app, arguments)
    return done.exit_code, done.output


def test_a_command_gets_its_options_as_structs() -> None:
    assert run("wall", "--name", "a", "--name", "b", "--red") == (
        0,
        f"wall False {Sizes(3, ['a', 'b'])} {Colours(red=True)}\n",
    )


def test_what_is_not_given_has_the_default_of_the_struct() -> None:
    assert run("wall", "--quiet") == (0, f"wall True {Sizes()} {Colours()}\n")


def test_the_help_names_them_all() -> None:
    code, said = run("--help")

    assert code == 0
    assert [
        word for word in ("Paints a target.", "How wide.", "May be given", "Whether it is red.") if word not in said
    ] == []


def test_bounds_hold() -> None:
    assert run("wall", "--width", "0")[0] == 2
