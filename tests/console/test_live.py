"""Incidents arrive by themselves, are handled, and can be taken back; what they carry is shown as text."""

from collections.abc import Callable
from datetime import timedelta

import msgspec
from playwright.sync_api import Dialog, Route, expect
from tests.support import console_fleet as fleet
from tests.support.console import Console
from tests.support.visitor import Visitor

from hullguard.model.event import ContainerRef

HIGHLIGHTED = """() => {
  window.highlighted = []
  new MutationObserver(() => highlighted.push(...[...document.querySelectorAll('tr.fresh')].map(row => row.innerText)))
    .observe(document.body, { subtree: true, childList: true, attributeFilter: ['class'] })
}"""
"""Notes every row that is highlighted: the highlight fades, however busy the machine is."""


def test_an_incident_appears_without_reload(console: Console, visit: Callable[..., Visitor]) -> None:
    visitor = visit().sign_in()
    page = visitor.page
    visitor.go("/incidents")
    rows = page.locator("tbody tr")
    before = rows.count()
    page.mouse.move(5, 5)
    page.evaluate(HIGHLIGHTED)
    made = console.incident("prod-web-02", fleet.shell("prod-web-02", console.clock.forward(seconds=5)))
    expect(rows).to_have_count(before + 1)
    expect(rows.first).to_contain_text("bash was opened with a terminal")
    page.wait_for_function("() => highlighted.some(row => row.includes('bash was opened with a terminal'))")
    rows.first.get_by_role("link").click()
    expect(page).to_have_url(f"{visitor.url}/incidents?item={made}")


def test_rows_do_not_move_under_the_pointer(console: Console, visit: Callable[..., Visitor]) -> None:
    visitor = visit().sign_in()
    page = visitor.page
    visitor.go("/incidents")
    rows = page.locator("tbody tr")
    rows.nth(1).hover()
    shown = rows.all_inner_texts()
    for second in range(3):
        console.incident("prod-db-01", fleet.read_shadow("prod-db-01", console.clock.forward(seconds=9), second))
    pill = visitor.button("3 new")
    expect(pill).to_be_visible()
    assert [text.split("\n")[0] for text in rows.all_inner_texts()] == [text.split("\n")[0] for text in shown]
    pill.click()
    expect(rows).to_have_count(len(shown) + 3)
    expect(pill).to_have_count(0)


def test_a_change_does_not_put_off_what_was_asked_for(console: Console, visit: Callable[..., Visitor]) -> None:
    visitor = visit().sign_in()
    page = visitor.page
    visitor.go("/incidents")
    rows = page.locator("tbody tr")
    rows.nth(1).hover()
    expect(rows.filter(has_text="Medium").first).to_be_visible()
    unanswered: list[Route] = []

    def hold(route: Route) -> None:
        unanswered.append(route)

    page.route("**/api/v1/incidents?*", hold)
    page.get_by_label("Severity").select_option("critical")
    expect(page.locator("table[aria-busy=true]")).to_be_visible()
    page.unroute("**/api/v1/incidents?*")
    console.incident("prod-db-01", fleet.dropped("prod-db-01", console.clock.forward(seconds=7)))
    expect(rows.filter(has_not_text="Critical")).to_have_count(0)
    assert len(unanswered) == 1


def test_the_first_screen_counts_along(console: Console, visit: Callable[..., Visitor]) -> None:
    visitor = visit().sign_in()
    handle = visitor.page.get_by_role("region", name="To handle now")
    before = int(handle.locator("h2 a").inner_text())
    console.incident("edge-berlin-01", fleet.dropped("edge-berlin-01", console.clock.forward(seconds=3)))
    expect(handle.locator("h2 a")).to_have_text(str(before + 1))
    expect(handle.locator("li").first).to_contain_text("/tmp/.x was executed")


