from datetime import timedelta

import pytest
from tests.support.database import SCOPE, START, Clock

from hullguard.model.errors import Conflict, NotFound, Unauthenticated
from hullguard.model.identity import Role, Scope, User
from hullguard.storage import PageRequest, Storage, Transaction
from hullguard.storage.stores import EnrolmentTokens, Sessions, Tokens, Users

LATER = START + timedelta(days=1)
SECRET, OTHER = "a" * 64, "b" * 64


async def user(tx: Transaction, name: str = "alice", role: Role = Role.ADMIN) -> User:
    return await Users(tx).create(name, role, "$argon2id$hash", must_change_password=False)


async def test_a_user_is_found_by_id_and_by_name(tx: Transaction) -> None:
    made = await Users(tx).create("alice", Role.ADMIN, "$argon2id$hash")
    assert (made.disabled, made.must_change_password, made.created, made.last_sign_in) == (False, True, START, None)
    assert await Users(tx).get(made.id) == made
    found = await Users(tx).credentials("alice")
    assert found is not None
    assert (found.user, found.password_hash) == (made, "$argon2id$hash")
    assert await Users(tx).credentials("Alice") is None


async def test_names_of_users_are_unique(tx: Transaction) -> None:
    await user(tx)
    with pytest.raises(Conflict, match="alice"):
        await user(tx)


async def test_a_user_changes(tx: Transaction) -> None:
    made, users = await user(tx), Users(tx)
    assert (await users.update(made.id, role=Role.VIEWER)).role is Role.VIEWER
    assert (await users.update(made.id, disabled=True)).disabled
    assert await users.update(made.id) == await users.get(made.id)
    await users.set_password(made.id, "new", must_change_password=True)
    await users.signed_in(made.id)
    found = await users.credentials("alice")
    assert found is not None
    assert (found.password_hash, found.user.must_change_password, found.user.last_sign_in) == ("new", True, START)


async def test_administrators_can_be_counted(tx: Transaction) -> None:
    first = await user(tx)
    await user(tx, "bob")
    await user(tx, "eve", Role.VIEWER)
    assert (await Users(tx).count(Role.ADMIN), await Users(tx).count()) == (2, 3)
    await Users(tx).update(first.id, disabled=True)
    assert (await Users(tx).count(Role.ADMIN), await Users(tx).count()) == (1, 2)


async def test_users_are_listed_by_name_and_never_by_hash(tx: Transaction) -> None:
    for name in ("carol", "alice", "bob"):
        await user(tx, name)
    assert [each.name for each in (await Users(tx).page(PageRequest())).items] == ["alice", "bob", "carol"]
    assert (await Users(tx).page(PageRequest(q="argon2id"))).total == 0


async def test_a_session_names_its_user_until_it_expires(storage: Storage, clock: Clock) -> None:
    async with storage.transaction(SCOPE) as tx:
        made = await user(tx)
        await Sessions(tx).create(SECRET, made.id, LATER, "10.0.0.9")
    async with storage.reading(Scope("not-known-yet")) as tx:
        session = await Sessions(tx).find(SECRET)
        assert session is not None
        assert (session.tenant, session.user, session.source) == ("default", made, "10.0.0.9")
        assert await Sessions(tx).find(OTHER) is None
    clock.forward(hours=23)
    async with storage.transaction(SCOPE) as tx:
        await Sessions(tx).touch(SECRET, LATER + timedelta(days=1))
    clock.forward(hours=2)
    async with storage.reading(SCOPE) as tx:
        assert await Sessions(tx).find(SECRET) is not None
    clock.forward(days=1)
    async with storage.reading(SCOPE) as tx:
        assert await Sessions(tx).find(SECRET) is None


async def test_sessions_end_one_by_one_or_together(tx: Transaction) -> None:
    made, sessions = await user(tx), Sessions(tx)
    for letter in "abcd":
        await sessions.create(letter * 64, made.id, LATER)
    await sessions.delete("d" * 64)
    assert await sessions.delete_for_user(made.id, keep="a" * 64) == 2
    assert [await sessions.find(letter * 64) is not None for letter in "abcd"] == [True, False, False, False]
    assert await sessions.delete_for_user(made.id) == 1


async def test_a_disabled_user_has_neither_session_nor_token(tx: Transaction) -> None:
    made = await user(tx)
    await Sessions(tx).create(SECRET, made.id, LATER)
    await Tokens(tx).create("ci", made.id, Role.VIEWER, OTHER, LATER)
    await Users(tx).update(made.id, disabled=True)
    assert await Sessions(tx).find(SECRET) is None
    assert await Tokens(tx).find(OTHER) is None
    await Users(tx).update(made.id, disabled=False)
    assert await Sessions(tx).find(SECRET) is None
    assert await Tokens(tx).find(OTHER) is not None


