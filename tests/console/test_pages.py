"""Every page in both languages, both themes, wide and narrow: readable, operable, nothing beside the screen."""

import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import pytest
from playwright.sync_api import Route, expect
from tests.support import console_fleet as fleet
from tests.support.attack import attack
from tests.support.console import Console
from tests.support.console_profiles import monitored
from tests.support.console_registries import LAB, SHOP, all_registries
from tests.support.records import matched, report
from tests.support.visitor import Visitor

from hullguard.model.inventory import unread
from hullguard.storage import PageRequest, Transaction
from hullguard.storage.stores import Images, IncidentFilter, Incidents, Policies, VulnerabilityFilter

HAN = re.compile(r"[一-鿿]")
KEY = re.compile(r"\b(?:severity|nodes|images|incidents|policies|profiles|download|compare|editor|problem|reason|word|list|registries|registryState|registryImage|registryTrouble|registryStep)\.[a-z]\w+")


def pages(console: Console) -> dict[str, str]:
    image = fleet.image_id("registry.example/shop/checkout:2.14.0")
    waiting = fleet.image_id("python:3.11-slim")
    found = console.do(lambda tx: Images(tx).vulnerabilities(image, VulnerabilityFilter(), PageRequest(1)))
    worst = found.items[0]
    incidents = console.do(lambda tx: Incidents(tx).page(IncidentFilter(), PageRequest(1)))
    policies = console.do(lambda tx: Policies(tx).page(PageRequest(10)))
    policy = next(each.id for each in policies.items if not each.built_in)
    incident = incidents.items[0].id
    profile = console.do(monitored)
    registries = console.do(all_registries)
    return {
        "overview": "/",
        "nodes": "/nodes",
        "nodes-add": "/nodes?add=node",
        "nodes-none": "/nodes?q=there-is-no-such-node",
        "node": "/nodes/prod-web-01",
        "node-degraded": "/nodes/edge-berlin-01",
        "node-drift": "/nodes/prod-db-01",
        "enrolment": "/enrolment",
        "containers": "/containers",
        "images": "/images",
        "image": f"/images/{image}",
        "image-packages": f"/images/{image}?tab=packages",
        "image-content": f"/images/{image}?tab=content",
        "image-licences": f"/images/{image}?tab=licences",
        "image-suppressed": f"/images/{image}?tab=suppressed",
        "image-unknowns": f"/images/{image}?tab=unknowns",
        "image-vulnerability": f"/images/{image}?item={quote(f'{worst.id} {worst.package}')}",
        "image-compared": f"/images/{image}/compare/{fleet.image_id('nginx:1.25.3')}",
        "image-compared-packages": f"/images/{image}/compare/{fleet.image_id('nginx:1.25.3')}?tab=packages",
        "image-waiting": f"/images/{waiting}",
        "registries": "/registries",
        "registry": f"/registries/{registries[SHOP]}",
        "registry-failed": f"/registries/{registries[LAB]}",
        "registry-new": "/registries/new",
        "registry-edit": f"/registries/{registries[SHOP]}/edit",
        "incidents": "/incidents",
        "incident-drawer": f"/incidents?item={incident}",
        "incident": f"/incidents/{incident}",
        "incident-story": f"/incidents/{attack()[0].id}",
        "policies": "/policies",
        "policy": f"/policies/{policy}",
        "policy-new": "/policies/new",
        "policy-history": f"/policies/{policy}?tab=history&version=2",
        "profiles": "/profiles",
        "profile": f"/profiles/{profile}",
        "advisories": "/advisories",
        "exceptions": "/exceptions",
        "exceptions-vex": "/exceptions?tab=vex",
        "audit": "/audit",
        "users": "/users",
        "tokens": "/tokens",
        "nowhere": "/there/is/no/such/page",
        "password": "/password",
    }


# These two count what the fleet has, before a profile with what departed from it is added.


