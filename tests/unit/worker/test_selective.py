"""Matching again only what an advisory can matter to comes to the same as matching everything again."""

import asyncio
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import structs
from tests.support.advisories import affected, package, record, write_records
from tests.support.database import SCOPE, Clock
from tests.support.records import waiting
from tests.support.workers import context as make_context

from hullguard.advisories.changes import Change
from hullguard.advisories.database import Advisories
from hullguard.advisories.importer import import_files
from hullguard.advisories.products import products, releases
from hullguard.cache import MemoryCache
from hullguard.imagescan.scan import Scanner
from hullguard.model.image import Target
from hullguard.model.inventory import Inventory
from hullguard.model.package import Package, PackageType
from hullguard.model.report import AdvisoryState, ScanReport
from hullguard.storage import Storage
from hullguard.storage.stores import Images
from hullguard.worker import matching
from hullguard.worker.matching import MatchImages
from hullguard.worker.subjects import changed_subjects, inventory_subjects

ZERO = {"introduced": "0"}
RED_HAT = "Red Hat:enterprise_linux:9"
PLACES = (("npm", "a"), ("npm", "b"), ("PyPI", "Flask-Login"), ("Debian:12", "linux"), ("Debian:12", "openssl"),
          (f"{RED_HAT}::baseos", "zlib"), (f"{RED_HAT}::appstream", "zlib-devel"), ("AlmaLinux:9", "zlib"))  # fmt: skip
IDS = ("GHSA-1", "GHSA-2", "CGA-1", "DEBIAN-CVE-1", "DSA-1", "RHSA-1")


def rpm(name: str, source: str, ecosystem: str) -> Package:
    return Package(f"pkg:rpm/{name}@1.0-1", PackageType.RPM, name, "1.0-1", ecosystem, source, "1.0-1")


IMAGES: dict[str, tuple[Package, ...]] = {
    "npm": (package("a", "1.0.0", "npm"), package("b", "1.0.0", "npm")),
    "python": (package("flask_login", "1.0", "PyPI"), package("b", "1.0.0", "npm")),
    "debian": (
        package("libssl3", "1.0", "Debian:12", source_name="openssl", source_version="1.0"),
        package("linux-image", "1.0-1", "Debian:12", source_name="linux-signed-amd64", source_version="1.0+1"),
    ),
    "redhat": (rpm("zlib-devel", "zlib", RED_HAT), package("a", "1.0.0", "npm")),
    "alma": (rpm("zlib", "zlib", "AlmaLinux:9"),),
    "other": (package("nothing", "1", "Alpine:v3.20"),),
}

records = st.builds(
    lambda identity, places, fixed, aliases, upstream, withdrawn: record(
        identity,
        *(affected(ecosystem, name, ZERO, *([{"fixed": fixed}] if fixed else [])) for ecosystem, name in places),
        aliases=aliases,
        upstream=upstream,
        **({"withdrawn": "2025-01-01T00:00:00Z"} if withdrawn else {}),
    ),
    st.sampled_from(IDS),
    st.lists(st.sampled_from(PLACES), max_size=2, unique=True),
    st.sampled_from(["", "0.5", "1.5", "2.0"]),
    st.lists(st.sampled_from([*IDS, "CVE-1", "CVE-2"]), max_size=2, unique=True),
    st.lists(st.sampled_from([*IDS, "CVE-1", "CVE-2"]), max_size=1),
    st.sampled_from([False, False, True]),
)


def plain(report: ScanReport) -> ScanReport:
    """Without when the advisories were built, which says nothing of the image."""
    ordered = sorted(report.vulnerabilities, key=lambda each: (each.id, each.package))
    return structs.replace(report, vulnerabilities=tuple(ordered), advisories=AdvisoryState(None))


def inventory_of(name: str) -> Inventory:
    return Inventory(Target(name, "docker", f"sha256:{name}"), packages=IMAGES[name])


async def stored(storage: Storage) -> dict[str, ScanReport]:
    async with storage.reading(SCOPE) as tx:
        return {name: await Images(tx).report(f"sha256:{name}", name) for name in IMAGES}


