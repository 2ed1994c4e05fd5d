"""What people say of registries, and what the API gives out of them: never the password."""

from pathlib import Path
from typing import Any

import pytest
from tests.support.control import DATABASE, Client, Control, control, installation
from tests.support.images import Image, file, layer
from tests.support.registries import IMAGE_ID, listed, registry_listing
from tests.support.registry import certificate, real_registry

from hullguard.access.registries.check import purpose
from hullguard.model.errors import Unavailable
from hullguard.model.identity import Role
from hullguard.model.registry import ImageState, RegistryState, Trouble
from hullguard.storage.stores import Registries, RegistryImages

__all__ = ["control", "installation"]

SECRET = "correct-horse-of-the-registry"
SPEC = {
    "name": "ours",
    "address": "registry.test:5000",
    "repositories": ["app", "base/*"],
    "username": "puller",
    "tags": ["v*"],
    "newest": 5,
    "platforms": ["linux/amd64", "linux/arm64/v8"],
    "every_hours": 24,
}


async def made(client: Client, **changes: Any) -> dict[str, Any]:
    answer = await client.post("/registries", {"spec": {**SPEC, **changes}, "password": SECRET, "comment": "why"})
    assert answer.status_code == 201, answer.text
    assert answer.headers["etag"] == '"v1"'
    found: dict[str, Any] = answer.json()
    return found


async def test_a_registry_is_named_changed_and_forgotten_under_audit(control: Control):
    operator, admin = await control.user(Role.OPERATOR), await control.admin()
    registry = await made(operator)
    assert registry["state"] == "waiting"
    assert registry["has_password"] is True
    assert registry["spec"] == {**SPEC, "insecure": False, "ca": ""}
    path = f"/registries/{registry['id']}"

    changed = await operator.put(path, {"spec": {**SPEC, "name": "mine"}}, if_match='"v1"')
    assert changed.status_code == 200, changed.text
    assert (changed.json()["version"], changed.json()["has_password"]) == (2, True)
    assert (await operator.put(path, {"spec": SPEC}, if_match='"v1"')).status_code == 412
    assert (await operator.put(path, {"spec": SPEC})).status_code == 428
    assert [item["id"] for item in (await operator.get("/registries?q=min")).json()["items"]] == [registry["id"]]
    assert (await operator.delete(path, if_match='"v2"')).status_code == 204
    assert (await operator.get(path)).status_code == 404

    records = (await admin.get("/audit?limit=100")).json()["items"]
    assert [r["action"] for r in records if r["subject"] == f"registry:{registry['id']}"] == [
        "registry.delete",
        "registry.update",
        "registry.create",
    ]


async def test_the_password_is_given_out_nowhere_and_lies_nowhere_in_clear(control: Control, tmp_path: Path):
    admin = await control.admin()
    registry = await made(admin)
    said = [await admin.get(path) for path in ("/registries", f"/registries/{registry['id']}", "/audit?limit=500")]
    assert not any(SECRET in answer.text for answer in said)

    async with control.storage.reading(admin_scope()) as tx:
        work = await Registries(tx).work(registry["id"])
    assert work.password is not None
    kept = purpose("default", work.id, work.spec)
    assert control.services.vault.unseal(work.password, kept) == SECRET
    with pytest.raises(Unavailable, match="give the password again"):
        control.services.vault.unseal(work.password, purpose("other", work.id, work.spec))

    files = [path for path in tmp_path.rglob("*") if path.is_file() and DATABASE in path.name]
    assert files
    assert not any(SECRET.encode() in path.read_bytes() for path in files)


def admin_scope() -> Any:
    from tests.support.control import SCOPE

    return SCOPE


