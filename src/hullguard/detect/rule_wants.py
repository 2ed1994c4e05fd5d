"""What rules want of the kernel: their prefilters, in the words of ``Wants``, which can say less.

Few wants fit into a slot, and a policy may have thousands of rules. So the alternatives of all rules are taken apart by
the kind of event first, and those that differ in one list only become one with both lists, by which nothing widens.
"""

import ipaddress
import re
from collections.abc import Iterable
from typing import Final

import msgspec

from hullguard.detect.detectors.interface import EVERY_FILE, Access, ExecTrait, Transport, Wants, merged
from hullguard.detect.fields.calls import CALLS
from hullguard.detect.fields.paths import FILE_KINDS, PAIR_KINDS
from hullguard.detect.paths import LONGEST
from hullguard.detect.rules.filters import Filter, Paths, Trait, Where
from hullguard.model.event import EventKind

_OUTBOUND: Final = frozenset({EventKind.CONNECT, EventKind.SEND})
"""Of these the kernel looks at the other end, which is the server's and the remote one: the ends that bounds are on."""
_HANDLE: Final = frozenset({"open_by_handle_at"})
_UNIX: Final = frozenset({"unix"})
_LONGEST_PROGRAM: Final = 15
"""Bytes of a process's name: TASK_COMM_LEN, without its NUL."""
_MOST_PROGRAMS: Final = 512
_TRANSPORTS: Final = {
    "ipv4": frozenset({Transport.TCP, Transport.UDP, Transport.OTHER}),
    "ipv6": frozenset({Transport.TCP, Transport.UDP, Transport.OTHER}),
    "unix": frozenset({Transport.UNIX}),
}


def wants(filters: Iterable[Filter], environment: frozenset[str] = frozenset(), *, host: bool = False) -> list[Wants]:
    """What must be sent so that nothing is missed that any of the filters accepts; without ``host`` in containers."""
    asked: dict[Wants, None] = {}
    for one in filters:
        if one.where is Where.HOST and not host:
            continue
        for kind in sorted(one.kinds):
            want = _of_kind(kind, one)
            asked[want] = None
            if host and one.where is not Where.CONTAINER:
                asked[msgspec.structs.replace(want, host=True)] = None
    found = [_with_environment(want, environment) for want in merged(asked)]
    return _alike_in_kinds(found)


def _of_kind(kind: EventKind, one: Filter) -> Wants:
    calls, exec_ = one.types & frozenset(CALLS[kind]), kind is EventKind.EXEC
    return Wants(
        kinds=frozenset({kind}),
        paths=_paths(kind, one),
        access=_access(one, calls) if kind is EventKind.FILE_OPEN else frozenset(),
        climbs=kind is EventKind.FILE_OPEN and (Trait.CLIMBS, True) in one.traits,
        transports=_transports(one.descriptors),
        ports=one.ports or frozenset() if kind in _OUTBOUND else frozenset(),
        networks=_networks(one) if kind in _OUTBOUND else (),
        programs=_programs(one.programs),
        execs=_traits(one) if exec_ else frozenset(),
        executables=patterns(one.program_paths) if exec_ and one.program_paths is not None else (),
        parents=_parents(one.parents) if exec_ and one.parents is not None else (),
        directories=_directories(one.directories) if exec_ and one.directories is not None else (),
        texts=one.texts or frozenset() if exec_ else frozenset(),
        variables=one.variables or frozenset() if exec_ else frozenset(),
    )


def _paths(kind: EventKind, one: Filter) -> tuple[str, ...]:
    if kind in PAIR_KINDS:
        # Either path of an event is enough for the kernel: one bounded list decides only where both are bounded.
        bound = one.targets if one.paths is None else one.paths
        return EVERY_FILE if bound is None else patterns(bound)
    if kind in FILE_KINDS:
        return EVERY_FILE if one.paths is None else patterns(one.paths)
    if kind is EventKind.CONNECT and one.descriptors == _UNIX and one.paths is not None:
        return patterns(one.paths)
    return ()


def patterns(paths: Paths) -> tuple[str, ...]:
    """The same in the kernel's patterns; what cannot be said in them is cut, and so covers more."""
    paths = _real(paths)
    found = {
        # A name may stand alone: the paths of sockets and of links' targets are as they were written.
        *(path if _start(path) == path else f"{_start(path)}*" for path in paths.exact | paths.names),
        *(f"{_start(prefix)}*" for prefix in paths.prefixes),
        *(f"*{_end(suffix)}" for suffix in paths.suffixes),
        *(f"*{_end(f'/{name}')}" for name in paths.names),
    }
    return tuple(sorted(found))


_LINKED: Final = {
    "/bin/": "/usr/bin/",
    "/sbin/": "/usr/sbin/",
    "/lib/": "/usr/lib/",
    "/lib64/": "/usr/lib64/",
    "/var/run/": "/run/",
    "/var/lock/": "/run/lock/",
}
"""Directories that are links in most images: rules know them by either name, the kernel by the real one."""
_ROOM: Final = LONGEST - 8
_UNSAYABLE: Final = re.compile("[*\x00-\x1f\ufffd\ud800-\udfff]")
"""Bytes of a path that are no text are read as U+FFFD, so that may be many."""


def _real(paths: Paths) -> Paths:
    """With the real names of what lies below directories that are links."""

    def with_real(texts: frozenset[str]) -> frozenset[str]:
        real = {to + text[len(link) :] for text in texts for link, to in _LINKED.items() if text.startswith(link)}
        return texts | real

    return msgspec.structs.replace(paths, exact=with_real(paths.exact), prefixes=with_real(paths.prefixes))


