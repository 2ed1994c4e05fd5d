"""What people change: users, nodes, quota, incidents, policies, commands, enrolment tokens."""

import asyncio

import msgspec
import pytest
from tests.support import records
from tests.support.control import PIN, Client, Control, control, installation, seed

from hullguard.access import enrolment
from hullguard.model.command import CommandState
from hullguard.model.identity import Role
from hullguard.model.incident import PolicyRef
from hullguard.model.policy import Action
from hullguard.storage.stores import Commands, Containers, Incidents, Policies
from hullguard.wire.enrolment import parse_token
from hullguard.wire.violation import Code, Violation

__all__ = ["control", "installation"]

SPEC = {"name": "web", "detectors": {"file.read-sensitive": {"parameters": {"paths": ["/etc/shadow"]}}}}


async def actions(admin: Client) -> list[tuple[str, str]]:
    items = (await admin.get("/audit?limit=500")).json()["items"]
    return [(item["action"], item["subject"]) for item in items]


# --- users


async def test_a_user_is_made_changed_and_removed_under_audit(control: Control):
    admin = await control.admin()
    made = await admin.post("/users", {"name": "bob", "role": "viewer"})
    user = made.json()["user"]
    assert user["must_change_password"] is True
    assert len(made.json()["one_time_password"]) >= 20
    changed = await admin.patch(f"/users/{user['id']}", {"role": "operator"})
    assert changed.json()["user"]["role"] == "operator"
    assert changed.json()["one_time_password"] is None
    reset = await admin.patch(f"/users/{user['id']}", {"reset_password": True})
    assert reset.json()["one_time_password"] not in {None, made.json()["one_time_password"]}
    assert (await admin.delete(f"/users/{user['id']}")).status_code == 204
    assert (await actions(admin))[:4] == [
        ("user.delete", "user:bob"),
        ("user.update", "user:bob"),
        ("user.update", "user:bob"),
        ("user.create", "user:bob"),
    ]


async def test_a_name_is_taken_once(control: Control):
    admin = await control.admin()
    await admin.post("/users", {"name": "bob", "role": "viewer"})
    answer = await admin.post("/users", {"name": "bob", "role": "admin"})

    assert (answer.status_code, answer.json()["code"]) == (409, "user.name-taken")


@pytest.mark.parametrize("name", ["", ".", "..", "../x", "Bob", "a b", "a\nb", "a\0b", "é", "x" * 65, "-a", "bob\n"])
async def test_names_are_plain(control: Control, name: str):
    answer = await (await control.admin()).post("/users", {"name": name, "role": "viewer"})

    assert (answer.status_code, answer.json()["field"]) == (422, "$.name")


EXTRA = [
    "id",
    "tenant",
    "is_admin",
    "password",
    "password_hash",
    "disabled",
    "must_change_password",
    "permissions",
    "__class__",
]


@pytest.mark.parametrize("field", EXTRA)
async def test_nothing_else_can_be_assigned(control: Control, field: str):
    admin = await control.admin()
    for value in (None, "", 0, False, [], "admin", True):
        answer = await admin.post("/users", {"name": "bob", "role": "viewer", field: value})
        assert (answer.status_code, answer.json()["code"]) == (422, "field-invalid"), value


@pytest.mark.parametrize(
    "body",
    [
        {"role": None},
        {"role": ""},
        {"role": 0},
        {"role": []},
        {"role": "root"},
        {"disabled": None},
        {"disabled": 0},
        {"disabled": ""},
        {"disabled": "false"},
        {"reset_password": None},
        {"reset_password": 1},
        {},
        {"reset_password": False},
        {"name": "x"},
        {"password": "x"},
    ],
)
async def test_falsy_and_foreign_values_change_no_user(control: Control, body):
    admin = await control.admin()
    user = (await admin.post("/users", {"name": "bob", "role": "viewer"})).json()["user"]
    answer = await admin.patch(f"/users/{user['id']}", body)

    assert answer.status_code == 422
    assert user in (await admin.get("/users")).json()["items"]


