"""What a rule asks of an event that a kernel can look at: the part of its condition that needs no Python.

Every bound is an over-approximation: an event for which the rule holds is within all bounds of one of its alternatives.
What is within may still not satisfy the rule; the compiled condition decides.
"""

import enum
from collections.abc import Callable, Iterable
from typing import Any, Final

import msgspec
from msgspec import Struct

from hullguard.detect.fields import descriptor, happening, linux
from hullguard.detect.fields.calls import CALLS, KINDS, RING, event_type
from hullguard.detect.fields.paths import base_of, by_other_names, file_path
from hullguard.detect.fields.process import cwd, new_program, terminal, variable
from hullguard.detect.fields.surroundings import HOST
from hullguard.detect.rules.operators import inside
from hullguard.detect.texts import has
from hullguard.model.event import Event, EventKind, Process

ALL_TYPES: Final = frozenset(KINDS)
O_TRUNC: Final = 0o1000


class Where(enum.StrEnum):
    """Inside or outside of containers."""

    CONTAINER = "container"
    HOST = "host"


class Trait(enum.StrEnum):
    """A yes or no that the kernel knows."""

    READS = "reads"
    WRITES = "writes"
    CREATES = "creates"
    TRUNCATES = "truncates"
    NEW_PROGRAM = "new_program"
    """``Process.exe_new``, of an exec ``Event.new_file`` too: the program is not as its image has it."""
    MEMORY_PROGRAM = "memory_program"
    """``Process.exe_memfd``."""
    TERMINAL = "terminal"
    EFFECTIVE_ROOT = "effective_root"
    """``Process.euid`` is 0."""
    ROOT = "root"
    """``Process.uid`` is 0."""
    HIDDEN = "hidden"
    """A part of ``Process.exe`` begins with a dot."""
    CLIMBS = "climbs"
    """The path as the program wrote it has ``../`` in it."""
    FAILED = "failed"
    RING = "ring"


_TRAITS: Final[dict[Trait, Callable[[Event], bool]]] = {
    Trait.READS: lambda event: event.kind is EventKind.FILE_OPEN and event.reads,
    Trait.WRITES: lambda event: event.kind is EventKind.FILE_OPEN and event.writes,
    Trait.CREATES: happening.creates,
    Trait.TRUNCATES: lambda event: (
        event.file is not None and (event.file.truncated or bool(event.file.flags & O_TRUNC))
    ),
    Trait.NEW_PROGRAM: new_program,
    Trait.MEMORY_PROGRAM: lambda event: event.process.exe_memfd,
    Trait.TERMINAL: lambda event: bool(terminal(event.process)),
    Trait.EFFECTIVE_ROOT: lambda event: event.process.euid == 0,
    Trait.ROOT: lambda event: event.process.uid == 0,
    Trait.HIDDEN: lambda event: "/." in (event.process.exe or ""),
    Trait.CLIMBS: lambda event: event.raw_path is not None and "../" in event.raw_path,
    Trait.FAILED: happening.failed,
    Trait.RING: lambda event: event.call.startswith(RING),
}


class Paths(Struct, frozen=True):
    """A path is within if any of these holds. Prefixes and suffixes are plain: ``/etc/pa`` covers ``/etc/passwd``."""

    exact: frozenset[str] = frozenset()
    prefixes: frozenset[str] = frozenset()
    suffixes: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()
    """What follows the last slash."""

    def accepts(self, path: str) -> bool:
        return (
            path in self.exact
            or base_of(path) in self.names
            or any(path.startswith(prefix) for prefix in self.prefixes)
            or any(path.endswith(suffix) for suffix in self.suffixes)
        )

    def __or__(self, other: "Paths") -> "Paths":
        return Paths(
            self.exact | other.exact,
            self.prefixes | other.prefixes,
            self.suffixes | other.suffixes,
            self.names | other.names,
        )

    def __and__(self, other: "Paths") -> "Paths":
        """What is in both is in either: the narrower one does; of exact paths those that the other takes."""
        if self._only_exact:
            return Paths(exact=frozenset(path for path in self.exact if other.accepts(path)))
        if other._only_exact:
            return other & self
        return min(self, other, key=Paths._width)

    @property
    def _only_exact(self) -> bool:
        return not (self.prefixes or self.suffixes or self.names)

    def _width(self) -> tuple[int, int]:
        """A guess: a base name says more than a beginning, a long beginning more than a short one."""
        shortest = min((len(text) for text in self.prefixes | self.suffixes), default=100)
        return -shortest, len(self.names)

    @property
    def empty(self) -> bool:
        return not (self.exact or self.prefixes or self.suffixes or self.names)


