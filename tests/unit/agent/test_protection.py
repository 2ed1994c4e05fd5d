"""The sensor's thread: policies in, incidents in the spool, and what happens when something breaks."""

import asyncio
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from tests.support.agents import ScriptedSensor, come_true, shell_event

from hullguard.agent import policies
from hullguard.agent import protection as protection_module
from hullguard.agent.config import AgentConfig
from hullguard.agent.policies import Wanted
from hullguard.agent.protection import Protection
from hullguard.agent.respond import incidents
from hullguard.agent.sensor.interface import Tamper
from hullguard.agent.spool import Spool
from hullguard.agent.state import StateDir
from hullguard.detect import Engine, default_policies, floods
from hullguard.model.errors import Invalid, Unavailable
from hullguard.model.event import ContainerRef, Event, Gap
from hullguard.model.incident import Observation
from hullguard.model.node import SensorState
from hullguard.model.policy import (
    Action,
    DetectorSettings,
    NodePolicies,
    RuleSettings,
    RulesSpec,
    RuleText,
    policies_hash,
)
from hullguard.model.severity import Severity
from hullguard.wire import codec


def wanted(revision: int = 1, *, protection: bool = True, **detectors: DetectorSettings) -> Wanted:
    (policy,) = default_policies().policies
    chosen = detectors or policy.spec.detectors
    policy = msgspec.structs.replace(policy, spec=msgspec.structs.replace(policy.spec, detectors=chosen))
    return Wanted(protection, NodePolicies(revision, policies_hash([policy]), (policy,)))


class Breaking(Engine):
    def judge(self, event: Event) -> list[Observation]:
        if event.sequence == 2:
            raise ValueError("a detector's own mistake")
        return super().judge(event)


class Watch:
    def __init__(self, directory: Path, engine: type[Engine] = Engine) -> None:
        self.spool = Spool(directory / "spool.db", "boot", min_free=0)
        self.sensor = ScriptedSensor()
        self.changes = 0
        self.found: list[Observation] = []
        config = AgentConfig(state=str(directory))
        self.protection = Protection(
            engine("node-1", "boot"),
            self.spool,
            lambda: self.sensor.open(config),
            self._changed,
            self.found.append,
            describe=lambda what: incidents.tampered(what.name, what.since, "node-1", "boot", repaired=what.repaired),
        )

    def _changed(self) -> None:
        self.changes += 1

    def incidents(self) -> list[Observation]:
        found = []
        for record in self.spool.sent(0, 1000, 1 << 30) + self.spool.take(1000, 1 << 30):
            message = codec.decode_from_agent(record.payload)
            found.extend(message.observations)  # type: ignore[union-attr]
        return found


@pytest.fixture
def watch(tmp_path: Path) -> Iterator[Watch]:
    made = Watch(tmp_path)
    yield made
    made.protection.stop()
    made.spool.close()


async def until(holds) -> None:
    async def asked() -> bool:
        return bool(holds())

    await come_true(asked)


async def test_without_a_word_of_the_server_the_default_policy_holds(watch):
    watch.protection.start(None)
    watch.sensor.see(shell_event(1))
    await until(lambda: watch.spool.waiting == 1)
    assert watch.protection.applied is None
    assert watch.incidents()[0].rule == "container.terminal-shell"


async def test_an_order_for_which_nobody_waits_any_more_does_not_end_the_thread(watch):
    watch.sensor.attaching = True
    watch.protection.start(None)
    order = asyncio.create_task(watch.protection.take(wanted(1)))
    await until(lambda: watch.protection._waiting)
    order.cancel()
    await asyncio.gather(order, return_exceptions=True)
    watch.sensor.attaching = False

    await asyncio.wait_for(watch.protection.take(wanted(2)), 20)
    assert watch.protection.applied is not None
    assert watch.protection.applied.revision == 2


