"""The agent against a real hostmgr: what it owes arrives once, whoever dies."""

import asyncio

import msgspec
import pytest
from tests.support.agents import LiveAgent, come_true, live_agent, shell_event
from tests.support.fleet import SCOPE, Hostmgr, hostmgr

from hullguard.agent import identity
from hullguard.agent.enrol import enrol
from hullguard.agent.state import StateDir
from hullguard.detect import default_policy
from hullguard.model.errors import Conflict, Denied, Invalid, NotFound, Unauthenticated, Unavailable
from hullguard.model.node import Node, SensorState
from hullguard.storage import PageRequest
from hullguard.storage.stores import IncidentFilter, Incidents, Nodes, Policies
from hullguard.wire.enrolment import parse_token

__all__ = ["hostmgr", "live_agent"]


async def count(hostmgr: Hostmgr) -> int:
    """How many observations there are, of whatever incidents they were made."""
    async with hostmgr.storage.reading(SCOPE) as tx:
        found = await Incidents(tx).page(IncidentFilter(), PageRequest(limit=100))
    assert found.total == len(found.items)
    return sum(each.observations for each in found.items)


async def node(hostmgr: Hostmgr, agent: LiveAgent) -> Node:
    async with hostmgr.storage.reading(SCOPE) as tx:
        return await Nodes(tx).get(agent.node)


async def stored(hostmgr: Hostmgr, wanted: int) -> None:
    async def enough() -> bool:
        return await count(hostmgr) >= wanted

    await come_true(enough)
    assert await count(hostmgr) == wanted


async def make_policy(hostmgr: Hostmgr, agent: LiveAgent) -> str:
    """Another policy for every node; the hash that the agent must confirm."""
    async with hostmgr.storage.transaction(SCOPE) as tx:
        await Policies(tx).create(msgspec.structs.replace(default_policy(), name="second"), "user:admin")
        wanted = await Policies(tx).for_node(agent.node)
    await hostmgr.cache.publish(f"node:{agent.node}", b"policy")
    return wanted.hash


class TestReporting:
    async def test_an_enrolled_agent_connects_and_reports_itself(self, live_agent: LiveAgent, hostmgr: Hostmgr):
        live_agent.start()
        await live_agent.connected()

        async def reported() -> bool:
            seen = await node(hostmgr, live_agent)
            return seen.online and seen.sensor is not None and seen.sensor.state is SensorState.ACTIVE

        await come_true(reported)

    async def test_an_incident_reaches_the_database_and_leaves_the_spool(self, live_agent, hostmgr):
        live_agent.start()
        await live_agent.connected()
        live_agent.sensor.see(shell_event(1), shell_event(2))
        await stored(hostmgr, 2)
        live_agent.sensor.see(shell_event(3))
        await stored(hostmgr, 3)
        await live_agent.stop()
        # The next welcome says what is stored, whether or not the last acknowledgement came.
        live_agent.start()
        await live_agent.connected()
        await live_agent.stop()
        assert live_agent.status().heartbeat.spool_records == 0

    async def test_an_absent_sensor_is_a_reason_and_not_the_end(self, live_agent, hostmgr):
        live_agent.sensor.missing = "The sensor's BPF object is missing."
        live_agent.start()
        await live_agent.connected()

        async def degraded() -> bool:
            seen = await node(hostmgr, live_agent)
            return {"sensor.no-object", "runtime.unreachable"} <= {reason.code for reason in seen.reasons}

        await come_true(degraded)


class TestNothingLostNothingTwice:
    async def test_incidents_seen_while_the_server_is_down_arrive_when_it_is_back(self, live_agent, hostmgr):
        live_agent.start()
        await live_agent.connected()
        await hostmgr.kill()
        live_agent.sensor.see(*(shell_event(number) for number in range(1, 101)))
        await live_agent.until(lambda status: status.line.state == "waiting")
        await hostmgr.start()
        await stored(hostmgr, 100)

    async def test_an_agent_that_dies_delivers_after_its_return(self, live_agent, hostmgr):
        live_agent.start()
        await live_agent.connected()
        await hostmgr.kill()
        live_agent.sensor.see(*(shell_event(number) for number in range(1, 51)))
        await asyncio.to_thread(lambda: _drained(live_agent))
        await live_agent.die()
        # What the kernel shows again after the death is the same incident, not another one.
        live_agent.sensor.see(*(shell_event(number) for number in range(40, 61)))
        await hostmgr.start()
        live_agent.start()
        await stored(hostmgr, 60)

    async def test_deaths_on_both_sides_in_the_middle_of_a_flood(self, live_agent, hostmgr):
        live_agent.start()
        await live_agent.connected()
        for round_ in range(4):
            live_agent.sensor.see(*(shell_event(1 + 100 * round_ + number) for number in range(100)))
            if round_ % 2:
                await live_agent.die()
                live_agent.start()
            else:
                await hostmgr.kill()
                await hostmgr.start()
        await stored(hostmgr, 400)


def _drained(agent: LiveAgent) -> None:
    import time

    while agent.sensor.events:
        time.sleep(0.01)


