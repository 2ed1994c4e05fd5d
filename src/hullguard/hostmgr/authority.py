"""The platform's own certificate authority and the key that signs agent bundles.

Made once, in the data directory; every server of the platform opens the same files. An agent trusts this CA and no
other, and only for the name in ``wire.enrolment``; hostmgr trusts it for clients and for nothing else.
"""

import fcntl
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from hullguard.model.errors import Invalid
from hullguard.wire.enrolment import SERVER_NAME, pin_of
from hullguard.wire.violation import Code, Violation

AGENT_LIFE = timedelta(days=7)
SERVER_LIFE = timedelta(days=397)
_CA_LIFE = timedelta(days=3650)
_SKEW = timedelta(minutes=10)
"""Nodes whose clocks are behind must not find a new certificate to be of the future."""

_CSR_BYTES = 8 << 10
_CURVES = (ec.SECP256R1, ec.SECP384R1)


class Issued(NamedTuple):
    """A node's certificate. ``fingerprint`` is the SHA-256 of its DER, in hexadecimal; it names it in the database."""

    pem: str
    fingerprint: str
    expires: datetime


class Authority:
    """Signs for nodes and servers. Its operations are short and local, yet they compute: a few hundred a second."""

    def __init__(
        self,
        directory: Path,
        certificate: x509.Certificate,
        key: ec.EllipticCurvePrivateKey,
        release: Ed25519PrivateKey,
    ) -> None:
        self._directory, self._certificate, self._key = directory, certificate, key
        self.release = release
        """Signs agent bundles (``wire.bundle.build``)."""
        self.ca_pem = certificate.public_bytes(serialization.Encoding.PEM).decode()
        self.pin = pin_of(self.ca_pem)
        """What every enrolment token ends with."""

    @classmethod
    def open(cls, directory: Path, now: datetime) -> "Authority":
        """Opens what is in ``directory``, or makes it; processes that start at once agree on one CA."""
        if not (directory / "ca.pem").exists() or not (directory / "release.key").exists():
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            with _locked(directory / "lock"):
                _make_ca(directory, now)
                _make_release_key(directory)
        key = _load_key(directory / "ca.key")
        release = _load_key(directory / "release.key")
        if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(release, Ed25519PrivateKey):
            raise Invalid(f"{directory} holds keys of another kind than Hullguard makes; restore it from a backup")
        certificate = _load_certificate(directory / "ca.pem")
        if certificate.public_key() != key.public_key():
            raise Invalid(f"{directory}/ca.pem does not belong to ca.key beside it; restore both from one backup")
        return cls(directory, certificate, key, release)

    @property
    def release_public_key(self) -> str:
        """The 32 bytes, in hexadecimal, that agents check bundles with."""
        return self.release.public_key().public_bytes_raw().hex()

    def sign_agent(self, csr_pem: str, node: str, now: datetime) -> Issued:
        """A certificate for the CSR's key. Of the CSR nothing else is used: the server decides who this is."""
        certificate = (
            self._leaf(_public_key(csr_pem), node, now, AGENT_LIFE)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=True)
            .sign(self._key, hashes.SHA256())
        )
        return Issued(
            certificate.public_bytes(serialization.Encoding.PEM).decode(),
            certificate.fingerprint(hashes.SHA256()).hex(),
            certificate.not_valid_after_utc,
        )

    def server_file(self, role: str, names: Sequence[str], now: datetime) -> Path:
        """A new key and certificate for ``hostmgr`` or ``ctrl``, for these host names and addresses.

        They are in one PEM file, where TLS libraries want them: key, certificate, CA.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = (
            self._leaf(key.public_key(), f"hullguard {role}", now, SERVER_LIFE)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=True)
            .add_extension(x509.SubjectAlternativeName(_alternatives((SERVER_NAME, *names))), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        # One file, so that replicas which start together can never pair one's key with another's certificate.
        path = self._directory / f"{role}.pem"
        _write(path, _private_pem(key) + certificate.public_bytes(serialization.Encoding.PEM) + self.ca_pem.encode())
        return path

    def _leaf(
        self, key: ec.EllipticCurvePublicKey | Ed25519PublicKey, name: str, now: datetime, life: timedelta
    ) -> x509.CertificateBuilder:
        issuer_id = self._certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
        return (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
            .issuer_name(self._certificate.subject)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - _SKEW)
            .not_valid_after(now + life)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(digital_signature=True), critical=True)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(issuer_id), critical=False)
        )


def _public_key(csr_pem: str) -> ec.EllipticCurvePublicKey | Ed25519PublicKey:
    if len(csr_pem) > _CSR_BYTES:
        raise Violation(Code.REQUEST_INVALID, f"the certificate request is over {_CSR_BYTES} bytes")
    try:
        request = x509.load_pem_x509_csr(csr_pem.encode())
        valid, key = request.is_signature_valid, request.public_key()
    except (ValueError, UnsupportedAlgorithm, InvalidSignature, x509.InvalidVersion) as cause:
        raise Violation(Code.REQUEST_INVALID, f"the certificate request cannot be read: {cause}") from cause
    if not valid:
        raise Violation(Code.REQUEST_INVALID, "the certificate request is not signed by its own key")
    if isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, _CURVES):
        return key
    if isinstance(key, Ed25519PublicKey):
        return key
    raise Violation(Code.REQUEST_INVALID, "the key must be ECDSA on P-256 or P-384, or Ed25519")


def _alternatives(names: Sequence[str]) -> list[x509.GeneralName]:
    found: list[x509.GeneralName] = []
    for name in dict.fromkeys(names):
        try:
            found.append(x509.IPAddress(ip_address(name)))
        except ValueError:
            found.append(x509.DNSName(name.encode("idna").decode()))
    return found


def _make_ca(directory: Path, now: datetime) -> None:
    if (directory / "ca.pem").exists():
        return
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Hullguard platform CA")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _SKEW)
        .not_valid_after(now + _CA_LIFE)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(key_cert_sign=True, crl_sign=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    # The certificate comes last: where it is, the key is too.
    _write(directory / "ca.key", _private_pem(key))
    _write(directory / "ca.pem", certificate.public_bytes(serialization.Encoding.PEM))


def _make_release_key(directory: Path) -> None:
    if (directory / "release.key").exists():
        return
    key = Ed25519PrivateKey.generate()
    _write(directory / "release.pub", key.public_key().public_bytes_raw().hex().encode() + b"\n")
    _write(directory / "release.key", _private_pem(key))


def _usage(*, digital_signature: bool = False, key_cert_sign: bool = False, crl_sign: bool = False) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=digital_signature,
        key_cert_sign=key_cert_sign,
        crl_sign=crl_sign,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _private_pem(key: ec.EllipticCurvePrivateKey | Ed25519PrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _write(path: Path, content: bytes) -> None:
    """Whole or not at all, readable by the owner alone, and still there after a power cut."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:  # noqa: PTH123 -- the mode matters
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def _load_key(path: Path) -> object:
    content = _read(path)
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        raise Invalid(f"{path} can be read by others than its owner; run: chmod 600 {path}")
    try:
        return serialization.load_pem_private_key(content, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as cause:
        raise _damaged(path, cause) from cause


def _load_certificate(path: Path) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(_read(path))
    except ValueError as cause:
        raise _damaged(path, cause) from cause


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as cause:
        raise _damaged(path, cause) from cause


def _damaged(path: Path, cause: Exception) -> Invalid:
    return Invalid(f"cannot read {path}: {cause}; restore the whole directory {path.parent} from a backup")
