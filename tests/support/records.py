"""Small real records for the stores: a node, its containers, an image, incidents."""

from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from msgspec import structs
from tests.support.database import START

from hullguard.model.command import Command, CommandKind, CommandState
from hullguard.model.event import ContainerRef, ImageRef, Process
from hullguard.model.ids import derived_id
from hullguard.model.image import Layer, OperatingSystem, Target
from hullguard.model.incident import Observation
from hullguard.model.inventory import Inventory
from hullguard.model.node import Container, Heartbeat, HostFacts, SensorHealth, SensorState
from hullguard.model.package import Package, PackageType
from hullguard.model.policy import Action, AppliedPolicies
from hullguard.model.profile import Behaviour, Tally
from hullguard.model.report import (
    AdvisoryState,
    FixStatus,
    ReportedPackage,
    ScanReport,
    Suppressed,
    SuppressedBy,
    Vulnerability,
    Why,
)
from hullguard.model.severity import Severity
from hullguard.model.submission import image_of, submission_id
from hullguard.storage import Transaction
from hullguard.storage.stores import Claim, Judged, Matching, Nodes, Quotas
from hullguard.storage.tables import images

IMAGE = "sha256:" + "a" * 64
OTHER_IMAGE = "sha256:" + "b" * 64
BASE, APP = "sha256:" + "1" * 64, "sha256:" + "2" * 64


def facts(hostname: str = "worker-1") -> HostFacts:
    return HostFacts(hostname, "Debian GNU/Linux 12", "6.1.0", "x86_64", 2, 8 << 30, ("10.0.0.5",), "docker", "boot-1")


async def enrolled(
    tx: Transaction, node: str = "node-1", *, cluster: str = "default", protection: bool = True, name: str | None = None
) -> str:
    """A node with a certificate, protected unless the quota says no."""
    await Nodes(tx).enrol(node, cluster, facts(name or node), f"fingerprint-{node}", tx.now + timedelta(days=7))
    if protection:
        quota = await Quotas(tx).get()
        if quota.used == quota.total:
            await Quotas(tx).set_total(quota.total + 1)
        await Nodes(tx).protect(node, on=True)
    return node


def heartbeat(
    *,
    applied: AppliedPolicies | None = None,
    sensor: SensorHealth | None = None,
    runtime: bool = True,
    dropped: dict[str, int] | None = None,
    spool: int = 0,
) -> Heartbeat:
    return Heartbeat(
        "0.1.0", sensor or SensorHealth(SensorState.ACTIVE), runtime, applied, spool, {} if dropped is None else dropped
    )


def container(number: int = 1, *, image: str = IMAGE, state: str = "running", name: str | None = None) -> Container:
    return Container(
        f"{number:064x}", name or f"web-{number}", ImageRef(image, "nginx:1.25"), state, START, START, number % 2 == 0
    )


def observation(
    number: int = 1,
    *,
    at: datetime = START,
    severity: Severity = Severity.HIGH,
    rule: str = "container.terminal-shell",
    on: str | None = None,
    image: str | None = IMAGE,
    node: str = "node-1",
) -> Observation:
    # Each is the first process of an exec of its own, so no two belong together.
    shell = Process(4242 + number, 4000, "sh", "/bin/sh", ("sh", "-c", "id"), uid=0, tty=True, started=at)
    return Observation(
        id=derived_id(node, "boot-1", number, rule),
        at=at,
        rule=rule,
        severity=severity,
        technique="T1059",
        action=Action.ALERT,
        stopped=False,
        container=ContainerRef(on or container().id, "web-1"),
        image=None if image is None else ImageRef(image, "nginx:1.25"),
        lineage=(Process(4000, 1, "containerd-shim", outside=True), shell),
        details={"path": "/bin/sh"},
    )


def response(number: int = 1, *, state: CommandState = CommandState.DONE, by: str = "policy:p1") -> Command:
    """A command that the agent of ``node-1`` gave itself, about the first container."""
    return Command(
        id=derived_id("own", number),
        node="node-1",
        kind=CommandKind.PAUSE_CONTAINER,
        parameters={"container": container().id},
        state=state,
        created=START,
        created_by=by,
        deadline=START + timedelta(minutes=1),
        progress=100 if state is CommandState.DONE else 0,
        result={"container": "web-1"},
        finished=START,
        container=container().id,
        incident=observation(number).id,
        reason="container.terminal-shell",
    )


