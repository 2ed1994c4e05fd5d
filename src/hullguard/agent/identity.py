"""Who this agent is: its key and certificate, and the platform that it belongs to.

Key and certificate lie in one file, because they change together at renewal: a rename cannot leave a key with another
key's certificate. The key is made here and never leaves the node.
"""

import ssl
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import msgspec

from hullguard.agent.state import StateDir, read_json, replace, write_json
from hullguard.model.errors import Denied, Invalid, NotFound


class Membership(msgspec.Struct, frozen=True):
    """Where this node belongs; written at enrolment, renewed with the certificate."""

    node: str
    server: str
    release_key: str
    """Ed25519 public key, hexadecimal, pinned at enrolment: nothing else can sign an update."""
    issued: datetime
    expires: datetime
    ended: str = ""
    """Why the platform dismissed this node; empty while it is a member."""

    @property
    def renewal_due(self) -> datetime:
        """Two thirds of the certificate's life."""
        return self.issued + (self.expires - self.issued) * 2 / 3


class Request(NamedTuple):
    """A certificate request and the key that it is for."""

    key_pem: str
    csr_pem: str


def make_request(name: str) -> Request:
    """A new P-256 key, and a request to certify it."""
    # Imported here: this is 8 MB of a small agent, needed once in weeks.
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:64] or "node")])
    csr = x509.CertificateSigningRequestBuilder().subject_name(subject).sign(key, hashes.SHA256())
    key_pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return Request(key_pem.decode(), csr.public_bytes(serialization.Encoding.PEM).decode())


def load(state: StateDir) -> Membership:
    """The membership, or ``NotFound`` saying how to get one."""
    missing = state.reason_missing()
    membership = None if missing else read_json(state.membership, Membership)
    if membership is None:
        raise NotFound(missing or "No agent is enrolled.", "agent.not-enrolled")
    if membership.ended:
        raise Denied(
            f"The platform dismissed node {membership.node} ({membership.ended}); enrol this host with a new token.",
            "agent.dismissed",
        )
    return membership


def save(state: StateDir, membership: Membership, key_pem: str, certificate_pem: str) -> None:
    """Key and certificate first: a membership without them is no membership."""
    _check_pair(key_pem, certificate_pem)
    replace(state.identity, (key_pem.rstrip() + "\n" + certificate_pem.rstrip() + "\n").encode())
    write_json(state.membership, membership)


def end(state: StateDir, membership: Membership, why: str) -> None:
    """Remember that the platform dismissed this node: the agent stays stopped until the host is enrolled again."""
    write_json(state.membership, msgspec.structs.replace(membership, ended=why))


def renewed(membership: Membership, expires: datetime) -> Membership:
    """The membership with the next certificate's dates."""
    return msgspec.structs.replace(membership, issued=now(), expires=expires)


def seconds_to_renewal(membership: Membership) -> float:
    """Never negative."""
    return max(0.0, (membership.renewal_due - now()) / timedelta(seconds=1))


def tls(state: StateDir) -> ssl.SSLContext:
    """TLS 1.3 with this node's certificate, trusting the platform's own authority and no other."""
    try:
        context = trusting(state.authority.read_text())
    except (OSError, ValueError, TypeError) as bad:  # by what is wrong with it, ssl raises any of them
        raise Invalid(
            f"{state.authority} holds no certificate of an authority ({bad}); enrol this node again.",
            "agent.identity-damaged",
        ) from bad
    try:
        context.load_cert_chain(state.identity)
    except (ssl.SSLError, OSError) as bad:
        raise Invalid(
            f"{state.identity} holds no usable key and certificate ({bad}); enrol this node again.",
            "agent.identity-damaged",
        ) from bad
    return context


def trusting(authority_pem: str) -> ssl.SSLContext:
    """A client context that trusts one authority."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.load_verify_locations(cadata=authority_pem)
    return context


def now() -> datetime:
    """The time, with its zone."""
    return datetime.now(UTC)


def _check_pair(key_pem: str, certificate_pem: str) -> None:
    from cryptography import x509
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        certified = x509.load_pem_x509_certificate(certificate_pem.encode()).public_key()
        key = load_pem_private_key(key_pem.encode(), None)
    except (ValueError, UnsupportedAlgorithm, x509.InvalidVersion) as bad:
        raise Invalid(f"The server sent a certificate that cannot be read: {bad}", "agent.certificate-invalid") from bad
    if certified != key.public_key():
        raise Invalid("The server sent a certificate for another key.", "agent.certificate-foreign")
