"""Opaque credentials: 256 random bits for the holder, their SHA-256 for storage.

A slow hash is for what people choose. These secrets cannot be guessed, and a fast hash keeps a flood of invalid ones
cheap to refuse.
"""

import hashlib
import re
import secrets
from typing import Final

_SECRET: Final = r"[A-Za-z0-9_-]{43}"  # noqa: S105 -- the shape of a secret, not one
_SESSION: Final = re.compile(_SECRET)
_API_TOKEN: Final = re.compile(rf"hgt_([0-9a-f]{{32}})_({_SECRET})")


def new_secret() -> str:
    """43 URL-safe characters."""
    return secrets.token_urlsafe(32)


def digest(secret: str) -> str:
    """What is stored and looked up."""
    return hashlib.sha256(secret.encode()).hexdigest()


def is_session_secret(text: str) -> bool:
    """The text has the shape of a session cookie, so asking storage can make sense."""
    return _SESSION.fullmatch(text) is not None


def api_token(token_id: str, secret: str) -> str:
    """The token as its owner holds it."""
    return f"hgt_{token_id}_{secret}"


def parse_api_token(text: str) -> tuple[str, str] | None:
    """``(id, secret)``, or None for anything that is not an API token."""
    match = _API_TOKEN.fullmatch(text)
    return (match[1], match[2]) if match else None
