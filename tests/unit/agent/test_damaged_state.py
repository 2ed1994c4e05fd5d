"""A state directory after a power cut or a careless hand: every file damaged in every way, and an agent that copes."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from hullguard.agent import identity, policies, status
from hullguard.agent.commands.ledger import Ledger
from hullguard.agent.config import AgentConfig
from hullguard.agent.doctor import examine
from hullguard.agent.identity import Membership
from hullguard.agent.policies import Wanted
from hullguard.agent.state import StateDir, read_json, replace, write_json
from hullguard.agent.status import Status
from hullguard.agent.update import switch
from hullguard.agent.uplink import Line
from hullguard.detect import default_policies
from hullguard.hostmgr.authority import Authority
from hullguard.model.errors import Invalid, NotFound
from hullguard.model.node import Heartbeat, SensorHealth, SensorState
from hullguard.model.policy import NodePolicies, PolicySpec, policies_hash

NOW = datetime.now(UTC)
DAMAGE = {
    "empty": b"",
    "zeros": bytes(4096),
    "cut": b'{"pid": 12, "nod',
    "not utf-8": b'{"node": "\xff\xfe", "pid": "\xff"}',
    "deep": b'{"x":' + b"[" * 60_000,
    "another shape": b'["n1"]',
}
damaged = pytest.mark.parametrize("content", list(DAMAGE.values()), ids=list(DAMAGE))


@pytest.fixture
def state(tmp_path: Path) -> StateDir:
    directory = StateDir(tmp_path / "agent")
    directory.prepare()
    return directory


@pytest.fixture
def member(state: StateDir, tmp_path: Path) -> StateDir:
    """A whole one."""
    authority = Authority.open(tmp_path / "ca", NOW)
    request = identity.make_request("host")
    issued = authority.sign_agent(request.csr_pem, "n1", NOW)
    state.authority.write_text(authority.ca_pem)
    joined = Membership("n1", "wss://127.0.0.1:1", "00" * 32, NOW, NOW + timedelta(days=7))
    identity.save(state, joined, request.key_pem, issued.pem)
    beat = Heartbeat("0.1.0", SensorHealth(SensorState.ACTIVE), True, None)
    status.write(state, Status(1, "n1", Line("connected", "wss://h"), beat, True, "docker", 0, NOW))
    return state


@damaged
def test_a_json_file_that_is_damaged_is_named_and_never_taken_for_an_absence(state, content):
    state.membership.write_bytes(content)
    with pytest.raises(Invalid, match=r"membership\.json is damaged"):
        read_json(state.membership, Membership)


@damaged
def test_a_damaged_status_is_no_status(member, content):
    member.status.write_bytes(content)
    assert status.read(member) is None


async def test_the_doctor_goes_on_without_a_status(member):
    member.status.write_bytes(DAMAGE["cut"])
    found = {each.what for each in await examine(AgentConfig(state=str(member.root), docker_host="unix:///no"))}
    assert {"root", "enrolled", "docker"} <= found
    assert "spool" not in found


def sent() -> Wanted:
    """As a server sends them."""
    (policy,) = default_policies().policies
    return Wanted(True, NodePolicies(4, policies_hash([policy]), (policy,)))


def specs(wanted: Wanted) -> list[PolicySpec]:
    return [policy.spec for policy in wanted.policies.policies]


@damaged
def test_damaged_policies_are_not_used_and_can_be_replaced(state, content):
    for raw in (
        content,
        msgspec.msgpack.encode({"protection": True}),
        b"\x82\xaaprotection\xc3\xa8policies\xa2\xff\xfe",
    ):
        state.policies.write_bytes(raw)
        assert policies.load(state) is None
    wanted = sent()
    policies.save(state, wanted)
    assert policies.load(state) == wanted


def test_every_single_byte_that_flips_in_the_policies_is_noticed_or_harmless(state):
    wanted = sent()
    policies.save(state, wanted)
    whole = state.policies.read_bytes()
    for position in range(0, len(whole), 7):
        flipped = bytearray(whole)
        flipped[position] ^= 0x41
        state.policies.write_bytes(flipped)
        found = policies.load(state)
        # What is enforced is as it was; the switch beside it and the revision are told anew by the server.
        assert found is None or specs(found) == specs(wanted)
    state.policies.write_bytes(whole)
    assert policies.load(state) == wanted


@damaged
def test_a_damaged_ledger_or_switch_is_an_empty_one(state, content):
    state.commands.write_bytes(content)
    state.switch.write_bytes(content)
    assert Ledger(state).unfinished() == []
    assert switch.read(state) is None
    assert not switch.pending(state)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"garbage",
        b"\xff\xfe",
        "-----BEGIN é".encode(),
        b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    ],
    ids=["empty", "text", "bytes", "not ascii", "no certificate"],
)
def test_an_authority_that_is_none_is_said_with_what_to_do(member, content):
    member.authority.write_bytes(content)
    with pytest.raises(Invalid, match=r"authority\.pem holds no certificate of an authority .* enrol this node again"):
        identity.tls(member)


def test_an_authority_that_is_gone_is_said_too(member):
    member.authority.unlink()
    with pytest.raises(Invalid, match="holds no certificate of an authority"):
        identity.tls(member)


@damaged
def test_a_key_that_is_none_is_said_with_what_to_do(member, content):
    member.identity.write_bytes(content)
    with pytest.raises(Invalid, match="holds no usable key"):
        identity.tls(member)


def test_half_a_membership_is_none(member):
    member.identity.unlink()
    with pytest.raises(NotFound, match="agent enrol"):
        identity.load(member)


class TestReplace:
    def test_a_failure_leaves_the_old_content_and_no_draft(self, state, monkeypatch):
        state.policies.write_bytes(b"old")

        def full(descriptor: int) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space"):
            replace(state.policies, b"new")
        assert state.policies.read_bytes() == b"old"
        assert [path.name for path in state.root.iterdir() if path.name.startswith(".")] == []

    def test_a_link_that_somebody_laid_is_not_followed(self, state, tmp_path):
        victim = tmp_path / "victim"
        victim.write_text("precious")
        (state.root / f".status.json.{os.getpid()}").symlink_to(victim)
        with pytest.raises(OSError, match="symbolic"):
            replace(state.status, b"new")
        assert victim.read_text() == "precious"
        replace(state.status, b"new")
        assert state.status.read_bytes() == b"new"

    def test_what_is_written_is_for_its_owner_alone_whatever_was_there(self, state):
        state.membership.write_text("{}")
        state.membership.chmod(0o666)
        write_json(state.membership, {})
        assert state.membership.stat().st_mode & 0o777 == 0o600


def test_the_configuration_survives_its_way_to_the_child():
    config = AgentConfig(state="/var/lib/x y", docker_host="tcp://h:1", sensor=False, ready_fd=7)
    assert msgspec.json.decode(msgspec.json.encode(config), type=AgentConfig) == config
    assert config.state_dir.spool == Path("/var/lib/x y/spool.db")


def test_a_status_says_what_is_wrong_in_words(member):
    found = status.read(member)
    assert found is not None
    facts = dict(status.describe(msgspec.structs.replace(found, protection=False, runtime="")))
    assert (facts["protection"], facts["runtime"], facts["policies"]) == ("off", "unreachable", "none yet")
    assert "dropped: none" in facts["spool"]
