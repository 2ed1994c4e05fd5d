"""What an event is in the words of a profile, made general enough to hold for the next container, and what covers it.

A path that holds a random name stands for all of its directory; an address for its network. What a person writes into a
profile has the same form.
"""

import ipaddress
import re
from collections.abc import Iterable
from typing import NamedTuple

from hullguard.detect import paths
from hullguard.model.condense import NEVER_WHOLE
from hullguard.model.event import Event, EventKind, OpenFile, Socket
from hullguard.model.profile import Behaviour, Entry, Profile

_TEMPORARY = ("/tmp", "/var/tmp", "/run", "/var/run", "/dev/shm", "/proc")  # noqa: S108 - names, not files of ours
_HARMLESS = frozenset({"/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty"})
_NUMBER, _LONG_NUMBER, _HEX = re.compile(r"\d{2,}"), re.compile(r"\d{4,}"), re.compile(r"(?=.*\d)[0-9a-fA-F-]{8,}")
_NUMBERED = re.compile(r".*(?:\d{6,}|[0-9a-fA-F]{16,}).*")
_MIXED = re.compile(r"(?=[^\W_]*\d)(?=[^\W_]*[a-z])(?=[^\W_]*[A-Z])[^\W_]{6,}")
_TEMPORARY_NAME = re.compile(r"\.?tmp[\w-]{4,}", re.IGNORECASE)
_EPHEMERAL = 32_768
_LONGEST = paths.LONGEST
_TRANSPORTS = frozenset({"tcp", "udp"})


class Done(NamedTuple):
    """A deed, and its thing as it was and in a profile's words."""

    deed: Behaviour
    thing: str
    what: str


def repository(image: str) -> str:
    """An image's name without tag and digest."""
    name = image.partition("@")[0]
    head, colon, tag = name.rpartition(":")
    return head if colon and "/" not in tag else name


def profile_of(profiles: Iterable[Profile], image: str | None) -> Profile | None:
    """The profile for an image of this name."""
    name = repository(image or "")
    return next((each for each in profiles if each.repository == name), None) if name else None


def done(event: Event) -> Done | None:
    """The deed of an event, if it is one that profiles speak of and it came to pass."""
    found = _done(event)
    return None if found is None else _readable(found)


def refused(deed: Behaviour, path: str) -> Done:
    """The deed that was to be done on a file, and was not."""
    return _readable(Done(deed, path, general(path) if deed is Behaviour.WRITE else _cut(path)))


def harmless(path: str) -> bool:
    """Whether nobody needs to know that it is written: what takes everything and keeps nothing, and terminals."""
    return path in _HARMLESS or path.startswith("/dev/pts/")


def _readable(found: Done) -> Done:
    """Nobody could review a name that cannot be read: its characters are written as escapes."""
    return found if found.what.isprintable() else found._replace(what=_cut(repr(found.what)[1:-1]))


def _done(event: Event) -> Done | None:
    if event.result is not None and event.result < 0 and event.kind is not EventKind.CONNECT:
        return None
    match event.kind:
        case EventKind.EXEC if event.path:
            return Done(Behaviour.EXEC, event.path, general(event.path) if event.new_file else _cut(event.path))
        case EventKind.FILE_OPEN if event.path and _written(event):
            return Done(Behaviour.WRITE, event.path, general(event.path))
        case EventKind.CONNECT if event.socket is not None and not event.socket.inbound:
            return _connected(event.socket)
        case _:
            return None


def general(path: str) -> str:
    """The pattern for a written file: itself, or its nearest directory that has no random name in it."""
    for directory in _TEMPORARY:
        if path.startswith(f"{directory}/"):
            return f"{directory}/*"
    parts = path.split("/")
    for position, part in enumerate(parts):
        # Of programs and settings no more than a directory of somebody's own stands for what is in it.
        least = 3 if f"/{parts[1]}" in NEVER_WHOLE else 1
        if position > least and _random(part):
            return _cut("/".join([*parts[:position], "*"]))
    return _cut(path)


def network(address: str) -> str:
    """The network that stands for an address: what changes from one day to the next is the host's part."""
    parsed = ipaddress.ip_address(address)
    if parsed.is_loopback:
        return "127.0.0.0/8" if parsed.version == 4 else "::1/128"
    return str(ipaddress.ip_network((parsed, 24 if parsed.version == 4 else 64), strict=False))


def complaint(deed: Behaviour, what: str) -> str | None:
    """What is wrong with an entry that a person wrote, or None."""
    if deed is not Behaviour.CONNECT:
        return paths.complaint(what)
    words = what.split(" ")
    if words[0] == "unix" and len(words) == 2:
        return paths.complaint(words[1])
    if len(words) != 3 or words[0] not in _TRANSPORTS:
        return "is not of the form 'tcp 10.0.0.0/8 443', 'udp ::/0 *' or 'unix /run/x.sock'"
    try:
        ipaddress.ip_network(words[1])
    except ValueError:
        return f"names no network: {words[1]!r}"
    if words[2] != "*" and not (words[2].isascii() and words[2].isdigit() and 0 < int(words[2]) < 65_536):
        return f"names no port: {words[2]!r}"
    return None


