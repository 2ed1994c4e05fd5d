"""Editing a policy: what is wrong is shown at its field, and nobody's change is overwritten unseen."""

import re
from collections.abc import Callable

import msgspec
from playwright.sync_api import Locator, expect
from tests.support.console import Console
from tests.support.records import observation
from tests.support.visitor import Visitor

from hullguard.hostmgr.intake import Speaker, take_in
from hullguard.model.incident import PolicyRef
from hullguard.model.policy import Action, Binding, DetectorSettings, Policy, PolicySpec
from hullguard.model.rollout import Mode, Rollout
from hullguard.storage import PageRequest, Transaction
from hullguard.storage.stores import Incidents, Policies
from hullguard.wire import messages as say


async def strict(tx: Transaction) -> Policy:
    found = await Policies(tx).page(PageRequest(10, q="shop"))
    return found.items[0]


def detector(visitor: Visitor, name: str) -> Locator:
    return visitor.page.locator(f'[data-detector="{name}"]')


def test_a_new_version_is_saved_and_undone(console: Console, visit: Callable[..., Visitor]) -> None:
    visitor = visit().sign_in("omar")
    page = visitor.page
    before = console.do(strict)
    visitor.go(f"/policies/{before.id}")
    expect(visitor.button("Save new version")).to_have_count(0)
    detector(visitor, "container.drop-and-execute").get_by_label("Alert").check()
    page.get_by_label("Why this change").fill("too many false alarms")
    visitor.button("Save new version").click()
    told = visitor.told(f"Version {before.version + 1} is saved.")
    saved = console.do(strict)
    assert saved.spec.detectors["container.drop-and-execute"].action.value == "alert"
    assert saved.comment == "too many false alarms"
    told.get_by_role("button", name="Undo").click()
    expect(visitor.toast("Undone.")).to_be_visible()
    assert console.do(strict).spec == before.spec


def test_a_wrong_path_is_shown_at_its_field(console: Console, visit: Callable[..., Visitor]) -> None:
    visitor = visit(refusals=(422,)).sign_in()
    page = visitor.page
    before = console.do(strict)
    visitor.go(f"/policies/{before.id}")
    field = detector(visitor, "file.read-sensitive").get_by_label("Sensitive files")
    field.fill("/etc/shadow\nnot/absolute")
    visitor.button("Save new version").click()
    expect(field).to_have_attribute("aria-invalid", "true")
    complaint = detector(visitor, "file.read-sensitive").get_by_role("alert")
    expect(complaint).to_contain_text("not/absolute")
    expect(field).to_be_focused()
    field.fill("/etc/shadow\n/etc/krb5.keytab")
    visitor.button("Save new version").click()
    expect(visitor.toast("is saved")).to_be_visible()
    expect(page.get_by_role("alert")).to_have_count(0)
    assert console.do(strict).spec.detectors["file.read-sensitive"].parameters["paths"] == [
        "/etc/shadow",
        "/etc/krb5.keytab",
    ]


def test_a_stale_edit_is_a_choice(console: Console, visit: Callable[..., Visitor]) -> None:
    visitor = visit(refusals=(412,)).sign_in()
    page = visitor.page
    before = console.do(strict)
    visitor.go(f"/policies/{before.id}")
    theirs = msgspec.structs.replace(before.spec, description="Changed by somebody else.")

    async def meanwhile(tx: Transaction) -> Policy:
        return await Policies(tx).update(
            before.id, theirs, "user:omar", "while alice was editing", expected_version=before.version
        )

    console.do(meanwhile)
    page.get_by_label("Name", exact=True).fill("shop (stricter)")
    visitor.button("Save new version").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("omar saved version")
    expect(dialog).to_contain_text("Changed by somebody else.")
    expect(dialog).to_contain_text("shop (stricter)")
    dialog.get_by_role("button", name="Go on editing").click()
    expect(page.get_by_label("Name", exact=True)).to_have_value("shop (stricter)")
    visitor.button("Save new version").click()
    dialog.get_by_role("button", name="Take theirs").click()
    expect(page.get_by_label("Name", exact=True)).to_have_value("shop (strict)")
    expect(page.get_by_label("Description")).to_have_value("Changed by somebody else.")

    console.do(lambda tx: Policies(tx).update(before.id, before.spec, "user:omar", expected_version=before.version + 1))
    page.get_by_label("Description").fill("Mine.")
    visitor.button("Save new version").click()
    dialog.get_by_role("button", name="Save mine over it").click()
    expect(visitor.toast(f"Version {before.version + 3} is saved.")).to_be_visible()
    assert console.do(strict).spec.description == "Mine."


def test_an_old_version_is_restored(console: Console, visit: Callable[..., Visitor]) -> None:
    visitor = visit(language="zh-CN").sign_in()
    page = visitor.page
    now = console.do(strict)
    visitor.go(f"/policies/{now.id}?tab=history")
    page.get_by_role("button", name="版本 1").last.click()
    visitor.button("恢复此版本").click()
    page.get_by_role("dialog").get_by_role("button", name="恢复此版本").click()
    expect(visitor.toast(f"版本 {now.version + 1} 已保存")).to_be_visible()
    first = console.do(lambda tx: Policies(tx).version(now.id, 1))
    assert console.do(strict).spec == first.spec


