"""Work in a process of its own: whatever it does there, it is told here, and nothing of it stays."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import uvloop
from msgspec import Struct

from hullguard.inventory import apart
from hullguard.model.errors import LimitReached, Unavailable


class Job(Struct, frozen=True):
    """What these processes are told."""

    text: str
    path: str = ""


class Said(Struct, frozen=True):
    """What they answer."""

    text: str
    pid: int = 0
    argv: tuple[str, ...] = ()


@pytest.fixture
def worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), *sys.path]))

    def module(name: str, body: str) -> None:
        (tmp_path / f"{name}.py").write_text(
            "import os, sys, time\nfrom hullguard.inventory import apart\n"
            "from tests.unit.inventory.test_apart import Job, Said\n" + body
        )

    module(
        "echoes",
        "def work(job):\n    argv = open('/proc/self/cmdline').read().split(chr(0))\n"
        "    return Said(job.text, os.getpid(), tuple(argv))\napart.answer(Job, work)\n",
    )
    module("dies", "os.abort()\n")
    module("chatters", "sys.stdout.write('x' * (1 << 20)); sys.stdout.flush()\ntime.sleep(60)\n")
    module("sleeps", "open(sys.stdin.readline() and os.environ['PIDS'], 'w').write(str(os.getpid()))\ntime.sleep(60)\n")


async def test_it_is_told_on_its_input_alone_and_answers(worker: None) -> None:
    said = await apart.ask("echoes", Job("secret" * 10_000), Said, 60, "it")
    assert said.text == "secret" * 10_000
    assert said.pid != os.getpid()
    assert not any("secret" in word for word in said.argv)


def test_it_is_asked_by_the_loop_that_servers_have(worker: None) -> None:
    # Story: an argument that asyncio knows and uvloop does not broke every reading of a registry, and no test saw it.
    assert uvloop.run(apart.ask("echoes", Job("x"), Said, 60, "it")).text == "x"


async def test_one_that_dies_or_says_too_much_is_told(worker: None) -> None:
    for name in ("dies", "chatters"):
        with pytest.raises(Unavailable, match="Reading it broke off") as told:
            await apart.ask(name, Job("x"), Said, 60, "it")
        assert told.value.code == "image.worker-died"


async def test_one_that_takes_too_long_is_ended(worker: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIDS", str(tmp_path / "pid"))
    with pytest.raises(LimitReached, match="took over 5 s"):
        await apart.ask("sleeps", Job("x"), Said, 5, "it")
    assert not _alive(int((tmp_path / "pid").read_text()))


async def test_one_whose_asker_gives_up_is_ended(worker: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pids = tmp_path / "pid"
    monkeypatch.setenv("PIDS", str(pids))
    asking = asyncio.ensure_future(apart.ask("sleeps", Job("x"), Said, 60, "it"))
    while not (pids.exists() and pids.read_text()):
        await asyncio.sleep(0.02)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert not _alive(int(pids.read_text()))


async def test_one_whose_asker_is_killed_ends(worker: None, tmp_path: Path) -> None:
    script = (
        "import asyncio, sys\nfrom hullguard.inventory import apart\n"
        "from tests.unit.inventory.test_apart import Job, Said\n"
        "asyncio.run(apart.ask('waits', Job('x', sys.argv[1]), Said, 60, 'it'))\n"
    )
    (tmp_path / "waits.py").write_text(
        "import os, time\nfrom hullguard.inventory import apart\nfrom tests.unit.inventory.test_apart import Job\n"
        "def work(job):\n    open(job.path + '.new', 'w').write(str(os.getpid()))\n"
        "    os.rename(job.path + '.new', job.path)\n    time.sleep(60)\napart.answer(Job, work)\n"
    )
    pids = tmp_path / "pid"
    asker = await asyncio.create_subprocess_exec(sys.executable, "-c", script, str(pids))
    while not pids.exists():
        await asyncio.sleep(0.02)
    asker.kill()
    await asker.wait()
    ends = time.monotonic() + 30
    while _alive(int(pids.read_text())):
        assert time.monotonic() < ends
        await asyncio.sleep(0.02)


@pytest.mark.parametrize(
    ("given", "left", "why"),
    [
        ("", True, "no whole job came, so whoever asks has ended"),
        ('{"text": "x', True, "no whole job came, so whoever asks has ended"),
        ('{"text": "x"}', False, "nobody waits for the answer any more"),
    ],
)
def test_one_whose_asker_goes_says_so_in_one_line(worker: None, given: str, left: bool, why: str) -> None:
    # Story: the log of a worker that was stopped was full of tracebacks of the processes that read for it.
    answers, told = os.pipe()
    if not left:
        os.close(answers)
    ended = subprocess.run(
        [sys.executable, "-m", "echoes"], input=given, stdout=told, stderr=subprocess.PIPE, text=True, check=False
    )
    os.close(told)
    if left:
        os.close(answers)
    assert ended.returncode == 1
    (line,) = ended.stderr.splitlines()
    assert line.startswith(f"a process that reads for others ended: {why}")


@pytest.mark.parametrize(
    ("work", "code", "said"),
    [
        ("raise MemoryError", 1, "a process that reads for others ended: there is too little memory for it\n"),
        ("os.kill(os.getpid(), signal.SIGINT)", -signal.SIGINT, ""),
    ],
    ids=["too little memory", "interrupted"],
)
def test_one_that_cannot_go_on_ends_in_one_line_or_none(
    worker: None, tmp_path: Path, work: str, code: int, said: str
) -> None:
    (tmp_path / "ends.py").write_text(
        "import os, signal\nfrom hullguard.inventory import apart\nfrom tests.unit.inventory.test_apart import Job\n"
        f"def work(job):\n    {work}\napart.answer(Job, work)\n"
    )
    ended = subprocess.run(
        [sys.executable, "-m", "ends"], input='{"text": "x"}', capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stderr) == (code, said)


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
