"""Commands through a real hostmgr, on a real Docker daemon: each is done once and has one outcome."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
import pytest_asyncio
from tests.support.agents import LiveAgent, child_environment, come_true, live_agent, shell_event
from tests.support.docker import IMAGE, docker, docker_host, import_image, said
from tests.support.fleet import SCOPE, Hostmgr, hostmgr

from hullguard.agent.respond.fanotify import Group
from hullguard.model.command import Command, CommandKind, CommandState
from hullguard.model.event import ContainerRef
from hullguard.model.incident import Incident
from hullguard.model.node import PlacedContainer
from hullguard.model.policy import Action, DetectorSettings
from hullguard.storage import PageRequest
from hullguard.storage.stores import (
    CommandFilter,
    Commands,
    ContainerFilter,
    Containers,
    ImageFilter,
    Images,
    IncidentFilter,
    Incidents,
    Policies,
)

SHELL, READ = "container.terminal-shell", "file.read-sensitive"

__all__ = ["child_environment", "docker_host", "hostmgr", "live_agent"]


@pytest_asyncio.fixture
async def docked(
    live_agent: LiveAgent, docker_host: str, child_environment: dict[str, str]
) -> AsyncIterator[LiveAgent]:
    """A connected agent of the private daemon."""
    live_agent.start(docker_host=docker_host)
    await live_agent.until(lambda status: status.line.state == "connected" and status.runtime)
    yield live_agent


async def give(hostmgr: Hostmgr, agent: LiveAgent, kind: CommandKind, seconds: float = 300, **parameters) -> str:
    async with hostmgr.storage.transaction(SCOPE) as tx:
        deadline = tx.now + timedelta(seconds=seconds)
        command = await Commands(tx).create(agent.node, kind, parameters, "user:admin", deadline)
    await hostmgr.cache.publish(f"node:{agent.node}", b"commands")
    return command.id


async def outcome(hostmgr: Hostmgr, command: str) -> Command:
    found: list[Command] = []

    async def final() -> bool:
        async with hostmgr.storage.reading(SCOPE) as tx:
            found[:] = [await Commands(tx).get(command)]
        return found[0].state.final

    await come_true(final)
    return found[0]


async def images(hostmgr: Hostmgr):
    async with hostmgr.storage.reading(SCOPE) as tx:
        return (await Images(tx).page(ImageFilter(), PageRequest())).items


class TestRuntime:
    async def test_containers_are_reported_as_they_change(self, docked: LiveAgent, hostmgr: Hostmgr, docker_host: str):
        async def states() -> dict[str, str]:
            async with hostmgr.storage.reading(SCOPE) as tx:
                found = await Containers(tx).page(ContainerFilter(), PageRequest())
            return {container.name: container.state for container in found.items}

        docker(docker_host, "run", "-d", "--name", "seen", "--network", "none", IMAGE, "/bin/sleep", "60")

        async def is_running() -> bool:
            return (await states()).get("seen") == "running"

        async def is_gone() -> bool:
            return "seen" not in await states()

        await come_true(is_running)
        async with hostmgr.storage.reading(SCOPE) as tx:
            found = await Containers(tx).page(ContainerFilter(), PageRequest())
        (container,) = [each for each in found.items if each.name == "seen"]
        assert container.image.name == f"{IMAGE}:latest"
        assert container.started is not None
        docker(docker_host, "rm", "-f", "seen")
        await come_true(is_gone)

    async def test_the_inventory_of_a_new_image_is_sent_without_being_asked_by_a_person(self, docked, hostmgr):
        async def scanned() -> bool:
            return any(f"{IMAGE}:latest" in image.names and image.scanned for image in await images(hostmgr))

        await come_true(scanned)


class TestCommands:
    async def test_scan_now_reads_every_image(self, docked, hostmgr, docker_host):
        import_image(docker_host, "hullguard-test/other", {"etc/os-release": b'ID=debian\nVERSION_ID="12"\n'})
        done = await outcome(hostmgr, await give(hostmgr, docked, CommandKind.SCAN_NOW))
        assert done.state is CommandState.DONE, done.result
        assert done.result["images"] >= 2
        assert done.result["failed"] == 0
        docker(docker_host, "rmi", "hullguard-test/other")

    async def test_scan_now_of_one_image_by_its_short_name(self, docked, hostmgr):
        done = await outcome(hostmgr, await give(hostmgr, docked, CommandKind.SCAN_NOW, image=IMAGE))
        assert (done.state, done.result["images"]) == (CommandState.DONE, 1)

    async def test_an_image_that_is_not_here_is_a_failure_with_its_name(self, docked, hostmgr):
        done = await outcome(hostmgr, await give(hostmgr, docked, CommandKind.SCAN_NOW, image="nginx:9"))
        assert (done.state, done.result["code"]) == (CommandState.FAILED, "scan.no-image")
        assert "nginx:9" in done.result["message"]

    async def test_detect_now_says_what_is_watched(self, docked, hostmgr):
        done = await outcome(hostmgr, await give(hostmgr, docked, CommandKind.DETECT_NOW))
        assert (done.state, done.result["sensor"]) == (CommandState.DONE, "active")

    async def test_update_policy_answers_with_the_hash_in_force(self, docked, hostmgr):
        done = await outcome(hostmgr, await give(hostmgr, docked, CommandKind.UPDATE_POLICY))
        async with hostmgr.storage.reading(SCOPE) as tx:
            wanted = await Policies(tx).for_node(docked.node)
        assert (done.state, done.result["hash"]) == (CommandState.DONE, wanted.hash)

    async def test_an_update_to_a_bundle_that_does_not_exist_fails(self, docked, hostmgr):
        done = await outcome(hostmgr, await give(hostmgr, docked, CommandKind.UPDATE_AGENT, sha256="0" * 64))
        assert done.state is CommandState.FAILED
        assert not list(docked.state.versions.iterdir())

    async def test_parameters_of_the_wrong_kind_fail(self, docked, hostmgr):
        done = await outcome(hostmgr, await give(hostmgr, docked, CommandKind.UPDATE_AGENT, sha256="../../etc"))
        assert (done.state, done.result["code"]) == (CommandState.FAILED, "command.parameter")

    async def test_a_command_that_runs_when_the_agent_dies_is_reported_failed(self, live_agent, hostmgr):
        # Without a runtime, detect_now waits for one: long enough to die in.
        live_agent.start()
        await live_agent.connected()
        command = await give(hostmgr, live_agent, CommandKind.DETECT_NOW)

        async def under_way() -> bool:
            async with hostmgr.storage.reading(SCOPE) as tx:
                return (await Commands(tx).get(command)).state is CommandState.RUNNING

        await come_true(under_way)
        await live_agent.die()
        live_agent.start()
        done = await outcome(hostmgr, command)
        assert (done.state, done.result["code"]) == (CommandState.FAILED, "agent.restarted")

    async def test_a_command_past_its_deadline_fails(self, live_agent, hostmgr):
        live_agent.start()
        await live_agent.connected()
        command = await give(hostmgr, live_agent, CommandKind.DETECT_NOW, seconds=6)
        done = await outcome(hostmgr, command)
        assert done.state is CommandState.FAILED
        assert done.result["code"] == "command.deadline"


class TestResponses:
    @pytest.fixture
    def container(self, docker_host: str) -> Iterator[str]:
        made = said(docker_host, "run", "-d", "--network", "none", IMAGE, "/bin/sleep", "600")
        yield made
        docker(docker_host, "rm", "-f", made)

    async def kept(self, hostmgr: Hostmgr, container: str) -> PlacedContainer | None:
        async with hostmgr.storage.reading(SCOPE) as tx:
            found = await Containers(tx).page(ContainerFilter(), PageRequest())
        return next((each for each in found.items if each.id == container), None)

    async def test_a_person_pauses_a_container_and_lets_it_go_on(self, docked, hostmgr, docker_host, container):
        async def is_held() -> bool:
            found = await self.kept(hostmgr, container)
            return found is not None and (found.state, found.held) == ("paused", (Action.PAUSE,))

        await outcome(hostmgr, await give(hostmgr, docked, CommandKind.PAUSE_CONTAINER, container=container))
        await come_true(is_held)
        done = await outcome(hostmgr, await give(hostmgr, docked, CommandKind.UNPAUSE_CONTAINER, container=container))
        assert done.state is CommandState.DONE
        assert said(docker_host, "inspect", "-f", "{{.State.Status}}", container) == "running"

    async def test_an_isolation_is_shown_though_the_runtime_does_not_know_it(self, docked, hostmgr, container):
        done = await outcome(hostmgr, await give(hostmgr, docked, CommandKind.ISOLATE_CONTAINER, container=container))
        assert done.state is CommandState.DONE, done.result

        async def is_held() -> bool:
            found = await self.kept(hostmgr, container)
            return found is not None and found.held == (Action.ISOLATE,) and "reconnect_container" in found.actions

        await come_true(is_held)
        await outcome(hostmgr, await give(hostmgr, docked, CommandKind.RECONNECT_CONTAINER, container=container))

        async def is_free() -> bool:
            found = await self.kept(hostmgr, container)
            return found is not None and found.held == ()

        await come_true(is_free)

    async def test_a_refusal_has_its_code(self, docked, hostmgr, docker_host):
        made = said(docker_host, "run", "-d", "--network", "host", IMAGE, "/bin/sleep", "600")
        done = await outcome(hostmgr, await give(hostmgr, docked, CommandKind.ISOLATE_CONTAINER, container=made))
        assert (done.state, done.result["code"]) == (CommandState.FAILED, "isolation.host-network")
        docker(docker_host, "rm", "-f", made)

    async def test_a_policy_pauses_the_container_of_an_incident(self, docked, hostmgr, docker_host, container):
        async with hostmgr.storage.transaction(SCOPE) as tx:
            (policy,) = (await Policies(tx).page(PageRequest())).items
            shells = {**policy.spec.detectors, SHELL: DetectorSettings(action=Action.PAUSE)}
            spec = msgspec.structs.replace(policy.spec, detectors=shells)
            await Policies(tx).update(policy.id, spec, "user:admin", expected_version=policy.version)
            wanted = await Policies(tx).for_node(docked.node)
        await hostmgr.cache.publish(f"node:{docked.node}", b"policy")
        await docked.until(lambda status: status.heartbeat.applied and status.heartbeat.applied.hash == wanted.hash)

        seen = shell_event(1)
        docked.sensor.see(msgspec.structs.replace(seen, container=ContainerRef(container, "web")))
        found: list[Command] = []

        async def told() -> bool:
            async with hostmgr.storage.reading(SCOPE) as tx:
                found[:] = (await Commands(tx).page(CommandFilter(container=container), PageRequest())).items
            return bool(found)

        await come_true(told)
        assert said(docker_host, "inspect", "-f", "{{.State.Status}}", container) == "paused"
        (command,) = found
        assert (command.kind, command.state) == (CommandKind.PAUSE_CONTAINER, CommandState.DONE)
        assert command.created_by == f"policy:{policy.id}"
        async with hostmgr.storage.reading(SCOPE) as tx:
            incident = await Incidents(tx).get(command.incident or "")
        assert (incident.rule, incident.action, incident.container.id) == (SHELL, Action.PAUSE, container)


class TestDenial:
    async def test_what_a_policy_denies_is_refused_and_becomes_an_incident(self, docked, hostmgr, docker_host):
        try:
            Group().close()
        except OSError as why:
            pytest.skip(f"this machine has no permission events: {why}")
        async with hostmgr.storage.transaction(SCOPE) as tx:
            (policy,) = (await Policies(tx).page(PageRequest())).items
            deny = DetectorSettings(action=Action.DENY, parameters={"exempt_programs": ["/sbin/none"]})
            spec = msgspec.structs.replace(policy.spec, detectors={**policy.spec.detectors, READ: deny})
            await Policies(tx).update(policy.id, spec, "user:admin", expected_version=policy.version)
        await hostmgr.cache.publish(f"node:{docked.node}", b"policy")
        made = said(docker_host, "run", "-d", "--network", "none", IMAGE, "/bin/sleep", "600")
        found: list[Incident] = []

        async def refused() -> bool:
            # A container is open until the agent has seen its start and the policy.
            words = ("docker", "-H", docker_host, "exec", made, "/bin/cat", "/etc/shadow")
            tried = await asyncio.create_subprocess_exec(
                *words, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
            )
            out, _ = await tried.communicate()
            return not out

        async def told() -> bool:
            async with hostmgr.storage.reading(SCOPE) as tx:
                found[:] = (await Incidents(tx).page(IncidentFilter(container=made), PageRequest())).items
            return bool(found)

        await come_true(refused)
        await come_true(told)
        assert {(each.rule, each.action, each.stopped) for each in found} == {(READ, Action.DENY, True)}
        assert found[0].details["path"] == "/etc/shadow"
        assert found[0].image is not None
        assert found[0].image.name == f"{IMAGE}:latest"
        docker(docker_host, "rm", "-f", made)


class TestRecovery:
    async def test_a_daemon_that_comes_later_is_found(
        self, live_agent: LiveAgent, hostmgr, tmp_path: Path, docker_host
    ):
        socket = tmp_path / "docker.sock"
        live_agent.start(docker_host=f"unix://{socket}")
        status = await live_agent.connected()
        assert not status.heartbeat.runtime_reachable
        socket.symlink_to(docker_host.removeprefix("unix://"))
        await live_agent.until(lambda status: status.heartbeat.runtime_reachable)
        socket.unlink()
