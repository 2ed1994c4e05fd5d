"""Lists and details: what they show, what they filter and sort by, and nothing beyond that."""

from datetime import timedelta

import msgspec
import pytest
from tests.support import records
from tests.support.attack import attack
from tests.support.control import Control, control, installation, seed
from tests.support.database import START
from tests.support.events import event

from hullguard.model.event import EventKind
from hullguard.model.identity import Role
from hullguard.model.incident import Incident
from hullguard.model.node import Node, PlacedContainer
from hullguard.model.page import Page
from hullguard.model.report import ReportedPackage, ScanReport
from hullguard.model.view import FoundVulnerability, ImageContent, ImageDetail, ImageSummary, Overview
from hullguard.storage.stores import Incidents

__all__ = ["control", "installation"]

LISTS = (
    "/users",
    "/nodes",
    "/containers",
    "/images",
    f"/images/{records.IMAGE}/vulnerabilities",
    f"/images/{records.IMAGE}/packages",
    "/exceptions",
    "/vex-documents",
    "/incidents",
    "/policies",
    "/profiles",
    "/commands",
    "/audit",
)


async def test_answers_are_the_vocabulary_itself(control: Control):
    await seed(control)
    admin = await control.admin()
    for path, kind in [
        ("/overview", Overview),
        ("/nodes", Page[Node]),
        ("/nodes/node-1", Node),
        ("/containers", Page[PlacedContainer]),
        (f"/containers/{records.container(1).id}", PlacedContainer),
        ("/images", Page[ImageSummary]),
        (f"/images/{records.IMAGE}", ImageDetail),
        (f"/images/{records.IMAGE}/vulnerabilities", Page[FoundVulnerability]),
        (f"/images/{records.IMAGE}/packages", Page[ReportedPackage]),
        (f"/images/{records.IMAGE}/content", ImageContent),
        (f"/images/{records.IMAGE}/report", ScanReport),
        ("/incidents", Page[Incident]),
    ]:
        answer = await admin.get(path)
        assert answer.status_code == 200, path
        decoded = msgspec.json.decode(answer.content, type=kind)
        assert msgspec.json.encode(decoded) == answer.content, path
        assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("path", "total"),
    [
        ("/nodes", 2),
        ("/nodes?state=offline", 1),
        ("/nodes?state=offline,degraded,protected", 2),
        ("/nodes?protection=true", 1),
        ("/nodes?protection=false", 1),
        ("/nodes?online=true", 1),
        ("/nodes?cluster=edge", 1),
        ("/nodes?cluster=", 0),
        ("/nodes?q=ALPH", 1),
        ("/nodes?q=%25", 0),
        ("/nodes?q=_", 0),
        ("/containers?state=running", 1),
        ("/containers?node=node-1", 2),
        ("/containers?node=node-2", 0),
        (f"/containers?image={records.IMAGE}", 2),
        ("/images?running=true", 1),
        ("/images?running=false", 0),
        ("/images?severity=critical,low", 1),
        ("/images?severity=negligible", 0),
        ("/images?fixable=true&scanned=true&node=node-1", 1),
        (f"/images/{records.IMAGE}/vulnerabilities?severity=high", 2),
        (f"/images/{records.IMAGE}/vulnerabilities?fixable=true", 2),
        (f"/images/{records.IMAGE}/vulnerabilities?use=loaded&use=not-seen", 0),
        (f"/images/{records.IMAGE}/vulnerabilities?use=unknown&sort=-priority", 5),
        (f"/images/{records.IMAGE}/vulnerabilities?package=bash", 1),
        (f"/images/{records.IMAGE}/packages?type=deb", 4),
        (f"/images/{records.IMAGE}/packages?type=npm", 0),
        (f"/images/{records.IMAGE}/packages?q=ssl", 1),
        ("/incidents?status=open", 3),
        ("/incidents?status=ignored,resolved", 0),
        ("/incidents?severity=high", 3),
        ("/incidents?rule=container.terminal-shell&node=node-1", 3),
        ("/incidents?since=2026-03-01T12:00:00Z", 3),
        ("/incidents?since=2026-03-01T13:00:00%2B01:00", 3),
        ("/incidents?until=2026-03-01T12:00:00Z", 0),
        ("/audit?action=session.create", 1),
        ("/audit?actor=system", 1),
        ("/audit?q=PASSWORD", 1),
    ],
)
async def test_filters(control: Control, path: str, total: int):
    await seed(control)
    page = (await (await control.admin()).get(path)).json()

    assert page["total"] == total, page
    assert len(page["items"]) == total


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=501",
        "limit=-1",
        "limit=x",
        "limit=1.5",
        "limit=",
        "limit=1&limit=2",
        "cursor=x",
        "cursor=%00",
        "cursor=" + "A" * 3000,
        "stat=offline",
        "tenant=other",
        "id=1",
        "q=" + "x" * 201,
    ],
)
async def test_what_is_no_page_is_refused_by_name(control: Control, query: str):
    admin = await control.admin()
    await seed(control)
    for path in LISTS:
        answer = await admin.get(f"{path}?{query}")
        assert answer.status_code == 422, path
        assert answer.json()["field"] == query.partition("=")[0], path


