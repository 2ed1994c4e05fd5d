"""What only concurrency shows; the rest of signing in is tested over HTTP."""

import asyncio

import pytest
from tests.support.database import SCOPE

from hullguard.access.iam import users
from hullguard.access.iam.actors import system
from hullguard.access.iam.passwords import Cost, Passwords
from hullguard.access.iam.sessions import SignIn
from hullguard.cache import MemoryCache
from hullguard.model.errors import Unauthenticated
from hullguard.model.identity import Role, User
from hullguard.storage import Storage
from hullguard.storage.stores import Users

PASSWORD = "a long enough test password"
CHEAP = Cost(passes=1, memory_kib=64, lanes=1)


class SlowPasswords(Passwords):
    """Lets a test act between the check of a password and what follows from it."""

    async def verify(self, stored: str | None, password: str) -> bool:
        right = await super().verify(stored, password)
        self.checked.set()
        await self.go_on.wait()
        return right

    checked: asyncio.Event
    go_on: asyncio.Event


@pytest.fixture
async def user(storage: Storage) -> User:
    hashed = await Passwords(CHEAP).hash(PASSWORD)
    async with storage.transaction(SCOPE) as tx:
        return await users.create(tx, system(), "olga", Role.OPERATOR, users.OneTime(PASSWORD, hashed))


@pytest.mark.parametrize("change", ["disable", "delete", "password"])
async def test_whoever_is_stopped_while_the_password_is_checked_is_not_let_in(
    storage: Storage, user: User, change: str
):
    passwords = SlowPasswords(CHEAP)
    passwords.checked, passwords.go_on = asyncio.Event(), asyncio.Event()
    attempt = asyncio.create_task(SignIn(storage, MemoryCache(), passwords).sign_in("olga", PASSWORD, "192.0.2.1"))
    await passwords.checked.wait()
    async with storage.transaction(SCOPE) as tx:
        if change == "disable":
            await Users(tx).update(user.id, disabled=True)
        elif change == "delete":
            await Users(tx).delete(user.id)
        else:
            await Users(tx).set_password(user.id, "$argon2id$other", must_change_password=False)
    passwords.go_on.set()

    with pytest.raises(Unauthenticated):
        await attempt


async def test_a_hash_of_older_parameters_is_renewed_by_signing_in(storage: Storage, user: User):
    stronger = Passwords(Cost(passes=2, memory_kib=128, lanes=1))
    await SignIn(storage, MemoryCache(), stronger).sign_in("olga", PASSWORD, "192.0.2.1")
    async with storage.reading(SCOPE) as tx:
        found = await Users(tx).credentials("olga")

    assert found is not None
    assert "m=128,t=2,p=1" in found.password_hash
    assert found.user.must_change_password
    assert found.user.last_sign_in is not None
    assert await stronger.verify(found.password_hash, PASSWORD)
