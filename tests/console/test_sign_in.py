"""Getting in: the one-time password, the forced change, and what refuses."""

import re
from collections.abc import Callable
from urllib.parse import urlparse

from playwright.sync_api import expect
from tests.support.console import PASSWORD, Console
from tests.support.visitor import Visitor

OWN = "a sentence that only I know"


def test_the_first_administrator_must_choose_a_password(console: Console, visit: Callable[..., Visitor]) -> None:
    visitor = visit(refusals=(403,))
    page = visitor.page
    visitor.go("/images?running=true")
    expect(page).to_have_url(f"{visitor.url}/sign-in?to=/images?running=true")
    page.get_by_label("User name").fill("admin")
    page.get_by_label("Password").fill(console.first_password)
    page.keyboard.press("Enter")

    expect(page.get_by_role("heading", name="Change password")).to_be_visible()
    visitor.go("/nodes")
    expect(page.get_by_role("heading", name="Change password")).to_be_visible()

    page.get_by_label("One-time password").fill(console.first_password)
    page.get_by_label("New password", exact=True).fill("short")
    expect(page.get_by_text("Too short: at least 12 characters.")).to_be_visible()
    expect(visitor.button("Change password")).to_be_disabled()
    page.get_by_label("New password", exact=True).fill(OWN)
    page.get_by_label("New password again").fill(OWN + "?")
    expect(page.get_by_text("The two entries differ.")).to_be_visible()
    page.get_by_label("New password again").fill(OWN)
    visitor.button("Change password").click()

    expect(page.get_by_role("heading", name="Overview")).to_be_visible()
    page.reload()
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()

    visitor.settle()  # what is asked after the end of the session is refused
    page.get_by_role("button", name="Account").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    visitor.sign_in("admin", OWN)


def test_a_wrong_password_is_refused_in_the_readers_language(visit: Callable[..., Visitor]) -> None:
    visitor = visit(refusals=(401,))
    page = visitor.page
    visitor.go("/sign-in")
    page.get_by_label("User name").fill("alice")
    page.get_by_label("Password").fill("not the password")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("The user name or the password is wrong.")
    visitor.button("中文").click()
    expect(page.get_by_role("alert")).to_contain_text("用户名或密码错误。")
    expect(page.locator("html")).to_have_attribute("lang", "zh-CN")


def test_a_deep_link_survives_signing_in_and_a_foreign_one_does_not(visit: Callable[..., Visitor]) -> None:
    for target, landed in (("/policies", "/policies"), ("//evil.example/x", "/"), ("https://evil.example", "/")):
        visitor = visit()
        page = visitor.page
        page.goto(f"{visitor.url}/sign-in?to={target}")
        page.get_by_label("User name").fill("alice")
        page.get_by_label("Password").fill(PASSWORD)
        page.keyboard.press("Enter")
        page.locator("#main h1").wait_for()
        assert urlparse(page.url).path == landed
        assert page.url.startswith(visitor.url)


def test_language_and_theme_stay_chosen(visit: Callable[..., Visitor]) -> None:
    visitor = visit().sign_in()
    page = visitor.page
    page.get_by_role("button", name="Account").click()
    visitor.button("Dark").click()
    visitor.button("中文").click()
    expect(page.get_by_role("heading", name="总览")).to_be_visible()
    page.reload()
    expect(page.get_by_role("heading", name="总览")).to_be_visible()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.get_by_role("button", name="账户").click()
    visitor.button("跟随系统").click()
    expect(page.locator("html")).not_to_have_attribute("data-theme", re.compile(""))
