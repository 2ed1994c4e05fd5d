"""The policy that holds before anyone wrote one: every detector alerts, none stops anything."""

from datetime import UTC, datetime

from hullguard.detect.detectors.catalog import DETECTORS
from hullguard.model.policy import Binding, DetectorSettings, NodePolicies, Policy, PolicySpec


def default_policy() -> PolicySpec:
    """A tenant's first policy."""
    return PolicySpec(
        name="default",
        description="Every detector alerts on every node.",
        detectors={detector.info.id: DetectorSettings() for detector in DETECTORS},
        binding=Binding(nodes=["*"]),
    )


def default_policies() -> NodePolicies:
    """What an agent runs until its server has spoken; revision 0 is older than any that a server gives."""
    never = datetime.fromtimestamp(0, UTC)
    policy = Policy(
        id="default",
        version=0,
        revision=0,
        spec=default_policy(),
        changed_at=never,
        changed_by="system",
        built_in=True,
    )
    return NodePolicies(revision=0, hash="", policies=(policy,))
