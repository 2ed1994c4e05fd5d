"""The platform's CA: made once, kept private, and signing no more than it should."""

import base64
import os
import ssl
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from hullguard.hostmgr.authority import AGENT_LIFE, Authority
from hullguard.model.errors import Invalid
from hullguard.wire.enrolment import SERVER_NAME, Token, require_pinned
from hullguard.wire.violation import Violation

NOW = datetime.now(UTC)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority.open(tmp_path / "ca", NOW)


def csr(key: object, **attributes: str) -> str:
    names = [x509.NameAttribute(getattr(NameOID, name), value) for name, value in attributes.items()]
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name(names))
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(SERVER_NAME)]), critical=False)
    algorithm = None if isinstance(key, Ed25519PrivateKey) else hashes.SHA256()
    return builder.sign(key, algorithm).public_bytes(serialization.Encoding.PEM).decode()


def test_it_is_made_once_and_only_its_owner_reads_it(tmp_path, authority):
    again = Authority.open(tmp_path / "ca", NOW)
    assert again.ca_pem == authority.ca_pem
    assert again.release_public_key == authority.release_public_key
    for file in (tmp_path / "ca").iterdir():
        if file.name != "lock":
            assert file.stat().st_mode & 0o777 == 0o600, file
    assert (tmp_path / "ca").stat().st_mode & 0o777 == 0o700


def test_two_installations_share_nothing(tmp_path, authority):
    other = Authority.open(tmp_path / "other", NOW)
    assert other.pin != authority.pin
    assert other.release_public_key != authority.release_public_key


def test_processes_that_start_at_once_agree(tmp_path):
    """Four processes, one empty directory, one CA."""
    program = (
        "import sys, datetime, pathlib; from hullguard.hostmgr.authority import Authority;"
        "sys.stdin.read();"
        "a = Authority.open(pathlib.Path(sys.argv[1]), datetime.datetime.now(datetime.UTC));"
        "print(a.pin, a.release_public_key)"
    )
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    started = [
        subprocess.Popen(
            [sys.executable, "-c", program, str(tmp_path / "ca")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environ,
        )
        for _ in range(4)
    ]
    for process in started:
        process.stdin.close()
    said = set()
    for process in started:
        said.add(process.stdout.read())
        process.stdout.close()
        assert process.wait(60) == 0
    assert len(said) == 1


def test_a_crash_between_key_and_certificate_is_repaired(tmp_path, authority):
    (tmp_path / "ca/ca.pem").unlink()
    assert Authority.open(tmp_path / "ca", NOW).pin != authority.pin


@pytest.mark.parametrize(
    "key",
    [ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP384R1()), Ed25519PrivateKey.generate()],
)
def test_a_nodes_certificate_says_what_the_server_decides(authority, key):
    issued = authority.sign_agent(csr(key, COMMON_NAME="admin", ORGANIZATION_NAME="us"), "node-1", NOW)
    certificate = x509.load_pem_x509_certificate(issued.pem.encode())
    assert certificate.subject.rfc4514_string() == "CN=node-1"
    assert certificate.public_key() == key.public_key()
    assert certificate.not_valid_after_utc == issued.expires == (NOW + AGENT_LIFE).replace(microsecond=0)
    assert certificate.fingerprint(hashes.SHA256()).hex() == issued.fingerprint
    assert not certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usage) == [ExtendedKeyUsageOID.CLIENT_AUTH]
    with pytest.raises(x509.ExtensionNotFound):
        certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)


def test_no_two_certificates_are_alike(authority):
    request = csr(Ed25519PrivateKey.generate())
    assert len({authority.sign_agent(request, "n", NOW).fingerprint for _ in range(5)}) == 5


@pytest.mark.parametrize(
    "text", ["", "x", "-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n", "é", "x" * 9000]
)
def test_what_is_no_request_is_refused(authority, text):
    with pytest.raises(Violation):
        authority.sign_agent(text, "n", NOW)


def test_a_request_of_a_version_that_there_is_not_is_refused(authority):
    der = base64.b64decode("".join(csr(Ed25519PrivateKey.generate()).splitlines()[1:-1]))
    forged = base64.b64encode(der.replace(b"\x02\x01\x00", b"\x02\x01\x20", 1)).decode()
    pem = f"-----BEGIN CERTIFICATE REQUEST-----\n{forged}\n-----END CERTIFICATE REQUEST-----\n"
    with pytest.raises(Violation, match="cannot be read"):
        authority.sign_agent(pem, "n", NOW)


def test_weak_curves_are_refused(authority):
    with pytest.raises(Violation, match="P-256"):
        authority.sign_agent(csr(ec.generate_private_key(ec.SECP224R1())), "n", NOW)


def test_the_servers_file_is_what_tls_wants(authority, tmp_path):
    path = authority.server_file("hostmgr", ("localhost", "127.0.0.1", "bücher.example", "localhost"), NOW)
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(path)
    leaf, ca = x509.load_pem_x509_certificates(path.read_bytes())
    assert ca == x509.load_pem_x509_certificate(authority.ca_pem.encode())
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == [SERVER_NAME, "localhost", "xn--bcher-kva.example"]
    assert [str(each) for each in names.get_values_for_type(x509.IPAddress)] == ["127.0.0.1"]
    usage = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usage) == [ExtendedKeyUsageOID.SERVER_AUTH]


def test_the_pin_of_its_tokens_is_the_cas(authority):
    require_pinned(authority.ca_pem, Token("id", "s" * 43, authority.pin))


@pytest.mark.parametrize("name", ["ca.key", "release.key"])
def test_a_key_that_others_can_read_is_refused(tmp_path, authority, name):
    (tmp_path / "ca" / name).chmod(0o640)
    with pytest.raises(Invalid, match="chmod 600"):
        Authority.open(tmp_path / "ca", NOW)


@pytest.mark.parametrize(
    ("name", "content"),
    [("ca.key", b""), ("ca.key", b"junk"), ("ca.pem", b"junk"), ("release.key", b"junk")],
)
def test_a_damaged_directory_says_what_to_do(tmp_path, authority, name, content):
    (tmp_path / "ca" / name).write_bytes(content)
    with pytest.raises(Invalid, match="backup"):
        Authority.open(tmp_path / "ca", NOW)


def test_files_of_two_installations_do_not_mix(tmp_path, authority):
    other = tmp_path / "other"
    Authority.open(other, NOW)
    (tmp_path / "ca/ca.pem").write_bytes((other / "ca.pem").read_bytes())
    with pytest.raises(Invalid, match="does not belong"):
        Authority.open(tmp_path / "ca", NOW)
    (tmp_path / "ca/ca.key").write_bytes((other / "release.key").read_bytes())
    with pytest.raises(Invalid, match="another kind"):
        Authority.open(tmp_path / "ca", NOW)


def test_a_missing_key_is_not_silently_replaced(tmp_path, authority):
    """A new CA would lock every agent out: that must be a person's decision."""
    (tmp_path / "ca/ca.key").unlink()
    with pytest.raises(Invalid, match="backup"):
        Authority.open(tmp_path / "ca", NOW)


def test_clocks_that_are_a_little_behind_accept_new_certificates(authority):
    issued = authority.sign_agent(csr(Ed25519PrivateKey.generate()), "n", NOW)
    certificate = x509.load_pem_x509_certificate(issued.pem.encode())
    assert certificate.not_valid_before_utc <= NOW - timedelta(minutes=5)
