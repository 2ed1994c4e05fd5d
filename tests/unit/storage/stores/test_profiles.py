"""Profiles: what nodes tell is added up, becomes a list, and is given to agents once a person has accepted it."""

from datetime import timedelta

import pytest
from tests.support.database import START, Clock, walked
from tests.support.records import enrolled, tally

from hullguard.model.condense import MANY_ALIKE, MOST_ENTRIES
from hullguard.model.errors import Conflict, NotFound
from hullguard.model.identity import DEFAULT_TENANT, Scope
from hullguard.model.policy import policies_hash
from hullguard.model.profile import (
    FOLLOWING,
    Behaviour,
    Entry,
    LearningTerms,
    ProfileEntry,
    ProfileState,
    ProfileSummary,
    Tally,
)
from hullguard.storage import PageRequest, Storage, Transaction
from hullguard.storage.stores import EntryFilter, Nodes, Policies, ProfileFilter, Profiles, Told

L, R, M, P = ProfileState.LEARNING, ProfileState.REVIEW, ProfileState.MONITOR, ProfileState.PROTECT
UNTIL_ENDED = LearningTerms(minutes=None, stable_minutes=None)


def told(*tallies: Tally, containers: int = 0, dropped: int = 0) -> Told:
    return Told(containers, dropped, tallies)


@pytest.fixture
async def profile(tx: Transaction) -> ProfileSummary:
    await enrolled(tx)
    return await Profiles(tx).create("nginx", UNTIL_ENDED, "user:a")


async def listed(tx: Transaction, profile: str, **where: object) -> list[ProfileEntry]:
    found = await Profiles(tx).entries(profile, EntryFilter(**where), PageRequest(500))  # type: ignore[arg-type]
    return list(found.items)


async def accepted(tx: Transaction, profile: str) -> ProfileSummary:
    await Profiles(tx).move(profile, R, "user:a")
    return await Profiles(tx).move(profile, M, "user:a")


async def test_what_nodes_tell_adds_up(tx: Transaction, profile: ProfileSummary) -> None:
    store = Profiles(tx)
    assert await store.learn(profile.id, 1, told(tally("/bin/sh", 2, 5), containers=2))
    assert await store.learn(profile.id, 1, told(tally("/bin/sh", 1, 3), tally("/bin/ls"), containers=1, dropped=4))

    assert [(each.what, each.seen, each.times) for each in await listed(tx, profile.id)] == [
        ("/bin/ls", 1, 1),
        ("/bin/sh", 3, 8),
    ]
    found = await store.get(profile.id)
    assert (found.containers, found.entries, found.dropped, found.last_new) == (3, 2, 4, tx.now)


async def test_times_that_cannot_be_are_brought_into_the_time_of_learning(
    tx: Transaction, profile: ProfileSummary
) -> None:
    early, late = START - timedelta(days=1), START + timedelta(days=9)
    await Profiles(tx).learn(profile.id, 1, told(Tally(Behaviour.EXEC, "/bin/sh", 1, 1, early, late)))
    (found,) = await listed(tx, profile.id)

    assert (found.first, found.last) == (START, START)


async def test_only_what_is_being_learned_now_is_taken(tx: Transaction, profile: ProfileSummary) -> None:
    store = Profiles(tx)
    assert not await store.learn(profile.id, 2, told(tally("/bin/sh")))
    assert not await store.learn("none", 1, told(tally("/bin/sh")))
    await store.move(profile.id, R, "user:a")
    assert not await store.learn(profile.id, 1, told(tally("/bin/sh")))

    assert await listed(tx, profile.id) == []


async def test_entries_are_bounded_and_the_rest_is_counted(tx: Transaction, profile: ProfileSummary) -> None:
    store = Profiles(tx)
    for start in range(0, MOST_ENTRIES + 50, 100):
        await store.learn(profile.id, 1, told(*(tally(f"/opt/{start + number}") for number in range(100))))

    found = await store.get(profile.id)
    assert (found.entries, found.dropped) == (MOST_ENTRIES, 100)


