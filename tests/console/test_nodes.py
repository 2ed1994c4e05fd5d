"""A node: protection with its effect and reason, commands with their outcome, and how one joins."""

import re
from collections.abc import Callable

from playwright.sync_api import expect
from tests.support.console import Console
from tests.support.visitor import Visitor

from hullguard.model.command import CommandState
from hullguard.storage import PageRequest
from hullguard.storage.stores import CommandFilter, Commands, Nodes, Quotas


def test_protection_is_turned_off_with_a_reason_and_undone(console: Console, visit: Callable[..., Visitor]) -> None:
    visitor = visit().sign_in("omar")
    page = visitor.page
    visitor.go("/nodes/prod-web-01")
    visitor.button("Turn protection off").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Nothing on this node is watched or stopped any more")
    confirm = dialog.get_by_role("button", name="Turn protection off")
    expect(confirm).to_be_disabled()
    dialog.get_by_label("Reason").fill("kernel upgrade")
    confirm.click()
    told = visitor.told("Protection is off for prod-web-01.")
    expect(page.get_by_text("Why is this node not protected?")).to_be_visible()
    expect(page.get_by_text("Next step: Turn protection on.")).to_be_visible()
    assert console.do(lambda tx: Nodes(tx).get("prod-web-01")).protection is False
    told.get_by_role("button", name="Undo").click()
    expect(visitor.button("Turn protection off")).to_be_visible()
    assert console.do(lambda tx: Nodes(tx).get("prod-web-01")).protection is True
    visitor.sign_in("aude")
    visitor.go("/audit?q=kernel")
    expect(page.locator("tbody tr").first).to_contain_text("Turned protection off")
    expect(page.get_by_text(re.compile(r"Chain whole: \d+ records"))).to_be_visible()


def test_a_used_up_quota_says_what_to_do(console: Console, visit: Callable[..., Visitor]) -> None:
    visitor = visit(refusals=(409,)).sign_in()
    page = visitor.page
    used = console.do(lambda tx: Quotas(tx).get()).used
    console.do(lambda tx: Quotas(tx).set_total(used))
    visitor.go("/nodes/build-runner-03")
    visitor.button("Turn protection on").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Reason").fill("it builds releases")
    dialog.get_by_role("button", name="Turn protection on").click()
    expect(dialog.get_by_role("alert")).to_contain_text("The node quota is used up.")
    console.do(lambda tx: Quotas(tx).set_total(used + 3))
    dialog.get_by_role("button", name="Turn protection on").click()
    expect(visitor.toast("Protection is on for build-runner-03.")).to_be_visible()


def test_a_command_is_followed_to_its_outcome(console: Console, visit: Callable[..., Visitor]) -> None:
    visitor = visit().sign_in("omar")
    page = visitor.page
    visitor.go("/nodes/prod-web-02")
    card = page.get_by_role("region", name="Commands")
    expect(card).to_contain_text("No command yet.")
    card.get_by_role("button", name="Scan now").click()
    row = card.locator("li").first
    expect(row).to_contain_text("Waiting")
    expect(card.get_by_role("button", name="Scan now")).to_be_disabled()
    command = console.do(lambda tx: Commands(tx).page(CommandFilter(node="prod-web-02"), PageRequest(1))).items[0]
    assert command.created_by == "user:omar"
    for step in (
        lambda tx: Commands(tx).sent(command.id),
        lambda tx: Commands(tx).acknowledged(command.id),
        lambda tx: Commands(tx).progress(command.id, 60, "3 of 5 images"),
    ):
        console.do(step)
    console.announce("command", command.id)
    expect(row).to_contain_text("60%")
    expect(row).to_contain_text("3 of 5 images")
    console.do(lambda tx: Commands(tx).finish(command.id, CommandState.DONE, {"images": 5, "failed": 0}))
    console.announce("command", command.id)
    expect(row).to_contain_text("Done")
    expect(row).to_contain_text("Images 5")
    expect(card.get_by_role("button", name="Scan now")).to_be_enabled()


def test_an_agent_is_updated_to_an_uploaded_release_or_not(console: Console, visit: Callable[..., Visitor]) -> None:
    visitor = visit().sign_in()
    page = visitor.page
    visitor.go("/nodes/edge-berlin-01")
    visitor.button("Update agent").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("0.2.0")
    dialog.get_by_role("button", name="Update agent").click()
    row = page.get_by_role("region", name="Commands").locator("li").first
    expect(row).to_contain_text("Update agent")
    row.get_by_role("button", name="Cancel").click()
    expect(row).to_contain_text("Cancelled")
    found = console.do(lambda tx: Commands(tx).page(CommandFilter(node="edge-berlin-01"), PageRequest(1))).items[0]
    assert found.state is CommandState.CANCELLED


def test_a_node_is_added_with_one_command(visit: Callable[..., Visitor]) -> None:
    visitor = visit().sign_in()
    page = visitor.page
    visitor.go("/nodes")
    visitor.button("Add a node").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name of the token").fill("rack 5")
    dialog.get_by_label("Number of nodes").fill("3")
    dialog.get_by_role("button", name="Show command").click()
    command = dialog.locator("pre")
    expect(command).to_have_text(
        re.compile(
            r"^printf %s hg1\.\S+ \| sudo hullguard agent enrol --server https://hullguard\.test:8441 --token - "
        )
    )
    dialog.get_by_label("Address that the node reaches").fill("https://10.0.0.1:8441")
    expect(command).to_contain_text("--server https://10.0.0.1:8441")
    dialog.get_by_role("button", name="Done").click()
    visitor.go("/enrolment")
    row = page.locator("tbody tr", has_text="rack 5")
    expect(row).to_contain_text("0 of 3")
    row.get_by_role("button", name="Revoke").click()
    page.get_by_role("dialog").get_by_role("button", name="Revoke").click()
    expect(row).to_contain_text("Revoked")


def test_a_node_is_removed_with_a_reason(console: Console, visit: Callable[..., Visitor]) -> None:
    visitor = visit().sign_in()
    page = visitor.page
    visitor.go("/nodes/edge-berlin-02")
    expect(page.get_by_text("Nothing was heard of the agent for")).to_be_visible()
    visitor.button("Remove node").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Reason").fill("scrapped")
    dialog.get_by_role("button", name="Remove node").click()
    expect(visitor.toast("edge-berlin-02 is removed.")).to_be_visible()
    expect(page.locator("tbody tr", has_text="edge-berlin-02")).to_have_count(0)


def test_what_does_not_exist_says_so_with_the_request_id(visit: Callable[..., Visitor]) -> None:
    visitor = visit(refusals=(404,)).sign_in()
    page = visitor.page
    visitor.go("/nodes/no-such-node")
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("The node could not be read")
    expect(alert).to_contain_text("There is no such node.")
    expect(alert).to_contain_text("It may have been removed.")
    expect(alert.locator("code")).to_have_text(re.compile(r"^[0-9a-f]{32}$"))
