"""What the command line submits: who may, what is kept, what is refused, and what a build sees of it."""

import asyncio
import gzip
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
import zstandard
from msgspec import structs
from tests.support import records
from tests.support.control import API, Client, Control, control, installation, seed

from hullguard.ctrl.routes import submissions
from hullguard.ctrl.turns import Turns
from hullguard.model.identity import Role, Scope
from hullguard.model.image import Layer, Target
from hullguard.model.inventory import Inventory
from hullguard.model.page import Page
from hullguard.model.report import AdvisoryState, ScanReport
from hullguard.model.submission import Submission
from hullguard.storage.stores import Images, Jobs, Lister, Submissions
from hullguard.wire import limits
from hullguard.wire.submission import Looked, Sent

__all__ = ["control", "installation"]

OTHER = "sha256:" + "c" * 64


def image(image_id: str | None = OTHER, *, name: str = "shop:ci", **changes: Any) -> Inventory:
    target = Target(f"docker-archive:{name}.tar", "docker-archive", image_id, tags=(name,))
    return structs.replace(records.inventory(), **{"target": target, **changes})


def body(inventory: Inventory | None = None, **changes: Any) -> bytes:
    sent = Sent("shop:ci", "runner-7", inventory or image(), tuple(Looked))
    return msgspec.json.encode(structs.replace(sent, **changes))


async def send(client: Client, content: bytes, **headers: str) -> Any:
    sent = {"content_type": "application/json", "content_encoding": "zstd", **headers}
    packed = zstandard.ZstdCompressor().compress(content) if sent["content_encoding"] == "zstd" else content
    return await client.call("POST", f"{API}/submissions", packed, **sent)


async def build(control: Control) -> Client:
    """A script with the token of a build, made by an operator."""
    return await control.token(await control.user(Role.OPERATOR), role="submitter")


async def judge(control: Control, image_id: str) -> None:
    """What the worker would do."""
    async with control.writing() as tx:
        taken = await Images(tx).inventory(image_id)
        await records.matched(tx, image_id, records.report(of=taken))


class TestWhoMay:
    async def test_the_token_of_a_build_may_submit_and_sees_what_came_of_it_and_nothing_else(self, control: Control):
        ci = await build(control)
        answer = await send(ci, body())
        made = msgspec.json.decode(answer.content, type=Submission)

        assert answer.status_code == 201, answer.text
        assert (made.name, made.kind, made.image, made.host) == ("shop:ci", "docker-archive", OTHER, "runner-7")
        assert made.by.startswith("token:")
        waits = await ci.get(f"/submissions/{made.id}/report")
        assert (waits.status_code, waits.json()["code"]) == (409, "submission.waits")
        assert waits.headers["retry-after"] == "1"
        await judge(control, OTHER)
        report = msgspec.json.decode((await ci.get(f"/submissions/{made.id}/report")).content, type=ScanReport)
        assert len(report.vulnerabilities) == 5
        assert report.target.ref == made.name
        for path in ("/submissions", "/images", f"/images/{OTHER}", f"/images/{OTHER}/report", "/nodes", "/incidents"):
            assert (await ci.get(path)).status_code == 403, path
        assert (await ci.delete(f"/submissions/{made.id}")).status_code == 403

    async def test_a_build_sees_nothing_of_what_another_user_submitted(self, control: Control):
        made = (await send(await control.token(await control.admin(), role="submitter"), body())).json()
        await judge(control, OTHER)

        assert (await (await build(control)).get(f"/submissions/{made['id']}/report")).status_code == 404

    @pytest.mark.parametrize("role", [Role.VIEWER, Role.AUDITOR])
    async def test_who_only_reads_may_neither_submit_nor_make_a_token_that_may(self, control: Control, role: Role):
        client = await control.user(role)

        assert (await send(client, body())).status_code == 403
        made = await client.post("/tokens", {"name": "ci", "days": 1, "role": "submitter"})
        assert (made.status_code, made.json()["code"]) == (403, "role-above-own")

    async def test_another_tenant_s_is_not_there(self, control: Control):
        admin = await control.admin()
        async with control.storage.transaction(Scope("stranger")) as tx:
            foreign = await Submissions(tx).keep(records.claim())
        for method, path in (("GET", f"/submissions/{foreign.id}/report"), ("DELETE", f"/submissions/{foreign.id}")):
            assert (await admin.call(method, API + path)).status_code == 404
        own = (await send(admin, body(name="shop:ci"))).json()

        assert own["id"] == foreign.id  # the same name has the same id, in each tenant one
        assert (await admin.delete(f"/submissions/{own['id']}")).status_code == 204
        async with control.storage.reading(Scope("stranger")) as tx:
            assert (await Submissions(tx).get(foreign.id)).host == "runner-7"