class TestPolicies:
    async def test_the_agent_confirms_what_it_received(self, live_agent, hostmgr):
        live_agent.start()
        await live_agent.connected()
        wanted = await make_policy(hostmgr, live_agent)

        async def confirmed() -> bool:
            seen = await node(hostmgr, live_agent)
            return seen.applied is not None and seen.applied.hash == wanted and not seen.drift

        await come_true(confirmed)

    async def test_a_restarted_agent_enforces_before_it_connects(self, live_agent, hostmgr):
        live_agent.start()
        await live_agent.connected()
        wanted = await make_policy(hostmgr, live_agent)
        await live_agent.until(lambda status: status.heartbeat.applied and status.heartbeat.applied.hash == wanted)
        await live_agent.stop()
        await hostmgr.stop()
        live_agent.sensor.plans.clear()
        live_agent.start()
        status = await live_agent.until(
            lambda status: status.line.state == "waiting" and status.heartbeat.applied and live_agent.sensor.plans
        )
        assert status.heartbeat.applied.hash == wanted

    async def test_without_protection_the_sensor_is_taken_down(self, live_agent, hostmgr):
        live_agent.start()
        await live_agent.connected()
        await make_policy(hostmgr, live_agent)
        await live_agent.until(lambda status: status.heartbeat.applied)
        await protect(hostmgr, live_agent, on=False)
        status = await live_agent.until(lambda status: not status.protection)
        assert status.heartbeat.sensor.state is SensorState.OFF
        assert live_agent.sensor.closed == [True]
        live_agent.sensor.see(shell_event(1))
        await protect(hostmgr, live_agent, on=True)
        await live_agent.until(lambda status: status.protection and status.heartbeat.sensor.state == "active")


async def protect(hostmgr: Hostmgr, agent: LiveAgent, *, on: bool) -> None:
    async with hostmgr.storage.transaction(SCOPE) as tx:
        await Nodes(tx).protect(agent.node, on=on)
    await hostmgr.cache.publish(f"node:{agent.node}", b"policy")


class TestDismissal:
    async def test_a_removed_node_stops_and_stays_stopped(self, live_agent, hostmgr):
        live_agent.start()
        await live_agent.connected()
        async with hostmgr.storage.transaction(SCOPE) as tx:
            await Nodes(tx).remove(live_agent.node)
        await hostmgr.cache.publish(f"node:{live_agent.node}", b"policy")
        task, live_agent.task = live_agent.task, None
        with pytest.raises(Denied, match="dismissed"):
            await asyncio.wait_for(task, 60)
        assert live_agent.sensor.closed == [True]
        assert live_agent.status().line.state == "dismissed"
        live_agent.start()
        task, live_agent.task = live_agent.task, None
        with pytest.raises(Denied, match="enrol this host with a new token"):
            await asyncio.wait_for(task, 60)
        await live_agent.enrol()
        live_agent.start()
        await live_agent.connected()


class TestCertificate:
    async def test_a_renewed_certificate_is_used_at_once(self, live_agent, hostmgr):
        live_agent.start()
        await live_agent.connected()
        before = live_agent.state.identity.read_bytes()
        member = identity.load(live_agent.state)
        # Two thirds of its life have passed.
        aged = member.__class__(member.node, member.server, member.release_key, member.issued, member.issued)
        await live_agent.stop()
        identity.write_json(live_agent.state.membership, aged)
        live_agent.start()
        await come_true(lambda: _changed(live_agent, before))
        await live_agent.until(lambda status: status.line.state != "connected")
        await live_agent.connected()
        assert identity.load(live_agent.state).expires > member.issued
        assert live_agent.state.identity.stat().st_mode & 0o777 == 0o600


async def _changed(agent: LiveAgent, before: bytes) -> bool:
    return agent.state.identity.read_bytes() != before


class TestEnrolment:
    async def test_the_state_is_for_root_alone(self, live_agent):
        assert live_agent.state.root.stat().st_mode & 0o777 == 0o700
        for path in (live_agent.state.identity, live_agent.state.membership):
            assert path.stat().st_mode & 0o777 == 0o600

    async def test_a_token_is_good_once(self, hostmgr, tmp_path):
        token = await hostmgr.token()
        url = f"wss://127.0.0.1:{hostmgr.port}"
        await enrol(url, token, tmp_path / "a")
        with pytest.raises(Unauthenticated):
            await enrol(url, token, tmp_path / "b")
        assert not StateDir(tmp_path / "b").enrolled

    async def test_a_host_is_not_enrolled_twice_by_mistake(self, live_agent, hostmgr):
        url = f"https://127.0.0.1:{hostmgr.port}/"
        with pytest.raises(Conflict, match="--again"):
            await enrol(url, await hostmgr.token(), live_agent.state.root)
        assert await enrol(url, await hostmgr.token(), live_agent.state.root, again=True) != live_agent.node

    async def test_a_server_with_another_authority_is_not_believed(self, hostmgr, tmp_path):
        token = parse_token(await hostmgr.token())._replace(pin="0" * 32)
        with pytest.raises(Unauthenticated, match="not the one this token was made for"):
            await enrol(f"wss://127.0.0.1:{hostmgr.port}", str(token), tmp_path / "a")

    async def test_what_is_no_token_is_refused_before_anything_is_asked(self, tmp_path):
        with pytest.raises(Invalid, match="hg1"):
            await enrol("wss://127.0.0.1:1", "hello", tmp_path / "a")
        assert not (tmp_path / "a").exists()

    async def test_a_server_that_is_not_there_is_named(self, hostmgr, tmp_path):
        token, port = await hostmgr.token(), hostmgr.port
        await hostmgr.stop()
        with pytest.raises(Unavailable, match=f"127.0.0.1:{port} cannot be reached"):
            await enrol(f"wss://127.0.0.1:{port}", token, tmp_path / "a")

    async def test_a_host_without_membership_does_not_run(self, live_agent):
        identity_file = live_agent.state.membership
        identity_file.unlink()
        live_agent.start()
        task, live_agent.task = live_agent.task, None
        with pytest.raises(NotFound, match="agent enrol"):
            await task

    async def test_two_agents_do_not_share_a_state(self, live_agent):
        live_agent.start()
        await live_agent.connected()
        other = LiveAgent(live_agent.state.root, live_agent.hostmgr)
        other.start()
        with pytest.raises(Conflict, match="Another agent"):
            await other.task
