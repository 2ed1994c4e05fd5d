"""The page of the advisories: what is known, what goes on, and what each role may do about it."""

import json
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from msgspec import structs
from playwright.sync_api import expect
from tests.support.advisories import affected, record
from tests.support.console import Console
from tests.support.visitor import Visitor

from hullguard.model.advisory_update import (
    AdvisoryDatabase,
    AdvisoryProgress,
    AdvisoryRefusal,
    AdvisoryRun,
    AdvisorySource,
    RunState,
    SourceReport,
)
from hullguard.storage import Transaction
from hullguard.storage.stores import ADVISORIES_TROUBLE, AdvisoryRuns, Settings

RECORD = record("GHSA-1", affected("npm", "one", {"introduced": "0"}, kind="SEMVER"))
REPORT = SourceReport(
    "Alpine", "whole", 7953, refused=1, refusals=(AdvisoryRefusal("Alpine.zip, ODD.json", "it is no record"),)
)
FAILED = SourceReport("kev", why="https://mirror.example/kev.json: the server answers 404")


def known(tx: Transaction) -> AdvisoryDatabase:
    sources = (AdvisorySource("Alpine", 72444, 24, tx.now), AdvisorySource("kev", 1300, 0, tx.now))
    return AdvisoryDatabase(tx.now, tx.now.date(), 12, 17_600_000, sources)


async def finished(tx: Transaction, state: RunState, **outcome: object) -> AdvisoryRun:
    runs = AdvisoryRuns(tx)
    begun = await runs.begin((await runs.update("system")).id)
    return await runs.finish(structs.replace(begun, state=state, **outcome))


def test_a_new_installation_says_the_two_ways(visit: Callable[..., Visitor]) -> None:
    visitor = visit().sign_in()
    page = visitor.page
    visitor.go("/advisories")

    expect(page.get_by_role("heading", name="There are no advisories yet")).to_be_visible()
    expect(page.get_by_role("heading", name="With a network", exact=True)).to_be_visible()
    expect(page.get_by_role("heading", name="Without a network")).to_be_visible()
    visitor.go("/")
    page.get_by_role("link", name="Advisory database").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Advisories")


def test_what_is_known_and_what_became_of_updates(visit: Callable[..., Visitor], console: Console) -> None:
    async def fill(tx: Transaction) -> None:
        await AdvisoryRuns(tx).know(known(tx))
        await finished(tx, RunState.FAILED, code="advisories.nothing-updated", why="x", sources=(FAILED,))
        await finished(tx, RunState.PARTIAL, replaced=True, imported=7953, refused=1, sources=(REPORT, FAILED))

    console.do(fill)
    visitor = visit().sign_in("vera")
    page = visitor.page
    visitor.go("/advisories")

    row = page.locator("tr", has_text="Alpine").first
    expect(row).to_contain_text("72,444")
    expect(row).to_contain_text("in 24 releases")
    row.get_by_text("1 record was left out").click()
    expect(row.get_by_text("it is no record")).to_be_visible()
    expect(page.get_by_text("7,953 imported, 0 withdrawn, 0 older than stored, 1 refused.")).to_be_visible()
    expect(page.get_by_text("No source could be had.")).to_be_visible()
    expect(page.get_by_text("It is tried again by itself. Check that this machine reaches the mirror")).to_be_visible()
    for name in ("Update now", "Upload files", "Save"):
        expect(visitor.button(name)).to_have_count(0)
    expect(page.get_by_text("Administrators can change this.")).to_be_visible()


def test_an_operator_updates_and_sees_how_far_it_is(visit: Callable[..., Visitor], console: Console) -> None:
    visitor = visit().sign_in("omar")
    page = visitor.page
    visitor.go("/advisories")
    expect(visitor.button("Upload files")).to_have_count(0)

    visitor.button("Update now").click()

    expect(page.get_by_text("Waits for a worker")).to_be_visible()
    expect(visitor.button("Update now")).to_be_disabled()

    async def begin(tx: Transaction) -> str:
        (run,) = (await AdvisoryRuns(tx).plan()).waiting
        await AdvisoryRuns(tx).begin(run.id)
        assert console.services is not None
        progress = msgspec.msgpack.encode(AdvisoryProgress("fetching", "Alpine", 2, 4, 1_800_000))
        await console.services.cache.set("advisories.progress", progress, 600)
        return run.id

    run = console.do(begin)
    console.announce("advisories", run)
    expect(page.get_by_text("Fetches Alpine, source 2 of 4, 1.8 MB so far")).to_be_visible()
    expect(page.get_by_role("progressbar")).to_have_attribute("aria-valuenow", "24")

    async def end(tx: Transaction) -> None:
        begun = await AdvisoryRuns(tx).begin(run)
        await AdvisoryRuns(tx).finish(structs.replace(begun, state=RunState.DONE, same=4))

    console.do(end)
    console.announce("advisories", run)
    expect(page.get_by_role("progressbar")).to_have_count(0)
    expect(page.get_by_text("Nothing was new.")).to_be_visible()


