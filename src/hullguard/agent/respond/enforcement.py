"""What must be refused on this node now, and that it is: the agent's side of the responder.

The responder is found or started before anything else, told what to refuse in each container as containers come and go,
asked every second how it is, and ended when no policy refuses anything. When it fails, that is a reason of the node and
an incident, and it is started again.
"""

import asyncio
import os
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import NamedTuple

import msgspec
import structlog

from hullguard.agent.policies import Wanted
from hullguard.agent.records import put_observation
from hullguard.agent.respond import incidents, line, orders
from hullguard.agent.respond.line import Line
from hullguard.agent.respond.processes import held
from hullguard.agent.runtime.docker import Docker
from hullguard.agent.runtime.watch import Seen
from hullguard.agent.spool import Spool
from hullguard.agent.state import StateDir
from hullguard.detect import Denial, denial, denies, in_force, simulated
from hullguard.detect.profiles import profile_of
from hullguard.model.errors import HullguardError, Unavailable
from hullguard.model.node import Container, Reason

_ASK_SECONDS = 1.0
_PATIENCE = 5.0
"""Seconds without an answer after which the responder and its watchdog are both taken to be stopped."""
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 60.0
_SAID_FOR = 300.0
"""Seconds for which a failure stays a reason of the node."""
_LIVE = frozenset({"running", "paused"})

_log = structlog.get_logger()


class Place(NamedTuple):
    """Where this is: the agent's directory, the node, the kernel's life; and the responder's deadline."""

    state: StateDir
    node: str
    boot: str
    deadline_ms: int


