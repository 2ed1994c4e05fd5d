"""Who becomes a node, and who does not."""

import asyncio
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from tests.support.fleet import ADMIN, SCOPE, FakeAgent, Hostmgr, agent, facts, hostmgr
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus

from hullguard import audit
from hullguard.access import enrolment
from hullguard.hostmgr.authority import Authority
from hullguard.model.node import NodeState
from hullguard.storage import PageRequest
from hullguard.storage.stores import Audit, AuditFilter, EnrolmentTokens, NodeFilter, Nodes, Quotas
from hullguard.wire import codec, limits
from hullguard.wire.enrolment import CA_PATH, ENROL_PATH, SERVER_NAME, SESSION_PATH, parse_token, require_pinned
from hullguard.wire.messages import Enrolled, Hello, Refusal, Welcome
from hullguard.wire.violation import Code

__all__ = ["agent", "hostmgr"]


async def uses(hostmgr: Hostmgr, token: str) -> int:
    async with hostmgr.storage.reading(SCOPE) as tx:
        return (await EnrolmentTokens(tx).get(parse_token(token).id)).uses


async def test_a_token_makes_a_node(hostmgr: Hostmgr, tmp_path: Path) -> None:
    agent = FakeAgent(hostmgr, tmp_path)
    answer = await agent.enrol(await hostmgr.token(cluster="edge"))
    assert isinstance(answer, Enrolled)
    assert answer.release_key == hostmgr.authority.release_public_key
    async with hostmgr.storage.reading(SCOPE) as tx:
        node = await Nodes(tx).get(answer.node)
        records = await Audit(tx).page(AuditFilter(action="node.enrol"), PageRequest())
        assert (await audit.verify(tx)).ok
    assert (node.name, node.cluster, node.protection) == ("worker-1", "edge", True)
    assert node.state is NodeState.OFFLINE
    [record] = records.items
    assert (record.actor, record.subject) == (f"node:{answer.node}", f"node:{answer.node}")
    assert record.details["protection"] == "on"
    assert record.source == "127.0.0.1"
    assert isinstance(await agent.open(), Welcome)
    await agent.close()


async def test_the_server_decides_who_the_certificate_names(hostmgr: Hostmgr, tmp_path: Path) -> None:
    answer = await FakeAgent(hostmgr, tmp_path).enrol(await hostmgr.token())
    assert isinstance(answer, Enrolled)
    certificate = x509.load_pem_x509_certificate(answer.certificate_pem.encode())
    [name] = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    assert name.value == answer.node
    assert certificate.not_valid_after_utc - datetime.now(UTC) <= timedelta(days=7)
    assert not certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usage) == [ExtendedKeyUsageOID.CLIENT_AUTH]


async def test_without_a_unit_of_the_quota_the_node_joins_unprotected(hostmgr: Hostmgr, tmp_path: Path) -> None:
    async with hostmgr.storage.transaction(SCOPE) as tx:
        await Quotas(tx).set_total(1)
    token = await hostmgr.token(max_uses=2)
    first = await FakeAgent(hostmgr, tmp_path / "1", "one").enrol(token)
    second = await FakeAgent(hostmgr, tmp_path / "2", "two").enrol(token)
    assert isinstance(first, Enrolled)
    assert isinstance(second, Enrolled)
    async with hostmgr.storage.reading(SCOPE) as tx:
        assert (await Nodes(tx).get(first.node)).protection
        assert not (await Nodes(tx).get(second.node)).protection
        records = await Audit(tx).page(AuditFilter(subject=f"node:{second.node}"), PageRequest())
    assert records.items[0].reason.startswith("quota-exhausted")


async def test_the_same_host_again_is_a_new_node(hostmgr: Hostmgr, tmp_path: Path) -> None:
    token = await hostmgr.token(max_uses=2)
    answers = [await FakeAgent(hostmgr, tmp_path).enrol(token) for _ in range(2)]
    assert all(isinstance(answer, Enrolled) for answer in answers)
    async with hostmgr.storage.reading(SCOPE) as tx:
        assert (await Nodes(tx).page(NodeFilter(), PageRequest())).total == 2


async def test_the_last_use_is_one_agents(hostmgr: Hostmgr, tmp_path: Path) -> None:
    token = await hostmgr.token(max_uses=1)
    answers = await asyncio.gather(*(FakeAgent(hostmgr, tmp_path / str(n)).enrol(token) for n in range(6)))
    assert sum(isinstance(answer, Enrolled) for answer in answers) == 1
    assert {answer.code for answer in answers if isinstance(answer, Refusal)} == {Code.TOKEN_USED}
    async with hostmgr.storage.reading(SCOPE) as tx:
        assert (await Nodes(tx).page(NodeFilter(), PageRequest())).total == 1


