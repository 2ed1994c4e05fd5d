"""Policies: versioned, changed only by who has seen the present version, and known to the nodes that must run them."""

from typing import Any

import sqlalchemy as sa

from hullguard.model.errors import Conflict, NotFound, Stale
from hullguard.model.ids import new_id
from hullguard.model.page import Page
from hullguard.model.policy import NodePolicies, Policy, PolicySpec
from hullguard.storage.paging import Listing, PageRequest, fetch
from hullguard.storage.stores import wanted
from hullguard.storage.tables import nodes, policies, policy_versions
from hullguard.storage.transaction import Transaction

_LISTING = Listing(
    key=policies.c.id,
    sorts={"name": policies.c.name, "changed_at": policies.c.changed_at, "revision": policies.c.revision},
    default="name",
    search=(policies.c.name, policies.c.comment),
)
_VERSIONS = Listing(key=policy_versions.c.version, sorts={"version": policy_versions.c.version}, default="-version")


class Policies:
    """The policies of a tenant. Every change renews what each node should run, in the same transaction."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    async def get(self, policy: str) -> Policy:
        """One policy as it is now."""
        row = await self._tx.first(sa.select(policies).where(self._tx.mine(policies), policies.c.id == policy))
        if row is None:
            raise NotFound(f"there is no policy {policy[:64]}", "policy.not-found")
        return wanted.policy(row)

    async def page(self, request: PageRequest) -> Page[Policy]:
        """A page of policies."""
        found = await fetch(self._tx, sa.select(policies).where(self._tx.mine(policies)), _LISTING, request)
        return Page([wanted.policy(row) for row in found.rows], found.total, found.cursor)

    async def enabled(self) -> list[Policy]:
        """Those in force, youngest first."""
        return await wanted.enabled(self._tx)

    async def create(self, spec: PolicySpec, by: str, comment: str = "", *, built_in: bool = False) -> Policy:
        """A new policy at version 1."""
        await self._check_name(spec.name, None)
        revision = await wanted.next_revision(self._tx)
        created = Policy(new_id(), 1, revision, spec, self._tx.now, by, comment, built_in)
        await self._tx.insert(policies, {"id": created.id, "name": spec.name, **_values(created)})
        await self._keep_version(created)
        await wanted.check_room(self._tx)
        await wanted.refresh_all(self._tx)
        return created

    async def update(
        self, policy: str, spec: PolicySpec, by: str, comment: str = "", *, expected_version: int
    ) -> Policy:
        """The next version. Raises ``Stale`` if the present one is not ``expected_version``."""
        before = await self._expect(policy, expected_version)
        await self._check_name(spec.name, policy)
        revision = await wanted.next_revision(self._tx)
        after = Policy(policy, before.version + 1, revision, spec, self._tx.now, by, comment, before.built_in)
        change = sa.update(policies).where(self._tx.mine(policies), policies.c.id == policy)
        await self._tx.run(change.values(name=spec.name, **_values(after)))
        await self._keep_version(after)
        await wanted.check_room(self._tx)
        await wanted.refresh_all(self._tx)
        return after

    async def roll_back(self, policy: str, by: str, comment: str = "", *, expected_version: int) -> Policy:
        """A new version with the content of the one before the present."""
        before = await self._expect(policy, expected_version)
        if before.version == 1:
            raise Conflict(
                f"policy {before.spec.name!r} is at its first version; there is none to roll back to",
                "policy.first-version",
            )
        earlier = await self.version(policy, before.version - 1)
        return await self.update(policy, earlier.spec, by, comment, expected_version=expected_version)

    async def renew(self) -> None:
        """Work out anew what each node should run: this release may write the same policies in other bytes."""
        await wanted.refresh_all(self._tx)

    async def delete(self, policy: str, expected_version: int | None = None) -> None:
        """Remove a policy; its versions stay readable. The built-in one can only be disabled."""
        before = await (self.get(policy) if expected_version is None else self._expect(policy, expected_version))
        if before.built_in:
            raise Conflict(
                f"policy {before.spec.name!r} is built in and cannot be deleted; disable it instead", "policy.built-in"
            )
        await self._tx.run(sa.delete(policies).where(self._tx.mine(policies), policies.c.id == policy))
        await wanted.next_revision(self._tx)
        await wanted.refresh_all(self._tx)

    async def versions(self, policy: str, request: PageRequest) -> Page[Policy]:
        """A page of a policy's versions, newest first."""
        select = self._versions(policy)
        found = await fetch(self._tx, select, _VERSIONS, request)
        if not found.total:
            raise NotFound(f"there is no policy {policy[:64]}", "policy.not-found")
        return Page([wanted.policy(row) for row in found.rows], found.total, found.cursor)

    async def version(self, policy: str, version: int) -> Policy:
        """A policy as it was at one version."""
        row = None
        if 0 < version < 2**31:
            row = await self._tx.first(self._versions(policy).where(policy_versions.c.version == version))
        if row is None:
            raise NotFound(f"there is no version {version} of policy {policy[:64]}", "policy.not-found")
        return wanted.policy(row)

    async def for_node(self, node: str) -> NodePolicies:
        """What ``node`` should run; nothing while its protection is off."""
        select = sa.select(nodes.c.protection).where(self._tx.mine(nodes), nodes.c.id == node)
        row = await self._tx.first(select)
        if row is None:
            raise NotFound(f"there is no node {node[:64]}", "node.not-found")
        return await wanted.node_policies(self._tx, node, protection=bool(row.protection))

    async def _expect(self, policy: str, version: int) -> Policy:
        before = await self.get(policy)
        if before.version != version:
            raise Stale(
                f"policy {before.spec.name!r} is at version {before.version} now, not {version}; read it again",
                "policy.stale",
                version=before.version,
            )
        return before

    async def _check_name(self, name: str, except_id: str | None) -> None:
        select = sa.select(policies.c.id).where(self._tx.mine(policies), policies.c.name == name)
        row = await self._tx.first(select)
        if row is not None and row.id != except_id:
            raise Conflict(f"there is a policy named {name!r} already; choose another name", "policy.name-taken")

    async def _keep_version(self, policy: Policy) -> None:
        await self._tx.insert(policy_versions, {"policy": policy.id, **_values(policy)})

    def _versions(self, policy: str) -> sa.Select[Any]:
        return sa.select(policy_versions, policy_versions.c.policy.label("id")).where(
            self._tx.mine(policy_versions), policy_versions.c.policy == policy
        )


def _values(policy: Policy) -> dict[str, Any]:
    return {
        "version": policy.version,
        "revision": policy.revision,
        "spec": policy.spec,
        "changed_at": policy.changed_at,
        "changed_by": policy.changed_by,
        "comment": policy.comment,
        "built_in": policy.built_in,
    }
