"""The advisory database over REST: what is known of it, when it is updated, and files that people bring."""

import gzip
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import msgspec
import pytest
from msgspec import structs
from tests.support.advisories import affected, record, write_records
from tests.support.control import API, Client, Control, control, installation

from hullguard.advisories.addresses import OSV
from hullguard.advisories.bundle import keys
from hullguard.advisories.bundle.pack import pack
from hullguard.advisories.importer import import_files
from hullguard.ctrl.routes import advisories
from hullguard.model.advisory_update import (
    WAITING_MOST,
    AdvisoryDatabase,
    AdvisoryProgress,
    AdvisoryRefusal,
    AdvisorySource,
    RunState,
    SourceReport,
)
from hullguard.model.identity import Role
from hullguard.storage.stores import ADVISORIES_TROUBLE, AdvisoryRuns, Jobs, Settings
from hullguard.storage.stores.advisory_runs import PROGRESS, RUN, SCHEDULE

__all__ = ["control", "installation"]

BUILT = datetime(2026, 1, 1, tzinfo=UTC)
RECORD = record("GHSA-1", affected("npm", "one", {"introduced": "0"}, kind="SEMVER"))


async def settings(client: Client) -> dict:
    return (await client.get("/advisories/settings")).json()["settings"]


async def choose(client: Client, version: int = 1, **changes: object) -> httpx.Response:
    body = {**await settings(client), **changes}
    return await client.put("/advisories/settings", body, if_match=f'"v{version}"')


async def upload(client: Client, content: bytes, name: str = "records.json") -> httpx.Response:
    headers = {"content_type": "application/octet-stream"}
    return await client.call("POST", f"{API}/advisories/import?name={name}", content, **headers)


def waiting(control: Control) -> list[str]:
    """The files that lie in wait for a worker."""
    folder = control.services.settings.incoming
    assert folder is not None
    return [file.name for file in folder.iterdir()] if folder.is_dir() else []


async def keys_of_jobs(control: Control, kind: str) -> set[str]:
    async with control.writing() as tx:
        return await Jobs(tx).live(kind)


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    folder = tmp_path / "outside"
    folder.mkdir()
    keys.make(folder / "key")
    import_files([write_records(folder / "records.jsonl", RECORD)], folder / "db")
    pack(folder / "db", folder / "advisories.bundle", folder / "key")
    return folder / "advisories.bundle"


def trusted(bundle: Path) -> list[dict[str, str]]:
    return [{"name": "outside", "key": bundle.with_name("key.pub").read_text().strip()}]


async def test_a_new_installation_says_that_there_is_none_and_what_is_planned(control: Control) -> None:
    found = (await (await control.user(Role.VIEWER)).get("/advisories")).json()

    assert found["database"] is None
    assert (found["enabled"], found["every_hours"], found["next_due"]) == (True, 24, None)
    assert (found["run"], found["runs"], found["trouble"], found["progress"]) == (None, [], None, None)
    assert (await settings(await control.admin()))["mirror"] == OSV


async def test_what_is_known_is_told_source_by_source_with_what_was_refused(control: Control) -> None:
    refusal = AdvisoryRefusal("all.zip, GHSA-9.json", "its modified is no instant")
    async with control.writing() as tx:
        runs = AdvisoryRuns(tx)
        await runs.know(AdvisoryDatabase(BUILT, BUILT.date(), 7, 4096, (AdvisorySource("npm", 3, updated=BUILT),)))
        run = await runs.update("system")
        report = SourceReport("npm", "whole", 3, refused=1, refusals=(refusal,))
        done = structs.replace(await runs.begin(run.id), state=RunState.PARTIAL, refused=1, sources=(report,))
        await runs.finish(done, tx.now + timedelta(hours=1))
        await Settings(tx).set(ADVISORIES_TROUBLE, "it is damaged")

    found = (await (await control.admin()).get("/advisories")).json()

    assert found["trouble"] == "it is damaged"
    assert (found["database"]["generation"], found["database"]["size"]) == (7, 4096)
    (source,) = found["database"]["sources"]
    assert (source["name"], source["records"], source["report"]["refused"]) == ("npm", 3, 1)
    assert source["report"]["refusals"] == [{"where": "all.zip, GHSA-9.json", "why": "its modified is no instant"}]
    assert [one["state"] for one in found["runs"]] == ["partial"]
    assert found["next_due"] is not None


