"""What the agent and its responder say to each other, over a socket that keeps messages apart."""

import hashlib
from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct

from hullguard.detect.denial import DenyRule, Listed
from hullguard.model.incident import PolicyRef

SPEECH: Final = 3
"""Grows with every change of these messages: an agent replaces a responder that speaks otherwise."""
LARGEST: Final = 192 * 1024
"""In bytes; what one message may have."""
MOST_CONTAINERS: Final = 1024
_Text = Annotated[str, Meta(max_length=4096)]


# --- agent to responder ---------------------------------------------------------------------------------------------


class Watch(Struct, frozen=True, tag="watch"):
    """Refuse this in a container. A descriptor of its main process (pidfd) comes with the message."""

    container: str
    pid: int
    policy: PolicyRef
    rules: tuple[DenyRule, ...]
    listed: Listed | None = None


class Leave(Struct, frozen=True, tag="leave"):
    """Refuse nothing in it any more."""

    container: str


class Kept(Struct, frozen=True, tag="kept"):
    """Refusals up to this number are on the agent's disk."""

    up_to: int


class Ask(Struct, frozen=True, tag="ask"):
    """Say how you are."""

    number: int


class Quit(Struct, frozen=True, tag="quit"):
    """Let everything go."""


# --- responder to agent ---------------------------------------------------------------------------------------------


class Greeting(Struct, frozen=True, tag="greeting"):
    """The first message on a connection: whom the agent has before it, and what it watches already."""

    speech: int
    version: str
    """The release that it is part of."""
    responder: int
    """Its pid."""
    watchdog: int
    deadline_ms: int
    watched: dict[str, str]
    """Per container the ``digest`` of what is refused in it."""


class Watched(Struct, frozen=True, tag="watched"):
    """What became of a ``Watch``: how much is marked, and why not all of it."""

    container: str
    files: int
    exec: bool
    missing: tuple[_Text, ...] = ()
    """``gone``, ``full``, ``too-large``, ``not-overlay``, ``layers-unreachable``, ``writes-unknown``; or before a blank
    and a path: ``other-mount``, ``unmarked``, ``too-many``.
    """


class Refused(Struct, frozen=True, tag="refused"):
    """Something was refused. ``lineage``: outermost first, the last is whoever tried it."""

    number: int
    at_ns: int
    container: str
    policy: PolicyRef
    rule: str
    exec: bool
    path: _Text
    lineage: tuple["Seen", ...]
    unreported: int = 0
    """Refusals of this container before it that were only counted."""


class Unmarked(Struct, frozen=True, tag="unmarked"):
    """Marks of a container were taken away by somebody, and are there again."""

    container: str
    marks: int
    since_ns: int
    """When they were last seen."""


class Seen(Struct, frozen=True):
    """A process as /proc had it while it waited."""

    pid: int
    ppid: int
    comm: str
    exe: str
    args: tuple[str, ...]
    uid: int
    gid: int
    started_ticks: int
    inside: bool


class State(Struct, frozen=True, tag="state"):
    """The answer to ``Ask``."""

    number: int
    asked: int
    """How often the kernel has asked."""
    refused: int
    marks: int
    dropped: int
    """Refusals that no agent will hear of, for want of room."""
    overflowed: int
    """How often the kernel's own queue was full, and it let somebody pass unasked."""


Order = Watch | Leave | Kept | Ask | Quit
Word = Greeting | Watched | Refused | Unmarked | State

_ENCODER: Final = msgspec.msgpack.Encoder()
_ORDERS: Final = msgspec.msgpack.Decoder(Order)
_WORDS: Final = msgspec.msgpack.Decoder(Word)


def digest(watch: Watch) -> str:
    """Equal for equal orders about the same life of a container."""
    return hashlib.sha256(_ENCODER.encode(watch)).hexdigest()


def too_large(watch: Watch) -> bool:
    """Whether it is more than one message may have."""
    return len(encode(watch)) > LARGEST


def encode(message: Order | Word) -> bytes:
    return _ENCODER.encode(message)


def order(data: bytes) -> Order:
    """Raises ``msgspec.DecodeError``."""
    found: Order = _ORDERS.decode(data)
    return found


def word(data: bytes) -> Word:
    """Raises ``msgspec.DecodeError``."""
    found: Word = _WORDS.decode(data)
    return found