def tally(what: str = "/bin/sh", containers: int = 1, times: int = 1, deed: Behaviour = Behaviour.EXEC) -> Tally:
    """What a node says of one thing that it saw while it learned."""
    return Tally(deed, what, times, containers, START, START)


def package(name: str, version: str = "1.0", *, source: str | None = None, layer: str = BASE) -> Package:
    return Package(
        f"pkg:deb/debian/{name}@{version}",
        PackageType.DEB,
        name,
        version,
        "Debian:12",
        source_name=source,
        source_version=version,
        arch="amd64",
        layer=layer,
        locations=("var/lib/dpkg/status",),
    )


PACKAGES = (
    package("libssl3", "3.0.9", source="openssl"),
    package("bash", "5.2"),
    package("nginx", "1.25", layer=APP),
    package("zlib1g", "1.2.13", source="zlib"),
)


def inventory(packages: tuple[Package, ...] = PACKAGES, *, complete: bool = True, reader: int = 0) -> Inventory:
    return Inventory(
        Target("nginx:1.25", "docker", IMAGE, platform="linux/amd64"),
        OperatingSystem("debian", "12", "Debian GNU/Linux 12"),
        (Layer(BASE, size=70_000_000, base=True), Layer(APP, size=5_000_000)),
        packages,
        complete=complete,
        reader=reader,
    )


def claim(name: str = "shop:ci", *, of: Inventory | None = None, **changes: Any) -> Claim:
    """What a build submits: an image of another id than ``IMAGE``, by a token of the user ``user-1``."""
    taken = of or structs.replace(inventory(), target=Target(name, "docker-archive", OTHER_IMAGE))
    image = taken.target.image_id
    kind = taken.target.kind
    made = Claim(
        id=submission_id(None if image else kind, name),
        name=name,
        names=(name,),
        image=image or image_of(kind, name),
        is_image=image is not None,
        inventory=taken,
        host="runner-7",
        by="token:t1",
        user="user-1",
        source="192.0.2.9",
        size=4000,
        days=90,
    )
    return structs.replace(made, **changes)


def vulnerability(
    name: str,
    severity: Severity,
    *,
    of: Package = PACKAGES[0],
    fixed: str | None = None,
    kev: bool = False,
    epss: float | None = None,
) -> Vulnerability:
    return Vulnerability(
        name,
        f"DEBIAN-{name}",
        (),
        of.purl,
        of.version,
        fixed,
        FixStatus.FIXED if fixed else FixStatus.AFFECTED,
        severity,
        "debian",
        (),
        kev,
        epss,
        of.layer,
        Why("version", f"{of.version} is affected"),
    )


VULNERABILITIES = (
    vulnerability("CVE-2024-0003", Severity.MEDIUM),
    vulnerability("CVE-2024-0001", Severity.CRITICAL, fixed="3.0.11"),
    vulnerability("CVE-2024-0002", Severity.HIGH, of=PACKAGES[2], fixed="1.26"),
    vulnerability("CVE-2024-0004", Severity.HIGH, of=PACKAGES[2], kev=True),
    vulnerability("CVE-2024-0005", Severity.LOW, of=PACKAGES[1]),
)


def report(
    found: tuple[Vulnerability, ...] = VULNERABILITIES,
    *,
    of: Inventory | None = None,
    built: datetime | None = START,
) -> ScanReport:
    taken = of or inventory()
    return ScanReport(
        taken.target,
        taken.os,
        taken.layers,
        tuple(map(ReportedPackage.of, taken.packages)),
        found,
        taken.unknowns,
        AdvisoryState(built, ("Debian:12",)),
        taken.complete,
    )


async def matched(tx: Transaction, image: str, found: ScanReport) -> None:
    """Keep a report as a worker does."""
    await Matching(tx).store([Judged(image, found)])


async def waiting(tx: Transaction) -> list[str]:
    """The images that wait to be matched, the most urgent first."""
    order = (images.c.waits.desc(), images.c.id)
    return [
        row.id
        for row in await tx.all(sa.select(images.c.id).where(tx.mine(images), images.c.waits > 0).order_by(*order))
    ]


def suppressed(found: ScanReport, source: str, count: int = 1) -> ScanReport:
    """The report when its first findings do not count because of ``source``."""
    by = SuppressedBy.EXCEPTION
    told = tuple(Suppressed(each, by, "not reachable", None, source) for each in found.vulnerabilities[:count])
    return structs.replace(found, vulnerabilities=found.vulnerabilities[count:], suppressed=told)
