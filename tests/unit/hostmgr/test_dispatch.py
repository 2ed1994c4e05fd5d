"""What is sent when, by a clock that the test holds."""

from datetime import UTC, datetime, timedelta

import pytest
from tests.support.database import clock, storage, tx
from tests.support.records import enrolled

from hullguard.hostmgr.dispatch import UNDER_WAY, Desk, Due, due
from hullguard.model.command import Command, CommandKind, CommandState
from hullguard.model.policy import AppliedPolicies, NodePolicies, Policy, PolicySpec
from hullguard.storage.stores import Commands
from hullguard.wire.messages import CommandOrder, PolicySet

__all__ = ["clock", "storage", "tx"]

NOW = datetime(2026, 1, 1, tzinfo=UTC)
POLICY = Policy("p", 1, 1, PolicySpec("default"), NOW, "user:a")
OLD, NEW = NodePolicies(1, "a" * 64, (POLICY,)), NodePolicies(2, "b" * 64, (POLICY,))
NONE = NodePolicies(3, "c" * 64, ())


def command(number: int) -> Command:
    return Command(id=f"c{number}", node="n", kind=CommandKind.SCAN_NOW, created=NOW, created_by="user:a", deadline=NOW)


@pytest.fixture
def desk() -> Desk:
    return Desk(resend_seconds=30)


class TestPolicies:
    def test_sent_once_then_again_after_a_while(self, desk):
        assert desk.pick(Due(NEW, True, ()), None, 0) == [PolicySet(NEW, True)]
        assert desk.pick(Due(NEW, True, ()), None, 29) == []
        assert desk.pick(Due(NEW, True, ()), None, 30) == [PolicySet(NEW, True)]

    def test_newer_ones_do_not_wait(self, desk):
        desk.pick(Due(OLD, True, ()), None, 0)
        assert desk.pick(Due(NEW, True, ()), None, 1) == [PolicySet(NEW, True)]

    def test_confirmed_ones_are_not_sent(self, desk):
        assert desk.pick(Due(NEW, True, ()), AppliedPolicies(2, NEW.hash), 0) == []

    def test_the_hash_counts_and_not_the_revision(self, desk):
        assert desk.pick(Due(NEW, True, ()), AppliedPolicies(1, NEW.hash), 0) == []
        assert desk.pick(Due(NEW, True, ()), AppliedPolicies(2, OLD.hash), 0) == [PolicySet(NEW, True)]

    def test_protection_is_said_even_where_there_are_no_policies_to_tell_by(self, desk):
        applied = AppliedPolicies(3, NONE.hash)
        assert desk.pick(Due(NONE, False, ()), applied, 0) == [PolicySet(NONE, False)]
        assert desk.pick(Due(NONE, False, ()), applied, 99) == []
        assert desk.pick(Due(NONE, True, ()), applied, 100) == [PolicySet(NONE, True)]
        assert desk.pick(Due(NONE, True, ()), applied, 199) == []

    def test_what_was_sent_before_and_confirmed_meanwhile_is_not_sent_again(self, desk):
        desk.pick(Due(OLD, True, ()), None, 0)
        assert desk.pick(Due(NEW, True, ()), AppliedPolicies(2, NEW.hash), 1) == []


class TestCommands:
    applied = AppliedPolicies(1, OLD.hash)

    def test_each_is_sent_once_then_again_after_a_while(self, desk):
        assert desk.pick(Due(OLD, True, (command(1),)), self.applied, 0) == [CommandOrder(command(1))]
        both = Due(OLD, True, (command(1), command(2)))
        assert desk.pick(both, self.applied, 10) == [CommandOrder(command(2))]
        assert desk.pick(both, self.applied, 31) == [CommandOrder(command(1))]
        assert desk.pick(both, self.applied, 41) == [CommandOrder(command(2))]

    def test_what_is_no_longer_wanted_is_forgotten(self, desk):
        desk.pick(Due(OLD, True, (command(1),)), self.applied, 0)
        desk.pick(Due(OLD, True, ()), self.applied, 1)
        assert desk.pick(Due(OLD, True, (command(1),)), self.applied, 2) == [CommandOrder(command(1))]


async def test_only_what_is_unacknowledged_and_in_time_is_due(tx):
    await enrolled(tx)
    commands = Commands(tx)

    async def made(seconds: float) -> str:
        deadline = tx.now + timedelta(seconds=seconds)
        return (await commands.create("node-1", CommandKind.SCAN_NOW, {}, "user:a", deadline)).id

    queued, sent, acknowledged, running, done, late = [await made(60) for _ in range(5)] + [await made(-1)]
    await commands.sent(sent)
    await commands.acknowledged(acknowledged)
    await commands.progress(running, 5, "")
    await commands.finish(done, CommandState.DONE, {})
    found = [each.id for each in (await due(tx, "node-1")).commands]
    assert found == [queued, sent]
    assert late not in found


async def test_a_flood_of_commands_waits_in_the_database(tx):
    await enrolled(tx)
    for _ in range(UNDER_WAY + 5):
        await Commands(tx).create("node-1", CommandKind.SCAN_NOW, {}, "user:a", tx.now + timedelta(hours=1))
    assert len((await due(tx, "node-1")).commands) == UNDER_WAY
