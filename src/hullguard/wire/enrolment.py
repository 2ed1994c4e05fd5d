"""The enrolment token, and how an agent comes to trust the platform with nothing but that token in hand.

A token is ``hg1.<id>.<secret>.<pin>``. The pin is the first half of the SHA-256 of the platform CA's certificate. The
agent fetches the CA from ``CA_PATH`` without verifying anything, compares it with the pin, and from then on verifies
every connection against that CA and ``SERVER_NAME``, whatever address it dials.
"""

import base64
import binascii
import hashlib
import re
import secrets
from typing import NamedTuple

from hullguard.wire.violation import Code, Violation

SERVER_NAME = "hostmgr.hullguard.internal"
"""Every hostmgr certificate carries it: behind a balancer, an address or a tunnel, agents still verify one name."""

CA_PATH = "/agent/v1/ca"
ENROL_PATH = "/agent/v1/enrol"
SESSION_PATH = "/agent/v1/session"

PIN_BYTES = 16

_TOKEN = re.compile(r"hg1\.([A-Za-z0-9_-]{1,64})\.([A-Za-z0-9_-]{20,128})\.([0-9a-f]{32})", re.ASCII)
_PEM = re.compile(r"-----BEGIN CERTIFICATE-----\n([A-Za-z0-9+/=\n]+)-----END CERTIFICATE-----\n?", re.ASCII)


class Token(NamedTuple):
    """An enrolment token taken apart."""

    id: str
    secret: str
    pin: str

    def __str__(self) -> str:
        return f"hg1.{self.id}.{self.secret}.{self.pin}"


def new_secret() -> str:
    """256 bits for a token's secret."""
    return secrets.token_urlsafe(32)


def parse_token(text: str) -> Token:
    """Takes a token apart; whitespace around it (copy and paste) is forgiven."""
    match = _TOKEN.fullmatch(text.strip())
    if match is None:
        raise Violation(
            Code.TOKEN_MALFORMED, "this is not an enrolment token; copy the whole line that begins with hg1."
        )
    return Token(*match.groups())


def pin_of(ca_pem: str) -> str:
    """The pin that tokens carry, of a PEM that holds exactly one certificate."""
    match = _PEM.fullmatch(ca_pem.strip() + "\n")
    if match is None:
        raise Violation(Code.MESSAGE_MALFORMED, "the CA certificate is not one PEM certificate")
    try:
        der = base64.b64decode(match.group(1).replace("\n", ""), validate=True)
    except binascii.Error as cause:
        raise Violation(Code.MESSAGE_MALFORMED, "the CA certificate is not valid base64") from cause
    return hashlib.sha256(der).digest()[:PIN_BYTES].hex()


def require_pinned(ca_pem: str, token: Token) -> None:
    """Raises unless this CA is the one the token was made for: else somebody stands between agent and platform."""
    if not secrets.compare_digest(pin_of(ca_pem), token.pin):
        raise Violation(
            Code.TOKEN_FOREIGN,
            "the server's CA is not the one this token was made for; check the server's address, then make a new token",
        )
