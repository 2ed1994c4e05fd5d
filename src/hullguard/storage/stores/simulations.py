"""What policies and profiles would have stopped, were they in force: counted from the observations that say so."""

from datetime import datetime

import sqlalchemy as sa

from hullguard.model.policy import Action, Policy, SimulatedDeed, Simulation
from hullguard.model.profile import ProfileSummary
from hullguard.storage.paging import PageRequest
from hullguard.storage.stores.policies import Policies
from hullguard.storage.tables import incidents, observations
from hullguard.storage.transaction import Row, Transaction

_MOST_GROUPS = 100
_MOST_VERSIONS = 50


class Simulations:
    """Of the policies and profiles of a scope."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    async def of(self, policy: str) -> Simulation:
        """Counts since the policy detects what it detects now: how far it is rolled out may have changed since."""
        first = await self._first_alike(policy)
        table = observations.c
        these = sa.and_(table.simulated_by == policy, table.simulated_version >= first.version)
        return await self._counted(these, policy, first.version, first.changed_at)

    async def of_profile(self, profile: ProfileSummary, rule: str) -> Simulation:
        """What departed and was not answered, since containers are judged by the list as it is.

        ``rule`` is that of departures. The same one of a container is told once an hour: all of these count as one.
        """
        table, name, repository = observations.c, incidents.c.image_name, profile.repository
        tagged = [name.startswith(f"{repository}{separator}", autoescape=True) for separator in ":@"]
        since = profile.judged_since or profile.changed_at
        these = sa.and_(table.rule == rule, table.would.is_not(None), table.at >= since)
        return await self._counted(
            sa.and_(these, sa.or_(name == repository, *tagged)), profile.id, profile.version, since
        )

    async def _counted(self, these: sa.ColumnElement[bool], of_what: str, version: int, since: datetime) -> Simulation:
        table, of = observations.c, incidents.c
        both = sa.and_(of.tenant == table.tenant, of.id == table.incident)
        condition = sa.and_(self._tx.mine(observations), these)
        joined = observations.join(incidents, both)
        by = (of.container, of.node, table.rule, table.would)
        containers = sa.select(sa.func.count(of.container.distinct()))
        deeds = sa.func.count().label("deeds")
        groups = (
            sa.select(
                *by,
                sa.func.max(of.container_name).label("container_name"),
                sa.func.max(of.image_name).label("image_name"),
                sa.func.max(of.node_name).label("node_name"),
                deeds,
                sa.func.min(table.at).label("first_at"),
                sa.func.max(table.at).label("last_at"),
            )
            .select_from(joined)
            .where(condition)
            .group_by(*by)
            .order_by(deeds.desc(), *by)
            .limit(_MOST_GROUPS)
        )
        return Simulation(
            of_what,
            version,
            since,
            int(await self._tx.scalar(containers.select_from(joined).where(condition)) or 0),
            int(await self._tx.scalar(sa.select(sa.func.count()).select_from(joined).where(condition)) or 0),
            tuple(map(_group, await self._tx.all(groups))),
        )

    async def _first_alike(self, policy: str) -> Policy:
        """The oldest version from which on nothing changed of what is detected where."""
        found = await Policies(self._tx).versions(policy, PageRequest(_MOST_VERSIONS))
        first = found.items[0]
        for older in found.items[1:]:
            if _stopping(older) != _stopping(first):
                break
            first = older
        return first


def _stopping(policy: Policy) -> tuple[object, ...]:
    """What decides what a policy would stop."""
    return policy.spec.detectors, policy.spec.rules, policy.spec.binding


def _group(row: Row) -> SimulatedDeed:
    return SimulatedDeed(
        container=row.container,
        container_name=row.container_name,
        image_name=row.image_name or "",
        node=row.node,
        node_name=row.node_name,
        rule=row.rule,
        would=Action(row.would),
        deeds=row.deeds,
        first=row.first_at,
        last=row.last_at,
    )
