"""The rules that cut a container off, spoken to the kernel over netlink: no program of the node's is needed for it.

Two tables of our own in the container's network namespace, so that taking them away restores exactly what was before:

* ``inet hullguard``: chains on input, output and forward that drop everything but the loopback device. Docker's
  resolver at 127.0.0.11 is dropped too: it asks the world on behalf of whoever asks it.
* ``netdev hullguard``: a chain on each other device that drops what enters and leaves. Packet sockets pass the first
  table, and a container has the right to open one (CAP_NET_RAW) unless it was taken away.

Numbers are from ``linux/netfilter/nf_tables.h``; lengths, types and flags of netlink are in host order, values of
attributes in network order.
"""

import contextlib
import errno
import hashlib
import os
import socket
import struct
from collections.abc import Iterator, Sequence

from msgspec import Struct

from hullguard.model.errors import Unavailable

TABLE = "hullguard"
_NETLINK_NETFILTER = 12
_SUBSYSTEM = 10
_BATCH_BEGIN, _BATCH_END, _ERROR, _DONE = 16, 17, 2, 3
_REQUEST, _ACK, _CREATE, _APPEND, _DUMP = 0x1, 0x4, 0x400, 0x800, 0x300
_NEW_TABLE, _DELETE_TABLE, _NEW_CHAIN, _GET_CHAIN, _NEW_RULE, _GET_RULE = 0, 2, 3, 4, 6, 7
_UNSPECIFIED, _INET, _NETDEV = 0, 1, 5
_NESTED = 0x8000
_LOCAL_IN, _FORWARD, _LOCAL_OUT = 1, 2, 3
_INGRESS, _EGRESS = 0, 1
_FIRST = -1000
"""A priority before every chain that people and engines make (they begin at -450)."""
_DROP, _ACCEPT = 0, 1
_META_IIF, _META_OIF, _META_PROTOCOL = 4, 5, 15
_NETWORK_HEADER, _IPV4_DESTINATION = 1, 16
_REGISTER = 1
_LOOPBACK = 1
"""The loopback device's index: the first of every namespace, and unlike its name it cannot be changed."""
_IPV4 = 2
_RESOLVER = socket.inet_aton("127.0.0.11")
_OWNER, _PERSIST = 0x2, 0x4
_MOST_DEVICES = 64
_BUFFER = 64 * 1024
_SECONDS = 5.0


class Made(Struct, frozen=True):
    """How well a namespace is cut off."""

    devices: int
    owned: bool
    """Nobody but the holder of the socket can take the rules away (kernel 6.9 and later)."""
    packets: bool
    """Packet sockets are stopped too, in both directions (kernel 5.16 and later)."""


class Refused(Unavailable):
    """The kernel does not do it."""

    nature = "isolation.refused"

    def __init__(self, number: int, what: str) -> None:
        super().__init__(f"The kernel refuses to {what}: {os.strerror(number)}.", self.nature)
        self.number = number