def test_the_first_screen_answers_in_order_and_each_figure_leads_to_its_list(visit: Callable[..., Visitor]) -> None:
    visitor = visit().sign_in()
    page = visitor.page
    titles = (
        "Protection",
        "To handle now",
        "Running, dangerous and fixable",
        "Incidents in the last 7 days",
        "What runs",
    )
    expect(page.locator("main h2")).to_have_text([re.compile(rf"^\s*{title}\b") for title in titles])
    for section, link, address, heading in (
        ("Protection", re.compile(r"Degraded"), "/nodes?state=degraded", "Nodes 2"),
        ("To handle now", re.compile(r"^Critical 3$"), "/incidents?severity=critical", "Incidents 3"),
        ("Running", re.compile(r"^5$"), "/images?running=true&fixable=true&severity=critical,high", "Images 5"),
        ("What runs out", re.compile(r"5 of 8"), "/nodes?protection=true", "Nodes 5"),
    ):
        visitor.go("/")
        page.get_by_role("region", name=section).get_by_role("link", name=link).first.click()
        expect(page).to_have_url(visitor.url + address)
        expect(page.get_by_role("heading", level=1)).to_have_text(heading)


def test_the_narrow_navigation_is_a_drawer(visit: Callable[..., Visitor]) -> None:
    visitor = visit(width=390).sign_in()
    page = visitor.page
    link = page.locator("nav a", has_text="Policies")
    expect(link).to_be_hidden()
    visitor.button("Menu").click()
    expect(link).to_be_visible()
    page.keyboard.press("Escape")
    expect(link).to_be_hidden()
    visitor.button("Menu").click()
    link.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Policies 2")
    expect(link).to_be_hidden()


@pytest.mark.parametrize(
    ("language", "theme", "width"),
    [("en", "light", 1440), ("zh-CN", "dark", 1440), ("en", "dark", 390), ("zh-CN", "light", 390)],
)
def test_every_page(
    console: Console, visit: Callable[..., Visitor], screenshots: Path, language: str, theme: str, width: int
) -> None:
    visitor = visit(language=language, theme=theme, width=width).sign_in()
    for name, path in pages(console).items():
        visitor.go(path)
        page = visitor.page
        picture = screenshots / f"{name}-{language}-{theme}-{width}.png"
        page.screenshot(path=picture, full_page=width < 1000, animations="disabled")
        text = page.locator("body").inner_text()
        assert (name, visitor.sideways()) == (name, 0)
        assert (name, visitor.nameless()) == (name, [])
        assert (name, KEY.findall(text)) == (name, [])
        assert (name, bool(HAN.search(text.replace("中文", "")))) == (name, language == "zh-CN")
        expect(page).to_have_title(re.compile("Hullguard$"))


def test_the_weeks_bars_have_their_table(visit: Callable[..., Visitor]) -> None:
    visitor = visit().sign_in()
    week = visitor.page.get_by_role("region", name="Incidents in the last 7 days")
    expect(week.locator(".count")).to_have_count(7)
    bars = [int(each) for each in week.locator(".count").all_inner_texts()]
    week.get_by_role("button", name="Show as table").click()
    expect(week.locator("tbody td")).to_have_count(7)
    assert [int(each) for each in week.locator("tbody td").all_inner_texts()] == bars
    week.locator("tbody a").nth(5).click()
    expect(visitor.page.get_by_role("heading", level=1)).to_have_text(f"Incidents {bars[5]}")


def test_filters_live_in_the_address_and_back_works(visit: Callable[..., Visitor]) -> None:
    visitor = visit().sign_in()
    page = visitor.page
    visitor.go("/images")
    page.get_by_label("Severity").select_option("critical")
    expect(page.get_by_role("heading", level=1)).to_have_text("Images 3")
    expect(page).to_have_url(f"{visitor.url}/images?severity=critical")
    page.get_by_role("link", name="postgres:15.4").click()
    page.get_by_role("heading", name="Layers").wait_for()
    page.go_back()
    expect(page.get_by_label("Severity")).to_have_value("critical")
    page.go_back()
    expect(page.get_by_role("heading", level=1)).to_have_text("Images 7")
    page.get_by_role("searchbox", name="Search images").fill("zzz")
    expect(page.get_by_text("Nothing matches")).to_be_visible()
    page.get_by_role("button", name="Clear filters").last.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Images 7")


