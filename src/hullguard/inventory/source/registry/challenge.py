"""What a registry asks of who is not signed in (the ``WWW-Authenticate`` header), and the token that answers it."""

import re
from dataclasses import dataclass

import msgspec
from msgspec import Struct

from hullguard.model.decoding import from_json, wrong
from hullguard.model.errors import Invalid

_MAX_HEADER = 8192
_MAX_TOKEN = 1 << 16
_WORDS = re.compile(r'([A-Za-z][A-Za-z0-9_-]*)(?:\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+)))?')
_TOKEN = re.compile(r"[\x21-\x7e]+")


@dataclass(frozen=True, slots=True)
class Challenge:
    """One way to sign in. ``scheme`` is ``bearer``, ``basic`` or one that nobody here speaks."""

    scheme: str
    parameters: dict[str, str]


class _Token(Struct, frozen=True):
    token: str | None = None
    access_token: str | None = None


def parse_challenges(headers: list[str]) -> list[Challenge]:
    """All ways that a registry offers, in its order; several may stand in one header."""
    found: list[Challenge] = []
    for header in headers:
        for match in _WORDS.finditer(header[:_MAX_HEADER]):
            word, quoted, plain = match.groups()
            if quoted is None and plain is None:
                found.append(Challenge(word.lower(), {}))
            elif found:
                value = plain if quoted is None else re.sub(r"\\(.)", r"\1", quoted)
                found[-1].parameters.setdefault(word.lower(), value)
    return found


def parse_token(content: bytes, realm: str) -> str:
    """The token in an answer of a token server; either name is in use."""
    try:
        answer = from_json(content, _Token)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as cause:
        raise Invalid(f"{realm} gave an answer that is no token: {wrong(cause)}", "registry.bad-token") from cause
    token = answer.token or answer.access_token or ""
    if len(token) > _MAX_TOKEN or not _TOKEN.fullmatch(token):
        raise Invalid(f"{realm} gave an answer without a usable token", "registry.bad-token")
    return token