async def run(place: Path, steps: list[list[Any]], path: Path) -> list[int]:
    """Builds one database after the other; how many images each made wait."""
    database = place / "advisories.db"
    storage, counts = Storage.open(f"sqlite:///{path}", clock=Clock()), []
    try:
        with ThreadPoolExecutor(1) as thread:
            context = make_context(storage, MemoryCache(), place, thread, database)
            for step in steps:
                import_files([write_records(place / "records.jsonl", *step)], database)
                await matching.notice_new_advisories(context)
                async with storage.reading(SCOPE) as tx:
                    counts.append(len(await waiting(tx)))
                await MatchImages().run(context, "")
                scanner = Scanner(Advisories.open(database))
                whole = {name: scanner.report(inventory_of(name)) for name in IMAGES}
                kept = await stored(storage)
                assert {name: plain(each) for name, each in kept.items()} == {
                    name: plain(each) for name, each in whole.items()
                }
                assert {each.advisories for each in kept.values()} == {each.advisories for each in whole.values()}
    finally:
        await storage.close()
    return counts


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
@given(steps=st.lists(st.lists(records, min_size=1, max_size=3), min_size=1, max_size=3))
def test_selective_matching_comes_to_the_same_as_matching_everything(steps: list[list[Any]], empty: Path) -> None:
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        path = place / "hullguard.db"
        path.write_bytes(empty.read_bytes())
        first = [record("KEEP", affected("npm", "unheard-of", ZERO))]
        asyncio.run(run(place, [first, *steps], path))


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A platform's database in which every image waits to be matched."""
    path = tmp_path_factory.mktemp("platform") / "hullguard.db"

    async def fill() -> None:
        storage = Storage.open(f"sqlite:///{path}", clock=Clock())
        await storage.migrate()
        async with storage.transaction(SCOPE) as tx:
            for name in IMAGES:
                await Images(tx).store_inventory(f"sha256:{name}", inventory_of(name))
        await storage.close()

    asyncio.run(fill())
    return path


def test_an_advisory_makes_only_those_wait_that_it_can_speak_of(empty: Path, tmp_path: Path) -> None:
    every = [record(f"KEEP-{n}", affected(ecosystem, "kept", ZERO)) for n, (ecosystem, _) in enumerate(PLACES)]
    path = tmp_path / "hullguard.db"
    path.write_bytes(empty.read_bytes())

    counts = asyncio.run(
        run(
            tmp_path,
            [
                every,
                [record("GHSA-1", affected("npm", "a", ZERO))],  # npm and redhat have it
                [record("RHSA-1", affected(f"{RED_HAT}::baseos", "zlib", ZERO))],
                [record("DEBIAN-CVE-1", affected("Debian:12", "linux", ZERO), upstream=["CVE-1"])],
                [record("PYSEC-1", affected("PyPI", "FLASK.login", ZERO))],
                [record("X-1", affected("npm", "nobody-has-it", ZERO))],
                [record("GHSA-1", withdrawn="2025-01-01T00:00:00Z")],
            ],
            path,
        )
    )

    assert counts == [len(IMAGES), 2, 1, 1, 1, 0, 2]


@pytest.mark.parametrize(
    ("published", "stored_as"),
    [
        ("Debian:12", "Debian:12"),
        (f"{RED_HAT}::baseos", RED_HAT),
        ("Red Hat:enterprise_linux:10.1::appstream", "Red Hat:enterprise_linux:10"),
        ("SUSE:Linux Enterprise Module for Basesystem 15 SP5", "SUSE:Linux Enterprise Server 15 SP5"),
        ("SUSE:Linux Enterprise Module for Web and Scripting 12", "SUSE:Linux Enterprise Server 12"),
        ("SUSE:Linux Enterprise Server 15 SP5-LTSS", "SUSE:Linux Enterprise Server 15 SP5"),
        ("SUSE:Linux Enterprise Server 15 SP5", "SUSE:Linux Enterprise Server 15 SP5"),
    ],
)
def test_a_release_is_reached_under_every_name_in_which_it_is_looked_up(published: str, stored_as: str) -> None:
    assert products(stored_as, frozenset({published})) == (published,)
    assert stored_as in releases(published)
    held = inventory_subjects(Inventory(Target("t", "dir"), packages=(package("p", "1", stored_as),)))
    assert held & changed_subjects([Change(published, "p")])
    assert held & changed_subjects([Change(published, "")])
    assert not held & changed_subjects([Change(published, "q")])
