"""Two processes that want the last one of something: it is given away once."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.support.database import SCOPE
from tests.support.records import facts

from hullguard import audit
from hullguard.model.command import CommandKind, CommandState
from hullguard.storage import PageRequest, Storage
from hullguard.storage.stores import (
    Audit,
    AuditFilter,
    CommandFilter,
    Commands,
    EnrolmentTokens,
    NodeFilter,
    Nodes,
    Progress,
    Quotas,
)

SOURCES = Path(__file__).parents[2] / "src"
NODES = 12
UNITS = 5
USES = 7
FOREVER = datetime(2100, 1, 1, tzinfo=UTC)

RIVAL = """
import asyncio, sys
from hullguard import audit
from hullguard.model.command import CommandState
from hullguard.model.errors import HullguardError
from hullguard.model.identity import DEFAULT_TENANT, Scope
from hullguard.storage import Storage
from hullguard.storage.stores import Commands, EnrolmentTokens, Nodes, Progress

path, name, token, *ids = sys.argv[1:]
nodes, commands = [each for each in ids if each.startswith("node-")], [each for each in ids if len(each) == 32]
storage = Storage.open("sqlite:///" + path)

async def won(what, subject, attempt):
    try:
        async with storage.transaction(Scope(DEFAULT_TENANT)) as tx:
            if not await attempt(tx):
                return
            await audit.record(tx, "user:" + name, what, subject)
    except HullguardError:
        return

async def main():
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    for number, node in enumerate(nodes if name == "one" else nodes[::-1]):
        await won("unit", node, lambda tx: Nodes(tx).protect(node, on=True))
        await won("use", str(number), lambda tx: EnrolmentTokens(tx).redeem(token, "secret"))
        await won("message", node, lambda tx: Progress(tx).accept(node, "boot", 1))
        for command in commands:
            await won("outcome", command, lambda tx: Commands(tx).finish(command, CommandState.DONE, {"by": name}))
    await storage.close()

asyncio.run(main())
"""


@pytest.fixture
async def storage(tmp_path: Path) -> AsyncIterator[Storage]:
    opened = Storage.open(f"sqlite:///{tmp_path}/hullguard.db")
    await opened.migrate()
    yield opened
    await opened.close()


async def race(path: Path, token: str, *ids: str) -> None:
    """Start both, and let them go at once."""
    processes = [
        await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", RIVAL, str(path), name, token, *ids),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(SOURCES)},
        )
        for name in ("one", "two")
    ]
    try:
        for process in processes:
            assert process.stdout is not None
            assert await process.stdout.readline() == b"ready\n"
        await asyncio.gather(*(process.communicate(b"go\n") for process in processes))
        assert [process.returncode for process in processes] == [0, 0]
    finally:
        for process in processes:
            if process.returncode is None:
                process.kill()
                await process.communicate()


async def test_what_there_is_one_of_is_given_away_once(storage: Storage, tmp_path: Path) -> None:
    async with storage.transaction(SCOPE) as tx:
        await Quotas(tx).set_total(UNITS)
        nodes = [f"node-{number}" for number in range(NODES)]
        for node in nodes:
            await Nodes(tx).enrol(node, "default", facts(node), f"fingerprint-{node}", FOREVER)
        commands = [
            (await Commands(tx).create(node, CommandKind.SCAN_NOW, {}, "user:a", FOREVER)).id for node in nodes[:3]
        ]
        token = await EnrolmentTokens(tx).create("t", "default", "secret", FOREVER, USES)
    await race(tmp_path / "hullguard.db", token.id, *nodes, *commands)
    async with storage.reading(SCOPE) as tx:
        assert (await audit.verify(tx)).ok

        async def kept(action: str) -> dict[str, set[str]]:
            """Who claims what: only winners have written a record."""
            page = await Audit(tx).page(AuditFilter(action=action), PageRequest(500))
            claims: dict[str, set[str]] = {}
            for each in page.items:
                claims.setdefault(each.subject, set()).add(each.actor)
            return claims

        protected = await Nodes(tx).page(NodeFilter(protection=True), PageRequest())
        quota = await Quotas(tx).get()
        assert (quota.total, quota.used, protected.total) == (UNITS, UNITS, UNITS)
        assert set(await kept("unit")) == {node.id for node in protected.items}
        assert (await EnrolmentTokens(tx).get(token.id)).uses == USES
        assert sum(len(claimed) for claimed in (await kept("use")).values()) == USES
        messages, outcomes = await kept("message"), await kept("outcome")
        assert {node: len(claimed) for node, claimed in messages.items()} == dict.fromkeys(nodes, 1)
        assert {command: len(claimed) for command, claimed in outcomes.items()} == dict.fromkeys(commands, 1)
        for node in nodes:
            assert (await Progress(tx).last(node, "boot"), await Progress(tx).missed(node)) == (1, 0)
        done = await Commands(tx).page(CommandFilter(state=frozenset({CommandState.DONE})), PageRequest())
        assert {each.id: {f"user:{each.result['by']}"} for each in done.items} == outcomes
        assert all(each.finished and each.finished - each.created < timedelta(days=1) for each in done.items)
