"""The next certificate: asked for in time, kept whole or not at all, and never at the price of the present one."""

import asyncio
import ssl
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

import pytest

from hullguard.agent import identity, renewal
from hullguard.agent.channel import ChannelLostError, Server, channel
from hullguard.agent.identity import Membership
from hullguard.agent.state import StateDir
from hullguard.agent.uplink import Uplink
from hullguard.hostmgr.authority import Authority
from hullguard.model.errors import Denied, Invalid, Unavailable
from hullguard.wire.messages import AgentMessage, CertificateRenewed, RenewalRequest, RequestRefused, ServerMessage


class Desk:
    """A member, and the platform's answer to its request: everything but the network."""

    def __init__(self, directory: Path) -> None:
        self.state = StateDir(directory / "agent")
        self.state.prepare()
        self.authority = Authority.open(directory / "ca", identity.now())
        self.state.authority.write_text(self.authority.ca_pem)
        self.answers: list[ServerMessage | Exception | None] = []
        self.asked: list[AgentMessage] = []
        self.reconnected = 0

    def join(self, life: timedelta = timedelta(days=7), age: timedelta = timedelta()) -> None:
        request = identity.make_request("host")
        issued = self.authority.sign_agent(request.csr_pem, "n1", identity.now())
        start = identity.now() - age
        member = Membership("n1", "wss://127.0.0.1:1", "00" * 32, start, start + life)
        identity.save(self.state, member, request.key_pem, issued.pem)

    async def ask(self, message: AgentMessage, answers: Callable[[ServerMessage], bool]) -> ServerMessage:
        self.asked.append(message)
        assert isinstance(message, RenewalRequest)
        answer = self.answers.pop(0) if self.answers else None
        if isinstance(answer, Exception):
            raise answer
        if answer is None:
            issued = self.authority.sign_agent(message.csr_pem, "n1", identity.now())
            answer = CertificateRenewed(issued.pem, issued.expires)
        assert answers(answer)
        return answer

    def reconnect(self) -> None:
        self.reconnected += 1

    async def renew(self) -> None:
        await renewal.renew(self.state, cast("Uplink", self))


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    made = Desk(tmp_path)
    made.join()
    return made


async def test_a_new_key_and_its_certificate_take_the_place_of_the_old_and_are_used_at_once(desk):
    before, key = identity.load(desk.state), desk.state.identity.read_bytes()
    await desk.renew()
    after = identity.load(desk.state)
    assert after.expires > before.expires - timedelta(minutes=1)
    assert (after.node, after.release_key) == (before.node, before.release_key)
    assert desk.state.identity.read_bytes() != key
    assert desk.state.identity.stat().st_mode & 0o777 == 0o600
    assert identity.tls(desk.state).verify_mode is ssl.CERT_REQUIRED
    assert desk.reconnected == 1


async def test_the_key_never_leaves_the_node(desk):
    await desk.renew()
    (asked,) = desk.asked
    assert "PRIVATE" not in str(asked)
    key = desk.state.identity.read_text().split("-----")[2].strip()
    assert key not in str(asked)


async def test_a_refusal_keeps_what_there_is(desk):
    before = desk.state.identity.read_bytes()
    desk.answers.append(RequestRefused("renew", "", "server-busy", "come back later"))
    with pytest.raises(Unavailable, match="does not renew the certificate: come back later"):
        await desk.renew()
    assert desk.state.identity.read_bytes() == before
    assert desk.reconnected == 0


async def test_a_certificate_for_another_key_keeps_what_there_is(desk):
    before = desk.state.identity.read_bytes()
    other = desk.authority.sign_agent(identity.make_request("x").csr_pem, "n1", identity.now())
    desk.answers += [CertificateRenewed(other.pem, other.expires), CertificateRenewed("no certificate", other.expires)]
    for _ in range(2):
        with pytest.raises(Invalid):
            await desk.renew()
    assert desk.state.identity.read_bytes() == before
    identity.tls(desk.state)


@pytest.mark.parametrize(
    ("message", "an_answer"),
    [
        (RequestRefused("renew", "", "x", "no"), True),
        (RequestRefused("bundle-request", "", "x", "no"), False),
        (CertificateRenewed("pem", datetime.now(UTC)), True),
    ],
)
def test_only_its_own_answer_is_taken(message, an_answer):
    assert renewal._answers(message) is an_answer


async def test_what_is_due_is_done_again_and_again_until_it_is_done(desk, monkeypatch):
    monkeypatch.setattr(renewal, "_RETRY_SECONDS", 0)
    desk.join(age=timedelta(days=6))
    desk.answers += [Unavailable("busy"), Invalid("odd"), Unavailable("busy")]
    task = asyncio.create_task(renewal.keep_renewed(desk.state, cast("Uplink", desk)))
    async with asyncio.timeout(20):
        while not desk.reconnected:
            await asyncio.sleep(0.01)
    assert len(desk.asked) == 4
    assert identity.seconds_to_renewal(identity.load(desk.state)) > 86400
    assert not task.done()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_node_that_was_dismissed_asks_for_nothing(desk):
    identity.end(desk.state, identity.load(desk.state), "it was removed")
    with pytest.raises(Denied, match="dismissed node n1"):
        await renewal.keep_renewed(desk.state, cast("Uplink", desk))
    assert desk.asked == []


class TestChannel:
    """Whatever answers instead of hostmgr, the failure is one of ours and names the server."""

    @pytest.mark.parametrize(
        "answer",
        [
            b"",
            b"SSH-2.0-OpenSSH_9.2\r\n",
            b"HTTP/1.1 400 Bad Request\r\n\r\n",
            b"\x15\x03\x03\x00\x02\x02\x28",
            b"\xff" * 500,
        ],
        ids=["nothing", "ssh", "plain http", "tls alert", "noise"],
    )
    async def test_who_speaks_no_tls(self, desk, answer):
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read(100)
            writer.write(answer)
            writer.close()

        async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            with pytest.raises(ChannelLostError, match=f"wss://127.0.0.1:{port}"):
                async with channel(Server("127.0.0.1", port), "/", identity.tls(desk.state)):
                    raise AssertionError

    async def test_who_has_another_platform_s_certificate(self, desk, tmp_path):
        other = Authority.open(tmp_path / "other", identity.now())
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(other.server_file("hostmgr", ["127.0.0.1"], identity.now()))

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.close()

        async with await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context) as server:
            port = server.sockets[0].getsockname()[1]
            with pytest.raises(ChannelLostError, match="does not show a certificate of this platform") as lost:
                async with channel(Server("127.0.0.1", port), "/", identity.tls(desk.state)):
                    raise AssertionError
        assert lost.value.code == "hostmgr-untrusted"
