"""Passwords that the platform must be able to use, sealed with a key that is not in the database.

AES-256-GCM (NIST SP 800-38D); the sealed form is the byte 1, the 12 bytes of the nonce, then what AES gives.
What a password was given for is bound to it: a row that was copied, or whose address somebody changed in the database,
opens nothing, so the password goes nowhere else.
"""

import contextlib
import os
import secrets
import stat
from pathlib import Path

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from msgspec import Struct

from hullguard.model.errors import Invalid, Unavailable

_FORM = b"\x01"
_NONCE, _KEY = 12, 32


class Purpose(Struct, frozen=True, array_like=True):
    """What a password was given for: this registry, at this address, over this kind of connection."""

    tenant: str
    registry: str
    address: str
    insecure: bool
    ca: str


class Vault:
    """Seals and opens with the key of one file."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)

    @classmethod
    def open(cls, path: Path) -> "Vault":
        """The key of a file, which is made if it is not there; processes that start at once agree on one."""
        if not path.exists():
            _make(path)
        try:
            content = path.read_bytes()
            mode = path.stat().st_mode
        except OSError as cause:
            raise Invalid(f"cannot read {path}: {cause.strerror}; restore it from a backup") from cause
        if stat.S_IMODE(mode) & 0o077:
            raise Invalid(f"{path} can be read by others than its owner; run: chmod 600 {path}")
        if len(content) != _KEY:
            raise Invalid(
                f"{path} is no key; restore it from a backup, or remove it and give the passwords of registries again"
            )
        return cls(content)

    def seal(self, password: str, purpose: Purpose) -> bytes:
        """The password for this purpose, for the database."""
        nonce = secrets.token_bytes(_NONCE)
        return _FORM + nonce + self._cipher.encrypt(nonce, password.encode(), _bound(purpose))

    def unseal(self, sealed: bytes, purpose: Purpose) -> str:
        """The password; raises ``Unavailable`` where it was sealed for another purpose, or with another key."""
        nonce, body = sealed[1 : 1 + _NONCE], sealed[1 + _NONCE :]
        try:
            return self._cipher.decrypt(nonce, body, _bound(purpose)).decode()
        except (InvalidTag, ValueError) as cause:
            sentence = (
                "the password that is kept for this registry cannot be opened: the platform has another key than it "
                "was sealed with, or the registry was changed in the database; give the password again"
            )
            raise Unavailable(sentence, "registry.sealed") from cause


def _bound(purpose: Purpose) -> bytes:
    return msgspec.msgpack.encode(purpose)


def _make(path: Path) -> None:
    """A new key, whole or not at all, readable by its owner alone."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(_KEY))
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):  # another process was faster: its key counts
            os.link(temporary, path)
    finally:
        temporary.unlink()
