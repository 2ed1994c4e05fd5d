"""What a detector is: it declares which events it wants and judges them one by one, without any I/O or memory."""

import enum
from collections.abc import Iterable
from typing import Protocol

import msgspec
from msgspec import Struct

from hullguard.model.detector import DetectorInfo
from hullguard.model.event import Event, EventKind
from hullguard.model.policy import Action, DetectorSettings

Details = dict[str, str]

EVERY_FILE = ("/*",)
EVERY_VARIABLE = "*"

RESPONSES = (Action.PAUSE, Action.STOP, Action.ISOLATE)
"""What can follow any detection in a container: the agent does it once the incident is kept."""


class ExecTrait(enum.StrEnum):
    """What the kernel can tell of an exec; asking for it spares the agent all other execs."""

    NEW_FILE = "new_file"
    ENTRY_WITH_TERMINAL = "entry_with_terminal"
    """The runtime itself started it, with a terminal."""
    STDIO_SOCKET = "stdio_socket"
    """Its standard input or output is a connected socket."""
    SETUID = "setuid"
    """It runs with root's rights for somebody else."""
    HIDDEN = "hidden"
    """A part of its path begins with a dot."""
    TERMINAL = "terminal"


class Access(enum.StrEnum):
    """What an open is, or asks for."""

    READ = "read"
    WRITE = "write"
    CREATE = "create"
    """It made the file."""
    TRUNCATE = "truncate"
    FAILED = "failed"
    HANDLE = "handle"
    """By open_by_handle_at, wherever the file is."""


class Transport(enum.StrEnum):
    """What kind of socket."""

    TCP = "tcp"
    UDP = "udp"
    UNIX = "unix"
    OTHER = "other"
    """Raw, packet, netlink and all others."""


class Wants(Struct, frozen=True):
    """What the kernel must send, and may do, for one detector under one policy's settings.

    Every field narrows what the kernel sends of ``kinds``; each applies to the kinds that have such a thing. The kernel
    may send more, never less.
    """

    kinds: frozenset[EventKind]
    paths: tuple[str, ...] = ()
    """Files worth an event, in the patterns of ``detect.paths``; either path of an event is enough.

    Without any, no file's event is sent; ``/*`` is every file. Of CONNECT: Unix sockets, and all where there is none.
    """
    access: frozenset[Access] = frozenset({Access.READ, Access.WRITE})
    """FILE_OPEN: one of these is enough."""
    climbs: bool = False
    """FILE_OPEN: only those whose path has ``../`` in it as the program wrote it."""
    transports: frozenset[Transport] = frozenset(Transport)
    """Events of sockets."""
    ports: frozenset[int] = frozenset()
    """Events of internet sockets: the other end's port, or one's own where one listens; empty means any."""
    networks: tuple[str, ...] = ()
    """The other end's address: ``10.0.0.0/8``, ``fd00::/8``; ``!`` before one takes it out; empty means any."""
    programs: frozenset[str] = frozenset()
    """What the acting process is called (``Process.comm``); empty means anything. At most 15 bytes each."""
    execs: frozenset[ExecTrait] = frozenset()
    """EXEC: only those with one of these traits; empty means every one."""
    executables: tuple[str, ...] = ()
    """EXEC: the programs' paths, in the patterns of ``detect.paths``; empty means any. So do these:"""
    parents: tuple[str, ...] = ()
    """EXEC: what the parent is called, ``conmon``, or how that begins, ``runc*``."""
    directories: tuple[str, ...] = ()
    """EXEC: working directories, in patterns of whole paths and of beginnings."""
    texts: frozenset[str] = frozenset()
    """EXEC: one of them is in the arguments, as ``detect.texts`` compares."""
    variables: frozenset[str] = frozenset()
    """EXEC: one of them is in the environment."""
    kill_new: bool = False
    """EXEC: kill what is not in the image, before its first instruction."""
    exempt: tuple[str, ...] = ()
    """EXEC: patterns of executables that ``kill_new`` must spare."""
    deny: bool = False
    """FILE_OPEN: refuse to open ``paths``. EXEC: refuse to start what is not in the image, ``exempt`` spared.

    CONNECT and SEND: refuse what is wanted, so this must be no more than what the rule holds for.
    """
    other_ports: frozenset[int] = frozenset()
    """CONNECT and SEND, without ``ports``: any but these."""
    other_programs: frozenset[str] = frozenset()
    """The same, without ``programs``."""
    exempt_programs: tuple[str, ...] = ()
    """FILE_OPEN: patterns of programs of the image's own that ``deny`` must let."""
    environment: frozenset[str] = frozenset()
    """EXEC: names of variables whose values ``Process.env`` should have; ``EVERY_VARIABLE`` stands for all."""
    host: bool = False
    """On the host too, not only in containers."""


def refuses(want: Wants) -> bool:
    """Whether the kernel is to refuse the connections that are wanted."""
    return want.deny and bool(want.kinds & {EventKind.CONNECT, EventKind.SEND})


_LISTS = (
    *("paths", "ports", "networks", "access", "transports", "execs", "programs"),
    *("executables", "parents", "directories", "texts", "variables"),
)


def merged(asked: Iterable[Wants]) -> list[Wants]:
    """Those that differ in one list only are one; a list that is empty and so asks for all swallows the others."""
    kept = list(dict.fromkeys(asked))
    for attribute in _LISTS:
        alike: dict[object, list[Wants]] = {}
        for want in kept:
            alike.setdefault(_apart_from(attribute, want), []).append(want)
        kept = [_together(group, attribute) for group in alike.values()]
    return kept


def _apart_from(attribute: str, want: Wants) -> object:
    """What two must share to become one."""
    value = getattr(want, attribute)
    if attribute == "networks" and any(network.startswith("!") for network in value):
        return attribute, want  # what is left out of one list may be in another
    if attribute == "paths" and not value:
        return attribute, want  # which is no file, but every connection
    return msgspec.structs.replace(want, **{attribute: value[:0] if isinstance(value, tuple) else frozenset()})


def _together(group: list[Wants], attribute: str) -> Wants:
    if len(group) == 1:
        return group[0]
    values = [getattr(want, attribute) for want in group]
    together: object = ()
    if isinstance(values[0], tuple):
        items = sorted({item for value in values for item in value}) if all(values) else []
        together = EVERY_FILE if attribute == "paths" and EVERY_FILE[0] in items else tuple(items)
    else:
        together = frozenset().union(*values) if all(values) else frozenset()
    return msgspec.structs.replace(group[0], **{attribute: together})


class Detector(Protocol):
    """One rule."""

    info: DetectorInfo

    def wants(self, settings: DetectorSettings) -> Wants:
        """What must reach ``judge``; more may."""
        ...

    def judge(self, event: Event, settings: DetectorSettings) -> Details | None:
        """Facts that fill the rule's sentence, or None where nothing is wrong."""
        ...
