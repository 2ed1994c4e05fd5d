"""What protects this node: the thread that owns the sensor, judges what it sees, and keeps what the detectors found.

An incident is on the disk before its event is consumed in the kernel; the uplink is woken at once.
"""

import asyncio
import contextlib
import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError
from datetime import UTC, datetime

import msgspec
import structlog

from hullguard.agent import policies
from hullguard.agent.drift import Drifts
from hullguard.agent.learning import Learner
from hullguard.agent.loaded import Libraries
from hullguard.agent.policies import Wanted
from hullguard.agent.records import put_learned, put_observation
from hullguard.agent.sensor.interface import Sensor, Tamper
from hullguard.agent.spool import Spool
from hullguard.detect import Engine, default_policies
from hullguard.detect.floods import Floods
from hullguard.model.errors import HullguardError, Unavailable
from hullguard.model.event import Event, Gap
from hullguard.model.incident import Observation
from hullguard.model.node import Reason, SensorHealth, SensorState
from hullguard.model.policy import AppliedPolicies

POLL_MS = 1000
"""What happens, and whoever gives an order, ends the wait; so long waits only what looks at the clock."""
TAMPER_SECONDS = 3.0
"""How often the sensor looks whether somebody changed it: its hooks each time, one of its maps after the other."""
_SAID_FOR = 300.0
"""Seconds for which tampering stays a reason of the node."""
RETRY_SECONDS = 60.0
_MOST_NAMED, _LONGEST_NAMED = 8, 160
"""Rules, and characters of each with its reason, in what is told of a node."""

_log = structlog.get_logger()


