"""What can be had of an image as a whole: files, and how it differs from another."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import expect
from tests.support import console_fleet as fleet
from tests.support.console import Console
from tests.support.records import matched
from tests.support.visitor import Visitor

from hullguard.storage import Transaction
from hullguard.storage.stores import Images

NAME = "registry.example/shop/checkout:2.14.0"
NEWER = "sha256:" + "ab" * 32


@pytest.fixture(scope="module", autouse=True)
def _newer(console: Console) -> None:
    """A second image of the same name, with nothing wrong in it any more but one finding."""

    async def write(tx: Transaction) -> None:
        await Images(tx).present("build-runner-03", [(NEWER, ["registry.example/shop/checkout:2.15.0"])])
        await Images(tx).store_inventory(NEWER, fleet.inventory(NAME))
        await matched(tx, NEWER, fleet.report("redis:7.2-alpine", tx.now))

    console.do(write)


@pytest.mark.parametrize(
    ("label", "suffix", "begins"),
    [
        ("HTML", ".html", "<!doctype html>"),
        ("SARIF", ".sarif", "{"),
        ("JUnit", ".xml", "<?xml"),
        ("SPDX", ".spdx.json", "{"),
    ],
)
def test_a_format_is_saved_as_a_file(visit: Callable[..., Visitor], label: str, suffix: str, begins: str) -> None:
    visitor = visit().sign_in()
    page = visitor.page
    visitor.go(f"/images/{fleet.image_id(NAME)}")
    page.get_by_role("button", name="Download", exact=True).click()
    with page.expect_download() as saved:
        page.get_by_role("link", name=label).first.click()

    assert saved.value.suggested_filename.endswith(suffix)
    assert Path(saved.value.path()).read_text().startswith(begins)
    assert page.url.endswith(fleet.image_id(NAME))


def test_the_report_is_of_what_the_list_shows_unless_all_is_asked_for(visit: Callable[..., Visitor]) -> None:
    visitor = visit().sign_in()
    page = visitor.page
    visitor.go(f"/images/{fleet.image_id(NAME)}?severity=critical,high&fixable=true")
    page.get_by_role("button", name="Download", exact=True).click()
    link = page.get_by_role("link", name="SARIF")
    expect(link).to_have_attribute("href", re.compile(r"severity=critical%2Chigh&fixable=true"))
    page.get_by_role("checkbox", name="Only what the list shows: Critical, High, fixable").uncheck()
    expect(link).to_have_attribute("href", re.compile(r"format=sarif$"))


def test_two_images_of_one_name_are_compared(visit: Callable[..., Visitor]) -> None:
    visitor = visit().sign_in()
    page = visitor.page
    visitor.go(f"/images/{fleet.image_id(NAME)}")
    page.get_by_role("button", name="Compare with…").click()
    same = page.get_by_role("region", name="Same name")
    expect(same.get_by_role("link")).to_have_count(1)
    same.get_by_role("link", name="registry.example/shop/checkout:2.15.0").click()

    expect(page).to_have_url(re.compile(f"/images/{fleet.image_id(NAME)}/compare/{NEWER}$"))
    expect(page.get_by_role("heading", level=1)).to_contain_text("2.14.0 → registry.example/shop/checkout:2.15.0")
    page.get_by_role("link", name="The other way round").click()
    expect(page).to_have_url(re.compile(f"/images/{NEWER}/compare/{fleet.image_id(NAME)}$"))
    page.get_by_role("button", name=re.compile("^What to update")).click()
    expect(page.get_by_role("table", name="What to update").get_by_role("row").nth(1)).to_be_visible()


def test_an_image_that_is_not_there_says_so(visit: Callable[..., Visitor]) -> None:
    visitor = visit(refusals=(404,)).sign_in()
    visitor.go(f"/images/{fleet.image_id(NAME)}/compare/sha256:nothing")

    expect(visitor.page.get_by_role("alert")).to_contain_text("The images could not be compared")
