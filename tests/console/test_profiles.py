"""Profiles in the console: begin to learn, look through the list, accept it, protect, and be taken back."""

from collections.abc import Callable

import msgspec
from playwright.sync_api import expect
from tests.support.console import Console
from tests.support.console_profiles import IMAGE, NODE, learned, monitored
from tests.support.records import observation
from tests.support.visitor import Visitor

from hullguard.detect import PROFILE_ROLLED_BACK
from hullguard.hostmgr.intake import Speaker, take_in
from hullguard.model.profile import ProfileState
from hullguard.model.rollout import Mode, Rollout
from hullguard.storage import PageRequest, Transaction
from hullguard.storage.stores import ProfileFilter, Profiles
from hullguard.wire import messages as say


def confirm(visitor: Visitor, name: str, reason: str) -> None:
    """Says why and goes on; what the dialog said is no sign that it was done."""
    dialog = visitor.page.get_by_role("dialog")
    dialog.get_by_label("Reason").fill(reason)
    dialog.get_by_role("button", name=name).click()
    expect(dialog).to_have_count(0)


def test_nothing_is_learned_yet(visit: Callable[..., Visitor]) -> None:
    visitor = visit().sign_in("omar")
    visitor.go("/profiles")
    expect(visitor.page.get_by_text("No image is being learned")).to_be_visible()


def test_an_image_is_learned_reviewed_and_put_in_force(console: Console, visit: Callable[..., Visitor]) -> None:
    visitor = visit().sign_in("omar")
    page = visitor.page
    visitor.go("/profiles")
    visitor.button("Learn an image").first.click()
    page.get_by_label("Image", exact=True).fill("redis:7")
    visitor.button("Begin to learn").click()
    expect(visitor.toast("redis is being learned")).to_be_visible()
    expect(page.get_by_role("heading", name="redis")).to_be_visible()

    profile = console.do(learned)
    visitor.go(f"/profiles/{profile}")
    visitor.button("End learning").click()
    confirm(visitor, "End learning", "a week is enough")
    expect(page.get_by_text("Look through the list")).to_be_visible()
    row = page.get_by_role("row").filter(has_text="/usr/bin/curl")
    row.get_by_role("button", name="Remove").click()
    expect(row.get_by_role("button", name="Put back")).to_be_visible()
    visitor.button("Accept and monitor").click()
    confirm(visitor, "Accept and monitor", "looked through")
    expect(page.get_by_text("What is not in the list raises an incident.")).to_be_visible()

    kept = console.do(lambda tx: Profiles(tx).get(profile))
    assert (kept.state, kept.refused) == (ProfileState.MONITOR, 1)


async def failing(tx: Transaction) -> None:
    """A node tells that containers fail."""
    (found,) = (await Profiles(tx).page(ProfileFilter(), PageRequest(10, q=IMAGE))).items
    which = {"profile": IMAGE, "profile_id": found.id, "version": str(found.version)}
    details = {**which, "exits": "7", "before": "1", "minutes": "30", "containers": "till"}
    told = observation(950, at=tx.now, rule=PROFILE_ROLLED_BACK)
    told = msgspec.structs.replace(told, details=details, technique="")
    await take_in(tx, Speaker(NODE, "default", "default", "s"), [(say.Incidents((told,)), 1)])


def test_a_profile_protects_on_some_nodes_first_and_is_taken_back(
    console: Console, visit: Callable[..., Visitor]
) -> None:
    profile = console.do(monitored)
    visitor = visit().sign_in("omar")
    page = visitor.page
    visitor.go(f"/profiles/{profile}")
    expect(page.get_by_role("heading", name="Would have stopped 2 deeds in 1 container")).to_be_visible()
    visitor.button("Protect").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("radio", name="Canary")).to_be_checked()
    expect(dialog.get_by_role("radio")).to_have_count(2)
    confirm(visitor, "Protect", "begin with a tenth")
    expect(page.get_by_text("On chosen nodes; elsewhere it only monitors")).to_be_visible()
    kept = console.do(lambda tx: Profiles(tx).get(profile))
    assert (kept.state, kept.rollout) == (ProfileState.PROTECT, Rollout(Mode.CANARY, canary_percent=10))

    visitor.button("Change the rollout").click()
    dialog.get_by_role("radio", name="Enforce").click()
    confirm(visitor, "Change the rollout", "nothing failed")
    expect(page.get_by_text("On every node")).to_be_visible()

    console.do(failing)
    visitor.go(f"/profiles/{profile}")
    notice = page.get_by_role("status").filter(has_text="Rolled back by itself")
    expect(notice).to_contain_text(f"The profile of {IMAGE} was rolled back: 7 failures within 30 minutes, 1 before")
