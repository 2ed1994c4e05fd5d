"""What was submitted: marked as such, by whom, and forgotten when a person says so."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import expect
from tests.support import records
from tests.support.console import Console
from tests.support.visitor import Visitor

from hullguard.model.image import Target
from hullguard.model.inventory import Inventory
from hullguard.model.submission import image_of
from hullguard.storage import Transaction
from hullguard.storage.stores import Submissions

NAME = "vendor appliance 4.2"


@pytest.fixture(scope="module", autouse=True)
def _submitted(console: Console) -> None:
    async def write(tx: Transaction) -> None:
        bill = Inventory(Target("sbom:vendor.cdx.json", "sbom"), packages=records.PACKAGES)
        for name in (NAME, "another"):
            kept = await Submissions(tx).keep(records.claim(name, of=bill, by="user:omar", host="runner-7"))
            await records.matched(tx, kept.image, records.report(of=bill))

    console.do(write)


def test_the_list_marks_what_is_no_image_and_its_page_says_who_sent_it(visit: Callable[..., Visitor]) -> None:
    visitor = visit().sign_in()
    page = visitor.page
    visitor.go("/images?lister=submission")
    row = page.get_by_role("row", name=NAME)
    expect(row).to_contain_text("Bill of materials")
    row.get_by_role("link", name=NAME).click()
    visitor.settle()

    expect(page.get_by_text("No node and no registry has read it.")).to_be_visible()
    table = page.get_by_role("table", name="Submitted")
    for word in (NAME, "omar", "192.0.2.9", "runner-7", "Bill of materials"):
        expect(table).to_contain_text(word)


def test_who_only_reads_cannot_forget_it(visit: Callable[..., Visitor]) -> None:
    visitor = visit().sign_in("vera")
    visitor.go(f"/images/{image_of('sbom', NAME)}")

    expect(visitor.page.get_by_role("table", name="Submitted")).to_be_visible()
    expect(visitor.page.get_by_role("button", name="Forget")).to_have_count(0)


def test_it_is_forgotten(visit: Callable[..., Visitor]) -> None:
    visitor = visit().sign_in()
    visitor.go(f"/images/{image_of('sbom', 'another')}")
    visitor.page.get_by_role("button", name="Forget").click()
    visitor.page.get_by_role("dialog").get_by_role("button", name="Forget").click()

    expect(visitor.page).to_have_url(re.compile(r"/images$"))
    expect(visitor.told("another is forgotten.")).to_be_visible()
    expect(visitor.page.get_by_role("link", name="another", exact=True)).to_have_count(0)


def test_a_token_may_be_for_a_build_alone(visit: Callable[..., Visitor]) -> None:
    visitor = visit().sign_in("omar")
    visitor.go("/tokens")
    visitor.page.get_by_role("button", name="New token").first.click()
    dialog = visitor.page.get_by_role("dialog")
    dialog.get_by_label("Name").fill("build of shop")
    dialog.get_by_label("Role").select_option(label="Submitter (for builds)")
    dialog.get_by_role("button", name="New token").click()

    expect(dialog.get_by_text(re.compile("hgt_"))).to_be_visible()
