"""What operators and functions do with values, and which types have them."""

import base64
import binascii
import functools
import ipaddress
import re
from collections.abc import Callable, Iterable
from typing import Any, Final

from hullguard.detect.fields import linux
from hullguard.detect.fields.field import FieldType, Reader, Several, Value
from hullguard.detect.fields.wildcards import compiled
from hullguard.detect.rules.conditions import Constant
from hullguard.detect.rules.problems import quoted

Predicate = Callable[[Any], bool]

_EQUALITY: Final = frozenset({"=", "!=", "in", "intersects", "exists"})
_ORDER: Final = frozenset({"<", "<=", ">", ">="})
BY_TYPE: Final[dict[FieldType, frozenset[str]]] = {
    FieldType.TEXT: _EQUALITY | _ORDER | {
        "contains", "icontains", "startswith", "endswith", "glob", "iglob", "regex", "pmatch",
    },
    FieldType.NUMBER: _EQUALITY | _ORDER,
    FieldType.PORT: _EQUALITY | _ORDER,
    FieldType.FLAG: _EQUALITY,
    FieldType.ADDRESS: _EQUALITY,
    FieldType.NETWORK: _EQUALITY,
    FieldType.BYTES: _EQUALITY | {"contains", "startswith", "endswith", "bcontains", "bstartswith"},
}  # fmt: skip
OF_LISTS: Final = frozenset({"in", "intersects", "exists"})
_SHOWN: Final = {
    FieldType.TEXT: "a text",
    FieldType.NUMBER: "a number",
    FieldType.PORT: "a port",
    FieldType.FLAG: "true or false",
    FieldType.ADDRESS: "an address",
    FieldType.NETWORK: "an address in a network",
    FieldType.BYTES: "bytes",
}
LONGEST_EXPRESSION: Final = 10_000
_EXPRESSION_MEMORY: Final = 8 << 20
"""Bytes that one regular expression may take, as RE2's own default."""


def type_words(kind: FieldType, several: Several) -> str:
    """For messages."""
    return f"a list of values, each {_SHOWN[kind]}" if several is Several.LIST else _SHOWN[kind]


# Values of rules ------------------------------------------------------------------------------------------------------


def constant(kind: FieldType, operator: str, text: str) -> Constant:
    """A rule's value as the operator needs it. Raises ValueError with what is wrong with it."""
    if operator == "regex":
        return text
    if operator in {"bcontains", "bstartswith"}:
        return _hexadecimal(text)
    return _CONVERTERS[kind](text)


def _number(text: str) -> int:
    if re.fullmatch(r"0[xX][0-9a-fA-F]{1,16}", text):
        return int(text, 16)
    if re.fullmatch(r"[+-]?[0-9]{1,20}", text):
        return int(text)
    raise ValueError(f"{quoted(text)} is not a whole number")


def _port(text: str) -> int:
    number = linux.SERVICES.get(text) if not text[:1].isdigit() else _number(text)
    if number is None:
        raise ValueError(f"{quoted(text)} is neither a port's number nor a service known here")
    if not 0 <= number <= 65_535:
        raise ValueError(f"{number} is not a port: ports go from 0 to 65535")
    return number


def _flag(text: str) -> bool:
    if text not in {"true", "false"}:
        raise ValueError(f"{quoted(text)} is neither true nor false")
    return text == "true"


def _address(text: str) -> str:
    try:
        return ipaddress.ip_address(text).compressed
    except ValueError:
        raise ValueError(f"{quoted(text)} is not an IP address") from None


def _network(text: str) -> tuple[int, int, int]:
    """Version, first address, mask."""
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise ValueError(f"{quoted(text)} is not a network such as 10.0.0.0/8") from None
    return network.version, int(network.network_address), int(network.netmask)


