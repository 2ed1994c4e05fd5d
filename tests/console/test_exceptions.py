"""An exception is made where the finding is, says what it does before, is seen to do it, and is taken back."""

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import expect
from tests.support import console_fleet as fleet
from tests.support.console import Console
from tests.support.visitor import Visitor

from hullguard.imagescan.suppress import Rules, standing
from hullguard.storage import PageRequest, Transaction
from hullguard.storage.stores import (
    ExceptionFilter,
    Exceptions,
    Images,
    Judged,
    Matching,
    VexDocuments,
    VulnerabilityFilter,
)

NAMES = list(fleet.IMAGES)[:-1]
"""Those that were matched."""
NAME = NAMES[0]
IMAGE = fleet.image_id(NAME)
REASON = "only the client is used"


def match(console: Console) -> None:
    """What a worker does with the images when it is woken."""

    async def again(tx: Transaction) -> None:
        rules = [standing.exception_rule(identity, spec) for identity, spec in await Exceptions(tx).in_force()]
        for identity, (head, content) in (await VexDocuments(tx).said(await VexDocuments(tx).ids())).items():
            rules += standing.document_rules(identity, head, content)[0]
        for name in NAMES:
            report = await Images(tx).report(fleet.image_id(name))
            told = Rules(rules).suppress(report, tx.now.date(), (name,))
            await Matching(tx).store([Judged(fleet.image_id(name), told)])

    console.do(again)
    for name in NAMES:
        console.announce("image", fleet.image_id(name))


def reset(console: Console) -> None:
    """Nothing is excepted, and every report is as the worker's was at first."""

    async def clear(tx: Transaction) -> None:
        for each in (await Exceptions(tx).page(ExceptionFilter(), PageRequest(500))).items:
            await Exceptions(tx).delete(each.id, each.version)
        for each in (await VexDocuments(tx).page(PageRequest(500))).items:
            await VexDocuments(tx).delete(each.id)
        for name in NAMES:
            report = fleet.report(name, tx.now - timedelta(hours=19))
            await Matching(tx).store([Judged(fleet.image_id(name), report)])

    console.do(clear)


