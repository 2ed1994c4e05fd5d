"""An attack as an agent reports it: a web server starts a shell, and so on to a mining pool."""

from datetime import datetime, timedelta
from typing import Any

import msgspec
from tests.support.database import START
from tests.support.records import container, observation

from hullguard.model.event import Endpoint, EventKind, Process
from hullguard.model.incident import Deed, Observation
from hullguard.model.severity import Severity

_RUNTIME = Process(900, 1, "containerd-shim", outside=True, started=START - timedelta(days=9))


def web_server(drift: timedelta = timedelta()) -> Process:
    """The container's first process."""
    started = START - timedelta(days=2) + drift
    return Process(1000, 900, "nginx", "/usr/sbin/nginx", ("nginx",), uid=33, vpid=1, started=started)


def _child(pid: int, parent: int, *args: str, exe: str | None = None, after: int = 0) -> Process:
    name = (exe or args[0]).rsplit("/", 1)[-1]
    return Process(
        pid,
        parent,
        name,
        exe or f"/usr/bin/{name}",
        args,
        uid=33,
        session=1000,
        started=START + timedelta(seconds=after),
    )


_SHELL = _child(2000, 1000, "sh", "-c", "curl ...", exe="/bin/sh")
CHAIN: list[tuple[str, str, Severity, Deed, tuple[Process, ...]]] = [
    (
        "execution.web-server-shell",
        "T1505.003",
        Severity.MEDIUM,
        Deed(EventKind.EXEC, path="/bin/sh"),
        (_SHELL,),
    ),
    (
        "file.read-sensitive",
        "T1003.008",
        Severity.MEDIUM,
        Deed(EventKind.FILE_OPEN, path="/etc/shadow", reads=True),
        (_SHELL, _child(2001, 2000, "cat", "/etc/shadow", after=1)),
    ),
    (
        "own.makes-executable",
        "T1564",
        Severity.LOW,
        Deed(EventKind.FILE_MODE, path="/tmp/.x"),
        (_SHELL, _child(2002, 2000, "chmod", "+x", "/tmp/.x", after=2)),
    ),
    (
        "container.drop-and-execute",
        "T1059",
        Severity.MEDIUM,
        Deed(EventKind.EXEC, path="/tmp/.x", new_file=True),
        (_SHELL, _child(2003, 2000, "/tmp/.x", exe="/tmp/.x", after=3)),
    ),
    (
        "mining.pool",
        "T1071",
        Severity.MEDIUM,
        Deed(EventKind.CONNECT, remote=Endpoint("203.0.113.9", 3333, "pool.example")),
        (_SHELL, _child(2003, 2000, "/tmp/.x", exe="/tmp/.x", after=3)),
    ),
]
"""Rule, technique, severity, what was done, and the processes below the web server."""


def attack(at: datetime = START, *, on: str | None = None, image: str | None = None) -> list[Observation]:
    """Each step of it, a second apart."""
    found = []
    since = at - START
    for number, (rule, technique, severity, deed, below) in enumerate(CHAIN):
        plain = observation(number, at=at + timedelta(seconds=number), severity=severity, rule=rule, on=on)
        changed = {
            "technique": technique,
            "deed": deed,
            "lineage": tuple(_later(each, since) for each in (_RUNTIME, web_server(), *below)),
            "details": {},
        }
        if image is not None:
            changed["image"] = msgspec.structs.replace(plain.image, id=image) if plain.image else None
        found.append(msgspec.structs.replace(plain, **changed))
    return found


def _later(process: Process, by: timedelta) -> Process:
    return msgspec.structs.replace(process, started=None if process.started is None else process.started + by)


def seen(
    number: int,
    *,
    at: datetime = START,
    rule: str = "file.read-sensitive",
    severity: Severity = Severity.MEDIUM,
    technique: str = "T1003",
    on: str | None = None,
    root: int | None = 41,
    session: int | None = None,
    path: str = "/etc/shadow",
    lineage: tuple[Process, ...] | None = None,
    root_drift: timedelta = timedelta(),
) -> Observation:
    """One observation of a process below ``root``, or of one whose root is not known."""
    actor = Process(3000 + number, root or 2, "cat", "/bin/cat", ("cat", path), uid=0, session=session, started=START)
    above = () if root is None else (_RUNTIME, Process(root, 900, "sh", "/bin/sh", ("sh",), started=START))
    whole = (*above, actor) if lineage is None else lineage
    if root_drift:
        whole = (web_server(root_drift), *whole[1:])
    changes: dict[str, Any] = {
        "technique": technique,
        "lineage": whole,
        "details": {},
        "deed": Deed(EventKind.FILE_OPEN, path=path, reads=True),
    }
    plain = observation(number, at=at, rule=rule, severity=severity, on=on or container().id)
    return msgspec.structs.replace(plain, **changes)