def test_handling_an_incident_can_be_undone(console: Console, visit: Callable[..., Visitor]) -> None:
    visitor = visit().sign_in("omar")
    page = visitor.page
    made = console.incident("prod-web-01", fleet.dropped("prod-web-01", console.clock.forward(seconds=7)))
    visitor.go(f"/incidents?item={made}")
    drawer = page.get_by_role("dialog")
    expect(drawer).to_contain_text("Stopped: the kernel ended the process before it could go on.")
    tree = drawer.locator(".tree > li")
    expect(tree).to_have_count(4)
    expect(tree.first).to_contain_text("Outside the container")
    expect(tree.last).to_contain_text("/tmp/.x")
    drawer.get_by_label("Note").fill("a test of the red team")
    drawer.get_by_role("button", name="Mark as resolved").click()
    resolved = visitor.told("The incident is resolved.")
    expect(drawer).to_contain_text("Handled by omar")
    expect(drawer).to_contain_text("a test of the red team")
    expect(drawer.get_by_role("button", name="Reopen")).to_be_visible()
    resolved.get_by_role("button", name="Undo").click()
    expect(visitor.toast("Undone.")).to_be_visible()
    expect(drawer.get_by_role("button", name="Mark as resolved")).to_be_visible()
    page.keyboard.press("Escape")
    expect(drawer).to_have_count(0)


def test_words_of_an_attacker_stay_words(console: Console, visit: Callable[..., Visitor]) -> None:
    visitor = visit().sign_in()
    page = visitor.page
    alarms: list[str] = []

    def alarmed(dialog: Dialog) -> None:
        alarms.append(dialog.message)
        dialog.dismiss()

    page.on("dialog", alarmed)
    evil = "<img src=x onerror=alert(1)>{{7*7}}"
    seen = fleet.dropped("prod-web-01", console.clock.forward(seconds=11))
    last = msgspec.structs.replace(seen.lineage[-1], args=(evil, "\x1b[2J", "evil\u202efdp"), comm=evil, exe=evil)
    hostile = msgspec.structs.replace(
        seen,
        container=ContainerRef(seen.container.id, evil),
        lineage=(*seen.lineage[:-1], last),
        details={"path": evil, evil: evil},
    )
    made = console.incident("prod-web-01", hostile)
    visitor.go(f"/incidents/{made}")
    expect(page.locator("article")).to_contain_text(evil)
    expect(page.locator(".tree")).to_contain_text(r"\x1b[2J")
    expect(page.locator(".tree")).to_contain_text(r"evil\u202efdp")
    assert page.locator("article img").count() == 0
    assert alarms == []


def test_a_lost_connection_is_said_and_recovers(console: Console, visit: Callable[..., Visitor]) -> None:
    visitor = visit().sign_in()
    page = visitor.page
    visitor.go("/nodes")
    page.route("**/api/**", lambda route: route.abort())
    page.get_by_label("State").select_option("offline")
    bar = page.get_by_text("The connection to the server is lost.")
    expect(bar).to_be_visible()
    expect(page.get_by_role("alert")).to_contain_text("The server did not answer.")
    page.unroute("**/api/**")
    visitor.button("Try now").click()
    expect(bar).to_be_hidden()
    expect(page.get_by_role("heading", level=1)).to_have_text("Nodes 1")
    visitor.complaints = [each for each in visitor.complaints if "net::ERR_FAILED" not in each]


def test_a_session_that_ends_leads_to_signing_in_and_back(console: Console, visit: Callable[..., Visitor]) -> None:
    visitor = visit(refusals=(401,)).sign_in("vera")
    page = visitor.page
    visitor.go("/nodes")
    console.clock.now += timedelta(days=30)
    page.get_by_label("State").select_option("offline")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    console.clock.now -= timedelta(days=30)
    assert "to=/nodes" in page.url


def test_a_part_that_an_upgrade_took_away_is_loaded_anew_once(console: Console, visit: Callable[..., Visitor]) -> None:
    visitor = visit(refusals=(404,)).sign_in()
    page = visitor.page
    visitor.go("/nodes")
    opened: list[str] = []
    page.on("request", lambda asked: opened.append(asked.url) if asked.is_navigation_request() else None)
    page.route("**/assets/Images-*.js", lambda route: route.fulfill(status=404))
    link = page.get_by_role("navigation", name="Main navigation").get_by_role("link", name="Images")
    link.click()
    bar = page.get_by_text("A part of the console is missing on the server")
    expect(bar).to_be_visible()
    assert opened == [f"{visitor.url}/images"]
    bar.get_by_role("link", name="Overview").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Overview")
    expect(bar).to_have_count(0)

    page.unroute("**/assets/Images-*.js")
    link.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Images 7")
    expect(bar).to_have_count(0)
