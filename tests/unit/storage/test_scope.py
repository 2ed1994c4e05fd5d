"""No store shows, or changes, another tenant's rows."""

import hashlib
import inspect
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from tests.support.database import SCOPE, START, Clock
from tests.support.events import event
from tests.support.records import (
    IMAGE,
    claim,
    container,
    enrolled,
    facts,
    heartbeat,
    inventory,
    observation,
    report,
    response,
    suppressed,
    tally,
)
from tests.support.registries import awaited, registry_listing, registry_spec, registry_work

from hullguard import audit
from hullguard.advisories.errands.messages import DEFAULTS
from hullguard.model.advisory_update import AdvisoryDatabase, AdvisoryRun, RunKind, RunState
from hullguard.model.command import CommandKind, CommandState
from hullguard.model.errors import HullguardError, NotFound
from hullguard.model.exception import ExceptionSpec, VexFormat, VexHead
from hullguard.model.identity import Role, Scope
from hullguard.model.incident import IncidentStatus
from hullguard.model.policy import Binding, PolicySpec
from hullguard.model.profile import Behaviour, LearningTerms, ProfileState
from hullguard.model.registry import ImageState, RegistryState, Trouble
from hullguard.model.report import AdvisoryState
from hullguard.storage import PageRequest, Storage, Transaction, stores
from hullguard.storage.retention import sweep
from hullguard.storage.tables import metadata

SECRET = {name: hashlib.sha256(name.encode()).hexdigest() for name in ("session", "token", "enrolment")}
BLOB = hashlib.sha256(b"bundle").hexdigest()
STRANGER = Scope("stranger")
REQUEST = PageRequest()

BY_SECRET = (
    "sessions.secret_hash = ?",
    "tokens.secret_hash = ?",
    "enrolment_tokens.secret_hash = ?",
    "certificates.fingerprint = ?",
)
"""The four statements that look across tenants, because a secret or a certificate proves the tenant."""


SUBJECT = 7
WATCHED = stores.Watched(IMAGE, START, 1, whole=True, files=("/bin/bash",))


HEAD = VexHead(document="urn:doc", format=VexFormat.OPENVEX)
STATEMENTS = stores.Statements(HEAD, b"{}", ("CVE-1",), 1, 0, by_name=True)
SPEC = ExceptionSpec(["CVE-1", "CVE-2023-0464"], "why")


async def fill(tx: Transaction) -> dict[str, str]:
    """At least one row in every table; the ids by what they name."""
    await enrolled(tx)
    later = tx.now + timedelta(days=1)
    await stores.Nodes(tx).heartbeat("node-1", heartbeat(), tx.now)
    await stores.Containers(tx).replace("node-1", [container()])
    await stores.Images(tx).present("node-1", [(IMAGE, ["nginx:1"])])
    await stores.Images(tx).listed(stores.Lister.REGISTRY, "r1", {IMAGE: ["example.com/nginx:1"]})
    await stores.Images(tx).store_inventory(IMAGE, inventory())
    exception = await stores.Exceptions(tx).create(ExceptionSpec(["CVE-1"], "why", expires=tx.now.date()), "user:a")
    document = await stores.VexDocuments(tx).upload(STATEMENTS, "user:a")
    await stores.Matching(tx).store([stores.Judged(IMAGE, suppressed(report(), exception.id), frozenset({SUBJECT}))])
    await stores.ImageUses(tx).told("node-1", WATCHED)
    await stores.ImageUses(tx).weigh([IMAGE], [])
    (incident,) = await stores.Incidents(tx).insert("node-1", [observation()], tx.now, {observation().id: event()})
    policy = await stores.Policies(tx).create(PolicySpec("p", binding=Binding(["*"])), "user:a")
    # Over by its terms: a stranger's look must not end it.
    profile = await stores.Profiles(tx).create("nginx", LearningTerms(None, 1, 1), "user:a")
    await stores.Profiles(tx).learn(profile.id, 1, stores.Told(1, 0, (tally(),)))
    command = await stores.Commands(tx).create("node-1", CommandKind.SCAN_NOW, {}, "user:a", later)
    await stores.Idempotency(tx).remember("user:a", "k", "d", command.id)
    await stores.Progress(tx).accept("node-1", "boot", 3)
    user = await stores.Users(tx).create("alice", Role.ADMIN, "hash")
    await stores.Sessions(tx).create(SECRET["session"], user.id, later)
    token = await stores.Tokens(tx).create("ci", user.id, Role.VIEWER, SECRET["token"], later)
    enrolment = await stores.EnrolmentTokens(tx).create("e", "default", SECRET["enrolment"], later, 5)
    registry = await stores.Registries(tx).create(registry_spec(), "user:a", password=b"sealed")
    work = await stores.Registries(tx).work(registry.id)
    await stores.RegistryImages(tx, registry.id).replace(work, registry_listing(), 0)
    submitted = await stores.Submissions(tx).keep(claim())
    await stores.Blobs(tx).store(BLOB, "agent-bundle", "1", [b"bundle"])
    await stores.Jobs(tx).enqueue("match", "image-1")
    await stores.Jobs(tx).schedule("feeds", 60)
    await stores.Settings(tx).set(stores.ADVISORIES, AdvisoryState(None))
    await stores.AdvisoryRuns(tx).choose(DEFAULTS, expected_version=1)
    await stores.AdvisoryRuns(tx).know(AdvisoryDatabase(tx.now, None, 1, 1, ()))
    await stores.AdvisoryRuns(tx).due(later)
    run = await stores.AdvisoryRuns(tx).update("user:a")
    await audit.record(tx, "user:a", "policy.create", f"policy:{policy.id}")
    return {
        "incident": incident,
        "policy": policy.id,
        "profile": profile.id,
        "exception": exception.id,
        "document": document.id,
        "command": command.id,
        "user": user.id,
        "token": token.id,
        "enrolment": enrolment.id,
        "registry": registry.id,
        "submission": submitted.id,
        "run": run.id,
    }