async def test_what_is_alike_becomes_one_when_learning_ends(tx: Transaction, profile: ProfileSummary) -> None:
    many = [tally(f"/srv/data/f{number}", number + 1, 2, Behaviour.WRITE) for number in range(MANY_ALIKE + 1)]
    await Profiles(tx).learn(profile.id, 1, told(*many, containers=20))
    await Profiles(tx).move(profile.id, R, "user:a")

    (found,) = await listed(tx, profile.id)
    assert (found.what, found.seen, found.times) == ("/srv/data/*", MANY_ALIKE + 1, 2 * (MANY_ALIKE + 1))


@pytest.mark.parametrize("state", ProfileState)
async def test_only_states_that_follow_can_be_chosen(
    tx: Transaction, profile: ProfileSummary, state: ProfileState
) -> None:
    store = Profiles(tx)
    for step in {L: (), R: (R,), M: (R, M), P: (R, M, P)}[state]:
        await store.move(profile.id, step, "user:a")
    found = await store.get(profile.id)
    assert (found.state, found.allowed) == (state, FOLLOWING[state])
    for other in ProfileState:
        if other not in found.allowed:
            with pytest.raises(Conflict, match="cannot become"):
                await store.move(profile.id, other, "user:a")


async def test_learning_anew_forgets_what_was_learned_but_not_what_people_decided(
    tx: Transaction, profile: ProfileSummary
) -> None:
    store = Profiles(tx)
    await store.learn(profile.id, 1, told(tally("/bin/sh", 2), tally("/bin/nc", 1), containers=2))
    await store.move(profile.id, R, "user:a")
    await store.decide(profile.id, Behaviour.EXEC, "/bin/nc", "user:b", accepted=False)
    again = await store.move(profile.id, L, "user:a", LearningTerms(minutes=5))

    assert (again.generation, again.containers, again.terms.minutes) == (2, 0, 5)
    (kept,) = await listed(tx, profile.id)
    assert (kept.what, kept.accepted, kept.decided_by, kept.seen) == ("/bin/nc", False, "user:b", 0)
    assert await store.learn(profile.id, 2, told(tally("/bin/nc")))
    assert [each.accepted for each in await listed(tx, profile.id)] == [False]


async def test_people_add_remove_and_put_back(tx: Transaction, profile: ProfileSummary) -> None:
    store = Profiles(tx)
    await store.learn(profile.id, 1, told(tally("/bin/sh", 2, 7)))
    removed = await store.decide(profile.id, Behaviour.EXEC, "/bin/sh", "user:b", accepted=False)
    assert (removed.accepted, removed.decided_by, removed.times) == (False, "user:b", 7)
    assert (await store.get(profile.id)).refused == 1
    back = await store.decide(profile.id, Behaviour.EXEC, "/bin/sh", "user:c", accepted=True)
    assert (back.accepted, back.decided_by) == (True, "user:c")
    made = await store.decide(profile.id, Behaviour.CONNECT, "tcp 10.0.0.0/8 443", "user:c", accepted=True)
    assert (made.seen, made.first) == (0, None)

    assert [each.what for each in await listed(tx, profile.id, deed=Behaviour.CONNECT)] == ["tcp 10.0.0.0/8 443"]
    assert await listed(tx, profile.id, accepted=False) == []


async def test_agents_get_what_is_learned_without_its_list_and_what_is_accepted_with_it(
    tx: Transaction, profile: ProfileSummary
) -> None:
    store = Profiles(tx)
    learning = await Policies(tx).for_node("node-1")
    assert [(each.repository, each.state, each.entries) for each in learning.profiles] == [("nginx", L, ())]
    await store.learn(profile.id, 1, told(tally("/bin/sh", 2), containers=2))
    assert (await Policies(tx).for_node("node-1")).hash == learning.hash

    await store.move(profile.id, R, "user:a")
    assert (await Policies(tx).for_node("node-1")).profiles == ()
    await store.move(profile.id, M, "user:a")
    given = await Policies(tx).for_node("node-1")
    assert given.profiles[0].entries == (Entry(Behaviour.EXEC, "/bin/sh", 2),)
    assert given.profiles[0].containers == 2
    assert given.hash == policies_hash(given.policies, given.profiles) != learning.hash


