"""What people write in policies must fit into the one message that brings them to an agent."""

import secrets

import pytest

from hullguard.model.errors import Conflict
from hullguard.model.policy import Binding, NodePolicies, PolicySpec
from hullguard.storage import Transaction
from hullguard.storage.stores import Policies, wanted
from hullguard.wire import codec
from hullguard.wire.messages import PolicySet


def large(name: str, *, enabled: bool = True) -> PolicySpec:
    """Half a megabyte that hardly compresses by half."""
    nodes = [secrets.token_hex(500) for _ in range(500)]
    return PolicySpec(name, enabled=enabled, binding=Binding(nodes))


async def test_what_would_not_fit_is_refused_and_all_that_is_kept_can_be_sent(tx: Transaction) -> None:
    policies = Policies(tx)
    made = [await policies.create(large(f"p{number}"), "alice") for number in range(3)]
    kept = await wanted.enabled(tx)

    assert codec.encode_frame(codec.encode(PolicySet(NodePolicies(1, "0" * 64, tuple(kept)))))
    await policies.create(large("disabled", enabled=False), "alice")
    with pytest.raises(Conflict) as refused:
        await policies.create(large("one too many"), "alice")
    assert refused.value.code == "policy.too-much"
    with pytest.raises(Conflict):
        await policies.update(made[0].id, large("p0"), "alice", expected_version=1)
