"""Fetches files over HTTP: conditional, resumed where they broke off, retried, bounded in size and time."""

import email.utils
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from msgspec import Struct

from hullguard.model.errors import Unavailable

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse

Progress = Callable[[str, int], None]

_CHUNK = 1 << 16
_CONNECT_SECONDS = 10.0
_READ_SECONDS = 30.0
_FILE_SECONDS = 3600.0
_TRIES = 5
"""Tries in a row that bring nothing new."""
_MOST_TRIES = 30
_LONGEST_PAUSE = 120.0
_PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})
_GONE = frozenset({403, 404, 410})  # a bucket that may not be listed says 403 for what it does not have


class Failed(Unavailable):
    """This file cannot be had now."""


class Absent(Failed):
    """The server answers that it has no such file."""


class Tag(Struct, frozen=True, omit_defaults=True):
    """What a server called the content that it sent last; asked again with it, it may say "the same still"."""

    etag: str = ""
    modified: str = ""


class _Passing(Exception):
    """May go by itself; ``pause`` is what the server asked for."""

    def __init__(self, why: str, pause: float | None = None) -> None:
        super().__init__(why)
        self.pause = pause


class Fetcher:
    """One pool of connections, through the proxy that the environment names. Safe to share between threads."""

    def __init__(self, progress: Progress | None = None, sleep: Callable[[float], None] = time.sleep) -> None:
        self._progress = progress
        self._sleep = sleep
        self._pools: dict[str, Any] = {}

    def get(
        self,
        url: str,
        into: Path,
        bound: int,
        known: Tag | None = None,
        enough: Callable[[bytes], bool] | None = None,
    ) -> Tag | None:
        """Writes the file and gives its tag; None when it is the known one still.

        ``enough`` sees each piece and may end the download early.
        """
        download = _Download(url, into, bound, known, enough)
        idle = 0
        for _ in range(_MOST_TRIES):
            before = download.have
            try:
                return self._try(download)
            except _Passing as cause:
                idle = 0 if download.have > before else idle + 1
                why, pause = str(cause), cause.pause
            pause = pause if pause is not None else min(2.0**idle, 30.0)
            if idle >= _TRIES or pause > _LONGEST_PAUSE or download.expired(pause):
                raise Failed(f"{url}: {why}", "update.failed")
            self._sleep(pause)
        raise Failed(f"{url}: the connection broke {_MOST_TRIES} times", "update.failed")

    def _try(self, download: "_Download") -> Tag | None:
        import urllib3

        pool = self._pool(download.url)
        retries = urllib3.Retry(total=5, connect=0, read=0, redirect=5, status=0, other=0)
        retries.respect_retry_after_header = False
        retries.raise_on_status = False
        try:
            response = pool.request(
                "GET", download.url, headers=download.headers(), retries=retries, preload_content=False
            )
        except (urllib3.exceptions.HTTPError, ValueError) as cause:
            raise _Passing(_plainly(cause)) from cause
        try:
            if not download.accept(response):
                return None
            self._read(download, response)
        except urllib3.exceptions.HTTPError as cause:
            raise _Passing(f"broke off after {download.have} bytes: {_plainly(cause)}") from cause
        finally:
            response.close()
        return download.tag

    def _read(self, download: "_Download", response: "BaseHTTPResponse") -> None:
        with download.into.open("r+b" if download.have else "wb") as file:
            file.seek(download.have)
            file.truncate()
            for chunk in response.stream(_CHUNK, decode_content=False):
                download.take(file, chunk)
                if self._progress is not None:
                    self._progress(download.url, len(chunk))
                if download.enough is not None and download.enough(chunk):
                    return

    def _pool(self, url: str) -> Any:
        parts = urlsplit(url)
        proxies = urllib.request.getproxies()
        proxy = proxies.get(parts.scheme) or proxies.get("all") or ""
        if proxy and urllib.request.proxy_bypass(parts.hostname or ""):
            proxy = ""
        if proxy not in self._pools:
            self._pools[proxy] = _opened(proxy)
        return self._pools[proxy]