Call = Callable[[Transaction, dict[str, str]], Awaitable[Any]]
NOT_FOUND, NOTHING = "not found", "nothing"


def _p(store: str, *, filtered: str | None = None) -> Call:
    async def call(tx: Transaction, _: dict[str, str]) -> Any:
        arguments = [REQUEST] if filtered is None else [getattr(stores, filtered)(), REQUEST]
        page = await getattr(stores, store)(tx).page(*arguments)
        return [page.total, *page.items]

    return call


async def _preview(tx: Transaction) -> Any:
    found = await stores.Exceptions(tx).preview(SPEC)
    return [found.findings, found.images, *found.examples]


async def _take(tx: Transaction, kind: str) -> Any:
    return await stores.Jobs(tx).take([kind], 60)


async def _watched(tx: Transaction) -> Any:
    found = await stores.ImageUses(tx).of(IMAGE)
    return [found.since, *found.visible]


async def _read(tx: Transaction) -> Any:
    return [piece async for piece in stores.Blobs(tx).read(BLOB)]


async def _latest(tx: Transaction) -> Any:
    found, more = await stores.Recordings(tx).latest(tx.now - timedelta(days=9999), tx.now + timedelta(days=1), 10)
    return [*found, more]


async def _walk(tx: Transaction) -> Any:
    return [record async for record in stores.Audit(tx).walk()]


async def _simulated_profile(tx: Transaction, profile: str) -> Any:
    return await s.Simulations(tx).of_profile(await s.Profiles(tx).get(profile), "profile.departure")


async def _figures(tx: Transaction) -> Any:
    found = await stores.overview(tx)
    return [
        *found.nodes.values(),
        found.quota_used,
        *found.incidents_open.values(),
        found.images,
        found.containers,
        *found.vulnerabilities.values(),
        *found.advisories_sources,
    ]


async def _plan(tx: Transaction) -> Any:
    plan = await stores.AdvisoryRuns(tx).plan()
    return [plan.due, *plan.waiting, *plan.done, *plan.reports]