def test_an_image_shows_its_layers_and_what_each_brought(visit: Callable[..., Visitor]) -> None:
    visitor = visit().sign_in()
    page = visitor.page
    visitor.go(f"/images/{fleet.image_id('registry.example/shop/checkout:2.14.0')}")
    layers = page.locator(".layer")
    expect(layers).to_have_count(5)
    expect(layers.first).to_contain_text("COPY app/ /srv/app/")
    expect(layers.last).to_contain_text("Base image")
    page.get_by_role("button", name="Layer 4").click()
    brought_by = page.locator("tbody tr td[data-label=Layer]")
    expect(brought_by.filter(has_not_text=re.compile(r"^\s*4\s*$"))).to_have_count(0)
    expect(brought_by.first).to_have_text("4")
    page.locator("tbody a").first.click()
    expect(page.get_by_role("dialog")).to_contain_text("Why it matches")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.get_by_role("button", name="Show all layers").click()
    visitor.button("Next").click()
    expect(page.get_by_text("51–54 of 54")).to_be_visible()
    visitor.button("Previous").click()
    expect(page.get_by_text("1–50 of 54")).to_be_visible()


def test_an_image_that_could_not_be_read_gives_no_all_clear(visit: Callable[..., Visitor], console: Console) -> None:
    image = f"sha256:{'e' * 64}"
    nothing = unread(image, "the disk failed")
    console.do(lambda tx: Images(tx).store_inventory(image, nothing))
    console.do(lambda tx: matched(tx, image, report((), of=nothing)))
    visitor = visit().sign_in()
    visitor.go(f"/images/{image}")
    page = visitor.page

    expect(page.get_by_text("Nothing of this image could be read, so nothing is known")).to_be_visible()
    expect(page.get_by_text("No known vulnerability")).to_have_count(0)
    for tab in ("Vulnerabilities", "Packages", "Secrets and configuration"):
        page.get_by_role("navigation", name="Image").get_by_role("button", name=tab).click()
        expect(page.get_by_role("heading", name="Could not be read")).to_be_visible()
    page.get_by_role("navigation", name="Image").get_by_role("button", name="Unknowns").click()
    expect(page.get_by_text("it could not be read: the disk failed")).to_be_visible()

    visitor.go(f"/images/{image}")
    expect(page.get_by_text("No layer could be read")).to_be_visible()
    head = page.get_by_role("button", name=re.compile("^(?:Vulnerabilities|Packages|Secrets and configuration)"))
    expect(head).to_have_text(["Vulnerabilities", "Packages", "Secrets and configuration"])  # and no 0
    page.get_by_role("link", name="See what could not be read").click()
    expect(page.get_by_text("it could not be read: the disk failed")).to_be_visible()


def test_what_could_not_be_read_is_no_nought_in_the_list(visit: Callable[..., Visitor], console: Console) -> None:
    image = f"sha256:{'d' * 64}"
    name = "shop/unreadable:1.0"
    nothing = unread(image, "the disk failed")

    async def listed(tx: Transaction) -> None:
        there = [(each.image.id, [each.image.name]) for each in fleet.containers("prod-web-01")]
        await Images(tx).present("prod-web-01", [*there, (image, [name])])
        await Images(tx).store_inventory(image, nothing)
        await matched(tx, image, report((), of=nothing))

    console.do(listed)
    visitor = visit().sign_in()
    page = visitor.page
    visitor.go("/images")
    row = page.get_by_role("row", name=name)
    expect(row.locator("td[data-label=Fixable]")).to_have_text("–")
    chip = row.get_by_role("link", name="Could not be read")
    # In the first line of its cell, not below the place of figures that there are none of.
    cell, shown = (each.bounding_box() for each in (row.locator("td[data-label=Vulnerabilities]"), chip))
    assert cell
    assert shown
    assert shown["y"] - cell["y"] < 12
    expect(page.get_by_role("row", name="python:3.11-slim").locator("td[data-label=Fixable]")).to_have_text("–")
    chip.click()
    expect(page.get_by_text("it could not be read: the disk failed")).to_be_visible()
    console.do(
        lambda tx: Images(tx).present(
            "prod-web-01", [(i.image.id, [i.image.name]) for i in fleet.containers("prod-web-01")]
        )
    )


