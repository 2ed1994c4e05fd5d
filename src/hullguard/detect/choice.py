"""Which of a node's policies holds for a container."""

from collections.abc import Sequence
from fnmatch import fnmatchcase

from hullguard.model.event import ImageRef
from hullguard.model.policy import Policy


def choose(policies: Sequence[Policy], image: ImageRef | None, node: str | None = None) -> Policy | None:
    """One bound to the image wins over one bound to the node, and that over ``*``; else the first wins.

    ``node`` of None takes the policies' word that they are this node's. A container whose image is unknown gets no
    policy bound to an image.
    """
    enabled = [policy for policy in policies if policy.spec.enabled]
    if image is not None:
        for policy in enabled:
            if any(fnmatchcase(image.name, pattern) for pattern in policy.spec.binding.images):
                return policy
    for policy in enabled:
        nodes = policy.spec.binding.nodes
        if (node in nodes) if node is not None else (nodes and "*" not in nodes):
            return policy
    return next((policy for policy in enabled if "*" in policy.spec.binding.nodes), None)