n, s = "node-1", stores
STRANGERS_CALLS: dict[str, tuple[Call, str]] = {
    "AdvisoryRuns.begin": (lambda tx, i: s.AdvisoryRuns(tx).begin(i["run"]), NOT_FOUND),
    "AdvisoryRuns.chosen": (lambda tx, _: s.AdvisoryRuns(tx).chosen(), NOTHING),
    "AdvisoryRuns.database": (lambda tx, _: s.AdvisoryRuns(tx).database(), NOTHING),
    "AdvisoryRuns.finish": (
        lambda tx, i: s.AdvisoryRuns(tx).finish(
            AdvisoryRun(i["run"], RunKind.UPDATE, RunState.DONE, "user:x", tx.now),
        ),
        NOT_FOUND,
    ),
    "AdvisoryRuns.lost": (lambda tx, _: s.AdvisoryRuns(tx).lost(), NOTHING),
    "AdvisoryRuns.plan": (lambda tx, _: _plan(tx), NOTHING),
    "Audit.head": (lambda tx, _: s.Audit(tx).head(), NOTHING),
    "Audit.page": (_p("Audit", filtered="AuditFilter"), NOTHING),
    "Audit.walk": (lambda tx, _: _walk(tx), NOTHING),
    "Blobs.all": (lambda tx, _: s.Blobs(tx).all("agent-bundle"), NOTHING),
    "Blobs.delete": (lambda tx, _: s.Blobs(tx).delete(BLOB), NOTHING),
    "Blobs.get": (lambda tx, _: s.Blobs(tx).get(BLOB), NOT_FOUND),
    "Blobs.piece": (lambda tx, _: s.Blobs(tx).piece(BLOB, 0), NOTHING),
    "Blobs.read": (lambda tx, _: _read(tx), NOT_FOUND),
    "Certificates.revoke": (lambda tx, _: s.Certificates(tx).revoke(n), NOTHING),
    "Commands.acknowledged": (lambda tx, i: s.Commands(tx).acknowledged(i["command"]), NOT_FOUND),
    "Commands.cancel": (lambda tx, i: s.Commands(tx).cancel(i["command"]), NOT_FOUND),
    "Commands.cancel_for_node": (lambda tx, _: s.Commands(tx).cancel_for_node(n), NOTHING),
    "Commands.create": (lambda tx, _: s.Commands(tx).create(n, CommandKind.SCAN_NOW, {}, "user:x", tx.now), NOT_FOUND),
    "Commands.expire": (lambda tx, _: s.Commands(tx).expire(tx.now + timedelta(days=9)), NOTHING),
    "Commands.finish": (lambda tx, i: s.Commands(tx).finish(i["command"], CommandState.DONE, {}), NOT_FOUND),
    "Commands.for_node": (lambda tx, _: s.Commands(tx).for_node(n), NOTHING),
    "Commands.get": (lambda tx, i: s.Commands(tx).get(i["command"]), NOT_FOUND),
    "Commands.keep": (lambda tx, _: s.Commands(tx).keep(response()), NOT_FOUND),
    "Commands.page": (_p("Commands", filtered="CommandFilter"), NOTHING),
    "Commands.progress": (lambda tx, i: s.Commands(tx).progress(i["command"], 1, ""), NOT_FOUND),
    "Commands.reads_again": (lambda tx, _: s.Commands(tx).reads_again(n), NOTHING),
    "Commands.sent": (lambda tx, i: s.Commands(tx).sent(i["command"]), NOT_FOUND),
    "Containers.get": (lambda tx, _: s.Containers(tx).get(container().id), NOT_FOUND),
    "Containers.page": (_p("Containers", filtered="ContainerFilter"), NOTHING),
    "Containers.replace": (lambda tx, _: s.Containers(tx).replace(n, []), NOT_FOUND),
    "EnrolmentTokens.get": (lambda tx, i: s.EnrolmentTokens(tx).get(i["enrolment"]), NOT_FOUND),
    "EnrolmentTokens.page": (_p("EnrolmentTokens"), NOTHING),
    "EnrolmentTokens.revoke": (lambda tx, i: s.EnrolmentTokens(tx).revoke(i["enrolment"]), NOT_FOUND),
    "Exceptions.delete": (lambda tx, i: s.Exceptions(tx).delete(i["exception"], 1), NOT_FOUND),
    "Exceptions.due": (lambda tx, _: s.Exceptions(tx).due(), NOTHING),
    "Exceptions.get": (lambda tx, i: s.Exceptions(tx).get(i["exception"]), NOT_FOUND),
    "Exceptions.in_force": (lambda tx, _: s.Exceptions(tx).in_force(), NOTHING),
    "Exceptions.lapse": (lambda tx, _: s.Exceptions(tx).lapse(), NOTHING),
    "Exceptions.page": (_p("Exceptions", filtered="ExceptionFilter"), NOTHING),
    "Exceptions.preview": (lambda tx, _: _preview(tx), NOTHING),
    "Exceptions.revision": (lambda tx, _: s.Exceptions(tx).revision(), NOTHING),
    "Exceptions.update": (
        lambda tx, i: s.Exceptions(tx).update(i["exception"], SPEC, "user:x", expected_version=1),
        NOT_FOUND,
    ),
    "Idempotency.find": (lambda tx, _: s.Idempotency(tx).find("user:a", "k", "d"), NOTHING),
    "ImageUses.forget": (lambda tx, _: s.ImageUses(tx).forget(), NOTHING),
    "ImageUses.of": (lambda tx, _: _watched(tx), NOTHING),
    "ImageUses.told": (lambda tx, _: s.ImageUses(tx).told(n, WATCHED), NOT_FOUND),
    "ImageUses.weigh": (lambda tx, _: s.ImageUses(tx).weigh([IMAGE], [IMAGE]), NOTHING),
    "Images.bill": (lambda tx, _: s.Images(tx).bill(IMAGE), NOT_FOUND),
    "Images.content": (lambda tx, _: s.Images(tx).content(IMAGE), NOT_FOUND),
    "Images.detail": (lambda tx, _: s.Images(tx).detail(IMAGE), NOT_FOUND),
    "Images.forget": (lambda tx, _: s.Images(tx).forget(s.Lister.REGISTRY, "r1"), NOTHING),
    "Images.listed": (lambda tx, _: s.Images(tx).listed(s.Lister.REGISTRY, "r1", {}), NOTHING),
    "Images.inventory": (lambda tx, _: s.Images(tx).inventory(IMAGE), NOT_FOUND),
    "Images.outdated": (lambda tx, _: s.Images(tx).outdated([IMAGE], 9), NOTHING),
    "Images.packages": (lambda tx, _: s.Images(tx).packages(IMAGE, s.PackageFilter(), REQUEST), NOT_FOUND),
    "Images.page": (_p("Images", filtered="ImageFilter"), NOTHING),
    "Images.present": (lambda tx, _: s.Images(tx).present(n, []), NOT_FOUND),
    "Images.report": (lambda tx, _: s.Images(tx).report(IMAGE), NOT_FOUND),
    "Images.vulnerabilities": (
        lambda tx, _: s.Images(tx).vulnerabilities(IMAGE, s.VulnerabilityFilter(), REQUEST),
        NOT_FOUND,
    ),
    "Incidents.get": (lambda tx, i: s.Incidents(tx).get(i["incident"]), NOT_FOUND),
    "Incidents.handle": (
        lambda tx, i: s.Incidents(tx).handle(i["incident"], IncidentStatus.RESOLVED, "", "user:x"),
        NOT_FOUND,
    ),
    "Incidents.insert": (lambda tx, _: s.Incidents(tx).insert(n, [observation(2)], tx.now), NOT_FOUND),
    "Incidents.page": (_p("Incidents", filtered="IncidentFilter"), NOTHING),
    "Recordings.forget": (lambda tx, _: s.Recordings(tx).forget(), NOTHING),
    "Recordings.latest": (lambda tx, _: _latest(tx), NOTHING),
    "Incidents.weigh": (lambda tx, _: s.Incidents(tx).weigh([IMAGE]), NOTHING),
    "Jobs.enqueue_due": (lambda tx, _: s.Jobs(tx).enqueue_due(), NOTHING),
    "Jobs.hasten": (lambda tx, _: s.Jobs(tx).hasten("match", "image-1"), NOTHING),
    "Jobs.live": (lambda tx, _: s.Jobs(tx).live("match"), NOTHING),
    "Jobs.next_due": (lambda tx, _: s.Jobs(tx).next_due(), NOTHING),
    "Jobs.next_ready": (lambda tx, _: s.Jobs(tx).next_ready(), NOTHING),
    "Jobs.take": (lambda tx, _: _take(tx, "match"), NOTHING),
    "KnownImages.of": (lambda tx, _: s.KnownImages(tx).of(IMAGE), NOTHING),
    "Matching.again": (lambda tx, _: s.Matching(tx).again(IMAGE), NOTHING),
    "Matching.advanced": (lambda tx, _: s.Matching(tx).advanced(tx.now), NOTHING),
    "Matching.claim": (lambda tx, _: s.Matching(tx).claim(10, 60), NOTHING),
    "Matching.concern": (lambda tx, _: s.Matching(tx).concern([SUBJECT]), NOTHING),
    "Matching.inventories": (lambda tx, _: s.Matching(tx).inventories([IMAGE]), NOTHING),
    "Matching.refresh": (lambda tx, _: s.Matching(tx).refresh(), NOTHING),
    "Matching.release": (lambda tx, _: s.Matching(tx).release([IMAGE]), NOTHING),
    "Matching.store": (lambda tx, _: s.Matching(tx).store([s.Judged(IMAGE, report(()))]), NOTHING),
    "Nodes.facts": (lambda tx, _: s.Nodes(tx).facts(n, facts("stolen")), NOT_FOUND),
    "Nodes.get": (lambda tx, _: s.Nodes(tx).get(n), NOT_FOUND),
    "Nodes.protected": (lambda tx, _: s.Nodes(tx).protected(n), NOT_FOUND),
    "Nodes.heartbeat": (lambda tx, _: s.Nodes(tx).heartbeat(n, heartbeat(), tx.now), NOT_FOUND),
    "Nodes.page": (_p("Nodes", filtered="NodeFilter"), NOTHING),
    "Nodes.protect": (lambda tx, _: s.Nodes(tx).protect(n, on=False), NOT_FOUND),
    "Nodes.remove": (lambda tx, _: s.Nodes(tx).remove(n), NOT_FOUND),
    "Nodes.renewed": (lambda tx, _: s.Nodes(tx).renewed(n, "f", tx.now), NOT_FOUND),
    "Nodes.seen": (lambda tx, _: s.Nodes(tx).seen(n, tx.now + timedelta(hours=1)), NOTHING),
    "Nodes.seen_many": (lambda tx, _: s.Nodes(tx).seen_many([n], tx.now + timedelta(hours=1)), NOTHING),
    "Nodes.turned_offline": (lambda tx, _: s.Nodes(tx).turned_offline(tx.now - timedelta(days=9)), NOTHING),
    "Policies.enabled": (lambda tx, _: s.Policies(tx).enabled(), NOTHING),
    "Policies.delete": (lambda tx, i: s.Policies(tx).delete(i["policy"]), NOT_FOUND),
    "Policies.for_node": (lambda tx, _: s.Policies(tx).for_node(n), NOT_FOUND),
    "Policies.get": (lambda tx, i: s.Policies(tx).get(i["policy"]), NOT_FOUND),
    "Policies.page": (_p("Policies"), NOTHING),
    "Policies.update": (
        lambda tx, i: s.Policies(tx).update(i["policy"], PolicySpec("q"), "user:x", expected_version=1),
        NOT_FOUND,
    ),
    "Policies.roll_back": (
        lambda tx, i: s.Policies(tx).roll_back(i["policy"], "user:x", expected_version=1),
        NOT_FOUND,
    ),
    "Policies.renew": (lambda tx, _: s.Policies(tx).renew(), NOTHING),
    "Policies.version": (lambda tx, i: s.Policies(tx).version(i["policy"], 1), NOT_FOUND),
    "Policies.versions": (lambda tx, i: s.Policies(tx).versions(i["policy"], REQUEST), NOT_FOUND),
    "Profiles.decide": (
        lambda tx, i: s.Profiles(tx).decide(i["profile"], Behaviour.EXEC, "/x", "user:x", accepted=True),
        NOT_FOUND,
    ),
    "Profiles.delete": (lambda tx, i: s.Profiles(tx).delete(i["profile"]), NOT_FOUND),
    "Profiles.entries": (lambda tx, i: s.Profiles(tx).entries(i["profile"], s.EntryFilter(), REQUEST), NOT_FOUND),
    "Profiles.finish_learning": (lambda tx, _: s.Profiles(tx).finish_learning(), NOTHING),
    "Profiles.get": (lambda tx, i: s.Profiles(tx).get(i["profile"]), NOT_FOUND),
    "Profiles.has": (lambda tx, i: s.Profiles(tx).has(i["profile"], Behaviour.EXEC, "/bin/sh"), NOTHING),
    "Profiles.learn": (lambda tx, i: s.Profiles(tx).learn(i["profile"], 1, s.Told(1, 0, (tally(),))), NOTHING),
    "Profiles.move": (lambda tx, i: s.Profiles(tx).move(i["profile"], ProfileState.REVIEW, "user:x"), NOT_FOUND),
    "Profiles.page": (_p("Profiles", filtered="ProfileFilter"), NOTHING),
    "Progress.last": (lambda tx, _: s.Progress(tx).last(n, "boot"), NOTHING),
    "Progress.missed": (lambda tx, _: s.Progress(tx).missed(n), NOTHING),
    "Quotas.give_back": (lambda tx, _: s.Quotas(tx).give_back(n), NOTHING),
    "Registries.ask": (lambda tx, i: s.Registries(tx).ask(i["registry"], again=True), NOT_FOUND),
    "Registries.began": (lambda tx, i: s.Registries(tx).began(i["registry"], RegistryState.DONE), NOTHING),
    "Registries.delete": (lambda tx, i: s.Registries(tx).delete(i["registry"]), NOT_FOUND),
    "Registries.done": (lambda tx, i: s.Registries(tx).done(i["registry"]), NOTHING),
    "Registries.enqueue_due": (lambda tx, _: s.Registries(tx).enqueue_due(), NOTHING),
    "Registries.failed": (lambda tx, i: s.Registries(tx).failed(i["registry"], Trouble("c", "s")), NOTHING),
    "Registries.go_on": (lambda tx, _: s.Registries(tx).go_on("own"), NOTHING),
    "Registries.lost": (lambda tx, _: s.Registries(tx).lost(), NOTHING),
    "Registries.get": (lambda tx, i: s.Registries(tx).get(i["registry"]), NOT_FOUND),
    "Registries.listed": (
        lambda tx, i: s.Registries(tx).listed(registry_work(i["registry"]), registry_listing()),
        NOTHING,
    ),
    "Registries.page": (_p("Registries"), NOTHING),
    "Registries.update": (
        lambda tx, i: s.Registries(tx).update(
            i["registry"], registry_spec("q"), "user:x", expected_version=1, password=None
        ),
        NOT_FOUND,
    ),
    "Registries.work": (lambda tx, i: s.Registries(tx).work(i["registry"]), NOT_FOUND),
    "RegistryImages.ended": (
        lambda tx, i: s.RegistryImages(tx, i["registry"]).ended(
            awaited(i["registry"]), ImageState.DONE, image_id=None, code="", why=""
        ),
        NOTHING,
    ),
    "RegistryImages.page": (
        lambda tx, i: s.RegistryImages(tx, i["registry"]).page(s.RegistryImageFilter(), REQUEST),
        NOT_FOUND,
    ),
    "RegistryImages.put_back": (
        lambda tx, i: s.RegistryImages(tx, i["registry"]).put_back(awaited(i["registry"])),
        NOTHING,
    ),
    "RegistryImages.retry": (lambda tx, i: s.RegistryImages(tx, i["registry"]).retry(["c"]), NOTHING),
    "RegistryImages.tags": (lambda tx, i: s.RegistryImages(tx, i["registry"]).tags(), NOTHING),
    "RegistryImages.waiting": (lambda tx, i: s.RegistryImages(tx, i["registry"]).waiting(), NOTHING),
    "Sessions.delete": (lambda tx, _: s.Sessions(tx).delete(SECRET["session"]), NOTHING),
    "Sessions.delete_for_user": (lambda tx, i: s.Sessions(tx).delete_for_user(i["user"]), NOTHING),
    "Sessions.touch": (lambda tx, _: s.Sessions(tx).touch(SECRET["session"], tx.now), NOTHING),
    "Settings.get": (lambda tx, _: s.Settings(tx).get(s.ADVISORIES, AdvisoryState), NOTHING),
    "Simulations.of": (lambda tx, i: s.Simulations(tx).of(i["policy"]), NOT_FOUND),
    "Simulations.of_profile": (lambda tx, i: _simulated_profile(tx, i["profile"]), NOT_FOUND),
    "Submissions.delete": (lambda tx, i: s.Submissions(tx).delete(i["submission"]), NOT_FOUND),
    "Submissions.forget_expired": (lambda tx, _: s.Submissions(tx).forget_expired(), NOTHING),
    "Submissions.get": (lambda tx, i: s.Submissions(tx).get(i["submission"]), NOT_FOUND),
    "Submissions.page": (_p("Submissions", filtered="SubmissionFilter"), NOTHING),
    "Submissions.settled": (lambda tx, i: s.Submissions(tx).settled(i["submission"], user=None), NOT_FOUND),
    "Tokens.delete": (lambda tx, i: s.Tokens(tx).delete(i["token"]), NOT_FOUND),
    "Tokens.names": (lambda tx, i: s.Tokens(tx).names([i["token"]]), NOTHING),
    "Tokens.page": (_p("Tokens"), NOTHING),
    "Tokens.used": (lambda tx, i: s.Tokens(tx).used(i["token"]), NOTHING),
    "Users.count": (lambda tx, _: s.Users(tx).count(), NOTHING),
    "Users.credentials": (lambda tx, _: s.Users(tx).credentials("alice"), NOTHING),
    "Users.delete": (lambda tx, i: s.Users(tx).delete(i["user"]), NOT_FOUND),
    "Users.get": (lambda tx, i: s.Users(tx).get(i["user"]), NOT_FOUND),
    "Users.page": (_p("Users"), NOTHING),
    "Users.set_password": (
        lambda tx, i: s.Users(tx).set_password(i["user"], "x", must_change_password=False),
        NOT_FOUND,
    ),
    "Users.signed_in": (lambda tx, i: s.Users(tx).signed_in(i["user"]), NOTHING),
    "Users.update": (lambda tx, i: s.Users(tx).update(i["user"], role=Role.VIEWER), NOT_FOUND),
    "VexDocuments.ids": (lambda tx, _: s.VexDocuments(tx).ids(), NOTHING),
    "VexDocuments.said": (lambda tx, i: s.VexDocuments(tx).said([i["document"]]), NOTHING),
    "VexDocuments.content": (lambda tx, i: s.VexDocuments(tx).content(i["document"]), NOT_FOUND),
    "VexDocuments.delete": (lambda tx, i: s.VexDocuments(tx).delete(i["document"]), NOT_FOUND),
    "VexDocuments.get": (lambda tx, i: s.VexDocuments(tx).get(i["document"]), NOT_FOUND),
    "VexDocuments.page": (_p("VexDocuments"), NOTHING),
    "overview": (lambda tx, _: _figures(tx), NOTHING),
    "sweep": (lambda tx, _: sweep(tx), NOTHING),
}

