from datetime import timedelta

import pytest
from tests.support.database import SCOPE, Clock

from hullguard.access.iam import identify, tokens, users
from hullguard.access.iam.actors import system
from hullguard.access.iam.identify import IDLE, LIFETIME, expiry, user_actor
from hullguard.access.iam.secrets import digest, new_secret
from hullguard.access.iam.users import OneTime
from hullguard.model.errors import Denied, Unauthenticated
from hullguard.model.identity import Role, User
from hullguard.storage import Storage
from hullguard.storage.stores import Sessions, Users

ONCE = OneTime("once", "$argon2id$hash")


@pytest.fixture
async def user(storage: Storage) -> User:
    async with storage.transaction(SCOPE) as tx:
        made = await users.create(tx, system(), "olga", Role.OPERATOR, ONCE)
        await Users(tx).set_password(made.id, "$argon2id$own", must_change_password=False)
        return await Users(tx).get(made.id)


@pytest.fixture
async def session(storage: Storage, user: User) -> str:
    secret = new_secret()
    async with storage.transaction(SCOPE) as tx:
        await Sessions(tx).create(digest(secret), user.id, expiry(tx.now, tx.now), "192.0.2.1")
    return secret


async def token_of(storage: Storage, user: User, role: Role | None = None) -> str:
    async with storage.transaction(SCOPE) as tx:
        actor = user_actor(user, "default", "")
        return (await tokens.create(tx, actor, user, name="ci", days=1, role=role))[1]


def test_a_session_lasts_while_it_is_used_and_not_for_ever(clock: Clock):
    now = clock.now

    assert expiry(now, now) == now + IDLE
    assert expiry(now, now + LIFETIME - timedelta(minutes=1)) == now + LIFETIME


async def test_a_session_says_who_and_from_where(storage: Storage, session: str, user: User):
    caller = await identify.by_session(storage, session, "198.51.100.1")

    assert caller.actor.name == "user:olga"
    assert (caller.actor.role, caller.actor.user, caller.actor.source) == (Role.OPERATOR, user.id, "198.51.100.1")
    assert (caller.session, caller.token) == (digest(session), None)


@pytest.mark.parametrize("secret", ["", "x", "a" * 43, "a" * 44, "a" * 10_000, "é" * 43, "a" * 42 + "\n"])
async def test_what_is_no_session_is_nobody(storage: Storage, session: str, secret: str):
    with pytest.raises(Unauthenticated) as refused:
        await identify.by_session(storage, secret, "")
    assert refused.value.code == "session-ended"


async def test_using_a_session_prolongs_it_at_most_once_a_minute(storage: Storage, session: str, clock: Clock):
    first = await identify.by_session(storage, session, "")
    clock.forward(seconds=30)
    assert (await identify.by_session(storage, session, "")).expires == first.expires
    clock.forward(seconds=30)
    assert (await identify.by_session(storage, session, "")).expires == clock.now + IDLE


async def test_looking_again_prolongs_nothing(storage: Storage, session: str, clock: Clock):
    caller = await identify.by_session(storage, session, "")
    clock.forward(seconds=300)
    assert (await identify.again(storage, caller)).expires == caller.expires
    clock.forward(seconds=IDLE.total_seconds())
    with pytest.raises(Unauthenticated):
        await identify.again(storage, caller)


async def test_a_token_says_which_and_acts_with_its_own_role(storage: Storage, user: User):
    text = await token_of(storage, user, Role.VIEWER)
    caller = await identify.by_token(storage, text, "192.0.2.1")

    assert caller.actor.name == f"token:{text.split('_')[1]}"
    assert caller.actor.role is Role.VIEWER
    assert caller.session is None
    assert (await identify.again(storage, caller)).actor == caller.actor


async def test_a_token_s_id_and_secret_belong_together(storage: Storage, user: User):
    one, other = await token_of(storage, user), await token_of(storage, user)
    mixed = f"hgt_{one.split('_')[1]}_{other.split('_', 2)[2]}"
    with pytest.raises(Unauthenticated) as refused:
        await identify.by_token(storage, mixed, "")
    assert refused.value.code == "token-invalid"


async def test_a_token_dies_when_its_owner_may_less(storage: Storage, user: User):
    strong, weak = await token_of(storage, user), await token_of(storage, user, Role.VIEWER)
    async with storage.transaction(SCOPE) as tx:
        await Users(tx).update(user.id, role=Role.AUDITOR)
    with pytest.raises(Unauthenticated, match="more than its owner"):
        await identify.by_token(storage, strong, "")
    assert (await identify.by_token(storage, weak, "")).actor.role is Role.VIEWER


async def test_a_disabled_user_s_credentials_are_nothing(storage: Storage, session: str, user: User):
    text = await token_of(storage, user)
    async with storage.transaction(SCOPE) as tx:
        await Users(tx).update(user.id, disabled=True)
    for attempt in (identify.by_session(storage, session, ""), identify.by_token(storage, text, "")):
        with pytest.raises(Unauthenticated):
            await attempt


async def test_no_token_is_made_above_the_maker(storage: Storage, user: User):
    with pytest.raises(Denied):
        await token_of(storage, user, Role.ADMIN)
    with pytest.raises(Denied):
        await token_of(storage, user, Role.AUDITOR)
