"""The two ends of a session as state machines without sockets or clocks.

Exactly once, in three sentences. The agent numbers its records with growing numbers and resends, in order, whatever
is above the number that Welcome names. Each numbered frame also names the record sent before it, so the server knows
a duplicate (drop it), the next record (take it) and a hole (refuse: the agent reconnects and resends) apart, although
a full spool may drop records and leave gaps in the numbers. The server acknowledges a number only after the
transaction that stored the record has been committed.

The credit bounds what one agent can have under way in the server, in messages and in decompressed bytes. Grants are
totals since the connection opened, so a lost or repeated grant does no harm.
"""

from typing import NamedTuple

from hullguard.model.errors import LimitReached
from hullguard.wire import capabilities, codec, limits
from hullguard.wire.messages import (
    CONTROL,
    RECORDS,
    Ack,
    AgentMessage,
    Credit,
    Grant,
    Hello,
    Record,
    ServerMessage,
    Welcome,
)
from hullguard.wire.violation import Code, Violation

WINDOW = Grant(messages=limits.WINDOW_MESSAGES, bytes=limits.WINDOW_BYTES)


class AgentSession:
    """The agent's end of one connection; make a new one for each connection.

    Send ``hello``; feed every frame to ``receive`` and act on what it returns: ``Welcome`` and ``Ack`` say up to which
    number the spool may forget, ``Credit`` that a refused ``record`` or ``send`` may be tried again.
    """

    def __init__(self, hello: Hello) -> None:
        self.hello = codec.encode_frame(codec.encode(hello))
        self.welcome: Welcome | None = None
        self.acknowledged = 0
        self._last_sent = 0
        self._granted = Grant(messages=0, bytes=0)
        self._messages = 0
        self._bytes = 0

    @property
    def resume_after(self) -> int:
        """The number after which the spool must go on: what was sent here, or else what the server has stored."""
        return self._last_sent

    def receive(self, frame: bytes) -> ServerMessage:
        """Decodes one frame and takes note of what concerns the session itself."""
        message = codec.decode_from_server(_unnumbered(codec.decode_frame(frame)))
        if self.welcome is None and isinstance(message, Ack | Credit):
            raise Violation(Code.HELLO_EXPECTED, "the server sent an acknowledgement before its welcome")
        match message:
            case Welcome():
                self._open(message)
            case Ack(up_to=up_to):
                if up_to > self._last_sent:
                    raise Violation(Code.OUT_OF_ORDER, f"the server acknowledged record {up_to}, which was never sent")
                self.acknowledged = max(self.acknowledged, up_to)
            case Credit(credit=credit):
                self._raise_grant(credit)
        return message

    def record(self, sequence: int, body: bytes) -> bytes | None:
        """A frame for the next record of the spool, or ``None`` until there is credit.

        Records go in the order of their numbers, beginning after ``resume_after``; numbers may be missing.
        """
        if sequence <= self._last_sent:
            raise ValueError(f"record {sequence} was offered after record {self._last_sent}")
        frame = codec.encode_frame(body, sequence, self._last_sent)
        if not self._spend(len(body)):
            return None
        self._last_sent = sequence
        return frame

    def send(self, message: AgentMessage) -> bytes | None:
        """A frame for anything that is not a record, or ``None`` until there is credit; a heartbeat needs none."""
        if isinstance(message, RECORDS):
            raise TypeError("a record is sent from the spool, with its number")
        body = codec.encode(message)
        frame = codec.encode_frame(body)
        if not isinstance(message, CONTROL) and not self._spend(len(body)):
            return None
        return frame

    def _open(self, welcome: Welcome) -> None:
        if self.welcome is not None:
            raise Violation(Code.MESSAGE_MALFORMED, "the server sent a second welcome")
        self.welcome = welcome
        self.acknowledged = self._last_sent = welcome.received_up_to
        self._raise_grant(welcome.credit)

    def _raise_grant(self, credit: Grant) -> None:
        self._granted = Grant(
            messages=max(self._granted.messages, credit.messages), bytes=max(self._granted.bytes, credit.bytes)
        )

    def _spend(self, size: int) -> bool:
        if self._messages + 1 > self._granted.messages or self._bytes + size > self._granted.bytes:
            return False
        self._messages += 1
        self._bytes += size
        return True


class Received(NamedTuple):
    """One message for the server's handlers. ``size`` goes back to ``release`` when the message is worked off."""

    message: AgentMessage
    sequence: int | None
    size: int


