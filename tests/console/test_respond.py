"""Acting on a container: the effect is said before, the reason is asked for, and there is a way back."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import expect
from tests.support import console_fleet as fleet
from tests.support.console import Console
from tests.support.visitor import Visitor

from hullguard.model.command import Command, CommandKind, CommandState
from hullguard.storage import PageRequest, Transaction
from hullguard.storage.stores import CommandFilter, Commands, IncidentFilter, Incidents

NODE = "prod-web-02"


def given(console: Console, container: str) -> list[Command]:
    async def read(tx: Transaction) -> list[Command]:
        return list((await Commands(tx).page(CommandFilter(container=container), PageRequest())).items)

    return console.do(read)


def test_a_container_is_paused_with_a_reason_and_the_way_back(console: Console, visit: Callable[..., Visitor]) -> None:
    container = fleet.containers(NODE)[0]
    visitor = visit(refusals=(409,)).sign_in("omar")
    page = visitor.page
    visitor.go(f"/containers?node={NODE}")
    page.get_by_role("link", name=container.name, exact=True).click()
    drawer = page.get_by_role("dialog", name="Container")
    drawer.get_by_role("button", name="Pause").click()
    dialog = page.locator("dialog[open]")
    expect(dialog).to_contain_text("Nothing in the container runs any more")
    expect(dialog.get_by_role("button", name="Pause")).to_be_disabled()
    dialog.get_by_label("Reason").fill("it mines")
    dialog.get_by_role("button", name="Pause").click()
    told = visitor.told("Pause: ordered for")
    expect(drawer.locator(".responses")).to_contain_text("Waiting")
    (made,) = given(console, container.id)
    assert (made.kind, made.node, made.reason) == (CommandKind.PAUSE_CONTAINER, NODE, "it mines")
    told.get_by_role("button", name="Undo").click()
    expect(visitor.toast("Undone.")).to_be_visible()
    assert [each.state for each in given(console, container.id)] == [CommandState.CANCELLED]


def test_an_incident_shows_what_was_done_and_what_can_be(console: Console, visit: Callable[..., Visitor]) -> None:
    container = fleet.containers("prod-web-01")[0]
    visitor = visit().sign_in()
    found = console.do(lambda tx: Incidents(tx).page(IncidentFilter(container=container.id), PageRequest(1))).items[0]
    visitor.go(f"/incidents/{found.id}")
    section = visitor.page.get_by_role("region", name="Response")
    expect(section).to_contain_text("Isolated")
    expect(section.locator(".responses")).to_contain_text("nobody knows yet where it came from")
    expect(section.get_by_role("button")).to_have_text(["Pause", "Stop", "Reconnect"])
    section.get_by_role("button", name="Reconnect").click()
    dialog = visitor.page.locator("dialog[open]")
    dialog.get_by_label("Reason").fill("a drill")
    dialog.get_by_role("button", name="Reconnect").click()
    expect(visitor.toast("Reconnect: ordered for")).to_be_visible()
    newest = given(console, container.id)[0]
    assert (newest.kind, newest.incident) == (CommandKind.RECONNECT_CONTAINER, found.id)


def test_a_process_that_was_only_reported_can_be_ended(console: Console, visit: Callable[..., Visitor]) -> None:
    visitor = visit().sign_in("omar")
    wanted = IncidentFilter(rule="file.read-sensitive", node=NODE)
    found = console.do(lambda tx: Incidents(tx).page(wanted, PageRequest(1))).items[0]
    visitor.go(f"/incidents/{found.id}")
    visitor.button("End process").click()
    dialog = visitor.page.locator("dialog[open]")
    expect(dialog).to_contain_text(f"End cat (pid {found.lineage[-1].pid})?")
    dialog.get_by_label("Reason").fill("no business with hashes")
    dialog.get_by_role("button", name="End process").click()
    expect(visitor.toast("End process: ordered for cat.")).to_be_visible()
    newest = given(console, found.container.id)[0]
    assert newest.kind is CommandKind.KILL_PROCESS
    assert newest.parameters["pid"] == found.lineage[-1].pid


def test_those_who_may_only_look_are_offered_nothing(console: Console, visit: Callable[..., Visitor]) -> None:
    visitor = visit().sign_in("vera")
    container = fleet.containers("prod-web-01")[1]
    visitor.go(f"/containers?item={container.id}")
    drawer = visitor.page.get_by_role("dialog", name="Container")
    expect(drawer).to_contain_text("Paused by Hullguard")
    expect(drawer).to_contain_text("By policy")
    expect(drawer.get_by_role("button", name="Unpause")).to_have_count(0)


@pytest.mark.parametrize("language", ["en", "zh-CN"])
@pytest.mark.parametrize("width", [1440, 390])
def test_it_fits(console: Console, visit: Callable[..., Visitor], screenshots: Path, language: str, width: int) -> None:
    visitor = visit(language=language, width=width).sign_in()
    container = fleet.containers("prod-web-01")[0]
    found = console.do(lambda tx: Incidents(tx).page(IncidentFilter(container=container.id), PageRequest(1))).items[0]
    for name, path in (
        ("containers", "/containers"),
        ("container", f"/containers?item={container.id}"),
        ("response", f"/incidents/{found.id}"),
    ):
        visitor.go(path)
        assert visitor.sideways() == 0
        assert visitor.nameless() == []
        visitor.page.screenshot(path=screenshots / f"respond-{name}-{language}-{width}.png", full_page=True)