def rarity(seen: int, containers: int) -> int:
    """From 0 to 100: how surprising a thing is that so many of so many containers did.

    By the rule of succession: what none of two containers did says little, what none of five hundred did a lot.
    """
    return round(100 * (1 - (min(seen, containers) + 1) / (containers + 2)))


def internet(what: str) -> tuple[str, ipaddress.IPv4Network | ipaddress.IPv6Network, int] | None:
    """Transport, network and port (0: every one) of a CONNECT entry; None for a Unix socket, and for what says neither.

    A node that lies may have told anything.
    """
    words = what.split(" ")
    if len(words) != 3 or complaint(Behaviour.CONNECT, what) is not None:
        return None
    return words[0], ipaddress.ip_network(words[1]), 0 if words[2] == "*" else int(words[2])


def unix(what: str) -> str | None:
    """The path, or how it begins, of a CONNECT entry for Unix sockets; None for any other."""
    words = what.split(" ")
    return words[1] if words[0] == "unix" and len(words) == 2 else None


class Known:
    """The entries of a profile, ready to be asked."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self.entries = tuple(entries)
        accepted = [entry for entry in self.entries if entry.accepted]
        self._paths = {
            deed: Patterns(e.what for e in accepted if e.deed is deed) for deed in (Behaviour.EXEC, Behaviour.WRITE)
        }
        sockets = (unix(entry.what) for entry in accepted if entry.deed is Behaviour.CONNECT)
        self._unix = Patterns(each for each in sockets if each is not None)
        self._networks: dict[tuple[str, int], list[ipaddress.IPv4Network | ipaddress.IPv6Network]] = {}
        for found in (internet(entry.what) for entry in accepted if entry.deed is Behaviour.CONNECT):
            if found is not None:
                transport, network, port = found
                self._networks.setdefault((transport, port), []).append(network)

    def cover(self, deed: Done) -> bool:
        """Whether the profile has it."""
        if deed.deed is not Behaviour.CONNECT:
            return self._paths[deed.deed].cover(deed.thing)
        transport, place, *rest = deed.thing.split(" ")
        if transport == "unix":
            return self._unix.cover(place)
        address = ipaddress.ip_address(place)
        return any(
            address in known
            for port in (int(rest[0]), 0)
            for known in self._networks.get((transport, port), ())
            if known.version == address.version
        )

    def refused(self, deed: Done) -> Entry | None:
        """The entry that a person removed and that speaks of it."""
        found = (entry for entry in self.entries if not entry.accepted and entry.deed is deed.deed)
        return next((entry for entry in found if entry.what == deed.what), None)


class Patterns:
    """Paths and beginnings of paths, as a profile has them; asking is quick, however many there are."""

    def __init__(self, patterns: Iterable[str]) -> None:
        every = list(patterns)
        self._whole = {each for each in every if not each.endswith("*")}
        self._beginnings = tuple(each[:-1] for each in every if each.endswith("*"))

    def cover(self, path: str) -> bool:
        """Whether one of them stands for the path."""
        return path in self._whole or path.startswith(self._beginnings)


def _written(event: Event) -> bool:
    file = event.file or OpenFile()
    if not (event.writes or file.created or file.truncated) or file.kind not in {"file", "block", "character"}:
        return False
    return not harmless(event.path or "")


def _connected(socket: Socket) -> Done | None:
    remote = socket.remote
    if remote is None or not remote.address:
        return None
    if socket.family == "unix":
        if not remote.address.startswith("/"):
            return None  # without a file: the kernel tells of these only where a rule asks, so they are not learned
        return Done(Behaviour.CONNECT, f"unix {remote.address}", f"unix {general(remote.address)}"[:_LONGEST])
    transport = {"stream": "tcp", "datagram": "udp"}.get(socket.kind)
    if socket.family not in {"ipv4", "ipv6"} or transport is None or not remote.port:
        return None
    port = "*" if remote.port >= _EPHEMERAL else str(remote.port)
    thing = f"{transport} {remote.address} {remote.port}"
    return Done(Behaviour.CONNECT, thing, f"{transport} {network(remote.address)} {port}")


def _random(name: str) -> bool:
    """Whether a name is one that comes only once: a number, an identifier, what mkstemp makes."""
    if _TEMPORARY_NAME.fullmatch(name) or _NUMBERED.fullmatch(name) or _NUMBER.fullmatch(name):
        return True
    words = (name, *re.split(r"[._-]", name)[1:])
    return any(_LONG_NUMBER.fullmatch(word) or _HEX.fullmatch(word) or _MIXED.fullmatch(word) for word in words)


def _cut(path: str) -> str:
    """A path that no pattern could hold stands for the deepest directory that one can, or how its first name begins."""
    cut = path
    while len(cut.encode(errors="surrogatepass")) > _LONGEST:
        head, slash, _ = cut.removesuffix("/*").rpartition("/")
        if not slash or not head:
            return f"{cut[: _LONGEST // 4 - 1]}*"  # UTF-8 needs at most four bytes for a character.
        cut = f"{head}/*"
    return cut
