"""The one boundary where whatever happened becomes a line and an exit code."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest
import typer

from hullguard import __version__
from hullguard.app.cli import commands
from hullguard.app.cli import main as cli
from hullguard.app.cli.exits import exit_code
from hullguard.model import errors
from hullguard.model.errors import HullguardError

NATURES = sorted(
    (kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, HullguardError)),
    key=lambda kind: kind.__name__,
)


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as left:
        cli.main(list(arguments))
    return left.value.code


def hullguard(*arguments: str, **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "hullguard", *arguments],
        check=False,
        text=True,
        timeout=60,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        **{"capture_output": True, **options},
    )


@pytest.fixture
def command(monkeypatch) -> Callable[[Callable[[], object]], None]:
    """Gives the real command line one more command, ``probe``, that does what the test says."""
    monkeypatch.delenv("HULLGUARD_DEBUG", raising=False)
    build = commands.build

    def add(work: Callable[[], object]) -> None:
        def build_more(names: Iterable[str]) -> typer.Typer:
            app = build(names)
            app.command("probe")(work)
            return app

        monkeypatch.setattr(commands, "build", build_more)

    return add


def raising(error: BaseException) -> Callable[[], None]:
    def probe() -> None:
        raise error

    return probe


def every_command() -> Iterator[tuple[str, ...]]:
    def below(group, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
        yield path
        for name, found in getattr(group, "commands", {}).items():
            yield from below(found, (*path, name))

    return below(typer.main.get_command(commands.build(commands.COMMANDS)), ())


class TestErrors:
    @pytest.mark.parametrize("kind", NATURES, ids=lambda kind: kind.__name__)
    def test_every_nature_of_error_is_its_sentence_and_its_code(self, command, capsys, kind):
        command(raising(kind("the disk is full; make room")))

        code = run("probe")

        said = capsys.readouterr()
        assert code == exit_code(kind("x"))
        assert code in {2, 3, 4}
        assert (said.out, said.err) == ("", "hullguard: the disk is full; make room\n")

    @pytest.mark.parametrize("error", [ZeroDivisionError("oops"), KeyError("x"), RecursionError()])
    def test_a_mistake_of_ours_is_one_line_too(self, command, capsys, error):
        command(raising(error))

        assert run("probe") == 3
        said = capsys.readouterr().err
        assert said.count("\n") == 1
        assert type(error).__name__ in said
        assert "HULLGUARD_DEBUG=1" in said

    def test_what_the_system_refuses_is_one_line_and_none_of_ours(self, command, capsys):
        command(raising(OSError(28, "full")))

        assert run("probe") == 3
        assert capsys.readouterr().err == "hullguard: something could not be read or written: full\n"

    def test_an_interruption_is_130_and_said(self, command, capsys):
        command(raising(KeyboardInterrupt()))

        assert run("probe") == 130
        assert capsys.readouterr().err == "hullguard: interrupted\n"

    def test_a_question_that_nobody_answered_is_an_interruption(self, command, capsys):
        command(raising(typer.Abort()))

        assert run("probe") == 130
        assert capsys.readouterr().err == "hullguard: interrupted\n"

    def test_a_missing_right_names_what_it_is_missing_for(self, command, capsys):
        command(raising(PermissionError(13, "Permission denied", "/var/lib/hullguard/hullguard.db")))

        assert run("probe") == 3
        assert capsys.readouterr().err.startswith("hullguard: no permission for /var/lib/hullguard/hullguard.db;")

    @pytest.mark.parametrize(("returned", "code"), [(None, 0), (0, 0), (1, 1), (4, 4), ("text", 0)])
    def test_what_a_command_returns_is_its_code(self, command, returned, code):
        command(lambda: returned)
        assert run("probe") == code

    def test_a_command_that_leaves_by_itself_keeps_its_code(self, command):
        command(raising(SystemExit(7)))
        assert run("probe") == 7


class TestWords:
    @pytest.mark.parametrize("path", list(every_command()), ids=lambda path: " ".join(path) or "hullguard")
    @pytest.mark.parametrize("word", ["--help", "-h"])
    def test_every_command_explains_itself_and_each_of_its_options(self, capsys, path, word):
        assert run(*path, word) == 0

        said = capsys.readouterr()
        assert said.err == ""
        assert said.out.split()[: 2 + len(path)] == ["Usage:", "hullguard", *path]
        found = typer.main.get_command(commands.build(commands.COMMANDS))
        for name in path:
            found = found.commands[name]
        assert found.help or found.short_help
        for option in found.params:
            assert option.help, f"{path}: {option.name} has no word of help"
            if option.param_type_name == "option":
                assert max(option.opts, key=len) in said.out

    @pytest.mark.parametrize("path", [(), ("admin",), ("agent",), ("db",), ("serve",)])
    def test_a_group_without_a_command_shows_what_there_is_line_by_line(self, capsys, path):
        assert run(*path) == 2

        lines = capsys.readouterr().err.splitlines()
        assert lines[0].startswith("Usage: hullguard")
        shown = lines[lines.index("Commands:") + 1 :]
        group = typer.main.get_command(commands.build(commands.COMMANDS))
        for name in path:
            group = group.commands[name]
        assert [line.split()[0] for line in shown] == list(group.commands)

    @pytest.mark.parametrize(
        ("arguments", "says"),
        [
            (("probee",), "No such command 'probee'"),
            (("admin", "verify-audit", "--dat", "x"), "No such option: --dat"),
            (("admin", "reset-password"), "Missing argument 'name'"),
            (("db", "status", "y"), "unexpected extra argument"),
            (("up", "--listen"), "requires an argument"),
            (("serve", "ctrl", "--listen", "x:y"), "--listen must be HOST:PORT"),
        ],
    )
    def test_a_wrong_word_is_one_line_that_says_where_help_is(self, capsys, monkeypatch, tmp_path, arguments, says):
        monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))

        assert run(*arguments) == 2

        said = capsys.readouterr()
        assert says in said.err
        assert said.err.count("\n") == 1
        assert said.out == ""

    def test_the_version_is_printed_alone(self, capsys):
        assert run("--version") == 0
        assert capsys.readouterr().out == f"hullguard {__version__}\n"


class TestProcess:
    def test_a_reader_who_leaves_early_is_no_error_and_no_success(self):
        reader, writer = os.pipe()
        os.close(reader)

        done = hullguard("--help", capture_output=False, stdout=writer, stderr=subprocess.PIPE)

        os.close(writer)
        assert (done.returncode, done.stderr) == (141, "")

    def test_a_connection_that_breaks_is_not_mistaken_for_the_reader(self, command, capsys):
        command(raising(BrokenPipeError(32, "Broken pipe")))
        assert run("probe") == 3

    @pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become nobody")
    @pytest.mark.parametrize(
        "arguments",
        [("agent", "status", "--state"), ("admin", "verify-audit", "--data"), ("agent", "doctor", "--state")],
    )
    def test_somebody_without_the_right_to_look_is_told_so(self, tmp_path: Path, arguments):
        place = tmp_path / "closed"
        place.mkdir(mode=0o700)
        code = (
            f"import os; os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
            f"from hullguard.app.cli.main import main\nmain({[*arguments, str(place / 'x')]!r})\n"
        )
        # Imported before the rights are given up: where the tests lie may be closed to nobody.
        done = subprocess.run(
            [sys.executable, "-c", "import hullguard.app.cli.commands, hullguard.agent.doctor, hullguard.agent.identity,"
             "hullguard.agent.status, hullguard.app.administer\n" + code],
            capture_output=True, text=True, timeout=60, check=False,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )  # fmt: skip

        assert done.returncode == 3, done.stderr
        assert "no permission for" in done.stderr
        assert str(place) in done.stderr
        assert done.stderr.count("\n") == 1


def test_too_little_memory_is_no_bug(command, capsys) -> None:
    command(raising(MemoryError()))

    assert run("probe") == 3
    assert capsys.readouterr().err == "hullguard: there is not enough memory to go on; allow this process more of it\n"


def test_too_few_threads_are_no_bug(command, capsys) -> None:
    command(raising(RuntimeError("can't start new thread")))

    assert run("probe") == 3
    assert capsys.readouterr().err == (
        "hullguard: no further thread can be started; allow this process more memory, or more threads\n"
    )
