"""Exceptions and VEX documents over the API."""

import asyncio
import json
from pathlib import Path

import pytest
from tests.support import records
from tests.support.control import SCOPE, Client, Control, control, installation, seed
from tests.support.records import waiting
from tests.unit.worker.test_work import IMAGE as INVENTED
from tests.unit.worker.test_work import INVENTORY, advisory, import_advisories, working

from hullguard.model.identity import Role
from hullguard.storage.stores import Images

__all__ = ["control", "installation"]

SPEC = {"vulnerabilities": ["CVE-2024-0001"], "reason": "not reachable"}
VEX = {
    "@context": "https://openvex.dev/ns/v0.2.0",
    "@id": "https://example.test/vex/1",
    "author": "The makers",
    "timestamp": "2026-02-01T00:00:00Z",
    "version": 1,
    "statements": [
        {
            "vulnerability": {"name": "CVE-2024-0001"},
            "status": "not_affected",
            "products": [{"@id": "pkg:deb/debian/libssl3"}],
            "justification": "component_not_present",
        },
        {"vulnerability": {"name": "CVE-2024-0002"}, "status": "not_affected", "products": [{"@id": "our product"}]},
    ],
}


async def left(control: Control) -> list[str]:
    async with control.storage.reading(SCOPE) as tx:
        return await waiting(tx)


async def records_of(admin: Client) -> list[tuple[str, str]]:
    items = (await admin.get("/audit?limit=500")).json()["items"]
    return [(item["action"], item["reason"]) for item in items if item["action"].startswith(("exception", "vex"))]


async def test_an_exception_is_made_changed_and_taken_back_under_audit(control: Control):
    await seed(control)
    operator = await control.user(Role.OPERATOR)
    made = await operator.post("/exceptions", {"spec": SPEC})
    assert made.status_code == 201, made.text
    assert made.headers["etag"] == '"v1"'
    one = made.json()
    assert (one["state"], one["created_by"], one["findings"]) == ("in_force", "user:operator", 0)
    assert await left(control) == [records.IMAGE]
    assert (await operator.get(f"/exceptions/{one['id']}")).json() == one
    assert (await operator.get("/exceptions?state=in_force&q=reachable")).json()["items"] == [one]

    changed = await operator.put(
        f"/exceptions/{one['id']}", {"spec": SPEC | {"expires": "2026-03-02", "reason": "for a day"}}, if_match='"v1"'
    )
    assert (changed.status_code, changed.json()["version"], changed.headers["etag"]) == (200, 2, '"v2"')
    stale = await operator.put(f"/exceptions/{one['id']}", {"spec": SPEC}, if_match='"v1"')
    assert (stale.status_code, stale.json()["code"]) == (412, "exception.stale")
    assert (await operator.put(f"/exceptions/{one['id']}", {"spec": SPEC})).status_code == 428
    assert (await operator.delete(f"/exceptions/{one['id']}")).status_code == 428
    gone = await operator.delete(f"/exceptions/{one['id']}?reason=fixed", if_match='"v2"')
    assert gone.status_code == 204
    assert (await operator.get(f"/exceptions/{one['id']}")).json()["code"] == "exception.not-found"
    assert await records_of(await control.admin()) == [
        ("exception.delete", "fixed"),
        ("exception.update", "for a day"),
        ("exception.create", "not reachable"),
    ]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"vulnerabilities": []}, "$.spec.vulnerabilities"),
        ({"vulnerabilities": ["CVE-1 "]}, "$.spec.vulnerabilities[0]"),
        ({"vulnerabilities": ["x" * 129]}, "$.spec.vulnerabilities[0]"),
        ({"vulnerabilities": ["CVE-1"] * 101}, "$.spec.vulnerabilities"),
        ({"reason": ""}, "$.spec.reason"),
        ({"reason": "   "}, "$.spec.reason"),
        ({"reason": "two\nlines"}, "$.spec.reason"),
        ({"reason": "x" * 1001}, "$.spec.reason"),
        ({"expires": "2026-02-28"}, "$.spec.expires"),
        ({"expires": "tomorrow"}, "$.spec.expires"),
        ({"status": "wont_fix"}, "$.spec.status"),
        ({"justification": "component_not_present"}, "$.spec.justification"),
        ({"purl": "openssl"}, "$.spec.purl"),
        ({"purl": "pkg:npm/lod%ZZash"}, "$.spec.purl"),
        ({"purl": "pkg:npm/lod%E2%80%8Bash"}, "$.spec.purl"),
        ({"reason": "accepted \u202edetpecca"}, "$.spec.reason"),
        ({"package": "open\u3164ssl"}, "$.spec.package"),
        ({"images": ["ok", "shop\u2066:*"]}, "$.spec.images[1]"),
        ({"images": ["shop\ufe0f:*"]}, "$.spec.images[0]"),
        ({"images": ["shop\u00a0:*"]}, "$.spec.images[0]"),
        ({"images": ["a b"]}, "$.spec.images[0]"),
        ({"images": ["*" * 257]}, "$.spec.images[0]"),
        ({"image_ids": ["nginx"]}, "$.spec.image_ids[0]"),
        ({"until": "2026-12-31"}, "$.spec"),
    ],
)
async def test_what_is_not_an_exception_is_refused_with_its_place(control: Control, change: dict, field: str):
    admin = await control.admin()
    answer = await admin.post("/exceptions", {"spec": SPEC | change})
    asked = await admin.post("/exceptions/preview", {"spec": SPEC | change})

    assert (answer.status_code, answer.json()["field"]) == (422, field), answer.text
    assert "\n" not in answer.json()["detail"]
    for part in ("status", "code", "field", "detail"):
        assert asked.json()[part] == answer.json()[part], asked.text


