"""From the arrival of an advisory to the images that it affects, with a million stored packages.

Stores images, matches them all once, then imports one advisory after the other beside a running worker: about a package
that one image in a hundred has, one in ten, every one. Measured from the start of the import (``hullguard db import``):

- *imported*: the new database is in place;
- *known*: the worker has found which images hold the package;
- *first*, *last*: the first and the last of them has its finding.
"""

import argparse
import asyncio
import json
import platform
import random
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from hullguard.advisories.importer import import_files
from hullguard.cache import MemoryCache
from hullguard.model.identity import DEFAULT_TENANT, Scope
from hullguard.model.image import Layer, OperatingSystem, Target
from hullguard.model.inventory import Inventory
from hullguard.model.package import Package, PackageType
from hullguard.storage import Storage
from hullguard.storage.stores import Images
from hullguard.storage.tables import findings, image_packages, image_subjects, images
from hullguard.worker.run import Files, work

HULLGUARD = str(Path(sys.executable).with_name("hullguard"))
SCOPE = Scope(DEFAULT_TENANT)
ECOSYSTEM = "Debian:12"
BASES = 40
"""Images are built on one of so many bases, which bring three quarters of their packages."""
NAMES = 20_000
SHARES = (100, 10, 1)
"""One image in so many has the package of the advisory."""
_STORED_AT_ONCE = 100


def main() -> None:
    options = argparse.ArgumentParser(prog="python -m bench.rematch", description=__doc__)
    options.add_argument("--images", type=int, default=5000)
    options.add_argument("--packages", type=int, default=200, help="packages of each image")
    options.add_argument(
        "--advisories", type=Path, nargs="*", help="files to make the database of, beside our own records"
    )
    options.add_argument("--work", type=Path, help="where to build, when the temporary directory is too small")
    chosen = options.parse_args()
    place = Path(tempfile.mkdtemp(prefix="hullguard-bench.", dir=chosen.work))
    print(f"{platform.platform()}, Python {platform.python_version()}")
    try:
        asyncio.run(measure(place, chosen.images, chosen.packages, chosen.advisories or []))
    finally:
        shutil.rmtree(place)


