"""How long after an attack a person sees it: kernel event, stored incident, row in an open console.

Runs the whole platform in a temporary directory against a Docker daemon of its own and a real Chromium.
"""

import statistics
import subprocess
import tempfile
import time
from datetime import datetime
from pathlib import Path

from playwright.sync_api import Page, sync_playwright
from tests.support.docker import IMAGE, docker, import_image, said, start_dockerd
from tests.support.platform import Client, running_platform

ROUNDS = 30
BROWSER = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
# Notes, in the page, the moment at which each incident's link first stands in the document.
WATCH = """() => {
  window.firstSeen = {}
  const look = () => document.querySelectorAll('a[href*="item="]').forEach((link) => {
    const id = link.getAttribute('href').match(/[0-9a-f]{32}/)
    if (id && !(id[0] in window.firstSeen)) window.firstSeen[id[0]] = Date.now() / 1000
  })
  new MutationObserver(look).observe(document.body, { childList: true, subtree: true, attributes: true })
  look()
}"""


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="hgbench") as work, start_dockerd() as host, sync_playwright() as player:
        import_image(host)
        with running_platform(Path(work) / "data", environ={"DOCKER_HOST": host}) as platform:
            client = platform.client()
            client.wait("/nodes", lambda page: [node["state"] for node in page["items"]] == ["protected"])
            container = said(host, "run", "-d", "--network", "none", IMAGE, "sleep", "600")
            browser = player.chromium.launch(executable_path="/usr/bin/chromium", args=BROWSER)
            page = _console(browser.new_page(), client, platform.url)
            for number in range(ROUNDS):
                docker(host, "exec", container, "cat", "/etc/shadow", f"/{number}", check=False)
                time.sleep(0.3)
            time.sleep(2)
            _report(client, page, container)
            browser.close()


def _console(page: Page, client: Client, url: str) -> Page:
    cookies = [{"name": name, "value": value, "url": url} for name, value in client.http.cookies.items()]
    page.context.add_cookies(cookies)  # type: ignore[arg-type]
    page.goto(f"{url}/incidents")
    page.wait_for_timeout(2000)
    page.evaluate(WATCH)
    return page


def _report(client: Client, page: Page, container: str) -> None:
    seen: dict[str, float] = page.evaluate("() => window.firstSeen")
    incidents = client.all(f"/incidents?container={container}")
    assert len(incidents) == ROUNDS, f"{len(incidents)} of {ROUNDS} incidents"
    stored, shown = [], []
    for incident in incidents:
        at = datetime.fromisoformat(incident["at"]).timestamp()
        stored.append(datetime.fromisoformat(incident["received"]).timestamp() - at)
        if incident["id"] in seen:
            shown.append(seen[incident["id"]] - at)
    kernel = subprocess.run(["uname", "-rm"], check=True, capture_output=True, text=True).stdout.strip()
    print(f"{ROUNDS} reads of /etc/shadow in a container, Linux {kernel}")
    _line("kernel event to stored incident", stored)
    _line(f"kernel event to the row in the console ({len(shown)} rows)", shown)


def _line(what: str, seconds: list[float]) -> None:
    ordered = sorted(1000 * each for each in seconds)
    print(f"{what:55} median {statistics.median(ordered):6.1f} ms   worst {ordered[-1]:6.1f} ms")


if __name__ == "__main__":
    main()
