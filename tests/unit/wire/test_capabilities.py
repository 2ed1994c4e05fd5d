"""What each end says that it understands, and that ends of before the list and of after this release go on all the same."""

import msgspec
import pytest

from hullguard.model.policy import AppliedPolicies
from hullguard.wire import capabilities, codec
from hullguard.wire.messages import Grant, Hello, Welcome
from hullguard.wire.session import AgentSession, ServerSession
from hullguard.wire.violation import Violation

# Recorded from the release before there were capabilities.
HELLO = (
    b"\x86\xa4type\xa5hello\xa4node\xd9 01a222adf1ff78faa43bbfd05b5a46a0\xa6stream\xa6boot-1\xadagent_version\xa50.1.0"
    b"\xa8protocol\x01\xa7applied\x82\xa8revision\x03\xa4hash\xd9@" + 64 * b"a"
)
WELCOME = (
    b"\x86\xa4type\xa7welcome\xa7session\xd9 01a222adf1ff78faa43bbfd05b5a46a1\xaereceived_up_to\x07\xa6credit\x82"
    b"\xa8messages@\xa5bytes\xce\x00\x80\x00\x00\xb1heartbeat_seconds\n\xaeserver_version\xa0"
)


class HelloBefore(msgspec.Struct, frozen=True, tag="hello"):
    node: str
    stream: str
    agent_version: str
    protocol: int = 1
    applied: AppliedPolicies | None = None


class WelcomeBefore(msgspec.Struct, frozen=True, tag="welcome"):
    session: str
    received_up_to: int
    credit: Grant
    heartbeat_seconds: int
    server_version: str = ""


def test_an_agent_of_before_is_greeted_and_understands_none():
    received = ServerSession().receive(codec.encode_frame(HELLO))
    assert received is not None
    hello = received.message
    assert isinstance(hello, Hello)
    assert (hello.node, hello.applied) == ("01a222adf1ff78faa43bbfd05b5a46a0", AppliedPolicies(3, 64 * "a"))
    assert capabilities.understood(hello.capabilities) == frozenset()


def test_an_agent_of_before_takes_the_welcome_of_now():
    server = ServerSession()
    server.receive(codec.encode_frame(HELLO))
    body = codec.decode_frame(server.welcome("s1", 7, 10)).body
    assert msgspec.msgpack.decode(body, type=WelcomeBefore).received_up_to == 7


def test_a_platform_of_before_takes_the_hello_of_now_and_understands_none():
    hello = Hello("n1", "boot-1", "0.2.0", capabilities=capabilities.SAID)
    agent = AgentSession(hello)
    assert msgspec.msgpack.decode(codec.decode_frame(agent.hello).body, type=HelloBefore).node == "n1"
    welcome = agent.receive(codec.encode_frame(WELCOME))
    assert isinstance(welcome, Welcome)
    assert (welcome.received_up_to, capabilities.understood(welcome.capabilities)) == (7, frozenset())


def test_both_ends_of_this_release_understand_all_of_each_other():
    server = ServerSession()
    agent = AgentSession(Hello("n1", "boot-1", "0.2.0", capabilities=capabilities.SAID))
    received = server.receive(agent.hello)
    welcome = agent.receive(server.welcome("s1", 0, 10))
    assert received is not None
    assert isinstance(received.message, Hello)
    assert isinstance(welcome, Welcome)
    assert capabilities.understood(received.message.capabilities) == capabilities.KNOWN
    assert capabilities.understood(welcome.capabilities) == capabilities.KNOWN


def test_what_a_younger_end_understands_besides_is_ignored():
    assert capabilities.understood(("telepathy", capabilities.PROFILES)) == {capabilities.PROFILES}


@pytest.mark.parametrize(
    ("said", "taken"),
    [
        (tuple(f"c{number}" for number in range(capabilities.MOST)), True),
        (tuple(f"c{number}" for number in range(capabilities.MOST + 1)), False),
        (("x" * 64,), True),
        (("x" * 65,), False),
        (("",), False),
    ],
)
def test_the_list_is_bounded(said: tuple[str, ...], taken: bool):
    frame = AgentSession(Hello("n1", "boot-1", "0.2.0", capabilities=said)).hello
    if taken:
        assert ServerSession().receive(frame) is not None
    else:
        with pytest.raises(Violation, match="capabilities"):
            ServerSession().receive(frame)