def test_an_image_that_was_not_scanned_gives_no_all_clear(visit: Callable[..., Visitor]) -> None:
    visitor = visit().sign_in()
    page = visitor.page
    visitor.go(f"/images/{fleet.image_id('python:3.11-slim')}")
    for tab in ("Vulnerabilities", "Packages", "Secrets and configuration", "Unknowns"):
        page.get_by_role("navigation", name="Image").get_by_role("button", name=tab).click()
        expect(page.get_by_role("heading", name="Not known yet")).to_be_visible()
    expect(page.get_by_text("No known vulnerability")).to_have_count(0)


def test_search_finds_things_of_every_kind_by_keyboard(visit: Callable[..., Visitor]) -> None:
    visitor = visit().sign_in()
    page = visitor.page
    page.keyboard.press("/")
    page.keyboard.type("prod-db")
    hits = page.get_by_role("listbox")
    expect(hits.get_by_role("option").first).to_contain_text("prod-db-01")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page).to_have_url(f"{visitor.url}/nodes/prod-db-01")


@pytest.mark.parametrize("width", [1440, 390])
def test_the_details_of_a_vulnerability_stand_in_line(
    console: Console, visit: Callable[..., Visitor], width: int
) -> None:
    visitor = visit(width=width).sign_in()
    visitor.go(pages(console)["image-vulnerability"])
    # At one moment: the drawer may still be sliding in.
    name, purl, score, vector = visitor.page.get_by_role("dialog").evaluate(
        """dialog => ['dd > code', 'dd > p > code', 'dd > strong', 'dd > strong + code']
          .map(each => dialog.querySelector(each).getClientRects()[0])
          .map(each => [each.left, each.right])"""
    )

    assert abs(name[0] - purl[0]) < 1
    assert vector[0] - score[1] >= 5


NEW_YEAR = "2026-01-01T00:00:00Z"


@pytest.mark.parametrize("width", [1440, 390])
def test_the_words_of_an_image_without_vulnerabilities_are_not_parted(
    visit: Callable[..., Visitor], width: int
) -> None:
    def clean(route: Route) -> None:
        answer = route.fetch()
        listed = answer.json()
        for image in listed["items"]:
            image |= {"vulnerabilities": {}, "scanned": NEW_YEAR, "matched": NEW_YEAR, "complete": True}
            image |= {"unjudged": 0, "unread": 0}
        route.fulfill(response=answer, json=listed)

    visitor = visit(width=width).sign_in()
    visitor.page.route("**/api/v1/images?*", clean)
    visitor.go("/images")
    words = visitor.page.locator("td").get_by_text("No vulnerabilities").first
    expect(words).to_be_visible()
    lines = words.evaluate(
        """words => {
          const range = document.createRange()
          range.selectNodeContents(words)
          return range.getClientRects().length
        }"""
    )

    assert lines == 1


def test_titles_of_rules_follow_the_language(console: Console, visit: Callable[..., Visitor]) -> None:
    for language, title in (("en", "The container runs as root"), ("zh-CN", "容器以 root 运行")):
        visitor = visit(language=language).sign_in()
        visitor.go(pages(console)["image-content"])
        expect(visitor.page.get_by_text(title)).to_be_visible()
