"""The agent, assembled: which part tells which other part what."""

import asyncio
import contextlib
import os
import time
from collections.abc import Callable
from pathlib import Path

import structlog

from hullguard import __version__
from hullguard.agent import facts, identity, policies, status
from hullguard.agent.commands.interface import Parts
from hullguard.agent.commands.runner import Runner
from hullguard.agent.config import AgentConfig
from hullguard.agent.images import Images
from hullguard.agent.policies import Wanted
from hullguard.agent.protection import Protection
from hullguard.agent.records import put_observation
from hullguard.agent.renewal import keep_renewed
from hullguard.agent.respond import incidents
from hullguard.agent.respond.enforcement import Enforcement, Place
from hullguard.agent.respond.responses import Responses
from hullguard.agent.runtime import engines
from hullguard.agent.runtime.docker import DEFAULT_HOST, Change, Docker
from hullguard.agent.runtime.engines import Engines
from hullguard.agent.runtime.watch import RuntimeWatch, Seen
from hullguard.agent.selftest.marks import Marks
from hullguard.agent.sensor.interface import Sensor, Tamper
from hullguard.agent.spool import Spool
from hullguard.agent.tasks import first_of
from hullguard.agent.trial import Trial, Tried
from hullguard.agent.update import report
from hullguard.agent.uplink import Hooks, Line, Uplink
from hullguard.agent.used import UsedFiles, Uses
from hullguard.detect import Engine
from hullguard.model.errors import Denied, Unavailable
from hullguard.model.incident import Observation
from hullguard.model.inventory import READER
from hullguard.model.node import Heartbeat, Reason
from hullguard.model.policy import AppliedPolicies
from hullguard.wire import capabilities, limits
from hullguard.wire import messages as say

_log = structlog.get_logger()

SensorOpener = Callable[[AgentConfig], Sensor]


def open_sensor(config: AgentConfig) -> Sensor:
    """The kernel's sensor, or ``Unavailable`` with the reason."""
    if not config.sensor:
        raise Unavailable("The sensor is switched off by the agent's settings.", "sensor.disabled")
    from hullguard.agent.sensor.bpf_sensor import BpfSensor

    return BpfSensor.open(Path(config.state), config.docker_host)


async def run(config: AgentConfig, stop: asyncio.Event, sensor: SensorOpener = open_sensor) -> None:
    """Run until ``stop``, until another version is staged (``switch.pending``), or until the platform dismisses us.

    Raises ``NotFound`` or ``Denied`` when this host is no node (any more), ``Conflict`` when an agent runs already.
    """
    state = config.state_dir
    state.prepare()
    membership = identity.load(state)
    lock = status.Lock(state)
    try:
        await Agent(config, membership.node, sensor).run(stop)
    finally:
        lock.release()