async def test_an_update_is_asked_for_once_and_audited(control: Control) -> None:
    operator = await control.user(Role.OPERATOR)

    first, second = [(await operator.post("/advisories/update")) for _ in range(2)]

    assert (first.status_code, second.status_code) == (202, 202)
    assert first.json()["id"] == second.json()["id"]
    assert first.json()["by"] == "user:operator"
    assert await keys_of_jobs(control, RUN) == {first.json()["id"]}
    status = (await operator.get("/advisories")).json()
    assert (status["run"]["state"], status["waiting"], status["progress"]) == ("queued", 0, None)
    audited = (await (await control.admin()).get("/audit?limit=5")).json()["items"]
    assert [one["action"] for one in audited if one["subject"].startswith("advisories:")] == ["advisories.update"] * 2


async def test_how_far_it_is_is_told_while_it_is_under_way(control: Control) -> None:
    admin = await control.admin()
    run = (await admin.post("/advisories/update")).json()
    progress = AdvisoryProgress("fetching", "npm", 2, 5, 1000)
    await control.services.cache.set(PROGRESS, msgspec.msgpack.encode(progress), 60)
    assert (await admin.get("/advisories")).json()["progress"] is None

    async with control.writing() as tx:
        await AdvisoryRuns(tx).begin(run["id"])

    assert (await admin.get("/advisories")).json()["progress"] == msgspec.to_builtins(progress)
    await control.services.cache.set(PROGRESS, b"\xc1", 60)
    assert (await admin.get("/advisories")).json()["progress"] is None


async def test_settings_are_versioned_and_acted_on_at_once(control: Control) -> None:
    admin = await control.admin()

    made = await choose(admin, mirror="https://mirror.example/osv", every_hours=6, ecosystems=["Debian:12", "npm"])

    assert (made.status_code, made.headers["etag"]) == (200, '"v2"')
    assert made.json()["settings"]["ecosystems"] == ["Debian", "npm"]
    assert await keys_of_jobs(control, SCHEDULE) == {""}
    due = (await admin.get("/advisories")).json()["next_due"]
    assert datetime.fromisoformat(due) <= control.clock()
    stale = await choose(admin, every_hours=5)
    assert (stale.status_code, stale.json()["code"]) == (412, "advisories.stale")
    assert (await admin.put("/advisories/settings", made.json()["settings"])).status_code == 428
    off = await choose(admin, 2, enabled=False)
    assert off.status_code == 200
    assert (await admin.get("/advisories")).json()["next_due"] is None


async def test_another_rhythm_counts_from_the_last_update(control: Control) -> None:
    async with control.writing() as tx:
        runs = AdvisoryRuns(tx)
        run = await runs.begin((await runs.update("system")).id)
        ended = await runs.finish(structs.replace(run, state=RunState.DONE), tx.now + timedelta(hours=24))
    admin = await control.admin()

    await choose(admin, every_hours=12)

    due = datetime.fromisoformat((await admin.get("/advisories")).json()["next_due"])
    assert ended.finished is not None
    assert due == ended.finished + timedelta(hours=12)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"mirror": ""}, "$.mirror"),
        ({"mirror": "ftp://mirror.example"}, "$.mirror"),
        ({"kev": "file:///etc/passwd"}, "$.kev"),
        ({"epss": "https://user:secret@mirror.example/epss"}, "$.epss"),
        ({"mirror": "http://169.254.169.254/"}, "$.mirror"),
        ({"kev": "http://2852039166/kev.json"}, "$.kev"),
        ({"ecosystems": ["npm", "../../etc"]}, "$.ecosystems[1]"),
        ({"every_hours": 0}, "$.every_hours"),
        ({"trusted_keys": [{"name": "x", "key": "abc"}]}, "$.trusted_keys[0].key"),
        ({"unheard": 1}, "$"),
    ],
)
async def test_settings_that_cannot_be_are_refused_by_name(control: Control, changes: dict, field: str) -> None:
    answer = await choose(await control.admin(), **changes)

    assert answer.status_code == 422, answer.text
    assert answer.json()["field"] == field
    assert "secret" not in answer.json()["detail"]


async def test_what_people_may_do(control: Control) -> None:
    operator, auditor = await control.user(Role.OPERATOR), await control.user(Role.AUDITOR)

    assert (await choose(operator)).status_code == 403
    assert (await upload(operator, b"{}")).status_code == 403
    assert (await auditor.post("/advisories/update")).status_code == 403
    assert (await auditor.get("/advisories")).status_code == 200


@pytest.mark.parametrize("packing", [bytes, gzip.compress], ids=["plain", "gzip"])
async def test_a_file_waits_for_a_worker_under_the_runs_id(control: Control, packing) -> None:
    answer = await upload(await control.admin(), packing(json.dumps(RECORD).encode()), "debian%20of%20today.json")

    assert answer.status_code == 202, answer.text
    run = answer.json()
    assert (run["kind"], run["file"], run["state"]) == ("import", "debian of today.json", "queued")
    assert waiting(control) == [run["id"]]
    assert await keys_of_jobs(control, RUN) == {run["id"]}