INJECTIONS = (
    "password_hash",
    "-password_hash",
    "secret_hash",
    "name;DROP TABLE users",
    "name,(SELECT 1)",
    "1",
    "name DESC",
    "'",
    '"',
    "--",
    "name--",
    "users.password_hash",
    "*",
    "name\n",
    "-",
    "--name",
    "__class__",
    "facts",
    "(CASE WHEN 1=1 THEN name ELSE id END)",
)


@pytest.mark.parametrize("path", LISTS)
async def test_only_named_columns_can_be_sorted_by(control: Control, path: str):
    await seed(control)
    admin = await control.admin()
    for sort in INJECTIONS:
        answer = await admin.http.get(f"/api/v1{path}", params={"sort": sort})
        assert (answer.status_code, answer.json()["field"]) == (422, "sort"), sort


@pytest.mark.parametrize("path", LISTS)
async def test_no_text_escapes_the_search(control: Control, path: str):
    await seed(control)
    admin = await control.admin()
    for text in ("' OR 1=1 --", "%", "_", "\\", "$argon2", "'; DELETE FROM users; --", "\U0001f600", "a" * 200):
        answer = await admin.http.get(f"/api/v1{path}", params={"q": text})
        assert answer.status_code == 200, (text, answer.text)
        assert answer.json()["total"] == 0, text
    assert (await admin.http.get(f"/api/v1{path}", params={"q": "a\0b"})).json()["field"] == "q"
    assert (await admin.get("/users")).json()["total"] == 1


async def test_hashes_cannot_be_searched_for(control: Control):
    admin = await control.admin()
    async with control.writing() as tx:
        from hullguard.storage.stores import Users

        credentials = await Users(tx).credentials("admin")
    assert credentials is not None
    for part in (credentials.password_hash[:20], credentials.password_hash[-20:]):
        answer = await admin.http.get("/api/v1/users", params={"q": part})
        assert answer.json()["total"] == 0


