"""What a start leaves behind, what a second start leaves alone, and who gets an agent."""

import asyncio
import hashlib
from pathlib import Path

import msgspec
import pytest

from hullguard.access.iam.passwords import Passwords
from hullguard.agent import identity
from hullguard.agent.state import StateDir
from hullguard.app.prepare import SCOPE, enrol_here, prepare
from hullguard.app.settings import Layout
from hullguard.audit import verify
from hullguard.hostmgr.authority import Authority
from hullguard.model.errors import HullguardError, Invalid, Unavailable
from hullguard.model.identity import Role
from hullguard.model.policy import Policy
from hullguard.storage import PageRequest, Storage
from hullguard.storage.stores import Audit, AuditFilter, EnrolmentTokens, Policies, Users

NOBODY = "wss://127.0.0.1:1"
ALL = PageRequest(limit=500)


class Kept(msgspec.Struct):
    """What lasts, as the next process finds it."""

    users: list[tuple[str, Role, bool]]
    policies: list[Policy]
    actions: list[str]
    tokens: int
    whole: bool


async def kept(layout: Layout) -> Kept:
    storage = Storage.open(layout.database_url)
    try:
        async with storage.reading(SCOPE) as tx:
            users = (await Users(tx).page(ALL)).items
            return Kept(
                [(user.name, user.role, user.must_change_password) for user in users],
                list((await Policies(tx).page(ALL)).items),
                [record.action for record in (await Audit(tx).page(AuditFilter(), ALL)).items],
                (await EnrolmentTokens(tx).page(ALL)).total,
                (await verify(tx)).ok,
            )
    finally:
        await storage.close()


def files(directory: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in directory.iterdir() if path.is_file()}


class TestPrepare:
    async def test_the_first_start_makes_one_administrator_and_one_policy_and_says_so_in_the_audit(self, layout):
        first = await prepare(layout)

        found = await kept(layout)
        assert found.users == [("admin", Role.ADMIN, True)]
        assert [(policy.spec.name, policy.built_in) for policy in found.policies] == [("default", True)]
        assert sorted(found.actions) == ["policy.create", "user.create"]
        assert found.whole
        assert first.user == "admin"

    async def test_the_password_it_gives_is_the_one_that_signs_in(self, prepared):
        storage = Storage.open(prepared.layout.database_url)
        async with storage.reading(SCOPE) as tx:
            credentials = await Users(tx).credentials("admin")
        await storage.close()

        assert await Passwords().verify(credentials.password_hash, prepared.password)
        assert not await Passwords().verify(credentials.password_hash, prepared.password + "x")

    async def test_doing_it_again_changes_nothing_and_tells_no_password(self, prepared):
        before, authority = await kept(prepared.layout), files(prepared.layout.authority)
        key = prepared.layout.registry_key.read_bytes()
        assert prepared.layout.registry_key.stat().st_mode & 0o777 == 0o600

        again = await prepare(prepared.layout)

        assert again.password is None
        assert await kept(prepared.layout) == before
        assert files(prepared.layout.authority) == authority
        assert prepared.layout.registry_key.read_bytes() == key

    async def test_starts_at_the_same_moment_agree(self, layout):
        outcomes = await asyncio.gather(*(prepare(layout) for _ in range(4)), return_exceptions=True)

        assert [each for each in outcomes if isinstance(each, BaseException)] == []
        assert sum(each.password is not None for each in outcomes) == 1
        found = await kept(layout)
        assert len(found.users) == len(found.policies) == 1
        assert found.whole

    async def test_a_default_policy_that_was_changed_stays_as_it_is(self, prepared):
        storage = Storage.open(prepared.layout.database_url)
        async with storage.transaction(SCOPE) as tx:
            (default,) = (await Policies(tx).page(ALL)).items
            own = msgspec.structs.replace(default.spec, enabled=False)
            await Policies(tx).update(default.id, own, "user:admin", expected_version=default.version)
        await storage.close()

        await prepare(prepared.layout)

        (found,) = (await kept(prepared.layout)).policies
        assert (found.spec.enabled, found.version) == (False, default.version + 1)

    async def test_database_and_keys_are_for_their_owner_alone(self, prepared):
        secret = [prepared.layout.database, *prepared.layout.authority.glob("*.key")]

        assert len(secret) == 3
        assert {oct(path.stat().st_mode & 0o777) for path in secret} == {"0o600"}

    async def test_a_database_that_is_none_is_said_and_left_as_it_is(self, layout):
        layout.database.write_bytes(b"this is a letter, not a database" * 100)

        with pytest.raises(HullguardError, match="not a database"):
            await prepare(layout)

        assert layout.database.read_bytes().startswith(b"this is a letter")

    @pytest.mark.parametrize("name", ["ca.key", "ca.pem", "release.key"])
    async def test_a_damaged_key_is_said_and_never_replaced_behind_the_agents_backs(self, prepared, name):
        path = prepared.layout.authority / name
        path.write_text("-----BEGIN NOTHING-----\n")

        with pytest.raises(Invalid, match=name):
            await prepare(prepared.layout)

        assert path.read_text() == "-----BEGIN NOTHING-----\n"


class TestEnrolHere:
    async def test_without_root_it_is_refused_and_nothing_is_made(self, prepared, monkeypatch):
        monkeypatch.setattr("os.geteuid", lambda: 1000)

        with pytest.raises(Unavailable, match="needs root"):
            await enrol_here(prepared.layout, NOBODY)

        assert not prepared.layout.agent.exists()
        assert (await kept(prepared.layout)).tokens == 0

    async def test_a_host_that_is_a_node_already_asks_nobody(self, prepared, monkeypatch):
        monkeypatch.setattr("os.geteuid", lambda: 0)
        state = StateDir(prepared.layout.agent)
        state.prepare()
        authority = Authority.open(prepared.layout.authority, identity.now())
        request = identity.make_request("here")
        issued = authority.sign_agent(request.csr_pem, "n1", identity.now())
        member = identity.Membership("n1", NOBODY, authority.release_public_key, identity.now(), issued.expires)
        identity.save(state, member, request.key_pem, issued.pem)

        await enrol_here(prepared.layout, NOBODY)

        assert identity.load(state) == member
        assert (await kept(prepared.layout)).tokens == 0

    async def test_a_gateway_that_does_not_answer_leaves_no_half_of_a_node(self, prepared, monkeypatch):
        monkeypatch.setattr("os.geteuid", lambda: 0)

        with pytest.raises(Unavailable, match="cannot be reached"):
            await enrol_here(prepared.layout, NOBODY)

        assert StateDir(prepared.layout.agent).reason_missing() is not None
        found = await kept(prepared.layout)
        assert found.tokens == 1
        assert found.actions.count("enrolment-token.create") == 1
