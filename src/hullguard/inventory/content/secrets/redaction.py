"""Text of an image as a report may quote it: without the credentials in it.

A report is kept and passed on whatever was asked for, so this holds for every scan. Passwords are known by where they
stand; tokens by the rules, which are loaded only where something looks like a token.
"""

import functools
import re
from typing import Final

from hullguard.inventory.content.secrets.judge import MASK, is_named_secret, shown

_VALUE = r"\"[^\"\n]{1,4096}\"|'[^'\n]{1,4096}'|[^\s\"';&|]{1,4096}"
_CAMEL: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_NAMED: Final = re.compile(rf"(?<![\w.-])([A-Za-z_][\w.-]{{0,100}})([\"']?(?:=|:[ \t]?))({_VALUE})")
"""A variable or an argument, a header or an entry of a mapping."""
_PROPERTY: Final = re.compile(rf"(?<![\w-])-D([A-Za-z][\w.-]{{0,100}})(=)({_VALUE})")
"""Of Java: it may be the value of a variable itself."""
_OPTION: Final = re.compile(rf"(?<![\w-])--([A-Za-z][\w-]{{0,100}})(=|[ \t]+|\",[ \t]*\")({_VALUE})")
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
        r"authorization:[ \t]{0,4}(?:bearer|basic|token)[ \t]{1,4}([^\s\"']{1,4096})",
        r"\bmysql[a-z]{0,8}[^|;&\n]{0,64}?[ \t]-p([^\s\"';&|]{1,1024})",
        r"\bsshpass[ \t]{1,4}-p[ \t]{0,4}[\"']?([^\s\"']{1,1024})",
    )
)
_QUOTED: Final = 4096
_APART: Final = re.compile(r"[=: \t]")
"""One of these stands between a password and what tells it."""
_RUN: Final = re.compile(r"[A-Za-z0-9]{16,}")
_DIGIT, _NO_HEX = re.compile(r"[0-9]"), re.compile(r"[g-zG-Z]")


@functools.lru_cache(maxsize=4096)
def redacted_text(text: str) -> str:
    """The text with each credential masked; the same text where there is none."""
    if any(_DIGIT.search(run) and _NO_HEX.search(run) for run in _RUN.findall(text)):
        text = _without_tokens(text)
    if _APART.search(text) is None:
        return text  # names of files, most of them
    for pattern, mask in _MASKS:
        text = pattern.sub(mask, text)
    return text


def quoted(text: str, most: int) -> str:
    """The first characters of a text as they may be shown; of a credential that is cut nobody would know what it is."""
    return redacted_text(text[:_QUOTED])[:most]


def holds_password(text: str) -> bool:
    """Whether a command, a variable or a label has a password in it that ``redacted_text`` would mask by its place."""
    if _APART.search(text) is None:
        return False
    sends = _SENDS.search(text) is not None
    masks = (each for each in _MASKS if sends or each[0] is not _USER)
    return any(mask(found) != found[0] for pattern, mask in masks for found in pattern.finditer(text))


def _without_tokens(text: str) -> str:
    from hullguard.inventory.content.secrets.inspector import SecretInspector

    content, kept, at = text.encode("utf-8", "replace"), list[bytes](), 0
    for start, end in SecretInspector().matcher.places(content):
        if start >= at:
            kept += [content[at:start], shown(content[start:end]).encode()]
        at = max(at, end)
    return b"".join([*kept, content[at:]]).decode("utf-8", "replace") if kept else text


def _mask_first(found: re.Match[str]) -> str:
    if MASK in found[1] or found[1].startswith("$"):
        return found[0]
    start, end = (place - found.start() for place in found.span(1))
    return found[0][:start] + MASK + found[0][end:]


def _mask_named(found: re.Match[str]) -> str:
    value = found[3].strip("\"'")
    name = _CAMEL.sub("_", found[1]).replace("-", "_").replace(".", "_")
    if MASK in value or not is_named_secret(name, value):
        return found[0]
    quote = found[3][0] if found[3][0] in "\"'" else ""
    mark = found[0][: found.start(1) - found.start()]
    return f"{mark}{found[1]}{found[2]}{quote}{MASK}{quote}"


_MASKS: Final = (
    *((pattern, _mask_first) for pattern in (_USER, *_PASSWORDS)),
    *((pattern, _mask_named) for pattern in (_NAMED, _OPTION, _PROPERTY)),
)
"""What finds a credential by its place, and what hides it."""