def test_a_policy_is_made_and_deleted(console: Console, visit: Callable[..., Visitor]) -> None:
    visitor = visit(refusals=(409,)).sign_in()
    page = visitor.page
    visitor.go("/policies/new")
    page.get_by_label("Name", exact=True).fill("default")
    page.get_by_label("Chosen nodes").check()
    page.get_by_label("edge-berlin-01").check()
    page.get_by_role("textbox", name="Images").fill("redis:*")
    visitor.button("Create policy").click()
    expect(page.get_by_role("alert")).to_contain_text("Another policy has this name.")
    page.get_by_label("Name", exact=True).fill("edge")
    visitor.button("Create policy").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("edge")
    made = console.do(lambda tx: Policies(tx).page(PageRequest(10, q="edge"))).items[0]
    assert made.spec.binding.nodes == ["edge-berlin-01"]
    assert made.spec.binding.images == ["redis:*"]
    visitor.button("Delete policy").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete policy").click()
    expect(visitor.toast("edge is deleted.")).to_be_visible()
    expect(page.get_by_role("heading", level=1)).to_have_text("Policies 2")


async def trial(tx: Transaction) -> Policy:
    """A policy that is only simulated, and what it would have stopped."""
    spec = PolicySpec(
        name="ledger (trial)",
        detectors={"container.drop-and-execute": DetectorSettings(action=Action.DENY)},
        binding=Binding(images=["ledger:*"]),
        rollout=Rollout(Mode.SIMULATE),
    )
    made = await Policies(tx).create(spec, "user:alice", "Look first.")
    found = [
        msgspec.structs.replace(
            observation(number, at=tx.now, rule="container.drop-and-execute", on=str(number % 2) * 64),
            policy=PolicyRef(made.id, 1),
            would=Action.DENY,
        )
        for number in range(900, 905)
    ]
    await Incidents(tx).insert("prod-web-01", found, tx.now)
    return made


def test_a_policy_is_looked_at_before_it_is_enforced(console: Console, visit: Callable[..., Visitor]) -> None:
    visitor = visit(refusals=(422,)).sign_in()
    page = visitor.page
    policy = console.do(trial)
    visitor.go("/policies")
    page.get_by_role("row", name="ledger (trial)").get_by_role("link", name="Simulate").click()
    expect(page.get_by_role("heading", level=2)).to_have_text("Would have stopped 5 deeds in 2 containers")
    page.get_by_role("link", name="All incidents").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Incidents 5")
    expect(page.get_by_text("Simulated: Deny").first).to_be_visible()

    visitor.go(f"/policies/{policy.id}")
    rollout = page.locator("[data-rollout]")
    expect(rollout.get_by_role("radio", name=re.compile("^Simulate"))).to_be_checked()
    rollout.get_by_role("radio", name=re.compile("^Canary")).check()
    visitor.button("Save new version").click()
    expect(rollout.get_by_role("alert")).to_contain_text("A canary needs nodes")
    rollout.get_by_label("edge-berlin-01").check()
    rollout.get_by_label("Share of all nodes").fill("25")
    rollout.get_by_label("More failures than before").fill("1")
    visitor.button("Save new version").click()
    expect(visitor.toast("Version 2 is saved.")).to_be_visible()
    saved = console.do(lambda tx: Policies(tx).get(policy.id)).spec.rollout
    assert saved == Rollout(Mode.CANARY, ["edge-berlin-01"], 25, tolerated_exits=1)
    visitor.button("Roll back").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("The content of version 1 becomes version 3.")
    dialog.get_by_role("textbox").fill("not yet")
    dialog.get_by_role("button", name="Roll back").click()
    expect(visitor.toast("Version 3 is saved.")).to_be_visible()
    expect(rollout.get_by_role("radio", name=re.compile("^Simulate"))).to_be_checked()
    assert console.do(lambda tx: Policies(tx).get(policy.id)).comment == "not yet"


def test_what_was_rolled_back_by_itself_says_why(console: Console, visit: Callable[..., Visitor]) -> None:
    visitor = visit(language="zh-CN").sign_in()
    page = visitor.page
    policy = console.do(strict)

    async def failing(tx: Transaction) -> None:
        kills = {"container.drop-and-execute": DetectorSettings(action=Action.KILL)}
        enforced = msgspec.structs.replace(policy.spec, detectors=kills, rollout=Rollout())
        now = await Policies(tx).update(policy.id, enforced, "user:omar", expected_version=policy.version)
        details = {"policy": "shop (strict)", "exits": "7", "before": "1", "minutes": "30", "containers": "till"}
        told = msgspec.structs.replace(
            observation(950, at=tx.now, rule="policy.rolled-back"),
            policy=PolicyRef(policy.id, now.version),
            details=details,
            technique="",
        )
        await take_in(tx, Speaker("prod-web-01", "default", "default", "s"), [(say.Incidents((told,)), 1)])

    console.do(failing)
    visitor.go(f"/policies/{policy.id}")
    notice = page.get_by_role("status").filter(has_text="已自动回滚")
    expect(notice).to_contain_text("策略 shop (strict) 已回滚：30 分钟内失败 7 次，此前 1 次")
    notice.get_by_role("link", name="查看安全事件").click()
    expect(page.get_by_role("heading", level=2).first).to_contain_text("已回滚")
    assert console.do(strict).spec.rollout.mode is Mode.SIMULATE
