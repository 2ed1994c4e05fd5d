"""What an administrator does on the platform's own machine, without signing in."""

import sqlite3
import struct
import zipfile
from datetime import timedelta
from pathlib import Path

import pytest

from hullguard.access import enrolment
from hullguard.access.iam import authorize, identify, tokens
from hullguard.access.iam.actors import system
from hullguard.access.iam.passwords import Passwords
from hullguard.access.iam.sessions import SignIn
from hullguard.agent import identity
from hullguard.app import administer
from hullguard.app.cli.main import main
from hullguard.app.settings import Layout
from hullguard.audit import record, write_anchor
from hullguard.cache import MemoryCache
from hullguard.hostmgr.authority import Authority
from hullguard.model.errors import Denied, HullguardError, Invalid, LimitReached, NotFound, Unauthenticated
from hullguard.storage import PageRequest, Storage
from hullguard.storage.stores import Audit, AuditFilter
from hullguard.wire import bundle
from hullguard.wire.enrolment import parse_token
from hullguard.wire.violation import Code, Violation

SCOPE = system().scope
OWN = "correct horse battery staple"
AGENT = {"hullguard/__init__.py": b"", "hullguard/agent/child.py": b"print('I am an agent')\n"}


@pytest.fixture
async def storage(prepared):
    opened = Storage.open(prepared.layout.database_url)
    yield opened
    await opened.close()


def sql(layout: Layout, statement: str, *values: object) -> int:
    """As somebody with the file and a shell would change it."""
    with sqlite3.connect(layout.database) as connection:
        changed = connection.execute(statement, values).rowcount
    connection.close()
    return changed


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as left:
        main(list(arguments))
    return left.value.code


class TestResetPassword:
    async def test_the_new_password_opens_nothing_but_its_own_change(self, prepared, storage):
        sign_in = SignIn(storage, MemoryCache(), Passwords())
        before = await sign_in.sign_in("admin", prepared.password, "192.0.2.1")
        await sign_in.change_password(before.caller, prepared.password, OWN)

        made = await administer.reset_password(prepared.layout, "admin")

        with pytest.raises(Unauthenticated):
            await sign_in.sign_in("admin", OWN, "192.0.2.1")
        again = await sign_in.sign_in("admin", made, "192.0.2.1")
        with pytest.raises(Denied, match="one-time password"):
            authorize.require_own_password(again.caller.actor)
        await sign_in.change_password(again.caller, made, OWN + "!")
        after = await identify.by_session(storage, again.secret, "192.0.2.1")
        authorize.require_own_password(after.actor)

    async def test_every_session_ends_and_a_token_opens_nothing_until_the_change(self, prepared, storage):
        sign_in = SignIn(storage, MemoryCache(), Passwords())
        sessions = [await sign_in.sign_in("admin", prepared.password, f"192.0.2.{n}") for n in (1, 2)]
        async with storage.transaction(SCOPE) as tx:
            caller = sessions[0].caller
            _, token = await tokens.create(tx, caller.actor, caller.user, name="script", days=1, role=None)

        await administer.reset_password(prepared.layout, "admin")

        for session in sessions:
            with pytest.raises(Unauthenticated, match="has ended"):
                await identify.by_session(storage, session.secret, "192.0.2.1")
        holder = await identify.by_token(storage, token, "192.0.2.1")
        with pytest.raises(Denied):
            authorize.require_own_password(holder.actor)

    async def test_it_is_in_the_audit_and_the_password_is_not(self, prepared, storage):
        made = await administer.reset_password(prepared.layout, "admin")

        async with storage.reading(SCOPE) as tx:
            found = (await Audit(tx).page(AuditFilter(action="user.reset-password"), PageRequest())).items
        assert [(each.actor, each.subject) for each in found] == [("system", "user:admin")]
        assert made.encode() not in prepared.layout.database.read_bytes()

    async def test_two_resets_give_two_passwords_and_only_the_last_works(self, prepared, storage):
        first = await administer.reset_password(prepared.layout, "admin")
        second = await administer.reset_password(prepared.layout, "admin")

        sign_in = SignIn(storage, MemoryCache(), Passwords())
        assert first != second
        with pytest.raises(Unauthenticated):
            await sign_in.sign_in("admin", first, "192.0.2.1")
        assert await sign_in.sign_in("admin", second, "192.0.2.1")

    @pytest.mark.parametrize("name", ["nobody", "", "admin' OR 1=1 --", "é" * 3000])
    async def test_a_user_who_is_not_there_is_named_and_nothing_changes(self, prepared, storage, name):
        with pytest.raises(NotFound, match="there is no user"):
            await administer.reset_password(prepared.layout, name)

        assert await SignIn(storage, MemoryCache(), Passwords()).sign_in("admin", prepared.password, "192.0.2.1")


