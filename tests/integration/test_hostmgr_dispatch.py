"""What people want reaches the agent: policies, commands, certificates, bundles."""

import asyncio
import hashlib
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from msgspec import structs
from tests.support.fleet import SCOPE, FakeAgent, Hostmgr, agent, hostmgr
from tests.support.records import heartbeat, observation
from tests.unit.wire.test_capabilities import HELLO

from hullguard import audit
from hullguard.hostmgr.config import HostmgrConfig
from hullguard.hostmgr.requests import RENEWALS
from hullguard.model.command import Command, CommandKind, CommandState
from hullguard.model.node import Node, NodeState
from hullguard.model.policy import AppliedPolicies, PolicySpec
from hullguard.model.profile import LearningTerms
from hullguard.storage import PageRequest
from hullguard.storage.stores import Audit, AuditFilter, Blobs, Commands, Nodes, Policies, Profiles
from hullguard.wire import capabilities, codec
from hullguard.wire.enrolment import SESSION_PATH
from hullguard.wire.messages import (
    Beat,
    BundlePart,
    BundleRequest,
    CertificateRenewed,
    CommandOrder,
    CommandUpdate,
    Hello,
    Incidents,
    PolicySet,
    Refusal,
    RenewalRequest,
    RequestRefused,
    Welcome,
)
from hullguard.wire.session import AgentSession
from hullguard.wire.violation import Code

__all__ = ["agent", "hostmgr"]


async def order(hostmgr: Hostmgr, agent: FakeAgent, *, seconds: float = 3600, wake: bool = True) -> Command:
    async with hostmgr.storage.transaction(SCOPE) as tx:
        made = await Commands(tx).create(
            agent.node, CommandKind.SCAN_NOW, {"image": "nginx"}, "user:admin", tx.now + timedelta(seconds=seconds)
        )
    if wake:
        await hostmgr.cache.publish(f"node:{agent.node}", b"commands")
    return made


async def state(hostmgr: Hostmgr, command: Command) -> Command:
    async with hostmgr.storage.reading(SCOPE) as tx:
        return await Commands(tx).get(command.id)


async def policy(hostmgr: Hostmgr, name: str) -> None:
    async with hostmgr.storage.transaction(SCOPE) as tx:
        await Policies(tx).create(PolicySpec(name=name, binding={"nodes": ["*"]}), "user:admin")  # type: ignore[arg-type]


async def quiet(agent: FakeAgent) -> None:
    """Everything that the server had to say has been said."""
    agent.note(Incidents((observation(agent.made),)))
    await agent.drain()


class TestPolicies:
    async def test_sent_on_connecting_and_on_change_until_confirmed(self, hostmgr: Hostmgr, agent: FakeAgent) -> None:
        await policy(hostmgr, "first")
        async with agent.connected():
            sent = await agent.next(PolicySet)
            assert [each.spec.name for each in sent.policies.policies] == ["first"]
            await agent.tell(Beat(heartbeat(applied=AppliedPolicies(sent.policies.revision, sent.policies.hash))))
            await policy(hostmgr, "second")
            await hostmgr.cache.publish(f"node:{agent.node}", b"policy")
            sent = await agent.next(PolicySet)
            assert {each.spec.name for each in sent.policies.policies} == {"first", "second"}
            await agent.tell(Beat(heartbeat(applied=AppliedPolicies(sent.policies.revision, sent.policies.hash))))
            await quiet(agent)
            async with hostmgr.storage.reading(SCOPE) as tx:
                assert not (await Nodes(tx).get(agent.node)).drift

    async def test_not_sent_to_an_agent_that_runs_them_already(self, hostmgr: Hostmgr, agent: FakeAgent) -> None:
        await policy(hostmgr, "only")
        async with hostmgr.storage.reading(SCOPE) as tx:
            wanted = await Policies(tx).for_node(agent.node)
        agent.got.clear()
        async with agent.connected(applied=AppliedPolicies(wanted.revision, wanted.hash)):
            await order(hostmgr, agent)
            await agent.next(CommandOrder)
            assert not any(isinstance(message, PolicySet) for message in agent.got)

    async def test_a_node_without_protection_is_told_to_run_none(self, hostmgr: Hostmgr, agent: FakeAgent) -> None:
        await policy(hostmgr, "only")
        async with agent.connected():
            assert (await agent.next(PolicySet)).policies.policies
            async with hostmgr.storage.transaction(SCOPE) as tx:
                await Nodes(tx).protect(agent.node, on=False)
            await hostmgr.cache.publish(f"node:{agent.node}", b"policy")
            assert (await agent.next(PolicySet)).policies.policies == ()