class Filter(Struct, frozen=True):
    """Bounds that must all hold; None bounds nothing."""

    types: frozenset[str] = ALL_TYPES
    """``evt.type``: the calls of ``detect/fields/calls.py``, which say the kind of event."""
    where: Where | None = None
    traits: frozenset[tuple[Trait, bool]] = frozenset()
    paths: Paths | None = None
    """Of the file: any of its names (``detect/fields/paths.py``), or the path of a Unix socket.

    The name of another socket is put together from its ends; let those events pass.
    """
    targets: Paths | None = None
    """``Event.target``; of a symbolic link also the path that it leads to."""
    programs: frozenset[str] | None = None
    """``Process.comm`` of the process that acts."""
    program_paths: Paths | None = None
    """``Process.exe``."""
    parents: Paths | None = None
    """``Process.comm`` of the parent."""
    directories: Paths | None = None
    """``Process.cwd``, with a slash at its end."""
    texts: frozenset[str] | None = None
    """One of them is in ``Process.args``, as the kernel looks for it (``detect/texts.py``)."""
    variables: frozenset[str] | None = None
    """One of them is in ``Process.env``."""
    descriptors: frozenset[str] | None = None
    """``fd.type``: a family of sockets, or a kind of file."""
    ports: frozenset[int] | None = None
    """One of the two ends has one of these."""
    networks: frozenset[tuple[int, int, int]] | None = None
    """One of the two ends lies in one of these: version of IP, first address, mask."""
    uids: frozenset[int] | None = None
    capabilities: int = 0
    """All these bits are in the effective set."""
    requests: frozenset[int] | None = None
    """``arguments['request']`` of ptrace(2)."""
    results: frozenset[int] | None = None
    """``Event.result``; None counts as 0."""

    @property
    def kinds(self) -> frozenset[EventKind]:
        """The kinds of events that can be within."""
        return frozenset(KINDS[one] for one in self.types)

    @property
    def impossible(self) -> bool:
        """No event can be within."""
        bounds = (self.types, self.programs, self.descriptors, self.ports, self.networks, self.uids, self.requests)
        paths = (self.paths, self.targets, self.program_paths, self.parents, self.directories)
        return (
            any(bound is not None and not bound for bound in (*bounds, self.results, self.texts, self.variables))
            or any(bound is not None and bound.empty for bound in paths)
            or any((trait, not holds) in self.traits for trait, holds in self.traits)
        )

    def accepts(self, event: Event) -> bool:
        """What the kernel's filters must let through; the reference that they are tested against."""
        process = event.process
        return (
            event_type(event) in self.types
            and (self.where is None or self.where is _where(event))
            and all(_TRAITS[trait](event) is holds for trait, holds in self.traits)
            and (self.paths is None or any(map(self.paths.accepts, _names(event))))
            and (self.targets is None or any(map(self.targets.accepts, _targets(event))))
            and (self.programs is None or process.comm in self.programs)
            and (self.program_paths is None or (process.exe is not None and self.program_paths.accepts(process.exe)))
            and self._accepts_start(event)
            and (self.descriptors is None or descriptor.kind(event) in self.descriptors)
            and self._accepts_ends(event)
            and (self.uids is None or process.uid in self.uids)
            and (not self.capabilities or _effective(event) & self.capabilities == self.capabilities)
            and (self.requests is None or _request(event) in {*self.requests, None})
            and (self.results is None or (event.result or 0) in self.results)
        )

    def _accepts_start(self, event: Event) -> bool:
        process, parent = event.process, event.lineage[-2].comm if len(event.lineage) > 1 else None
        return (
            (self.parents is None or (parent is not None and self.parents.accepts(parent)))
            and (self.directories is None or self.directories.accepts(cwd(process) or ""))
            and (self.texts is None or _has_text(process, self.texts))
            and (self.variables is None or any(variable(process, one) is not None for one in self.variables))
        )

    def _accepts_ends(self, event: Event) -> bool:
        if self.ports is None and self.networks is None:
            return True
        socket = event.socket
        ends = [end for end in (socket.local, socket.remote) if end is not None] if socket is not None else []
        if self.ports is not None and not any(end.port in self.ports for end in ends):
            return False
        return self.networks is None or any(map(inside(self.networks), (end.address for end in ends)))

    def __and__(self, other: "Filter") -> "Filter":
        """Within both."""
        return Filter(
            types=self.types & other.types,
            where=self.where or other.where,
            traits=self.traits | other.traits | _contradiction(self.where, other.where),
            paths=_both(self.paths, other.paths),
            targets=_both(self.targets, other.targets),
            programs=_both(self.programs, other.programs),
            program_paths=_both(self.program_paths, other.program_paths),
            parents=_both(self.parents, other.parents),
            directories=_both(self.directories, other.directories),
            # Arguments can have both, so one of the two is asked for.
            texts=_fewer(self.texts, other.texts),
            variables=_fewer(self.variables, other.variables),
            descriptors=_both(self.descriptors, other.descriptors),
            # Either end may be meant by each: what both ask for cannot be told from what one of them asks for.
            ports=self.ports if other.ports is None else other.ports,
            networks=self.networks if other.networks is None else other.networks,
            uids=_both(self.uids, other.uids),
            capabilities=self.capabilities | other.capabilities,
            requests=_both(self.requests, other.requests),
            results=_both(self.results, other.results),
        )

    def __or__(self, other: "Filter") -> "Filter":
        """Within either, and perhaps more: the bounds one by one."""
        return Filter(
            types=self.types | other.types,
            where=self.where if self.where is other.where else None,
            traits=self.traits & other.traits,
            paths=_either(self.paths, other.paths),
            targets=_either(self.targets, other.targets),
            programs=_either(self.programs, other.programs),
            program_paths=_either(self.program_paths, other.program_paths),
            parents=_either(self.parents, other.parents),
            directories=_either(self.directories, other.directories),
            texts=_either(self.texts, other.texts),
            variables=_either(self.variables, other.variables),
            descriptors=_either(self.descriptors, other.descriptors),
            ports=_either(self.ports, other.ports),
            networks=_either(self.networks, other.networks),
            uids=_either(self.uids, other.uids),
            capabilities=self.capabilities & other.capabilities,
            requests=_either(self.requests, other.requests),
            results=_either(self.results, other.results),
        )


