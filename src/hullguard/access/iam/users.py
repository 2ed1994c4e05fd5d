"""Users: made with a one-time password, and never so changed that nobody is left to administer."""

from typing import NamedTuple

from hullguard import audit
from hullguard.access.iam import tokens
from hullguard.access.iam.passwords import Passwords, one_time_password
from hullguard.access.iam.roles import at_most
from hullguard.model.errors import Conflict, Denied
from hullguard.model.identity import Actor, Role, User
from hullguard.storage import Transaction
from hullguard.storage.stores import Sessions, Users


class OneTime(NamedTuple):
    """A one-time password and its hash, made before the transaction: hashing takes longer than a lock should."""

    password: str
    hash: str


async def one_time(passwords: Passwords) -> OneTime:
    """A new one-time password."""
    password = one_time_password()
    return OneTime(password, await passwords.hash(password))


async def create(tx: Transaction, actor: Actor, name: str, role: Role, password: OneTime) -> User:
    """A new user who must change the password first."""
    _require_covered(actor, role)
    user = await Users(tx).create(name, role, password.hash, must_change_password=True)
    await audit.record(tx, actor, "user.create", f"user:{name}", details={"role": role.value})
    return user


async def change(
    tx: Transaction,
    actor: Actor,
    user: str,
    *,
    role: Role | None = None,
    disabled: bool | None = None,
    password: OneTime | None = None,
) -> User:
    """Change what is not None; the user's sessions and API tokens end with it."""
    before = await Users(tx).get(user)
    _require_another(actor, before)
    _require_covered(actor, before.role)
    if role is not None:
        _require_covered(actor, role)
    if disabled or role not in (None, Role.ADMIN):
        await _require_an_administrator_without(tx, before)
    after = await Users(tx).update(user, role=role, disabled=disabled)
    if password is not None:
        await Users(tx).set_password(user, password.hash, must_change_password=True)
        after = await Users(tx).get(user)
    await Sessions(tx).delete_for_user(user)
    await tokens.revoke_all(tx, user)
    details = {"role": after.role.value, "disabled": str(after.disabled).lower()}
    if password is not None:
        details["password"] = "reset"  # noqa: S105 -- says that, not what
    await audit.record(tx, actor, "user.update", f"user:{before.name}", details=details)
    return after


async def delete(tx: Transaction, actor: Actor, user: str) -> None:
    """Remove a user with all sessions and API tokens."""
    gone = await Users(tx).get(user)
    _require_another(actor, gone)
    _require_covered(actor, gone.role)
    await _require_an_administrator_without(tx, gone)
    await Users(tx).delete(user)
    await audit.record(tx, actor, "user.delete", f"user:{gone.name}", details={"role": gone.role.value})


def _require_another(actor: Actor, user: User) -> None:
    if actor.user == user.id:
        raise Conflict(
            "You cannot change your own account here; another administrator can. Your password: "
            "PUT /api/v1/sessions/current/password.",
            "user.self",
        )


def _require_covered(actor: Actor, role: Role) -> None:
    if not at_most(role, actor.role):
        raise Denied(
            f"The role {actor.role} cannot manage users of the role {role}.", "role-above-own", role=role.value
        )


async def _require_an_administrator_without(tx: Transaction, user: User) -> None:
    administers = user.role is Role.ADMIN and not user.disabled
    if administers and await Users(tx).count(Role.ADMIN) <= 1:
        raise Conflict("This is the last administrator. Make another one first.", "user.last-administrator")
