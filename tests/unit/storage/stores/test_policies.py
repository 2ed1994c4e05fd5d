import pytest
from tests.support.records import enrolled

from hullguard.model.errors import Conflict, NotFound, Stale
from hullguard.model.policy import Binding, DetectorSettings, PolicySpec, policies_hash
from hullguard.storage import PageRequest, Transaction
from hullguard.storage.stores import Nodes, Policies

REQUEST = PageRequest()


def spec(
    name: str = "default", *, nodes: tuple[str, ...] = ("*",), images: tuple[str, ...] = (), on: bool = True
) -> PolicySpec:
    detectors = {"container.terminal-shell": DetectorSettings(parameters={"names": ["sh", "bash"]})}
    return PolicySpec(name, "what it is for", on, detectors, Binding(list(nodes), list(images)))


async def test_a_policy_is_kept_as_it_was_written(tx: Transaction) -> None:
    made = await Policies(tx).create(spec(), "user:alice", "the first", built_in=True)
    assert (made.version, made.revision, made.changed_by, made.comment, made.built_in) == (
        1,
        1,
        "user:alice",
        "the first",
        True,
    )
    assert await Policies(tx).get(made.id) == made
    assert (made.spec, made.changed_at) == (spec(), tx.now)


async def test_only_who_saw_the_present_version_changes_it(tx: Transaction) -> None:
    policies = Policies(tx)
    made = await policies.create(spec(), "user:alice")
    second = await policies.update(made.id, spec("renamed"), "user:bob", "why", expected_version=1)
    assert (second.version, second.revision, second.changed_by) == (2, 2, "user:bob")
    with pytest.raises(Stale) as refused:
        await policies.update(made.id, spec(), "user:alice", expected_version=1)
    assert refused.value.params == {"version": 2}
    with pytest.raises(Stale):
        await policies.delete(made.id, expected_version=1)
    assert await policies.get(made.id) == second


async def test_every_version_stays_readable(tx: Transaction) -> None:
    policies = Policies(tx)
    first = await policies.create(spec(), "user:alice")
    second = await policies.update(first.id, spec("two"), "user:bob", expected_version=1)
    third = await policies.update(first.id, spec("three"), "user:bob", expected_version=2)
    page = await policies.versions(first.id, PageRequest(2))
    assert (page.items, page.total) == ([third, second], 3)
    assert (await policies.versions(first.id, PageRequest(2, page.cursor))).items == [first]
    assert await policies.version(first.id, 2) == second
    await policies.delete(first.id)
    assert await policies.version(first.id, 3) == third
    for missing in (0, -1, 4, 2**70):
        with pytest.raises(NotFound):
            await policies.version(first.id, missing)


async def test_names_are_unique(tx: Transaction) -> None:
    policies = Policies(tx)
    one, two = await policies.create(spec("one"), "user:a"), await policies.create(spec("two"), "user:a")
    with pytest.raises(Conflict, match="one"):
        await policies.create(spec("one"), "user:a")
    with pytest.raises(Conflict, match="one"):
        await policies.update(two.id, spec("one"), "user:a", expected_version=1)
    await policies.update(one.id, spec("one"), "user:a", expected_version=1)
    assert [found.spec.name for found in (await policies.page(REQUEST)).items] == ["one", "two"]
    assert (await policies.page(PageRequest(q="TW"))).items == [two]


async def test_the_built_in_policy_is_not_deleted(tx: Transaction) -> None:
    made = await Policies(tx).create(spec(), "system", built_in=True)
    with pytest.raises(Conflict, match="disable it"):
        await Policies(tx).delete(made.id)
    changed = await Policies(tx).update(made.id, spec(on=False), "user:a", expected_version=1)
    assert changed.built_in


async def test_what_is_gone_is_not_found(tx: Transaction) -> None:
    made = await Policies(tx).create(spec(), "user:a")
    await Policies(tx).delete(made.id, expected_version=1)
    for call in (Policies(tx).get(made.id), Policies(tx).delete(made.id), Policies(tx).for_node("nobody")):
        with pytest.raises(NotFound):
            await call
    with pytest.raises(NotFound):
        await Policies(tx).versions("nothing", REQUEST)


async def test_a_node_gets_what_can_matter_to_it_in_the_order_in_which_it_wins(tx: Transaction) -> None:
    await enrolled(tx, "a")
    await enrolled(tx, "b")
    policies = Policies(tx)
    everyone = await policies.create(spec("everyone"), "user:a")
    young = await policies.create(spec("young"), "user:a")
    only_a = await policies.create(spec("only-a", nodes=("a", "b-but-not-quite")), "user:a")
    nginx = await policies.create(spec("nginx", nodes=(), images=("nginx:*",)), "user:a")
    await policies.create(spec("off", on=False), "user:a")
    await policies.create(spec("unbound", nodes=()), "user:a")
    for_a, for_b = await policies.for_node("a"), await policies.for_node("b")
    assert [found.id for found in for_a.policies] == [nginx.id, only_a.id, young.id, everyone.id]
    assert [found.id for found in for_b.policies] == [nginx.id, young.id, everyone.id]
    assert (for_a.hash, for_a.revision) == (policies_hash(for_a.policies), 6)
    assert for_a.hash != for_b.hash


async def test_what_is_kept_with_each_node_is_what_for_node_would_say(tx: Transaction) -> None:
    for node in ("a", "b", "c"):
        await enrolled(tx, node, protection=node != "c")
    policies = Policies(tx)

    async def check() -> None:
        for node in ("a", "b", "c"):
            kept, now = (await Nodes(tx).get(node)).wanted, await policies.for_node(node)
            assert kept is not None
            assert kept.hash == now.hash

    made = await policies.create(spec(), "user:a")
    await check()
    named = await policies.create(spec("named", nodes=("b", "c", "unknown")), "user:a")
    await check()
    await policies.update(named.id, spec("named", nodes=("a",)), "user:a", expected_version=1)
    await check()
    await Nodes(tx).protect("c", on=False)
    await check()
    await Nodes(tx).protect("a", on=False)
    await check()
    await policies.delete(made.id)
    await check()


async def test_a_node_without_protection_should_run_nothing(tx: Transaction) -> None:
    await enrolled(tx, protection=False)
    await Policies(tx).create(spec(), "user:a")
    wanted = await Policies(tx).for_node("node-1")
    assert (wanted.policies, wanted.hash, wanted.revision) == ((), policies_hash(()), 1)


async def test_a_change_elsewhere_moves_the_revision_but_not_the_hash(tx: Transaction) -> None:
    await enrolled(tx, "a")
    await Policies(tx).create(spec(), "user:a")
    before = await Policies(tx).for_node("a")
    await Policies(tx).create(spec("other", nodes=("b",)), "user:a")
    after = await Policies(tx).for_node("a")
    assert (after.revision, after.hash) == (before.revision + 1, before.hash)


async def test_a_policy_bound_to_an_empty_name_changes_nothing_for_anyone(tx: Transaction) -> None:
    await enrolled(tx)
    await Policies(tx).create(spec("nobody", nodes=("",)), "user:a")
    kept = (await Nodes(tx).get("node-1")).wanted
    assert kept is not None
    assert (kept.hash, (await Policies(tx).for_node("node-1")).policies) == (policies_hash(()), ())