class Agent:
    """One run of the agent."""

    def __init__(self, config: AgentConfig, node: str, sensor: SensorOpener) -> None:
        self._config, self._node = config, node
        self._state = state = config.state_dir
        self._loop = asyncio.get_running_loop()
        self._restart = asyncio.Event()
        self._boot_id = facts.boot_id()
        self._spool = Spool(state.spool, self._boot_id, max_bytes=config.spool_bytes, min_free=config.spool_min_free)
        self._marks = Marks(state)
        used = UsedFiles()
        self._protection = Protection(
            Engine(node, self._boot_id),
            self._spool,
            lambda: sensor(config),
            self._changed_elsewhere,
            self._found,
            describe=self._tampered,
            mark=self._marks.mark,
            ran=used.ran,
        )
        self._confirmed: AppliedPolicies | None = None
        self._keeping = False
        """New policies are being put in force; until they are kept, the last ones are told."""
        self._docker = docker = Docker(config.docker_host)
        self._runtime = RuntimeWatch(docker, self._seen, self._happened)
        self._engines = Engines(() if config.docker_only else engines.every(), state.engines, self._stock_changed)
        self._trial = Trial(state, node)
        self._taking = asyncio.Lock()
        self._taken_back: asyncio.Task[None] | None = None
        self._responses = Responses(state, docker, lambda: self._runtime.seen, self._responded)
        place = Place(state, node, self._boot_id, config.deny_deadline_ms)
        self._enforcement = Enforcement(place, docker, self._spool, self._changed)
        hooks = Hooks(self._heartbeat, self._received, self._connected, self._line_changed)
        self._uplink = Uplink(state, self._spool, hooks)
        self._spool.woken = self._uplink.wake
        self._images = Images(state, config.docker_host, self._uplink.send, self._engines.places)
        self._uses = Uses(used, lambda: self._uplink.understood(capabilities.USED), self._uplink.send)
        parts = Parts(
            state=state,
            uplink=self._uplink,
            runtime=self._runtime,
            engines=self._engines,
            images=self._images,
            protection=self._protection,
            responses=self._responses,
            restart=self._restart.set,
        )
        self._commands = Runner(node, self._spool, parts)
        self._ready = config.ready_fd

    async def run(self, stop: asyncio.Event) -> None:
        """Protection first: it needs nobody."""
        self._tell_of_the_last()
        self._write_status()
        wanted = policies.load(self._state)
        self._protection.start(wanted)
        if wanted is not None:
            self._enforcement.take(wanted)
            self._trial.take(wanted)
        self._commands.recover()
        report.report(self._state, self._commands.finish_update)
        dismissed = False
        try:
            await first_of(
                self._enforcement.run(),
                self._uplink.run(),
                self._runtime.run(),
                self._engines.run(),
                self._images.run(),
                self._uses.run(),
                self._responses.run(),
                keep_renewed(self._state, self._uplink),
                stop.wait(),
                self._restart.wait(),
            )
        except Denied:
            dismissed = True
            raise
        finally:
            await self._commands.stop()
            self._responses.close()
            await self._enforcement.stop(unpin=dismissed or stop.is_set())
            # Whoever stops the agent wants the kernel left alone; a crash or an update leaves it collecting.
            await asyncio.to_thread(self._protection.stop, unpin=dismissed or stop.is_set())
            if not dismissed:
                self._write_status(Line("stopped", self._uplink.line.server))
            self._spool.close()

    def _tell_of_the_last(self) -> None:
        """Whoever wants to do something unseen ends the agent first: that it ended is told."""
        last = status.read(self._state)
        if last is None or last.node != self._node or last.line.state == "stopped":
            return
        # A machine that went down takes the agent with it.
        if last.at.timestamp() > time.time() - time.clock_gettime(time.CLOCK_BOOTTIME):
            put_observation(self._spool, incidents.ended(last.pid, last.at, self._node, self._boot_id))

    def _tampered(self, what: Tamper) -> Observation:
        return incidents.tampered(what.name, what.since, self._node, self._boot_id, repaired=what.repaired)

    # What the uplink asks --------------------------------------------------------------------------------------------

    def _heartbeat(self) -> Heartbeat:
        return Heartbeat(
            agent_version=__version__,
            sensor=self._protection.health(),
            runtime_reachable=self._runtime.seen.version is not None or self._runs_without_docker(),
            applied=self._confirmed if self._keeping else self._protection.applied,
            spool_records=self._spool.waiting,
            spool_dropped=self._spool.lately_dropped(),
            reasons=(
                *self._spool.reasons,
                *self._protection.reasons(),
                *self._doing_reasons(),
                *self._engines.reasons,
            ),
        )

    def _doing_reasons(self) -> list[Reason]:
        return [*self._responses.reasons(), *self._enforcement.reasons(), *self._trial.reasons()]

    async def _received(self, message: say.ServerMessage) -> None:
        match message:
            case say.PolicySet():
                await self._take_policies(Wanted(message.protection, message.policies))
            case say.CommandOrder(command=command):
                self._commands.order(command)
            case say.InventoryRequest(image_ids=image_ids):
                self._images.request(image_ids)
            case say.RequestRefused(request="inventory", subject=image, code=code, message=why):
                _log.warning("the platform refused an inventory", image=image, code=code, why=why)
                self._images.refused(image)
            case _:
                _log.info("answer to no question", kind=type(message).__name__)

    async def _take_policies(self, given: Wanted) -> None:
        async with self._taking:
            await self._put_in_force(self._trial.carried(given))

    async def _put_in_force(self, wanted: Wanted) -> None:
        # Confirmed once they are on the disk: a restart must not take back what the server believes to be in force.
        self._confirmed, self._keeping = self._protection.applied, True
        try:
            await self._protection.take(wanted)
            await self._keep(wanted)
        finally:
            self._keeping = False
        self._changed()

    async def _keep(self, wanted: Wanted) -> None:
        applied = self._protection.applied
        if applied is not None and applied.hash == wanted.policies.hash:
            self._enforcement.take(wanted)
            self._trial.take(wanted)
            try:
                await asyncio.to_thread(policies.save, self._state, wanted)
            except OSError as bad:
                _log.warning("policies not kept on the disk", why=str(bad))

    def _happened(self, change: Change) -> None:
        found = self._trial.happened(change)
        if found is not None:
            tried, incident = found
            put_observation(self._spool, incident)
            self._taken_back = asyncio.create_task(self._take_back(tried), name=f"take back {tried.id}")

    async def _take_back(self, tried: Tried) -> None:
        """Here at once; for the other nodes the server decides, when it hears of the incident."""
        async with self._taking:
            wanted = self._trial.without(tried)
            if wanted is not None:
                await self._put_in_force(wanted)

    async def _connected(self) -> None:
        self._show(self._runtime.seen)
        report.healthy(self._state)
        await report.settled(self._state, self._commands.finish_update)
        self._say_ready()

    def _line_changed(self, line: Line) -> None:
        self._write_status(line)

    # What changes ----------------------------------------------------------------------------------------------------

    def _seen(self, seen: Seen) -> None:
        if seen.version is not None:
            self._engines.saw_docker(seen.version, seen.images)
        self._responses.look()
        self._enforcement.look(seen)
        self._uses.seen(seen.containers)
        self._show(seen)
        self._uplink.beat_now()
        self._write_status()

    def _show(self, seen: Seen) -> None:
        self._uplink.show("facts", say.Facts(facts.read(self._versions(seen))))
        unseen = seen.reason is not None and not seen.containers and not seen.images
        if not self._engines.settled or (unseen and (self._docker.here() or not self._engines.versions)):
            return  # nothing was ever seen: silence, not an empty list
        if not unseen or not self._engines.knows_docker:  # else the platform knows Docker's containers, and nobody here
            containers = self._responses.marked(seen.containers)
            every = (*containers, *self._engines.containers)[: limits.CONTAINERS]
            self._uplink.show("containers", say.Containers(every))
        known = self._engines.known(None if unseen else seen.images)
        images = tuple(say.LocalImage(each.image.id, each.image.names) for each in known.values())
        self._uplink.show("images", say.ImageList(images, READER))

    def _versions(self, seen: Seen) -> str | None:
        """Of every engine that answers."""
        said = [*([seen.version] if seen.version else []), *self._engines.versions]
        return ", ".join(said) or None

    def _runs_without_docker(self) -> bool:
        """Other engines are here, and Docker was never, nor did anybody say where it would be."""
        if self._config.docker_host != DEFAULT_HOST or self._docker.here() or self._engines.knows_docker:
            return False
        return bool(self._engines.versions)

    def _stock_changed(self) -> None:
        self._show(self._runtime.seen)
        self._changed()

    def _responded(self) -> None:
        self._show(self._runtime.seen)
        self._uplink.beat_now()

    def _found(self, observation: Observation) -> None:
        """From the sensor's thread, which does not wait for what follows."""
        self._marks.note(observation)
        with contextlib.suppress(RuntimeError):  # the loop has ended: so has the agent
            self._loop.call_soon_threadsafe(self._commands.answer, observation)

    def _changed_elsewhere(self) -> None:
        """From the sensor's thread."""
        self._loop.call_soon_threadsafe(self._changed)

    def _changed(self) -> None:
        self._uplink.beat_now()
        self._write_status()

    def _write_status(self, line: Line | None = None) -> None:
        status.write(
            self._state,
            status.Status(
                pid=os.getpid(),
                node=self._node,
                line=line or self._uplink.line,
                heartbeat=self._heartbeat(),
                protection=self._protection.on,
                runtime=self._versions(self._runtime.seen) or "",
                spool_bytes=self._spool.used,
                at=identity.now(),
            ),
        )

    def _say_ready(self) -> None:
        descriptor, self._ready = self._ready, None
        if descriptor is not None:
            with contextlib.suppress(OSError):  # whoever started us may not listen any more
                os.write(descriptor, b"this machine is connected\n")
                os.close(descriptor)
