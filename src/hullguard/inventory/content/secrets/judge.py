"""Which candidates are credentials and which are examples, and how a credential may be shown."""

import functools
import math
import re
from collections import Counter

from hullguard.inventory.content.secrets.names import ANYWHERE, APART, FINGERPRINT, NUMBER, PLAIN
from hullguard.inventory.content.secrets.rule import Rule

_SHOWN = 4
_SHORT = 12
MASK = "********"
_PREFIX = 48

# The tokens that makers print in their manuals, and what people write where a token is to go.
_EXAMPLE = re.compile(
    rb"example|sample|placeholder|change[_-]?(?:me|it)|dummy|your[_-]|redacted|insert[_-]|replace[_-]?(?:me|with)|xxxx|\*\*\*|"
    rb"<[a-z]|\$\{|\{\{|%\(|deadbeef|eyJzdWIiOiIxMjM0NTY3ODkwIiwibmFtZSI6IkpvaG4gRG9lI",
    re.IGNORECASE,
)
_COUNTED = re.compile(rb"0123456789|1234567890|abcdefghij", re.IGNORECASE)
_SERIES = b"abcdefghijklmnopqrstuvwxyz\0" + b"0123456789" * 8
_LEAST_SERIES, _MADE_AT_RANDOM, _RANDOM_ENTROPY = 4, 20, 4.0
"""What is counted, from so many characters on; beside it so many of so many bits each are no example's."""
_TRIVIAL = re.compile(
    rb"(?:my|your|the|some|db|root|user|test)?[_-]?(?:pass(?:word|wd|phrase)?|pw|pwd|user(?:name)?|secret|token|key|foo|bar|"
    rb"baz|test(?:ing)?|none|null|nil|true|false|string|value|hidden|empty)[0-9]{0,3}|abc|xyz",
    re.IGNORECASE,
)
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_NAMED_SECRET = re.compile(rf"(?:{ANYWHERE}|(?:^|_)CREDENTIALS?){NUMBER}$", re.IGNORECASE)
_PERHAPS = re.compile(rf"(?:^|_)(?:{APART}){NUMBER}$", re.IGNORECASE)
"""Names of other things as well: a mere word or number is no secret there."""
_PLAIN = re.compile(PLAIN)
_PACKAGES = frozenset(("pass", "passwd"))
"""Programs that are installed by this name: a version may stand behind it."""
_VERSION = re.compile(r"(?:\d+:)?\d+\.[\w.+~:\-]+")
_FINGERPRINT = re.compile(FINGERPRINT)
# Others' tests and documentation, in the places where libraries lie; what is called so elsewhere is looked at.
_FIXTURE = re.compile(
    r"(?:^|/)(?:site-packages|dist-packages|node_modules|go/pkg/mod|gems/[^/]+-\d[^/]*|vendor/[^/]+/[^/]+|"
    r"(?:lib|lib64|share)/(?:[^/]+-linux-[^/]+/)?(?:python3[^/]*|perl5?|ruby|golang))/"
    r"(?:.*/)?(?:tests?|testing|testdata|fixtures?|examples?|__tests__|specs?|docs?|idlelib)/"
)
_UNPROMISING = re.compile(
    r"\.(?:dist-info|egg-info)/|^(?:usr/share/(?:doc|locale|man|info|zoneinfo|i18n|fonts|icons|mime|perl|terminfo|common-licenses|"
    r"ca-certificates)|var/lib/(?:dpkg|apt|rpm|pacman)|var/cache/(?:apt|man)|usr/lib/locale)/"
)
# What packages run, among the package managers' own lists.
_SCRIPTS = re.compile(r"var/lib/(?:dpkg/info/[^/]+\.(?:(?:pre|post)(?:inst|rm)|config)|pacman/local/[^/]+/install)")
_NAME = re.compile(rb"[A-Za-z_][0-9A-Za-z_.\-]{0,31}[\"']?[ \t]{0,4}(?:=>|:=|=|:)[ \t]{0,4}[\"']?$")


def promising(path: str) -> bool:
    """Whether a file in this place may hold a credential of the image's makers."""
    return _promising(path[: path.rfind("/") + 1]) or _SCRIPTS.fullmatch(path) is not None


@functools.lru_cache(16)
def _promising(directory: str) -> bool:
    """Every word that is looked for ends with a slash. Remembered: files of one directory come one after the other."""
    return _UNPROMISING.search(directory) is None and _FIXTURE.search(directory) is None


def credible(rule: Rule, secret: bytes) -> bool:
    """Whether what looks like a credential is no example, placeholder or word."""
    if _placeholder(secret):
        return False
    if rule.allow and re.match(rule.allow.encode("ascii"), secret):
        return False
    distinct = 6 if len(secret) >= 20 else min(4, len(secret) // 2)
    return len(set(secret)) > distinct and entropy(secret) >= rule.entropy


def may_be_secret(name: str) -> bool:
    """Whether a variable, by its name, holds a secret unless its value is none."""
    name = _plain_name(name)
    return _NAMED_SECRET.search(name) is not None or _PERHAPS.search(name) is not None


def is_named_secret(name: str, value: str) -> bool:
    """Whether a variable, by its name, holds a secret, and its value is neither a place nor a reference."""
    if name in _PACKAGES and _VERSION.fullmatch(value):
        return False
    name = _plain_name(name)
    if len(value) < 4 or value.startswith(("/", "$")) or _placeholder(value.encode("utf-8", "replace")):
        return False
    if _NAMED_SECRET.search(name) is not None:
        return _FINGERPRINT.fullmatch(value) is None
    return _PERHAPS.search(name) is not None and _PLAIN.match(value) is None


def _plain_name(name: str) -> str:
    return _CAMEL.sub("_", name).replace("-", "_").replace(".", "_")


def _placeholder(value: bytes) -> bool:
    return _EXAMPLE.search(value) is not None or _counted(value) or _TRIVIAL.fullmatch(value) is not None


def _counted(value: bytes) -> bool:
    """Whether it is what people type along the alphabet and the digits, but for what makes it look like a token."""
    if _COUNTED.search(value) is None:
        return False
    folded, rest, at = value.lower(), bytearray(), 0
    while at < len(folded):
        end = at + 1
        while end < len(folded) and folded[at : end + 1] in _SERIES:
            end += 1
        if end - at < _LEAST_SERIES:
            rest += value[at:end]
        at = end
    return len(rest) < _MADE_AT_RANDOM or entropy(bytes(rest)) < _RANDOM_ENTROPY


def entropy(text: bytes) -> float:
    """Shannon's, in bits per byte."""
    total = len(text)
    return -sum(count / total * math.log2(count / total) for count in Counter(text).values()) if total else 0.0


def redacted(window: bytes, start: int, end: int, claimed: list[tuple[int, int]]) -> str:
    """The name that a secret is assigned to, and at most its first four characters.

    Nothing that another match claims is shown, so one secret never stands in the surroundings of another.
    """
    prefix = b""
    if name := _NAME.search(window, max(0, start - _PREFIX), start):
        first = name.start()
        if not any(begin < start and first < finish for begin, finish in claimed):
            prefix = name[0]
    return _printable(prefix) + shown(window[start:end])


def shown(secret: bytes) -> str:
    """A secret as it may be shown: by its first characters, if it is long."""
    return _printable(secret[:_SHOWN] if len(secret) >= _SHORT else b"") + MASK


def _printable(text: bytes) -> str:
    return "".join(chr(byte) if 32 <= byte < 127 else "?" for byte in text)