class TestKept:
    async def test_it_stands_among_the_images_and_is_told_as_submitted(self, control: Control):
        admin = await control.admin()
        made = (await send(admin, body())).json()
        detail = (await admin.get(f"/images/{OTHER}")).json()

        assert (detail["submitted"], detail["kind"], detail["submissions"]) == (True, None, 1)
        assert detail["names"] == ["shop:ci"]
        page = msgspec.json.decode((await admin.get(f"/submissions?image={OTHER}")).content, type=Page[Submission])
        assert [each.id for each in page.items] == [made["id"]]
        assert (await admin.get("/images?lister=submission")).json()["total"] == 1
        assert (await admin.get("/submissions?q=runner")).json()["total"] == 1
        assert (await admin.get("/submissions?q=nothing")).json()["total"] == 0
        async with control.writing() as tx:
            job = await Jobs(tx).take(["match"], 60)
        assert job is not None

    async def test_a_directory_has_an_id_of_its_own_and_the_same_again(self, control: Control):
        admin = await control.admin()
        tree = Inventory(Target("dir:/srv", "dir"), packages=records.PACKAGES)
        first, second = [(await send(admin, body(tree, name="ci:/srv"))).json() for _ in range(2)]
        detail = (await admin.get(f"/images/{first['image']}")).json()

        assert first["id"] == second["id"]
        assert first["image"] == second["image"]
        assert first["image"].startswith("submitted:")
        assert (detail["kind"], detail["names"]) == ("dir", ["ci:/srv"])
        assert (await admin.get("/submissions")).json()["total"] == 1

    async def test_what_was_not_looked_for_is_unknown_rather_than_absent(self, control: Control):
        admin = await control.admin()
        bill = Inventory(Target("sbom:app.json", "sbom"), packages=records.PACKAGES)
        made = (await send(admin, body(bill, looked_for=()))).json()
        unknowns = (await admin.get(f"/images/{made['image']}")).json()["unknowns"]

        assert {each["what"] for each in unknowns} == {"secrets", "malware", "configuration"}

    async def test_the_audit_says_who_submitted_and_who_deleted_what(self, control: Control):
        admin = await control.admin()
        made = (await send(await build(control), body())).json()
        assert (await admin.delete(f"/submissions/{made['id']}")).status_code == 204
        page = (await admin.get(f"/audit?q=submission:{made['id']}")).json()["items"]

        assert [(each["action"], each["details"]["name"]) for each in page] == [
            ("submission.delete", "shop:ci"),
            ("submission.create", "shop:ci"),
        ]
        assert page[1]["actor"] == made["by"]
        assert page[1]["details"]["host"] == "runner-7"
        assert (await admin.get("/images")).json()["total"] == 0
        assert (await admin.delete(f"/submissions/{made['id']}")).status_code == 404

    async def test_sent_twice_with_one_key_it_is_kept_once(self, control: Control):
        ci = await build(control)
        first, again = [(await send(ci, body(), idempotency_key="k1")) for _ in range(2)]
        other = await send(ci, body(host="elsewhere"), idempotency_key="k1")

        assert first.json() == again.json()
        assert (other.status_code, other.json()["code"]) == (422, "idempotency.reused")
        assert (await (await control.admin()).get("/audit?action=submission.create")).json()["total"] == 1

    @pytest.mark.parametrize("encoding", ["gzip", "identity", "zstd"])
    async def test_every_encoding_is_read(self, control: Control, encoding: str):
        content = gzip.compress(body()) if encoding == "gzip" else body()

        assert (await send(await control.admin(), content, content_encoding=encoding)).status_code == 201


