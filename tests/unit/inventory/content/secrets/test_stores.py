"""Stores of keys are told by their structure: those of certificates, and what only begins alike, are none."""

import struct
from datetime import UTC, datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    pkcs12,
)

from hullguard.inventory.content.secrets.inspector import SecretInspector
from hullguard.model.content import Secret
from hullguard.model.package import Unknown

INSPECTOR = SecretInspector()
RSA, EC, ED = (
    rsa.generate_private_key(65537, 2048),
    ec.generate_private_key(ec.SECP256R1()),
    ed25519.Ed25519PrivateKey.generate(),
)
NAME = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "a")])
CERTIFICATE = x509.CertificateBuilder(
    NAME, NAME, EC.public_key(), 1, datetime(2025, 1, 1, tzinfo=UTC), datetime(2035, 1, 1, tzinfo=UTC)
).sign(EC, hashes.SHA256())
WORD: KeySerializationEncryption = BestAvailableEncryption(b"word")


def inspected(content: bytes, path: str = "srv/a") -> list[str]:
    hits = list(INSPECTOR.inspect(path, len(content), 0o644, iter([content])))
    return [hit.rule if isinstance(hit, Secret) else hit.why for hit in hits if isinstance(hit, Secret | Unknown)]


def java(magic: bytes, *entries: bytes) -> bytes:
    return magic + struct.pack(">II", 2, len(entries)) + b"".join(entries) + bytes(range(20))


def counted(text: bytes) -> bytes:
    return struct.pack(">H", len(text)) + text


TRUSTED = struct.pack(">I", 2) + counted(b"ca") + bytes(8) + counted(b"X.509") + struct.pack(">I", 900) + b"\x30" * 900
PRIVATE = struct.pack(">I", 1) + counted(b"key") + bytes(8) + struct.pack(">I", 300) + b"\x31" * 300
SEALED = struct.pack(">I", 3) + counted(b"key") + bytes(8) + b"\xac\xed\0\5" + bytes(90)


def bouncy(kind: int) -> bytes:
    head = struct.pack(">II", 2, 20) + bytes(range(20)) + struct.pack(">I", 1024)
    trusted = (
        b"\1" + counted(b"ca") + bytes(8) + struct.pack(">I", 0) + counted(b"X.509") + struct.pack(">I", 90) + bytes(90)
    )
    end = bytes([kind]) + (counted(b"key") + bytes(8) + struct.pack(">I", 0) if kind else b"")
    return head + trusted + end + bytes(range(20))


def keytab(realm: bytes = b"CORP.COM") -> bytes:
    entry = b"\0\1" + counted(realm) + counted(b"host") + bytes(9) + b"\0\x12" + counted(bytes(range(32)))
    return b"\5\2" + struct.pack(">i", len(entry)) + entry


def pgp(tag: bytes, version: int = 4) -> bytes:
    body = bytes([version]) + b"\x65\0\0\1" + (b"\0\0" if version == 3 else b"") + b"\1" + bytes(range(200))
    return tag + struct.pack(">H", len(body)) + body


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        (pkcs12.serialize_key_and_certificates(b"a", EC, CERTIFICATE, None, NoEncryption()), "pkcs12-key"),
        (pkcs12.serialize_key_and_certificates(b"a", EC, CERTIFICATE, None, WORD), "pkcs12-encrypted-key"),
        (java(b"\xfe\xed\xfe\xed", TRUSTED, TRUSTED, PRIVATE), "java-key-store"),
        (java(b"\xce\xce\xce\xce", TRUSTED, SEALED), "java-key-store"),
        (bouncy(2), "bouncy-castle-key-store"),
        (RSA.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()), "private-key-der"),
        (EC.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()), "private-key-der"),
        (ED.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()), "private-key-der"),
        (RSA.private_bytes(Encoding.DER, PrivateFormat.TraditionalOpenSSL, NoEncryption()), "private-key-der-rsa"),
        (EC.private_bytes(Encoding.DER, PrivateFormat.TraditionalOpenSSL, NoEncryption()), "private-key-der-ec"),
        (RSA.private_bytes(Encoding.DER, PrivateFormat.PKCS8, WORD), "private-key-der-encrypted"),
        (keytab(), "kerberos-keytab"),
        (pgp(b"\x95"), "pgp-secret-keyring"),
        (pgp(b"\x95", 3), "pgp-secret-keyring"),
        (bytes.fromhex("03d9a29a67fb4bb5") + bytes(100), "keepass-database"),
        (bytes(4) + bytes(range(20)) + struct.pack("<i", 16) + b"\x9a" * 40, "mysql-login-path"),
    ],
)
def test_a_key_in_a_store(content: bytes, rule: str) -> None:
    assert inspected(content) == [rule]
    assert inspected(content, "srv/a.txt") == [rule]


@pytest.mark.parametrize(
    "content",
    [
        java(b"\xfe\xed\xfe\xed", TRUSTED, TRUSTED),
        java(b"\xfe\xed\xfe\xed", TRUSTED)[:400],
        bouncy(0),
        pkcs12.serialize_key_and_certificates(None, None, CERTIFICATE, None, NoEncryption()),
        CERTIFICATE.public_bytes(Encoding.DER),
        EC.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        RSA.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())[:-1],
        keytab(b"\xff\xfe\x80"),
        keytab()[:-3],
        pgp(b"\x99"),
        pgp(b"\x95")[:100],
        b"0" * 200,
        bytes(200),
        b"\xff" * 200,
    ],
)
def test_what_holds_no_key(content: bytes) -> None:
    assert inspected(content) == []


def test_a_store_of_which_all_is_encrypted_is_told() -> None:
    content = pkcs12.serialize_key_and_certificates(None, None, CERTIFICATE, None, WORD)

    assert inspected(content) == [
        "a PKCS#12 store of which all is encrypted: whether it holds a private key is not known"
    ]


def test_a_store_hides_nothing_that_stands_behind_it() -> None:
    content = bytes.fromhex("03d9a29a67fb4bb5") + b"\nurl=postgres://app:tr0ub4dor-Kq7@db/x\n"

    assert inspected(content) == ["keepass-database", "url-password"]
    assert inspected(content + b"x" * (2 << 20)) == ["keepass-database", "url-password"]