@pytest.mark.parametrize("width", [1440, 390])
@pytest.mark.parametrize(
    ("language", "words"),
    [
        (
            "en",
            {
                "for": "Make an exception…",
                "make": "Make it",
                "names": "All images of these names",
                "reason": "Reason",
                "effect": "1 finding of 1 image will not count",
                "none": "Does not count",
                "undo": "Undo",
                "until": "Last day (UTC)",
                "nav": "Exceptions",
                "vex": "VEX documents",
                "upload": "Upload a document",
            },
        ),
        (
            "zh-CN",
            {
                "for": "设立例外…",
                "make": "设立",
                "names": "具有以下名称的所有镜像",
                "reason": "理由",
                "effect": "1 个镜像的 1 个发现项将不再计入",
                "none": "不计入",
                "undo": "撤销",
                "until": "最后一天（UTC）",
                "nav": "例外",
                "vex": "VEX 文档",
                "upload": "上传文档",
            },
        ),
    ],
)
def test_from_the_finding_to_the_list_and_back(
    console: Console,
    visit: Callable[..., Visitor],
    screenshots: Path,
    tmp_path: Path,
    *,
    width: int,
    language: str,
    words: dict[str, str],
) -> None:
    visitor = visit(language=language, width=width, refusals=(422,))
    reset(console)
    visitor.sign_in()
    found = console.do(lambda tx: Images(tx).vulnerabilities(IMAGE, VulnerabilityFilter(), PageRequest(sort="severity")))
    first, page = found.items[0], visitor.page
    visitor.go(f"/images/{IMAGE}")
    page.get_by_role("link", name=first.id, exact=True).first.click()
    page.get_by_role("dialog", name=first.id).get_by_role("button", name=words["for"]).click()
    form = page.locator("dialog[open]")
    expect(form.get_by_role("status")).to_contain_text(words["effect"])
    form.get_by_label(words["names"]).check()
    expect(form.locator("textarea")).to_have_value("registry.example/shop/checkout:*")
    expect(form.get_by_role("status")).to_contain_text(words["effect"])
    form.get_by_label(words["reason"], exact=True).fill(REASON)
    form.get_by_label(words["until"]).fill("2099-12-31")
    visitor.settle()
    assert visitor.nameless() == []
    page.screenshot(path=screenshots / f"exception-form-{language}-{width}.png")
    form.get_by_role("button", name=words["make"], exact=True).click()
    expect(form).to_have_count(0)
    match(console)

    visitor.go(f"/images/{IMAGE}?tab=suppressed")
    expect(page.get_by_text(REASON)).to_be_visible()
    assert visitor.sideways() == 0
    page.screenshot(path=screenshots / f"suppressed-{language}-{width}.png", full_page=True)
    page.locator("li a[href*='/exceptions?item=']").click()
    drawer = page.get_by_role("dialog")
    expect(drawer.get_by_text("registry.example/shop/checkout:*")).to_be_visible()
    visitor.settle()
    page.screenshot(path=screenshots / f"exception-{language}-{width}.png")
    visitor.go("/exceptions")
    expect(page.get_by_text(REASON)).to_be_visible()
    assert visitor.sideways() == 0
    page.screenshot(path=screenshots / f"exceptions-{language}-{width}.png", full_page=True)
    page.locator("td a[href*='exception=']").click()
    expect(page.get_by_text(NAME).first).to_be_visible()
    visitor.settle()
    expect(page.locator("tbody tr")).to_have_count(1)

    visitor.go("/exceptions?tab=vex")
    bad = tmp_path / "bad.json"
    bad.write_text('{"bomFormat": "SomethingElse"}')
    page.locator("input[type=file]").set_input_files(bad)
    expect(page.get_by_role("alert")).to_be_visible()
    page.screenshot(path=screenshots / f"vex-refused-{language}-{width}.png")
    good = tmp_path / "good.json"
    second = found.items[1]
    statement = {"vulnerability": second.id, "status": "not_affected", "products": [second.package]}
    statement["impact_statement"] = "never called"
    document = {"@context": "https://openvex.dev/ns/v0.2.0", "@id": "https://example.test/vex/7", "author": "The makers"}
    good.write_text(json.dumps(document | {"statements": [statement]}))
    page.locator("input[type=file]").set_input_files(good)
    expect(page.get_by_text("https://example.test/vex/7")).to_be_visible()
    match(console)
    expect(page.locator("td a[href*='exception=']")).to_be_visible()
    visitor.settle()
    assert visitor.sideways() == 0
    page.screenshot(path=screenshots / f"vex-{language}-{width}.png", full_page=True)


def test_undo_takes_back_what_was_made(console: Console, visit: Callable[..., Visitor]) -> None:
    visitor = visit()
    reset(console)
    visitor.sign_in("omar")
    page = visitor.page
    visitor.go("/exceptions")
    page.get_by_role("button", name="Make an exception").first.click()
    form = page.locator("dialog[open]")
    form.get_by_label("Vulnerabilities").fill("CVE-1999-1")
    expect(form.get_by_role("status")).to_contain_text("Nothing that is found now is covered")
    form.get_by_label("Every image").check()
    form.get_by_label("Reason", exact=True).fill("a test")
    form.get_by_role("button", name="Make it", exact=True).click()
    visitor.told("The exception is made").get_by_role("button", name="Undo").click()
    expect(visitor.toast("Undone")).to_be_visible()
    expect(page.get_by_text("No exception", exact=True)).to_be_visible()
    assert console.do(lambda tx: Exceptions(tx).in_force()) == []


def test_who_may_only_read_is_offered_no_change(console: Console, visit: Callable[..., Visitor]) -> None:
    visitor = visit()
    reset(console)
    visitor.sign_in("vera")
    visitor.go("/exceptions")
    expect(visitor.page.get_by_text("No exception", exact=True)).to_be_visible()
    expect(visitor.page.get_by_role("button", name="Make an exception")).to_have_count(0)
    visitor.go("/exceptions?tab=vex")
    expect(visitor.page.get_by_role("button", name="Upload a document")).to_have_count(0)