def _opened(proxy: str) -> Any:
    import urllib3

    settings: dict[str, Any] = {
        "timeout": urllib3.Timeout(connect=_CONNECT_SECONDS, read=_READ_SECONDS),
        "maxsize": 8,
    }
    if not proxy:
        return urllib3.PoolManager(**settings)
    try:
        parts = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
        headers = {}
        if parts.username:
            name, word = unquote(parts.username), unquote(parts.password or "")
            headers = urllib3.make_headers(proxy_basic_auth=f"{name}:{word}")
        return urllib3.ProxyManager(parts.geturl(), proxy_headers=headers, **settings)
    except (urllib3.exceptions.HTTPError, ValueError) as cause:
        raise Failed(f"the proxy that the environment names cannot be used: {cause}", "update.proxy") from cause


class _Download:
    """How far one file has come."""

    def __init__(
        self, url: str, into: Path, bound: int, known: Tag | None, enough: Callable[[bytes], bool] | None
    ) -> None:
        self.url, self.into, self.enough = url, into, enough
        self.have = 0
        self.tag = Tag()
        self._bound, self._known = bound, known
        self._deadline = time.monotonic() + _FILE_SECONDS

    def expired(self, pause: float = 0.0) -> bool:
        return time.monotonic() + pause > self._deadline

    def headers(self) -> dict[str, str]:
        """Continues what broke off if the server can say that it is the same file; else asks whether it is new."""
        headers = {"Accept-Encoding": "identity", "User-Agent": "hullguard"}
        if self.have and self._strong():
            return {**headers, "Range": f"bytes={self.have}-", "If-Range": self.tag.etag}
        if self._known and self._known.etag:
            headers["If-None-Match"] = self._known.etag
        if self._known and self._known.modified:
            headers["If-Modified-Since"] = self._known.modified
        return headers

    def accept(self, response: "BaseHTTPResponse") -> bool:
        """Whether content follows; False when it is the known one still."""
        status = response.status
        if self.url.startswith("https:") and (response.geturl() or "").startswith("http:"):
            raise Failed(f"{self.url}: leads to an address without TLS", "update.failed")
        if status == 304 and self._known is not None and not self.have:
            return False
        if status == 206:
            if not self._continues(response.headers.get("Content-Range", "")):
                self.have = 0
                self.tag = Tag()
                raise _Passing("the server sent another part than was asked for", 0.0)
            return True
        if status == 416:
            self.have, self.tag = 0, Tag()
            raise _Passing("the server cannot continue the file", 0.0)
        if status in _PASSING:
            raise _Passing(f"the server answers {status}", _pause(response.headers.get("Retry-After")))
        if status in _GONE:
            raise Absent(f"{self.url}: the server answers {status}", "update.absent")
        if status != 200:
            raise Failed(f"{self.url}: the server answers {status}", "update.failed")
        self.have = 0
        self.tag = Tag(response.headers.get("ETag", "")[:500], response.headers.get("Last-Modified", "")[:100])
        length = response.headers.get("Content-Length", "")
        self._require_room(int(length[:19]) if length.isdecimal() else 0)  # more digits are no less too large
        return True

    def take(self, file: IO[bytes], chunk: bytes) -> None:
        self._require_room(self.have + len(chunk))
        if self.expired():
            raise Failed(f"{self.url}: not there after {_FILE_SECONDS / 60:.0f} minutes", "update.failed")
        file.write(chunk)
        self.have += len(chunk)

    def _continues(self, span: str) -> bool:
        return self.have > 0 and span.startswith(f"bytes {self.have}-")

    def _strong(self) -> bool:
        return self.tag.etag.startswith('"')

    def _require_room(self, size: int) -> None:
        if size > self._bound:
            raise Failed(f"{self.url}: larger than {self._bound} bytes", "update.too-large")


def _pause(asked: str | None) -> float | None:
    """Retry-After: seconds, or an instant."""
    if not asked:
        return None
    if asked.strip().isdecimal():
        return float(asked.strip()[:9])
    try:
        return max(0.0, email.utils.parsedate_to_datetime(asked).timestamp() - time.time())
    except (ValueError, OverflowError):
        return None


def _plainly(cause: Exception) -> str:
    """The reason without the pool's own words."""
    reason = getattr(cause, "reason", None)
    text = str(reason if reason is not None else cause)
    return text.rpartition(": ")[2] if ">: " in text else text