def test_a_file_is_uploaded_and_what_is_none_is_refused(
    visit: Callable[..., Visitor], console: Console, tmp_path: Path
) -> None:
    odd, good = tmp_path / "notes.txt", tmp_path / "records.json"
    odd.write_text("no advisory")
    good.write_text(json.dumps(RECORD))
    visitor = visit(refusals=(422,)).sign_in()
    page = visitor.page
    visitor.go("/advisories")
    visitor.button("Upload files").click()
    dialog = page.get_by_role("dialog")

    dialog.get_by_label("Files").set_input_files(odd)
    dialog.get_by_role("button", name="Import").click()
    expect(dialog.get_by_role("alert")).to_contain_text("The file holds neither OSV records nor a KEV catalogue")
    dialog.get_by_label("Files").set_input_files(good)
    dialog.get_by_role("button", name="Import").click()

    expect(page.get_by_text("records.json is imported when it is its turn.")).to_be_visible()
    expect(page.get_by_role("heading", name="Import of records.json")).to_be_visible()


def test_several_files_are_sent_one_after_another_and_each_says_what_became_of_it(
    visit: Callable[..., Visitor], tmp_path: Path
) -> None:
    names = ("one.json", "odd.txt", "two.json")
    for name in names:
        (tmp_path / name).write_text("no advisory" if name == "odd.txt" else json.dumps(RECORD))
    visitor = visit(refusals=(422,)).sign_in()
    page = visitor.page
    visitor.go("/advisories")
    visitor.button("Upload files").click()
    dialog = page.get_by_role("dialog")

    dialog.get_by_label("Files").set_input_files([tmp_path / name for name in names])
    expect(dialog.get_by_text("Chosen", exact=True)).to_have_count(3)
    dialog.get_by_role("button", name="Import").click()

    lines = dialog.get_by_role("listitem")
    expect(lines.nth(0)).to_contain_text("Taken: it is imported when it is its turn.")
    expect(lines.nth(1).get_by_role("alert")).to_contain_text("The file holds neither OSV records nor a KEV catalogue")
    expect(lines.nth(2)).to_contain_text("Taken: it is imported when it is its turn.")
    expect(dialog.get_by_role("button", name="Import")).to_be_disabled()
    dialog.get_by_role("button", name="Cancel").click()


def test_settings_are_changed_and_taken_back(visit: Callable[..., Visitor]) -> None:
    visitor = visit(refusals=(422,)).sign_in()
    page = visitor.page
    visitor.go("/advisories")
    hours, mirror = page.get_by_label("Every so many hours"), page.get_by_label("Mirror of OSV's dumps")
    expect(hours).to_have_value("24")
    expect(visitor.button("Save")).to_be_disabled()

    mirror.fill("https://somebody:secret@mirror.example")
    visitor.button("Save").click()
    expect(page.get_by_text("An address carries no name or password").first).to_be_visible()
    mirror.fill("https://mirror.example/osv")
    hours.fill("6")
    visitor.button("Save").click()
    expect(page.get_by_text("The settings are saved.")).to_be_visible()
    visitor.button("Undo").click()

    expect(page.get_by_text("The settings are as they were.")).to_be_visible()
    expect(hours).to_have_value("24")


@pytest.mark.parametrize("language", ["en", "zh-CN"])
@pytest.mark.parametrize("width", [1440, 390])
def test_how_it_looks_in_trouble(
    visit: Callable[..., Visitor], console: Console, screenshots: Path, language: str, width: int
) -> None:
    async def trouble(tx: Transaction) -> None:
        await AdvisoryRuns(tx).know(known(tx))
        await Settings(tx).set(ADVISORIES_TROUBLE, "the advisory database is gone, so nothing can be matched; make one with `hullguard db update`")

    console.do(trouble)
    visitor = visit(language=language, width=width).sign_in()
    visitor.go("/advisories")

    expect(visitor.page.get_by_role("alert")).to_be_visible()
    if language == "zh-CN":
        expect(visitor.page.get_by_role("alert")).to_contain_text("漏洞库已不存在")
    visitor.page.screenshot(path=screenshots / f"advisories-{width}-{language}.png", full_page=True)
    assert visitor.page.evaluate("document.documentElement.scrollWidth") <= width
