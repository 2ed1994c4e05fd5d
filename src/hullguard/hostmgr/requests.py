"""What an agent asks for in a session: the next certificate, and slices of an agent bundle."""

from datetime import UTC, datetime

from hullguard import audit
from hullguard.hostmgr.fleet import Gateway
from hullguard.hostmgr.intake import Speaker
from hullguard.model.errors import NotFound, Unavailable
from hullguard.model.identity import Scope
from hullguard.storage.stores import Blobs, Nodes
from hullguard.wire import messages as say
from hullguard.wire.violation import Code, Violation

RENEWALS = 5
RENEWALS_SECONDS = 3600
"""An honest agent renews every few days, and again after a failure; each time leaves two rows for ever."""


async def answer(
    request: say.BundleRequest | say.RenewalRequest, speaker: Speaker, gateway: Gateway
) -> say.BundlePart | say.CertificateRenewed | say.RequestRefused:
    """The answer, or why there is none; either way the session goes on."""
    if isinstance(request, say.BundleRequest):
        return await _bundle(request, speaker, gateway)
    return await _renew(request, speaker, gateway)


async def _bundle(
    request: say.BundleRequest, speaker: Speaker, gateway: Gateway
) -> say.BundlePart | say.RequestRefused:
    async with gateway.storage.reading(Scope(speaker.tenant)) as tx:
        try:
            blob = await Blobs(tx).get(request.sha256)
            data = await Blobs(tx).piece(request.sha256, request.offset)
        except NotFound as cause:
            return say.RequestRefused("bundle-request", request.sha256, cause.code, str(cause))
    return say.BundlePart(request.sha256, request.offset, blob.size, data)


async def _renew(
    request: say.RenewalRequest, speaker: Speaker, gateway: Gateway
) -> say.CertificateRenewed | say.RequestRefused:
    try:
        await _pace(speaker, gateway)
        issued = gateway.authority.sign_agent(request.csr_pem, speaker.node, datetime.now(UTC))
    except Violation as cause:
        return say.RequestRefused("renew", speaker.node, cause.code, str(cause))
    async with gateway.storage.transaction(Scope(speaker.tenant)) as tx:
        await Nodes(tx).renewed(speaker.node, issued.fingerprint, issued.expires)
        await audit.record(tx, speaker.actor, "certificate.renew", f"node:{speaker.node}")
    return say.CertificateRenewed(issued.pem, issued.expires)


async def _pace(speaker: Speaker, gateway: Gateway) -> None:
    try:
        renewals = await gateway.cache.incr(f"renewals:{speaker.node}", RENEWALS_SECONDS)
    except Unavailable:
        # A node whose certificate runs out is worse than one that renews too often.
        return
    if renewals > RENEWALS:
        raise Violation(Code.TOO_FAST, f"more than {RENEWALS} renewals in an hour; wait")
