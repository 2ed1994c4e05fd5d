"""Text of an image as a report may quote it: without the credentials in it.

A report is kept and passed on whatever was asked for, so this holds for every scan. Passwords are known by where they
stand, as they are in files; tokens by the rules, which are loaded only where something looks like a token.
"""

import functools
import re
from collections.abc import Iterable, Iterator
from typing import Final

from hullguard.inventory.content.secrets.judge import MASK, credible, is_named_secret, may_be_secret, shown
from hullguard.inventory.content.secrets.rules.pem import BETWEEN, HEADERS
from hullguard.inventory.content.secrets.rules.shell import ARGUMENTS, KEPT, PIPED, SHELL, given
from hullguard.inventory.content.variables import declared

Span = tuple[int, int]

_VALUE: Final = re.compile(r"\"[^\"\n]{1,4096}\"|'[^'\n]{1,4096}'|\\{0,3}[\"']?[^\s\"';&|]{1,4096}")
_QUOTES = "\\\"'"
_NAMES: Final = (
    # a variable or an argument, a header or an entry of a mapping
    re.compile(r"(?<![\w.-])([A-Za-z_][\w.-]{0,100})\\{0,3}[\"']?(?:=|:(?!//)[ \t]?)"),
    re.compile(r"(?<![\w-])-D([A-Za-z][\w.-]{0,100})="),  # a property of Java
)
_OPTION: Final = re.compile(r"(?<![\w-])--([A-Za-z][\w-]{0,100})(?:=|[ \t]+(?!-))")
_WORDS: Final = re.compile(r"\"[ \t]{0,4},?[ \t]{0,4}\"")
"""Between the words of a command that is written as a list."""
_USER: Final = re.compile(
    r"(?<![\w-])(?:-u|--user)[ \t=]{0,4}[\"']?[^\s:\"']{1,256}:(?!\d+\b)([^\s\"']{1,1024})", re.IGNORECASE
)
_SENDS: Final = re.compile(r"\b(?:curl|wget|https?)\b")
"""A program to which ``-u`` is a name and its password; to others it may be a user and a group."""
_PASSWORDS: Final = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"://[^\s/:@\"']{0,256}:([^\s/@\"']{1,1024})@",
        r"://[^\s/:@\"']{0,64}:(?!\d{1,5}[/,])([^\s/:@\"']{0,64}/[^\s:@\"'?#]{1,128})@[\w.\-\[\]]{1,255}:\d",
        r"\bjdbc:oracle:[a-z0-9]{3,8}:[^\s/:@\"']{1,256}/\"?([^\s@\"']{1,1024})\"?@",
        r"\bidentified[ \t]{1,4}(?:with[ \t]{1,4}\S{1,64}[ \t]{1,4})?(?:by|as)[ \t]{1,4}\\{0,3}'([^'\s\\]{1,1024})",
        r"\bwith[ \t]{1,4}(?:encrypted[ \t]{1,4})?password[ \t]{1,4}\\{0,3}'([^'\s\\]{1,1024})",
        r"\blogin[ \t]{1,4}[^\s\"']{1,256}[ \t]{1,4}password[ \t]{1,4}([^\s\"'\\]{1,1024})",
        r"authorization:[ \t]{0,4}(?:bearer|basic|token)[ \t]{1,4}([^\s\"']{1,4096})",
        r"\bs/[A-Z0-9_@{}%$<>-]{0,60}(?:PASS(?:WORD|WD|PHRASE)?|SECRET|TOKEN|_KEY)[A-Z0-9_@{}%>-]{0,4}/([^\s/\"']{8,1024})/",
    )
)
_RULES: Final = {rule.id: rule for rule in SHELL}
_COMMANDS: Final = {
    **{word: (_RULES["shell-argument"], given(before)) for word, before in ARGUMENTS.items()},
    "chpasswd": (_RULES["shell-chpasswd"], PIPED["chpasswd"]),
    "|": (_RULES["shell-piped"], PIPED["|"]),
    ">": (_RULES["shell-kept"], KEPT),
}
"""The rules of shell scripts by a word that stands in each such command."""
_QUOTED: Final = 4096
_KEY: Final = re.compile(
    r"(-{4,5} ?BEGIN (?:[\w -]{0,40}PRIVATE KEY(?: BLOCK)?|OpenVPN (?:Static key V1|tls-crypt-v2 \w{1,9} key)) ?-{4,5})"
    rf"(?=(?:{BETWEEN}){{0,100}}+(?:Proc-Type:|Version:|Comment:|[A-Za-z0-9+/=]{{40}}))"
    rf"(?:{BETWEEN}|(?:{HEADERS}):.{{0,120}}|[A-Za-z0-9+/=]{{16,}})++"
    rf"(?:[A-Za-z0-9+/=]{{1,15}}(?=(?:{BETWEEN})*+-{{4,5}} ?END))?"
)
"""A private key with all its lines, however they are indented, quoted or joined; its last line may be a short one."""
_APART: Final = re.compile(r"[=: \t]")
"""One of these stands between a password and what tells it."""
_RUN: Final = re.compile(r"[A-Za-z0-9]{16,}")
_DIGIT, _NO_HEX = re.compile(r"[0-9]"), re.compile(r"[g-zG-Z]")