class TestTrust:
    async def test_what_a_node_has_read_stays_and_its_name_too(self, control: Control):
        await seed(control)
        lie = image(records.IMAGE, name="trusted/base:1", packages=())
        made = (await send(await build(control), body(lie, name="trusted/base:1"))).json()
        admin = await control.admin()
        detail = (await admin.get(f"/images/{records.IMAGE}")).json()

        assert (made["kept"], made["seen"]) == (False, True)
        assert (detail["packages"], detail["names"], detail["submitted"]) == (4, ["nginx:1.25"], False)
        assert sum(detail["vulnerabilities"].values()) == 5

    async def test_a_build_learns_nothing_of_an_image_of_which_it_knows_but_the_id(self, control: Control):
        await seed(control)
        ci = await build(control)
        answer = await send(ci, body(image(records.IMAGE, layers=(), packages=())))

        assert (answer.status_code, answer.json()["code"]) == (409, "submission.not-that-image")

    async def test_who_has_the_image_is_told_what_the_platform_knows_of_it(self, control: Control):
        await seed(control)
        ci = await build(control)
        made = (await send(ci, body(image(records.IMAGE)))).json()
        report = await ci.get(f"/submissions/{made['id']}/report")

        assert report.status_code == 200
        assert len(report.json()["vulnerabilities"]) == 5

    async def test_who_claimed_an_image_before_anybody_knew_it_is_not_told_what_was_read_of_it(self, control: Control):
        ci = await build(control)
        lie = image(layers=(Layer("sha256:" + "9" * 64),), packages=())
        squat = await send(ci, body(lie, name="squat"))
        async with control.writing() as tx:
            await Images(tx).store_inventory(OTHER, records.inventory())
        await judge(control, OTHER)
        report = await ci.get(f"/submissions/{squat.json()['id']}/report")

        assert squat.status_code == 201
        assert (report.status_code, report.json()["code"]) == (409, "submission.not-that-image")
        assert "retry-after" not in report.headers

    async def test_a_build_of_another_user_can_neither_take_a_name_nor_change_what_is_told(self, control: Control):
        ci = await build(control)
        other = await control.token(await control.admin(), role="submitter")
        made = (await send(ci, body())).json()
        taken = await send(other, body(image(packages=())))
        layers = await send(other, body(image(layers=(), packages=()), name="evil"))
        otherwise = await send(other, body(image(packages=()), name="evil"))
        await judge(control, OTHER)

        assert (taken.status_code, taken.json()["code"]) == (409, "submission.name-taken")
        assert (layers.status_code, layers.json()["code"]) == (409, "submission.not-that-image")
        assert (otherwise.status_code, otherwise.json()["code"]) == (409, "submission.says-otherwise")
        assert len((await ci.get(f"/submissions/{made['id']}/report")).json()["vulnerabilities"]) == 5
        over = await send(await control.admin(), body(image(packages=())))
        assert (over.status_code, over.json()["kept"]) == (201, True)

    async def test_who_lies_first_decides_nobody_else_s_gate(self, control: Control):
        admin, liar = await control.admin(), await build(control)
        honest = await control.token(admin, role="submitter")
        lie = (await send(liar, body(image(packages=()), name="liar"))).json()
        await judge(control, OTHER)
        async with control.writing() as tx:
            await Images(tx).listed(Lister.REGISTRY, "r1", {OTHER: ["registry.test/shop:1"]})
        refused = await send(honest, body(name="honest"))

        assert (lie["kept"], lie["seen"]) == (True, False)
        assert (refused.status_code, refused.json()["code"]) == (409, "submission.says-otherwise")
        assert "have an operator forget it on the image's page" in refused.json()["detail"]
        told = (await admin.get("/audit?outcome=denied")).json()["items"]
        assert [(each["action"], each["subject"], each["reason"]) for each in told] == [
            ("submission.create", f"image:{OTHER}", "submission.says-otherwise")
        ]
        assert told[0]["actor"].startswith("token:")
        assert [each["name"] for each in (await admin.get("/submissions")).json()["items"]] == ["liar"]
        assert (await admin.delete(f"/submissions/{lie['id']}")).status_code == 204
        detail = (await admin.get(f"/images/{OTHER}")).json()
        assert (detail["scanned"], detail["complete"], detail["packages"]) == (None, False, 0)
        assert (await admin.get(f"/images/{OTHER}/report")).status_code == 404
        made = (await send(honest, body(name="honest"))).json()
        await judge(control, OTHER)
        report = await honest.get(f"/submissions/{made['id']}/report")
        assert (report.status_code, len(report.json()["vulnerabilities"])) == (200, 5)

    async def test_what_two_users_say_counts_for_both_and_stays_with_the_second(self, control: Control):
        admin = await control.admin()
        first = (await send(await build(control), body(name="first"))).json()
        other = await control.token(admin, role="submitter")
        second = (await send(other, body(name="second"))).json()
        await judge(control, OTHER)
        await admin.delete(f"/submissions/{first['id']}")
        report = await other.get(f"/submissions/{second['id']}/report")

        assert (first["kept"], second["kept"]) == (True, True)
        assert (report.status_code, len(report.json()["vulnerabilities"])) == (200, 5)

    async def test_what_only_a_user_said_goes_with_the_user(self, control: Control):
        admin = await control.admin()
        made = (await send(await build(control), body())).json()
        await judge(control, OTHER)
        (sender,) = [each for each in (await admin.get("/users")).json()["items"] if each["name"] == made["user"]]
        assert (await admin.delete(f"/users/{sender['id']}")).status_code == 204
        detail = (await admin.get(f"/images/{OTHER}")).json()
        report = await admin.get(f"/submissions/{made['id']}/report")

        assert (detail["scanned"], detail["submissions"]) == (None, 1)
        assert (report.status_code, report.json()["code"]) == (409, "submission.unread")
        assert "retry-after" not in report.headers

    @pytest.mark.parametrize(
        "wrong",
        [
            "",
            "sha256:abc",
            "sha256:" + "A" * 64,
            "x" * 64,
            "../../x",
            "submitted:" + "a" * 64,
            "sha256:" + "a" * 64 + "\n",
        ],
    )
    async def test_an_id_that_is_none_is_refused(self, control: Control, wrong: str):
        answer = await send(await control.admin(), body(image(wrong)))

        assert (answer.status_code, answer.json()["field"]) == (422, "$.inventory.target.image_id")

    async def test_nobody_vouches_for_the_reader(self, control: Control):
        await send(await control.admin(), body(image(reader=2**62)))
        async with control.writing() as tx:
            assert (await Images(tx).inventory(OTHER)).reader == 0


