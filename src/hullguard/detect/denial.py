"""What must be refused in a container before it happens, compiled from a node's policies."""

from msgspec import Struct

from hullguard.detect.choice import choose
from hullguard.detect.detectors.catalog import BY_ID
from hullguard.detect.detectors.departure import DEPARTURE, Departure
from hullguard.detect.parameters import strings
from hullguard.detect.profiles import profile_of
from hullguard.model.event import EventKind, ImageRef
from hullguard.model.incident import PolicyRef
from hullguard.model.policy import Action, NodePolicies, Policy
from hullguard.model.profile import Behaviour, Profile, ProfileState


class DenyRule(Struct, frozen=True):
    """One detector's part. ``exec`` of false: opening ``paths`` is refused, but for the programs in ``exempt``.

    ``exec`` of true: starting what the image does not have is refused, but for the files in ``exempt``.
    """

    rule: str
    exec: bool
    paths: tuple[str, ...] = ()
    exempt: tuple[str, ...] = ()


class Listed(Struct, frozen=True):
    """An image's profile in force: other programs are not started, other files are not opened for writing.

    All of them are path patterns. What lies in ``exempt``, and what ``installers`` of the image's own do, is let.
    """

    rule: str
    programs: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    exempt: tuple[str, ...] = ()
    installers: tuple[str, ...] = ()


class Denial(Struct, frozen=True):
    """All of it for the containers of one policy, and of one image where that has a profile."""

    policy: PolicyRef
    rules: tuple[DenyRule, ...]
    listed: Listed | None = None


def denial(policies: NodePolicies, image: ImageRef | None, node: str | None = None) -> Denial | None:
    """What to refuse in a container of this image; None if nothing."""
    policy = choose(policies.policies, image, node)
    if policy is None:
        return None
    rules = _rules(policy)
    profile = profile_of(policies.profiles, image.name if image else None)
    listed = None if profile is None else _listed(policy, profile)
    return Denial(PolicyRef(policy.id, policy.version), rules, listed) if rules or listed else None


def denies(policies: NodePolicies) -> bool:
    """Whether any policy refuses anything, in whatever container."""
    return any(
        _rules(policy) or any(_listed(policy, profile) for profile in policies.profiles)
        for policy in policies.policies
        if policy.spec.enabled
    )


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


def protects(policy: Policy, profile: Profile) -> bool:
    """Whether what departs from the profile is refused in containers under the policy."""
    settings = policy.spec.detectors.get(DEPARTURE)
    denied = settings is not None and settings.enabled and settings.action is Action.DENY
    return policy.spec.enabled and denied and profile.state is ProfileState.PROTECT


def _listed(policy: Policy, profile: Profile) -> Listed | None:
    settings = policy.spec.detectors.get(DEPARTURE)
    if settings is None or not protects(policy, profile):
        return None
    accepted = {deed: tuple(e.what for e in profile.entries if e.accepted and e.deed is deed) for deed in Behaviour}
    return Listed(
        DEPARTURE,
        programs=accepted[Behaviour.EXEC],
        files=accepted[Behaviour.WRITE],
        exempt=strings(Departure.info, settings, "exempt_paths"),
        installers=strings(Departure.info, settings, "installers"),
    )