HARMLESS = {
    # They add rows of the caller's own tenant, and read none.
    "Audit.append", "Blobs.store", "Certificates.issued", "EnrolmentTokens.create", "Exceptions.create", "Idempotency.remember",
    "Images.claim", "Images.store_inventory", "Jobs.enqueue", "Jobs.schedule", "Nodes.enrol", "Policies.create", "Profiles.create", "Progress.accept", "Progress.accept_all",
    "AdvisoryRuns.choose", "AdvisoryRuns.due", "AdvisoryRuns.know", "AdvisoryRuns.load", "AdvisoryRuns.update",
    "Quotas.set_total", "Recordings.keep", "Quotas.take", "Registries.create", "Sessions.create", "Settings.set", "Tokens.create", "Users.create",
    "Submissions.keep", "VexDocuments.upload",
    # Own figures, with a default.
    "Quotas.get",
    # A lease that only ``take`` gives out proves the tenant's job; the statements are scoped all the same.
    "Jobs.done", "Jobs.extend", "Jobs.failed", "Jobs.release",
    # Its argument names the caller's own registry; its rows are keyed by the tenant.
    "RegistryImages.replace",
    # It keeps in memory what its caller says.
    "KnownImages.told",
    # They look across tenants on purpose: see BY_SECRET.
    "Certificates.find", "EnrolmentTokens.redeem", "Nodes.by_certificate", "Sessions.find", "Tokens.find",
}  # fmt: skip