async def test_every_change_reaches_the_nodes(tx: Transaction, profile: ProfileSummary) -> None:
    async def wanted() -> str:
        return (await Policies(tx).for_node("node-1")).hash

    async def kept() -> bool:
        node = await Nodes(tx).get("node-1")
        return node.wanted is not None and node.wanted.hash == await wanted()

    await accepted(tx, profile.id)
    before = await wanted()
    assert await kept()
    await Profiles(tx).decide(profile.id, Behaviour.EXEC, "/bin/sh", "user:a", accepted=True)
    assert await wanted() != before
    assert await kept()
    await Profiles(tx).delete(profile.id)
    assert await kept()
    assert (await Policies(tx).for_node("node-1")).profiles == ()


async def test_there_is_one_profile_of_an_image(tx: Transaction, profile: ProfileSummary) -> None:
    with pytest.raises(Conflict, match="already"):
        await Profiles(tx).create("nginx", UNTIL_ENDED, "user:a")
    await Profiles(tx).delete(profile.id)
    with pytest.raises(NotFound):
        await Profiles(tx).get(profile.id)
    again = await Profiles(tx).create("nginx", UNTIL_ENDED, "user:a")
    assert await listed(tx, again.id) == []


async def test_lists_are_paged_and_filtered(tx: Transaction, profile: ProfileSummary) -> None:
    for number in range(7):
        await Profiles(tx).create(f"image-{number}", UNTIL_ENDED, "user:a")
    await Profiles(tx).move(profile.id, R, "user:a")

    async def page(request: PageRequest) -> object:
        return await Profiles(tx).page(ProfileFilter(frozenset({L})), request)

    assert len(await walked(page, sort="-changed_at")) == 7  # type: ignore[arg-type]


class TestEndOfLearning:
    async def began(self, storage: Storage, terms: LearningTerms) -> str:
        async with storage.transaction(Scope(DEFAULT_TENANT)) as tx:
            made = await Profiles(tx).create("nginx", terms, "user:a")
            await Profiles(tx).learn(made.id, 1, told(tally("/bin/sh"), containers=2))
        return made.id

    async def over(self, storage: Storage) -> list[ProfileState]:
        async with storage.transaction(Scope(DEFAULT_TENANT)) as tx:
            return [each.state for each in await Profiles(tx).finish_learning()]

    async def test_after_its_time(self, storage: Storage, clock: Clock) -> None:
        await self.began(storage, LearningTerms(minutes=60, stable_minutes=None))
        clock.forward(minutes=59)
        assert await self.over(storage) == []
        clock.forward(minutes=1)
        assert await self.over(storage) == [R]
        assert await self.over(storage) == []

    async def test_once_nothing_new_comes(self, storage: Storage, clock: Clock) -> None:
        profile = await self.began(storage, LearningTerms(minutes=None, stable_minutes=10))
        clock.forward(minutes=9)
        async with storage.transaction(Scope(DEFAULT_TENANT)) as tx:
            await Profiles(tx).learn(profile, 1, told(tally("/bin/ls")))
        clock.forward(minutes=9)
        async with storage.transaction(Scope(DEFAULT_TENANT)) as tx:
            await Profiles(tx).learn(profile, 1, told(tally("/bin/ls")))
        assert await self.over(storage) == []
        clock.forward(minutes=1)
        assert await self.over(storage) == [R]

    async def test_not_before_enough_containers_were_seen(self, storage: Storage, clock: Clock) -> None:
        await self.began(storage, LearningTerms(minutes=None, stable_minutes=10, stable_containers=3))
        clock.forward(days=30)
        assert await self.over(storage) == []
