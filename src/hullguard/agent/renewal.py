"""The next certificate, when two thirds of the present one's life have passed."""

import asyncio

import structlog

from hullguard.agent import identity
from hullguard.agent.channel import ChannelLostError
from hullguard.agent.state import StateDir
from hullguard.agent.uplink import Uplink
from hullguard.model.errors import HullguardError, Unavailable
from hullguard.wire.messages import CertificateRenewed, RenewalRequest, RequestRefused, ServerMessage

_RETRY_SECONDS = 60.0
_LONGEST_SLEEP = 3600.0

_log = structlog.get_logger()


async def keep_renewed(state: StateDir, uplink: Uplink) -> None:
    """For ever. A failure is tried again: a third of the certificate's life is left for that."""
    while True:
        seconds = identity.seconds_to_renewal(identity.load(state))
        if seconds > 0:
            # In steps, because the clock may be set meanwhile.
            await asyncio.sleep(min(seconds, _LONGEST_SLEEP))
            continue
        try:
            await renew(state, uplink)
        except ChannelLostError:
            await asyncio.sleep(1)
        except HullguardError as bad:
            _log.warning("certificate not renewed", why=str(bad))
            await asyncio.sleep(_RETRY_SECONDS)


async def renew(state: StateDir, uplink: Uplink) -> None:
    """Ask for a certificate for a new key, keep both, and use them at once."""
    membership = identity.load(state)
    request = await asyncio.to_thread(identity.make_request, membership.node)
    answer = await uplink.ask(RenewalRequest(request.csr_pem), _answers)
    if isinstance(answer, RequestRefused):
        raise Unavailable(f"The server does not renew the certificate: {answer.message}", answer.code)
    if isinstance(answer, CertificateRenewed):
        renewed = identity.renewed(membership, answer.expires)
        await asyncio.to_thread(identity.save, state, renewed, request.key_pem, answer.certificate_pem)
        _log.info("certificate renewed", expires=answer.expires.isoformat())
        uplink.reconnect()


def _answers(message: ServerMessage) -> bool:
    return isinstance(message, CertificateRenewed) or (
        isinstance(message, RequestRefused) and message.request == "renew"
    )