class TestVerifyAudit:
    @pytest.fixture
    async def ten(self, prepared, storage) -> Layout:
        async with storage.transaction(SCOPE) as tx:
            for number in range(8):
                await record(tx, system(), "policy.update", f"policy:{number}")
        return prepared.layout

    async def test_an_untouched_audit_is_whole(self, ten):
        found = await administer.verify_audit(ten)
        assert (found.ok, found.records, found.broken_at) == (True, 10, None)

    @pytest.mark.parametrize(
        ("statement", "broken"),
        [
            ("UPDATE audit_records SET actor = 'user:eve' WHERE sequence = 4", 4),
            ("UPDATE audit_records SET outcome = 'denied' WHERE sequence = 1", 1),
            ("UPDATE audit_records SET tenant = 'elsewhere' WHERE sequence = 7", 7),
            ("UPDATE audit_records SET hash = previous WHERE sequence = 5", 5),
            ("DELETE FROM audit_records WHERE sequence = 3", 3),
            ("DELETE FROM audit_records WHERE sequence > 8", 9),
            ("DELETE FROM audit_records", 1),
        ],
        ids=["actor", "outcome", "tenant", "hash", "one gone", "end gone", "all gone"],
    )
    async def test_a_change_behind_its_back_is_found_where_it_is(self, ten, statement, broken):
        assert sql(ten, statement) >= 1

        found = await administer.verify_audit(ten)

        assert (found.ok, found.broken_at) == (False, broken)

    async def test_a_cut_end_shows_by_the_note_outside_even_when_the_head_was_forged(self, ten, storage):
        async with storage.reading(SCOPE) as tx:
            await write_anchor(tx, ten.anchors)
        sql(ten, "DELETE FROM audit_records WHERE sequence > 6")
        sql(ten, "UPDATE audit_heads SET sequence = 6, hash = (SELECT hash FROM audit_records WHERE sequence = 6)")

        found = await administer.verify_audit(ten)

        assert (found.ok, found.broken_at) == (False, 7)
        ten.anchors.unlink()
        assert (await administer.verify_audit(ten)).ok, "without the note nobody can tell"

    @pytest.mark.parametrize(
        "content", [b"{", b"\xff\xfe\n", b"[]\n", b"[" * 90_000], ids=["cut", "bytes", "list", "deep"]
    )
    async def test_a_damaged_note_is_an_error_and_not_an_all_clear(self, ten, content):
        ten.anchors.write_bytes(content)

        with pytest.raises(HullguardError, match="anchor"):
            await administer.verify_audit(ten)


