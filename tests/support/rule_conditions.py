"""Arbitrary conditions, and a second, slow way to judge them: straight from the syntax, one event at a time."""

import fnmatch
import functools
import ipaddress
import re
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st
from tests.support.rule_events import ADDRESSES, NAMES, PATHS

from hullguard.detect.fields import lookup
from hullguard.detect.fields.field import FieldType, Several
from hullguard.detect.rules.syntax import And, Call, Check, Expression, FieldName, Left, Literal, Not, Or
from hullguard.model.event import Event

TEXTS = [*NAMES[:5], *PATHS, "/etc", "/etc/pam.d", "root", "host", "c0ffee000000", "SUCCESS", "ENOENT", "EACCES", "f", "d",
         "4", "6", "ipv4", "file", "tcp", "CAP_SYS_ADMIN", "O_TRUNC", "PTRACE_ATTACH", "AF_PACKET", "-c", "<NA>", "../"]  # fmt: skip
PARTS = [
    "",
    "/",
    "/.",
    "curl http",
    "-C CURL",
    "é/etc",
    "\ufffdé/et",
    "etc",
    "sh",
    "/etc/",
    ".so",
    "a",
    "CAP_",
    "E",
    "SYS_ADMIN",
    "PTRACE_",
    "../",
    "O_",
    "AF_",
    "/proc/",
]
PATTERNS = ["*", "/etc/*", "/proc/*/environ", "*.so", "?", "/[ep]*", "*../*", "/etc/shadow", "*a*"]
FIELDS = {
    FieldType.TEXT: [
        "proc.name", "proc.exe", "proc.exepath", "proc.cmdline", "proc.args", "proc.args[0]", "proc.args[*]", "proc.pname",
        "proc.aname", "proc.aname[*]", "proc.aname[0]", "proc.aname[2]", "proc.cwd", "proc.env", "proc.env[A]", "proc.env[HTTP_PROXY]",
        "proc.sname", "fd.name", "fd.directory", "fd.filename", "fd.nameraw", "fd.type", "fd.typechar", "fd.l4proto",
        "fd.sockfamily", "fs.path.name", "fs.path.source", "fs.path.target", "evt.res", "evt.category", "evt.dir",
        "evt.arg.flags", "evt.arg.request", "evt.arg.domain", "evt.arg.name", "evt.arg.target", "evt.arg[1]", "evt.args",
        "user.name", "container.id", "container.image.repository", "container.mount.dest[*]", "k8s.ns.name",
        "thread.cap_effective", "tolower(proc.name)", "toupper(fd.name)", "basename(fd.name)", "b64(proc.name)",
        "tolower(proc.aname)",
    ],
    FieldType.NUMBER: [
        "proc.pid", "proc.ppid", "proc.tty", "proc.duration", "proc.apid", "proc.cmdnargs", "fd.num", "evt.rawres",
        "evt.num", "user.uid", "user.euid", "user.loginuid", "fd.ino", "len(proc.name)", "len(fd.name)", "evt.rawarg.flags",
    ],
    FieldType.FLAG: [
        "evt.is_open_read", "evt.is_open_write", "evt.is_open_create", "evt.failed", "evt.is_ring",
        "proc.is_exe_upper_layer", "proc.is_exe_from_memfd", "fd.is_server", "fd.is_upper_layer", "container.privileged",
        "container.builds_image",
    ],
    FieldType.PORT: ["fd.sport", "fd.cport", "fd.lport", "fd.rport", "fd.port"],
    FieldType.ADDRESS: ["fd.sip", "fd.cip", "fd.rip", "fd.ip"],
    FieldType.NETWORK: ["fd.snet", "fd.rnet", "fd.net"],
}  # fmt: skip
CALLS = ["open", "openat", "execve", "connect", "ptrace", "ioctl", "symlink", "socket", "dup2", "chmod"]


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


@functools.cache
def _values(pool: tuple[str, ...]) -> st.SearchStrategy[str]:
    return st.lists(st.sampled_from(pool), max_size=3).map(lambda some: "(" + ", ".join(map(_quoted, some)) + ")")


@st.composite
def checks(draw: st.DrawFn) -> str:
    kind = draw(st.sampled_from([*FieldType][:6]))
    field = draw(st.sampled_from(FIELDS[kind]))
    if draw(st.integers(0, 9)) == 0:
        return f"{field} exists"
    if draw(st.integers(0, 4)) == 0:
        operator = draw(st.sampled_from(["=", "!=", "in"]))
        some = draw(_values(tuple(CALLS))) if operator == "in" else draw(st.sampled_from(CALLS))
        return f"evt.type {operator} {some}"
    if kind is FieldType.TEXT:
        operator = draw(
            st.sampled_from(
                ["=", "!=", "in", "startswith", "endswith", "contains", "icontains", "glob", "pmatch", "<", ">="]
            )
        )
        if operator in {"in", "pmatch"}:
            return f"{field} {operator} {draw(_values(tuple(TEXTS)))}"
        if operator == "glob":
            return f"{field} glob {_quoted(draw(st.sampled_from(PATTERNS)))}"
        return f"{field} {operator} {_quoted(draw(st.sampled_from(TEXTS + PARTS)))}"
    if kind in {FieldType.NUMBER, FieldType.PORT}:
        numbers = ["0", "1", "2", "22", "53", "443", "1000", "0x10"]
        operator = draw(st.sampled_from(["=", "!=", "<", "<=", ">", ">=", "in"]))
        if kind is FieldType.NUMBER:
            numbers += ["-1", "-2", "5000000000"]
        return f"{field} {operator} {draw(_values(tuple(numbers)) if operator == 'in' else st.sampled_from(numbers))}"
    if kind is FieldType.FLAG:
        return f"{field} {draw(st.sampled_from(['=', '!=']))} {draw(st.sampled_from(['true', 'false']))}"
    pool = (
        ADDRESSES if kind is FieldType.ADDRESS else ["10.0.0.0/8", "127.0.0.0/8", "8.8.8.8", "fe80::/10", "0.0.0.0/0"]
    )
    operator = draw(st.sampled_from(["=", "!=", "in"]))
    return (
        f"{field} {operator} {draw(_values(tuple(pool))) if operator == 'in' else _quoted(draw(st.sampled_from(pool)))}"
    )


