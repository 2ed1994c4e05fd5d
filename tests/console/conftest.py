"""A seeded server per module and a Chromium that opens it."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright
from tests.support import console as support
from tests.support.console import Console
from tests.support.visitor import Visitor

CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Not for the whole session: while Playwright's own loop runs, no asynchronous test of another folder could."""
    if not Path(CHROMIUM).exists():
        pytest.skip("there is no Chromium here")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        )
        yield started
        started.close()


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    if not support.BUILT:
        pytest.skip("the console is not built: make console")
    with Console(tmp_path_factory.mktemp("console")) as running:
        assert running.services is not None
        services = running.services
        running.do(lambda tx: support.seed(tx, services))
        yield running


@pytest.fixture(scope="session")
def screenshots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    named = os.environ.get("HULLGUARD_SCREENSHOTS")
    folder = Path(named) if named else tmp_path_factory.mktemp("screenshots")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture
def visit(browser: Browser, console: Console) -> Iterator[Callable[..., Visitor]]:
    """Opens a browser window of its own; at the end nobody may have seen an error."""
    opened: list[Visitor] = []

    def open_(**how: object) -> Visitor:
        visitor = Visitor(browser, console.url, **how)  # type: ignore[arg-type]
        opened.append(visitor)
        return visitor

    yield open_
    for visitor in opened:
        visitor.close()
    assert [complaint for visitor in opened for complaint in visitor.complaints] == []
