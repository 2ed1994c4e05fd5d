"""The real control plane with the built console, served over real sockets from a thread of its own."""

import asyncio
import hashlib
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Self, TypeVar

import msgspec
from tests.support import console_fleet as fleet
from tests.support.control import PIN, SCOPE, make_services, served
from tests.support.database import Clock
from tests.support.records import matched

import hullguard.ctrl.server
from hullguard import audit, detect
from hullguard.access import enrolment
from hullguard.access.iam import tokens, users
from hullguard.access.iam.actors import system
from hullguard.access.iam.first_administrator import ensure_first_admin
from hullguard.ctrl.services import Services
from hullguard.model.command import Command, CommandKind, CommandState
from hullguard.model.identity import Actor, Role
from hullguard.model.incident import IncidentStatus, Observation, PolicyRef
from hullguard.model.policy import Action, AppliedPolicies, Binding, DetectorSettings, PolicySpec
from hullguard.model.report import AdvisoryState
from hullguard.storage import PageRequest, Transaction
from hullguard.storage.stores import (
    ADVISORIES,
    About,
    Blobs,
    Commands,
    Containers,
    Images,
    ImageUses,
    IncidentFilter,
    Incidents,
    Nodes,
    Policies,
    Quotas,
    Settings,
    Users,
    Watched,
)

STATIC = Path(hullguard.ctrl.server.__file__).parent / "static"
BUILT = (STATIC / "index.html").is_file()
PASSWORD = "correct horse battery staple"
READY_SECONDS = 30

R = TypeVar("R")


class Console:
    """A running server that a browser can open, and a hand in its database."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._ready: Future[str] = Future()
        self._thread = threading.Thread(target=self._run, name="console-server", daemon=True)
        self.clock = Clock(datetime.now(UTC))
        self.first_password = ""
        self.services: Services | None = None
        self.url = ""

    def __enter__(self) -> Self:
        self._thread.start()
        self.url = self._ready.result(READY_SECONDS)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(READY_SECONDS)

    def do(self, work: Callable[[Transaction], Awaitable[R]]) -> R:
        """Runs one transaction in the server's own loop."""

        async def inside() -> R:
            assert self.services is not None
            async with self.services.storage.transaction(SCOPE) as tx:
                return await work(tx)

        return asyncio.run_coroutine_threadsafe(inside(), self._loop).result(READY_SECONDS)

    def announce(self, kind: str, thing: str) -> None:
        """What hostmgr publishes after it has stored something."""
        assert self.services is not None
        message = msgspec.msgpack.encode({"kind": kind, "id": thing})
        sending = self.services.cache.publish(f"stream:{SCOPE.tenant}", message)
        asyncio.run_coroutine_threadsafe(sending, self._loop).result(READY_SECONDS)

    def incident(self, node: str, observed: Observation) -> str:
        """An incident arrives as it does from an agent: stored, then announced."""
        (made,) = self.do(lambda tx: Incidents(tx).insert(node, [observed], tx.now))
        self.announce("incident", made)
        return made

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._serve())
        except BaseException as failure:
            if self._ready.done():
                raise
            self._ready.set_exception(failure)
        finally:
            self._loop.close()

    async def _serve(self) -> None:
        services = await make_services(self._folder, self.clock, static=STATIC)
        await services.storage.migrate()
        self.services = services
        self.first_password = await ensure_first_admin(services.storage, services.passwords) or ""
        async with served(services) as url:
            self._ready.set_result(url)
            await self._stop.wait()
        await services.storage.close()


def administrator(source: str = "192.0.2.7") -> Actor:
    return Actor("user:alice", SCOPE, Role.ADMIN, source=source)


async def seed(tx: Transaction, services: Services) -> None:
    """The fleet of ``console_fleet``, written through the stores as agents, workers and people would."""
    await Quotas(tx).set_total(8)
    await _people(tx, services)
    await _nodes(tx)
    await _images(tx)
    await _policies(tx)
    await _states(tx)
    await _incidents(tx)
    await _commands(tx)


