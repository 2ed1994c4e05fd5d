"""One slot of a plan becomes the entries of the kernel's maps. Pure.

Each want of the slot is a bit. A map's entry holds the bits of all wants that its key is enough for; tries answer with
their longest entry only, so an entry also holds the bits of the shorter ones.
"""

import ctypes
import ipaddress
import struct
from collections.abc import Iterable, Sequence

from hullguard.agent.sensor import abi, exec_slots
from hullguard.detect.detectors.interface import Access, Transport, Wants, refuses
from hullguard.detect.paths import Shape, shape, unusable
from hullguard.detect.plan import SlotPlan
from hullguard.detect.profiles import internet, unix
from hullguard.model.event import EventKind
from hullguard.model.profile import Behaviour, Profile

KIND_NUMBERS: dict[EventKind, int] = {
    EventKind.EXEC: abi.EXEC,
    EventKind.FILE_OPEN: abi.FILE,
    EventKind.FORK: abi.FORK,
    EventKind.EXIT: abi.EXIT,
    EventKind.FILE_RENAME: abi.RENAME,
    EventKind.FILE_LINK: abi.LINK,
    EventKind.FILE_SYMLINK: abi.SYMLINK,
    EventKind.FILE_UNLINK: abi.UNLINK,
    EventKind.FILE_MODE: abi.MODE,
    EventKind.FILE_OWNER: abi.OWNER,
    EventKind.FILE_MAKE: abi.MAKE,
    EventKind.MOUNT: abi.MOUNT,
    EventKind.UMOUNT: abi.UMOUNT,
    EventKind.PIVOT_ROOT: abi.PIVOT,
    EventKind.SOCKET: abi.SOCKET,
    EventKind.CONNECT: abi.CONNECT,
    EventKind.ACCEPT: abi.ACCEPT,
    EventKind.BIND: abi.BIND,
    EventKind.LISTEN: abi.LISTEN,
    EventKind.SEND: abi.SEND,
    EventKind.DNS: abi.DNS,
    EventKind.DUP: abi.DUP,
    EventKind.PTRACE: abi.PTRACE,
    EventKind.PROCESS_MEMORY: abi.PROCESS_MEMORY,
    EventKind.CREDENTIALS: abi.CREDENTIALS,
    EventKind.NAMESPACE: abi.NAMESPACE,
    EventKind.MODULE: abi.MODULE,
    EventKind.BPF: abi.BPF,
    EventKind.MEMFD: abi.MEMORY_FILE,
    EventKind.MEMORY_PROTECTION: abi.PROTECTION,
    EventKind.SIGNAL: abi.SIGNAL,
    EventKind.IO_URING: abi.IO_URING,
    EventKind.USERFAULTFD: abi.USERFAULTFD,
    EventKind.SPLICE: abi.SPLICE,
}
_OPENS: dict[Access, int] = {
    Access.READ: abi.FILE,
    Access.WRITE: abi.OPEN_WRITE,
    Access.CREATE: abi.OPEN_CREATE,
    Access.TRUNCATE: abi.OPEN_TRUNCATE,
    Access.FAILED: abi.OPEN_FAILED,
    Access.HANDLE: abi.OPEN_HANDLE,
}
_ACCESS_BITS: dict[Access, int] = {
    Access.READ: abi.ACCESS_READ,
    Access.WRITE: abi.ACCESS_WRITE,
    Access.CREATE: abi.ACCESS_CREATE,
    Access.TRUNCATE: abi.ACCESS_TRUNCATE,
    Access.FAILED: abi.ACCESS_FAILED,
    Access.HANDLE: abi.ACCESS_HANDLE,
}
_TRANSPORTS: dict[Transport, int] = {
    Transport.TCP: abi.TCP,
    Transport.UDP: abi.UDP,
    Transport.UNIX: abi.UNIX,
    Transport.OTHER: abi.OTHER_TRANSPORT,
}
_INET, _INET6 = 2, 10
_EVERYTHING = "*"

Entries = dict[bytes, int]
"""A map's keys with the bits of wants."""


def slot_value(slot: SlotPlan) -> abi.Slot:
    """The slot's own entry: what each want asks for that needs no look-up."""
    value = abi.Slot(flags=abi.KILL_NEW if slot.kill_new else 0)
    for bit, want in _numbered(slot):
        for operation in _operations(want):
            value.wants[operation] |= bit
        for transport in want.transports:
            value.transports[_TRANSPORTS[transport]] |= bit
        value.any_path |= 0 if want.paths else bit
        value.any_address |= 0 if want.networks else bit
        value.any_port |= 0 if want.ports else bit
        value.climbing |= bit if want.climbs else 0
        value.named |= bit if want.programs or want.other_programs else 0
        value.spared |= bit if want.other_programs else 0
        value.refused |= bit if refuses(want) else 0
        if EventKind.EXEC in want.kinds:
            exec_slots.ask(value, bit, want)
        shapes = {shape(pattern)[0] for pattern in (*_patterns(want), *_usable(want.executables))}
        value.flags |= abi.HAS_ENDINGS if Shape.ENDING in shapes else 0
        value.flags |= abi.HAS_DIRECTORIES if Shape.DIRECTORY in shapes else 0
    return value