def _hexadecimal(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise ValueError(f"{quoted(text)} is not written in hexadecimal digits") from None


_CONVERTERS: Final[dict[FieldType, Callable[[str], Constant]]] = {
    FieldType.TEXT: str,
    FieldType.NUMBER: _number,
    FieldType.PORT: _port,
    FieldType.FLAG: _flag,
    FieldType.ADDRESS: _address,
    FieldType.NETWORK: _network,
    FieldType.BYTES: lambda text: text.encode("utf-8", "surrogateescape"),
}


# Values of events -----------------------------------------------------------------------------------------------------


@functools.lru_cache(maxsize=4096)
def canonical(address: str) -> str:
    """An address in one form, so that equal ones are equal texts."""
    try:
        return ipaddress.ip_address(address).compressed
    except ValueError:
        return address


@functools.lru_cache(maxsize=4096)
def _as_number(address: str) -> tuple[int, int] | None:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return None
    return parsed.version, int(parsed)


def inside(networks: Iterable[tuple[int, int, int]]) -> Predicate:
    """Whether an address is in any of the networks."""
    wanted = tuple(networks)

    def test(address: str) -> bool:
        found = _as_number(address)
        return found is not None and any(
            found[0] == version and found[1] & mask == first for version, first, mask in wanted
        )

    return test


def below(paths: Iterable[str]) -> Predicate:
    """``pmatch``: whether a path is one of these, or below one; their parts may have wildcards."""
    plain, patterns = set(), []
    for path in paths:
        parts = [part for part in path.split("/") if part]
        if any(character in part for part in parts for character in "*?["):
            patterns.append([compiled(part) for part in parts])
        else:
            plain.add("/".join(parts))

    def test(path: str) -> bool:
        parts = [part for part in path.split("/") if part]
        if any("/".join(parts[:count]) in plain for count in range(len(parts) + 1)):
            return True
        return any(
            len(pattern) <= len(parts) and all(one.fullmatch(part) for one, part in zip(pattern, parts, strict=False))
            for pattern in patterns
        )

    return test


def expression(text: str) -> Predicate:
    """``regex``: whether the whole value fits, by RE2, in linear time. Raises ValueError for what RE2 does not take."""
    if len(text) > LONGEST_EXPRESSION:
        raise ValueError(f"a regular expression may have {LONGEST_EXPRESSION} characters")
    # Loaded when a rule asks for it: most rule files have no regular expression.
    import re2

    options = re2.Options()
    # POSIX, as in Falco, and the classes (\\d, \\w, \\b) that people expect beside it.
    options.posix_syntax = True
    options.longest_match = True
    options.perl_classes = True
    options.word_boundary = True
    options.log_errors = False
    options.max_mem = _EXPRESSION_MEMORY
    try:
        found = re2.compile(text.encode(), options)
    except re2.error as error:
        reason = error.args[0] if error.args else error
        reason = reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)
        raise ValueError(f"not a regular expression: {reason}") from None
    return lambda value: found.fullmatch(value.encode("utf-8", "replace")) is not None


def predicate(kind: FieldType, operator: str, value: Any) -> Predicate:
    """The test of one value that is there. Raises ValueError where the rule's value does not fit the operator."""
    if kind is FieldType.NETWORK:
        within = inside(value if isinstance(value, frozenset) else (value,))
        return (lambda one: not within(one)) if operator == "!=" else within
    return _MAKERS[operator](value)


def _fitting(pattern: re.Pattern[str]) -> Predicate:
    match = pattern.fullmatch
    return lambda one: match(one) is not None


def _folded(value: str) -> Predicate:
    wanted = value.lower()
    return lambda one: wanted in one.lower()


_MAKERS: Final[dict[str, Callable[[Any], Predicate]]] = {
    "=": lambda value: lambda one: one == value,
    "!=": lambda value: lambda one: one != value,
    "<": lambda value: lambda one: one < value,
    "<=": lambda value: lambda one: one <= value,
    ">": lambda value: lambda one: one > value,
    ">=": lambda value: lambda one: one >= value,
    "in": lambda value: value.__contains__,
    "intersects": lambda value: value.__contains__,
    "contains": lambda value: lambda one: value in one,
    "bcontains": lambda value: lambda one: value in one,
    "icontains": _folded,
    "startswith": lambda value: lambda one: one.startswith(value),
    "bstartswith": lambda value: lambda one: one.startswith(value),
    "endswith": lambda value: lambda one: one.endswith(value),
    "glob": lambda value: _fitting(compiled(value)),
    "iglob": lambda value: _fitting(compiled(value, ignore_case=True)),
    "pmatch": below,
    "regex": expression,
}


# Functions ------------------------------------------------------------------------------------------------------------


def _decoded(value: str | bytes) -> str | None:
    """Base64, with or without padding; what is none has no value."""
    raw = value.encode("utf-8", "surrogateescape") if isinstance(value, str) else value
    try:
        return base64.b64decode(raw + b"=" * (-len(raw) % 4), validate=True).decode("utf-8", "replace")
    except binascii.Error:
        return None


FUNCTIONS: Final[dict[str, Callable[[Any], Value]]] = {
    "tolower": str.lower,
    "toupper": str.upper,
    "basename": lambda value: value.rpartition("/")[2],
    "b64": _decoded,
    "len": len,
    "canonical": canonical,
}
"""Those that rules may name, and ``canonical``, which is put around every address."""


def result_type(function: str, kind: FieldType, several: Several) -> tuple[FieldType, Several] | None:
    """What a function makes of a value; None where it does not take it."""
    if function == "len" and several is Several.LIST:
        return FieldType.NUMBER, Several.ONE
    if several is Several.LIST:
        return None
    if function == "len":
        return (FieldType.NUMBER, several) if kind in {FieldType.TEXT, FieldType.BYTES} else None
    if function == "b64":
        return (FieldType.TEXT, several) if kind in {FieldType.TEXT, FieldType.BYTES} else None
    return (kind, several) if kind is FieldType.TEXT else None


def applied(function: str, read: Reader, several: Several) -> Reader:
    """The reader of a function's result; of several values, of each."""
    change = FUNCTIONS[function]
    if several in {Several.ANY, Several.EITHER}:

        def each(event: Any) -> Value:
            values = read(event)
            if not isinstance(values, tuple):
                return None
            return tuple(changed for value in values if (changed := change(value)) is not None)

        return each

    def one(event: Any) -> Value:
        value = read(event)
        return None if value is None else change(value)

    return one