async def measure(place: Path, count: int, packages: int, more: Sequence[Path]) -> None:
    database = place / "advisories.db"
    import_files([_written(place / "records.jsonl", _advisories()), *more], database)
    storage = Storage.open(f"sqlite:///{place / 'hullguard.db'}")
    await storage.migrate()
    began = time.perf_counter()
    await _store(storage, count, packages)
    print(f"stored {await _count(storage, image_packages):,} packages of {count:,} images in {_since(began)}")
    began, spent = time.perf_counter(), _processor()
    async with _working(storage, place, database):
        await _rest(storage)
        print(
            f"matched all of them once in {_since(began)}, {_processor() - spent:.1f} s of processor time:"
            f" {await _count(storage, findings):,} findings, {await _count(storage, image_subjects):,} subjects"
        )
        await asyncio.sleep(35)  # the first daily refresh passes by, and the queue comes to rest
        await _rest(storage)
        print(f"\n{'images that hold it':>20}{'imported':>10}{'known':>10}{'first':>10}{'last':>10}")
        for share in SHARES:
            await _arrival(storage, place, database, share, -(-count // share))
    await storage.close()
    print(f"\n{_size(place / 'hullguard.db')} MB platform, {_size(database)} MB advisories")


async def _arrival(storage: Storage, place: Path, database: Path, share: int, expected: int) -> None:
    """One advisory comes in; ``expected`` images hold its package."""
    identity = f"CVE-2099-{share}"
    file = _written(place / "new.jsonl", [_record(f"DEBIAN-{identity}", _shared(share), "999", upstream=[identity])])
    began = time.perf_counter()
    importing = await asyncio.create_subprocess_exec(
        HULLGUARD, "db", "import", str(file), "--db", str(database), stdout=asyncio.subprocess.DEVNULL
    )
    imported = known = first = None
    found = 0
    while found < expected:
        await asyncio.sleep(0.02)
        now = time.perf_counter() - began
        if imported is None and importing.returncode is not None:
            imported = now
        found = await _count(storage, findings, findings.c.vulnerability == identity)
        if known is None and (found or await _waiting(storage)):
            known = now
        if first is None and found:
            first = now
    last = time.perf_counter() - began
    print(f"{expected:20,}" + "".join(f"{each or 0:8.2f} s" for each in (imported, known, first, last)), flush=True)
    await _rest(storage)


async def _store(storage: Storage, count: int, packages: int) -> None:
    chance = random.Random(1)
    bases = [_packages(chance.sample(range(NAMES), packages * 3 // 4), f"base-{base}") for base in range(BASES)]
    for start in range(0, count, _STORED_AT_ONCE):
        async with storage.transaction(SCOPE) as tx:
            for number in range(start, min(start + _STORED_AT_ONCE, count)):
                shared = [_shared(share) for share in SHARES if number % share == 0]
                own = chance.sample(range(NAMES), packages - len(bases[0]) - len(shared))
                held = (*bases[number % BASES], *_packages(own, f"app-{number}"), *_packages(shared, f"app-{number}"))
                identity = f"sha256:{number:064x}"
                taken = Inventory(
                    Target(f"app:{number}", "docker", identity),
                    OperatingSystem("debian", "12", "Debian GNU/Linux 12"),
                    (Layer(f"base-{number % BASES}"), Layer(f"app-{number}")),
                    held,
                )
                await Images(tx).store_inventory(identity, taken)


def _packages(names: Iterable[int | str], layer: str) -> tuple[Package, ...]:
    return tuple(
        Package(
            f"pkg:deb/debian/p{name}@1.{len(str(name))}-1?arch=amd64&distro=debian-12",
            PackageType.DEB,
            f"p{name}",
            f"1.{len(str(name))}-1",
            ECOSYSTEM,
            source_name=f"p{name}",
            source_version=f"1.{len(str(name))}-1",
            arch="amd64",
            layer=layer,
            locations=("var/lib/dpkg/status",),
        )
        for name in names
    )


def _shared(share: int) -> str:
    return f"one-in-{share}"


def _advisories() -> Iterable[dict[str, Any]]:
    """Two for each package; half of them are fixed in what is installed."""
    for name in range(NAMES):
        for number, fixed in enumerate(("1.0-1", "9.0-1")):
            cve = f"CVE-2024-{name * 2 + number}"
            yield _record(f"DEBIAN-{cve}", str(name), fixed, upstream=[cve])


def _record(identity: str, name: str, fixed: str, **fields: Any) -> dict[str, Any]:
    events = [{"introduced": "0"}, {"fixed": fixed}]
    said = {
        "package": {"ecosystem": ECOSYSTEM, "name": f"p{name}"},
        "ranges": [{"type": "ECOSYSTEM", "events": events}],
    }
    return {"id": identity, "modified": "2026-01-01T00:00:00Z", "affected": [said], **fields}


def _written(path: Path, records: Iterable[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return path


@asynccontextmanager
async def _working(storage: Storage, place: Path, database: Path) -> AsyncIterator[None]:
    """A worker as the platform runs it."""
    stop = asyncio.Event()
    task = asyncio.create_task(work(storage, MemoryCache(), Files(database, place / "anchors"), stop))
    try:
        yield
    finally:
        stop.set()
        await task


async def _count(storage: Storage, table: sa.Table, *where: sa.ColumnElement[bool]) -> int:
    async with storage.reading(SCOPE) as tx:
        return int(await tx.scalar(sa.select(sa.func.count()).select_from(table).where(tx.mine(table), *where)))


async def _rest(storage: Storage) -> None:
    """Until nothing waits."""
    while await _waiting(storage):  # noqa: ASYNC110 - the worker tells nobody but the database
        await asyncio.sleep(0.1)


async def _waiting(storage: Storage) -> int:
    return await _count(storage, images, images.c.waits > 0)


def _since(began: float) -> str:
    return f"{time.perf_counter() - began:.1f} s"


def _processor() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _size(path: Path) -> int:
    return path.stat().st_size // 10**6


if __name__ == "__main__":
    main()