class TestRefusals:
    async def refused(self, hostmgr: Hostmgr, tmp_path: Path, token: str, **changes: object) -> Refusal:
        answer = await FakeAgent(hostmgr, tmp_path).enrol(token, **changes)
        assert isinstance(answer, Refusal)
        async with hostmgr.storage.reading(SCOPE) as tx:
            assert (await Nodes(tx).page(NodeFilter(), PageRequest())).total == 0
        return answer

    async def test_an_expired_token(self, hostmgr: Hostmgr, tmp_path: Path) -> None:
        refusal = await self.refused(hostmgr, tmp_path, await hostmgr.token(life=timedelta(seconds=-1)))
        assert (refusal.code, refusal.retry_after) == (Code.TOKEN_EXPIRED, None)

    async def test_a_revoked_token(self, hostmgr: Hostmgr, tmp_path: Path) -> None:
        token = await hostmgr.token()
        async with hostmgr.storage.transaction(SCOPE) as tx:
            await enrolment.revoke(tx, ADMIN, parse_token(token).id)
        assert (await self.refused(hostmgr, tmp_path, token)).code == Code.TOKEN_REVOKED

    async def test_another_platforms_token(self, hostmgr: Hostmgr, tmp_path: Path) -> None:
        token = parse_token(await hostmgr.token())._replace(pin="0" * 32)
        assert (await self.refused(hostmgr, tmp_path, str(token))).code == Code.TOKEN_FOREIGN

    async def test_a_wrong_secret_is_told_nothing_about_the_id(self, hostmgr: Hostmgr, tmp_path: Path) -> None:
        token = parse_token(await hostmgr.token())
        wrong = await self.refused(hostmgr, tmp_path, str(token._replace(secret="x" * 43)))
        unknown = await self.refused(hostmgr, tmp_path, str(token._replace(id="0" * 32)))
        assert (wrong.code, wrong.message) == (unknown.code, unknown.message)
        assert wrong.code.startswith("token-")

    @pytest.mark.parametrize("token", ["", "hg1", "hg1.a.b.c", "' OR 1=1 --"])
    async def test_what_is_no_token(self, hostmgr: Hostmgr, tmp_path: Path, token: str) -> None:
        assert (await self.refused(hostmgr, tmp_path, token)).code == Code.TOKEN_MALFORMED

    @pytest.mark.parametrize("hostname", ["", "..", "-x", "a b", "a\nb", "a/b", "x" * 254, "<script>"])
    async def test_what_is_no_host_name(self, hostmgr: Hostmgr, tmp_path: Path, hostname: str) -> None:
        token = await hostmgr.token()
        refusal = await self.refused(hostmgr, tmp_path, token, facts=facts(hostname))
        assert refusal.code == Code.REQUEST_INVALID
        assert await uses(hostmgr, token) == 0

    async def test_a_request_that_cannot_be_signed_does_not_use_the_token_up(
        self, hostmgr: Hostmgr, tmp_path: Path
    ) -> None:
        token = await hostmgr.token()
        weak = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
        rsa_csr = weak.sign(rsa.generate_private_key(65537, 2048), hashes.SHA256())
        for csr in ("", "junk", rsa_csr.public_bytes(serialization.Encoding.PEM).decode()):
            assert (await self.refused(hostmgr, tmp_path, token, csr_pem=csr)).code == Code.REQUEST_INVALID
        assert await uses(hostmgr, token) == 0
        assert isinstance(await FakeAgent(hostmgr, tmp_path).enrol(token), Enrolled)

    async def test_a_csr_with_another_signature(self, hostmgr: Hostmgr, tmp_path: Path) -> None:
        one = (
            x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).sign(Ed25519PrivateKey.generate(), None)
        )
        der = bytearray(one.public_bytes(serialization.Encoding.DER))
        der[-1] ^= 1
        forged = x509.load_der_x509_csr(bytes(der)).public_bytes(serialization.Encoding.PEM).decode()
        refusal = await self.refused(hostmgr, tmp_path, await hostmgr.token(), csr_pem=forged)
        assert refusal.code == Code.REQUEST_INVALID

    async def test_one_address_asking_without_end(self, hostmgr: Hostmgr, tmp_path: Path) -> None:
        for _ in range(120):
            await hostmgr.cache.incr("enrolments:127.0.0.1", 60)
        answer = await self.refused(hostmgr, tmp_path, await hostmgr.token())
        assert answer.code == Code.TOO_FAST
        assert answer.retry_after

    @pytest.mark.parametrize(
        ("data", "code"),
        [
            ("text", Code.MESSAGE_MALFORMED),
            (b"", Code.MESSAGE_MALFORMED),
            (b"\x00\xff\xff", Code.MESSAGE_MALFORMED),
            (codec.encode_frame(codec.encode(Hello("n", "s", "1"))), Code.KIND_UNKNOWN),
        ],
    )
    async def test_something_else_than_a_request(
        self, hostmgr: Hostmgr, tmp_path: Path, data: bytes | str, code: Code
    ) -> None:
        async with FakeAgent(hostmgr, tmp_path).dial(ENROL_PATH, certificate=False) as connection:
            await connection.send(data)
            answer = codec.decode_enrolment_answer(codec.decode_frame(await connection.recv()).body)
        assert isinstance(answer, Refusal)
        assert answer.code == code

    async def test_an_oversize_request(self, hostmgr: Hostmgr, tmp_path: Path) -> None:
        async with FakeAgent(hostmgr, tmp_path).dial(ENROL_PATH, certificate=False) as connection:
            await connection.send(bytes(limits.FRAME_BYTES + 1))
            with pytest.raises(ConnectionClosed) as closed:
                await connection.recv()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1009