@functools.cache
def conditions() -> st.SearchStrategy[str]:
    return st.recursive(
        checks(),
        lambda inner: st.one_of(
            inner.map(lambda one: f"not ({one})"),
            st.lists(inner, min_size=2, max_size=4).map(lambda some: "(" + " and ".join(some) + ")"),
            st.lists(inner, min_size=2, max_size=4).map(lambda some: "(" + " or ".join(some) + ")"),
        ),
        max_leaves=12,
    )


# The second way -------------------------------------------------------------------------------------------------------


def holds(expression: Expression, event: Event) -> bool:
    """Whether a condition without macros holds for the event, under the name of the file that the event has."""
    if isinstance(expression, And):
        return all(holds(part, event) for part in expression.parts)
    if isinstance(expression, Or):
        return any(holds(part, event) for part in expression.parts)
    if isinstance(expression, Not):
        return not holds(expression.part, event)
    assert isinstance(expression, Check)
    return _check(expression, event)


def _field(left: Left) -> tuple[FieldName, list[str]]:
    functions: list[str] = []
    while isinstance(left, Call):
        functions.insert(0, left.function)
        left = left.inner
    return left, functions


def _check(check: Check, event: Event) -> bool:
    name, functions = _field(check.left)
    found = lookup.find(name.name)
    assert found is not None
    field, argument = found
    argument = argument if argument is not None else name.argument
    value = field.reader(argument)(event)
    several = field.several_of(argument)
    values = list(value) if isinstance(value, tuple) else [] if value is None else [value]
    for function in functions:
        values = [changed for one in values if (changed := _function(function, one)) is not None]
    if check.operator == "exists":
        return bool(values)
    wanted = check.right if isinstance(check.right, tuple) else (check.right,)
    texts = [one.text for one in wanted if isinstance(one, Literal)]
    kind = FieldType.NUMBER if "len" in functions else field.type
    tests = [_compare(kind, check.operator, one, texts) for one in values]
    if several is Several.EITHER and check.operator == "!=":
        return bool(tests) and all(tests)
    return any(tests)


def _function(name: str, value: Any) -> Any:
    import base64

    if name == "b64":
        try:
            return base64.b64decode(value + "=" * (-len(value) % 4), validate=True).decode("utf-8", "replace")
        except ValueError:
            return None
    simple: dict[str, Callable[[Any], Any]] = {
        "tolower": lambda text: text.lower(),
        "toupper": lambda text: text.upper(),
        "basename": lambda text: text.split("/")[-1],
        "len": len,
    }
    return simple[name](value)


def _compare(kind: FieldType, operator: str, value: Any, texts: list[str]) -> bool:
    if kind in {FieldType.ADDRESS, FieldType.NETWORK}:
        inside = any(ipaddress.ip_address(value) in ipaddress.ip_network(text, strict=False) for text in texts)
        return not inside if operator == "!=" else inside
    if operator == "pmatch":
        parts = [part for part in value.split("/") if part]
        prefixes = ["/".join(parts[:count]) for count in range(len(parts) + 1)]
        return any("/".join(part for part in text.split("/") if part) in prefixes for text in texts)
    wanted = [_converted(kind, text) for text in texts]
    if operator in {"in", "intersects"}:
        return value in wanted
    other = wanted[0]
    results: dict[str, Callable[[], bool]] = {
        "=": lambda: value == other,
        "!=": lambda: value != other,
        "<": lambda: value < other,
        "<=": lambda: value <= other,
        ">": lambda: value > other,
        ">=": lambda: value >= other,
        "startswith": lambda: value[: len(other)] == other,
        "endswith": lambda: value.endswith(other),
        "contains": lambda: value.find(other) >= 0,
        "icontains": lambda: value.lower().find(other.lower()) >= 0,
        "glob": lambda: re.fullmatch(fnmatch.translate(other), value) is not None,
    }
    return bool(results[operator]())


def _converted(kind: FieldType, text: str) -> Any:
    if kind in {FieldType.NUMBER, FieldType.PORT}:
        return int(text, 0)
    return text == "true" if kind is FieldType.FLAG else text