async def test_administrators_cannot_lock_everybody_out(control: Control):
    admin = await control.admin()
    me = (await admin.get("/sessions/current")).json()["user"]["id"]
    for change in ({"role": "viewer"}, {"disabled": True}, {"reset_password": True}):
        answer = await admin.patch(f"/users/{me}", change)
        assert (answer.status_code, answer.json()["code"]) == (409, "user.self")
    assert (await admin.delete(f"/users/{me}")).json()["code"] == "user.self"

    token = await control.token(admin)
    assert (await token.delete(f"/users/{me}")).json()["code"] == "user.self"
    second = await control.user(Role.ADMIN, "second")
    assert (await second.patch(f"/users/{me}", {"disabled": True})).status_code == 200
    other = (await second.get("/sessions/current")).json()["user"]["id"]
    assert (await second.delete(f"/users/{other}")).json()["code"] == "user.self"


async def test_the_last_administrator_stays(control: Control):
    admin = await control.admin()
    second = await control.user(Role.ADMIN, "second")
    ids = {user["name"]: user["id"] for user in (await admin.get("/users")).json()["items"]}
    removals = await asyncio.gather(
        admin.delete(f"/users/{ids['second']}"), second.delete(f"/users/{ids['admin']}"), return_exceptions=True
    )

    assert sorted(answer.status_code for answer in removals) in ([204, 401], [204, 409])
    survivor = admin if removals[0].status_code == 204 else second
    assert (await survivor.get("/users")).json()["total"] == 1


# --- nodes and quota


async def test_protection_takes_a_unit_and_gives_it_back(control: Control):
    await seed(control)
    admin = await control.admin()
    assert (await admin.get("/quota")).json() == {"total": 10, "used": 1}
    on = await admin.put("/nodes/node-2/protection", {"on": True, "reason": "goes live"})
    assert on.json()["protection"] is True
    assert (await admin.get("/quota")).json()["used"] == 2
    again = await admin.put("/nodes/node-2/protection", {"on": True, "reason": "goes live"})
    assert again.status_code == 200
    assert (await admin.get("/quota")).json()["used"] == 2
    await admin.put("/nodes/node-2/protection", {"on": False, "reason": "maintenance"})
    assert (await admin.get("/quota")).json()["used"] == 1

    records_of_node = (await admin.get("/audit?subject=node:node-2")).json()["items"]
    assert [(r["action"], r["reason"]) for r in records_of_node] == [
        ("node.unprotect", "maintenance"),
        ("node.protect", "goes live"),
    ]


async def test_an_exhausted_quota_is_said_and_nothing_changes(control: Control):
    await seed(control)
    admin = await control.admin()
    assert (await admin.put("/quota", {"total": 0})).status_code == 409
    await admin.put("/quota", {"total": 1})
    answer = await admin.put("/nodes/node-2/protection", {"on": True, "reason": "x"})

    assert (answer.status_code, answer.json()["code"], answer.json()["params"]) == (
        409,
        "quota-exhausted",
        {"total": 1},
    )
    assert (await admin.get("/nodes/node-2")).json()["protection"] is False
    assert (await admin.get("/audit?subject=node:node-2")).json()["total"] == 0


async def test_the_last_unit_is_taken_once_however_many_ask(control: Control):
    async with control.writing() as tx:
        for number in range(6):
            await records.enrolled(tx, f"n{number}", protection=False)
    admin = await control.admin()
    await admin.put("/quota", {"total": 2})
    answers = await asyncio.gather(
        *(admin.put(f"/nodes/n{number}/protection", {"on": True, "reason": "x"}) for number in range(6))
    )

    assert sorted(answer.status_code for answer in answers) == [200] * 2 + [409] * 4
    assert (await admin.get("/quota")).json() == {"total": 2, "used": 2}


@pytest.mark.parametrize(
    "body",
    [
        {"on": "true", "reason": "x"},
        {"on": 1, "reason": "x"},
        {"on": None, "reason": "x"},
        {"on": True},
        {"on": True, "reason": ""},
        {"on": True, "reason": "  "},
        {"on": True, "reason": None},
        {"on": True, "reason": "x" * 501},
        {"on": True, "reason": "x", "node": "node-1"},
    ],
)
async def test_protection_is_asked_for_exactly(control: Control, body):
    await seed(control)
    assert (await (await control.admin()).put("/nodes/node-2/protection", body)).status_code == 422


@pytest.mark.parametrize("total", [-1, 1_000_001, "5", None, True, 1.5, []])
async def test_a_quota_is_a_number(control: Control, total):
    assert (await (await control.admin()).put("/quota", {"total": total})).status_code == 422