class Enforcement:
    """Everything here runs in the agent's loop. ``changed``: there is something new for the heartbeat."""

    def __init__(self, place: Place, docker: Docker, spool: Spool, changed: Callable[[], None]) -> None:
        self._place, self._docker, self._spool, self._changed = place, docker, spool, changed
        self._state, self._node, self._boot = place.state, place.node, place.boot
        self._wanted: Wanted | None = None
        self._seen = Seen(None)
        self._line: Line | None = None
        self._gone: Line | None = None
        """One that was lost, and has not been asked for its last words."""
        self._due = asyncio.Event()
        self._told: dict[str, str] = {}
        """Per container the digest of what the responder was told last."""
        self._pids: dict[tuple[str, str], int] = {}
        self._missing: dict[str, tuple[str, ...]] = {}
        self._asked = self._answered = 0
        self._answered_at = 0.0
        self._failed: tuple[float, str] | None = None
        self._tampered: tuple[float, str] | None = None
        self._refused: Reason | None = None
        self._pause = _FIRST_PAUSE
        self._retry_at = 0.0

    def take(self, wanted: Wanted) -> None:
        """These are the policies now."""
        only_simulated = simulated(wanted.policies, self._node, wanted.rolled_back)
        self._wanted = msgspec.structs.replace(wanted, policies=in_force(wanted.policies, only_simulated))
        self._due.set()

    def look(self, seen: Seen) -> None:
        """These are the containers now."""
        self._seen = seen
        self._due.set()

    async def run(self) -> None:
        """For ever."""
        while True:
            self._due.clear()
            try:
                await self._turn()
            except (HullguardError, OSError) as bad:
                _log.warning("denial not kept up", why=str(bad))
            try:
                async with asyncio.timeout(_ASK_SECONDS if self._busy() else None):
                    await self._due.wait()
            except TimeoutError:
                self._ask()

    async def stop(self, *, unpin: bool) -> None:
        """Without ``unpin`` the responder goes on refusing for the next agent."""
        found, self._line = self._line, None
        if found is not None and unpin:
            await found.end()
        elif found is not None:
            found.close()
        elif unpin:
            await line.quit_all(self._state.root)

    def reasons(self) -> list[Reason]:
        """What is not refused though a policy says so."""
        found = [] if self._refused is None else [self._refused]
        if self._failed is not None:
            at, why = self._failed
            if time.monotonic() - at < _SAID_FOR:
                text = f"The responder failed and everything it refused was open until it was started again: {why}."
                found.append(Reason("deny.failed-open", text, {"why": why}))
            else:
                self._failed = None
        if self._tampered is not None and time.monotonic() - self._tampered[0] < _SAID_FOR:
            name = self._tampered[1]
            found.append(Reason("agent.tampered", f"Somebody took marks away: {name}.", {"what": name}))
        names = {each.id: each.name for each in self._seen.containers}
        short = [(names.get(container, container[:12]), why) for container, why in self._missing.items() if why]
        if short:
            text = "; ".join(f"{name}: {each}" for name, why in sorted(short)[:8] for each in why)[:1000]
            params: dict[str, str | int] = {"containers": len(short), "why": text}
            found.append(Reason("deny.incomplete", f"Not everything can be refused: {text}.", params))
        return found

    def _busy(self) -> bool:
        """Whether there is a responder to look after, or to start."""
        there = self._line is not None or self._gone is not None
        return there or (self._wanted is not None and self._denies(self._wanted))

    @staticmethod
    def _denies(wanted: Wanted) -> bool:
        return wanted.protection and denies(wanted.policies)

    # One turn --------------------------------------------------------------------------------------------------------

    async def _turn(self) -> None:
        if self._gone is not None:
            gone, self._gone = self._gone, None
            await self._lost(gone)
        wanted = self._wanted
        if wanted is None:
            return
        if not self._denies(wanted):
            await self._end()
            return
        if self._line is None:
            if time.monotonic() < self._retry_at:
                return
            await self._begin()
        if self._seen.version is not None:
            await self._tell(wanted)

    async def _begin(self) -> None:
        try:
            self._line = await line.connect(self._state.root, self._place.deadline_ms, self._heard)
        except (Unavailable, OSError) as bad:
            self._retry_at = time.monotonic() + _LONGEST_PAUSE
            why = bad.params.get("why") if isinstance(bad, Unavailable) else None
            self._refused = Reason("deny.unavailable", str(bad), {"why": why or str(bad)})
            self._changed()
            return
        self._told = dict(self._line.greeting.watched)
        self._asked = self._answered = 0
        self._answered_at = time.monotonic()
        self._refused = None
        self._missing = {}
        _log.info("responder", pid=self._line.pids[0], taken_over=bool(self._told))
        self._changed()

    async def _end(self) -> None:
        if self._line is not None:
            ending, self._line = self._line, None
            await ending.end()
        self._told, self._missing, self._refused, self._failed = {}, {}, None, None

    async def _tell(self, wanted: Wanted) -> None:
        live = {each.id: each for each in self._seen.containers if each.state in _LIVE}
        for gone in set(self._told) - set(live):
            self._leave(gone)
        for container in live.values():
            rules = denial(wanted.policies, container.image, self._node)
            if rules is None:
                if container.id in self._told:
                    self._leave(container.id)
                continue
            await self._watch(container, rules)

    async def _watch(self, container: Container, rules: Denial) -> None:
        pid = await self._pid(container)
        watch = orders.Watch(container.id, pid, rules.policy, rules.rules, rules.listed)
        digest = orders.digest(watch)
        if self._line is None or self._told.get(container.id) == digest:
            return
        if orders.too_large(watch):
            # Said, and no reason to leave the others alone.
            self._leave(container.id)
            self._told[container.id] = digest
            self._missing[container.id] = ("too-large",)
            self._changed()
            return
        life = os.pidfd_open(pid)
        try:
            with held(pid, container.id):  # the process that is held is the container's
                self._line.say(watch, life)
        finally:
            os.close(life)
        self._told[container.id] = digest

    async def _pid(self, container: Container) -> int:
        key = container.id, str(container.started)
        if key not in self._pids:
            if len(self._pids) > 4 * orders.MOST_CONTAINERS:
                self._pids.clear()
            self._pids[key] = (await self._docker.main_process(container.id)).pid
        return self._pids[key]

    def _leave(self, container: str) -> None:
        self._told.pop(container, None)
        self._missing.pop(container, None)
        if self._line is not None:
            self._line.say(orders.Leave(container))

    def _ask(self) -> None:
        if self._line is None:
            return
        if self._asked > self._answered and time.monotonic() - self._answered_at > _PATIENCE:
            # Neither answers nor was ended by its watchdog: both are stopped.
            self._line.kill()
        self._asked += 1
        try:
            self._line.say(orders.Ask(self._asked))
        except Unavailable:
            return

    # What the responder says -----------------------------------------------------------------------------------------

    def _heard(self, word: orders.Word | None) -> None:
        match word:
            case None:
                self._gone, self._line = self._line, None
                self._due.set()
            case orders.Refused():
                self._keep(word)
            case orders.Watched(container=container, missing=missing):
                if missing == ("gone",):
                    self._told.pop(container, None)
                elif self._missing.get(container, ()) != missing:
                    self._missing[container] = missing
                    self._changed()
            case orders.Unmarked():
                self._unmarked(word)
            case orders.State(number=number):
                self._answered, self._answered_at = number, time.monotonic()
                self._pause = _FIRST_PAUSE
            case _:
                pass

    def _keep(self, word: orders.Refused) -> None:
        container = next((each for each in self._seen.containers if each.id == word.container), None)
        profiles = () if self._wanted is None else self._wanted.policies.profiles
        profile = profile_of(profiles, container.image.name if container else None)
        put_observation(self._spool, incidents.refused(word, container, profile, self._node, self._boot))
        if self._line is not None:
            try:
                self._line.say(orders.Kept(word.number))
            except Unavailable:
                return  # it will be told again, and is the same incident

    def _unmarked(self, word: orders.Unmarked) -> None:
        found = next((each for each in self._seen.containers if each.id == word.container), None)
        name = f"{word.marks} fanotify marks of {found.name if found else word.container[:12]}"
        since = datetime.fromtimestamp(word.since_ns / 1e9, UTC)
        told = incidents.tampered(name, since, self._node, self._boot, repaired=True)
        put_observation(self._spool, told)
        self._tampered = time.monotonic(), name
        self._changed()

    async def _lost(self, gone: Line) -> None:
        self._told = {}
        why = await gone.last_words(self._state.root) or "it was ended together with its watchdog"
        _log.warning("responder lost", why=why)
        self._failed = time.monotonic(), why
        self._retry_at = time.monotonic() + self._pause
        self._pause = min(self._pause * 2, _LONGEST_PAUSE)
        put_observation(self._spool, incidents.of_agent("agent.responder-failed", self._node, self._boot, {"why": why}))
        self._changed()