class Nftables:
    """The tables of the namespace in which ``channel`` was made; what is there outlives it."""

    def __init__(self, channel: socket.socket) -> None:
        self._channel = channel
        self._channel.settimeout(_SECONDS)
        self._sequence = 0

    def close(self) -> None:
        self._channel.close()

    def cut_off(self, devices: Sequence[str]) -> Made:
        """Put the tables there in place of any that were; ``devices`` are all but the loopback."""
        if len(devices) > _MOST_DEVICES:
            raise Unavailable(
                f"The namespace has {len(devices)} network devices, more than {_MOST_DEVICES}.", "isolation.devices"
            )
        self.restore()
        owned = self._attempt(_inet(_OWNER | _PERSIST))
        if not owned:
            self._commit(_inet(0), "drop a container's traffic")
        packets = self._attempt(_netdev(devices, owned=owned, egress=True))
        if not packets:
            self._attempt(_netdev(devices, owned=owned, egress=False))
        return Made(len(devices), owned, packets)

    def restore(self) -> bool:
        """Take the tables away; False where there were none."""
        found = [self._gone(family) for family in (_INET, _NETDEV)]
        return any(found)

    def fingerprint(self) -> str | None:
        """Of every chain and rule of both tables as the kernel has them; None without the first table.

        Handles are part of it: rules that were taken away and made again in the same words have another one.
        """
        found = [self._listed(family) for family in (_INET, _NETDEV)]
        return hashlib.sha256(b"".join(found)).hexdigest() if found[0] else None

    def _listed(self, family: int) -> bytes:
        try:
            return b"".join(body for kind in _LISTS for body in self._ask(kind, family))
        except Refused as refused:
            if refused.number == errno.ENOENT:
                return b""
            raise

    def adopt(self) -> None:
        """Own the tables again: an owner that died leaves them to whoever asks first."""
        for family in (_INET, _NETDEV):
            self._attempt([_table(family, _OWNER | _PERSIST, create=False)])

    def _gone(self, family: int) -> bool:
        try:
            self._commit([_message(_DELETE_TABLE, family, _text(1, TABLE))], "take the rules of an isolation away")
        except Refused as refused:
            if refused.number == errno.ENOENT:
                return False
            raise
        return True

    def _attempt(self, messages: Sequence[bytes]) -> bool:
        """False where this kernel is too old for it; then nothing of it is there."""
        try:
            self._commit(messages, "drop a container's traffic")
        except Refused as refused:
            if refused.number in {errno.EOPNOTSUPP, errno.EINVAL, errno.EPERM, errno.ENOENT}:
                return False
            raise
        return True

    def _commit(self, messages: Sequence[bytes], what: str) -> None:
        """One transaction: the kernel takes all of it or nothing."""
        batch = [_batch(_BATCH_BEGIN), *messages, _batch(_BATCH_END)]
        wanted = self._sequence + 1, self._sequence + len(batch) - 2
        frames = []
        for position, body in enumerate(batch):
            flags = _REQUEST | (_ACK if 0 < position < len(batch) - 1 else 0)
            frames.append(_numbered(body, flags, self._sequence + position))
        self._sequence += len(batch)
        self._channel.send(b"".join(frames))
        waiting = set(range(wanted[0], wanted[1] + 1))
        while waiting:
            for kind, sequence, body in self._receive():
                if kind == _ERROR:
                    (number,) = struct.unpack_from("=i", body)
                    if number:
                        self._drain()
                        raise Refused(-number, what)
                    waiting.discard(sequence)

    def _ask(self, kind: int, family: int) -> list[bytes]:
        """The bodies of all our things of this kind, without the head that counts the kernel's generations."""
        self._sequence += 1
        self._channel.send(_numbered(_message(kind, family, _text(1, TABLE)), _REQUEST | _DUMP, self._sequence))
        found: list[bytes] = []
        while True:
            for answer, sequence, body in self._receive():
                if sequence != self._sequence:
                    continue
                if answer == _ERROR:
                    raise Refused(-struct.unpack_from("=i", body)[0], "list its rules")
                if answer == _DONE:
                    return found
                if _OURS in body:  # kernels before 6.2 list the chains of every table
                    found.append(body[4:])

    def _receive(self) -> Iterator[tuple[int, int, bytes]]:
        """Kind, sequence and body of each message of one datagram."""
        try:
            data = self._channel.recv(_BUFFER)
        except TimeoutError as slow:
            raise Unavailable("The kernel's packet filter did not answer in time.", "isolation.silent") from slow
        at = 0
        while at + 16 <= len(data):
            length, kind, _, sequence, _ = struct.unpack_from("=IHHII", data, at)
            if length < 16:
                return
            yield kind, sequence, data[at + 16 : at + length]
            at += length + 3 & ~3

    def _drain(self) -> None:
        """After a refusal the other messages of the batch may be refused too; nobody waits for those words."""
        self._channel.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while self._channel.recv(_BUFFER):
                pass
        self._channel.settimeout(_SECONDS)


_CHAINS = {"input": _LOCAL_IN, "output": _LOCAL_OUT, "forward": _FORWARD}
_LISTS = (_GET_CHAIN, _GET_RULE)
_OURS = TABLE.encode() + b"\0"


def channel() -> socket.socket:
    """A socket that speaks to the packet filter of the namespace that the calling thread is in."""
    return socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, _NETLINK_NETFILTER)


