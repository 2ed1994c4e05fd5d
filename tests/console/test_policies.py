"""Editing a policy: what is wrong is shown at its field, and nobody's change is overwritten unseen."""

from collections.abc import Callable

import msgspec
from playwright.sync_api import Locator, expect
from tests.support.console import Console
from tests.support.visitor import Visitor

from hullguard.model.policy import Policy
from hullguard.storage import PageRequest, Transaction
from hullguard.storage.stores import Policies


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
    expect(visitor.toast(f"Version {before.version + 1} is saved.")).to_be_visible()
    saved = console.do(strict)
    assert saved.spec.detectors["container.drop-and-execute"].action.value == "alert"
    assert saved.comment == "too many false alarms"
    visitor.toast("is saved").get_by_role("button", name="Undo").click()
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
