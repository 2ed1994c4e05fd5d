"""The command line loads no more than the command needs: what it loads is most of the time of a short scan."""

import gc
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from hullguard.app.cli.main import HANDED_OVER, RARELY

HEAVY = ["asyncio", "hyperscan", "yara_x", "elftools", "yaml", "urllib3", "sqlalchemy", "aiohttp", "rich.console"]
BEFORE = ["typer", "inspect", "msgspec", "hullguard.words"]
UNASKED = ["concurrent.futures", "tempfile", "secrets", "zipfile", "hullguard.imagescan.licenses"]
LOADED = "import sys; import {module}; print([name for name in {heavy} if name in sys.modules])"


@pytest.mark.parametrize("module", ["hullguard.app.cli.commands", "hullguard.inventory", "hullguard.imagescan.scan"])
def test_nothing_heavy_is_loaded_before_it_is_needed(module: str) -> None:
    program = LOADED.format(module=module, heavy=HEAVY)
    found = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True, timeout=60)

    assert found.stdout.strip() == "[]"


def test_the_process_begins_before_anything_is_loaded() -> None:
    program = LOADED.format(module="hullguard.app.cli.main", heavy=BEFORE)
    found = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True, timeout=60)

    assert found.stdout.strip() == "[]"


def test_a_scan_loads_nothing_that_only_some_images_need() -> None:
    program = LOADED.format(module="hullguard.app.cli.scan_job", heavy=UNASKED)
    found = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True, timeout=60)

    assert found.stdout.strip() == "[]"


AT_THE_END = """
import atexit, gc, os, sys
from hullguard.app.cli.main import main
def tell(how): print(how, gc.isenabled(), gc.get_threshold()[0], gc.get_freeze_count() > 0, round(sys.getswitchinterval(), 6), flush=True)
atexit.register(tell, "ended")
leave = os._exit
os._exit = lambda code: (tell("left"), leave(code))
main(*{arguments})
"""


def at_the_end(arguments: list[list[str]], *words: str) -> list[str]:
    """How a process ended, and how it looked for garbage by then."""
    program = AT_THE_END.format(arguments=arguments)
    done = subprocess.run(
        [sys.executable, "-c", program, *words], capture_output=True, text=True, timeout=60, check=True
    )
    return done.stdout.splitlines()[-1].split()


def test_only_what_ends_soon_looks_for_garbage_rarely_and_leaves_at_once() -> None:
    often, usual = str(gc.get_threshold()[0]), str(round(sys.getswitchinterval(), 6))

    assert at_the_end([], "scan", "--help") == ["left", "True", str(RARELY), "True", str(HANDED_OVER)]
    assert at_the_end([], "agent", "--help") == ["ended", "True", often, "True", usual]


def test_who_gives_the_arguments_keeps_his_process() -> None:
    assert at_the_end([["scan", "--help"]]) == [
        "ended",
        "True",
        str(gc.get_threshold()[0]),
        "False",
        str(round(sys.getswitchinterval(), 6)),
    ]


def test_a_report_is_whole_when_the_process_leaves(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/os-release").write_text("ID=flatcar\n")
    program = "from hullguard.app.cli.main import main\nmain()"
    arguments = ["sbom", "--no-cache", f"dir:{tmp_path}"]
    done = subprocess.run([sys.executable, "-c", program, *arguments], capture_output=True, timeout=60, check=True)

    assert json.loads(done.stdout)["os"]["id"] == "flatcar"


@pytest.mark.parametrize(
    ("words", "code", "loaded"),
    [(["sbom", "dir:{}"], 0, False), (["scan", "no-such.tar"], 2, False), (["sbom", "dir:{}", "--wrong"], 2, True)],
)
def test_plain_words_are_read_without_typer(tmp_path: Path, words: list[str], code: int, loaded: bool) -> None:
    program = (
        "import atexit, os, sys\nfrom hullguard.app.cli.main import main\n"
        "def tell(): print('typer' in sys.modules, file=sys.stderr, flush=True)\n"
        "atexit.register(tell)\nleave = os._exit\nos._exit = lambda code: (tell(), leave(code))\nmain()"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *(word.format(tmp_path) for word in words), "--no-cache"],
        capture_output=True, text=True, timeout=60, check=False, cwd=tmp_path,
    )  # fmt: skip

    *said, last = done.stderr.splitlines()
    assert (done.returncode, last, len(said)) == (code, str(loaded), int(code == 2))


