"""Users, tokens, and what each role is shown."""

from collections.abc import Callable

from playwright.sync_api import expect
from tests.support.visitor import Visitor


def test_a_viewer_reads_and_sees_no_action(visit: Callable[..., Visitor]) -> None:
    visitor = visit().sign_in("vera")
    page = visitor.page
    navigation = page.get_by_role("navigation", name="Main navigation")
    expect(navigation.get_by_role("link", name="Users")).to_have_count(0)
    expect(navigation.get_by_role("link", name="Audit")).to_have_count(0)
    visitor.go("/nodes/prod-web-01")
    for name in ("Turn protection off", "Remove node", "Scan now", "Update agent"):
        expect(visitor.button(name)).to_have_count(0)
    visitor.go("/nodes")
    expect(visitor.button("Add a node")).to_have_count(0)
    visitor.go("/incidents")
    page.locator("tbody a").first.click()
    expect(page.get_by_role("dialog")).to_contain_text("Process tree")
    expect(visitor.button("Mark as resolved")).to_have_count(0)
    visitor.go("/users")
    expect(page.get_by_role("heading", level=1)).to_have_text("Not permitted")


def test_a_user_is_added_and_signs_in(visit: Callable[..., Visitor]) -> None:
    visitor = visit().sign_in()
    page = visitor.page
    visitor.go("/users")
    visitor.button("Add a user").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("User name").fill("noor")
    dialog.get_by_label("Auditor").check()
    dialog.get_by_role("button", name="Add a user").click()
    secret = dialog.locator("[data-secret]").inner_text()
    dialog.get_by_role("button", name="Done").click()
    row = page.locator("tbody tr", has_text="noor")
    expect(row).to_contain_text("One-time password not used yet")

    other = visit()
    other.page.goto(f"{other.url}/sign-in")
    other.page.get_by_label("User name").fill("noor")
    other.page.get_by_label("Password").fill(secret)
    other.page.keyboard.press("Enter")
    expect(other.page.get_by_role("heading", name="Change password")).to_be_visible()

    row.get_by_role("button", name="Actions for noor").click()
    visitor.button("Disable").click()
    dialog.get_by_role("button", name="Disable").click()
    disabled = visitor.told("noor is disabled.")
    expect(row).to_contain_text("Disabled")
    disabled.get_by_role("button", name="Undo").click()
    expect(row).not_to_contain_text("Disabled")
    row.get_by_role("button", name="Actions for noor").click()
    visitor.button("Delete").click()
    dialog.get_by_role("button", name="Delete").click()
    expect(row).to_have_count(0)


def test_a_token_is_shown_once_and_revoked(visit: Callable[..., Visitor]) -> None:
    visitor = visit(language="zh-CN").sign_in()
    page = visitor.page
    visitor.go("/tokens")
    page.locator("header").get_by_role("button", name="新建令牌").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("名称").fill("ci")
    dialog.get_by_role("button", name="新建令牌").click()
    assert dialog.locator("[data-secret]").inner_text().startswith("hgt_")
    dialog.get_by_role("button", name="完成").click()
    row = page.locator("tbody tr", has_text="ci")
    row.get_by_role("button", name="吊销").click()
    dialog.get_by_role("button", name="吊销").click()
    expect(row).to_have_count(0)