def _start(text: str) -> str:
    """As much of a text's beginning as a pattern can hold."""
    plain = _UNSAYABLE.split(text, maxsplit=1)[0][:_ROOM]
    while len(plain.encode(errors="surrogatepass")) > _ROOM:
        plain = plain[:-1]
    return plain


def _end(text: str) -> str:
    """As much of a text's end as a pattern can hold."""
    plain = _UNSAYABLE.split(text)[-1][-_ROOM:]
    while len(plain.encode(errors="surrogatepass")) > _ROOM:
        plain = plain[1:]
    return plain


def _access(one: Filter, calls: frozenset[str]) -> frozenset[Access]:
    """The ways to open; by a handle only where a rule is about that call, since the file may be anywhere then."""
    if calls <= _HANDLE:
        return frozenset({Access.HANDLE})
    failed = frozenset() if (Trait.FAILED, False) in one.traits or not _may_fail(one) else frozenset({Access.FAILED})
    if (Trait.FAILED, True) in one.traits:
        return frozenset({Access.FAILED})
    for trait, access in (
        (Trait.CREATES, Access.CREATE),
        (Trait.TRUNCATES, Access.TRUNCATE),
    ):
        if (trait, True) in one.traits:
            return failed | {access}
    if (Trait.WRITES, True) in one.traits and (Trait.READS, True) not in one.traits:
        return failed | {Access.WRITE}
    if (Trait.READS, True) in one.traits:
        return failed | {Access.READ}
    return failed | {Access.READ, Access.WRITE, Access.CREATE, Access.TRUNCATE}


def _may_fail(one: Filter) -> bool:
    return one.results is None or any(result < 0 for result in one.results)


def _transports(descriptors: frozenset[str] | None) -> frozenset[Transport]:
    if descriptors is None:
        return frozenset(Transport)
    other = frozenset({Transport.OTHER})
    return frozenset(transport for family in descriptors for transport in _TRANSPORTS.get(family, other))


def _networks(one: Filter) -> tuple[str, ...]:
    """Masks with holes are no networks; then any address is asked for."""
    if one.networks is None:
        return ()
    found = []
    for version, first, mask in sorted(one.networks):
        bits = 32 if version == 4 else 128
        length = mask.bit_count()
        if mask != ((1 << length) - 1) << (bits - length):
            return ()
        found.append(f"{_address(version, first)}/{length}")
    return tuple(found)


def _address(version: int, number: int) -> str:
    return str(ipaddress.IPv4Address(number) if version == 4 else ipaddress.IPv6Address(number))


def _programs(names: frozenset[str] | None) -> frozenset[str]:
    """Those that a process can have; any, where none of them is one, or where they cannot be looked up."""
    return frozenset() if names is None else process_names(names) or frozenset()


def process_names(names: frozenset[str]) -> frozenset[str] | None:
    """Those that a process can have; None where there are too many to look up, or where one may be many.

    The kernel compares bytes. What is no text in them is read as U+FFFD.
    """
    if len(names) > _MOST_PROGRAMS or any("\ufffd" in name for name in names):
        return None
    return frozenset(
        name for name in names if len(name.encode(errors="surrogatepass")) <= _LONGEST_PROGRAM and _whole(name)
    )


def _whole(name: str) -> bool:
    """Not what no process is called: with a NUL, or with half a character."""
    return not any(letter == "\0" or "\ud800" <= letter <= "\udfff" for letter in name)


_SETUID: Final = {(Trait.EFFECTIVE_ROOT, True), (Trait.ROOT, False)}


def _traits(one: Filter) -> frozenset[ExecTrait]:
    """The trait that fewest programs have; the kernel looks at one."""
    if {(Trait.NEW_PROGRAM, True), (Trait.MEMORY_PROGRAM, True)} & one.traits:
        return frozenset({ExecTrait.NEW_FILE})
    if one.traits >= _SETUID:
        return frozenset({ExecTrait.SETUID})
    if (Trait.HIDDEN, True) in one.traits:
        return frozenset({ExecTrait.HIDDEN})
    return frozenset({ExecTrait.TERMINAL}) if (Trait.TERMINAL, True) in one.traits else frozenset()


def _parents(names: Paths) -> tuple[str, ...]:
    """Whole names and beginnings; a name with a star is its beginning."""
    whole = {name for name in names.exact if not _UNSAYABLE.search(name)}
    begins = {_UNSAYABLE.split(name, maxsplit=1)[0] for name in names.prefixes | (names.exact - whole)}
    return () if "" in begins else tuple(sorted(whole | {f"{name}*" for name in begins}))


def _directories(paths: Paths) -> tuple[str, ...]:
    """As the kernel writes them: without a slash at the end. The root is one."""
    given = paths.exact | paths.prefixes
    bare = frozenset(path.rstrip("/") or "/" for path in given)
    return patterns(Paths(exact=given | bare, prefixes=paths.prefixes))


def _with_environment(want: Wants, environment: frozenset[str]) -> Wants:
    return msgspec.structs.replace(want, environment=environment) if EventKind.EXEC in want.kinds else want


def _alike_in_kinds(found: Iterable[Wants]) -> list[Wants]:
    """Kinds of which the same is asked share a want."""
    alike: dict[Wants, frozenset[EventKind]] = {}
    for want in found:
        rest = msgspec.structs.replace(want, kinds=frozenset())
        alike[rest] = alike.get(rest, frozenset()) | want.kinds
    return [msgspec.structs.replace(rest, kinds=kinds) for rest, kinds in alike.items()]
