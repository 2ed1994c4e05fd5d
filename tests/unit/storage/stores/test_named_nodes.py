"""A policy may name ten thousand nodes: what each should run is right, and worked out once for all that run the same."""

import pytest
from tests.support.records import enrolled

from hullguard.model.policy import Binding, PolicySpec, policies_hash
from hullguard.storage import Transaction
from hullguard.storage.stores import Nodes, Policies, wanted

NAMED = [f"node-{number}" for number in range(60)]


async def test_nodes_that_the_same_policies_name_are_hashed_once(
    tx: Transaction, monkeypatch: pytest.MonkeyPatch
) -> None:
    for node in (*NAMED[:3], NAMED[-1], "unnamed"):
        await enrolled(tx, node)
        await Nodes(tx).protect(node, on=True)
    policies = Policies(tx)
    everyone = await policies.create(PolicySpec("everyone", binding=Binding(["*"])), "alice")
    most = await policies.create(PolicySpec("most", binding=Binding(NAMED[1:])), "alice")
    hashed = []
    monkeypatch.setattr(wanted, "policies_hash", lambda *what: hashed.append(what) or policies_hash(*what))

    some = await policies.create(PolicySpec("some", binding=Binding([*NAMED[2:], "node-2", "*"])), "alice")

    assert len(hashed) == 4  # nothing, what nobody names, "most" alone, both
    for node, expected in {
        "unnamed": (some, everyone),
        NAMED[0]: (some, everyone),
        NAMED[1]: (most, some, everyone),
        NAMED[2]: (some, most, everyone),
        NAMED[-1]: (some, most, everyone),
    }.items():
        assert (await Policies(tx).for_node(node)).policies == expected
        found = (await Nodes(tx).get(node)).wanted
        assert found is not None
        assert found.hash == policies_hash(expected)
