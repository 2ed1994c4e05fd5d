"""Profiles in the console: begin to learn, look through the list, accept it; readable in both languages and widths."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import expect
from tests.support.console import Console
from tests.support.records import tally
from tests.support.visitor import Visitor

from hullguard.model.profile import Behaviour, LearningTerms, ProfileState
from hullguard.storage import PageRequest, Transaction
from hullguard.storage.stores import ProfileFilter, Profiles, Told

IMAGE = "registry.example/shop/web"


async def seeded(tx: Transaction) -> str:
    """The image's profile with three entries; the same one if it is there."""
    found = await Profiles(tx).page(ProfileFilter(), PageRequest(10, q=IMAGE))
    if found.items:
        return found.items[0].id
    made = await Profiles(tx).create(IMAGE, LearningTerms(), "user:omar")
    told = (
        tally("/usr/sbin/nginx", 18, 18),
        tally("/var/log/nginx/access.log", 17, 17, Behaviour.WRITE),
        tally("tcp 10.0.3.0/24 5432", 18, 240, Behaviour.CONNECT),
        tally("/usr/bin/curl", 1, 2),
    )
    await Profiles(tx).learn(made.id, 1, Told(18, 3, told))
    return made.id


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

    profile = console.do(seeded)
    visitor.go(f"/profiles/{profile}")
    visitor.button("End learning").click()
    page.get_by_role("dialog").get_by_label("Reason").fill("a week is enough")
    page.get_by_role("dialog").get_by_role("button", name="End learning").click()
    expect(page.get_by_text("Look through the list")).to_be_visible()
    row = page.get_by_role("row").filter(has_text="/usr/bin/curl")
    row.get_by_role("button", name="Remove").click()
    expect(row.get_by_role("button", name="Put back")).to_be_visible()
    visitor.button("Accept and monitor").click()
    page.get_by_role("dialog").get_by_label("Reason").fill("looked through")
    page.get_by_role("dialog").get_by_role("button", name="Accept and monitor").click()
    expect(page.get_by_text("What is not in the list raises an incident.")).to_be_visible()

    kept = console.do(lambda tx: Profiles(tx).get(profile))
    assert (kept.state, kept.refused) == (ProfileState.MONITOR, 1)


@pytest.mark.parametrize(
    ("language", "theme", "width"),
    [("en", "light", 1440), ("zh-CN", "dark", 1440), ("en", "dark", 390), ("zh-CN", "light", 390)],
)
def test_the_pages_fit(
    console: Console, visit: Callable[..., Visitor], screenshots: Path, language: str, theme: str, width: int
) -> None:
    profile = console.do(seeded)
    visitor = visit(language=language, theme=theme, width=width).sign_in()
    for name, path in {"profiles": "/profiles", "profile": f"/profiles/{profile}"}.items():
        visitor.go(path)
        visitor.page.screenshot(path=screenshots / f"{name}-{language}-{theme}-{width}.png", full_page=width < 1000)
        assert (name, visitor.sideways()) == (name, 0)
        assert (name, visitor.nameless()) == (name, [])
        assert "profiles." not in visitor.page.locator("body").inner_text()
