"""How a stranger with a token becomes a node."""

from datetime import UTC, datetime

from hullguard import audit
from hullguard.access.enrolment import admit
from hullguard.hostmgr import bounds
from hullguard.hostmgr.fleet import Gateway
from hullguard.model.errors import QuotaExhausted, Unavailable
from hullguard.model.identity import DEFAULT_TENANT, Scope
from hullguard.model.ids import new_id
from hullguard.storage import Transaction
from hullguard.storage.stores import Nodes
from hullguard.wire.enrolment import parse_token
from hullguard.wire.messages import Enrol, Enrolled
from hullguard.wire.violation import Code, Violation

ATTEMPTS = 120
ATTEMPTS_SECONDS = 60
"""Enrolments from one address, which may be a whole site: guessing is hopeless, but it costs us work."""


async def enrol(request: Enrol, source: str, gateway: Gateway) -> Enrolled:
    """Admits the agent and signs its certificate, in one transaction; raises ``Violation`` and changes nothing.

    Every enrolment makes a new node. A token that could bring back a node of the same host name could also take over
    its name, its policies and its commands, and nothing in it proves that the host is the same.
    """
    token = parse_token(request.token)
    bounds.check_facts(request.facts)
    node = new_id()
    issued = gateway.authority.sign_agent(request.csr_pem, node, datetime.now(UTC))
    async with gateway.storage.transaction(Scope(DEFAULT_TENANT)) as asking:
        admission = await admit(asking, token, gateway.authority.pin)
        tx = asking.within(Scope(admission.tenant))
        await Nodes(tx).enrol(node, admission.cluster, request.facts, issued.fingerprint, issued.expires)
        protected = await _protect(tx, node)
        await audit.record(
            tx,
            f"node:{node}",
            "node.enrol",
            f"node:{node}",
            reason="" if protected else "quota-exhausted: the node starts without protection",
            source=source,
            details={
                "name": request.facts.hostname,
                "cluster": admission.cluster,
                "token": admission.token,
                "protection": "on" if protected else "off",
                "agent_version": request.agent_version,
            },
        )
    gateway.metrics.enrolments.inc()
    return Enrolled(node, issued.pem, gateway.authority.ca_pem, gateway.authority.release_public_key, issued.expires)


async def _protect(tx: Transaction, node: str) -> bool:
    """A new node is protected at once if there is a unit for it; else it joins all the same, and says so."""
    try:
        await Nodes(tx).protect(node, on=True)
    except QuotaExhausted:
        return False
    return True


async def pace(source: str, gateway: Gateway) -> None:
    """Counts one attempt of an address; raises ``Violation`` when it must wait."""
    try:
        attempts = await gateway.cache.incr(f"enrolments:{source}", ATTEMPTS_SECONDS)
    except Unavailable:
        # Secrets have 256 bits: without a count we lose patience, not safety.
        return
    if attempts > ATTEMPTS:
        raise Violation(Code.TOO_FAST, f"too many enrolments from this address; wait {ATTEMPTS_SECONDS} seconds")
