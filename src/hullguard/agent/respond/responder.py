"""The responder: a process of its own that answers the kernel's questions and does nothing else.

Its own, because whoever opens a file waits for the answer, and must not wait for Python's other work in the agent: the
judging of events, JSON, the garbage of a scan. It outlives the agent, so that a restart opens nothing.

It can never wait for itself or for those who start containers: it opens nothing in a container but by ``O_PATH``, which
asks nobody; it writes to no pipe that could be full; questions of processes outside of containers are always allowed.
When it ends, however it ends, the kernel lets everybody go on: it holds the only descriptor of its group.
"""

import contextlib
import os
import select
import socket
import struct
import time
from collections import deque

import msgspec

from hullguard import __version__
from hullguard.agent.respond import orders, witness
from hullguard.agent.respond.fanotify import Q_OVERFLOW, Asked, Group
from hullguard.agent.respond.inotify import Names
from hullguard.agent.respond.judgement import Court, Verdict
from hullguard.agent.respond.marks import Marked, Marker
from hullguard.agent.respond.orders import LARGEST, MOST_CONTAINERS, SPEECH

_MOST_WAITING = 2000
_EVIDENCE_PER_SECOND = 20.0
_EVIDENCE_AT_ONCE = 50.0
_AGAIN_SECONDS = 0.05
_CHECK_SECONDS = 1.0
"""One container's marks are looked at each time, so that looking never keeps anybody waiting for long."""
_CREDENTIALS = struct.Struct("=iII")


class _Quit(Exception):
    """The agent wants everything to be let go."""


