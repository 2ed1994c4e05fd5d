"""What rules say and read: patterns, arguments in brackets, and the fields of events whose words an attacker chose."""

import contextlib
import json
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import msgspec
from tests.fuzz.target import Target
from tests.support import events

from hullguard.detect import checked, known_settings
from hullguard.detect.fields.catalog import FIELDS
from hullguard.detect.fields.paths import by_other_names
from hullguard.detect.fields.wildcards import compiled, literal_end, literal_start
from hullguard.detect.rulebook import check_rules, rulebook
from hullguard.detect.rules.explain import explain
from hullguard.detect.rules.reading import RuleFile
from hullguard.detect.rules.ruleset import RuleSet, check
from hullguard.model.errors import Invalid
from hullguard.model.event import Capabilities, Endpoint, Event, EventKind, OpenFile, Socket
from hullguard.model.policy import Action, RuleSettings, RulesSpec, RuleText

_decode = msgspec.json.Decoder(Event).decode


def _read(data: bytes) -> Any:
    """An event, as a sensor gives it, and an argument in the first line: every field of every name of its file."""
    argument, _, given = data.partition(b"\n")
    try:
        event = _decode(given)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as cause:
        raise Invalid(f"no event: {cause}") from cause
    if not event.lineage:
        raise Invalid("a sensor knows who did it")
    if any(moment is not None and moment.tzinfo is None for moment in (event.at, *_started(event))):
        raise Invalid("a sensor knows its zone")
    found = []
    for field in FIELDS:
        for words in (None, argument.decode("utf-8", "replace"), "0", "*"):
            with contextlib.suppress(ValueError):
                reader = field.reader(words)
                found.append([str(reader(one)) for one in (event, *by_other_names(event))])
    return len(found)


def _started(event: Event) -> list[datetime | None]:
    return [process.started for process in event.lineage]


def _fits(data: bytes) -> Any:
    pattern, _, text = data.decode("utf-8", "replace").partition("\n")
    with contextlib.suppress(ValueError):
        fits = [compiled(pattern, ignore_case).fullmatch(text) is not None for ignore_case in (False, True)]
        return [fits, literal_start(pattern), literal_end(pattern)]
    return None


def _file(data: bytes) -> Any:
    """A rule file: everything that is wrong with it, what becomes of its rules, and what they say of events."""
    files = [RuleFile("rules.yaml", data)]
    rules, problems = check(files)
    explained = [[one.rule, one.kernel, one.python, one.notes, one.denies, one.undecided] for one in explain(rules)]
    told = [str(problem) for problem in problems]
    if any(problem.error for problem in problems):
        return [told, explained]
    loaded = RuleSet.load(files)
    matches = [match for event in _JUDGED for match in loaded.judge(event)]
    said = [[match.output, match.fields, match.unknown] for match in matches]
    return [told, explained, said, sorted(loaded.variables() or ())]


def _policy(data: bytes) -> Any:
    """The rules of a policy, as a person sends them and an agent gets them."""
    try:
        spec = msgspec.json.decode(data, type=RulesSpec)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as cause:
        raise Invalid(f"no rules: {cause}") from cause
    told = msgspec.json.encode(checked(spec))
    check_rules(known_settings(spec))
    rules = rulebook(spec)
    matches = [match for event in _JUDGED for match in rules.judge(event)]
    return [told, rules.wants(), rules.seen, [[match.output, rules.refuses(match)] for match in matches]]


def _policies() -> Iterable[bytes]:
    off = {"Shell": RuleSettings(enabled=False, action=Action.KILL)}
    own = [RuleText("own.yaml", _RULES.decode())]
    calls = [
        RuleText(
            "own.yaml",
            f"{_RULES.decode()}- rule: Call\n  desc: d\n  output: o\n  priority: INFO\n  condition: {_CALLS}\n",
        )
    ]
    specs = (
        RulesSpec(pack=False, files=own),
        RulesSpec(pack=False, files=own, settings=off, host=True),
        RulesSpec(pack=False, files=calls, settings={"Call": RuleSettings(action=Action.DENY)}),
    )
    return [msgspec.json.encode(spec) for spec in specs]


def _condition(data: bytes) -> Any:
    """A condition, and below it an output, of a rule that is sound otherwise."""
    condition, _, output = data.decode("utf-8", "replace").partition("\n")
    rule = {"rule": "r", "desc": "d", "priority": "WARNING", "condition": condition or "a", "output": output or "x"}
    return _file(json.dumps([rule]).encode())