class TestPort:
    async def test_the_ca_is_there_for_whoever_can_check_it(self, hostmgr: Hostmgr) -> None:
        blind = ssl.create_default_context()
        blind.check_hostname, blind.verify_mode = False, ssl.CERT_NONE
        reader, writer = await asyncio.open_connection("127.0.0.1", hostmgr.port, ssl=blind)
        writer.write(f"GET {CA_PATH} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        head, _, body = (await reader.read()).partition(b"\r\n\r\n")
        writer.close()
        assert head.startswith(b"HTTP/1.1 200")
        require_pinned(body.decode(), parse_token(await hostmgr.token()))

    async def test_no_session_without_a_certificate(self, hostmgr: Hostmgr, tmp_path: Path) -> None:
        with pytest.raises(InvalidStatus) as refused:
            await FakeAgent(hostmgr, tmp_path).dial(SESSION_PATH, certificate=False)
        assert refused.value.response.status_code == 401

    @pytest.mark.parametrize(
        "path", ["/", "/agent/v1/../v1/session", "/agent/v1/session/", "/metrics", "/api/v1/nodes"]
    )
    async def test_nothing_else_is_served(self, hostmgr: Hostmgr, agent: FakeAgent, path: str) -> None:
        with pytest.raises(InvalidStatus) as refused:
            await agent.dial(path)
        assert refused.value.response.status_code == 404

    async def test_a_certificate_of_another_ca(self, hostmgr: Hostmgr, agent: FakeAgent, tmp_path: Path) -> None:
        other = Authority.open(tmp_path / "other", datetime.now(UTC))
        agent.certificate = other.sign_agent(agent.csr(), agent.node, datetime.now(UTC)).pem
        with pytest.raises((OSError, InvalidHandshake, ConnectionClosed)):
            await agent.open()

    async def test_a_certificate_that_our_ca_signed_but_the_database_does_not_know(
        self, hostmgr: Hostmgr, agent: FakeAgent
    ) -> None:
        agent.certificate = hostmgr.authority.sign_agent(agent.csr(), agent.node, datetime.now(UTC)).pem
        refusal = await agent.open()
        assert isinstance(refusal, Refusal)
        assert (refusal.code, refusal.retry_after) == (Code.CERTIFICATE_UNKNOWN, None)

    async def test_an_expired_certificate(self, hostmgr: Hostmgr, agent: FakeAgent) -> None:
        past = datetime.now(UTC) - timedelta(days=8)
        agent.certificate = hostmgr.authority.sign_agent(agent.csr(), agent.node, past).pem
        with pytest.raises((OSError, InvalidHandshake, ConnectionClosed)):
            await agent.open()

    async def test_tls_1_2_is_refused(self, hostmgr: Hostmgr, agent: FakeAgent) -> None:
        context = agent.tls()
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        with pytest.raises((ssl.SSLError, OSError)):
            await connect(
                f"wss://127.0.0.1:{hostmgr.port}{SESSION_PATH}", ssl=context, server_hostname=SERVER_NAME, proxy=None
            )

    async def test_a_node_cannot_pose_as_the_server(self, hostmgr: Hostmgr, agent: FakeAgent) -> None:
        """Its certificate is for clients: another agent that meets it does not take it for hostmgr."""
        served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        agent.tls()
        served.load_cert_chain(agent.directory / "node.pem")
        impostor = await asyncio.start_server(lambda r, w: w.close(), "127.0.0.1", 0, ssl=served)
        client = ssl.create_default_context(cadata=hostmgr.authority.ca_pem)
        client.check_hostname = False
        with pytest.raises(ssl.SSLCertVerificationError, match="purpose"):
            await asyncio.open_connection("127.0.0.1", impostor.sockets[0].getsockname()[1], ssl=client)
        impostor.close()

    async def test_a_full_server_says_so(self, hostmgr: Hostmgr, agent: FakeAgent, tmp_path: Path) -> None:
        await hostmgr.stop()
        hostmgr.config["max_connections"] = 1
        await hostmgr.start()
        async with agent.connected():
            with pytest.raises(InvalidStatus) as refused:
                await agent.dial(SESSION_PATH)
        assert refused.value.response.status_code == 503
        assert isinstance(await agent.open(), Welcome)
        await agent.close()
