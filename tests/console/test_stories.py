"""An incident is read as a story, and rules are tried on what was recorded."""

from collections.abc import Callable
from datetime import timedelta

from playwright.sync_api import expect
from tests.support.attack import attack
from tests.support.console import Console
from tests.support.events import event
from tests.support.visitor import Visitor

from hullguard.model.event import EventKind
from hullguard.storage import PageRequest, Transaction
from hullguard.storage.stores import Policies, Recordings


def test_an_attack_is_one_line_of_the_list_and_one_story(visit: Callable[..., Visitor]) -> None:
    visitor = visit().sign_in()
    visitor.go("/incidents")
    page = visitor.page
    joined = page.locator("tbody tr").filter(has_text="5 observations")
    expect(joined).to_have_count(1)
    expect(joined).to_contain_text("Command and control")
    joined.get_by_role("link").first.click()
    steps = page.get_by_role("dialog").get_by_role("region", name="What happened, in order").locator("li p:first-child")
    expect(steps).to_have_text(
        [
            "sh ran /bin/sh",
            "cat read /etc/shadow",
            "chmod changed the mode of /tmp/.x",
            ".x ran /tmp/.x, which is not in the image",
            ".x connected to pool.example (203.0.113.9:3333)",
        ]
    )
    visitor.go(f"/incidents/{attack()[3].id}")  # by the id of any observation
    why = page.get_by_role("region", name="Why this severity")
    expect(why).to_contain_text("The gravest rule is of severity: Medium.")
    expect(why).to_contain_text("5 tactics were chained")
    tree = page.get_by_role("region", name="Process tree").locator("strong")
    expect(tree).to_have_text(["containerd-shim", "nginx", "sh", "cat", "chmod", ".x"])


def test_rules_are_tried_before_they_are_saved(console: Console, visit: Callable[..., Visitor]) -> None:
    visitor = visit().sign_in()
    policy = console.do(lambda tx: Policies(tx).page(PageRequest(1, q="default"))).items[0]
    visitor.go(f"/policies/{policy.id}")
    page = visitor.page
    tried = page.get_by_role("status").filter(has_text="Recorded are only events")
    visitor.button("Try on recorded events").click()
    expect(tried).to_contain_text("No recorded events")

    async def record(tx: Transaction) -> None:
        shell = attack(tx.now - timedelta(hours=3))[0]
        happened = event(EventKind.EXEC, lineage=shell.lineage, path="/bin/sh", call="execve", result=0, at=shell.at)
        await Recordings(tx).keep("default", {shell.id: happened})

    console.do(record)
    visitor.button("Try again").click()
    expect(tried).to_contain_text("Judged: 1 recorded event,")
    expect(tried).to_contain_text("A web server started a shell")
    tried.locator("summary").filter(has_text="A web server started a shell").click()
    tried.get_by_role("link").first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("A web server started a shell")