@pytest.mark.parametrize("change", [{"address": "elsewhere.test"}, {"insecure": True}, {"ca": "CERTIFICATE"}])
async def test_a_kept_password_does_not_follow_the_registry_elsewhere(
    control: Control, tmp_path: Path, change: dict[str, Any]
):
    if "ca" in change:
        change = {"ca": certificate(tmp_path)[1].read_text()}
    admin = await control.admin()
    path = f"/registries/{(await made(admin))['id']}"
    refused = await admin.put(path, {"spec": {**SPEC, **change}}, if_match='"v1"')
    assert (refused.status_code, refused.json()["code"]) == (422, "registry.password-needed")
    assert refused.json()["field"] == "$.password"
    assert "give it again" in refused.json()["detail"]

    again = await admin.put(path, {"spec": {**SPEC, **change}, "password": "another"}, if_match='"v1"')
    assert again.status_code == 200, again.text
    taken = await admin.put(path, {"spec": SPEC, "password": ""}, if_match='"v2"')
    assert (taken.status_code, taken.json()["has_password"]) == (200, False)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"address": "http://registry.test:5000"}, "$.spec.address"),
        ({"address": "https://registry.test", "insecure": True}, "$.spec.address"),
        ({"address": "https://registry.test/path"}, "$.spec.address"),
        ({"address": "https://"}, "$.spec.address"),
        ({"address": "https://[fe80::1]"}, "$.spec.address"),
        ({"address": "ftp://registry.test"}, "$.spec.address"),
        ({"address": "registry.test/path"}, "$.spec.address"),
        ({"address": "registry.test:70000"}, "$.spec.address"),
        ({"address": "169.254.169.254"}, "$.spec.address"),
        ({"address": "[fe80::1]:5000"}, "$.spec.address"),
        ({"address": "[::ffff:169.254.169.254]"}, "$.spec.address"),
        ({"ca": "no certificate"}, "$.spec.ca"),
        ({"username": "a:b"}, "$.spec.username"),
        ({"username": ""}, "$.spec.username"),
        ({"username": "robot "}, "$.spec.username"),
        ({"username": "ro\u3164bot"}, "$.spec.username"),
        ({"name": "Harbor "}, "$.spec.name"),
        ({"name": "Har\u3164bor"}, "$.spec.name"),
        ({"repositories": []}, "$.spec.repositories"),
        ({"repositories": ["ok", "Upper/Case"]}, "$.spec.repositories[1]"),
        ({"repositories": ["a:1"]}, "$.spec.repositories[0]"),
        ({"repositories": ["a*:1"]}, "$.spec.repositories[0]"),
        ({"repositories": ["../x"]}, "$.spec.repositories[0]"),
        ({"tags": [".dot"]}, "$.spec.tags[0]"),
        ({"platforms": ["linux"]}, "$.spec.platforms[0]"),
        ({"newest": 0}, "$.spec.newest"),
        ({"every_hours": 721}, "$.spec.every_hours"),
        ({"nonsense": 1}, "$.spec"),
    ],
)
async def test_what_is_wrong_is_said_by_its_field(control: Control, change: dict[str, Any], field: str):
    answer = await (await control.admin()).post("/registries", {"spec": {**SPEC, **change}, "password": SECRET})
    assert (answer.status_code, answer.json()["field"]) == (422, field), answer.text
    assert SECRET not in answer.text


@pytest.mark.parametrize(
    ("address", "insecure"), [("https://registry.test:5000/", False), ("HTTP://registry.test:5000", True)]
)
async def test_a_scheme_that_says_what_was_chosen_is_no_part_of_the_address(
    control: Control, address: str, insecure: bool
):
    registry = await made(await control.admin(), address=address, insecure=insecure)
    assert (registry["spec"]["address"], registry["spec"]["insecure"]) == ("registry.test:5000", insecure)


async def test_an_address_in_the_clear_is_refused_until_that_is_said(control: Control):
    answer = await (await control.admin()).post("/registries", {"spec": {**SPEC, "address": "http://registry.test"}})
    assert (answer.status_code, answer.json()["code"]) == (422, "registry.plain-address")
    assert "switch plain HTTP on" in answer.json()["detail"]


async def test_names_are_written_as_they_are_asked_for(control: Control):
    admin = await control.admin()
    registry = await made(admin, address="index.docker.io", repositories=["nginx", "grafana/*"])
    assert registry["spec"]["address"] == "docker.io"
    assert registry["spec"]["repositories"] == ["library/nginx", "grafana/*"]
    twice = await admin.post("/registries", {"spec": SPEC})
    assert (twice.status_code, twice.json()["code"]) == (409, "registry.name-taken")


async def test_a_registry_is_read_at_once_when_that_is_asked_for_but_not_twice(control: Control):
    admin, viewer = await control.admin(), await control.user(Role.VIEWER)
    registry = await made(admin)
    path = f"/registries/{registry['id']}"
    busy = await admin.post(f"{path}/scan", {})
    assert (busy.status_code, busy.json()["code"]) == (409, "registry.busy")
    async with control.writing() as tx:
        await Registries(tx).failed(registry["id"], Trouble("registry.unreachable", "no answer"))
    failed = (await viewer.get(path)).json()
    assert (failed["state"], failed["trouble"]) == ("failed", {"code": "registry.unreachable", "sentence": "no answer"})
    assert (await viewer.post(f"{path}/scan", {})).status_code == 403
    asked = await admin.post(f"{path}/scan", {"again": True, "comment": "now"})
    assert (asked.status_code, asked.json()["state"]) == (202, "waiting")
    assert (await admin.post("/registries/none/scan", {})).status_code == 404