_JUDGED = (
    events.event(),
    events.event(EventKind.FILE_OPEN, path="/etc/shadow", call="openat", reads=True),
    events.event(socket=Socket(family="ipv4", kind="stream", remote=Endpoint("10.0.0.1", 443))),
    events.event(
        EventKind.CONNECT,
        call="connect",
        socket=Socket(family="ipv4", kind="stream", protocol=6, remote=Endpoint("10.0.0.1", 443)),
    ),
)
_CALLS = (
    'evt.type in (connect, sendto) and fd.snet in ("10.0.0.0/8", "fd00::/8") and fd.sport != 22 and fd.port > 9 and '
    "not (fd.sip = 10.0.0.9 or proc.name in (a, b)) and (fd.typechar = 4 or fd.l4proto = udp)"
)
_CONDITIONS = (
    f"{_CALLS}\n%fd.name".encode(),
    b"evt.type in (execve, execveat) and proc.name in (sh, bash) and not proc.pname startswith runc\nShell (%proc.cmdline)",
    b'fd.name glob "/etc/*" or (fd.sip in ("10.0.0.0/8") and fd.sport >= 443)\n%fd.name %evt.time %container.id',
    b"proc.aname[2] = sshd or proc.env[SUDO_USER] exists and proc.cmdline regex 'a(b|c)+$'\n%proc.aname[1] %user.name",
    b"tolower(proc.name) = sh and fd.directory pmatch (/etc, /usr/bin) and evt.arg.flags contains O_CREAT\n*%evt.args",
)
_RULES = b"""- required_engine_version: 0.31.0
- list: shells
  items: [sh, bash, "zsh"]
- macro: spawned
  condition: evt.type in (execve, execveat)
- rule: Shell
  desc: a shell
  condition: spawned and proc.name in (shells)
  output: "Shell (user=%user.name %proc.cmdline)"
  priority: NOTICE
  tags: [container, T1059]
  exceptions:
    - name: known
      fields: [proc.pname, proc.cmdline]
      comps: [=, startswith]
      values:
        - [cron, "sh -c"]
- rule: Shell
  append: true
  condition: and proc.tty != 0
- macro: spawned
  override: {condition: append}
  condition: or evt.type = clone
"""


def _events() -> Iterable[bytes]:
    ends = (Endpoint("10.0.0.1", 443), Endpoint("fe80::1", 53))
    shell = events.process(
        comm="bash", args=("bash", "-c", "id"), cwd="/tmp", env=("A=1",), started=events.AT - timedelta(seconds=1)
    )
    made = (
        events.event(),
        events.event(EventKind.FILE_OPEN, path="/etc/pam.d/../shadow", lineage=(events.RUNTIME, shell)),
        events.event(socket=Socket(family="ipv4", kind="stream", local=ends[0], remote=ends[1])),
        events.event(
            EventKind.FILE_OPEN,
            result=-2,
            call="openat",
            arguments={"flags": 0o2102, "mode": 0o644, "sig": 9},
            lineage=(events.RUNTIME, events.process(capabilities=Capabilities(effective=1 << 21))),
            file=OpenFile(flags=0o2102),
        ),
        events.event(file=OpenFile(inode=3, mode=0o100644, flags=0o2102, file_system="overlay")),
    )
    return [argument + b"\n" + msgspec.json.encode(one) for argument in (b"0", b"SUDO_USER") for one in made]


_WORDS = (
    *(
        b" and ",
        b" or ",
        b"not ",
        b"(",
        b")",
        b" in (",
        b" exists",
        b" intersects (",
        b" pmatch (",
        b" glob ",
        b" regex ",
    ),
    *(
        b"[*]",
        b"[0]",
        b"toupper(",
        b"basename(",
        b"val(",
        b"len(",
        b"%fd.name",
        b"%proc.aname[9]",
        b"0x7fffffffffffffff",
    ),
)
TARGETS: tuple[Target, ...] = (
    Target(
        "rules.file",
        _file,
        lambda: (_RULES,),
        words=(*_WORDS, b"\n- rule: r\n", b"\n  append: true", b"&a ", b"*a", b"!!binary ", b"\n  enabled: 'no'"),
        runs=120,
    ),
    Target("rules.condition", _condition, lambda: _CONDITIONS, words=_WORDS, runs=250),
    Target("rules.policy", _policy, _policies, words=(*_WORDS, b'"host": true', b'"pack": true'), runs=60),
    Target("rules.fields", _read, _events, runs=80),
    Target(
        "rules.wildcards",
        _fits,
        lambda: (
            b"/etc/*\n/etc/shadow",
            b"[!a-z[:digit:]]?*.so\\*\nA1.so*",
            b"*a*b*c*d\naabbccdd",
            b"[\n[",
            b"[a-\\]x]*\n]",
        ),
        words=(b"[[:alpha:]]", b"[!", b"[^", b"[:", b":]", b"\\", b"*?", b"[z-a]"),
        runs=400,
    ),
)