class TestEnrolmentToken:
    async def make(self, layout: Layout, **changes) -> str:
        wanted = {"name": "racks", "cluster": "edge", "life": timedelta(hours=1), "uses": 1, **changes}
        return await administer.enrolment_token(layout, **wanted)

    async def test_its_text_admits_one_agent_into_the_cluster_and_then_no_other(self, prepared, storage):
        token = parse_token(await self.make(prepared.layout))
        pin = Authority.open(prepared.layout.authority, identity.now()).pin

        async with storage.transaction(SCOPE) as tx:
            assert (await enrolment.admit(tx, token, pin)).cluster == "edge"
        async with storage.transaction(SCOPE) as tx:
            with pytest.raises(Violation) as refused:
                await enrolment.admit(tx, token, pin)
        assert refused.value.refusal == Code.TOKEN_USED

    async def test_it_admits_as_often_as_was_said(self, prepared, storage):
        token = parse_token(await self.make(prepared.layout, uses=3))
        for _ in range(3):
            async with storage.transaction(SCOPE) as tx:
                await enrolment.admit(tx, token, token.pin)
        async with storage.transaction(SCOPE) as tx:
            with pytest.raises(Violation):
                await enrolment.admit(tx, token, token.pin)

    async def test_it_is_good_for_this_platform_alone(self, prepared, storage, tmp_path):
        token = parse_token(await self.make(prepared.layout))
        other = Authority.open(tmp_path / "other", identity.now())

        async with storage.transaction(SCOPE) as tx:
            with pytest.raises(Violation) as refused:
                await enrolment.admit(tx, token, other.pin)
        assert refused.value.refusal == Code.TOKEN_FOREIGN

    async def test_one_whose_time_has_passed_admits_nobody(self, prepared, storage):
        token = parse_token(await self.make(prepared.layout, life=timedelta(seconds=-1)))
        async with storage.transaction(SCOPE) as tx:
            with pytest.raises(Violation) as refused:
                await enrolment.admit(tx, token, token.pin)
        assert refused.value.refusal == Code.TOKEN_EXPIRED

    async def test_its_secret_is_not_in_the_database(self, prepared):
        token = parse_token(await self.make(prepared.layout))
        stored = b"".join(path.read_bytes() for path in prepared.layout.data.glob("hullguard.db*"))
        assert token.id.encode() in stored
        assert token.secret.encode() not in stored