class TestOlderAgents:
    """Of before profiles: they take policies only whole, and must go on."""

    async def test_it_runs_what_it_understands_and_the_node_says_what_is_missing(
        self, hostmgr: Hostmgr, agent: FakeAgent
    ) -> None:
        await policy(hostmgr, "first")
        async with hostmgr.storage.transaction(SCOPE) as tx:
            await Profiles(tx).create("shop/web", LearningTerms(), "user:admin")
            wanted = await Policies(tx).for_node(agent.node)
        async with agent.connected():
            sent = await agent.next(PolicySet)
            assert ([each.spec.name for each in sent.policies.policies], sent.policies.profiles) == (["first"], ())
            await agent.tell(Beat(heartbeat(applied=AppliedPolicies(sent.policies.revision, sent.policies.hash))))
            await quiet(agent)
            found = await self.node(hostmgr, agent)
            assert (found.drift, found.state) == (False, NodeState.DEGRADED)
            assert [(each.code, each.params) for each in found.reasons] == [
                ("policy.profiles-unsupported", {"profiles": "shop/web"})
            ]

            # Another profile changes nothing for it, and is told without a further word of the agent's.
            async with hostmgr.storage.transaction(SCOPE) as tx:
                await Profiles(tx).create("shop/db", LearningTerms(), "user:admin")
            await hostmgr.cache.publish(f"node:{agent.node}", b"policy")
            await order(hostmgr, agent)
            await agent.next(CommandOrder)
            await quiet(agent)
            found = await self.node(hostmgr, agent)
            assert (found.drift, found.reasons[0].params) == (False, {"profiles": "shop/db, shop/web"})

        # Updated, it is sent everything, and nothing is missing any more.
        async with agent.connected(capabilities=("of-the-future", *capabilities.SAID)):
            sent = await agent.next(PolicySet)
            assert {each.repository for each in sent.policies.profiles} == {"shop/web", "shop/db"}
            assert sent.policies.hash != wanted.hash
            await agent.tell(Beat(heartbeat(applied=AppliedPolicies(sent.policies.revision, sent.policies.hash))))
            await quiet(agent)
            found = await self.node(hostmgr, agent)
            assert (found.drift, found.state, found.reasons) == (False, NodeState.PROTECTED, ())

    async def test_one_that_speaks_the_form_before_keeps_its_session(self, hostmgr: Hostmgr, agent: FakeAgent) -> None:
        async with hostmgr.storage.transaction(SCOPE) as tx:
            await Profiles(tx).create("shop/web", LearningTerms(), "user:admin")
        recorded = msgspec.msgpack.decode(HELLO) | {"node": agent.node, "applied": None}
        agent.socket = await agent.dial(SESSION_PATH)
        agent.session = AgentSession(Hello(agent.node, "boot-1", "0.1.0"))
        await agent.raw(codec.encode_frame(msgspec.msgpack.encode(recorded)))
        assert isinstance(await agent.next((Welcome, Refusal)), Welcome)
        assert (await agent.next(PolicySet)).policies.profiles == ()
        await agent.close()

    @staticmethod
    async def node(hostmgr: Hostmgr, agent: FakeAgent) -> Node:
        async with hostmgr.storage.reading(SCOPE) as tx:
            return await Nodes(tx).get(agent.node)