class Responder:
    """Owns the group; ``turn`` it in a loop."""

    def __init__(self, listener: socket.socket, watchdog: int, deadline_ms: int) -> None:
        self._listener, self._watchdog, self._deadline_ms = listener, watchdog, deadline_ms
        self._group, self._names = Group(), Names()
        self._marker = Marker(self._group, self._names)
        self._court = Court()
        self._poll = select.epoll()
        self._agent: socket.socket | None = None
        self._lives: dict[int, str] = {}
        """Descriptors of main processes, and whose they are."""
        self._due: dict[str, float] = {}
        self._marked_at: dict[str, float] = {}
        self._refusals: deque[orders.Refused] = deque()
        self._budget: dict[str, tuple[float, float]] = {}
        self._silent: dict[str, int] = {}
        self._check_at = 0.0
        self._checked = ""
        """The container that was looked at last."""
        self._number = self._asked = self._refused = self._dropped = self._overflowed = 0
        for descriptor in (self._group.fd, self._names.fd, listener.fileno()):
            self._poll.register(descriptor, select.EPOLLIN)

    def turn(self, pause: float) -> bool:
        """Waits for something to do, at most so long, and does it; False when it is told to end."""
        if self._due:
            pause = min(pause, max(0.0, min(self._due.values()) - time.monotonic()))
        ready = {descriptor for descriptor, _ in self._poll.poll(pause)}
        try:
            # Questions first, and again after each other thing: somebody waits.
            if self._group.fd in ready:
                self._answer()
            for descriptor in ready - {self._group.fd}:
                self._attend(descriptor)
            self._mark_again()
            self._check()
        except _Quit:
            return False
        return True

    def close(self) -> None:
        """Everybody who waits goes on."""
        self._group.close()

    # Questions -------------------------------------------------------------------------------------------------------

    def _answer(self) -> None:
        for asked in self._group.read():
            if asked.mask & Q_OVERFLOW:
                self._overflowed += 1
                continue
            self._asked += 1
            verdict = self._court.judge(asked)
            if verdict.allow:
                if verdict.forget:
                    self._group.forget(asked.descriptor, asked.mask)
                self._group.answer(asked, allow=True)
            else:
                self._refuse(asked, verdict)

    def _refuse(self, asked: Asked, verdict: Verdict) -> None:
        self._refused += 1
        # What it is can only be read while it waits; its ancestors do not run away.
        pid = witness.process(asked.thread)
        seen = witness.look(pid, self._court.hosts) if self._worth_telling(verdict) else None
        self._group.answer(asked, allow=False)
        marked = verdict.marked
        if seen is None or marked is None:
            return
        container = marked.watch.container
        self._number += 1
        self._tell(
            orders.Refused(
                number=self._number,
                at_ns=time.time_ns(),
                container=container,
                policy=marked.watch.policy,
                rule=verdict.rule,
                exec=verdict.exec,
                path=verdict.path.encode("utf-8", "replace").decode()[:4096],
                lineage=(*witness.ancestors(seen, self._court.hosts), seen),
                unreported=self._silent.pop(container, 0),
            )
        )

    def _worth_telling(self, verdict: Verdict) -> bool:
        """Somebody who tries in a loop must not keep the responder from its work by what is written about it."""
        container = verdict.marked.watch.container if verdict.marked else ""
        now = time.monotonic()
        left, at = self._budget.get(container, (_EVIDENCE_AT_ONCE, now))
        left = min(_EVIDENCE_AT_ONCE, left + (now - at) * _EVIDENCE_PER_SECOND)
        worth = left >= 1.0
        self._budget[container] = (left - 1.0 if worth else left, now)
        if not worth:
            self._silent[container] = self._silent.get(container, 0) + 1
        return worth

    def _tell(self, refused: orders.Refused) -> None:
        """Kept until the agent has it on its disk, as far as there is room."""
        if len(self._refusals) >= _MOST_WAITING:
            self._refusals.popleft()
            self._dropped += 1
        self._refusals.append(refused)
        self._say(refused)

    # The agent, and the containers -----------------------------------------------------------------------------------

    def _attend(self, descriptor: int) -> None:
        if descriptor == self._names.fd:
            self._notice()
        elif descriptor == self._listener.fileno():
            self._meet()
        elif self._agent is not None and descriptor == self._agent.fileno():
            self._hear(self._agent)
        elif descriptor in self._lives:
            self._leave(self._lives[descriptor])

    def _meet(self) -> None:
        """The newest agent is the agent; only one of our own user is one."""
        with contextlib.suppress(OSError):
            visitor, _ = self._listener.accept()
            visitor.setblocking(False)
            pid, uid, _ = _CREDENTIALS.unpack(visitor.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
            if uid != os.geteuid():
                visitor.close()
                return
            self._part()
            self._agent = visitor
            self._poll.register(visitor.fileno(), select.EPOLLIN)
            self._court.spared = frozenset({pid, os.getpid(), self._watchdog})
            watched = {name: orders.digest(marked.watch) for name, marked in self._court.containers.items()}
            self._say(orders.Greeting(SPEECH, __version__, os.getpid(), self._watchdog, self._deadline_ms, watched))
            for refused in self._refusals:
                self._say(refused)

    def _part(self) -> None:
        if self._agent is not None:
            self._poll.unregister(self._agent.fileno())
            self._agent.close()
            self._agent = None

    def _hear(self, agent: socket.socket) -> None:
        descriptors: list[int] = []
        try:
            data, descriptors, _, _ = socket.recv_fds(agent, LARGEST, 4)
            if not data:
                self._part()
                return
            order = orders.order(data)
        except BlockingIOError:
            return
        except (OSError, msgspec.DecodeError, RecursionError, UnicodeDecodeError):
            self._part()
            _close(descriptors)
            return
        if isinstance(order, orders.Watch) and len(descriptors) == 1:
            self._watch(order, descriptors[0])
            return
        _close(descriptors)
        self._obey(order)

    def _obey(self, order: orders.Order) -> None:
        match order:
            case orders.Leave(container=container):
                self._leave(container)
            case orders.Kept(up_to=up_to):
                while self._refusals and self._refusals[0].number <= up_to:
                    self._refusals.popleft()
            case orders.Ask(number=number):
                marks = sum(len(each.files) + bool(each.asked) for each in self._court.containers.values())
                self._say(
                    orders.State(number, self._asked, self._refused, marks, self._dropped, self._overflowed),
                )
            case orders.Quit():
                raise _Quit
            case _:
                pass

    def _watch(self, watch: orders.Watch, life: int) -> None:
        self._leave(watch.container)
        full = len(self._court.containers) >= MOST_CONTAINERS
        marked = None if full or _ended(life) else self._marked(watch)
        # Of a process that has ended the number may be another's by now, and what was marked not the container's.
        if marked is None or _ended(life):
            os.close(life)
            self._say(orders.Watched(watch.container, 0, exec=False, missing=("full" if full else "gone",)))
            return
        self._court.put(marked)
        self._lives[life] = watch.container
        self._poll.register(life, select.EPOLLIN)
        self._say(orders.Watched(watch.container, len(marked.files), bool(marked.asked), tuple(marked.missing)))

    def _marked(self, watch: orders.Watch) -> Marked | None:
        try:
            return self._marker.mark(watch)
        except OSError:
            return None

    def _leave(self, container: str) -> None:
        """Marks that are left over are taken away when the kernel next asks about them, or with their file system."""
        self._court.remove(container)
        self._due.pop(container, None)
        self._budget.pop(container, None)
        self._marked_at.pop(container, None)
        self._silent.pop(container, None)
        for life in [life for life, name in self._lives.items() if name == container]:
            self._poll.unregister(life)
            os.close(life)
            del self._lives[life]

    # Files that are replaced -----------------------------------------------------------------------------------------

    def _notice(self) -> None:
        for number, name in self._names.read():
            for container, marked in self._court.containers.items():
                awaited = marked.waiting.get(number)
                lost = number < 0
                if lost or (awaited and (awaited.everything or name in awaited.names)):
                    # Whoever makes files in a loop must not keep the responder marking.
                    self._due.setdefault(container, self._marked_at.get(container, 0.0) + _AGAIN_SECONDS)

    def _mark_again(self) -> None:
        now = time.monotonic()
        for container in [name for name, at in self._due.items() if at <= now]:
            del self._due[container]
            marked = self._court.containers.get(container)
            life = next((life for life, name in self._lives.items() if name == container), None)
            if marked is None or life is None or _ended(life):
                continue
            self._marked_at[container] = now
            self._again(marked)

    def _check(self) -> None:
        """Whether somebody took marks away: of one container after the other."""
        now = time.monotonic()
        if now < self._check_at:
            return
        self._check_at = now + _CHECK_SECONDS
        names = sorted(self._court.containers)
        later = [name for name in names if name > self._checked]
        if not names:
            return
        self._checked = (later or names)[0]
        self._notice()
        if self._checked in self._due:
            return  # files are being replaced, and their marks with them
        marked = self._court.containers[self._checked]
        try:
            lost = self._marker.check(marked)
        except OSError:
            return  # it has gone
        self._court.put(marked)
        self._notice()
        if lost and self._checked not in self._due:
            self._say(orders.Unmarked(self._checked, lost, marked.sound_ns))
        marked.sound_ns = time.time_ns()

    def _again(self, marked: Marked) -> None:
        with contextlib.suppress(OSError):
            self._marker.again(marked)
            self._court.put(marked)

    def _say(self, word: orders.Word) -> None:
        """An agent that does not listen is left: it comes again, and hears again what it has not kept."""
        if self._agent is None:
            return
        try:
            self._agent.send(orders.encode(word))
        except OSError:
            self._part()


def _ended(life: int) -> bool:
    return bool(select.select([life], [], [], 0)[0])


def _close(descriptors: list[int]) -> None:
    for descriptor in descriptors:
        os.close(descriptor)
