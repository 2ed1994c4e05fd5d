"""Key, certificate and membership on disk."""

import base64
import ssl
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from hullguard.agent import identity
from hullguard.agent.identity import Membership
from hullguard.agent.state import StateDir
from hullguard.hostmgr.authority import Authority
from hullguard.model.errors import Denied, Invalid, NotFound


@pytest.fixture
def state(tmp_path: Path) -> StateDir:
    directory = StateDir(tmp_path / "agent")
    directory.prepare()
    return directory


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority.open(tmp_path / "ca", identity.now())


def member(days: float = 7) -> Membership:
    issued = identity.now()
    return Membership("n1", "wss://127.0.0.1:1", "00" * 32, issued, issued + timedelta(days=days))


def join(state: StateDir, authority: Authority) -> str:
    request = identity.make_request("host")
    issued = authority.sign_agent(request.csr_pem, "n1", identity.now())
    state.authority.write_text(authority.ca_pem)
    identity.save(state, member(), request.key_pem, issued.pem)
    return issued.pem


def test_what_was_saved_is_loaded_and_makes_a_context(state, authority):
    join(state, authority)
    assert identity.load(state).node == "n1"
    context = identity.tls(state)
    assert context.minimum_version is ssl.TLSVersion.TLSv1_3
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert state.identity.stat().st_mode & 0o777 == 0o600


def test_a_certificate_for_another_key_is_not_kept(state, authority):
    before = join(state, authority)
    other = identity.make_request("host")
    with pytest.raises(Invalid, match="another key"):
        identity.save(state, member(), other.key_pem, before)
    identity.tls(state)


def test_a_certificate_of_a_version_that_there_is_not_is_not_kept(state, authority):
    request = identity.make_request("host")
    issued = authority.sign_agent(request.csr_pem, "n1", identity.now()).pem
    der = base64.b64decode("".join(issued.splitlines()[1:-1]))
    forged = base64.b64encode(der.replace(b"\xa0\x03\x02\x01\x02", b"\xa0\x03\x02\x01\x20", 1)).decode()
    pem = f"-----BEGIN CERTIFICATE-----\n{forged}\n-----END CERTIFICATE-----\n"
    with pytest.raises(Invalid, match="cannot be read"):
        identity.save(state, member(), request.key_pem, pem)


def test_a_certificate_that_is_none_is_not_kept(state):
    request = identity.make_request("host")
    with pytest.raises(Invalid, match="cannot be read"):
        identity.save(state, member(), request.key_pem, "-----BEGIN CERTIFICATE-----\nno\n-----END CERTIFICATE-----\n")
    assert not state.enrolled


def test_a_host_that_is_no_node(state):
    with pytest.raises(NotFound, match="agent enrol"):
        identity.load(state)


def test_a_dismissed_node_stays_dismissed(state, authority):
    join(state, authority)
    identity.end(state, identity.load(state), "it was removed")
    with pytest.raises(Denied, match="it was removed"):
        identity.load(state)
    assert state.enrolled


def test_damaged_files_are_said(state, authority):
    join(state, authority)
    state.identity.write_text("nothing")
    with pytest.raises(Invalid, match="holds no usable key"):
        identity.tls(state)
    state.membership.write_text("{")
    with pytest.raises(Invalid, match="damaged"):
        identity.load(state)


def test_renewal_is_due_at_two_thirds():
    membership = member(days=9)
    assert membership.renewal_due - membership.issued == timedelta(days=6)
    assert 0 < identity.seconds_to_renewal(membership) <= 6 * 86400
    old = msgspec.structs.replace(membership, issued=membership.issued - timedelta(days=7))
    assert identity.seconds_to_renewal(msgspec.structs.replace(old, expires=old.issued + timedelta(days=9))) == 0


def test_a_state_directory_that_cannot_be(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(Exception, match="cannot be made"):
        StateDir(tmp_path / "file" / "agent").prepare()
