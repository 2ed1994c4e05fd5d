"""What is done to real containers, that it has its effect, and that it can be undone."""

import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.support.agents import come_true
from tests.support.docker import IMAGE, docker, docker_host, inspect, said
from tests.support.network import Wire, loops, main_pid, reaches, wired

from hullguard.agent.respond.processes import held, started_at
from hullguard.agent.respond.responses import Responses
from hullguard.agent.runtime.docker import Docker
from hullguard.agent.runtime.watch import Seen
from hullguard.agent.state import StateDir
from hullguard.model.command import CommandKind
from hullguard.model.errors import Conflict, Invalid, NotFound
from hullguard.model.policy import Action

__all__ = ["docker_host"]

pytestmark = pytest.mark.docker


@pytest.fixture
def container(docker_host: str) -> Iterator[str]:
    made = said(
        docker_host, "run", "-d", "--network", "none", IMAGE, "/bin/sh", "-c", "trap exit TERM; sleep 600 & wait"
    )
    yield made
    docker(docker_host, "rm", "-f", made, check=False)


class Desk:
    """The responses of an agent on this daemon."""

    def __init__(self, directory: Path, docker_host: str) -> None:
        self.directory, self.host = directory, docker_host
        self.docker = Docker(docker_host)
        self.changes = 0
        self.seen = Seen(None)
        self.responses = Responses(StateDir(directory), self.docker, lambda: self.seen, self._changed)

    def _changed(self) -> None:
        self.changes += 1

    async def look(self) -> None:
        self.seen = Seen("docker", tuple(await self.docker.containers({})))

    async def act(self, kind: CommandKind, container: str, **parameters: int | str) -> dict[str, str | int]:
        await self.look()
        return await self.responses.carry_out(kind, {"container": container, **parameters})

    async def keep(self) -> None:
        await self.look()
        await self.responses._keep(self.seen.containers)

    def again(self) -> "Desk":
        """Another life of the agent, after a crash or not."""
        return Desk(self.directory, self.host)

    async def held(self, container: str) -> tuple[Action, ...]:
        await self.look()
        (found,) = [each for each in self.responses.marked(self.seen.containers) if each.id == container]
        return found.held

    def state(self, container: str) -> str:
        return said(self.host, "inspect", "-f", "{{.State.Status}}", container)


@pytest.fixture
async def desk(tmp_path: Path, docker_host: str) -> AsyncIterator[Desk]:
    made = Desk(tmp_path, docker_host)
    yield made
    made.responses.close()


class TestPause:
    async def test_a_paused_container_does_nothing_until_it_is_let(self, desk: Desk, container: str):
        result = await desk.act(CommandKind.PAUSE_CONTAINER, container)
        assert desk.state(container) == "paused"
        assert result["container"] == str(inspect(desk.host, container)["Name"]).removeprefix("/")
        assert await desk.held(container) == (Action.PAUSE,)
        assert (await desk.act(CommandKind.PAUSE_CONTAINER, container))["already"] == 1

        await desk.again().act(CommandKind.UNPAUSE_CONTAINER, container)
        assert desk.state(container) == "running"
        assert await desk.again().held(container) == ()
        assert desk.changes == 2

    async def test_what_is_not_paused_cannot_go_on(self, desk: Desk, container: str):
        with pytest.raises(Conflict, match="is not paused: it is running"):
            await desk.act(CommandKind.UNPAUSE_CONTAINER, container)

    async def test_a_container_that_does_not_run_cannot_be_paused(self, desk: Desk, container: str):
        docker(desk.host, "stop", "-t", "1", container)
        with pytest.raises(Conflict, match="is not running: it is exited"):
            await desk.act(CommandKind.PAUSE_CONTAINER, container)
        assert await desk.held(container) == ()


