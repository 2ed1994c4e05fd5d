import pytest
from tests.support.records import enrolled

from hullguard.access.billing.quota import protect
from hullguard.model.errors import NotFound, QuotaExhausted
from hullguard.storage import Transaction
from hullguard.storage.stores import Nodes, Quotas


@pytest.fixture
async def node(tx: Transaction) -> str:
    return await enrolled(tx, "n1", protection=False)


async def test_protecting_takes_one_unit_once(tx: Transaction, node: str):
    after, changed = await protect(tx, node, on=True)
    assert (after.protection, changed) == (True, True)
    again, changed = await protect(tx, node, on=True)

    assert (again.protection, changed) == (True, False)
    assert (await Quotas(tx).get()).used == 1


async def test_no_longer_protecting_gives_it_back_once(tx: Transaction, node: str):
    await protect(tx, node, on=True)
    assert (await protect(tx, node, on=False))[1] is True
    assert (await protect(tx, node, on=False))[1] is False

    assert (await Quotas(tx).get()).used == 0


async def test_without_a_unit_nothing_changes(tx: Transaction, node: str):
    await Quotas(tx).set_total(0)
    with pytest.raises(QuotaExhausted):
        await protect(tx, node, on=True)

    assert (await Nodes(tx).get(node)).protection is False
    assert (await Quotas(tx).get()).used == 0


async def test_an_unknown_node_takes_nothing(tx: Transaction):
    with pytest.raises(NotFound):
        await protect(tx, "nobody", on=True)

    assert (await Quotas(tx).get()).used == 0