def of_kinds(kinds: Iterable[EventKind]) -> Filter:
    """All events of some kinds."""
    return Filter(types=frozenset(call for kind in kinds for call in CALLS[kind]))


_MERGED: Final = (
    "requests", "results", "uids", "ports", "networks", "programs", "descriptors", "types", "paths", "targets",
    "program_paths", "parents", "directories", "texts", "variables",
)  # fmt: skip


def merged(alternatives: Iterable[Filter]) -> tuple[Filter, ...]:
    """The same with fewer: two that differ in one bound are one with both, and nothing is lost."""
    kept = list(dict.fromkeys(alternatives))
    for attribute in _MERGED:
        alike: dict[Filter, Filter] = {}
        nothing: frozenset[str] | None = frozenset() if attribute == "types" else None
        for one in kept:
            rest = msgspec.structs.replace(one, **{attribute: nothing})
            alike[rest] = alike[rest] | one if rest in alike else one
        kept = list(alike.values())
    return tuple(kept)


def _both(one: Any, other: Any) -> Any:
    if one is None or other is None:
        return other if one is None else one
    return one & other


def _either(one: Any, other: Any) -> Any:
    return None if one is None or other is None else one | other


def _has_text(process: Process, texts: frozenset[str]) -> bool:
    given = " ".join(process.args).encode()
    return any(has(given, one) for one in texts)


def _fewer(one: frozenset[str] | None, other: frozenset[str] | None) -> frozenset[str] | None:
    if one is None or other is None:
        return other if one is None else one
    return min(one, other, key=len)


def _contradiction(one: Where | None, other: Where | None) -> frozenset[tuple[Trait, bool]]:
    """Inside and outside at once is impossible; said with a trait that both holds and does not."""
    if one is None or other is None or one is other:
        return frozenset()
    return frozenset({(Trait.RING, True), (Trait.RING, False)})


def _where(event: Event) -> Where:
    return Where.HOST if event.container.id == HOST else Where.CONTAINER


def _names(event: Event) -> list[str]:
    names = [descriptor.name(event), file_path(event), *(other.path for other in by_other_names(event))]
    return [name for name in names if name is not None]


def _targets(event: Event) -> set[str]:
    return {path for path in (event.target, happening.leads_to(event)) if path is not None}


def _effective(event: Event) -> int:
    held = event.process.capabilities
    return 0 if held is None else held.effective


def _request(event: Event) -> int | None:
    """None where a sensor said it in words of its own, or not at all."""
    value = event.arguments.get("request")
    return linux.PTRACE_NUMBERS.get(value) if isinstance(value, str) else value