async def test_who_may_only_read_may_ask_what_one_would_do(control: Control):
    await seed(control)
    viewer = await control.user(Role.VIEWER)
    answer = await viewer.post("/exceptions/preview", {"spec": SPEC | {"images": ["nginx:*"]}})
    assert answer.json() == {"findings": 1, "images": 1, "exact": True, "examples": ["nginx:1.25"]}
    other = await viewer.post("/exceptions/preview", {"spec": SPEC | {"images": ["redis:*"]}})
    assert (other.json()["findings"], other.json()["images"]) == (0, 0)
    assert await left(control) == []
    assert (await viewer.post("/exceptions", {"spec": SPEC})).status_code == 403
    assert (await viewer.get("/exceptions")).json()["total"] == 0


async def test_the_report_and_the_page_of_an_image_say_why(control: Control):
    await seed(control)
    admin = await control.admin()
    one = (await admin.post("/exceptions", {"spec": SPEC})).json()
    async with control.writing() as tx:
        found = await Images(tx).report(records.IMAGE)
        await records.matched(tx, records.IMAGE, records.suppressed(found, one["id"]))
    for path in ("content", "report"):
        (told,) = (await admin.get(f"/images/{records.IMAGE}/{path}")).json()["suppressed"]
        assert (told["by"], told["source"], told["reason"]) == ("exception", one["id"], "not reachable")
    counted = (await admin.get(f"/exceptions/{one['id']}")).json()
    assert (counted["findings"], counted["images"]) == (1, 1)
    assert (await admin.get(f"/images?exception={one['id']}")).json()["total"] == 1
    assert (await admin.get("/images?exception=other")).json()["total"] == 0
    summary = (await admin.get("/images")).json()["items"][0]
    assert sum(summary["vulnerabilities"].values()) == len(records.VULNERABILITIES) - 1


async def test_the_exceptions_are_a_file_for_builds(control: Control):
    admin = await control.admin()
    await admin.post("/exceptions", {"spec": SPEC})
    await admin.post("/exceptions", {"spec": {"vulnerabilities": ["CVE-3"], "reason": "x", "images": ["shop:*"]}})
    everywhere = await admin.get("/exceptions/ignore-file")
    assert everywhere.headers["content-type"].startswith("application/yaml")
    assert "CVE-2024-0001" in everywhere.text
    assert "CVE-3" not in everywhere.text
    assert "CVE-3" in (await admin.get("/exceptions/ignore-file?image=shop:1")).text