async def test_an_order_ends_the_wait_for_events(watch, monkeypatch):
    monkeypatch.setattr(protection_module, "POLL_MS", 3_600_000)
    watch.protection.start(None)
    await until(lambda: watch.protection.health().state is SensorState.ACTIVE)
    for revision in (1, 2, 3):
        await asyncio.wait_for(watch.protection.take(wanted(revision)), 60)

    assert watch.protection.applied is not None
    assert watch.protection.applied.revision == 3


async def test_what_a_self_test_did_is_kept_and_handed_on_with_its_mark(watch):
    handed = []
    watch.protection._mark = lambda observation: msgspec.structs.replace(observation, self_test=True)
    watch.protection._found = handed.append
    watch.protection.start(None)
    watch.sensor.see(shell_event(1))
    await until(lambda: handed)
    assert [one.self_test for one in (*handed, *watch.incidents())] == [True, True]


async def test_an_incident_is_handed_on_once_it_is_on_the_disk(watch):
    kept = []
    watch.protection._found = lambda observation: kept.append((observation.rule, watch.spool.waiting))
    watch.protection.start(None)
    watch.sensor.see(shell_event(1))
    await until(lambda: kept)
    assert kept == [("container.terminal-shell", 1)]


async def test_kept_policies_hold_from_the_start(watch):
    kept = wanted(7)
    watch.protection.start(kept)
    await until(lambda: watch.protection.applied)
    assert watch.protection.applied.hash == kept.policies.hash
    await until(lambda: watch.sensor.plans)


async def test_while_hooks_are_attached_events_are_judged_and_the_policies_are_not_in_force_yet(watch):
    watch.protection.start(wanted(1))
    await until(lambda: watch.protection.applied)
    watch.sensor.attaching = True
    taking = asyncio.create_task(watch.protection.take(wanted(2, protection=True)))
    await until(lambda: len(watch.sensor.plans) == 2)
    watch.sensor.see(shell_event(1))
    await until(lambda: watch.spool.waiting == 1)
    assert watch.protection.applied.revision == 1
    assert not taking.done()
    before = watch.changes
    watch.sensor.attaching = False
    await taking
    assert watch.protection.applied.revision == 2
    await until(lambda: watch.changes > before)


async def test_it_is_told_when_the_first_hooks_are_all_there(watch):
    watch.sensor.attaching = True
    watch.protection.start(None)
    await until(lambda: watch.sensor.plans)
    watch.sensor.see(shell_event(1))
    await until(lambda: watch.spool.waiting == 1)
    before = watch.changes
    watch.sensor.attaching = False
    await until(lambda: watch.changes > before)


async def test_who_waits_for_hooks_of_a_sensor_that_is_lost_waits_no_longer(watch):
    watch.protection.start(wanted(1))
    await until(lambda: watch.protection.applied)
    watch.sensor.attaching = True
    taking = asyncio.create_task(watch.protection.take(wanted(2, protection=True)))
    await until(lambda: len(watch.sensor.plans) == 2)

    def fail(handler: object, timeout_ms: int) -> int:
        raise OSError(13, "hooks cannot be attached")

    watch.sensor.poll = fail
    await taking
    assert watch.protection.health().reasons[0].code == "sensor.lost"


async def test_a_rule_that_floods_is_held_back_and_what_was_held_back_is_told_at_the_end(watch, monkeypatch):
    monkeypatch.setattr(floods, "MOST", 5)
    watch.protection.start(None)
    watch.sensor.see(*(shell_event(number) for number in range(1, 10)))
    await until(lambda: watch.spool.waiting == 5 and not watch.sensor.events)
    assert [each.rule for each in watch.found] == ["container.terminal-shell"] * 5
    await asyncio.to_thread(watch.protection.stop)

    *told, limited = watch.incidents()
    assert [each.rule for each in told] == ["container.terminal-shell"] * 5
    assert limited.rule == "agent.rule-limited"
    assert (limited.details["rule"], limited.details["count"]) == ("container.terminal-shell", "4")