def test_every_public_method_is_accounted_for() -> None:
    methods = {
        f"{name}.{method}"
        for name in stores.__all__
        if inspect.isclass(store := getattr(stores, name)) and "__init__" in vars(store)
        for method, function in vars(store).items()
        if inspect.isfunction(function) and not method.startswith("_")
    }
    assert methods == {name for name in STRANGERS_CALLS if "." in name} | HARMLESS


async def snapshot(storage: Storage) -> dict[str, list[Any]]:
    """Every row of the first tenant."""
    found = {}
    async with storage.reading(SCOPE) as tx:
        for table in metadata.sorted_tables:
            raw = sa.select(*(sa.cast(column, sa.LargeBinary) for column in table.c))
            found[table.name] = sorted(map(tuple, await tx.all(raw.where(table.c.tenant == SCOPE.tenant))), key=repr)
    return found


@pytest.fixture
async def ids(storage: Storage) -> dict[str, str]:
    async with storage.transaction(SCOPE) as tx:
        return await fill(tx)


async def test_the_example_has_a_row_in_every_table(storage: Storage, ids: dict[str, str]) -> None:
    assert [name for name, rows in (await snapshot(storage)).items() if not rows] == ["quotas"]


async def test_a_stranger_sees_and_changes_nothing(storage: Storage, clock: Clock, ids: dict[str, str]) -> None:
    before = await snapshot(storage)
    for name, (call, expected) in STRANGERS_CALLS.items():
        answer: Any = NOT_FOUND
        try:
            async with storage.transaction(STRANGER) as tx:
                answer = await call(tx, ids)
        except NotFound:
            assert expected == NOT_FOUND, name
        else:
            values = answer.values() if isinstance(answer, dict) else answer if isinstance(answer, list) else [answer]
            assert expected == NOTHING, name
            assert not any(values), (name, answer)
    assert await snapshot(storage) == before


