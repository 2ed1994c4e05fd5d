"""What rules say and read: patterns, arguments in brackets, and the fields of events whose words an attacker chose."""

import contextlib
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import msgspec
from tests.fuzz.target import Target
from tests.support import events

from hullguard.detect.fields.catalog import FIELDS
from hullguard.detect.fields.paths import by_other_names
from hullguard.detect.fields.wildcards import compiled, literal_end, literal_start
from hullguard.model.errors import Invalid
from hullguard.model.event import Capabilities, Endpoint, Event, EventKind, OpenFile, Socket

_decode = msgspec.json.Decoder(Event).decode


def _read(data: bytes) -> Any:
    """An event, as a sensor gives it, and an argument in the first line: every field of every name of its file."""
    argument, _, given = data.partition(b"\n")
    try:
        event = _decode(given)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as cause:
        raise Invalid(f"no event: {cause}") from cause
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


TARGETS: tuple[Target, ...] = (
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
