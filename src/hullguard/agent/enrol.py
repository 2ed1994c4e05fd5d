"""A host becomes a node: with a token in hand and trust in nothing but the fingerprint inside it."""

import asyncio
import ssl
from collections.abc import Mapping
from pathlib import Path

from hullguard import __version__
from hullguard.agent import facts, identity
from hullguard.agent.channel import ChannelLostError, Server, channel, parse_server, receive
from hullguard.agent.identity import Membership
from hullguard.agent.runtime.http import HttpClient
from hullguard.agent.state import StateDir, read_json, replace
from hullguard.model.errors import Conflict, Denied, HullguardError, Invalid, Unauthenticated, Unavailable
from hullguard.wire import codec
from hullguard.wire.enrolment import CA_PATH, ENROL_PATH, Token, parse_token, require_pinned
from hullguard.wire.messages import Enrol, Enrolled, Refusal
from hullguard.wire.violation import Code, Violation

_ANSWER_SECONDS = 30.0
_MAX_CA = 16 * 1024
_KINDS: Mapping[str, type[HullguardError]] = {
    Code.TOKEN_MALFORMED: Invalid,
    Code.TOKEN_FOREIGN: Unauthenticated,
    Code.TOKEN_USED: Unauthenticated,
    Code.TOKEN_EXPIRED: Unauthenticated,
    Code.TOKEN_REVOKED: Unauthenticated,
    Code.REQUEST_INVALID: Invalid,
}


async def enrol(server_url: str, token: str, state_dir: Path, *, again: bool = False) -> str:
    """Join the platform; the node's id. ``again`` gives up an earlier membership."""
    server, parsed = parse_server(server_url), parse_token(token)
    state = StateDir(state_dir)
    state.prepare()
    _require_free(state, again=again)
    try:
        authority = await _authority(server, parsed)
        request = await asyncio.to_thread(identity.make_request, facts.read().hostname)
        answer = await _ask(server, authority, Enrol(str(parsed), request.csr_pem, facts.read(), __version__))
    except Violation as bad:
        raise _explained(bad.refusal, str(bad)) from bad
    _keep(state, server, authority, request.key_pem, answer)
    return answer.node


def _require_free(state: StateDir, *, again: bool) -> None:
    member = read_json(state.membership, Membership)
    if member is not None and not member.ended and not again:
        raise Conflict(
            f"This host is enrolled already, as node {member.node} of {member.server}; add --again to enrol it anew.",
            "agent.enrolled-already",
        )


async def _authority(server: Server, token: Token) -> str:
    """The platform's CA, fetched from whoever answers, believed because the token's pin says so."""
    untrusted = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    untrusted.check_hostname = False
    untrusted.verify_mode = ssl.CERT_NONE
    try:
        body = await HttpClient(server.http(untrusted), peer="The server").get(CA_PATH, _MAX_CA)
    except Unavailable as bad:
        raise ChannelLostError(
            f"{server.url} cannot be reached ({bad}); check the address, and that agents may connect to that port"
        ) from bad
    pem = body.decode("ascii", errors="replace")
    require_pinned(pem, token)
    return pem


async def _ask(server: Server, authority: str, request: Enrol) -> Enrolled:
    async with (
        channel(server, ENROL_PATH, identity.trusting(authority)) as connection,
        asyncio.timeout(_ANSWER_SECONDS),
    ):
        await connection.send(codec.encode_frame(codec.encode(request)))
        answer = codec.decode_enrolment_answer(codec.decode_frame(await receive(connection)).body)
    if isinstance(answer, Refusal):
        raise _explained(answer.code, answer.message)
    return answer


def _keep(state: StateDir, server: Server, authority: str, key_pem: str, answer: Enrolled) -> None:
    replace(state.authority, authority.encode())
    membership = Membership(
        node=answer.node,
        server=server.url,
        release_key=answer.release_key,
        issued=identity.now(),
        expires=answer.expires,
    )
    identity.save(state, membership, key_pem, answer.certificate_pem)
    for stale in (state.policies, state.status, state.commands):
        stale.unlink(missing_ok=True)


def _explained(code: str, message: str) -> HullguardError:
    sentence = f"The server did not admit this host: {message}"
    return _KINDS.get(code, Unavailable if code in _LATER else Denied)(sentence, code)


_LATER = frozenset({Code.SERVER_BUSY, Code.SERVER_STOPPING, Code.SERVER_ERROR, Code.TOO_FAST})