class TestCommands:
    async def test_from_the_queue_to_its_outcome(self, hostmgr: Hostmgr, agent: FakeAgent) -> None:
        async with agent.connected():
            made = await order(hostmgr, agent)
            received = (await agent.next(CommandOrder)).command
            assert (received.id, received.kind, received.parameters) == (made.id, made.kind, made.parameters)
            assert (await state(hostmgr, made)).state is CommandState.SENT
            for update, expected in (
                (CommandUpdate(made.id, "acknowledged"), CommandState.ACKNOWLEDGED),
                (CommandUpdate(made.id, "running", 40, "layer 2 of 5"), CommandState.RUNNING),
                (CommandUpdate(made.id, "done", 100, result={"images": 3}), CommandState.DONE),
            ):
                agent.note(update)
                await agent.drain()
                assert (await state(hostmgr, made)).state is expected
            agent.note(CommandUpdate(made.id, "failed", message="too late"))
            await agent.drain()
        final = await state(hostmgr, made)
        assert (final.state, final.result, final.progress) == (CommandState.DONE, {"images": 3}, 100)
        async with hostmgr.storage.reading(SCOPE) as tx:
            records = (await Audit(tx).page(AuditFilter(subject=f"command:{made.id}"), PageRequest())).items
            assert (await audit.verify(tx)).ok
        assert [(each.actor, each.action, each.outcome) for each in records] == [
            (f"node:{agent.node}", "command.done", "done")
        ]

    async def test_sent_again_after_a_reconnect_until_it_is_acknowledged(
        self, hostmgr: Hostmgr, agent: FakeAgent
    ) -> None:
        made = await order(hostmgr, agent, wake=False)
        for attempt in (1, 2):
            async with agent.connected():
                assert (await agent.next(CommandOrder)).command.id == made.id
            assert (await state(hostmgr, made)).attempts == attempt
        async with agent.connected():
            await agent.next(CommandOrder)
            agent.note(CommandUpdate(made.id, "acknowledged"))
            await agent.drain()
        agent.got.clear()
        async with agent.connected():
            await agent.next(PolicySet)
            await quiet(agent)
            assert not any(isinstance(message, CommandOrder) for message in agent.got)

    async def test_a_failure_is_audited_as_one(self, hostmgr: Hostmgr, agent: FakeAgent) -> None:
        async with agent.connected():
            made = await order(hostmgr, agent)
            await agent.next(CommandOrder)
            agent.note(CommandUpdate(made.id, "failed", message="no runtime", result={"code": "runtime.absent"}))
            await agent.drain()
        async with hostmgr.storage.reading(SCOPE) as tx:
            [record] = (await Audit(tx).page(AuditFilter(subject=f"command:{made.id}"), PageRequest())).items
        assert (record.action, record.outcome, record.reason) == ("command.failed", "failed", "no runtime")

    async def test_nobody_answers_for_anothers_command(
        self, hostmgr: Hostmgr, agent: FakeAgent, tmp_path: Path
    ) -> None:
        other = await hostmgr.enrolled(tmp_path, "other")
        made = await order(hostmgr, other)
        await agent.open()
        agent.note(CommandUpdate(made.id, "done"))
        await agent.flush()
        assert (await agent.refused()).code == Code.NODE_FOREIGN
        assert (await state(hostmgr, made)).state is CommandState.QUEUED

    async def test_a_command_that_nobody_knows_any_more_stops_nothing(self, hostmgr: Hostmgr, agent: FakeAgent) -> None:
        async with agent.connected():
            agent.note(CommandUpdate("0" * 32, "done"))
            await agent.drain()
            assert agent.spool == {}

    async def test_a_cancelled_command_is_not_sent(self, hostmgr: Hostmgr, agent: FakeAgent) -> None:
        gone = await order(hostmgr, agent, wake=False)
        kept = await order(hostmgr, agent, wake=False)
        async with hostmgr.storage.transaction(SCOPE) as tx:
            await Commands(tx).cancel(gone.id)
        async with agent.connected():
            assert (await agent.next(CommandOrder)).command.id == kept.id


class TestRounds:
    @pytest.fixture
    async def quick(self, hostmgr: Hostmgr) -> Hostmgr:
        """A replica whose rounds come often, so that what they do can be waited for."""
        await hostmgr.stop()
        hostmgr.config["poll_seconds"] = 0.05
        await hostmgr.start()
        return hostmgr

    async def test_a_lost_wake_up_is_made_up_for(self, quick: Hostmgr, agent: FakeAgent) -> None:
        async with agent.connected():
            await agent.next(PolicySet)
            made = await order(quick, agent, wake=False)
            assert (await agent.next(CommandOrder)).command.id == made.id

    async def test_a_lost_change_of_policy_is_made_up_for(self, quick: Hostmgr, agent: FakeAgent) -> None:
        async with agent.connected():
            sent = await agent.next(PolicySet)
            await agent.tell(Beat(heartbeat(applied=AppliedPolicies(sent.policies.revision, sent.policies.hash))))
            await policy(quick, "new")
            assert (await agent.next(PolicySet)).policies.revision > sent.policies.revision

    async def test_a_command_past_its_deadline_expires_and_is_never_sent(
        self, quick: Hostmgr, agent: FakeAgent
    ) -> None:
        late = await order(quick, agent, seconds=-1)
        async with asyncio.timeout(60):
            while (await state(quick, late)).state is not CommandState.EXPIRED:
                await asyncio.sleep(0.01)
        async with agent.connected():
            kept = await order(quick, agent)
            assert (await agent.next(CommandOrder)).command.id == kept.id
        async with quick.storage.reading(SCOPE) as tx:
            [record] = (await Audit(tx).page(AuditFilter(subject=f"command:{late.id}"), PageRequest())).items
        assert (record.actor, record.action, record.outcome) == ("system", "command.expire", "failed")

    async def test_unconfirmed_orders_are_repeated_in_the_same_session(self, quick: Hostmgr, agent: FakeAgent) -> None:
        await quick.stop()
        quick.config["resend_seconds"] = 0.1
        await quick.start()
        async with agent.connected():
            made = await order(quick, agent)
            for _ in range(3):
                assert (await agent.next(CommandOrder)).command.id == made.id

    async def test_a_heartbeat_that_says_nothing_new_costs_no_write(self, quick: Hostmgr, agent: FakeAgent) -> None:
        async with agent.connected():
            await agent.tell(Beat(heartbeat()))
            async with asyncio.timeout(60):
                while (first := await self.last_seen(quick, agent)) is None:
                    await asyncio.sleep(0.01)
            await agent.tell(Beat(heartbeat(spool=7)))
            await quiet(agent)
            assert await self.last_seen(quick, agent) == first

    @staticmethod
    async def last_seen(hostmgr: Hostmgr, agent: FakeAgent) -> object:
        async with hostmgr.storage.reading(SCOPE) as tx:
            return (await Nodes(tx).get(agent.node)).last_seen