class TestHostile:
    @pytest.mark.parametrize(
        ("content", "headers", "status", "code"),
        [
            (b"{}", {}, 422, "submission.malformed"),
            (b"[" * 200_000, {}, 422, "submission.malformed"),
            (b"null", {"content_type": "text/plain"}, 415, "media-type"),
            (b"null", {"content_encoding": "br"}, 415, "content-encoding"),
            (b"null", {"content_encoding": "zstd, gzip"}, 415, "content-encoding"),
            (b"\x1f\x8b\x08junk", {"content_encoding": "gzip"}, 422, "submission.malformed"),
            (b"", {"content_encoding": "identity"}, 422, "body-missing"),
            (b" " * (limits.INVENTORY_COMPRESSED_BYTES + 1), {"content_encoding": "identity"}, 413, "body-too-large"),
            (b" " * (limits.INVENTORY_BYTES + 1), {}, 413, "submission.too-large"),
        ],
        ids=["no-form", "deep", "type", "brotli", "twice", "no-gzip", "empty", "large", "bomb"],
    )
    async def test_it_is_refused_and_nothing_is_kept(self, control: Control, content, headers, status, code):
        admin = await control.admin()
        answer = await send(admin, content, **headers)

        assert (answer.status_code, answer.json()["code"]) == (status, code)
        assert (await admin.get("/submissions")).json()["total"] == 0
        assert not list(control.services.settings.scratch.glob("*.upload"))  # type: ignore[union-attr]

    async def test_numbers_and_texts_that_nothing_can_hold_are_refused(self, control: Control):
        admin = await control.admin()
        huge = body().replace(b'"size":70000000', b'"size":' + b"9" * 400)
        assert b"9999" in huge

        assert (await send(admin, huge)).status_code == 422

    async def test_too_many_at_once_are_sent_away(self, control: Control):
        admin = await control.admin()
        control.app.state.submitting = (Turns(0, 1, retry_seconds=3), Turns(1, 1, retry_seconds=3))
        waiting = asyncio.create_task(send(admin, body()))
        while not control.app.state.submitting[0]._here:
            await asyncio.sleep(0)
        refused = await send(admin, body())
        waiting.cancel()

        assert (refused.status_code, refused.json()["code"]) == (503, "too-busy")
        assert refused.headers["retry-after"] == "3"

    async def test_who_sends_a_byte_a_minute_keeps_no_place(self, control: Control, monkeypatch: pytest.MonkeyPatch):
        admin = await control.admin()
        monkeypatch.setattr(submissions, "UPLOAD_SECONDS", 0.05)

        async def slow() -> AsyncIterator[bytes]:
            yield b"{"
            await asyncio.sleep(60)

        headers = {"content-type": "application/json"}
        answer = await admin.http.post(f"{API}/submissions", content=slow(), headers=headers)

        assert (answer.status_code, answer.json()["code"]) == (408, "body-too-slow")

    async def test_a_name_with_control_characters_is_refused(self, control: Control):
        assert (
            await send(await control.admin(), body().replace(b'"shop:ci","host"', b'"\\u001b[2J","host"'))
        ).status_code == 422

    async def test_tags_that_are_no_names_are_left_out(self, control: Control):
        admin = await control.admin()
        target = Target(
            "docker-archive:x.tar",
            "docker-archive",
            OTHER,
            tags=("ok:1", "x" * 9000, "a\nb", "", " ", "ok:1 ", "ok\u3164:1"),
        )
        await send(admin, body(image(target=target)))

        assert (await admin.get(f"/images/{OTHER}")).json()["names"] == ["ok:1", "shop:ci"]


async def test_without_advisories_the_report_says_so(control: Control):
    made = (await send(await control.admin(), body())).json()
    async with control.writing() as tx:
        taken = await Images(tx).inventory(OTHER)
        await records.matched(tx, OTHER, structs.replace(records.report((), of=taken), advisories=AdvisoryState(None)))
    report = (await (await control.admin()).get(f"/submissions/{made['id']}/report")).json()

    assert report["advisories"]["built"] is None
