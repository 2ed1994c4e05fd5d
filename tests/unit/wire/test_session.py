"""The rules of a session one by one; their interplay is in test_session_machine."""

import os

import pytest

from hullguard.model.errors import LimitReached
from hullguard.model.node import Heartbeat, SensorHealth, SensorState
from hullguard.wire import codec, limits
from hullguard.wire.messages import (
    Ack,
    Beat,
    BundleRequest,
    CommandUpdate,
    Credit,
    Grant,
    Hello,
    ImageList,
    InventoryPart,
    Refusal,
    Welcome,
)
from hullguard.wire.session import AgentSession, ServerSession, encoded, record_body
from hullguard.wire.violation import Code, Violation

HELLO = Hello(node="n1", stream="s1", agent_version="1.0")
BEAT = Beat(Heartbeat("1.0", SensorHealth(SensorState.ACTIVE), True, None))
WINDOW = Grant(messages=4, bytes=2 * limits.BODY_BYTES)
DIGEST = "sha256:" + "a" * 64


def update(number: int) -> bytes:
    return record_body(CommandUpdate(f"c{number}", "done"))


@pytest.fixture
def ends() -> tuple[AgentSession, ServerSession]:
    agent, server = AgentSession(HELLO), ServerSession(WINDOW)
    server.receive(agent.hello)
    agent.receive(server.welcome("x", 10, 15))
    return agent, server


def refusal(call) -> str:
    with pytest.raises(Violation) as caught:
        call()
    return caught.value.code


class TestOpening:
    def test_welcome_says_where_to_go_on(self, ends):
        agent, _ = ends
        assert agent.resume_after == 10
        assert agent.acknowledged == 10

    def test_nothing_comes_before_hello(self):
        frame = codec.encode_frame(codec.encode(ImageList(())))
        assert refusal(lambda: ServerSession().receive(frame)) == Code.HELLO_EXPECTED

    def test_nothing_comes_between_hello_and_welcome(self):
        server = ServerSession()
        server.receive(AgentSession(HELLO).hello)
        assert refusal(lambda: server.receive(codec.encode_frame(codec.encode(BEAT)))) == Code.HELLO_EXPECTED

    def test_a_second_hello_is_refused(self, ends):
        agent, server = ends
        assert refusal(lambda: server.receive(agent.hello)) == Code.MESSAGE_MALFORMED

    def test_another_protocol_is_named(self):
        other = Hello(node="n", stream="s", agent_version="9", protocol=limits.PROTOCOL + 1)
        assert refusal(lambda: ServerSession().receive(AgentSession(other).hello)) == Code.PROTOCOL_UNSUPPORTED

    def test_before_the_welcome_the_agent_has_no_credit(self):
        agent = AgentSession(HELLO)
        assert agent.record(1, update(1)) is None
        assert agent.send(ImageList(())) is None
        assert agent.resume_after == 0

    @pytest.mark.parametrize("early", [Ack(1), Credit(Grant(9, 9))])
    def test_the_agent_expects_the_welcome_first(self, early):
        assert refusal(lambda: AgentSession(HELLO).receive(encoded(early))) == Code.HELLO_EXPECTED

    def test_a_refusal_may_come_at_any_time(self):
        message = AgentSession(HELLO).receive(encoded(Refusal("node-removed", "gone")))
        assert message == Refusal("node-removed", "gone")

    def test_the_agent_takes_one_welcome(self, ends):
        agent, _ = ends
        again = encoded(Welcome("y", 0, Grant(1, 1), 15))
        assert refusal(lambda: agent.receive(again)) == Code.MESSAGE_MALFORMED

    def test_a_window_too_small_for_two_messages_could_stall(self):
        with pytest.raises(LimitReached):
            ServerSession(Grant(messages=4, bytes=2 * limits.BODY_BYTES - 1))