async def test_pages_follow_one_another_to_the_end(control: Control):
    async with control.writing() as tx:
        await records.enrolled(tx, "node-1")
        found = [records.observation(number, at=START + timedelta(seconds=number // 3)) for number in range(25)]
        await Incidents(tx).insert("node-1", found, tx.now)
    admin = await control.admin()
    seen: list[str] = []
    cursor = ""
    while True:
        page = (await admin.get(f"/incidents?limit=7{cursor}")).json()
        assert page["total"] == 25
        seen += [item["id"] for item in page["items"]]
        if page["cursor"] is None:
            break
        cursor = f"&cursor={page['cursor']}"

    assert len(seen) == len(set(seen)) == 25
    assert [each.id for each in sorted(found, key=lambda o: (o.at, o.id), reverse=True)] == seen


async def test_an_attack_is_listed_once_and_told_whole(control: Control):
    await seed(control)
    chain = attack(START + timedelta(minutes=1), on="c" * 64)
    async with control.writing() as tx:
        await Incidents(tx).insert("node-1", chain, tx.now)
    admin = await control.admin()
    for rule in {each.rule for each in chain}:
        (listed,) = (await admin.get(f"/incidents?container={'c' * 64}&rule={rule}")).json()["items"]
        assert (listed["observations"], listed["story"]) == (len(chain), None)
        assert listed["severity"] == "critical"
    for seen in chain:
        whole = (await admin.get(f"/incidents/{seen.id}")).json()
        assert whole["id"] == listed["id"]
        assert [step["rule"] for step in whole["story"]["steps"]] == [each.rule for each in chain]
    assert whole["raised"] == [
        {"why": "tactics", "by": 2, "count": 5},
        {"why": "vulnerable", "by": 1, "count": 2},
    ]
    assert {each["package"] for each in whole["story"]["at_stake"]} == {"nginx"}


async def test_rules_are_tried_on_what_was_recorded(control: Control):
    await seed(control)
    chain = attack(START, on="c" * 64)
    happened = event(EventKind.EXEC, lineage=chain[0].lineage, path="/bin/sh", call="execve", result=0, at=START)
    async with control.writing() as tx:
        await Incidents(tx).insert("node-1", chain, tx.now, {chain[0].id: happened})
    viewer = await control.user(Role.VIEWER)
    condition = "evt.type = execve and proc.name = sh"
    own = f"- rule: Any sh\n  desc: x\n  condition: {condition}\n  output: a shell\n  priority: ERROR\n"
    rules = {"pack": False, "files": [{"name": "own.yaml", "content": own}]}
    span = {"since": "2026-03-01T00:00:00Z", "until": "2026-03-02T00:00:00Z"}
    answer = (await viewer.post("/rules/replay", {"rules": rules, **span})).json()
    assert (answer["events"], answer["fired"], answer["left_out"], answer["kept_days"]) == (1, 1, 0, 14)
    (rule,) = answer["rules"]
    assert (rule["rule"], rule["fired"], rule["containers"]) == ("Any sh", 1, 1)
    assert rule["samples"][0]["observation"] == chain[0].id
    none = (await viewer.post("/rules/replay", {"rules": rules, "until": "2026-02-01T00:00:00Z"})).json()
    assert (none["events"], none["first"], none["rules"]) == (0, None, [])
    for body, code in (
        ({"rules": rules, "since": "2026-03-02T00:00:00Z", "until": "2026-03-01T00:00:00Z"}, "rules.replay-span"),
        ({"rules": {"files": [{"name": "own.yaml", "content": "- rule: x"}]}}, "policy.rules-invalid"),
    ):
        refused = await viewer.post("/rules/replay", body)
        assert (refused.status_code, refused.json()["code"]) == (422, code)


async def test_a_cursor_of_another_order_is_refused(control: Control):
    async with control.writing() as tx:
        for number in range(3):
            await records.enrolled(tx, f"n{number}", protection=False)
    admin = await control.admin()
    cursor = (await admin.get("/nodes?limit=1&sort=name")).json()["cursor"]

    answer = await admin.get(f"/nodes?limit=1&sort=-enrolled&cursor={cursor}")
    assert (answer.status_code, answer.json()["code"]) == (422, "list.bad-cursor")


async def test_missing_things_are_404_problems(control: Control):
    admin = await control.admin()
    for path in (
        "/nodes/x",
        "/containers/x",
        "/images/x",
        "/images/x/content",
        "/images/x/report",
        "/images/x/packages",
        "/incidents/x",
        "/policies/x",
        "/policies/x/versions",
        "/commands/x",
        "/nodes/..%2f..%2fetc",
        "/nodes/%00",
        "/nodes/" + "x" * 5000,
    ):
        answer = await admin.get(path)
        assert answer.status_code == 404, path
        assert answer.headers["content-type"] == "application/problem+json"
        assert len(answer.json()["detail"]) < 400


async def test_an_overview_without_matched_images_still_names_the_advisories(control: Control):
    overview = (await (await control.admin()).get("/overview")).json()

    assert overview["advisories_built"] == "2026-02-01T00:00:00Z"
    assert overview["advisories_sources"] == ["Debian:12"]


async def test_the_detectors_say_what_a_policy_may_set(control: Control):
    detectors = (await (await control.admin()).get("/detectors")).json()
    admin = await control.admin()

    assert {"container.terminal-shell", "container.drop-and-execute", "file.read-sensitive"} <= {
        d["id"] for d in detectors
    }
    for detector in detectors:
        defaults = {parameter["name"]: parameter["default"] for parameter in detector["parameters"]}
        spec = {"name": detector["id"], "detectors": {detector["id"]: {"parameters": defaults}}}
        assert (await admin.post("/policies", {"spec": spec})).status_code == 201, detector


async def test_rule_files_are_read_as_a_policy_would(control: Control):
    admin = await control.admin()
    right = (
        "- rule: Netcat\n  desc: d\n  condition: evt.type = execve and proc.name = nc\n  output: o\n  priority: ERROR\n"
    )
    wrong = right.replace("proc.name", "proc.nam").replace("Netcat", "Other")
    spec = {"pack": False, "files": [{"name": "a.yaml", "content": right}, {"name": "b.yaml", "content": wrong}]}
    answer = await admin.post("/rules/check", spec)

    assert answer.status_code == 200
    found = answer.json()
    assert [(rule["name"], rule["severity"], rule["kinds"]) for rule in found["rules"]] == [
        ("Netcat", "high", ["exec"])
    ]
    (problem,) = found["problems"]
    assert (problem["file"], problem["line"], problem["error"]) == ("b.yaml", 3, True)
    assert "did you mean 'proc.name'?" in problem["text"]
    refused = await admin.post("/policies", {"spec": {"name": "own", "rules": spec}})
    assert (refused.status_code, refused.json()["field"]) == (422, "$.spec.rules.files[1].content")
    assert (refused.json()["code"], refused.json()["params"]["line"]) == ("policy.rules-invalid", 3)


async def test_every_rule_that_comes_along_can_be_switched(control: Control):
    admin = await control.admin()
    rules = (await admin.get("/rules")).json()
    off = {rule["name"]: {"enabled": False} for rule in rules}
    kept = await admin.post("/policies", {"spec": {"name": "quiet", "rules": {"settings": off}}})

    assert kept.status_code == 201
    assert kept.json()["spec"]["rules"]["settings"].keys() == off.keys()


async def test_a_damaged_audit_is_reported(control: Control):
    import sqlite3

    admin = await control.admin()
    await control.storage.close()
    database = sqlite3.connect(control.services.settings.scratch / "hullguard.db")
    database.execute("UPDATE audit_records SET actor = 'user:nobody' WHERE sequence = 2")
    database.commit()
    database.close()

    assert (await admin.get("/audit/verification")).json() == {"ok": False, "records": 1, "broken_at": 2}