async def test_a_removed_node_is_gone_and_its_unit_is_free(control: Control):
    await seed(control)
    admin = await control.admin()
    assert (await admin.delete("/nodes/node-1")).status_code == 422
    assert (await admin.delete("/nodes/node-1?reason=")).status_code == 422
    assert (await admin.delete("/nodes/node-1?reason=scrapped")).status_code == 204

    assert (await admin.get("/nodes/node-1")).status_code == 404
    assert (await admin.delete("/nodes/node-1?reason=again")).status_code == 404
    assert (await admin.get("/quota")).json()["used"] == 0
    assert (await admin.get("/audit?action=node.remove")).json()["items"][0]["reason"] == "scrapped"


# --- incidents


async def test_an_incident_is_handled_with_a_note_and_only_as_allowed(control: Control):
    await seed(control)
    operator = await control.user(Role.OPERATOR)
    incident = (await operator.get("/incidents")).json()["items"][0]
    assert incident["allowed"] == ["ignored", "resolved"]
    handled = (
        await operator.post(f"/incidents/{incident['id']}/handle", {"status": "resolved", "note": "ours"})
    ).json()
    assert (handled["status"], handled["handled_by"], handled["note"]) == ("resolved", "user:operator", "ours")
    refused = await operator.post(f"/incidents/{incident['id']}/handle", {"status": "ignored"})
    assert (refused.status_code, refused.json()["code"]) == (409, "incident.transition")
    assert (await operator.post(f"/incidents/{incident['id']}/handle", {"status": "open"})).status_code == 200

    found = (await (await control.admin()).get(f"/audit?subject=incident:{incident['id']}")).json()["items"]
    assert [record["details"]["status"] for record in found] == ["open", "resolved"]


# --- policies


async def test_a_policy_s_life(control: Control):
    operator = await control.user(Role.OPERATOR)
    made = await operator.post("/policies", {"spec": SPEC, "comment": "first"})
    policy = made.json()
    assert (made.status_code, made.headers["etag"], policy["version"]) == (201, '"v1"', 1)
    path = f"/policies/{policy['id']}"
    assert (await operator.get(path)).headers["etag"] == '"v1"'
    second = await operator.put(path, {"spec": {**SPEC, "enabled": False}}, if_match='"v1"')
    assert (second.status_code, second.headers["etag"]) == (200, '"v2"')
    assert second.json()["changed_by"] == "user:operator"
    versions = (await operator.get(f"{path}/versions")).json()
    assert [version["version"] for version in versions["items"]] == [2, 1]
    assert (await operator.get(f"{path}/versions/1")).json()["spec"]["enabled"] is True
    assert (await operator.get(f"{path}/versions/3")).status_code == 404
    assert (await operator.delete(path, if_match='"v2"')).status_code == 204
    assert (await operator.get(path)).status_code == 404
    assert (await actions(await control.admin()))[:3] == [
        (f"policy.{verb}", f"policy:{policy['id']}") for verb in ("delete", "update", "create")
    ]


async def test_nobody_overwrites_a_version_unseen(control: Control):
    admin = await control.admin()
    path = f"/policies/{(await admin.post('/policies', {'spec': SPEC})).json()['id']}"

    for call in (admin.put(path, {"spec": SPEC}), admin.delete(path)):
        answer = await call
        assert (answer.status_code, answer.json()["code"]) == (428, "if-match-missing")
    for etag in ("*", "v1", '"v0"', '"1"', 'W/"v1"', '"v1", "v2"', '"v99999999999999999999"', ""):
        answer = await admin.put(path, {"spec": SPEC}, if_match=etag)
        assert (answer.status_code, answer.json()["field"]) == (422, "If-Match"), etag
    answers = await asyncio.gather(
        *(admin.put(path, {"spec": SPEC, "comment": str(n)}, if_match='"v1"') for n in range(5))
    )
    assert sorted(answer.status_code for answer in answers) == [200] + [412] * 4
    stale = next(answer for answer in answers if answer.status_code == 412).json()
    assert (stale["code"], stale["params"]) == ("policy.stale", {"version": 2})
    assert (await admin.delete(path, if_match='"v1"')).status_code == 412