def path_entries(number: int, slot: SlotPlan) -> Entries:
    """Every pattern of every want, what execs are asked for by, and what must not be killed."""
    texts: dict[tuple[bytes, bytes], int] = {}
    for bit, want in _numbered(slot):
        found = [(_path_text(pattern), True) for pattern in _patterns(want)]
        found += [(_program_text(pattern), True) for pattern in _usable(want.executables)]
        found += [((abi.CWD_WANTED, _path_text(pattern)[1]), True) for pattern in _usable(want.directories)]
        for key, enough in (*found, *exec_slots.texts(want)):
            texts[key] = texts.get(key, 0) | (bit if enough else 0)
    for pattern in slot.exempt if slot.kill_new else ():
        texts[abi.PATH_EXEMPT, _path_text(pattern)[1]] = 1
    return {
        path_key(number, kind, text): _with_shorter(texts, kind, text) for kind, text in texts if len(text) <= abi.TRIE
    }


def path_key(slot: int, kind: bytes, text: bytes) -> bytes:
    """A key of the trie ``paths``."""
    key = struct.pack("<IHc", (3 + len(text)) * 8, slot, kind) + text
    return key.ljust(ctypes.sizeof(abi.Path), b"\0")


def name_entries(slot: SlotPlan) -> dict[tuple[bytes, bytes], int]:
    """Names that make an open worth a closer look, with the ways to open. The name is empty where every name does.

    What is wanted wherever it is, if its path climbs, is in ``climbing``.
    """
    found: dict[tuple[bytes, bytes], int] = {}
    for want in slot.wants:
        if EventKind.FILE_OPEN not in want.kinds:
            continue
        access = _access_bits(want)
        for pattern in _patterns(want):
            key = last_name(pattern)
            if key[1] or not want.climbs:
                found[key] = found.get(key, 0) | access
        # The kernel has no file's name to look at for these.
        blind = access & (abi.ACCESS_FAILED | abi.ACCESS_HANDLE) if want.paths and not want.climbs else 0
        if blind:
            key = (abi.NAME_FILE, b"")
            found[key] = found.get(key, 0) | blind
    return found


def climbing(slot: SlotPlan) -> int:
    """Ways to open that are wanted wherever the file is, if its path climbs."""
    found = 0
    for want in slot.wants:
        if want.climbs and EventKind.FILE_OPEN in want.kinds and any(not last_name(one)[1] for one in _patterns(want)):
            found |= _access_bits(want)
    return found


def _access_bits(want: Wants) -> int:
    return sum(_ACCESS_BITS[one] for one in want.access)


def last_name(pattern: str) -> tuple[bytes, bytes]:
    """The last whole name in a pattern, and whether it is a directory's; empty if there is none."""
    kind, text = shape(pattern)
    if kind is Shape.WHOLE:
        return abi.NAME_FILE, text.rpartition("/")[2].encode()
    if kind is Shape.BEGINNING:
        return abi.NAME_DIRECTORY, text.rpartition("/")[0].rpartition("/")[2].encode()
    if kind is Shape.DIRECTORY:
        return abi.NAME_DIRECTORY, text.encode()
    return abi.NAME_FILE, text.rpartition("/")[2].encode() if "/" in text else b""


def port_entries(number: int, slot: SlotPlan) -> Entries:
    """Every port that some want names, to have it or to leave it out."""
    found: Entries = {}
    for bit, want in _numbered(slot):
        for port in want.ports or want.other_ports:
            key = bytes(abi.Port(slot=number, port=port))
            found[key] = found.get(key, 0) | bit
    return found


def program_entries(number: int, slot: SlotPlan) -> Entries:
    """Every program that some want names, to have it or to leave it out."""
    found: Entries = {}
    for bit, want in _numbered(slot):
        for name in want.programs or want.other_programs:
            key = bytes(abi.Program(slot=number, name=name.encode()))
            found[key] = found.get(key, 0) | bit
    return found


