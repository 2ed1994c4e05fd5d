"""The one place where a permission is decided."""

from hullguard.access.iam.roles import permissions
from hullguard.model.errors import Denied
from hullguard.model.identity import Actor, Permission


def may(actor: Actor, permission: Permission) -> bool:
    """Whether the actor holds the permission now. Which rows it covers is the scope's matter, in ``storage``."""
    return not actor.must_change_password and permission in permissions(actor.role)


def authorize(actor: Actor, permission: Permission, subject: str = "") -> None:
    """Raise ``Denied`` unless the actor may do this to the subject (``policy:ID``; empty for a whole list)."""
    require_own_password(actor)
    if permission not in permissions(actor.role):
        raise Denied(
            f"The role {actor.role} may not do this{f' to {subject}' if subject else ''}: it needs the permission "
            f"{permission}. Ask an administrator for another role.",
            "permission-missing",
            permission=permission.value,
            role=actor.role.value,
        )


def require_own_password(actor: Actor) -> None:
    """Nothing works with a one-time password but changing it."""
    if actor.must_change_password:
        raise Denied(
            "This account still has its one-time password. Change it with PUT /api/v1/sessions/current/password first.",
            "password-change-required",
        )