class ServerSession:
    """hostmgr's end of one connection.

    Feed every frame to ``receive``. When a message is worked off, call ``release``; when its transaction has been
    committed, ``acknowledge``; then send what ``outgoing`` gives.
    """

    def __init__(self, window: Grant = WINDOW) -> None:
        # Half of the window may be worked off and not yet granted again: the largest message must fit in the rest.
        if window.bytes < 2 * limits.BODY_BYTES or window.messages < 1:
            raise LimitReached(f"a window of {window.bytes} bytes is less than two messages of {limits.BODY_BYTES}")
        self.hello: Hello | None = None
        self._window = window
        self._open = False
        self._received_up_to = 0
        self._acknowledged = 0
        self._ack_due = False
        self._spent = Grant(messages=0, bytes=0)
        self._released = Grant(messages=0, bytes=0)
        self._granted = window

    def receive(self, data: bytes) -> Received | None:
        """The message in a frame; ``None`` for a record that has come before."""
        frame = codec.decode_frame(data)
        message = codec.decode_from_agent(frame.body)
        if isinstance(message, RECORDS) != (frame.sequence is not None):
            raise Violation(Code.MESSAGE_MALFORMED, "records have a number and nothing else has")
        if isinstance(message, Hello):
            return self._greet(message)
        if not self._open:
            raise Violation(Code.HELLO_EXPECTED, "the first message must be a hello")
        if isinstance(message, CONTROL):
            return Received(message, None, 0)
        size = len(frame.body)
        self._charge(size)
        if frame.sequence is not None and not self._next(frame.sequence, frame.after):
            self.release(size)
            return None
        return Received(message, frame.sequence, size)

    def welcome(self, session: str, received_up_to: int, heartbeat_seconds: int, server_version: str = "") -> bytes:
        """Opens the session after a hello; ``received_up_to`` is what the database says for the hello's stream."""
        self._open = True
        self._received_up_to = self._acknowledged = received_up_to
        said = capabilities.SAID
        return encoded(Welcome(session, received_up_to, self._granted, heartbeat_seconds, server_version, said))

    def acknowledge(self, sequence: int) -> None:
        """The record and all before it are in the database."""
        if sequence > self._received_up_to:
            raise ValueError(f"record {sequence} was not received")
        if sequence > self._acknowledged:
            self._acknowledged = sequence
            self._ack_due = True

    def release(self, size: int) -> None:
        """A message of this size is worked off: its share of the window is free again. Control messages have none."""
        if size:
            self._released = Grant(messages=self._released.messages + 1, bytes=self._released.bytes + size)

    def outgoing(self) -> list[bytes]:
        """The acknowledgement and the grant that are due now; grants wait until half of the window is free again."""
        frames = []
        if self._ack_due:
            self._ack_due = False
            frames.append(encoded(Ack(self._acknowledged)))
        grant = Grant(
            messages=self._released.messages + self._window.messages, bytes=self._released.bytes + self._window.bytes
        )
        if (
            2 * (grant.messages - self._granted.messages) >= self._window.messages
            or 2 * (grant.bytes - self._granted.bytes) >= self._window.bytes
        ):
            self._granted = grant
            frames.append(encoded(Credit(grant)))
        return frames

    def _greet(self, hello: Hello) -> Received:
        if self.hello is not None:
            raise Violation(Code.MESSAGE_MALFORMED, "a second hello came in one session")
        if hello.protocol != limits.PROTOCOL:
            raise Violation(
                Code.PROTOCOL_UNSUPPORTED,
                f"the agent speaks protocol {hello.protocol}, the server {limits.PROTOCOL}; update the older one",
            )
        self.hello = hello
        return Received(hello, None, 0)

    def _charge(self, size: int) -> None:
        self._spent = Grant(messages=self._spent.messages + 1, bytes=self._spent.bytes + size)
        if self._spent.messages > self._granted.messages or self._spent.bytes > self._granted.bytes:
            raise Violation(Code.CREDIT_EXCEEDED, "the agent sent more than its credit")

    def _next(self, sequence: int, after: int) -> bool:
        if sequence <= self._received_up_to:
            # Already stored: the acknowledgement was lost, so say it again.
            self._ack_due = self._ack_due or sequence <= self._acknowledged
            return False
        if after > self._received_up_to:
            raise Violation(
                Code.OUT_OF_ORDER, f"record {sequence} follows {after}, but only {self._received_up_to} have come"
            )
        self._received_up_to = sequence
        return True


def encoded(message: ServerMessage) -> bytes:
    """A server's message as a frame; the server's messages have no numbers.

    A number would have to be a row per node, for replicas to agree on it. What the server wants is a row already: a
    command is sent again until its update says acknowledged, policies until the heartbeat confirms their hash,
    inventories are asked for until they are stored.
    """
    return codec.encode_frame(codec.encode(message))


def record_body(record: Record) -> bytes:
    """What the agent's spool keeps of a record."""
    return codec.encode(record)


def _unnumbered(frame: codec.Frame) -> bytes:
    if frame.sequence is not None:
        raise Violation(Code.MESSAGE_MALFORMED, "the server numbered a message")
    return frame.body