async def test_a_document_is_kept_replaced_and_taken_back_under_audit(control: Control):
    await seed(control)
    admin = await control.admin()
    made = await admin.post("/vex-documents", VEX)
    assert made.status_code == 201, made.text
    one = made.json()
    assert (one["statements"], one["unread"]) == (1, 1)
    assert one["head"] == {
        "document": "https://example.test/vex/1",
        "format": "openvex",
        "author": "The makers",
        "issued": "2026-02-01T00:00:00Z",
        "revision": "1",
    }
    assert await left(control) == [records.IMAGE]
    content = await admin.get(f"/vex-documents/{one['id']}/content")
    assert json.loads(content.text) == VEX
    assert content.headers["content-disposition"].startswith("attachment")

    newer = (await admin.post("/vex-documents", VEX | {"timestamp": "2026-02-02T00:00:00Z"})).json()
    assert (await admin.get("/vex-documents")).json()["items"] == [newer]
    older = await admin.post("/vex-documents", VEX)
    assert (older.status_code, older.json()["code"]) == (409, "vex-document.older")
    assert (await admin.delete(f"/vex-documents/{newer['id']}?reason=wrong")).status_code == 204
    assert (await admin.get(f"/vex-documents/{newer['id']}")).status_code == 404
    assert await records_of(admin) == [
        ("vex-document.delete", "wrong"),
        ("vex-document.upload", ""),
        ("vex-document.upload", ""),
    ]


@pytest.mark.parametrize(
    ("content", "status", "says"),
    [
        (b"", 422, "needs a JSON body"),
        (b"{", 400, "JSON"),
        (b"[]", 422, "no VEX document"),
        (b"{}", 422, "neither OpenVEX, CSAF nor CycloneDX"),
        (b"[" * 100_000 + b"]" * 100_000, 422, "nested"),
        (b'{"@context": "https://openvex.dev/ns", "statements": 7}', 422, "$.statements"),
        (b'{"@context": "https://openvex.dev/ns", "statements": [{"status": "x"}]}', 422, "vulnerability"),
        (b"\xff\xfe", 400, "JSON"),
    ],
)
async def test_what_is_no_document_is_refused_in_one_line(control: Control, content: bytes, status: int, says: str):
    answer = await (await control.admin()).post("/vex-documents", content)

    assert answer.status_code == status, answer.text
    assert says in answer.json()["detail"]
    assert "\n" not in answer.json()["detail"]


async def test_from_the_request_to_the_counts_and_back_when_it_ends(control: Control, tmp_path: Path):
    """The whole way: a worker takes what the API kept, and the API answers by what the worker made of it."""
    advisories = tmp_path / "advisories.db"
    import_advisories(advisories, advisory("PYSEC-1", "2.0"))
    async with control.writing() as tx:
        await records.enrolled(tx)
        await Images(tx).present("node-1", [(INVENTED, ["app:1"])])
        await Images(tx).store_inventory(INVENTED, INVENTORY)
    admin = await control.admin()

    async def until(expected: int) -> None:
        for _ in range(400):
            control.clock.forward(seconds=1)
            image = (await admin.get(f"/images/{INVENTED}")).json()
            if image["matched"] and sum(image["vulnerabilities"].values()) == expected:
                return
            await asyncio.sleep(0.05)
        raise AssertionError(image)

    async with working(control.storage, control.services.cache, advisories):
        await until(1)
        spec = {"vulnerabilities": ["PYSEC-1"], "reason": "this week", "images": ["app:*"]}
        today = control.clock.now.date().isoformat()
        made = (await admin.post("/exceptions", {"spec": spec | {"expires": today}})).json()
        await until(0)
        (told,) = (await admin.get(f"/images/{INVENTED}/report")).json()["suppressed"]
        assert (told["by"], told["source"], told["until"]) == ("exception", made["id"], today)
        counted = (await admin.get(f"/exceptions/{made['id']}")).json()
        assert (counted["findings"], counted["images"], counted["state"]) == (1, 1, "in_force")

        control.clock.forward(hours=13)  # past midnight, and past the end of the session
        admin = control.client()
        await admin.sign_in("admin")
        await until(1)
        assert (await admin.get(f"/exceptions/{made['id']}")).json()["state"] == "expired"
    assert ("exception.expire", "") in await records_of(admin)


async def test_a_document_that_is_too_large_is_refused(control: Control):
    answer = await (await control.admin()).post("/vex-documents", b'"' + b"x" * (16 << 20) + b'"')

    assert answer.status_code == 413
