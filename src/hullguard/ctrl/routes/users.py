"""Local users."""

from typing import Annotated, Final

from litestar import delete, get, patch, post
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, JSONBody
from msgspec import UNSET, Meta, Struct, UnsetType

from hullguard.access.iam import users
from hullguard.ctrl.call import Call
from hullguard.ctrl.listing import Searched
from hullguard.model.errors import Invalid
from hullguard.model.identity import Permission, Role, User
from hullguard.model.page import Page
from hullguard.storage.stores import Users

UserName = Annotated[
    # `$` alone would let a line break follow.
    str,
    Meta(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$(?!\n)", description="Lower case letters, digits, dots, dashes."),
]


class UserInput(Struct, frozen=True, forbid_unknown_fields=True):
    """A new user."""

    name: UserName
    role: Role


class UserPatch(Struct, frozen=True, forbid_unknown_fields=True):
    """What may change about a user; what is left out stays."""

    role: Role | UnsetType = UNSET
    disabled: bool | UnsetType = UNSET
    reset_password: bool | UnsetType = UNSET
    """True replaces the password by a new one-time password."""


class NewUser(Struct, frozen=True):
    """A user and the one-time password, which is shown only now; null if the password stays as it is."""

    user: User
    one_time_password: str | None


@get("/users", permission=Permission.USERS_READ)
async def list_users(call: NamedDependency[Call], filters: NamedDependency[Searched]) -> Page[User]:
    """The users."""
    async with call.reading() as tx:
        return await Users(tx).page(filters.page())


@post("/users", permission=Permission.USERS_WRITE, refusals=(409, 503))
async def create_user(call: NamedDependency[Call], data: JSONBody[UserInput]) -> NewUser:
    """Create a user with a one-time password."""
    password = await users.one_time(call.services.passwords)
    async with call.changing() as tx:
        user = await users.create(tx, call.actor, data.name, data.role, password)
    return NewUser(user, password.password)


@patch("/users/{user:str}", permission=Permission.USERS_WRITE, refusals=(409, 503))
async def change_user(call: NamedDependency[Call], user: FromPath[str], data: JSONBody[UserPatch]) -> NewUser:
    """Change a user's role, disable or enable the user, or reset the password.

    Each of them ends the user's sessions at once.
    """
    if data.role is UNSET and data.disabled is UNSET and data.reset_password is not True:
        raise Invalid("Nothing to change: name role, disabled or reset_password.", "nothing-to-change", field="$")
    password = await users.one_time(call.services.passwords) if data.reset_password is True else None
    async with call.changing() as tx:
        changed = await users.change(
            tx,
            call.actor,
            user,
            role=None if data.role is UNSET else data.role,
            disabled=None if data.disabled is UNSET else data.disabled,
            password=password,
        )
    return NewUser(changed, password.password if password else None)


@delete("/users/{user:str}", permission=Permission.USERS_WRITE, refusals=(409,))
async def delete_user(call: NamedDependency[Call], user: FromPath[str]) -> None:
    """Delete a user, with sessions and API tokens, and with what only they have submitted of images.

    Their submissions are still listed, until they expire or are deleted.
    """
    async with call.changing() as tx:
        await users.delete(tx, call.actor, user)
        call.announce(tx, "image", "")


ROUTES: Final[tuple[HTTPRouteHandler, ...]] = (list_users, create_user, change_user, delete_user)