async def test_a_policy_is_simulated_then_a_canary_then_enforced_and_rolled_back(control: Control):
    admin = await control.admin()
    made = (await admin.post("/policies", {"spec": {**SPEC, "rollout": {"mode": "simulate"}}})).json()
    path = f"/policies/{made['id']}"
    refused = await admin.post(f"{path}/roll-back", {}, if_match='"v1"')
    assert (refused.status_code, refused.json()["code"]) == (409, "policy.first-version")
    canary = {"mode": "canary", "canary_nodes": ["node-1"], "canary_percent": 10}
    await admin.put(path, {"spec": {**SPEC, "rollout": canary}}, if_match='"v1"')
    third = await admin.put(path, {"spec": {**SPEC, "rollout": {"mode": "enforce"}}}, if_match='"v2"')
    assert third.json()["spec"]["rollout"]["automatic"] is True

    assert (await admin.post(f"{path}/roll-back", {})).status_code == 428
    assert (await admin.post(f"{path}/roll-back", {}, if_match='"v2"')).status_code == 412
    back = await admin.post(f"{path}/roll-back", {"comment": "the till stopped"}, if_match='"v3"')
    assert (back.status_code, back.headers["etag"]) == (200, '"v4"')
    assert back.json()["spec"]["rollout"] | canary == back.json()["spec"]["rollout"]
    assert back.json()["comment"] == "the till stopped"
    record = (await admin.get("/audit?action=policy.roll-back")).json()["items"][0]
    assert (record["subject"], record["reason"], record["details"]) == (
        f"policy:{made['id']}",
        "the till stopped",
        {"version": "4"},
    )
    assert (await admin.post("/policies/none/roll-back", {}, if_match='"v1"')).status_code == 404


async def test_what_a_simulated_policy_would_have_stopped_is_counted_and_listed(control: Control):
    await seed(control)
    admin = await control.admin()
    made = (await admin.post("/policies", {"spec": {**SPEC, "rollout": {"mode": "simulate"}}})).json()
    told = msgspec.structs.replace(
        records.observation(77, rule="file.read-sensitive"), policy=PolicyRef(made["id"], 1), would=Action.DENY
    )
    async with control.writing() as tx:
        await Incidents(tx).insert("node-1", [told], tx.now)
    viewer = await control.user(Role.VIEWER)
    found = (await viewer.get(f"/policies/{made['id']}/simulation")).json()
    assert (found["containers"], found["deeds"], found["since_version"]) == (1, 1, 1)
    assert (found["groups"][0]["rule"], found["groups"][0]["would"]) == ("file.read-sensitive", "deny")
    listed = (await viewer.get(f"/incidents?simulated_by={made['id']}")).json()
    assert [(item["id"], item["would"]) for item in listed["items"]] == [(told.id, "deny")]
    assert (await viewer.get("/policies/none/simulation")).status_code == 404


@pytest.mark.parametrize(
    ("rollout", "field", "code"),
    [
        ({"mode": "canary"}, "$.spec.rollout.canary_nodes", "policy.canary-empty"),
        ({"mode": "later"}, "$.spec.rollout.mode", "field-invalid"),
        ({"mode": "canary", "canary_percent": 100}, "$.spec.rollout.canary_percent", "field-invalid"),
        ({"watch_minutes": 0}, "$.spec.rollout.watch_minutes", "field-invalid"),
        ({"tolerated_exits": -1}, "$.spec.rollout.tolerated_exits", "field-invalid"),
        ({"canary_nodes": [""]}, "$.spec.rollout.canary_nodes[0]", "field-invalid"),
        ({"nodes": []}, "$.spec.rollout", "field-invalid"),
    ],
)
async def test_a_wrong_rollout_is_refused_by_field(control: Control, rollout, field, code):
    answer = await (await control.admin()).post("/policies", {"spec": {**SPEC, "rollout": rollout}})

    assert (answer.status_code, answer.json()["field"], answer.json()["code"]) == (422, field, code)