async def _people(tx: Transaction, services: Services) -> None:
    alice = administrator()
    hashed = await services.passwords.hash(PASSWORD)
    for name, role in (("alice", Role.ADMIN), ("omar", Role.OPERATOR), ("aude", Role.AUDITOR), ("vera", Role.VIEWER)):
        user = await Users(tx).create(name, role, hashed, must_change_password=False)
        await audit.record(tx, system(), "user.create", f"user:{name}", details={"role": role.value})
        if name == "alice":
            await tokens.create(tx, alice, user, name="nightly report", days=90, role=Role.VIEWER)
    once = await users.one_time(services.passwords)
    await users.create(tx, alice, "newcomer", Role.VIEWER, once)
    for name, uses in (("berlin rack 4", 20), ("laptop", 1)):
        await enrolment.create(
            tx, alice, name=name, cluster="default", expires=tx.now + timedelta(hours=24), max_uses=uses, pin=PIN
        )


async def _nodes(tx: Transaction) -> None:
    for number, name in enumerate(fleet.NODES):
        cluster = "edge" if name.startswith("edge") else "default"
        await Nodes(tx).enrol(name, cluster, fleet.facts(name), f"fingerprint-{number}", tx.now + timedelta(days=20))
        await Images(tx).present(name, [(image.image.id, [image.image.name]) for image in fleet.containers(name)])
        await Containers(tx).replace(name, fleet.containers(name))
        if name != "build-runner-03":
            await Nodes(tx).protect(name, on=True)
            await audit.record(tx, administrator(), "node.protect", f"node:{name}", reason="roll-out, second week")


async def _images(tx: Transaction) -> None:
    built = tx.now - timedelta(hours=19)
    await Settings(tx).set(ADVISORIES, AdvisoryState(built, ("Alpine:v3.18", "Debian:12", "PyPI")))
    for name in list(fleet.IMAGES)[:-1]:
        await Images(tx).store_inventory(fleet.image_id(name), fleet.inventory(name))
        await matched(tx, fleet.image_id(name), fleet.report(name, built))
    await _uses(tx)


async def _uses(tx: Transaction) -> None:
    """The nodes that have the first image have watched it for two days."""
    image = fleet.image_id(next(iter(fleet.IMAGES)))
    for name in fleet.NODES:
        watched = Watched(image, tx.now - timedelta(days=2), 2, whole=True, files=fleet.USED)
        await ImageUses(tx).told(name, watched)
    await ImageUses(tx).weigh([image], [image])


async def _policies(tx: Transaction) -> None:
    made = await Policies(tx).create(detect.default_policy(), "system", "The tenant's first policy.", built_in=True)
    await audit.record(tx, system(), "policy.create", f"policy:{made.id}", details={"version": "1"})
    strict = PolicySpec(
        name="shop (strict)",
        description="Nothing runs that the image does not have.",
        detectors={
            "container.drop-and-execute": DetectorSettings(action=Action.KILL),
            "container.terminal-shell": DetectorSettings(),
            "file.read-sensitive": DetectorSettings(parameters={"paths": ["/etc/shadow", "/root/.ssh/*"]}),
        },
        binding=Binding(images=["registry.example/shop/*"]),
    )
    first = msgspec.structs.replace(
        strict, detectors={**strict.detectors, "container.drop-and-execute": DetectorSettings()}
    )
    policy = await Policies(tx).create(first, "user:alice", "The shop first: alert for a week.")
    await Policies(tx).update(
        policy.id, strict, "user:omar", "No false alarm in a week: stop it now.", expected_version=1
    )
    for action, version in (("policy.create", "1"), ("policy.update", "2")):
        await audit.record(tx, administrator(), action, f"policy:{policy.id}", details={"version": version})


