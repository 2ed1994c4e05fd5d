"""An advisory comes to a running platform: the images that it affects have its finding, marked as new."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

from tests.support.advisories import Record, affected, record, write_records
from tests.support.platform import running_platform

from hullguard.model.identity import DEFAULT_TENANT, Scope
from hullguard.model.image import Target
from hullguard.model.inventory import Inventory
from hullguard.model.package import Package, PackageType
from hullguard.storage import Storage
from hullguard.storage.stores import Images

ZERO = {"introduced": "0"}


def image(name: str) -> str:
    return f"sha256:{name.encode().hex():0>64}"


async def store(database: Path, *names: str) -> None:
    """What the agents' gateway does when an inventory arrives."""
    storage = Storage.open(f"sqlite:///{database}")
    async with storage.transaction(Scope(DEFAULT_TENANT)) as tx:
        for name in names:
            package = Package(f"pkg:npm/{name}@1.0.0", PackageType.NPM, name, "1.0.0", "npm", locations=("place",))
            await Images(tx).store_inventory(image(name), Inventory(Target(name, "docker"), packages=(package,)))
    await storage.close()


def take_in(directory: Path, database: Path, *records: Record) -> None:
    file = write_records(directory / "records.jsonl", *records)
    command = [sys.executable, "-m", "hullguard", "db", "import", str(file), "--db", str(database)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run(command, check=True, capture_output=True, timeout=60, env=environment)


def test_a_new_advisory_is_found_in_the_images_that_it_affects(tmp_path: Path) -> None:
    data = tmp_path / "data"
    first, second = f"/images/{image('one')}", f"/images/{image('two')}"
    with running_platform(data, "--no-agent") as platform:
        client = platform.client()
        take_in(tmp_path, data / "advisories.db", record("GHSA-1", affected("npm", "one", ZERO, kind="SEMVER")))
        asyncio.run(store(data / "hullguard.db", "one", "two"))
        before = client.wait(f"{first}/vulnerabilities", lambda page: page["items"])["items"]
        client.wait(second, lambda found: found["matched"])
        built = client.get(second)["advisories_built"]

        fixed = affected("npm", "one", ZERO, {"fixed": "1.0.1"}, kind="SEMVER")
        take_in(tmp_path, data / "advisories.db", record("GHSA-2", fixed, aliases=["CVE-2026-1"]))

        found = client.wait(f"{first}/vulnerabilities?sort=-first_found", lambda page: len(page["items"]) == 2)["items"]
        assert [(one["id"], one["new"]) for one in found] == [("CVE-2026-1", True), ("GHSA-1", False)]
        assert found[1]["first_found"] == before[0]["first_found"] < found[0]["first_found"]
        # Times of builds are whole seconds, and two can share one.
        now = client.get(first)["advisories_built"]
        assert now >= built
        client.wait(second, lambda image: image["advisories_built"] == now)
        assert client.get(f"{second}/vulnerabilities")["items"] == []
        assert client.get("/overview")["advisories_sources"] == ["npm"]
