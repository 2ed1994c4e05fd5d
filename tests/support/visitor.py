"""Somebody who sits before the console, and notes everything that goes wrong in the browser."""

import os
import random
import re

from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, Request, expect
from tests.support.console import PASSWORD

REFUSED = re.compile(r"Failed to load resource: the server responded with a status of (\d+)")
WAIT = 60_000
"""Milliseconds that a test waits for what must come: a bound on hanging, not on speed."""
expect.set_options(timeout=WAIT)

SLOW = int(os.environ.get("HULLGUARD_TEST_SLOW", "0"))
"""Milliseconds that an answer of the server is held back at most, so that a test shows what it did not wait for."""
SEED = int(os.environ.get("HULLGUARD_TEST_SEED") or random.randrange(1 << 31))

# Counted is what was asked and is not answered. Changes that the server tells by itself come at once: they may overtake.
ASKING = """(([slow, seed]) => {
  const ask = window.fetch
  const chance = () => (seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0) / 2 ** 32
  window.unanswered = 0
  window.fetch = async (what, how) => {
    window.unanswered += 1
    try {
      const answer = await ask(what, how)
      if (slow) await new Promise(done => setTimeout(done, chance() * slow))
      how?.signal?.throwIfAborted()
      return answer
    } finally {
      setTimeout(() => window.unanswered -= 1)
    }
  }
  window.EventSource = class extends EventSource {
    constructor(...where) {
      super(...where)
      window.unanswered += 1
      this.answered = () => {
        window.unanswered -= 1
        this.answered = () => {}
      }
      this.addEventListener('open', () => this.answered())
      this.addEventListener('error', () => this.answered())
    }

    close() {
      this.answered()
      super.close()
    }
  }
})"""

NAMELESS = """() => [...document.querySelectorAll('button, a[href], input, select, textarea, [role=dialog]')]
  .filter(each => each.offsetParent !== null)
  .filter(each => !(each.textContent.trim() || each.getAttribute('aria-label') || each.labels?.length
    || each.getAttribute('aria-labelledby') || each.querySelector('img[alt]:not([alt=""])')))
  .map(each => each.outerHTML.slice(0, 200))"""


class Visitor:
    """One browser window with a language, a theme and a width."""

    def __init__(
        self,
        browser: Browser,
        url: str,
        *,
        language: str = "en",
        theme: str = "light",
        width: int = 1440,
        refusals: tuple[int, ...] = (),
    ) -> None:
        self.url = url
        self.complaints: list[str] = []
        self._refusals = refusals
        self._context = browser.new_context(
            viewport={"width": width, "height": 900}, locale="en-GB", timezone_id="Europe/Berlin"
        )
        self._context.set_default_timeout(WAIT)
        self._context.add_init_script(
            f"if (location.protocol !== 'about:' && !localStorage.getItem('hullguard.language')) {{ localStorage.setItem('hullguard.language', '{language}');"
            f" localStorage.setItem('hullguard.theme', '{theme}') }}"
        )
        self._context.add_init_script(f"{ASKING}([{SLOW}, {SEED}])")
        if SLOW:
            print(f"HULLGUARD_TEST_SLOW={SLOW} HULLGUARD_TEST_SEED={SEED}")  # for whom a test fails
        self.page: Page = self._context.new_page()
        self.page.on("console", self._said)
        self.page.on("pageerror", lambda error: self.complaints.append(f"error: {error}"))
        self.page.on("request", self._asked)

    def close(self) -> None:
        self._context.close()

    def sign_in(self, name: str = "alice", password: str = PASSWORD) -> "Visitor":
        self.page.goto("about:blank")  # what is open must not notice that its session is gone
        self._context.clear_cookies()
        self.page.goto(f"{self.url}/sign-in")
        self.page.locator("input[autocomplete=username]").fill(name)
        self.page.locator("input[type=password]").fill(password)
        self.page.locator("button[type=submit]").click()
        self.page.locator("#main h1").wait_for()
        self.settle()
        return self

    def go(self, path: str) -> None:
        """Opens an address and waits until nothing is loading any more."""
        self.page.goto(self.url + path)
        self.settle()

    def settle(self) -> None:
        """Waits until every answer has come and is shown, and the server can tell of changes."""
        self.page.locator("h1").first.wait_for()
        self.page.wait_for_function("() => window.unanswered === 0")
        expect(self.page.locator(".skeleton, [aria-busy=true]")).to_have_count(0)

    def button(self, name: str) -> Locator:
        return self.page.get_by_role("button", name=name, exact=True)

    def toast(self, text: str) -> Locator:
        return self.page.locator(".toast", has_text=text)

    def told(self, text: str) -> Locator:
        """A toast, which stays from now on as it does for somebody who points at it."""
        toast = self.toast(text)
        toast.dispatch_event("pointerenter")
        return toast

    def sideways(self) -> int:
        """By how many pixels the page can be scrolled sideways."""
        return int(self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))

    def nameless(self) -> list[str]:
        """What can be operated but says nothing to a screen reader."""
        return [str(each) for each in self.page.evaluate(NAMELESS)]

    def _said(self, message: ConsoleMessage) -> None:
        if message.type not in {"error", "warning"}:
            return
        refused = REFUSED.search(message.text)
        where = message.location.get("url", "")
        # Other tests start containers: the browser ends what it was fetching when an interface comes or goes, and asks anew.
        if "net::ERR_NETWORK_CHANGED" in message.text:
            return
        # Asking who is signed in is how the console learns that nobody is.
        if refused and (where.endswith("/sessions/current") or int(refused[1]) in self._refusals):
            return
        self.complaints.append(f"{message.type}: {message.text} ({where})")

    def _asked(self, request: Request) -> None:
        if not request.url.startswith((self.url, "about:")):
            self.complaints.append(f"asked another server: {request.url}")