def _inet(flags: int) -> list[bytes]:
    chains = [_chain(_INET, name, hook) for name, hook in _CHAINS.items()]
    rules = [_rule(name, expressions) for name, expressions in _rules()]
    return [_table(_INET, flags), *chains, *rules]


def _rules() -> list[tuple[str, list[bytes]]]:
    loopback = struct.pack("=I", _LOOPBACK)
    to_resolver = [
        *_equals(_META_PROTOCOL, bytes([_IPV4])),
        _expression("payload", _int(1, _REGISTER), _int(2, _NETWORK_HEADER), _int(3, _IPV4_DESTINATION), _int(4, 4)),
        _compare(_RESOLVER),
        _verdict(_DROP),
    ]
    return [
        ("input", [*_equals(_META_IIF, loopback), _verdict(_ACCEPT)]),
        ("output", to_resolver),
        ("output", [*_equals(_META_OIF, loopback), _verdict(_ACCEPT)]),
    ]


def _netdev(devices: Sequence[str], *, owned: bool, egress: bool) -> list[bytes]:
    hooks = {"in": _INGRESS, **({"out": _EGRESS} if egress else {})}
    chains = [
        _chain(_NETDEV, f"{direction}-{number}", hook, device)
        for number, device in enumerate(devices)
        for direction, hook in hooks.items()
    ]
    return [_table(_NETDEV, _OWNER | _PERSIST if owned else 0), *chains]


def _table(family: int, flags: int, *, create: bool = True) -> bytes:
    return _message(_NEW_TABLE, family, _text(1, TABLE) + (_int(2, flags) if flags else b""), _CREATE if create else 0)


def _chain(family: int, name: str, hook: int, device: str | None = None) -> bytes:
    place = _int(1, hook) + _int(2, _FIRST) + (_text(3, device) if device else b"")
    attributes = _text(1, TABLE) + _text(3, name) + _nest(4, place) + _int(5, _DROP) + _text(7, "filter")
    return _message(_NEW_CHAIN, family, attributes, _CREATE)


def _rule(chain: str, expressions: Sequence[bytes]) -> bytes:
    attributes = _text(1, TABLE) + _text(2, chain) + _nest(4, b"".join(_nest(1, each) for each in expressions))
    return _message(_NEW_RULE, _INET, attributes, _CREATE | _APPEND)


def _equals(meta: int, value: bytes) -> list[bytes]:
    return [_expression("meta", _int(1, _REGISTER), _int(2, meta)), _compare(value)]


def _compare(value: bytes) -> bytes:
    return _expression("cmp", _int(1, _REGISTER), _int(2, 0), _nest(3, _attribute(1, value)))


def _verdict(code: int) -> bytes:
    return _expression("immediate", _int(1, 0), _nest(2, _nest(2, _int(1, code))))


def _expression(name: str, *attributes: bytes) -> bytes:
    return _text(1, name) + _nest(2, b"".join(attributes))


def _message(kind: int, family: int, attributes: bytes, flags: int = 0) -> bytes:
    """Type, extra flags, and the body; the rest of the header is written when its number is known."""
    return struct.pack("=HH", _SUBSYSTEM << 8 | kind, flags) + struct.pack("!BBH", family, 0, 0) + attributes


def _batch(kind: int) -> bytes:
    return struct.pack("=HH", kind, 0) + struct.pack("!BBH", _UNSPECIFIED, 0, _SUBSYSTEM)


def _numbered(message: bytes, flags: int, sequence: int) -> bytes:
    kind, more = struct.unpack_from("=HH", message)
    body = message[4:]
    return struct.pack("=IHHII", 16 + len(body), kind, flags | more, sequence, 0) + body


def _attribute(kind: int, value: bytes) -> bytes:
    return struct.pack("=HH", 4 + len(value), kind) + value + bytes(-len(value) % 4)


def _nest(kind: int, content: bytes) -> bytes:
    return _attribute(kind | _NESTED, content)


def _int(kind: int, value: int) -> bytes:
    return _attribute(kind, (value & 0xFFFFFFFF).to_bytes(4, "big"))


def _text(kind: int, value: str) -> bytes:
    return _attribute(kind, os.fsencode(value) + b"\0")