async def test_events_that_were_lost_become_an_incident(watch):
    watch.protection.start(None)
    moment = datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC)
    watch.sensor.see(Gap(ContainerRef("c1", "web"), None, "network", "limit", 7, moment, moment))
    await until(watch.incidents)

    (found,) = watch.incidents()
    assert (found.rule, found.details["events"], found.details["count"]) == ("sensor.coverage-gap", "network", "7")


async def test_new_policies_reach_the_kernel_before_they_are_confirmed(watch):
    watch.protection.start(None)
    await until(lambda: watch.sensor.plans)
    await watch.protection.take(wanted(3, **{"container.terminal-shell": DetectorSettings(enabled=False)}))
    assert watch.protection.applied.revision == 3
    assert len(watch.sensor.plans) == 2
    watch.sensor.see(shell_event(1))
    await until(lambda: not watch.sensor.events)
    assert watch.spool.waiting == 0


async def test_policies_with_a_false_hash_change_nothing(watch):
    watch.protection.start(wanted(1))
    await until(lambda: watch.protection.applied)
    forged = msgspec.structs.replace(wanted(2).policies, hash="0" * 64)
    await watch.protection.take(Wanted(protection=True, policies=forged))
    assert watch.protection.applied.revision == 1
    assert [reason.code for reason in watch.protection.reasons()] == ["policy.rejected"]
    await watch.protection.take(wanted(3))
    assert watch.protection.reasons() == ()


async def test_filters_that_the_kernel_refuses_leave_the_old_ones(watch):
    watch.protection.start(wanted(1))
    await until(lambda: watch.sensor.plans)

    def refuse(plan: object) -> None:
        raise Unavailable("the map is full", "sensor.map-full")

    watch.sensor.apply = refuse
    await watch.protection.take(wanted(2))
    assert watch.protection.applied.revision == 1
    assert "the map is full" in watch.protection.reasons()[0].message


async def test_rules_that_the_kernel_cannot_refuse_are_named(watch):
    rule = "- rule: r\n  desc: d\n  condition: evt.type=connect and proc.pname=sh\n  output: o\n  priority: INFO\n"
    given = wanted(2)
    (policy,) = given.policies.policies
    rules = RulesSpec(pack=False, files=[RuleText("a", rule)], settings={"r": RuleSettings(action=Action.DENY)})
    denying = msgspec.structs.replace(policy, spec=msgspec.structs.replace(policy.spec, rules=rules))
    watch.protection.start(None)
    await watch.protection.take(Wanted(True, NodePolicies(2, policies_hash([denying]), (denying,))))
    (reason,) = watch.protection.reasons()
    assert reason.code == "deny.rules-seen"
    assert "r (proc.pname = sh, " in reason.params["rules"]
    await watch.protection.take(wanted(3))
    assert watch.protection.reasons() == ()


async def test_detectors_of_a_younger_server_are_named(watch):
    watch.protection.start(None)
    await watch.protection.take(wanted(2, **{"future.detector": DetectorSettings()}))
    assert watch.protection.applied.revision == 2
    assert [reason.code for reason in watch.protection.reasons()] == ["policy.detector-unknown"]


async def test_protection_off_takes_the_sensor_down_and_on_brings_it_back(watch):
    watch.protection.start(wanted(1))
    await until(lambda: watch.sensor.plans)
    await watch.protection.take(wanted(2, protection=False))
    assert watch.sensor.closed == [True]
    assert watch.protection.health().reasons[0].code == "protection.off"
    assert not watch.protection.on
    await watch.protection.take(wanted(3))
    await until(lambda: watch.protection.health().state is SensorState.ACTIVE)
    assert watch.sensor.opened == 2


async def test_a_missing_sensor_is_found_by_a_check_when_it_comes(watch):
    watch.sensor.missing = "no object"
    watch.protection.start(None)
    await until(lambda: watch.changes)
    assert (await watch.protection.check()).reasons[0].code == "sensor.no-object"
    watch.sensor.missing = None
    assert (await watch.protection.check()).state is SensorState.ACTIVE