async def _states(tx: Transaction) -> None:
    """Sound, except for one whose sensor loses events, one that drifts, one not protected and one silent."""
    for name in fleet.NODES:
        node = await Nodes(tx).get(name)
        applied = AppliedPolicies(1, "0" * 64) if name == "prod-db-01" else node.wanted
        at = tx.now - timedelta(minutes=26) if name == "edge-berlin-02" else tx.now
        await Nodes(tx).heartbeat(name, fleet.heartbeat(applied, degraded=name == "edge-berlin-01"), at)


async def _incidents(tx: Transaction) -> None:
    default = (await Policies(tx).page(PageRequest(1, q="default"))).items[0]
    for node, observed in fleet.week(tx.now):
        under = msgspec.structs.replace(observed, policy=PolicyRef(default.id, 1))
        await Incidents(tx).insert(node, [under], under.at + timedelta(seconds=1))
    found = await Incidents(tx).page(IncidentFilter(), PageRequest(100))
    for incident in found.items[8:]:
        status = IncidentStatus.IGNORED if incident.rule == "container.terminal-shell" else IncidentStatus.RESOLVED
        await Incidents(tx).handle(incident.id, status, "Planned maintenance, ticket OPS-1187.", "user:omar")
        await audit.record(
            tx, administrator(), "incident.handle", f"incident:{incident.id}", details={"status": status}
        )


async def _commands(tx: Transaction) -> None:
    deadline = tx.now + timedelta(hours=1)
    node = "prod-web-01"
    done = await Commands(tx).create(node, CommandKind.SCAN_NOW, {}, "user:alice", deadline)
    await Commands(tx).finish(done.id, CommandState.DONE, {"code": "scan.done", "images": 5, "layers": 31})
    failed = await Commands(tx).create(node, CommandKind.UPDATE_AGENT, {}, "user:omar", deadline)
    why = "The new agent did not report in 60 seconds; the old one is back."
    await Commands(tx).finish(failed.id, CommandState.FAILED, {"code": "update.rolled-back", "message": why})
    running = await Commands(tx).create(node, CommandKind.DETECT_NOW, {}, "user:alice", deadline)
    await Commands(tx).sent(running.id)
    await Commands(tx).acknowledged(running.id)
    await Commands(tx).progress(running.id, 40, "Looking at 4 containers")
    await _responses(tx)
    bundle = b"a signed bundle of the agent" * 4000
    await Blobs(tx).store(hashlib.sha256(bundle).hexdigest(), "agent-bundle", "0.2.0", [bundle])


async def _responses(tx: Transaction) -> None:
    """The last incident's container was isolated by a person, and another paused by a policy."""
    node = "prod-web-01"
    isolated, paused, *others = fleet.containers(node)
    (found,) = (await Incidents(tx).page(IncidentFilter(container=isolated.id), PageRequest(1))).items
    deadline = tx.now + timedelta(hours=1)
    about = About(isolated.id, found.id, "A stranger's program tried to start; nobody knows yet where it came from.")
    parameters = {"container": isolated.id}
    kind = CommandKind.ISOLATE_CONTAINER
    made = await Commands(tx).create(node, kind, parameters, "user:omar", deadline, about=about)
    result: dict[str, str | int] = {"container": isolated.name, "devices": 1}
    await Commands(tx).finish(made.id, CommandState.DONE, result)
    await audit.record(tx, administrator(), "command.create", f"command:{made.id}", reason=about.reason)
    own = Command(
        id="0123456789abcdef0123456789abcdef",
        node=node,
        kind=CommandKind.PAUSE_CONTAINER,
        parameters={"container": paused.id},
        state=CommandState.DONE,
        created=tx.now,
        created_by="policy:shop",
        deadline=deadline,
        progress=100,
        result={"container": paused.name},
        finished=tx.now,
        container=paused.id,
        reason="container.terminal-shell",
    )
    await Commands(tx).keep(own)
    replace = msgspec.structs.replace
    held = replace(isolated, held=(Action.ISOLATE,)), replace(paused, state="paused", held=(Action.PAUSE,))
    await Containers(tx).replace(node, [*held, *others])
