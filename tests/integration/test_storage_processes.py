"""Several processes on one database file: they start at once, write at once, and die."""

import asyncio
import os
import signal
import sqlite3
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from tests.support.database import SCOPE

from hullguard import audit
from hullguard.storage import PageRequest, Storage
from hullguard.storage.stores import Audit, AuditFilter, Jobs

SOURCES = Path(__file__).parents[2] / "src"

PRELUDE = """
import asyncio, sys
from hullguard import audit
from hullguard.model.identity import DEFAULT_TENANT, Scope
from hullguard.storage import Storage
from hullguard.storage.stores import Jobs
SCOPE = Scope(DEFAULT_TENANT)
storage = Storage.open("sqlite:///" + sys.argv[1])
"""

WRITER = """
async def main():
    await storage.migrate()
    for number in range(int(sys.argv[2])):
        async with storage.transaction(SCOPE) as tx:
            await audit.record(tx, sys.argv[3], "thing.do", str(number))
    await storage.close()
asyncio.run(main())
"""

ENDLESS = """
async def main():
    number = 0
    while True:
        async with storage.transaction(SCOPE) as tx:
            made = await audit.record(tx, "system", "thing.do", str(number), reason="x" * 2000)
        print(made.sequence, flush=True)
        number += 1
asyncio.run(main())
"""

HOLDER = """
async def main():
    async with storage.transaction(SCOPE) as tx:
        await audit.record(tx, "system", "never.kept", "")
        print("holding", flush=True)
        await asyncio.Event().wait()
asyncio.run(main())
"""

TAKER = """
async def main():
    taken = []
    while True:
        async with storage.transaction(SCOPE) as tx:
            job = await Jobs(tx).take(["count"], 60)
        if job is None:
            break
        taken.append(job.key)
        async with storage.transaction(SCOPE) as tx:
            await Jobs(tx).done(job)
    print(" ".join(taken))
    await storage.close()
asyncio.run(main())
"""


@asynccontextmanager
async def python(program: str, *arguments: str) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        PRELUDE + program,
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(SOURCES)},
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "hullguard.db"


@pytest.fixture
async def storage(path: Path) -> AsyncIterator[Storage]:
    opened = Storage.open(f"sqlite:///{path}")
    yield opened
    await opened.close()


async def test_processes_that_start_at_once_share_one_new_database(path: Path, storage: Storage) -> None:
    async def one(name: str) -> int:
        async with python(WRITER, str(path), "25", name) as process:
            return await process.wait()

    assert await asyncio.gather(*(one(f"user:{number}") for number in range(4))) == [0, 0, 0, 0]
    async with storage.reading(SCOPE) as tx:
        assert await audit.verify(tx) == audit.Verification(True, 100)
        for number in range(4):
            assert (await Audit(tx).page(AuditFilter(actor=f"user:{number}"), PageRequest(1))).total == 25


async def test_what_a_killed_process_had_committed_is_there(path: Path, storage: Storage) -> None:
    await storage.migrate()
    for round_ in range(3):
        async with python(ENDLESS, str(path)) as process:
            assert process.stdout is not None
            said = [int(await process.stdout.readline()) for _ in range(5 + round_)]
            process.send_signal(signal.SIGKILL)
            said += [int(line) for line in (await process.stdout.read()).splitlines() if line]
        async with storage.reading(SCOPE) as tx:
            found = await audit.verify(tx)
        # One more may have been kept than was said: it died between the commit and the word.
        assert found.ok
        assert found.records in {said[-1], said[-1] + 1}
    raw = sqlite3.connect(path)
    assert raw.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    raw.close()


async def test_a_process_killed_inside_a_transaction_frees_the_lock_and_leaves_nothing(
    path: Path, storage: Storage
) -> None:
    await storage.migrate()
    async with python(HOLDER, str(path)) as process:
        assert process.stdout is not None
        assert await process.stdout.readline() == b"holding\n"
        process.send_signal(signal.SIGKILL)
        await process.wait()
        async with storage.transaction(SCOPE) as tx:
            assert (await audit.verify(tx)).records == 0
            await audit.record(tx, "system", "thing.do", "")
            assert await audit.verify(tx) == audit.Verification(True, 1)


async def test_workers_never_take_one_job_twice(path: Path, storage: Storage) -> None:
    await storage.migrate()
    async with storage.transaction(SCOPE) as tx:
        for number in range(40):
            await Jobs(tx).enqueue("count", str(number))

    async def one() -> list[str]:
        async with python(TAKER, str(path)) as process:
            output, _ = await process.communicate()
            assert process.returncode == 0
            return output.decode().split()

    first, second = await asyncio.gather(one(), one())
    assert sorted(first + second, key=int) == [str(number) for number in range(40)]
