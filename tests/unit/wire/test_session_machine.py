"""Exactly once, whatever the network, the server and the spool do in between."""

import msgspec
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from hullguard.wire.limits import BODY_BYTES
from hullguard.wire.messages import Ack, CommandUpdate, Grant, Hello, Welcome
from hullguard.wire.session import AgentSession, Received, ServerSession, record_body
from hullguard.wire.violation import Code, Violation

WINDOW = Grant(messages=5, bytes=2 * BODY_BYTES)


class Delivery(RuleBasedStateMachine):
    """A spool, a network that repeats and reorders, and a server that crashes before or after its commits."""

    def __init__(self) -> None:
        super().__init__()
        self.spool: dict[int, bytes] = {}
        self.made = 0
        self.dropped: set[int] = set()
        self.stored: list[int] = []
        self.to_server: list[bytes] = []
        self.to_agent: list[bytes] = []
        self.in_hand: list[Received] = []
        self.connect()

    # --- the two ends ---

    def connect(self) -> None:
        self.to_server, self.to_agent, self.in_hand = [], [], []
        self.agent = AgentSession(Hello(node="n", stream="s", agent_version="1"))
        self.server = ServerSession(WINDOW)
        hello = self.server.receive(self.agent.hello)
        assert hello is not None
        self.to_agent.append(self.server.welcome("x", self.stored[-1] if self.stored else 0, 15))

    def agent_reads(self, frame: bytes) -> None:
        match self.agent.receive(frame):
            case Welcome(received_up_to=up_to) | Ack(up_to=up_to):
                for number in [n for n in self.spool if n <= up_to]:
                    del self.spool[number]

    def server_reads(self, frame: bytes) -> None:
        try:
            received = self.server.receive(frame)
        except Violation as refusal:
            if refusal.code not in (Code.OUT_OF_ORDER, Code.CREDIT_EXCEEDED):
                raise
            self.connect()
        else:
            self.in_hand += [received] if received is not None else []

    # --- what may happen ---

    @rule(count=st.integers(1, 8))
    def the_agent_records(self, count: int) -> None:
        for _ in range(count):
            self.made += 1
            self.spool[self.made] = record_body(CommandUpdate(f"c{self.made}", "done"))

    @rule(data=st.data())
    def a_full_spool_drops_a_record_not_yet_sent(self, data: st.DataObject) -> None:
        waiting = [n for n in self.spool if n > self.agent.resume_after]
        if waiting:
            number = data.draw(st.sampled_from(waiting))
            del self.spool[number]
            self.dropped.add(number)

    @precondition(lambda self: self.agent.welcome is not None)
    @rule()
    def the_agent_sends(self) -> None:
        for number in sorted(n for n in self.spool if n > self.agent.resume_after):
            frame = self.agent.record(number, self.spool[number])
            if frame is None:
                break
            self.to_server.append(frame)

    @rule()
    def a_frame_arrives_at_the_server(self) -> None:
        if self.to_server:
            self.server_reads(self.to_server.pop(0))

    @rule(data=st.data())
    def a_frame_is_delivered_early_or_twice(self, data: st.DataObject) -> None:
        if self.to_server:
            at = data.draw(st.integers(0, len(self.to_server) - 1))
            frame = self.to_server[at]
            if data.draw(st.booleans()):
                del self.to_server[at]
            self.server_reads(frame)

    @rule()
    def a_frame_arrives_at_the_agent(self) -> None:
        if self.to_agent:
            self.agent_reads(self.to_agent.pop(0))

    @rule(answer=st.booleans())
    def the_server_commits(self, answer: bool) -> None:
        for received in self.in_hand:
            assert isinstance(received.message, CommandUpdate)
            assert received.sequence is not None
            self.stored.append(int(received.message.id[1:]))
            self.server.acknowledge(received.sequence)
            self.server.release(received.size)
        self.in_hand = []
        if answer:
            self.to_agent += self.server.outgoing()

    @rule()
    def the_connection_breaks(self) -> None:
        self.connect()

    @rule()
    def the_server_is_killed_with_messages_in_hand(self) -> None:
        self.in_hand = []
        self.connect()

    # --- what must hold ---

    @invariant()
    def stored_once_and_in_order(self) -> None:
        assert self.stored == sorted(set(self.stored))

    @invariant()
    def the_spool_forgets_only_what_is_stored_or_dropped(self) -> None:
        assert set(range(1, self.made + 1)) - set(self.spool) <= set(self.stored) | self.dropped

    def teardown(self) -> None:
        """When the trouble ends, everything arrives."""
        self.connect()
        while self.spool:
            while self.to_agent:
                self.agent_reads(self.to_agent.pop(0))
            self.the_agent_sends()
            while self.to_server:
                self.server_reads(self.to_server.pop(0))
            self.the_server_commits(answer=True)
        assert set(self.stored) == set(range(1, self.made + 1)) - self.dropped
        assert len(self.stored) == len(set(self.stored))


Delivery.TestCase.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
TestDelivery = Delivery.TestCase


def test_messages_survive_the_spool_unchanged() -> None:
    update = CommandUpdate("c1", "failed", message="坏", result={"code": "x", "n": 3})
    assert msgspec.msgpack.decode(record_body(update))["message"] == "坏"