def test_a_reader_who_leaves_early_hears_nothing_and_judges_nothing(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    program = "from hullguard.app.cli.main import main\nmain()"
    done = subprocess.run(
        [sys.executable, "-c", program, "sbom", "--no-cache", f"dir:{tmp_path}"],
        stdout=writer, stderr=subprocess.PIPE, timeout=60, check=False,
    )  # fmt: skip
    os.close(writer)

    assert (done.returncode, done.stderr) == (141, b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_report_that_found_no_room_is_no_success(tmp_path: Path) -> None:
    program = "from hullguard.app.cli.main import main\nmain()"
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-c", program, "sbom", "--no-cache", f"dir:{tmp_path}"],
            stdout=full, stderr=subprocess.PIPE, timeout=60, check=False,
        )  # fmt: skip

    assert done.returncode == 3
    assert done.stderr == b"hullguard: cannot write to standard output: No space left on device\n"


@pytest.mark.parametrize(
    ("closed", "words", "code", "said"),
    [
        (1, ("-f", "json"), 3, "hullguard: cannot write to standard output: Bad file descriptor\n"),
        (1, ("-f", "json", "-o", "{}/report.json"), 0, ""),
        (2, ("-f", "json"), 0, ""),
        (0, ("-f", "json"), 0, ""),
    ],
)
def test_a_standard_stream_may_be_closed(
    tmp_path: Path, closed: int, words: tuple[str, ...], code: int, said: str
) -> None:
    program = f"import os\nos.close({closed})\nos.execv(sys.executable, [sys.executable, *sys.argv[1:]])"
    (tree := tmp_path / "tree").mkdir()
    command = ["-m", "hullguard", "sbom", "--no-cache", f"dir:{tree}", *(word.format(tmp_path) for word in words)]
    done = subprocess.run(
        [sys.executable, "-c", f"import sys\n{program}", *command],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip

    assert (done.returncode, done.stderr) == (code, said)
    report = done.stdout if closed != 1 else next((p.read_text() for p in tmp_path.glob("*.json")), "{}")
    assert bool(json.loads(report)) == (code == 0)


def test_a_command_is_made_without_the_others() -> None:
    said = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys\nfrom hullguard.app.cli.commands import build\nbuild(['diff'])\nprint(*sys.modules)",
        ],
        check=True,
        capture_output=True,
        text=True,
    )

    assert {name for name in said.stdout.split() if name.startswith("hullguard.app.cli.")} & {
        "hullguard.app.cli.diff",
        "hullguard.app.cli.admin",
        "hullguard.app.cli.database",
        "hullguard.app.cli.up",
    } == {"hullguard.app.cli.diff"}


@pytest.mark.parametrize("command", ["scan", "sbom"])
def test_what_is_incomplete_says_why(tmp_path: Path, command: str) -> None:
    # Story: sbom left with 4 without a word where scan said why.
    tree = tmp_path / "tree"
    (tree / "var/lib/dpkg").mkdir(parents=True)
    (tree / "var/lib/dpkg/status").write_text("Package: bash\nStatus: install ok installed\n")
    scanners = [] if command == "sbom" else ["--scanners", "secret"]
    done = subprocess.run(
        [sys.executable, "-m", "hullguard", command, "--no-cache", "-f", "json", *scanners, f"dir:{tree}"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "HULLGUARD_LANG": "en"},
    )

    assert done.returncode == 4
    assert "hullguard: the report is incomplete: bash: var/lib/dpkg/status: " in done.stderr
    assert json.loads(done.stdout)["complete"] is False
