"""Names that people and agents choose: kept as they are, found as they are written, never two things made one."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from msgspec import structs
from tests.support.database import START, walked
from tests.support.records import (
    IMAGE,
    container,
    enrolled,
    inventory,
    matched,
    observation,
    package,
    report,
    vulnerability,
)

from hullguard import audit
from hullguard.model.errors import Invalid
from hullguard.model.event import ContainerRef, ImageRef
from hullguard.model.identity import Role
from hullguard.model.page import Page
from hullguard.model.severity import Severity
from hullguard.storage import PageRequest, Transaction
from hullguard.storage.stores import (
    Audit,
    AuditFilter,
    ContainerFilter,
    Containers,
    EnrolmentTokens,
    ImageFilter,
    Images,
    IncidentFilter,
    Incidents,
    Jobs,
    NodeFilter,
    Nodes,
    PackageFilter,
    Progress,
    Settings,
    Tokens,
    Users,
    VulnerabilityFilter,
)

NAMES = [
    "100% of_it\\n",
    "容器-安全",
    "naïve é e\u0301",
    "'; DROP TABLE nodes; --",
    "<script>alert(1)</script>",
    "\u202egnp.exe",
    "🐳/🐳:🐳",
    "a/b..\\c",
    " leading and trailing ",
]
"""Each has a part that no other has."""

Listed = Callable[[PageRequest], Awaitable[Page[Any]]]


async def nodes(tx: Transaction) -> tuple[Listed, Callable[[Any], str]]:
    for number, name in enumerate(NAMES):
        await enrolled(tx, f"node-{number}", name=name, protection=False)
    return lambda step: Nodes(tx).page(NodeFilter(), step), lambda each: each.name


async def containers(tx: Transaction) -> tuple[Listed, Callable[[Any], str]]:
    await enrolled(tx, "n", protection=False)
    await Containers(tx).replace("n", [container(number, name=name) for number, name in enumerate(NAMES)])
    return lambda step: Containers(tx).page(ContainerFilter(), step), lambda each: each.name


async def images(tx: Transaction) -> tuple[Listed, Callable[[Any], str]]:
    await enrolled(tx, "n", protection=False)
    await Images(tx).present("n", [(f"sha256:{number:064x}", [name]) for number, name in enumerate(NAMES)])
    return lambda step: Images(tx).page(ImageFilter(), step), lambda each: each.names[0]


async def incidents(tx: Transaction) -> tuple[Listed, Callable[[Any], str]]:
    await enrolled(tx, "n", protection=False)
    seen = [
        structs.replace(observation(number), container=ContainerRef("c", name), image=ImageRef(IMAGE, name))
        for number, name in enumerate(NAMES)
    ]
    await Incidents(tx).insert("n", seen, START)
    return lambda step: Incidents(tx).page(IncidentFilter(), step), lambda each: each.container.name


async def users(tx: Transaction) -> tuple[Listed, Callable[[Any], str]]:
    for name in NAMES:
        await Users(tx).create(name, Role.VIEWER, "hash")
    return Users(tx).page, lambda each: each.name


async def tokens(tx: Transaction) -> tuple[Listed, Callable[[Any], str]]:
    for name in NAMES:
        await Tokens(tx).create(name, "u", Role.VIEWER, f"hash of {name}", tx.now)
    return lambda step: Tokens(tx).page(step), lambda each: each.name


async def enrolment_tokens(tx: Transaction) -> tuple[Listed, Callable[[Any], str]]:
    for name in NAMES:
        await EnrolmentTokens(tx).create(name, "default", f"hash of {name}", tx.now, 1)
    return EnrolmentTokens(tx).page, lambda each: each.name


async def records(tx: Transaction) -> tuple[Listed, Callable[[Any], str]]:
    for name in NAMES:
        await audit.record(tx, "user:a", "thing.do", name, details={name: name})
    assert (await audit.verify(tx)).ok
    return lambda step: Audit(tx).page(AuditFilter(), step), lambda each: each.subject


async def packages(tx: Transaction) -> tuple[Listed, Callable[[Any], str]]:
    held = inventory(tuple(package(name) for name in NAMES))
    await Images(tx).store_inventory(IMAGE, held)
    found = tuple(vulnerability(f"CVE-{name}", Severity.LOW, of=each) for name, each in zip(NAMES, held.packages))  # noqa: B905
    await matched(tx, IMAGE, report(found, of=held))
    for name in NAMES:
        by_name = await Images(tx).vulnerabilities(IMAGE, VulnerabilityFilter(package=name), PageRequest())
        assert [each.id for each in by_name.items] == [f"CVE-{name}"]
    return lambda step: Images(tx).packages(IMAGE, PackageFilter(), step), lambda each: each.name


@pytest.mark.parametrize(
    "fill",
    [nodes, containers, images, incidents, users, tokens, enrolment_tokens, records, packages],
    ids=lambda fill: fill.__name__,
)
async def test_a_name_is_kept_and_found_whatever_is_in_it(tx: Transaction, fill: Any) -> None:
    listed, name_of = await fill(tx)
    assert sorted(name_of(each) for each in await walked(listed, 2)) == sorted(NAMES)
    for name in NAMES:
        found = await walked(listed, 2, q=name)
        assert [name_of(each) for each in found] == [name]


@pytest.mark.parametrize("letter", ["a", "界", "🐳"])
async def test_the_longest_names_can_be_paged_past(tx: Transaction, letter: str) -> None:
    await enrolled(tx)
    listed = [(f"sha256:{number:064x}", [letter * 600]) for number in range(3)]
    await Images(tx).present("node-1", listed)
    found = await walked(lambda step: Images(tx).page(ImageFilter(), step), 1, sort="-name")
    assert [each.id for each in found] == [image for image, _ in reversed(listed)]
    await Containers(tx).replace(
        "node-1",
        [structs.replace(container(number), image=ImageRef(IMAGE, letter * 600)) for number in range(3)],
    )
    placed = await walked(lambda step: Containers(tx).page(ContainerFilter(), step), 1, sort="image")
    assert [each.id for each in placed] == [container(number).id for number in range(3)]


async def test_names_that_differ_only_beyond_what_fits_are_refused_and_not_made_one(tx: Transaction) -> None:
    await Users(tx).create("u" * 128, Role.VIEWER, "hash")
    await Jobs(tx).enqueue("match", "k" * 255)
    for call in (
        Users(tx).create("u" * 129, Role.VIEWER, "hash"),
        Jobs(tx).enqueue("match", "k" * 256),
        Jobs(tx).enqueue("m" * 65, "k"),
        Settings(tx).set("s" * 129, 1),
        Progress(tx).accept("node-1", "b" * 65, 1),
    ):
        with pytest.raises(Invalid):
            await call
    assert (await Users(tx).page(PageRequest())).total == 1


async def test_names_that_differ_by_case_or_by_an_accent_are_two(tx: Transaction) -> None:
    for name in ("straße", "STRASSE", "Straße", "strasse", "e\u0301", "é"):
        await Users(tx).create(name, Role.VIEWER, f"hash of {name}")
    for name in ("straße", "é"):
        credentials = await Users(tx).credentials(name)
        assert credentials is not None
        assert credentials.password_hash == f"hash of {name}"
    assert [each.name for each in await walked(Users(tx).page, 1, q="straSSE")] == ["STRASSE", "strasse"]


@pytest.mark.parametrize("sort", ["name", "-name", "created", "-created", "role", "-role"])
async def test_users_are_paged_in_each_order(tx: Transaction, sort: str) -> None:
    made = []
    for number, name in enumerate(NAMES):
        tx.now = START + timedelta(hours=number // 2)
        made.append(await Users(tx).create(name, list(Role)[number % len(Role)], "hash"))
    field = sort.removeprefix("-")
    made.sort(key=lambda each: (getattr(each, field), each.id), reverse=sort.startswith("-"))
    assert await walked(Users(tx).page, 2, sort=sort) == made
