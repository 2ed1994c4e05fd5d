"""Profiles of images: learned from what agents tell, reviewed, and given to agents with their policies."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from msgspec import Struct

from hullguard.model.condense import MOST_ENTRIES, condensed
from hullguard.model.errors import Conflict, NotFound
from hullguard.model.ids import derived_id, new_id
from hullguard.model.page import Page
from hullguard.model.profile import (
    FOLLOWING,
    Behaviour,
    LearningTerms,
    ProfileEntry,
    ProfileState,
    ProfileSummary,
    Tally,
)
from hullguard.model.rollout import Rollout
from hullguard.storage.paging import Listing, PageRequest, fetch
from hullguard.storage.stores import wanted
from hullguard.storage.tables import profile_entries, profiles
from hullguard.storage.transaction import Row, Transaction

MOST_PROFILES = 500
"""Of a tenant: agents look through all of them."""

_ENTRIES = (
    sa.select(
        profile_entries.c.tenant,
        profile_entries.c.profile,
        sa.func.count().label("entries"),
        sa.func.sum(sa.case((profile_entries.c.accepted, 0), else_=1)).label("refused"),
    )
    .group_by(profile_entries.c.tenant, profile_entries.c.profile)
    .subquery()
)
_LISTING = Listing(
    key=profiles.c.id,
    sorts={
        "repository": profiles.c.repository,
        "state": profiles.c.state,
        "changed_at": profiles.c.changed_at,
        "containers": profiles.c.containers,
    },
    default="repository",
    search=(profiles.c.repository,),
)
_ENTRY_LISTING = Listing(
    key=profile_entries.c.id,
    sorts={
        "what": profile_entries.c.what,
        "seen": profile_entries.c.seen,
        "times": profile_entries.c.times,
    },
    default="what",
    search=(profile_entries.c.what,),
)


class ProfileFilter(Struct, frozen=True):
    """Which profiles."""

    state: frozenset[ProfileState] = frozenset()


class EntryFilter(Struct, frozen=True):
    """Which entries of a profile."""

    deed: Behaviour | None = None
    accepted: bool | None = None


class Profiles:
    """The profiles of a tenant. What agents must know of a change is worked out in the same transaction."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    async def get(self, profile: str) -> ProfileSummary:
        """One profile."""
        row = await self._tx.first(self._select().where(profiles.c.id == profile))
        if row is None:
            raise NotFound(f"there is no profile {profile[:64]}", "profile.not-found")
        return _summary(row)

    async def page(self, where: ProfileFilter, request: PageRequest) -> Page[ProfileSummary]:
        """A page of profiles."""
        select = self._select()
        if where.state:
            select = select.where(profiles.c.state.in_([state.value for state in where.state]))
        found = await fetch(self._tx, select, _LISTING, request)
        return Page([_summary(row) for row in found.rows], found.total, found.cursor)

    async def entries(self, profile: str, where: EntryFilter, request: PageRequest) -> Page[ProfileEntry]:
        """A page of a profile's entries."""
        await self.get(profile)
        select = sa.select(profile_entries).where(*self._of(profile))
        if where.deed is not None:
            select = select.where(profile_entries.c.deed == where.deed.value)
        if where.accepted is not None:
            select = select.where(profile_entries.c.accepted == where.accepted)
        found = await fetch(self._tx, select, _ENTRY_LISTING, request)
        return Page([_entry(row) for row in found.rows], found.total, found.cursor)

    async def create(self, repository: str, terms: LearningTerms, by: str) -> ProfileSummary:
        """Begin to learn what containers of an image do."""
        same = sa.select(profiles.c.id).where(self._tx.mine(profiles), profiles.c.repository == repository)
        if await self._tx.first(same) is not None:
            raise Conflict(f"there is a profile of {repository!r} already; learn it anew instead", "profile.exists")
        count = sa.select(sa.func.count()).select_from(profiles).where(self._tx.mine(profiles))
        if int(await self._tx.scalar(count) or 0) >= MOST_PROFILES:
            raise Conflict(f"there are {MOST_PROFILES} profiles, the most there can be; delete one", "profile.too-many")
        profile = new_id()
        values = {
            "id": profile,
            "repository": repository,
            "state": ProfileState.LEARNING.value,
            "generation": 1,
            "terms": terms,
            "started": self._tx.now,
            "changed_at": self._tx.now,
            "changed_by": by,
        }
        await self._tx.insert(profiles, values)
        await self._tell_agents()
        return await self.get(profile)

    async def move(
        self,
        profile: str,
        state: ProfileState,
        by: str,
        terms: LearningTerms | None = None,
        rollout: Rollout | None = None,
    ) -> ProfileSummary:
        """Put it into another state; ``Conflict`` if that does not follow the present one.

        ``rollout`` is for protecting: where it does; without, everywhere. Learning anew forgets what was learned, but
        not what people removed or added.
        """
        before = await self.get(profile)
        if state not in before.allowed:
            raise Conflict(
                f"a profile in state {before.state} cannot become {state}; it can become {', '.join(before.allowed)}",
                "profile.state",
                state=before.state.value,
            )
        values: dict[str, Any] = {"state": state.value, **self._change(by)}
        if state is ProfileState.PROTECT:
            values["rollout"] = rollout or Rollout()
        elif state is not ProfileState.MONITOR:
            values["judged_since"] = None
        elif before.judged_since is None:
            values["judged_since"] = self._tx.now
        if state is ProfileState.LEARNING:
            values |= {"generation": before.generation + 1, "started": self._tx.now, "last_new": None}
            values |= {"containers": 0, "dropped": 0, "terms": terms or before.terms}
            learned = profile_entries.c.decided_by.is_(None)
            await self._tx.run(sa.delete(profile_entries).where(*self._of(profile), learned))
            await self._tx.run(sa.update(profile_entries).where(*self._of(profile)).values(seen=0, times=0))
        if before.state is ProfileState.LEARNING:
            await self._condense(profile)
        await self._tx.run(self._update(profile).values(**values))
        await self._tell_agents()
        return await self.get(profile)

    async def decide(self, profile: str, deed: Behaviour, what: str, by: str, *, accepted: bool) -> ProfileEntry:
        """Accept or refuse one thing, whether or not it was ever seen."""
        summary = await self.get(profile)
        entry = _id(profile, deed, what)
        known = await self._tx.first(
            sa.select(profile_entries).where(*self._of(profile), profile_entries.c.id == entry)
        )
        if known is None and summary.entries >= MOST_ENTRIES:
            raise Conflict(f"a profile holds at most {MOST_ENTRIES} entries", "profile.full")
        row = {"id": entry, "profile": profile, "deed": deed.value, "what": what}
        decided = {"accepted": accepted, "decided_by": by}
        await self._tx.upsert(profile_entries, {**row, **decided}, update=["accepted", "decided_by"])
        judged = {} if summary.judged_since is None else {"judged_since": self._tx.now}
        await self._tx.run(self._update(profile).values(**self._change(by), **judged))
        await self._tell_agents()
        found = await self._tx.first(
            sa.select(profile_entries).where(*self._of(profile), profile_entries.c.id == entry)
        )
        return _entry(found)

    async def has(self, profile: str, deed: Behaviour, what: str) -> bool:
        """Whether the profile has this very entry, accepted or refused."""
        return bool(await self._known(profile, [_id(profile, deed, what)]))

    async def delete(self, profile: str) -> ProfileSummary:
        """Forget a profile with all its entries."""
        before = await self.get(profile)
        await self._tx.run(sa.delete(profile_entries).where(*self._of(profile)))
        await self._tx.run(sa.delete(profiles).where(self._tx.mine(profiles), profiles.c.id == profile))
        await self._tell_agents()
        return before

    async def learn(self, profile: str, generation: int, told: "Told") -> bool:
        """Add what a node has seen. False if that is not what is being learned (any more)."""
        row = await self._tx.first(sa.select(profiles).where(self._tx.tenants(profiles), profiles.c.id == profile))
        if row is None or row.state != ProfileState.LEARNING or row.generation != generation:
            return False
        rows = {_id(profile, each.deed, each.what): each for each in told.tallies}
        known = await self._known(profile, rows)
        new = [each for each in rows if each not in known]
        room = await self._room(profile, len(new))
        kept = {key: each for key, each in rows.items() if key in known or key in new[:room]}
        values = [
            {
                "id": key,
                "profile": profile,
                "deed": each.deed.value,
                "what": each.what,
                "seen": each.containers,
                "times": each.times,
                # A node's clock may be anything: what it says lies within the time of learning.
                "first": min(max(each.first, row.started), self._tx.now),
                "last": min(max(each.last, row.started), self._tx.now),
            }
            for key, each in kept.items()
        ]
        await self._tx.upsert(profile_entries, values, update=["last"], add=["seen", "times"])
        change: dict[str, Any] = {
            "containers": profiles.c.containers + told.containers,
            "dropped": profiles.c.dropped + told.dropped + len(rows) - len(kept),
        }
        if len(kept) > len(known):
            change["last_new"] = self._tx.now
        await self._tx.run(self._update(profile).values(**change))
        return True

    async def finish_learning(self) -> list[ProfileSummary]:
        """Put those into review whose learning is over by their terms."""
        learning = self._select().where(profiles.c.state == ProfileState.LEARNING.value)
        over = [each for each in map(_summary, await self._tx.all(learning)) if _is_over(each, self._tx)]
        return [await self.move(each.id, ProfileState.REVIEW, "system") for each in over]

    async def _known(self, profile: str, ids: Iterable[str]) -> set[str]:
        select = sa.select(profile_entries.c.id).where(*self._of(profile), profile_entries.c.id.in_(list(ids)))
        return {row.id for row in await self._tx.all(select)}

    async def _room(self, profile: str, wanted_room: int) -> int:
        room = MOST_ENTRIES - await self._count(profile)
        if room < wanted_room:
            await self._condense(profile)
            room = MOST_ENTRIES - await self._count(profile)
        return max(room, 0)

    async def _count(self, profile: str) -> int:
        select = sa.select(sa.func.count()).select_from(profile_entries).where(*self._of(profile))
        return int(await self._tx.scalar(select) or 0)

    async def _condense(self, profile: str) -> None:
        """Many learned entries that are alike become one."""
        learned = profile_entries.c.decided_by.is_(None)
        rows = await self._tx.all(sa.select(profile_entries).where(*self._of(profile), learned))
        by_key = {(Behaviour(row.deed), row.what): row for row in rows}
        groups: dict[tuple[Behaviour, str], list[Row]] = {}
        for key, wide in condensed(by_key).items():
            if key != wide:
                groups.setdefault(wide, []).append(by_key[key])
        for (deed, what), members in groups.items():
            ids = [row.id for row in members]
            values = {
                "id": _id(profile, deed, what),
                "profile": profile,
                "deed": deed.value,
                "what": what,
                # Which containers did which is not known any more: at least as many as did the most common.
                "seen": max(row.seen for row in members),
                "times": sum(row.times for row in members),
                "first": min(row.first for row in members),
                "last": max(row.last for row in members),
            }
            await self._tx.run(sa.delete(profile_entries).where(*self._of(profile), profile_entries.c.id.in_(ids)))
            await self._tx.upsert(profile_entries, values, update=["last"], add=["times"])

    def _change(self, by: str) -> dict[str, Any]:
        return {"version": profiles.c.version + 1, "changed_at": self._tx.now, "changed_by": by}

    async def _tell_agents(self) -> None:
        await wanted.next_revision(self._tx)
        await wanted.check_room(self._tx)
        await wanted.refresh_all(self._tx)

    def _select(self) -> sa.Select[Any]:
        counted = sa.and_(_ENTRIES.c.tenant == profiles.c.tenant, _ENTRIES.c.profile == profiles.c.id)
        return (
            sa.select(profiles, _ENTRIES.c.entries, _ENTRIES.c.refused)
            .select_from(profiles.outerjoin(_ENTRIES, counted))
            .where(self._tx.mine(profiles))
        )

    def _update(self, profile: str) -> sa.Update:
        return sa.update(profiles).where(self._tx.mine(profiles), profiles.c.id == profile)

    def _of(self, profile: str) -> tuple[sa.ColumnElement[bool], ...]:
        return self._tx.mine(profile_entries), profile_entries.c.profile == profile