@functools.lru_cache(maxsize=4096)
def redacted_text(text: str) -> str:
    """The text with each credential masked; the same text where there is none."""
    if "BEGIN " in text:
        text = _KEY.sub(rf"\1{MASK}", text)
    if any(_DIGIT.search(run) and _NO_HEX.search(run) for run in _RUN.findall(text)):
        text = _without_tokens(text)
    if _APART.search(text) is None:
        return text  # names of files, most of them
    kept, at = list[str](), 0
    for start, end in sorted(_places(text)):
        if start >= at:
            kept += [text[at:start], MASK]
        at = max(at, end)
    return "".join([*kept, text[at:]]) if kept else text


def quoted(text: str, most: int) -> str:
    """The first characters of a text as they may be shown; of a credential that is cut nobody would know what it is."""
    return redacted_text(text[:_QUOTED])[:most]


def holds_password(text: str) -> bool:
    """Whether a command, a variable or a label has a password in it that ``redacted_text`` would mask by its place."""
    if _APART.search(text) is None:
        return False
    return next(_places(text, user=_SENDS.search(text) is not None), None) is not None


def _places(text: str, *, user: bool = True) -> Iterator[Span]:
    """Where passwords stand, in no order; they may overlap."""
    if (variables := declared(text)) is not None:
        for variable in variables.variables:
            if MASK not in variable.value and is_named_secret(variable.name, variable.value):
                yield variable.start, variable.end
    for pattern in (_USER, *_PASSWORDS) if user else _PASSWORDS:
        for found in pattern.finditer(text):
            if MASK not in found[1] and not found[1].startswith("$"):
                yield found.span(1)
    # As long as it was, so that a place in the one is one in the other.
    words = _WORDS.sub(lambda between: " " * len(between[0]), text) if '["' in text else text
    yield from _named(text, _NAMES)
    yield from _named(words, (_OPTION,))
    yield from _told(words)


def _named(text: str, names: Iterable[re.Pattern[str]]) -> Iterator[Span]:
    for pattern in names:
        masked = 0
        for name in pattern.finditer(text):
            # A place or a reference is none: seen at once, many in a row do not each read what follows them.
            if name.start() < masked or text.startswith(("/", "$"), name.end()) or not may_be_secret(name[1]):
                continue
            if (value := _VALUE.match(text, name.end())) is None:
                continue
            bare = value[0].strip(_QUOTES)
            if MASK not in bare and is_named_secret(name[1], bare):
                start = value.start() + len(value[0]) - len(value[0].lstrip(_QUOTES))
                masked = start + len(bare)
                yield start, masked


def _told(text: str) -> Iterator[Span]:
    """Passwords that a program is given, or told by another one: a comment hides nothing here."""
    for word, (rule, pattern) in _COMMANDS.items():
        for found in _compiled(pattern).finditer(text) if word in text else ():
            if MASK not in found[1] and credible(rule, found[1].encode("utf-8", "replace")):
                yield found.span(1)


@functools.cache
def _compiled(pattern: str) -> re.Pattern[str]:
    """When a text asks for it: in most images few do."""
    return re.compile(pattern)


def _without_tokens(text: str) -> str:
    from hullguard.inventory.content.secrets.inspector import SecretInspector

    content, kept, at = text.encode("utf-8", "replace"), list[bytes](), 0
    for start, end in SecretInspector().matcher.places(content):
        if start >= at:
            kept += [content[at:start], shown(content[start:end]).encode()]
        at = max(at, end)
    return b"".join([*kept, content[at:]]).decode("utf-8", "replace") if kept else text
