from tests.support.database import SCOPE

from hullguard.access.iam import denials
from hullguard.cache import MemoryCache
from hullguard.model.identity import Actor, Role, Scope
from hullguard.storage import PageRequest, Storage
from hullguard.storage.stores import Audit, AuditFilter


def actor(name: str, source: str = "192.0.2.1") -> Actor:
    return Actor(name, Scope("default"), Role.VIEWER, source=source)


async def written(storage: Storage) -> int:
    async with storage.reading(SCOPE) as tx:
        return (await Audit(tx).page(AuditFilter(outcome="denied"), PageRequest())).total


async def test_a_refusal_is_written_with_its_reason(storage: Storage):
    assert await denials.record(storage, MemoryCache(), actor("user:eve"), "policy.delete", "policy:1", reason="why")
    async with storage.reading(SCOPE) as tx:
        record = (await Audit(tx).page(AuditFilter(), PageRequest())).items[0]

    assert (record.actor, record.outcome, record.reason, record.source) == ("user:eve", "denied", "why", "192.0.2.1")
    assert record.details == {}


async def test_one_actor_cannot_fill_the_audit_and_the_last_record_says_so(storage: Storage):
    cache = MemoryCache()
    kept = [await denials.record(storage, cache, actor("user:eve"), "a", "b", reason="c") for _ in range(40)]

    assert kept == [True] * 20 + [False] * 20
    async with storage.reading(SCOPE) as tx:
        newest = (await Audit(tx).page(AuditFilter(), PageRequest(limit=1))).items[0]
    assert "more" in newest.details
    assert await denials.record(storage, cache, actor("user:bob"), "a", "b", reason="c")


async def test_many_addresses_cannot_either(storage: Storage):
    cache = MemoryCache()
    for number in range(250):
        await denials.record(storage, cache, actor("anonymous", f"192.0.2.{number}"), "a", "b", reason="c")

    assert await written(storage) == 200