async def test_a_stranger_in_the_same_tenant_but_another_cluster_sees_no_node(
    storage: Storage, ids: dict[str, str]
) -> None:
    by_cluster = [
        name for name in STRANGERS_CALLS if name.split(".")[0] in {"Nodes", "Containers", "Images", "Commands"}
    ]
    by_cluster += ["Recordings.latest"]
    by_cluster += ["Incidents.get", "Incidents.handle", "Incidents.insert", "Incidents.page", "EnrolmentTokens.page"]
    for name in by_cluster:
        call, expected = STRANGERS_CALLS[name]
        async with storage.transaction(Scope(SCOPE.tenant, frozenset({"other"}))) as tx:
            if expected == NOT_FOUND:
                with pytest.raises(NotFound):
                    await call(tx, ids)
            else:
                answer = await call(tx, ids)
                assert not any(answer if isinstance(answer, list) else [answer]), name


@pytest.fixture
async def statements(storage: Storage) -> AsyncIterator[list[str]]:
    seen: list[str] = []

    def note(_conn: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        seen.append(statement)

    for engine in (storage._writer, storage._reader):
        sa.event.listen(engine.sync_engine, "before_cursor_execute", note)
    yield seen
    for engine in (storage._writer, storage._reader):
        sa.event.remove(engine.sync_engine, "before_cursor_execute", note)


async def test_every_statement_names_the_tenant(storage: Storage, statements: list[str]) -> None:
    async with storage.transaction(SCOPE) as tx:
        ids = await fill(tx)
    for call, _ in STRANGERS_CALLS.values():
        try:
            async with storage.transaction(SCOPE) as tx:
                await call(tx, ids)
        except HullguardError:
            continue
    async with storage.transaction(SCOPE) as tx:
        await stores.Sessions(tx).find(SECRET["session"])
        await stores.Tokens(tx).find(SECRET["token"])
        await stores.Nodes(tx).by_certificate("f")
    looked = {text for text in statements if not text.startswith(("BEGIN", "INSERT"))}
    assert len(looked) > 100
    without = {text for text in looked if not re.search(r"\btenant = \?", text)}
    assert all(any(secret in text for secret in BY_SECRET) for text in without), without