class TestStop:
    async def test_a_stopped_container_is_started_again_by_the_next_agent(self, desk: Desk, container: str):
        await desk.act(CommandKind.STOP_CONTAINER, container, grace_seconds=5)
        assert desk.state(container) == "exited"
        assert await desk.held(container) == (Action.STOP,)

        await desk.again().act(CommandKind.START_CONTAINER, container)
        assert desk.state(container) == "running"

    async def test_a_paused_one_is_stopped_too(self, desk: Desk, container: str):
        await desk.act(CommandKind.PAUSE_CONTAINER, container)
        await desk.act(CommandKind.STOP_CONTAINER, container, grace_seconds=1)
        assert desk.state(container) == "exited"
        assert await desk.held(container) == (Action.STOP,)

    async def test_what_somebody_else_stopped_is_not_started(self, desk: Desk, container: str):
        docker(desk.host, "stop", "-t", "1", container)
        assert (await desk.act(CommandKind.STOP_CONTAINER, container))["already"] == 1
        with pytest.raises(Conflict, match="was not stopped by Hullguard"):
            await desk.act(CommandKind.START_CONTAINER, container)

    @pytest.mark.parametrize("grace", [-1, 301, "ten"])
    async def test_a_grace_out_of_bounds_is_refused(self, desk: Desk, container: str, grace: int | str):
        with pytest.raises(Invalid, match="grace_seconds"):
            await desk.act(CommandKind.STOP_CONTAINER, container, grace_seconds=grace)


class TestKill:
    def process(self, desk: Desk, container: str) -> tuple[int, datetime]:
        docker(desk.host, "exec", "-d", container, "/bin/sleep", "500")
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            for line in said(desk.host, "top", container, "-eo", "pid,args").splitlines()[1:]:
                pid, _, words = line.strip().partition(" ")
                if words.strip() == "/bin/sleep 500":
                    with held(int(pid), container) as directory:
                        return int(pid), started_at(directory)
        raise AssertionError("the process did not begin")

    async def test_one_process_ends_and_the_container_goes_on(self, desk: Desk, container: str):
        pid, started = self.process(desk, container)
        result = await desk.act(CommandKind.KILL_PROCESS, container, pid=pid, started=started.isoformat())
        assert result["pid"] == pid

        async def ended() -> bool:
            return "sleep 500" not in said(desk.host, "top", container, "-eo", "pid,args")

        await come_true(ended)
        assert desk.state(container) == "running"

    async def test_another_process_with_that_number_is_left_alone(self, desk: Desk, container: str):
        pid, started = self.process(desk, container)
        earlier = (started - timedelta(minutes=1)).isoformat()
        with pytest.raises(NotFound, match=f"no process {pid}"):
            await desk.act(CommandKind.KILL_PROCESS, container, pid=pid, started=earlier)
        assert "sleep 500" in said(desk.host, "top", container, "-eo", "pid,args")

    async def test_a_process_outside_of_the_container_is_left_alone(self, desk: Desk, container: str):
        bystander = subprocess.Popen(["sleep", "500"])
        now = datetime.now(UTC).isoformat()
        try:
            with pytest.raises(NotFound):
                await desk.act(CommandKind.KILL_PROCESS, container, pid=bystander.pid, started=now)
            assert bystander.poll() is None
        finally:
            bystander.kill()
            bystander.wait()

    @pytest.mark.parametrize("parameters", [{}, {"pid": 1}, {"pid": "1", "started": "yesterday"}, {"pid": True}])
    async def test_a_process_must_be_named(self, desk: Desk, container: str, parameters):
        with pytest.raises(Invalid, match="must name a process"):
            await desk.act(CommandKind.KILL_PROCESS, container, **parameters)