class TestAgentBundle:
    def wheel(self, directory: Path, files=AGENT, name: str = "hullguard-9.8.7-py3-none-any.whl") -> Path:
        path = directory / name
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for each, content in files.items():
                archive.writestr(each, content)
        return path

    def key(self, layout: Layout) -> bytes:
        return bytes.fromhex(Authority.open(layout.authority, identity.now()).release_public_key)

    def test_an_agent_of_this_platform_takes_it_and_finds_the_wheel_s_files(self, layout, tmp_path):
        output, unpacked = tmp_path / "agent.bundle", tmp_path / "unpacked"
        unpacked.mkdir()

        assert administer.agent_bundle(layout, self.wheel(tmp_path), output) == "9.8.7"

        bundle.unpack(output, unpacked, self.key(layout), "0.1.0")
        assert (unpacked / "hullguard/agent/child.py").read_bytes() == AGENT["hullguard/agent/child.py"]

    def test_an_agent_of_another_platform_does_not(self, layout, tmp_path):
        administer.agent_bundle(layout, self.wheel(tmp_path), tmp_path / "b")
        with pytest.raises(Invalid, match="not signed by this platform"):
            bundle.verify(tmp_path / "b", self.key(Layout(tmp_path / "elsewhere")))

    @pytest.mark.parametrize(
        "name", ["hullguard.whl", "hullguard-latest-py3.whl", "hullguard--py3.whl", "hullguard-1.0 .0.x-py3.whl"]
    )
    def test_a_name_without_a_version_is_refused(self, layout, tmp_path, name):
        with pytest.raises(Invalid, match=r"not a wheel|not a version"):
            administer.agent_bundle(layout, self.wheel(tmp_path, name=name), tmp_path / "b")
        assert not (tmp_path / "b").exists()

    @pytest.mark.parametrize(
        "evil", ["../../etc/cron.d/x", "/etc/passwd", "hullguard/../../x", ".hidden", "a//b", "a\\b", "x" * 300, "é"]
    )
    def test_a_path_that_leaves_its_place_is_refused_and_nothing_is_written_there(self, layout, tmp_path, evil):
        with pytest.raises(Invalid, match="not a plain relative path"):
            administer.agent_bundle(layout, self.wheel(tmp_path, {**AGENT, evil: b"x"}), tmp_path / "b")
        assert not (tmp_path / "b").exists()

    @pytest.mark.parametrize("files", [{}, {"requests/__init__.py": b""}], ids=["empty", "another package"])
    def test_a_wheel_without_an_agent_is_not_signed(self, layout, tmp_path, files):
        with pytest.raises(Invalid, match="holds no agent"):
            administer.agent_bundle(layout, self.wheel(tmp_path, files), tmp_path / "b")
        assert not (tmp_path / "b").exists()

    def test_more_than_any_agent_is_refused_before_it_is_read(self, layout, tmp_path, monkeypatch):
        bomb = self.wheel(tmp_path, {**AGENT, "big": bytes(3 << 20)})
        monkeypatch.setattr(administer, "_WHEEL_BYTES", 2 << 20)
        with pytest.raises(Invalid, match="larger than any agent"):
            administer.agent_bundle(layout, bomb, tmp_path / "b")
        monkeypatch.undo()
        many = self.wheel(tmp_path, {f"f{number}": b"" for number in range(10_001)})
        with pytest.raises((Invalid, LimitReached), match="larger than any agent"):
            administer.agent_bundle(layout, many, tmp_path / "b")

    def damaged(self, path: Path, kind: str) -> Path:
        content = bytearray(path.read_bytes())
        local, central = content.find(b"PK\x03\x04"), content.find(b"PK\x01\x02")
        match kind:
            case "encrypted":
                content[local + 6] |= 1
                content[central + 8] |= 1
            case "unknown method":
                content[local + 8 : local + 10] = content[central + 10 : central + 12] = struct.pack("<H", 99)
            case "wrong checksum":
                content[central + 16] ^= 0xFF
            case "cut":
                del content[len(content) // 2 :]
            case "garbage inside":
                start = local + 30 + len("hullguard/agent/child.py")
                content[start : start + 10] = b"\xff" * 10
        path.write_bytes(content)
        return path

    @pytest.mark.parametrize("kind", ["encrypted", "unknown method", "wrong checksum", "cut", "garbage inside"])
    def test_a_damaged_wheel_is_one_clear_sentence(self, layout, tmp_path, kind):
        wheel = self.damaged(self.wheel(tmp_path, dict(reversed(AGENT.items()))), kind)
        with pytest.raises(Invalid, match=f"{wheel.name} is (damaged|not a wheel)"):
            administer.agent_bundle(layout, wheel, tmp_path / "b")
        assert not (tmp_path / "b").exists()

    def test_an_output_that_cannot_be_written_is_said_before_the_work(self, layout, tmp_path):
        for output in (tmp_path, tmp_path / "absent" / "b"):
            with pytest.raises(Invalid, match="cannot write"):
                administer.agent_bundle(layout, self.wheel(tmp_path), output)


class TestCommands:
    @pytest.mark.parametrize(
        "arguments",
        [
            ("verify-audit",),
            ("reset-password", "admin"),
            ("enrolment-token", "--uses", "3"),
            ("agent-bundle", "hullguard-1-py3.whl", "-o", "b"),
        ],
        ids=lambda arguments: arguments[0],
    )
    def test_a_directory_without_a_platform_is_named_and_stays_without(self, tmp_path, capsys, arguments):
        data = tmp_path / "nothing"

        assert run("admin", *arguments, "--data", str(data)) == 2

        said = capsys.readouterr()
        assert said.err.startswith(f"hullguard: {data} holds no platform; start one with `hullguard up`")
        assert said.err.count("\n") == 1
        assert not data.exists()

    @pytest.mark.parametrize(
        ("option", "value"),
        [("--uses", "0"), ("--uses", "10001"), ("--hours", "0"), ("--hours", "721"), ("--hours", "x")],
    )
    def test_a_token_without_bounds_is_not_made(self, layout, capsys, option, value):
        layout.database.touch()
        assert run("admin", "enrolment-token", "--data", str(layout.data), option, value) == 2
        assert option in capsys.readouterr().err


def test_the_commands_say_what_they_did(prepared, capsys):
    layout = prepared.layout
    data = ("--data", str(layout.data))

    assert run("admin", "verify-audit", *data) == 0
    assert capsys.readouterr().out == "The audit is whole: 2 records.\n"
    assert run("admin", "reset-password", "admin", *data) == 0
    assert capsys.readouterr().out.startswith("One-time password of admin: ")
    assert run("admin", "reset-password", "eve", *data) == 2
    assert capsys.readouterr().err == "hullguard: there is no user 'eve'\n"
    assert run("admin", "enrolment-token", *data) == 0
    assert parse_token(capsys.readouterr().out.strip())
    sql(layout, "UPDATE audit_records SET actor = 'user:eve' WHERE sequence = 2")
    assert run("admin", "verify-audit", *data) == 1
    assert "broken at record 2" in capsys.readouterr().err