@pytest.mark.parametrize(
    ("detectors", "field", "code"),
    [
        ({"no.such": {}}, "$.spec.detectors['no.such']", "policy.detector-unknown"),
        (
            {"file.read-sensitive": {"parameters": {"pathz": ["/x"]}}},
            "$.spec.detectors['file.read-sensitive'].parameters.pathz",
            "policy.parameter-unknown",
        ),
        ({"file.read-sensitive": {"enabled": "false"}}, "$.spec.detectors[...].enabled", "field-invalid"),
        ({"file.read-sensitive": {"action": "explode"}}, "$.spec.detectors[...].action", "field-invalid"),
        ({"file.read-sensitive": {"run": "id"}}, "$.spec.detectors[...]", "field-invalid"),
    ],
)
async def test_a_wrong_policy_is_refused_by_field(control: Control, detectors, field, code):
    answer = await (await control.admin()).post("/policies", {"spec": {**SPEC, "detectors": detectors}})

    assert (answer.status_code, answer.json()["field"], answer.json()["code"]) == (422, field, code)


async def test_a_relative_path_is_refused_by_field(control: Control):
    wrong = {"file.read-sensitive": {"parameters": {"paths": ["/ok", "etc/../shadow"]}}}
    answer = await (await control.admin()).post("/policies", {"spec": {**SPEC, "detectors": wrong}})

    assert answer.status_code == 422
    assert answer.json()["field"].startswith("$.spec.detectors['file.read-sensitive'].parameters.paths")


async def test_the_built_in_policy_can_be_changed_and_not_deleted(control: Control):
    from hullguard.detect import default_policy

    async with control.writing() as tx:
        made = await Policies(tx).create(default_policy(), "system", built_in=True)
    admin = await control.admin()
    refused = await admin.delete(f"/policies/{made.id}", if_match='"v1"')

    assert (refused.status_code, refused.json()["code"]) == (409, "policy.built-in")
    body = {"spec": msgspec.to_builtins(made.spec) | {"description": "ours"}}
    assert (await admin.put(f"/policies/{made.id}", body, if_match='"v1"')).status_code == 200


async def test_what_a_protected_node_should_run_follows_the_policies(control: Control):
    await seed(control)
    admin = await control.admin()
    before = (await admin.get("/nodes/node-1")).json()["wanted"]
    await admin.post("/policies", {"spec": {**SPEC, "binding": {"nodes": ["node-1"]}}})
    after = (await admin.get("/nodes/node-1")).json()["wanted"]

    assert after["hash"] != before["hash"]


# --- commands


async def test_a_command_waits_for_its_node(control: Control):
    await seed(control)
    operator = await control.user(Role.OPERATOR)
    made = await operator.post(
        "/commands", {"node": "node-1", "kind": "scan_now", "parameters": {"image": "nginx", "again": True}}
    )
    command = made.json()
    assert (made.status_code, command["state"], command["created_by"]) == (201, "queued", "user:operator")
    async with control.writing() as tx:
        assert [each.id for each in await Commands(tx).for_node("node-1")] == [command["id"]]
    assert (await operator.get(f"/commands/{command['id']}")).json() == command
    cancelled = await operator.delete(f"/commands/{command['id']}")
    assert (cancelled.status_code, cancelled.json()["state"]) == (200, "cancelled")
    again = await operator.delete(f"/commands/{command['id']}")
    assert (again.status_code, again.json()["code"]) == (409, "command.final")