class TestIsolate:
    @pytest.fixture
    def wire(self, desk: Desk, container: str) -> Iterator[Wire]:
        with wired(desk.host, container) as wire:
            yield wire

    async def test_only_the_container_itself_can_be_reached(self, desk: Desk, container: str, wire: Wire):
        assert reaches(desk.host, container, wire)
        result = await desk.act(CommandKind.ISOLATE_CONTAINER, container)
        assert result["devices"] == 1
        assert not reaches(desk.host, container, wire)
        assert loops(desk.host, container)
        assert await desk.held(container) == (Action.ISOLATE,)

        await desk.act(CommandKind.RECONNECT_CONTAINER, container)
        assert reaches(desk.host, container, wire)
        assert await desk.held(container) == ()

    async def test_the_next_agent_keeps_it_and_can_undo_it(self, desk: Desk, container: str, wire: Wire):
        await desk.act(CommandKind.ISOLATE_CONTAINER, container)
        desk.responses.close()
        later = desk.again()
        await later.keep()
        assert not reaches(desk.host, container, wire)
        assert await later.held(container) == (Action.ISOLATE,)
        await later.act(CommandKind.RECONNECT_CONTAINER, container)
        assert reaches(desk.host, container, wire)

    async def test_packets_made_by_hand_do_not_pass_either(self, desk: Desk, container: str, wire: Wire):
        # ARP is no business of the IP chains; arping speaks through a packet socket.
        probe = f"/bin/busybox arping -c 2 -w 3 -I eth0 {wire.address}"
        assert docker(desk.host, "exec", container, "/bin/sh", "-c", probe, check=False).returncode == 0
        result = await desk.act(CommandKind.ISOLATE_CONTAINER, container)
        assert "warning" not in result
        assert docker(desk.host, "exec", container, "/bin/sh", "-c", probe, check=False).returncode != 0

    async def test_a_container_that_is_started_again_is_cut_off_again(self, desk: Desk, container: str, wire: Wire):
        await desk.act(CommandKind.ISOLATE_CONTAINER, container)
        docker(desk.host, "restart", "-t", "1", container)
        with wired(desk.host, container) as new:
            assert reaches(desk.host, container, new)
            await desk.keep()
            assert not reaches(desk.host, container, new)

    async def test_rules_that_others_take_away_are_put_back(self, desk: Desk, container: str, wire: Wire):
        await desk.act(CommandKind.ISOLATE_CONTAINER, container)
        desk.responses.close()  # whose owner died may be changed by anyone who administers the namespace
        pid = str(main_pid(desk.host, container))
        subprocess.run(["nsenter", "-t", pid, "-n", "nft", "flush", "ruleset"], check=True)
        assert reaches(desk.host, container, wire)
        later = desk.again()
        await later.look()
        assert await later.responses._isolation.keep(later.seen.containers) == [container]
        assert not reaches(desk.host, container, wire)
        assert await later.responses._isolation.keep(later.seen.containers) == []

    async def test_while_the_agent_lives_nobody_else_can_take_them_away(self, desk: Desk, container: str, wire: Wire):
        await desk.act(CommandKind.ISOLATE_CONTAINER, container)
        pid = str(main_pid(desk.host, container))
        subprocess.run(["nsenter", "-t", pid, "-n", "nft", "flush", "ruleset"], check=False, capture_output=True)
        assert not reaches(desk.host, container, wire)

    async def test_the_hosts_network_is_never_cut(self, desk: Desk, docker_host: str):
        made = said(docker_host, "run", "-d", "--network", "host", IMAGE, "/bin/sleep", "600")
        try:
            with pytest.raises(Conflict, match="has the host's network"):
                await desk.act(CommandKind.ISOLATE_CONTAINER, made)
            assert await desk.held(made) == ()
        finally:
            docker(docker_host, "rm", "-f", made)

    async def test_those_who_share_the_network_are_named(self, desk: Desk, container: str, wire: Wire):
        made = said(desk.host, "run", "-d", "--network", f"container:{container}", IMAGE, "/bin/sleep", "600")
        try:
            result = await desk.act(CommandKind.ISOLATE_CONTAINER, container)
            assert result["shared_with"] == str(inspect(desk.host, made)["Name"]).removeprefix("/")
        finally:
            docker(desk.host, "rm", "-f", made)

    async def test_what_is_not_isolated_cannot_be_joined_again(self, desk: Desk, container: str):
        docker(desk.host, "stop", "-t", "1", container)
        with pytest.raises(Conflict, match="is not isolated"):
            await desk.act(CommandKind.RECONNECT_CONTAINER, container)
        with pytest.raises(Conflict, match="does not run"):
            await desk.act(CommandKind.ISOLATE_CONTAINER, container)


class TestMemory:
    async def test_a_container_that_is_gone_is_forgotten(self, desk: Desk, container: str):
        await desk.act(CommandKind.PAUSE_CONTAINER, container)
        docker(desk.host, "rm", "-f", container)
        await desk.keep()
        assert desk.responses._memory.held(container) == ()
        with pytest.raises(NotFound, match="no container"):
            await desk.act(CommandKind.PAUSE_CONTAINER, container)

    @pytest.mark.parametrize("name", ["", "web", "../version", "f" * 63])
    async def test_only_a_whole_id_names_a_container(self, desk: Desk, name: str):
        with pytest.raises(NotFound, match="no container"):
            await desk.act(CommandKind.STOP_CONTAINER, name)

    async def test_a_damaged_memory_stops_nothing(self, desk: Desk, container: str):
        StateDir(desk.directory).responses.write_text("{")
        later = desk.again()
        await later.act(CommandKind.PAUSE_CONTAINER, container)
        assert await later.held(container) == (Action.PAUSE,)
