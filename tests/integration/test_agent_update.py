"""The agent replaces itself, under its real launcher in real processes, and comes back when the new version is no good."""

import asyncio
import hashlib
import os
import signal
import subprocess
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest_asyncio
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from tests.support.agents import ROOT, LiveAgent, child_environment, come_true, live_agent
from tests.support.fleet import SCOPE, Hostmgr, hostmgr

from hullguard import __version__
from hullguard.agent.status import read, running
from hullguard.agent.update import launcher
from hullguard.model.command import Command, CommandKind, CommandState
from hullguard.storage.stores import Blobs, Commands, Nodes
from hullguard.wire import bundle

__all__ = ["child_environment", "hostmgr", "live_agent"]

NEW = "0.2.0"


class Launched:
    """``agent run``'s launcher and its child, as processes."""

    def __init__(self, agent: LiveAgent, environment: dict[str, str]) -> None:
        self.agent = agent
        config = msgspec.structs.replace(agent.config, sensor=False)
        argv = launcher.command(agent.state.root, msgspec.json.encode(config).decode())
        self.log = (agent.state.root / "log").open("wb")
        self.process = subprocess.Popen(argv, env=environment, stderr=self.log, stdout=self.log)

    def child(self) -> int:
        return int(Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()[0])

    def text(self) -> str:
        return (self.agent.state.root / "log").read_text()

    async def version(self, wanted: str) -> None:
        async def reported() -> bool:
            async with self.agent.hostmgr.storage.reading(SCOPE) as tx:
                node = await Nodes(tx).get(self.agent.node)
            return node.online and node.agent_version == wanted

        await come_true(reported)

    async def stop(self) -> int:
        if self.process.poll() is None:
            self.process.terminate()
        code = await asyncio.to_thread(self.process.wait, 60)
        self.log.close()
        return code


@pytest_asyncio.fixture
async def launched(live_agent: LiveAgent, child_environment: dict[str, str]) -> AsyncIterator[Launched]:
    group = Launched(live_agent, child_environment)
    await live_agent.until(lambda status: status.line.state == "connected")
    yield group
    await group.stop()


def source(version: str, changes: dict[str, str]) -> dict[str, bytes]:
    """This agent's own code with another version number."""
    found: dict[str, bytes] = {}
    for part in ("agent", "inventory", "detect", "net", "wire", "model", "words"):
        for path in sorted((ROOT / "src/hullguard" / part).rglob("*")):
            if path.suffix in {".py", ".o", ".yaml", ".json"}:
                found[str(path.relative_to(ROOT / "src"))] = path.read_bytes()
    found["hullguard/__init__.py"] = f'__version__ = "{version}"\n'.encode()
    return {**found, **{name: text.encode() for name, text in changes.items()}}


async def publish(
    hostmgr: Hostmgr, directory: Path, version: str = NEW, key: Ed25519PrivateKey | None = None, **changes: str
) -> str:
    """A signed bundle in the platform's store; its SHA-256."""
    payload = {}
    names = {name.replace("__", "/") + ".py": text for name, text in changes.items()}
    for name, content in source(version, names).items():
        path = directory / "payload" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        payload[name] = path
    archive = directory / "agent.bundle"
    bundle.build(
        archive,
        payload,
        version=version,
        min_version="0.0.1",
        created=datetime(2026, 3, 1, tzinfo=UTC),
        key=key or hostmgr.authority.release,
    )
    sha256 = hashlib.sha256(archive.read_bytes()).hexdigest()
    async with hostmgr.storage.transaction(SCOPE) as tx:
        await Blobs(tx).store(sha256, "agent-bundle", version, [archive.read_bytes()])
    return sha256


async def update(hostmgr: Hostmgr, agent: LiveAgent, sha256: str, seconds: int = 60) -> Command:
    """Order it and wait for the outcome."""
    async with hostmgr.storage.transaction(SCOPE) as tx:
        parameters = {"sha256": sha256, "health_seconds": seconds}
        deadline = tx.now + timedelta(seconds=300)
        given = await Commands(tx).create(agent.node, CommandKind.UPDATE_AGENT, parameters, "user:admin", deadline)
    await hostmgr.cache.publish(f"node:{agent.node}", b"commands")
    found = given

    async def final() -> bool:
        nonlocal found
        async with hostmgr.storage.reading(SCOPE) as tx:
            found = await Commands(tx).get(given.id)
        return found.state.final

    await come_true(final, 150)
    return found