async def test_a_bundle_that_a_trusted_key_signed_is_taken(control: Control, bundle: Path) -> None:
    admin = await control.admin()
    await choose(admin, trusted_keys=trusted(bundle))

    answer = await upload(admin, bundle.read_bytes(), "advisories.bundle")

    assert answer.status_code == 202, answer.text
    assert waiting(control) == [answer.json()["id"]]


async def refused(control: Control, content: bytes, code: str, name: str = "file") -> str:
    answer = await upload(await control.admin(), content, name)
    assert (answer.status_code, answer.json()["code"]) == (422, code), answer.text
    assert waiting(control) == []
    assert (await (await control.admin()).get("/advisories")).json()["run"] is None
    return str(answer.json()["detail"])


async def test_a_bundle_of_nobody_who_is_trusted_is_refused(control: Control, bundle: Path, tmp_path: Path) -> None:
    detail = await refused(control, bundle.read_bytes(), "bundle.no-key", "a.bundle")
    assert detail.startswith("a.bundle is a bundle")

    keys.make(tmp_path / "other")
    other = [{"name": "other", "key": (tmp_path / "other.pub").read_text().strip()}]
    await choose(await control.admin(), trusted_keys=other)
    detail = await refused(control, bundle.read_bytes(), "bundle.signature-wrong", "a.bundle")
    assert detail.startswith("a.bundle is signed by none")


async def test_a_bundle_that_is_cut_off_is_refused(control: Control, bundle: Path) -> None:
    await choose(await control.admin(), trusted_keys=trusted(bundle))

    detail = await refused(control, bundle.read_bytes()[:-30], "bundle.malformed", "a.bundle")

    assert detail.startswith("a.bundle is no bundle that can be used")


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"#!/bin/sh\necho this is no advisory\n", "advisories.strange"),
        (gzip.compress(b"neither is this"), "advisories.strange"),
        (gzip.compress(json.dumps(RECORD).encode())[:12], "advisories.damaged"),
        (b"\x1f\x8b\x08\x00garbage garbage garbage", "advisories.damaged"),
        (b"PK\x03\x04" + bytes(200), "advisories.damaged"),
    ],
    ids=["script", "packed text", "cut off", "no gzip", "no zip"],
)
async def test_what_is_no_file_of_advisories_is_refused(control: Control, content: bytes, code: str) -> None:
    assert (await refused(control, content, code, "odd.bin")).startswith("odd.bin is ")


async def test_an_empty_file_and_another_type_are_refused(control: Control) -> None:
    admin = await control.admin()

    assert (await upload(admin, b"")).json()["code"] == "body-missing"
    wrong = await admin.call("POST", f"{API}/advisories/import", b"{}", content_type="application/json")
    assert (wrong.status_code, wrong.json()["code"]) == (415, "media-type")
    assert waiting(control) == []


async def test_a_file_that_is_too_large_is_refused_before_it_is_read(control: Control) -> None:
    sent = 0

    async def body() -> AsyncIterator[bytes]:
        nonlocal sent
        for _ in range(100):
            sent += 1
            yield bytes(1 << 16)

    admin = await control.admin()
    headers = {"content-type": "application/octet-stream", "content-length": str(advisories.UPLOAD_MAX + 1)}
    answer = await admin.http.post(f"{API}/advisories/import", content=body(), headers=headers)

    assert (answer.status_code, answer.json()["code"]) == (413, "body-too-large")
    assert waiting(control) == []


async def test_where_there_is_no_room_that_is_said(control: Control, monkeypatch: pytest.MonkeyPatch) -> None:
    full = advisories.shutil.disk_usage("/")._replace(free=0)
    monkeypatch.setattr(advisories.shutil, "disk_usage", lambda _: full)

    answer = await upload(await control.admin(), json.dumps(RECORD).encode())

    assert (answer.status_code, answer.json()["code"]) == (503, "upload-not-kept")
    assert "No space left" in answer.json()["detail"]


async def test_files_do_not_pile_up(control: Control) -> None:
    admin = await control.admin()
    for _ in range(WAITING_MOST):
        assert (await upload(admin, json.dumps(RECORD).encode())).status_code == 202

    answer = await upload(admin, json.dumps(RECORD).encode())

    assert (answer.status_code, answer.json()["code"]) == (429, "upload-busy")
    assert len(waiting(control)) == WAITING_MOST


async def test_one_upload_at_a_time(control: Control) -> None:
    admin = await control.admin()
    async with control.app.state.uploading_advisories:
        answer = await upload(admin, json.dumps(RECORD).encode())

    assert (answer.status_code, answer.json()["code"]) == (429, "upload-busy")
