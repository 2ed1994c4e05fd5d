"""The platform keeps its advisory database itself: from a mirror, and from files where there is no network."""

import asyncio
import hashlib
import json
from pathlib import Path

from tests.support.advisories import affected, record, write_records
from tests.support.mirror import serving
from tests.support.platform import Client, running_platform

from hullguard.advisories.bundle import keys
from hullguard.advisories.bundle.pack import pack
from hullguard.advisories.importer import import_files
from hullguard.model.identity import DEFAULT_TENANT, Scope
from hullguard.model.image import Target
from hullguard.model.inventory import Inventory
from hullguard.model.package import Package, PackageType
from hullguard.storage import Storage
from hullguard.storage.stores import Images

IMAGE = f"sha256:{hashlib.sha256(b'one').hexdigest()}"
PACKAGE = Package("pkg:npm/one@1.0.0", PackageType.NPM, "one", "1.0.0", "npm", locations=("place",))


async def store(database: Path) -> None:
    """What the agents' gateway does when an inventory arrives."""
    storage = Storage.open(f"sqlite:///{database}")
    async with storage.transaction(Scope(DEFAULT_TENANT)) as tx:
        await Images(tx).store_inventory(IMAGE, Inventory(Target("one", "docker"), packages=(PACKAGE,)))
    await storage.close()


def advisory(identity: str, cve: str) -> dict:
    return record(identity, affected("npm", "one", {"introduced": "0"}, kind="SEMVER"), aliases=[cve])


def choose(client: Client, **changes: object) -> None:
    answer = client.http.get("/api/v1/advisories/settings")
    client.put("/advisories/settings", {**answer.json()["settings"], **changes}, if_match=answer.headers["etag"])


def upload(client: Client, file: Path) -> dict:
    answer = client.http.post(
        "/api/v1/advisories/import",
        params={"name": file.name},
        content=file.read_bytes(),
        headers={"content-type": "application/octet-stream"},
    )
    assert answer.status_code == 202, answer.text
    return answer.json()


def test_a_platform_with_a_mirror_updates_by_itself_and_finds_what_is_new(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with serving() as mirror, running_platform(data, "--no-agent") as platform:
        client = platform.client()
        asyncio.run(store(data / "hullguard.db"))
        before = client.get("/advisories")
        assert before["database"] is None
        assert before["runs"] == []
        mirror.put("npm", advisory("GHSA-1", "CVE-2024-0001"))

        choose(client, mirror=mirror.url, kev=f"{mirror.url}/kev.json", epss=f"{mirror.url}/epss.csv.gz")

        found = client.wait(f"/images/{IMAGE}/vulnerabilities", lambda page: page["items"])["items"]
        assert [(one["id"], one["kev"]) for one in found] == [("CVE-2024-0001", True)]
        status = client.wait("/advisories", lambda now: now["runs"] and now["database"])
        assert status["run"] is None
        (run,) = status["runs"]
        assert (run["state"], run["by"], run["kind"]) == ("done", "system", "update")
        assert {one["name"]: one["records"] for one in status["database"]["sources"]} == {"npm": 1, "kev": 1, "epss": 1}
        assert status["next_due"] > run["finished"]

        mirror.put("npm", {**advisory("GHSA-2", "CVE-2026-2"), "modified": "2026-06-01T00:00:00Z"})
        asked = client.call("POST", "/advisories/update", expect=202)

        client.wait(f"/images/{IMAGE}/vulnerabilities", lambda page: len(page["items"]) == 2)
        status = client.wait("/advisories", lambda now: len(now["runs"]) == 2)
        assert (status["runs"][0]["id"], status["runs"][0]["by"]) == (asked["id"], "user:admin")
        assert [one["name"] for one in status["runs"][0]["sources"]] == ["npm"]


def test_without_a_network_the_platform_says_so_once_and_takes_a_signed_bundle(tmp_path: Path) -> None:
    data = tmp_path / "data"
    keys.make(tmp_path / "key")
    outside = tmp_path / "outside.db"
    import_files([write_records(tmp_path / "records.jsonl", advisory("GHSA-1", "CVE-2024-0001"))], outside)
    pack(outside, tmp_path / "advisories.bundle", tmp_path / "key")
    with running_platform(data, "--no-agent") as platform:
        client = platform.client()
        asyncio.run(store(data / "hullguard.db"))
        nowhere = "http://127.0.0.1:1"
        choose(client, mirror=nowhere, kev="", epss="", ecosystems=["npm"])

        status = client.wait("/advisories", lambda now: now["runs"], seconds=120)
        assert (status["runs"][0]["state"], status["database"]) == ("failed", None)
        assert "refused" in status["runs"][0]["sources"][0]["why"]
        log = (data / "logs" / "worker.log").read_text().splitlines()
        assert len([line for line in log if json.loads(line)["level"] == "warning"]) == 1, log

        choose(
            client, enabled=False, trusted_keys=[{"name": "outside", "key": (tmp_path / "key.pub").read_text().strip()}]
        )
        run = upload(client, tmp_path / "advisories.bundle")

        client.wait(f"/images/{IMAGE}/vulnerabilities", lambda page: page["items"])
        status = client.wait("/advisories", lambda now: len(now["runs"]) == 2)
        assert (status["runs"][0]["id"], status["runs"][0]["state"]) == (run["id"], "done")
        assert status["runs"][0]["file"] == "advisories.bundle"
        assert list((data / "incoming").iterdir()) == []
        actions = [one["action"] for one in client.get("/audit?limit=20")["items"]]
        assert {"advisories.settings", "advisories.import", "advisories.import.end"} <= set(actions)
