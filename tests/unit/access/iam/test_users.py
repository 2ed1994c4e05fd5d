import pytest

from hullguard.access.iam import tokens, users
from hullguard.access.iam.actors import stranger, system
from hullguard.access.iam.first_administrator import ensure_first_admin
from hullguard.access.iam.identify import user_actor
from hullguard.access.iam.passwords import Cost, Passwords
from hullguard.access.iam.users import OneTime
from hullguard.model.errors import Conflict, Denied, NotFound
from hullguard.model.identity import Actor, Role, Scope, User
from hullguard.storage import PageRequest, Storage, Transaction
from hullguard.storage.stores import Sessions, Tokens, Users

CHEAP = Passwords(Cost(passes=1, memory_kib=64, lanes=1))
ONCE = OneTime("once", "$argon2id$hash")


async def make(tx: Transaction, name: str, role: Role = Role.VIEWER) -> User:
    return await users.create(tx, system(), name, role, ONCE)


def acting(user: User) -> Actor:
    return user_actor(user, "default", "192.0.2.1")


async def test_a_new_user_must_change_the_password(tx: Transaction):
    user = await make(tx, "bob")
    credentials = await Users(tx).credentials("bob")

    assert user.must_change_password
    assert credentials is not None
    assert credentials.password_hash == ONCE.hash


async def test_one_time_passwords_are_hashed_before_any_transaction():
    made = await users.one_time(CHEAP)

    assert await CHEAP.verify(made.hash, made.password)
    assert made.password not in made.hash


@pytest.mark.parametrize("change", [{"role": Role.OPERATOR}, {"disabled": True}, {"password": ONCE}])
async def test_every_change_ends_sessions_and_tokens(tx: Transaction, change):
    user = await make(tx, "bob")
    await Sessions(tx).create("a" * 64, user.id, tx.now.replace(year=2030))
    await tokens.create(tx, acting(user), user, name="t", days=1, role=None)
    await users.change(tx, system(), user.id, **change)

    assert await Sessions(tx).find("a" * 64) is None
    assert (await Tokens(tx).page(PageRequest(), user=user.id)).total == 0


async def test_nobody_manages_a_stronger_role(tx: Transaction):
    admin = await make(tx, "root", Role.ADMIN)
    operator = Actor("user:op", Scope("default"), Role.OPERATOR, user="op")
    for attempt in (
        users.create(tx, operator, "eve", Role.ADMIN, ONCE),
        users.change(tx, operator, admin.id, disabled=True),
        users.delete(tx, operator, admin.id),
    ):
        with pytest.raises(Denied) as denied:
            await attempt
        assert denied.value.code == "role-above-own"


async def test_the_last_enabled_administrator_is_kept(tx: Transaction):
    first, second = await make(tx, "first", Role.ADMIN), await make(tx, "second", Role.ADMIN)
    await users.change(tx, acting(first), second.id, disabled=True)
    for attempt in (
        users.change(tx, system(), first.id, disabled=True),
        users.change(tx, system(), first.id, role=Role.VIEWER),
        users.delete(tx, system(), first.id),
    ):
        with pytest.raises(Conflict) as refused:
            await attempt
        assert refused.value.code == "user.last-administrator"
    await users.delete(tx, system(), second.id)  # disabled: it was not the last that works


async def test_unknown_users_are_not_found(tx: Transaction):
    with pytest.raises(NotFound):
        await users.change(tx, system(), "nobody", disabled=True)
    with pytest.raises(NotFound):
        await users.delete(tx, system(), "nobody")


async def test_the_first_administrator_is_made_once(storage: Storage):
    first = await ensure_first_admin(storage, CHEAP)
    assert first is not None
    assert await ensure_first_admin(storage, CHEAP) is None
    async with storage.reading(system().scope) as tx:
        found = await Users(tx).credentials("admin")
    assert found is not None
    assert (found.user.role, found.user.must_change_password) == (Role.ADMIN, True)
    assert await CHEAP.verify(found.password_hash, first)


async def test_where_there_are_users_no_administrator_appears(storage: Storage):
    async with storage.transaction(system().scope) as tx:
        user = await make(tx, "only", Role.VIEWER)
        await Users(tx).update(user.id, disabled=True)

    assert await ensure_first_admin(storage, CHEAP) is None


def test_a_stranger_may_nothing_that_matters():
    assert stranger("192.0.2.1").role is Role.VIEWER
    assert stranger("192.0.2.1").user is None
