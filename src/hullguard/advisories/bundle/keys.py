"""The keys that sign bundles: Ed25519, in the form of the platform's release key."""

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from hullguard.model.errors import Conflict, Invalid, NotFound, Unavailable

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

_KEY_BYTES = 1 << 16
_DIGITS = re.compile(rb"[0-9a-f]{64}")


def make(private: Path) -> Path:
    """Writes a new private key, readable by its owner alone, and the public one beside it; never over another."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    public = private.with_name(f"{private.name}.pub")
    key = Ed25519PrivateKey.generate()
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    known = key.public_key().public_bytes_raw().hex().encode() + b"\n"
    if public.exists():
        raise Conflict(f"{public} exists; a key is never written over another")
    for path, content, mode in ((private, secret, 0o600), (public, known, 0o644)):
        try:
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode), "wb") as file:
                file.write(content)
        except FileExistsError as cause:
            raise Conflict(f"{path} exists; a key is never written over another") from cause
        except OSError as cause:
            raise Unavailable(f"cannot write {path}: {cause.strerror}") from cause
    return public


def private(path: Path) -> "Ed25519PrivateKey":
    """The key that signs."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        key = load_pem_private_key(_content(path), None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as cause:
        raise Invalid(f"{path} is no private key in PEM form; make one with: hullguard db keygen") from cause
    if not isinstance(key, Ed25519PrivateKey):
        raise Invalid(f"{path} is no Ed25519 key; make one with: hullguard db keygen")
    return key


def public(path: Path) -> bytes:
    """The raw public key of a file of 64 digits, or in PEM form."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    content = _content(path)
    if _DIGITS.fullmatch(content.strip()):
        return bytes.fromhex(content.decode())
    try:
        key = load_pem_public_key(content)
    except (ValueError, TypeError, UnsupportedAlgorithm) as cause:
        raise Invalid(f"{path} is no public key such as the .pub file of: hullguard db keygen") from cause
    if not isinstance(key, Ed25519PublicKey):
        raise Invalid(f"{path} is no Ed25519 key")
    return key.public_bytes_raw()


def signed(key: bytes, signature: bytes, content: bytes) -> bool:
    """Whether the owner of the key signed the content."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, content)
    except InvalidSignature:
        return False
    return True


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_KEY_BYTES)
    except FileNotFoundError as cause:
        raise NotFound(f"there is no file {str(path)!r}", "advisories.no-file") from cause
    except OSError as cause:
        raise Invalid(f"{str(path)!r} cannot be read: {cause.strerror}") from cause
