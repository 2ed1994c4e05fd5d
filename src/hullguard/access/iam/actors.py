"""Those who act without being signed in."""

from hullguard.model.identity import DEFAULT_TENANT, Actor, Role, Scope


def system(tenant: str = DEFAULT_TENANT) -> Actor:
    """The platform itself: first start, schedules."""
    return Actor("system", Scope(tenant), Role.ADMIN)


def stranger(source: str, tenant: str = DEFAULT_TENANT) -> Actor:
    """Somebody who has proved nothing; the audit of a failed sign-in names the address."""
    return Actor("anonymous", Scope(tenant), Role.VIEWER, source=source)
