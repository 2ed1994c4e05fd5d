"""Local users. What stands here of a password is its argon2id hash, made and checked in ``access/iam``."""

from typing import Any

import sqlalchemy as sa
from msgspec import Struct

from hullguard.model.errors import Conflict, NotFound
from hullguard.model.identity import Role, User
from hullguard.model.ids import new_id
from hullguard.model.page import Page
from hullguard.storage.paging import Listing, PageRequest, fetch
from hullguard.storage.stores import claims
from hullguard.storage.tables import sessions, tokens, users
from hullguard.storage.transaction import Row, Transaction

_LISTING = Listing(
    key=users.c.id,
    sorts={"name": users.c.name, "created": users.c.created, "role": users.c.role},
    default="name",
    search=(users.c.name,),
)


class Credentials(Struct, frozen=True):
    """A user with the hash to check a password against; never part of an answer."""

    user: User
    password_hash: str


class Users:
    """The users of a tenant."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    async def create(self, name: str, role: Role, password_hash: str, *, must_change_password: bool = True) -> User:
        """A new user."""
        if await self.credentials(name) is not None:
            raise Conflict(f"there is a user named {name!r} already; choose another name", "user.name-taken")
        user = User(new_id(), name, role, False, must_change_password, self._tx.now)
        await self._tx.insert(
            users,
            {
                "id": user.id,
                "name": name,
                "role": role.value,
                "password_hash": password_hash,
                "must_change_password": must_change_password,
                "created": user.created,
            },
        )
        return user

    async def get(self, user: str) -> User:
        """One user by id."""
        row = await self._tx.first(sa.select(users).where(self._tx.mine(users), users.c.id == user))
        if row is None:
            raise NotFound(f"there is no user {user[:64]}", "user.not-found")
        return to_user(row)

    async def credentials(self, name: str) -> Credentials | None:
        """One user by name, for signing in."""
        row = await self._tx.first(sa.select(users).where(self._tx.mine(users), users.c.name == name))
        return None if row is None else Credentials(to_user(row), row.password_hash)

    async def page(self, request: PageRequest) -> Page[User]:
        """A page of users."""
        found = await fetch(self._tx, sa.select(users).where(self._tx.mine(users)), _LISTING, request)
        return Page([to_user(row) for row in found.rows], found.total, found.cursor)

    async def update(self, user: str, *, role: Role | None = None, disabled: bool | None = None) -> User:
        """Change what is not None. A disabled user's sessions end at once."""
        values: dict[str, Any] = {} if role is None else {"role": role.value}
        values |= {} if disabled is None else {"disabled": disabled}
        await self.get(user)
        if values:
            await self._update(user, **values)
        if disabled:
            await self._tx.run(sa.delete(sessions).where(self._tx.mine(sessions), sessions.c.user == user))
        return await self.get(user)

    async def set_password(self, user: str, password_hash: str, *, must_change_password: bool) -> None:
        """A new hash."""
        await self.get(user)
        await self._update(user, password_hash=password_hash, must_change_password=must_change_password)

    async def signed_in(self, user: str) -> None:
        """Note when."""
        await self._update(user, last_sign_in=self._tx.now)

    async def delete(self, user: str) -> None:
        """Remove a user with all sessions and tokens; what only they claimed of images goes with them."""
        await self.get(user)
        await claims.withdraw(self._tx, user)
        for table, column in ((sessions, sessions.c.user), (tokens, tokens.c.user), (users, users.c.id)):
            await self._tx.run(sa.delete(table).where(self._tx.mine(table), column == user))

    async def count(self, role: Role | None = None) -> int:
        """How many users are not disabled, of one role or of all: the last administrator must not go."""
        select = sa.select(sa.func.count()).select_from(users).where(self._tx.mine(users), sa.not_(users.c.disabled))
        return int(await self._tx.scalar(select if role is None else select.where(users.c.role == role.value)) or 0)

    async def _update(self, user: str, **values: Any) -> None:
        await self._tx.run(sa.update(users).where(self._tx.mine(users), users.c.id == user).values(**values))


def to_user(row: Row, prefix: str = "") -> User:
    """From a row that has the columns of ``users``, perhaps with a prefix."""

    def column(name: str) -> Any:
        return getattr(row, prefix + name)

    return User(
        column("id"),
        column("name"),
        Role(column("role")),
        bool(column("disabled")),
        bool(column("must_change_password")),
        column("created"),
        column("last_sign_in"),
    )


def user_columns(prefix: str) -> list[sa.ColumnElement[Any]]:
    """The columns that ``to_user`` reads, for a join."""
    names = ("id", "name", "role", "disabled", "must_change_password", "created", "last_sign_in")
    return [users.c[name].label(prefix + name) for name in names]