async def test_an_event_that_breaks_a_detector_does_not_blind_the_node(tmp_path):
    watch = Watch(tmp_path, Breaking)
    watch.protection.start(None)
    watch.sensor.see(*(shell_event(number) for number in (1, 2, 3)))
    await until(lambda: watch.spool.waiting == 2)
    assert watch.protection.reasons()[0].params == {"events": 1}
    await asyncio.to_thread(watch.protection.stop)
    assert watch.sensor.closed == [False]
    watch.spool.close()


async def test_a_sensor_that_fails_is_closed_and_said(watch):
    watch.protection.start(None)
    await until(lambda: watch.sensor.plans)

    def fail(handler: object, timeout_ms: int) -> int:
        raise OSError(5, "the ring is gone")

    watch.sensor.poll = fail
    await until(lambda: watch.protection.health().state is SensorState.OFF)
    assert watch.protection.health().reasons[0].code == "sensor.lost"
    assert watch.sensor.closed == [False]


class TestPoliciesOnDisk:
    def test_what_was_saved_is_loaded(self, tmp_path):
        state = StateDir(tmp_path)
        assert policies.load(state) is None
        policies.save(state, wanted(5, protection=False))
        assert policies.load(state) == wanted(5, protection=False)

    @pytest.mark.parametrize("content", [b"", b"\xc1", b"\x80", b"x" * 100])
    def test_what_is_damaged_is_not_used(self, tmp_path, content):
        state = StateDir(tmp_path)
        state.policies.write_bytes(content)
        assert policies.load(state) is None

    def test_parameters_that_no_detector_takes_are_refused(self):
        bad = wanted(1, **{"container.terminal-shell": DetectorSettings(parameters={"shells": 5})})
        with pytest.raises(Invalid):
            policies.accept(bad)


