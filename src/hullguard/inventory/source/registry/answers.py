"""What an answer, or that there is none, says: as far as it can be shown, and bounded."""

import email.utils
import functools
import re
import ssl
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from hullguard.model.errors import Invalid

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse

    from hullguard.net.pace import Pace

OF_NO_KNOWN_AUTHORITY = frozenset({18, 19, 20, 21})
"""X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT and those behind it (OpenSSL, x509_vfy.h)."""
_CONNECTION = re.compile(r"\w+\(host='[^']*', port=\d+\): ")


class Words(NamedTuple):
    """What an answer says of itself."""

    sentence: str
    """The status, and the messages as far as there are any."""
    codes: frozenset[str]
    """Those of its errors, if it has the form of the distribution specification ("Error Codes"); else none."""


def header_lines(answer: "BaseHTTPResponse", name: str) -> list[str]:
    """Each line of one header, up to a bound."""
    lines: list[str] = answer.headers.getlist(name)
    return lines[:16]


def retry_after(value: str) -> float | None:
    """Seconds from a header that holds either seconds or a date."""
    if value.isdecimal() and len(value) < 10:
        return float(value)
    try:
        return max(email.utils.parsedate_to_datetime(value).timestamp() - time.time(), 0.0)
    except (ValueError, TypeError, OverflowError):
        return None


def reason(cause: BaseException) -> object:
    """What urllib3 wraps."""
    return getattr(cause, "reason", None) or next((arg for arg in cause.args if isinstance(arg, ssl.SSLError)), cause)


def plainly(cause: BaseException) -> str:
    """What went wrong, without the connection that urllib3 names before it."""
    return _CONNECTION.sub("", str(cause))


def final(cause: BaseException) -> bool:
    """Whether another attempt would fail in the same way."""
    from urllib3.exceptions import NameResolutionError

    return isinstance(reason(cause), ssl.SSLError | NameResolutionError)


def said(answer: "BaseHTTPResponse") -> str:
    """The status and the sentence of an answer, as far as it has one."""
    return worded(answer).sentence


def worded(answer: "BaseHTTPResponse") -> Words:
    """The same, and by which codes it says so; it is closed then."""
    from urllib3.exceptions import HTTPError

    from hullguard.net.answers import words

    body = words(plain(answer), 4000, HTTPError)
    answer.close()
    try:
        errors = list(msgspec.json.decode(body)["errors"])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, KeyError, TypeError):
        errors = []
    told = [error for error in errors if isinstance(error, dict)]
    sentence = "; ".join(str(error["message"]) for error in told if "message" in error)
    codes = frozenset(str(error.get("code", ""))[:64] for error in told)
    return Words(" ".join(f"{answer.status} {sentence}".split())[:500], codes)


def bounded(answer: "BaseHTTPResponse", pace: "Pace", limit: int, what: str) -> bytes:
    """A small body as a whole; raises Invalid where it has more than ``limit`` bytes."""
    parts: list[bytes] = []
    left = limit + 1
    while left and (data := pace.read(plain(answer), left)):
        parts.append(data)
        left -= len(data)
    if not left:
        answer.close()
        raise Invalid(f"{what[:200]} has more than the {limit} bytes that a document may have", "image.bad-document")
    answer.release_conn()
    return b"".join(parts)


def plain(answer: "BaseHTTPResponse") -> Callable[[int], bytes]:
    """Reads of a body what has come by then, as it was sent."""
    return functools.partial(answer.read1, decode_content=False)
