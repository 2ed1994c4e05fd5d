"""What is loaded at run time can be seen, listed alone, and comes first."""

from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import pytest
from playwright.sync_api import expect
from tests.support import console_fleet as fleet
from tests.support.console import Console
from tests.support.visitor import Visitor

from hullguard.model.use import Use
from hullguard.storage import PageRequest
from hullguard.storage.stores import Images, VulnerabilityFilter

IMAGE = fleet.image_id(next(iter(fleet.IMAGES)))


@pytest.mark.parametrize("width", [1440, 390])
@pytest.mark.parametrize(
    ("language", "column", "loaded", "watched"),
    [("en", "At run time", "Loaded", "Watched since"), ("zh-CN", "运行时", "已加载", "起观察")],
)
def test_what_is_loaded_is_listed_alone_and_first(
    console: Console,
    visit: Callable[..., Visitor],
    screenshots: Path,
    *,
    width: int,
    language: str,
    column: str,
    loaded: str,
    watched: str,
) -> None:
    wanted = VulnerabilityFilter(use=frozenset({Use.LOADED}))
    found = console.do(lambda tx: Images(tx).vulnerabilities(IMAGE, wanted, PageRequest(sort="-priority")))
    first = found.items[0]
    assert first.use.file in fleet.USED
    visitor = visit(language=language, width=width).sign_in()
    visitor.go(f"/images/{IMAGE}?sort=-priority")
    page = visitor.page
    expect(page.get_by_role("link", name=first.id).first).to_be_visible()
    page.screenshot(path=screenshots / f"used-{language}-{width}.png")
    page.get_by_label(column).select_option("loaded")
    expect(page).to_have_url(f"{visitor.url}/images/{IMAGE}?sort=-priority&use=loaded")
    expect(page.locator(".chip.loaded")).to_have_count(len(found.items))
    expect(page.locator(".chip.loaded").first).to_have_text(loaded)
    visitor.go(f"/images/{IMAGE}?item={quote(f'{first.id} {first.package}')}&use=loaded")
    drawer = page.get_by_role("dialog")
    expect(drawer.get_by_text(watched)).to_be_visible()
    expect(drawer.get_by_text(first.use.file)).to_be_visible()
    visitor.settle()
    page.screenshot(path=screenshots / f"used-detail-{language}-{width}.png")
