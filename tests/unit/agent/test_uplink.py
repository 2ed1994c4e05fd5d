"""What of the uplink needs no server; the rest is in integration/test_agent_session.py."""

import asyncio

import pytest

from hullguard.agent.channel import Server, parse_server
from hullguard.agent.config import AgentConfig
from hullguard.agent.tasks import first_of
from hullguard.agent.uplink import LONGEST_PAUSE, backoff
from hullguard.model.errors import Invalid


def test_the_pause_is_anything_up_to_a_bound_that_doubles():
    for attempt in range(40):
        bound = min(LONGEST_PAUSE, 2.0**attempt)
        pauses = [backoff(attempt) for _ in range(200)]
        assert all(0 <= pause <= bound for pause in pauses)
        assert max(pauses) - min(pauses) > bound / 2, "agents would come back together"


def test_the_server_s_wish_is_the_least():
    assert all(10 <= backoff(3, 10) <= 18 for _ in range(200))


@pytest.mark.parametrize(
    ("text", "server"),
    [
        ("wss://hull.example.com:8441", Server("hull.example.com", 8441)),
        ("https://hull.example.com/", Server("hull.example.com", 8441)),
        ("10.0.0.1:9000", Server("10.0.0.1", 9000)),
        ("wss://[2001:db8::1]:8441", Server("[2001:db8::1]", 8441)),
        (" wss://h \n", Server("h", 8441)),
    ],
)
def test_addresses_of_servers(text, server):
    assert parse_server(text) == server
    assert parse_server(server.url) == server


@pytest.mark.parametrize(
    "text", ["", "ws://h:1", "wss://h:0", "wss://h:99999", "wss://u@h", "wss://h/path", "h h", "file:///x"]
)
def test_what_is_no_server(text):
    with pytest.raises(Invalid, match="no address of a hostmgr"):
        parse_server(text)


class TestFirstOf:
    async def test_the_end_of_one_ends_the_others(self):
        ended = []

        async def long() -> None:
            try:
                await asyncio.sleep(60)
            finally:
                ended.append("long")

        await first_of(long(), asyncio.sleep(0))
        assert ended == ["long"]

    async def test_the_error_of_one_is_raised(self):
        async def broken() -> None:
            raise Invalid("broken")

        with pytest.raises(Invalid, match="broken"):
            await first_of(asyncio.sleep(60), broken())

    async def test_a_cancellation_reaches_all(self):
        ended = []

        async def work(name: str) -> None:
            try:
                await asyncio.sleep(60)
            finally:
                ended.append(name)

        task = asyncio.create_task(first_of(work("a"), work("b")))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert sorted(ended) == ["a", "b"]


def test_the_configuration_names_no_secret():
    assert not {field for field in AgentConfig.__struct_fields__ if "token" in field or "key" in field}