async def test_the_same_key_makes_one_command(control: Control):
    await seed(control)
    admin = await control.admin()
    body = {"node": "node-1", "kind": "detect_now"}
    answers = await asyncio.gather(*(admin.post("/commands", body, idempotency_key="k1") for _ in range(5)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert (await admin.get("/commands")).json()["total"] == 1

    async with control.writing() as tx:
        await Commands(tx).finish(answers[0].json()["id"], CommandState.DONE, {})
    assert (await admin.post("/commands", body, idempotency_key="k1")).json()["state"] == "done"
    other = await admin.post("/commands", body | {"deadline_seconds": 60}, idempotency_key="k1")
    assert (other.status_code, other.json()["code"], other.json()["field"]) == (
        422,
        "idempotency.reused",
        "Idempotency-Key",
    )
    operator = await control.user(Role.OPERATOR)
    assert (await operator.post("/commands", body, idempotency_key="k1")).json()["id"] != answers[0].json()["id"]
    assert (await admin.post("/commands", body)).json()["id"] != (await admin.post("/commands", body)).json()["id"]


@pytest.mark.parametrize("key", ["", "x" * 256])
async def test_a_key_has_a_size(control: Control, key: str):
    await seed(control)
    answer = await (await control.admin()).post(
        "/commands", {"node": "node-1", "kind": "detect_now"}, idempotency_key=key
    )

    assert (answer.status_code, answer.json()["field"]) == (422, "Idempotency-Key")


@pytest.mark.parametrize(
    ("change", "status", "field"),
    [
        ({"node": "no-such"}, 404, None),
        ({"node": ""}, 422, "$.node"),
        ({"kind": "run_shell"}, 422, "$.kind"),
        ({"parameters": {"command": "id"}}, 422, "$.parameters"),
        ({"parameters": {"image": 7}}, 422, "$.parameters.image"),
        ({"parameters": {"again": "yes"}}, 422, "$.parameters.again"),
        ({"kind": "update_agent"}, 422, "$.parameters"),
        ({"kind": "update_agent", "parameters": {"sha256": "../../x"}}, 422, "$.parameters.sha256"),
        ({"kind": "update_agent", "parameters": {"sha256": "a" * 64}}, 422, "$.parameters.sha256"),
        ({"kind": "update_agent", "parameters": {"url": "http://x"}}, 422, "$.parameters"),
        ({"kind": "detect_now", "parameters": {"image": "x"}}, 422, "$.parameters"),
        ({"deadline_seconds": 0}, 422, "$.deadline_seconds"),
        ({"deadline_seconds": 10**9}, 422, "$.deadline_seconds"),
        ({"state": "done"}, 422, "$"),
        ({"created_by": "user:admin"}, 422, "$"),
    ],
)
async def test_a_command_is_what_an_agent_understands(control: Control, change, status, field):
    await seed(control)
    answer = await (await control.admin()).post("/commands", {"node": "node-1", "kind": "scan_now", **change})

    assert (answer.status_code, answer.json().get("field")) == (status, field)


# --- responses: commands about one container


CONTAINER, STOPPED = records.container(1).id, records.container(2).id


async def test_a_response_says_what_it_is_about_and_why(control: Control):
    await seed(control)
    operator = await control.user(Role.OPERATOR)
    incident = (await operator.get("/incidents")).json()["items"][0]["id"]
    body = {"node": "node-1", "kind": "pause_container", "parameters": {"container": CONTAINER}}
    made = (await operator.post("/commands", {**body, "incident": incident, "reason": "looks odd"})).json()
    assert (made["container"], made["incident"], made["reason"]) == (CONTAINER, incident, "looks odd")
    for query in (f"container={CONTAINER}", f"incident={incident}"):
        assert [each["id"] for each in (await operator.get(f"/commands?{query}")).json()["items"]] == [made["id"]]
    assert (await operator.get(f"/commands?container={STOPPED}")).json()["total"] == 0
    (kept,) = (await (await control.admin()).get(f"/audit?subject=command:{made['id']}")).json()["items"]
    assert (kept["reason"], kept["details"]["container"]) == ("looks odd", CONTAINER)


async def test_a_container_says_what_may_be_done_to_it(control: Control):
    await seed(control)
    async with control.writing() as tx:
        held = msgspec.structs.replace(records.container(2, state="exited"), held=(Action.STOP, Action.ISOLATE))
        hosts = msgspec.structs.replace(records.container(3), host_network=True)
        await Containers(tx).replace(
            "node-1", [records.container(1), held, hosts, records.container(4, state="paused")]
        )
    admin = await control.admin()
    found = {each["id"]: each for each in (await admin.get("/containers")).json()["items"]}
    assert found[CONTAINER]["actions"] == ["pause_container", "stop_container", "isolate_container"]
    assert found[STOPPED]["actions"] == ["start_container", "reconnect_container"]
    assert found[STOPPED]["held"] == ["stop", "isolate"]
    assert found[records.container(3).id]["actions"] == ["pause_container", "stop_container"]
    assert found[records.container(4).id]["actions"] == ["unpause_container", "stop_container", "isolate_container"]
    order = {"node": "node-1", "kind": "isolate_container", "parameters": {"container": records.container(3).id}}
    refused = await admin.post("/commands", order)
    assert (refused.status_code, refused.json()["code"]) == (409, "isolation.host-network")


@pytest.mark.parametrize(
    ("change", "status", "told"),
    [
        ({"parameters": {}}, 422, "$.parameters"),
        ({"parameters": {"container": "web-1"}}, 422, "$.parameters.container"),
        ({"parameters": {"container": "f" * 64}}, 404, "container.not-found"),
        ({"parameters": {"container": STOPPED}}, 409, "command.not-now"),
        ({"node": "node-2"}, 404, "container.not-found"),
        ({"kind": "unpause_container"}, 409, "command.not-now"),
        ({"kind": "start_container", "parameters": {"container": STOPPED}}, 409, "command.not-now"),
        ({"kind": "reconnect_container"}, 409, "command.not-now"),
        ({"kind": "kill_process"}, 422, "$.parameters"),
        (
            {
                "kind": "kill_process",
                "parameters": {"container": CONTAINER, "pid": 0, "started": "2026-01-01T00:00:00Z"},
            },
            422,
            "$.parameters.pid",
        ),
        (
            {
                "kind": "kill_process",
                "parameters": {"container": CONTAINER, "pid": 9, "started": "2026-01-01T00:00:00"},
            },
            422,
            "$.parameters.started",
        ),
        (
            {"kind": "kill_process", "parameters": {"container": STOPPED, "pid": 9, "started": "2026-01-01T00:00:00Z"}},
            409,
            "command.not-now",
        ),
        (
            {"kind": "stop_container", "parameters": {"container": CONTAINER, "grace_seconds": 301}},
            422,
            "$.parameters.grace_seconds",
        ),
        ({"incident": "no-such"}, 404, "incident.not-found"),
        ({"reason": "r" * 501}, 422, "$.reason"),
    ],
)
async def test_what_cannot_be_done_to_a_container_is_refused_with_the_reason(control: Control, change, status, told):
    await seed(control)
    body = {"node": "node-1", "kind": "pause_container", "parameters": {"container": CONTAINER}, **change}
    answer = await (await control.admin()).post("/commands", body)

    assert (answer.status_code, told in {answer.json().get("field"), answer.json()["code"]}) == (status, True), (
        answer.text
    )


# --- enrolment tokens


async def test_an_enrolment_token_lets_so_many_agents_in(control: Control):
    operator = await control.user(Role.OPERATOR)
    made = (await operator.post("/enrolment-tokens", {"name": "rack 7", "cluster": "edge", "max_uses": 2})).json()
    assert made["server"] == "https://hullguard.test:8441"
    token = parse_token(made["secret"])
    assert (token.id, token.pin) == (made["token"]["id"], PIN)
    for _ in range(2):
        async with control.writing() as tx:
            assert (await enrolment.admit(tx, token, PIN)).cluster == "edge"
    async with control.writing() as tx:
        with pytest.raises(Violation) as refused:
            await enrolment.admit(tx, token, PIN)
    assert refused.value.refusal is Code.TOKEN_USED
    assert (await operator.get("/enrolment-tokens")).json()["items"][0]["uses"] == 2


async def test_a_revoked_enrolment_token_lets_nobody_in(control: Control):
    admin = await control.admin()
    made = (await admin.post("/enrolment-tokens", {"name": "x"})).json()
    assert (await admin.delete(f"/enrolment-tokens/{made['token']['id']}")).status_code == 204
    async with control.writing() as tx:
        with pytest.raises(Violation) as refused:
            await enrolment.admit(tx, parse_token(made["secret"]), PIN)
    assert refused.value.refusal is Code.TOKEN_REVOKED
    assert (await admin.delete("/enrolment-tokens/nothing")).status_code == 404


@pytest.mark.parametrize(
    "change",
    [
        {"hours": 0},
        {"hours": 10**6},
        {"max_uses": 0},
        {"max_uses": None},
        {"cluster": "../x"},
        {"cluster": ""},
        {"name": ""},
        {"revoked": False},
        {"uses": -5},
    ],
)
async def test_an_enrolment_token_has_bounds(control: Control, change):
    assert (await (await control.admin()).post("/enrolment-tokens", {"name": "x", **change})).status_code == 422


# --- all of it


async def test_the_chain_holds_after_everything(control: Control):
    await test_a_user_is_made_changed_and_removed_under_audit(control)
    admin = await control.admin()
    verified = (await admin.get("/audit/verification")).json()

    assert verified == {"ok": True, "records": (await admin.get("/audit")).json()["total"], "broken_at": None}