async def test_a_deleted_user_leaves_nothing(tx: Transaction) -> None:
    made = await user(tx)
    await Sessions(tx).create(SECRET, made.id, LATER)
    token = await Tokens(tx).create("ci", made.id, Role.VIEWER, OTHER, LATER)
    await Users(tx).delete(made.id)
    assert await Tokens(tx).find(OTHER) is None
    for call in (Users(tx).get(made.id), Users(tx).delete(made.id), Tokens(tx).delete(token.id)):
        with pytest.raises(NotFound):
            await call


async def test_a_token_names_its_user_and_remembers_its_use(storage: Storage, clock: Clock) -> None:
    async with storage.transaction(SCOPE) as tx:
        made = await user(tx)
        token = await Tokens(tx).create("ci", made.id, Role.VIEWER, SECRET, LATER)
        await Tokens(tx).used(token.id)
    clock.forward(seconds=30)
    async with storage.transaction(SCOPE) as tx:
        await Tokens(tx).used(token.id)
        holder = await Tokens(tx).find(SECRET)
        assert holder is not None
        assert (holder.tenant, holder.user, holder.token.role) == ("default", made, Role.VIEWER)
        assert holder.token.last_used == START
    clock.forward(days=1)
    async with storage.transaction(SCOPE) as tx:
        assert await Tokens(tx).find(SECRET) is None


async def test_tokens_are_listed_and_revoked_per_user(tx: Transaction) -> None:
    alice, bob = await user(tx), await user(tx, "bob")
    mine = await Tokens(tx).create("mine", alice.id, Role.VIEWER, SECRET, LATER)
    theirs = await Tokens(tx).create("theirs", bob.id, Role.VIEWER, OTHER, LATER)
    assert (await Tokens(tx).page(PageRequest(), user=alice.id)).items == [mine]
    assert (await Tokens(tx).page(PageRequest())).total == 2
    with pytest.raises(NotFound):
        await Tokens(tx).delete(theirs.id, user=alice.id)
    await Tokens(tx).delete(mine.id, user=alice.id)
    assert await Tokens(tx).find(SECRET) is None


async def test_an_enrolment_token_admits_as_many_as_it_says(tx: Transaction) -> None:
    tokens = EnrolmentTokens(tx)
    made = await tokens.create("rack 4", "blue", SECRET, LATER, 2)
    elsewhere = EnrolmentTokens(tx.within(Scope("not-known-yet")))
    for _ in range(2):
        redeemed = await elsewhere.redeem(made.id, SECRET)
        assert (redeemed.tenant, redeemed.cluster, redeemed.token) == ("default", "blue", made.id)
    with pytest.raises(Unauthenticated) as refused:
        await elsewhere.redeem(made.id, SECRET)
    assert refused.value.code == "enrolment.used"
    assert (await tokens.get(made.id)).uses == 2
    assert (await tokens.page(PageRequest(q="RACK"))).items == [await tokens.get(made.id)]


@pytest.mark.parametrize(("token", "secret"), [(None, OTHER), ("other", SECRET), ("é\ud800", SECRET), ("", "")])
async def test_a_wrong_token_is_not_told_from_an_unknown_one(tx: Transaction, token: str | None, secret: str) -> None:
    made = await EnrolmentTokens(tx).create("rack 4", "blue", SECRET, LATER, 2)
    with pytest.raises(Unauthenticated) as refused:
        await EnrolmentTokens(tx).redeem(made.id if token is None else token, secret)
    assert refused.value.code == "enrolment.unknown"
    assert (await EnrolmentTokens(tx).get(made.id)).uses == 0


async def test_revoked_and_expired_tokens_admit_nobody(storage: Storage, clock: Clock) -> None:
    async with storage.transaction(SCOPE) as tx:
        made = await EnrolmentTokens(tx).create("rack 4", "blue", SECRET, LATER, 2)
        revoked = await EnrolmentTokens(tx).create("rack 5", "blue", OTHER, LATER, 2)
        assert (await EnrolmentTokens(tx).revoke(revoked.id)).revoked
    clock.forward(days=1)
    async with storage.transaction(SCOPE) as tx:
        for token, secret, code in ((made, SECRET, "enrolment.expired"), (revoked, OTHER, "enrolment.revoked")):
            with pytest.raises(Unauthenticated) as refused:
                await EnrolmentTokens(tx).redeem(token.id, secret)
            assert refused.value.code == code