class TestRecords:
    def test_acknowledged_after_the_commit_only(self, ends):
        agent, server = ends
        received = server.receive(agent.record(11, update(11)))
        assert received.message == CommandUpdate("c11", "done")
        assert server.outgoing() == []
        server.acknowledge(11)
        [frame] = server.outgoing()
        assert agent.receive(frame) == Ack(11)
        assert agent.acknowledged == 11
        assert server.outgoing() == []

    def test_one_acknowledgement_covers_a_batch(self, ends):
        agent, server = ends
        for number in (11, 12, 13):
            server.receive(agent.record(number, update(number)))
        server.acknowledge(12)
        server.acknowledge(13)
        assert [agent.receive(frame) for frame in server.outgoing()] == [Ack(13)]

    def test_a_duplicate_is_dropped_and_acknowledged_again(self, ends):
        agent, server = ends
        frame = agent.record(11, update(11))
        server.receive(frame)
        assert server.receive(frame) is None
        assert server.outgoing() == []
        server.acknowledge(11)
        server.outgoing()
        assert server.receive(frame) is None
        assert Ack(11) in [agent.receive(frame) for frame in server.outgoing()]

    def test_an_old_number_replayed_is_dropped(self, ends):
        _, server = ends
        assert server.receive(codec.encode_frame(update(3), 3, 2)) is None
        assert [codec.decode_from_server(codec.decode_frame(f).body) for f in server.outgoing()] == [Ack(10)]

    def test_a_hole_is_refused(self, ends):
        _, server = ends
        assert refusal(lambda: server.receive(codec.encode_frame(update(13), 13, 12))) == Code.OUT_OF_ORDER

    def test_a_gap_that_the_spool_left_is_not_a_hole(self, ends):
        agent, server = ends
        assert server.receive(agent.record(15, update(15))).sequence == 15
        assert server.receive(agent.record(19, update(19))).sequence == 19

    def test_records_without_numbers_and_numbers_without_records_are_refused(self, ends):
        _, server = ends
        assert refusal(lambda: server.receive(codec.encode_frame(update(1)))) == Code.MESSAGE_MALFORMED
        state = codec.encode_frame(codec.encode(ImageList(())), 11, 10)
        assert refusal(lambda: server.receive(state)) == Code.MESSAGE_MALFORMED

    def test_the_spool_must_go_forwards(self, ends):
        agent, _ = ends
        agent.record(12, update(12))
        for number in (12, 11, 3):
            with pytest.raises(ValueError, match="offered after"):
                agent.record(number, update(number))

    def test_a_record_is_not_sent_past_the_spool(self, ends):
        agent, _ = ends
        with pytest.raises(TypeError):
            agent.send(CommandUpdate("c", "done"))

    def test_the_server_cannot_acknowledge_what_never_came(self, ends):
        agent, server = ends
        with pytest.raises(ValueError, match="not received"):
            server.acknowledge(11)
        assert refusal(lambda: agent.receive(encoded(Ack(11)))) == Code.OUT_OF_ORDER

    def test_an_old_acknowledgement_takes_nothing_back(self, ends):
        agent, _ = ends
        agent.receive(encoded(Ack(4)))
        assert agent.acknowledged == 10

    def test_the_server_does_not_number(self, ends):
        agent, _ = ends
        numbered = codec.encode_frame(codec.encode(Ack(10)), 1, 0)
        assert refusal(lambda: agent.receive(numbered)) == Code.MESSAGE_MALFORMED


class TestCredit:
    def test_the_agent_stops_at_its_grant_and_goes_on_with_the_next(self, ends):
        agent, server = ends
        received = [server.receive(agent.record(number, update(number))) for number in (11, 12, 13, 14)]
        assert agent.record(15, update(15)) is None
        assert agent.send(BundleRequest("a" * 64, 0)) is None
        server.release(received[0].size)
        assert server.outgoing() == []
        server.release(received[1].size)
        [grant] = server.outgoing()
        assert isinstance(agent.receive(grant), Credit)
        assert agent.record(15, update(15)) is not None

    def test_heartbeats_need_no_credit(self, ends):
        agent, server = ends
        for _ in range(50):
            assert server.receive(agent.send(BEAT)).size == 0

    def test_bytes_count_as_well(self):
        agent, server = AgentSession(HELLO), ServerSession(Grant(messages=1000, bytes=WINDOW.bytes))
        server.receive(agent.hello)
        agent.receive(server.welcome("x", 0, 15))
        part = InventoryPart(DIGEST, 0, 1, os.urandom(limits.PART_BYTES))
        sent = 0
        while (frame := agent.send(part)) is not None:
            server.receive(frame)
            sent += 1
        assert sent == WINDOW.bytes // len(codec.encode(part))

    def test_more_than_the_grant_is_refused(self, ends):
        _, server = ends
        frame = codec.encode_frame(codec.encode(ImageList(())))
        for _ in range(WINDOW.messages):
            server.receive(frame)
        assert refusal(lambda: server.receive(frame)) == Code.CREDIT_EXCEEDED

    def test_duplicates_cost_credit_but_give_it_back(self, ends):
        _, server = ends
        frame = codec.encode_frame(update(3), 3, 2)
        for _ in range(WINDOW.messages):
            assert server.receive(frame) is None
        kinds = {type(codec.decode_from_server(codec.decode_frame(f).body)) for f in server.outgoing()}
        assert kinds == {Ack, Credit}
        assert server.receive(frame) is None

    def test_a_smaller_grant_takes_nothing_back(self, ends):
        agent, _ = ends
        agent.receive(encoded(Credit(Grant(messages=0, bytes=0))))
        assert agent.record(11, update(11)) is not None

    def test_credit_is_charged_for_what_unpacks(self, ends):
        _, server = ends
        body = codec.encode(ImageList(()))
        padded = codec.encode(InventoryPart(DIGEST, 0, 1, bytes(limits.PART_BYTES)))
        assert len(codec.encode_frame(padded)) < 2000
        assert server.receive(codec.encode_frame(padded)).size == len(padded)
        assert server.receive(codec.encode_frame(body)).size == len(body)