class TestUpdate:
    async def test_a_new_version_takes_over_and_reports_itself(self, launched: Launched, hostmgr, tmp_path):
        agent = launched.agent
        done = await update(hostmgr, agent, await publish(hostmgr, tmp_path))
        assert done.state is CommandState.DONE, (done.result, launched.text())
        assert (done.result["version"], done.result["before"]) == (NEW, __version__)
        await launched.version(NEW)
        assert launcher.current(agent.state.root) == NEW
        assert not agent.state.switch.exists()
        # It outlives its process and its launcher.
        os.kill(launched.child(), signal.SIGKILL)
        await agent.until(lambda status: status.pid != 0 and running(agent.state) and status.line.state == "connected")
        await launched.version(NEW)

    async def test_a_version_that_cannot_start_is_rolled_back(self, launched: Launched, hostmgr, tmp_path):
        agent = launched.agent
        broken = await publish(hostmgr, tmp_path, hullguard__agent__run="raise SystemExit('broken')\n")
        done = await update(hostmgr, agent, broken)
        assert (done.state, done.result["code"]) == (CommandState.FAILED, "rolled-back")
        assert "was rolled back: it ended with" in done.result["message"]
        assert launcher.current(agent.state.root) == ""
        await launched.version(__version__)

    async def test_a_version_that_never_connects_is_rolled_back(self, launched: Launched, hostmgr, tmp_path):
        mute = await publish(hostmgr, tmp_path, hullguard__agent__child="import time\ntime.sleep(600)\n")
        done = await update(hostmgr, launched.agent, mute, seconds=2)
        assert (done.state, done.result["code"]) == (CommandState.FAILED, "rolled-back")
        assert "no session within 2 s" in done.result["message"]
        await launched.version(__version__)

    async def test_a_bundle_of_another_key_is_refused(self, launched: Launched, hostmgr, tmp_path):
        foreign = await publish(hostmgr, tmp_path, key=Ed25519PrivateKey.generate())
        child = launched.child()
        done = await update(hostmgr, launched.agent, foreign)
        assert (done.state, done.result["code"]) == (CommandState.FAILED, "bundle.signature-wrong")
        assert launched.child() == child
        assert not list(launched.agent.state.versions.iterdir())

    async def test_an_older_version_is_refused(self, launched: Launched, hostmgr, tmp_path):
        old = await publish(hostmgr, tmp_path, "0.0.9")
        done = await update(hostmgr, launched.agent, old)
        assert (done.state, done.result["code"]) == (CommandState.FAILED, "bundle.version-not-newer")

    async def test_a_second_update_starts_from_the_first(self, launched: Launched, hostmgr, tmp_path):
        assert (await update(hostmgr, launched.agent, await publish(hostmgr, tmp_path / "a"))).state == "done"
        broken = await publish(hostmgr, tmp_path / "b", "0.3.0", hullguard__agent__run="raise SystemExit(9)\n")
        done = await update(hostmgr, launched.agent, broken)
        assert done.result["code"] == "rolled-back"
        await launched.version(NEW)
        assert launcher.current(launched.agent.state.root) == NEW


class TestLauncher:
    async def test_a_child_that_is_killed_is_started_again(self, launched: Launched):
        before = launched.child()
        os.kill(before, signal.SIGKILL)
        status = await launched.agent.until(lambda status: status.pid != before and status.line.state == "connected")
        assert status.pid == launched.child()

    async def test_the_child_ends_with_its_launcher(self, launched: Launched):
        launched.process.kill()
        await asyncio.to_thread(launched.process.wait, 60)

        async def gone() -> bool:
            return not running(launched.agent.state)

        await come_true(gone)

    async def test_a_stop_is_orderly(self, launched: Launched):
        assert await launched.stop() == 0
        status = read(launched.agent.state)
        assert status is not None
        assert status.line.state == "stopped"

    async def test_a_dismissed_agent_ends_the_launcher_with_2(self, launched: Launched, hostmgr: Hostmgr):
        async with hostmgr.storage.transaction(SCOPE) as tx:
            await Nodes(tx).remove(launched.agent.node)
        await hostmgr.cache.publish(f"node:{launched.agent.node}", b"policy")
        assert await asyncio.to_thread(launched.process.wait, 60) == 2
        assert "dismissed" in launched.text()