class Told(Struct, frozen=True):
    """What a node says beyond what it said before."""

    containers: int
    dropped: int
    tallies: tuple[Tally, ...]


def _is_over(profile: ProfileSummary, tx: Transaction) -> bool:
    terms = profile.terms
    if terms.minutes is not None and tx.now >= profile.started + timedelta(minutes=terms.minutes):
        return True
    if terms.stable_minutes is None or profile.containers < terms.stable_containers or profile.last_new is None:
        return False
    return tx.now >= profile.last_new + timedelta(minutes=terms.stable_minutes)


def _id(profile: str, deed: Behaviour, what: str) -> str:
    return derived_id(profile, deed.value, what)


def _summary(row: Row) -> ProfileSummary:
    state = ProfileState(row.state)
    return ProfileSummary(
        id=row.id,
        repository=row.repository,
        state=state,
        generation=int(row.generation),
        terms=row.terms,
        started=row.started,
        last_new=row.last_new,
        containers=int(row.containers),
        entries=int(row.entries or 0),
        refused=int(row.refused or 0),
        dropped=int(row.dropped),
        version=int(row.version),
        rollout=row.rollout or Rollout(),
        judged_since=row.judged_since,
        changed_at=row.changed_at,
        changed_by=row.changed_by,
        allowed=FOLLOWING[state],
    )


def _entry(row: Row) -> ProfileEntry:
    return ProfileEntry(
        Behaviour(row.deed),
        row.what,
        int(row.seen),
        int(row.times),
        row.first,
        row.last,
        bool(row.accepted),
        row.decided_by,
    )
