"""What must be refused in a container before it happens, compiled from a node's policies."""

from msgspec import Struct

from hullguard.detect.choice import choose
from hullguard.detect.detectors.catalog import BY_ID
from hullguard.model.event import EventKind, ImageRef
from hullguard.model.incident import PolicyRef
from hullguard.model.policy import NodePolicies, Policy


class DenyRule(Struct, frozen=True):
    """One detector's part. ``exec`` of false: opening ``paths`` is refused, but for the programs in ``exempt``.

    ``exec`` of true: starting what the image does not have is refused, but for the files in ``exempt``.
    """

    rule: str
    exec: bool
    paths: tuple[str, ...] = ()
    exempt: tuple[str, ...] = ()


class Denial(Struct, frozen=True):
    """All of it for the containers of one policy."""

    policy: PolicyRef
    rules: tuple[DenyRule, ...]


def denial(policies: NodePolicies, image: ImageRef | None, node: str | None = None) -> Denial | None:
    """What to refuse in a container of this image; None if nothing."""
    policy = choose(policies.policies, image, node)
    rules = () if policy is None else _rules(policy)
    return Denial(PolicyRef(policy.id, policy.version), rules) if policy is not None and rules else None


def denies(policies: NodePolicies) -> bool:
    """Whether any policy refuses anything, in whatever container."""
    return any(_rules(policy) for policy in policies.policies if policy.spec.enabled)


def _rules(policy: Policy) -> tuple[DenyRule, ...]:
    found = []
    for name, settings in policy.spec.detectors.items():
        detector = BY_ID.get(name)
        wants = detector.wants(settings) if settings.enabled and detector is not None else None
        if wants is None or not wants.deny:
            continue
        if EventKind.FILE_OPEN in wants.kinds:
            found.append(DenyRule(name, exec=False, paths=wants.paths, exempt=wants.exempt_programs))
        else:
            found.append(DenyRule(name, exec=True, exempt=wants.exempt))
    return tuple(found)