async def test_images_of_a_registry_are_listed_by_state(control: Control):
    admin = await control.admin()
    registry = await made(admin)
    async with control.writing() as tx:
        work = await Registries(tx).work(registry["id"])
        found = registry_listing(
            listed("v1"),
            listed(
                "v2",
                digest="sha256:" + "1" * 64,
                code="image.schema-1",
                why="push it again",
                state=ImageState.UNSUPPORTED,
            ),
        )
        await RegistryImages(tx, work.id).replace(work, found, 0)
        await Registries(tx).listed(work, found)
    path = f"/registries/{registry['id']}"
    now = (await admin.get(path)).json()
    assert (now["state"], now["images"]) == (RegistryState.READING, {"waiting": 1, "unsupported": 1})
    rows = (await admin.get(f"{path}/images?sort=tag")).json()
    assert [(row["tag"], row["state"], row["why"]) for row in rows["items"]] == [
        ("v1", "waiting", ""),
        ("v2", "unsupported", "push it again"),
    ]
    assert (await admin.get(f"{path}/images?state=unsupported")).json()["total"] == 1
    assert (await admin.get(f"{path}/images?q=v1")).json()["total"] == 1
    assert (await admin.get("/registries/none/images")).status_code == 404
    image = (await admin.get(f"/images/{IMAGE_ID}")).json()
    assert (image["registries"], image["scanned"]) == (1, None)
    assert image["names"] == ["registry.test:5000/app:v1", "registry.test:5000/app:v2"]
    other = await made(admin, name="another")
    assert {item["id"] for item in (await admin.get("/registries")).json()["items"]} == {registry["id"], other["id"]}
    listing = (await admin.get(f"/registries?image={IMAGE_ID}")).json()
    assert ([item["id"] for item in listing["items"]], listing["total"]) == ([registry["id"]], 1)
    assert (await admin.get("/registries?image=sha256:none")).json()["total"] == 0

    assert (await admin.delete(path, if_match='"v1"')).status_code == 204
    assert (await admin.get("/images")).json()["total"] == 0


HTPASSWD = "tester:$2y$05$Pun8AUtuagDiGbtSrwPWpu7pnAQOPcfK2YpySDeaL.wK.uuBOv2s2\n"
"""`htpasswd -nbB tester sesame`."""


async def test_a_registry_is_asked_before_it_is_named_and_afterwards(control: Control, tmp_path: Path):
    image = Image([layer(file("etc/x", "x"))]).docker_archive(tmp_path / "image.tar")
    operator, admin = await control.user(Role.OPERATOR), await control.admin()
    with real_registry(tmp_path / "registry", HTPASSWD) as registry:
        registry.push(f"docker-archive:{image}", "team/app:1", "--dest-creds=tester:sesame")
        spec = {"name": "new", "address": registry.host, "insecure": True, "username": "tester"}
        spec |= {"repositories": ["team/*"]}

        async def test(changes: dict[str, Any], **more: Any) -> dict[str, Any]:
            answer = await operator.post("/registries/test", {"spec": spec | changes, **more})
            assert answer.status_code == 200, answer.text
            assert "sesame" not in answer.text
            found: dict[str, Any] = answer.json()
            return found

        good = {"reachable": True, "admitted": True, "catalog": True, "repositories": 1, "looked_into": "team/app"}
        good |= {"tags": 1, "trouble": None}
        assert await test({}, password="sesame") == good
        wrong = await test({}, password="sesame2")
        assert (wrong["reachable"], wrong["admitted"]) == (True, False)
        assert wrong["trouble"]["code"] == "registry.unauthenticated"
        assert (await operator.get("/registries")).json()["items"] == []

        made = (await operator.post("/registries", {"spec": spec, "password": "sesame"})).json()
        kept = await operator.post(f"/registries/{made['id']}/test")
        assert kept.json() == good, kept.text
        assert await test({"name": "other"}, registry=made["id"]) == good
        elsewhere = await operator.post(
            "/registries/test", {"spec": spec | {"address": "127.0.0.1:1"}, "registry": made["id"]}
        )
        assert (elsewhere.status_code, elsewhere.json()["code"]) == (422, "registry.password-needed")

    gone = (await operator.post(f"/registries/{made['id']}/test")).json()
    assert (gone["reachable"], gone["trouble"]["code"]) == (False, "registry.unreachable")
    records = [one for one in (await admin.get("/audit?limit=100")).json()["items"] if one["action"] == "registry.test"]
    assert [one["subject"] for one in records] == [
        *([f"registry:{made['id']}"] * 3),
        *(["registries"] * 2),
    ]
    assert records[-1]["details"] == {"name": "new", "address": registry.host}
    assert (await (await control.user(Role.VIEWER)).post("/registries/test", {"spec": spec})).status_code == 403
    assert (await operator.post("/registries/none/test")).status_code == 404
    assert (await operator.post("/registries/test", {"spec": spec | {"address": "169.254.169.254"}})).status_code == 422