class TestRequests:
    async def test_a_renewed_certificate_works_and_so_does_the_old_one(
        self, hostmgr: Hostmgr, agent: FakeAgent
    ) -> None:
        old = agent.certificate
        async with agent.connected():
            await agent.tell(RenewalRequest(agent.csr()))
            renewed = await agent.next(CertificateRenewed)
        assert renewed.certificate_pem != old
        for certificate in (renewed.certificate_pem, old):
            agent.certificate = certificate
            assert isinstance(await agent.open(), Welcome)
            await agent.close()

    async def test_a_renewal_that_cannot_be_signed_is_refused_and_the_session_goes_on(
        self, hostmgr: Hostmgr, agent: FakeAgent
    ) -> None:
        async with agent.connected():
            await agent.tell(RenewalRequest("junk"))
            refused = await agent.next(RequestRefused)
            assert (refused.request, refused.code) == ("renew", Code.REQUEST_INVALID)
            await quiet(agent)

    async def test_renewals_beyond_what_a_node_can_need_are_refused_and_leave_no_trace(
        self, hostmgr: Hostmgr, agent: FakeAgent
    ) -> None:
        async with agent.connected():
            for _ in range(RENEWALS):
                await agent.tell(RenewalRequest(agent.csr()))
                await agent.next(CertificateRenewed)
            await agent.tell(RenewalRequest(agent.csr()))
            refused = await agent.next(RequestRefused)
            assert (refused.request, refused.code) == ("renew", Code.TOO_FAST)
            await quiet(agent)
        async with hostmgr.storage.reading(SCOPE) as tx:
            renewed = await Audit(tx).page(AuditFilter(action="certificate.renew"), PageRequest())
        assert renewed.total == RENEWALS

    async def test_a_bundle_arrives_slice_by_slice(self, hostmgr: Hostmgr, agent: FakeAgent) -> None:
        content = bytes(range(256)) * 5000
        sha256 = hashlib.sha256(content).hexdigest()
        async with hostmgr.storage.transaction(SCOPE) as tx:
            await Blobs(tx).store(sha256, "agent-bundle", "1.0", [content])
        received = b""
        async with agent.connected():
            while True:
                await agent.tell(BundleRequest(sha256, len(received)))
                part = await agent.next(BundlePart)
                assert (part.offset, part.size) == (len(received), len(content))
                received += part.data
                if len(received) == part.size:
                    break
            await agent.tell(BundleRequest(sha256, 1 << 60))
            assert (await agent.next(BundlePart)).data == b""
        assert received == content

    async def test_a_bundle_that_is_not_there(self, hostmgr: Hostmgr, agent: FakeAgent) -> None:
        async with agent.connected():
            await agent.tell(BundleRequest("0" * 64, 0))
            refused = await agent.next(RequestRefused)
            assert (refused.request, refused.subject) == ("bundle-request", "0" * 64)


def test_the_defaults_suit_a_fleet() -> None:
    defaults = {field.name: field.default for field in structs.fields(HostmgrConfig)}
    # A node is offline after 90 seconds of silence: two lost heartbeats must not make it so.
    assert 3 * defaults["heartbeat_seconds"] + defaults["poll_seconds"] < 90
