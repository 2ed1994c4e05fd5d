"""The policies on this node's disk: a restarted agent enforces them before it has a connection."""

import msgspec
import structlog

from hullguard.agent.state import StateDir, replace
from hullguard.detect import catalog_info, check, known_settings
from hullguard.model.decoding import wrong
from hullguard.model.errors import Invalid
from hullguard.model.policy import NodePolicies, policies_hash

_MAX_BYTES = 8 * 1024 * 1024
_log = structlog.get_logger()


class Wanted(msgspec.Struct, frozen=True):
    """What the server last said: whether to protect this node, and how."""

    protection: bool
    policies: NodePolicies
    rolled_back: dict[str, int] = {}
    """Versions by policy id that this node only simulates, since containers failed under them."""


def load(state: StateDir) -> Wanted | None:
    """The last word of the server; None if there was none, or if it cannot be read any more."""
    try:
        with state.policies.open("rb") as file:
            wanted = msgspec.msgpack.decode(file.read(_MAX_BYTES), type=Wanted)
        return accept(wanted)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.DecodeError, UnicodeDecodeError, RecursionError, Invalid) as bad:
        _log.warning("stored policies are not used", why=wrong(bad))
        return None


def save(state: StateDir, wanted: Wanted) -> None:
    """Durable when this returns."""
    replace(state.policies, msgspec.msgpack.encode(wanted))


def accept(wanted: Wanted) -> Wanted:
    """The same, once it is known to be what its hash says and something that the detectors here can run.

    Detectors that this agent does not have are no error: its server may be younger.
    """
    policies, here = wanted.policies, {info.id for info in catalog_info()}
    for policy in policies.policies:
        known = {name: settings for name, settings in policy.spec.detectors.items() if name in here}
        check(msgspec.structs.replace(policy.spec, detectors=known, rules=known_settings(policy.spec.rules)))
    if policies.hash != policies_hash(policies.policies, policies.profiles):
        raise Invalid(f"revision {policies.revision} of the policies is not what its hash names", "policy.hash")
    return wanted


def unknown(policies: NodePolicies) -> frozenset[str]:
    """Detectors that the policies name and this agent does not have."""
    named = {name for policy in policies.policies if policy.spec.enabled for name in policy.spec.detectors}
    return frozenset(named - {info.id for info in catalog_info()})