class Protection:
    """Both hooks are called from the thread.

    ``changed``: there is something new for the heartbeat. ``found``: an incident, once it is on the disk.
    ``describe`` makes the incident of what was tampered with; ``mark`` says which are a self-test's. ``ran`` is shown
    every event, for what it tells of the programs that run.
    """

    def __init__(
        self,
        engine: Engine,
        spool: Spool,
        open_sensor: Callable[[], Sensor],
        changed: Callable[[], None],
        found: Callable[[Observation], None],
        *,
        describe: Callable[[Tamper], Observation],
        mark: Callable[[Observation], Observation] = lambda observation: observation,
        ran: Callable[[Event], None] = lambda _: None,
    ) -> None:
        self._ran = ran
        self._describe, self._mark = describe, mark
        self._engine, self._spool, self._open, self._changed, self._found = engine, spool, open_sensor, changed, found
        self._orders: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._sensor: Sensor | None = None
        self._wanted = Wanted(protection=True, policies=default_policies())
        self._held = threading.Lock()
        """Whoever asks the sensor holds it, so that it is not closed meanwhile."""
        self._off = Reason("sensor.starting", "The sensor is being started.")
        self._rejected: Reason | None = None
        self._drifts = Drifts()
        self._libraries = Libraries(self._drifts.own)
        self._learner = Learner(lambda learned: put_learned(spool, learned))
        self._broken = 0
        self._retry_at = 0.0
        self._sound_at = datetime.now(UTC)
        self._look_at = 0.0
        self._tampered: tuple[float, str] | None = None
        self._ended = False
        self._unpin = False
        self._floods = Floods()
        self._on_sight: dict[str, str] = {}
        """Rules that deny and cannot be refused in the kernel, with the reason."""
        self._settling = False
        self._accepted: AppliedPolicies | None = None
        """Policies that the filters hold while hooks are still being attached for them."""
        self._waiting: list[Future[None]] = []
        """Orders that were carried out so far."""
        self._thread = threading.Thread(target=self._run, name="sensor", daemon=True)
        self.applied: AppliedPolicies | None = None
        """What this node really runs; None before the server has said anything."""

    # From other threads ----------------------------------------------------------------------------------------------

    def start(self, wanted: Wanted | None) -> None:
        """Begin with the policies that were kept on the disk, or with the default ones."""
        if wanted is not None:
            self._give(lambda: self._take(wanted))
        self._thread.start()

    def stop(self, *, unpin: bool = False) -> None:
        """Let go of the kernel; without ``unpin`` it goes on collecting for the next process."""
        self._ended, self._unpin = True, unpin
        self._give(lambda: None)
        self._thread.join(10)

    async def take(self, wanted: Wanted) -> None:
        """Put these policies in force; returns when they are, every hook included, or were rejected."""
        await self._do(lambda: self._take(wanted))

    async def check(self) -> SensorHealth:
        """Put the present policies in place anew, starting the sensor if it was off, and look how it is."""
        await self._do(self._again)
        return self.health()

    @property
    def on(self) -> bool:
        """Whether the server wants this node protected."""
        return self._wanted.protection

    def health(self) -> SensorHealth:
        """The sensor's word, or why there is none."""
        with self._held:
            if self._sensor is not None:
                return self._sensor.health()
        return SensorHealth(SensorState.OFF, (self._off,))

    def reasons(self) -> tuple[Reason, ...]:
        """What is wrong with the policies or the detectors, as opposed to the sensor."""
        found = [self._rejected] if self._rejected else []
        if missing := policies.unknown(self._wanted.policies):
            names = ", ".join(sorted(missing))
            found.append(
                Reason("policy.detector-unknown", f"This agent is too old for the detectors {names}.", {"names": names})
            )
        if self._on_sight:
            text = "; ".join(f"{name} ({why})"[:_LONGEST_NAMED] for name, why in self._on_sight.items())
            found.append(
                Reason(
                    "deny.rules-seen",
                    f"What the kernel cannot refuse of these rules ends its process once it was seen: {text}.",
                    {"rules": text},
                )
            )
        if self._broken:
            found.append(
                Reason("detector.broken", f"{self._broken} events could not be judged.", {"events": self._broken})
            )
        if self._tampered is not None and time.monotonic() - self._tampered[0] < _SAID_FOR:
            name = self._tampered[1]
            found.append(Reason("agent.tampered", f"Somebody changed the sensor: {name}.", {"what": name}))
        return tuple(found)

    def _give(self, order: Callable[[], None]) -> None:
        """Whichever of the two the thread waits for, it hears of it at once."""
        self._orders.put(order)
        with self._held:
            if self._sensor is not None:
                self._sensor.wake()

    async def _do(self, order: Callable[[], None]) -> None:
        done: Future[None] = Future()

        def carry_out() -> None:
            try:
                order()
            except BaseException as bad:
                with contextlib.suppress(InvalidStateError):
                    done.set_exception(bad)
                raise
            self._waiting.append(done)

        self._give(carry_out)
        await asyncio.wrap_future(done)

    # The thread ------------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        while not self._ended:
            self._carry_out_orders()
            if self._sensor is None and self._wanted.protection and time.monotonic() >= self._retry_at:
                self._start_sensor()
            self._settle()
            if self._sensor is not None:
                self._poll(self._sensor)
                self._settle()  # a sensor that was lost keeps nobody waiting
        if self._sensor is not None and self._unpin:
            self._poll(self._sensor)  # what happened until now is still told
        self._close(unpin=self._unpin)
        self._floods.end()
        self._tell_floods()

    def _carry_out_orders(self) -> None:
        """Without a sensor this is where the thread waits."""
        wait = 0.0
        if self._sensor is None:
            wait = max(0.0, self._retry_at - time.monotonic()) if self._wanted.protection else RETRY_SECONDS
        try:
            order = self._orders.get(timeout=wait) if wait else self._orders.get_nowait()
        except queue.Empty:
            return
        try:
            order()
        except Exception:  # noqa: BLE001 -- the boundary of the thread: without it nothing would be watched
            _log.exception("order to the sensor failed")

    def _settle(self) -> None:
        """Says what is in force once its last hook is there; until then the sensor is polled as ever."""
        if self._sensor is not None and not self._sensor.settled():
            self._settling = True
            return
        if self._accepted is not None:
            self.applied, self._accepted = self._accepted, None
            _log.info("policies in force", revision=self.applied.revision, protection=self._wanted.protection)
            self._changed()
        elif self._settling:
            self._changed()
        self._settling = False
        while self._waiting:
            with contextlib.suppress(InvalidStateError):  # whoever gave the order may have stopped waiting
                self._waiting.pop().set_result(None)

    def _poll(self, sensor: Sensor) -> None:
        try:
            # An order that came while the sensor was being started woke nobody.
            sensor.poll(self._judge, POLL_MS if self._orders.empty() else 0)
            self._learner.tell()
            self._floods.look()
            self._tell_floods()
            self._look(sensor)
        except Exception as bad:  # noqa: BLE001 -- the boundary of the thread: it must live to try again
            _log.warning("sensor lost", why=str(bad))
            self._close(unpin=False)
            self._switched_off(Reason("sensor.lost", f"The sensor stopped working: {bad}"))

    def _look(self, sensor: Sensor) -> None:
        """Whether the sensor is as it was left. What is gone for good is started anew at once."""
        if time.monotonic() < self._look_at:
            return
        try:
            changed = sensor.tampered()
        except Unavailable as gone:
            _log.warning("sensor taken down", why=str(gone))
            self._close(unpin=False)
            self._retry_at = 0.0
            self._start_sensor()
            changed = (Tamper("sensor", self._sensor is not None, self._sound_at),)
        for each in changed:
            _log.warning("tampered with", what=each.name, repaired=each.repaired)
            self._tampered = time.monotonic(), each.name
            put_observation(self._spool, self._describe(each))
            self._changed()
        self._sound_at = datetime.now(UTC)
        self._look_at = time.monotonic() + TAMPER_SECONDS

    def _judge(self, event: Event | Gap) -> None:
        if isinstance(event, Gap):
            _log.warning("events lost", container=event.container.id, what=event.what, count=event.count)
            put_observation(self._spool, self._engine.miss(event))
            self._changed()
            return
        try:
            self._ran(event)
            self._learner.note(event)
            found = self._engine.judge(self._drifts.complete(event))
        except Exception:  # noqa: BLE001 -- the boundary of a plug-in: one event must not blind the node
            self._broken += 1
            _log.exception("event not judged", kind=str(event.kind), sequence=event.sequence)
            self._changed()
            return
        kept = [observation for observation in found if not self._floods.hold_back(observation)]
        loaded = self._libraries.of(event) if kept else None
        for number, observation in enumerate(map(self._mark, kept)):
            told = msgspec.structs.replace(observation, loaded=loaded)
            put_observation(self._spool, told, None if number else event)
            self._found(told)

    def _tell_floods(self) -> None:
        while self._floods.over:
            put_observation(self._spool, self._engine.held_back(self._floods.over[0]))
            del self._floods.over[0]

    def _take(self, wanted: Wanted) -> None:
        try:
            policies.accept(wanted)
        except HullguardError as bad:
            _log.warning("policies rejected", revision=wanted.policies.revision, why=str(bad))
            self._rejected = Reason("policy.rejected", f"The policies cannot be used: {bad}")
            self._changed()
            return
        before, self._wanted = self._wanted, wanted
        self._engine.load(wanted.policies, wanted.rolled_back)
        try:
            self._enforce()
        except (HullguardError, OSError) as bad:
            # Back to what the kernel has; the server sees the old hash in the heartbeat, and the reason.
            self._wanted = before
            self._engine.load(before.policies, before.rolled_back)
            self._rejected = Reason("policy.rejected", f"The kernel's filters cannot hold the policies: {bad}")
            self._changed()
            return
        self._rejected = None
        self._learner.load(wanted.policies)
        self._on_sight = dict(list(self._engine.unrefused().items())[:_MOST_NAMED])
        for rule, why in self._on_sight.items():
            _log.warning("a denied rule kills what the kernel cannot refuse", rule=rule, undecided=why)
        self._accepted = AppliedPolicies(wanted.policies.revision, wanted.policies.hash)

    def _again(self) -> None:
        self._retry_at = 0.0
        self._enforce()
        if self._sensor is None and self._wanted.protection:
            self._start_sensor()
        self._changed()

    def _enforce(self) -> None:
        if not self._wanted.protection:
            self._close(unpin=True)
            self._off = Reason("protection.off", "Protection is switched off for this node.")
        elif self._sensor is not None:
            self._sensor.apply(self._engine.plan())
        else:
            self._retry_at = 0.0

    def _start_sensor(self) -> None:
        sensor: Sensor | None = None
        try:
            sensor = self._open()
            sensor.apply(self._engine.plan())
        except (HullguardError, OSError) as bad:
            if sensor is not None:
                sensor.close(unpin=False)
            if isinstance(bad, HullguardError):
                self._switched_off(Reason(bad.code, str(bad), dict(bad.params)))
            else:
                self._switched_off(Reason("sensor.unavailable", f"The sensor cannot start: {bad}"))
            return
        self._sensor = sensor
        _log.info("sensor", state=str(sensor.health().state))
        self._changed()

    def _switched_off(self, reason: Reason) -> None:
        self._retry_at = time.monotonic() + RETRY_SECONDS
        if self._off != reason:
            _log.warning("no sensor", why=reason.message)
            self._off = reason
            self._changed()

    def _close(self, *, unpin: bool) -> None:
        with self._held:
            if self._sensor is not None:
                self._sensor.close(unpin)
                self._sensor = None