class TestASensorThatFailsAndComesBack:
    async def test_what_the_kernel_kept_meanwhile_is_told_when_it_is_back(self, watch):
        watch.protection.start(None)
        await until(lambda: watch.sensor.plans)
        poll = watch.sensor.poll

        def fail(handler: object, timeout_ms: int) -> int:
            raise OSError(5, "the ring is gone")

        watch.sensor.poll = fail
        await until(lambda: watch.protection.health().state is SensorState.OFF)
        watch.sensor.see(shell_event(1), shell_event(2))
        watch.sensor.poll = poll

        assert (await watch.protection.check()).state is SensorState.ACTIVE
        await until(lambda: watch.spool.waiting == 2)
        assert watch.sensor.closed == [False], "the kernel's part was left collecting"
        assert len(watch.sensor.plans) == 2, "the policies are put in place anew"

    @pytest.mark.parametrize("error", [OSError(28, "no space left"), Unavailable("no object"), Invalid("odd")])
    async def test_one_that_cannot_be_opened_is_a_reason_and_not_the_end(self, watch, error):
        opened = watch.sensor.open

        def refuse(config: object) -> None:
            raise error

        watch.sensor.open = refuse
        watch.protection.start(wanted(1))
        await until(lambda: watch.protection.applied)
        health = await watch.protection.check()
        assert health.state is SensorState.OFF
        assert str(error) in health.reasons[0].message
        watch.sensor.open = opened
        assert (await watch.protection.check()).state is SensorState.ACTIVE

    async def test_one_that_opens_and_takes_no_filters_is_closed_again(self, watch):
        def refuse(plan: object) -> None:
            raise OSError(7, "Argument list too long")

        watch.sensor.apply = refuse
        watch.protection.start(None)
        await until(lambda: watch.protection.health().reasons[0].code == "sensor.unavailable")
        health = watch.protection.health()
        assert watch.sensor.closed == [False]
        assert "Argument list too long" in health.reasons[0].message
        del watch.sensor.apply
        assert (await watch.protection.check()).state is SensorState.ACTIVE

    async def test_filters_that_fail_in_the_kernel_leave_the_old_policies(self, watch):
        watch.protection.start(wanted(1))
        await until(lambda: watch.sensor.plans and watch.protection.applied)

        def refuse(plan: object) -> None:
            raise OSError(12, "Cannot allocate memory")

        watch.sensor.apply = refuse
        await watch.protection.take(wanted(2, protection=True))
        assert watch.protection.applied.revision == 1
        assert "Cannot allocate memory" in watch.protection.reasons()[0].message

    async def test_an_incident_that_the_spool_cannot_take_comes_again_when_it_can(self, watch, monkeypatch):
        put = protection_module.put_observation

        def broken(spool: Spool, observation: Observation) -> bool:
            raise sqlite3.DatabaseError("database disk image is malformed")

        monkeypatch.setattr(protection_module, "put_observation", broken)
        watch.protection.start(None)
        watch.sensor.see(shell_event(1))
        await until(lambda: watch.sensor.closed)
        await until(lambda: watch.protection.health().reasons[0].code == "sensor.lost")
        monkeypatch.setattr(protection_module, "put_observation", put)
        await watch.protection.check()
        await until(lambda: watch.spool.waiting == 1)
        assert [each.rule for each in watch.incidents()] == ["container.terminal-shell"]

    async def test_policies_that_came_while_it_was_gone_are_the_ones_it_starts_with(self, watch):
        watch.sensor.missing = "no object"
        watch.protection.start(wanted(1))
        await until(lambda: watch.changes)
        off = {"container.terminal-shell": DetectorSettings(enabled=False)}
        await watch.protection.take(wanted(2, **off))
        watch.sensor.missing = None
        await watch.protection.check()
        watch.sensor.see(shell_event(1))
        await until(lambda: not watch.sensor.events)
        assert watch.protection.applied.revision == 2
        assert watch.spool.waiting == 0

    async def test_a_node_that_is_not_to_be_protected_does_not_open_one(self, watch):
        watch.protection.start(wanted(1, protection=False))
        await until(lambda: watch.protection.applied)
        health = await watch.protection.check()
        assert health.reasons[0].code == "protection.off"
        assert watch.sensor.opened == 0

    async def test_an_end_on_purpose_tells_what_happened_until_then_and_unloads(self, watch):
        watch.protection.start(None)
        await until(lambda: watch.sensor.plans)
        watch.sensor.events.append(shell_event(9))
        await asyncio.to_thread(watch.protection.stop, unpin=True)
        assert watch.spool.waiting == 1
        assert watch.sensor.closed == [True]


async def test_what_somebody_changed_of_the_sensor_is_an_incident_and_a_reason(watch, monkeypatch):
    monkeypatch.setattr(protection_module, "TAMPER_SECONDS", 0.0)
    since = datetime(2026, 1, 1, tzinfo=UTC)
    watch.protection.start(None)
    watch.sensor.changed = (Tamper("map slots", True, since), Tamper("hook exec", False, since))
    await until(lambda: len(watch.incidents()) == 2)
    first, second = watch.incidents()
    assert (first.rule, first.severity, first.technique) == ("agent.tampered", Severity.HIGH, "T1562.001")
    assert first.details == {"name": "map slots", "since": "2026-01-01T00:00:00+00:00", "repaired": "yes"}
    assert second.details["repaired"] == "no"
    assert [reason.code for reason in watch.protection.reasons()] == ["agent.tampered"]


async def test_a_sensor_that_was_taken_down_is_started_anew_at_once(watch, monkeypatch):
    monkeypatch.setattr(protection_module, "TAMPER_SECONDS", 0.0)
    watch.protection.start(None)
    await until(lambda: watch.sensor.opened == 1)
    watch.sensor.taken_down = True
    await until(lambda: watch.sensor.opened == 2)
    await until(lambda: [each.details["name"] for each in watch.incidents()] == ["sensor"])
    assert watch.incidents()[0].details["repaired"] == "yes"
    assert watch.sensor.closed == [False]