def network_entries(number: int, slot: SlotPlan) -> Entries:
    """Every network that some want names, with the bits of those that want what is in it."""
    wanted = [(bit, _Networks(want.networks)) for bit, want in _numbered(slot) if want.networks]
    found = {}
    for network in {network for _, networks in wanted for network in networks.named}:
        bits = sum(bit for bit, networks in wanted if networks.want(network))
        family = _INET if network.version == 4 else _INET6
        address = network.network_address.packed.ljust(16, b"\0")
        key = abi.Network(bits=32 + network.prefixlen, slot=number, family=family)
        key.address[:] = address
        found[bytes(key)] = bits
    return found


def allowed_entries(number: int, profile: Profile) -> Entries:
    """The connections that a profile has, but for those to files; these are in ``allowed_sockets``."""
    found = {}
    for entry in profile.entries:
        known = internet(entry.what) if entry.accepted and entry.deed is Behaviour.CONNECT else None
        if known is not None:
            transport, network, port = known
            key = abi.Allowed(
                bits=abi.ALLOWED_BITS + network.prefixlen,
                fence=number,
                port=port,
                transport=abi.TCP if transport == "tcp" else abi.UDP,
                family=_INET if network.version == 4 else _INET6,
            )
            key.address[:] = network.network_address.packed.ljust(16, b"\0")
            found[bytes(key)] = 1
    return found


def allowed_sockets(number: int, profile: Profile) -> Entries:
    """The Unix sockets that a profile has: entries of ``paths``, with its number where others have a slot's."""
    found = {}
    for entry in profile.entries:
        pattern = unix(entry.what) if entry.accepted and entry.deed is Behaviour.CONNECT else None
        if pattern is not None:
            text = pattern.removesuffix("*").encode(errors="surrogateescape")
            text += b"" if pattern.endswith("*") else b"\0"
            if len(text) <= abi.TRIE:
                found[path_key(number, abi.SOCKET_ALLOWED, text)] = 1
    return found


class _Networks:
    """The networks of one want; the narrowest that holds an address decides."""

    def __init__(self, words: Sequence[str]) -> None:
        self.named = {ipaddress.ip_network(word.removeprefix("!"), strict=False): "!" not in word for word in words}
        # Who only says what he does not want, wants all the rest.
        if all("!" in word for word in words):
            for everywhere in ("0.0.0.0/0", "::/0"):
                self.named.setdefault(ipaddress.ip_network(everywhere), True)

    def want(self, place: ipaddress.IPv4Network | ipaddress.IPv6Network) -> bool:
        holding = [network for network in self.named if network.version == place.version and _holds(network, place)]
        return self.named[max(holding, key=lambda network: network.prefixlen)] if holding else False


def _holds(
    network: ipaddress.IPv4Network | ipaddress.IPv6Network, inner: ipaddress.IPv4Network | ipaddress.IPv6Network
) -> bool:
    shift = network.max_prefixlen - network.prefixlen
    return network.prefixlen <= inner.prefixlen and (
        int(network.network_address) >> shift == int(inner.network_address) >> shift
    )


def _numbered(slot: SlotPlan) -> Iterable[tuple[int, Wants]]:
    return ((1 << number, want) for number, want in enumerate(slot.wants))


def _operations(want: Wants) -> Iterable[int]:
    for kind in want.kinds:
        if kind is EventKind.FILE_OPEN:
            yield from (_OPENS[access] for access in want.access)
        elif kind in KIND_NUMBERS:
            yield KIND_NUMBERS[kind]


def _patterns(want: Wants) -> tuple[str, ...]:
    return _usable(want.paths)


def _usable(patterns: tuple[str, ...]) -> tuple[str, ...]:
    """A pattern that the kernel cannot hold lets everything through: too much is sent rather than too little."""
    return tuple(_EVERYTHING if unusable(pattern) else pattern for pattern in patterns)


def _program_text(pattern: str) -> tuple[bytes, bytes]:
    return exec_slots.PROGRAM_KINDS[shape(pattern)[0]], _path_text(pattern)[1]


def _path_text(pattern: str) -> tuple[bytes, bytes]:
    """A whole path ends with its NUL, so that none is another's beginning; an ending is written backwards."""
    kind, text = shape(pattern)
    raw = text.encode(errors="surrogateescape")
    if kind is Shape.WHOLE:
        return abi.PATH_WANTED, raw + b"\0"
    if kind is Shape.BEGINNING:
        return abi.PATH_WANTED, raw
    return (abi.PATH_ENDING, raw[::-1]) if kind is Shape.ENDING else (abi.PATH_DIRECTORY, raw + b"/")


def _with_shorter(texts: dict[tuple[bytes, bytes], int], kind: bytes, text: bytes) -> int:
    bits = 0
    for length in range(len(text) + 1):
        bits |= texts.get((kind, text[:length]), 0)
    return bits
