"""Profiles over REST: from the first look to protection, each step by who may and under audit."""

from tests.support.control import Client, Control, control, installation
from tests.support.database import SCOPE
from tests.support.records import tally

from hullguard.model.identity import Role
from hullguard.storage.stores import Profiles, Told

__all__ = ["control", "installation"]

KILLING = {"name": "strict", "detectors": {"profile.departure": {"action": "kill"}}, "rollout": {"mode": "simulate"}}


async def learned(control: Control, admin: Client) -> str:
    profile = str((await admin.post("/profiles", {"repository": "nginx:1.25"})).json()["id"])
    async with control.storage.transaction(SCOPE) as tx:
        told = Told(2, 0, (tally("/usr/sbin/nginx", 2), tally("/usr/bin/curl", 1)))
        assert await Profiles(tx).learn(profile, 1, told)
    return profile


async def test_a_profile_is_learned_reviewed_and_put_in_force_under_audit(control: Control):
    admin = await control.admin()
    profile = await learned(control, admin)
    shown = (await admin.get(f"/profiles/{profile}")).json()
    assert (shown["repository"], shown["state"], shown["containers"]) == ("nginx", "learning", 2)

    reviewed = await admin.post(f"/profiles/{profile}/state", {"state": "review", "comment": "seen enough"})
    assert reviewed.json()["allowed"] == ["monitor", "learning"]
    removed = {"deed": "exec", "what": "/usr/bin/curl", "accepted": False}
    assert (await admin.put(f"/profiles/{profile}/entries", removed)).json()["decided_by"].startswith("user:")
    listed = (await admin.get(f"/profiles/{profile}/entries?accepted=true")).json()
    assert [each["what"] for each in listed["items"]] == ["/usr/sbin/nginx"]
    assert (await admin.post(f"/profiles/{profile}/state", {"state": "monitor"})).json()["state"] == "monitor"

    refused = await admin.post(f"/profiles/{profile}/state", {"state": "protect"})
    assert (refused.status_code, refused.json()["code"]) == (409, "profile.no-action")
    assert (await admin.post("/policies", {"spec": KILLING})).status_code == 201
    simulated = (await admin.get(f"/profiles/{profile}/simulation")).json()
    assert (simulated["policy"], simulated["deeds"], simulated["groups"]) == (profile, 0, [])
    canary = {"mode": "canary", "canary_percent": 10}
    tried = await admin.post(f"/profiles/{profile}/state", {"state": "protect", "rollout": canary})
    assert (tried.json()["state"], tried.json()["rollout"]["mode"]) == ("protect", "canary")
    everywhere = (await admin.post(f"/profiles/{profile}/state", {"state": "protect"})).json()
    assert (everywhere["rollout"]["mode"], everywhere["version"]) == ("enforce", tried.json()["version"] + 1)
    again = await admin.post(f"/profiles/{profile}/state", {"state": "learning", "terms": {"minutes": 60}})
    assert (again.json()["generation"], again.json()["terms"]["minutes"]) == (2, 60)
    assert (await admin.delete(f"/profiles/{profile}")).status_code == 204

    told = (await admin.get("/audit?limit=100")).json()["items"]
    mine = [(each["action"], each["reason"]) for each in told if each["subject"] == f"profile:{profile}"]
    assert mine == [
        ("profile.delete", ""),
        ("profile.learning", ""),
        ("profile.protect", ""),
        ("profile.protect", ""),
        ("profile.monitor", ""),
        ("profile.entry", ""),
        ("profile.review", "seen enough"),
        ("profile.learning", ""),
    ]


async def test_what_cannot_be_is_refused_by_name(control: Control):
    admin = await control.admin()
    profile = await learned(control, admin)
    for body, code in (
        ({"repository": "nginx"}, "profile.exists"),
        ({"repository": "sha256:abc"}, "profile.repository"),
        ({"repository": ""}, "body-invalid"),
        ({"repository": "redis", "terms": {"minutes": 0}}, "body-invalid"),
    ):
        answer = await admin.post("/profiles", body)
        assert answer.status_code in {409, 422}, body
        assert code == "body-invalid" or answer.json()["code"] == code
    for deed, what in (("exec", "sh"), ("connect", "tcp anywhere 1"), ("write", "/a/*/b")):
        answer = await admin.put(f"/profiles/{profile}/entries", {"deed": deed, "what": what, "accepted": True})
        assert (answer.status_code, answer.json()["code"], answer.json()["field"]) == (422, "profile.entry", "$.what")
    for state, rollout, code in (
        ("protect", {"mode": "simulate"}, "profile.rollout"),
        ("review", {"mode": "enforce"}, "profile.rollout"),
        ("protect", {"mode": "canary"}, "policy.canary-empty"),
    ):
        answer = await admin.post(f"/profiles/{profile}/state", {"state": state, "rollout": rollout})
        assert (answer.status_code, answer.json()["code"]) == (422, code)
    jump = await admin.post(f"/profiles/{profile}/state", {"state": "monitor"})
    assert (jump.status_code, jump.json()["code"]) == (409, "profile.state")


async def test_who_may_only_look_changes_nothing(control: Control):
    profile = await learned(control, await control.admin())
    viewer = await control.user(Role.VIEWER)

    assert (await viewer.get(f"/profiles/{profile}/entries")).json()["total"] == 2
    assert (await viewer.get("/profiles?state=learning&q=ngi")).json()["total"] == 1
    assert (await viewer.get("/profiles?state=review")).json()["total"] == 0
    for answer in (
        await viewer.post("/profiles", {"repository": "redis"}),
        await viewer.post(f"/profiles/{profile}/state", {"state": "review"}),
        await viewer.put(f"/profiles/{profile}/entries", {"deed": "exec", "what": "/a", "accepted": True}),
        await viewer.delete(f"/profiles/{profile}"),
    ):
        assert answer.status_code == 403
