"""Fetches files over HTTP: conditional, resumed where they broke off, retried, bounded in size and time."""

import base64
import binascii
import contextlib
import email.utils
import functools
import gzip
import hashlib
import re
import time
import urllib.request
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, cast
from urllib.parse import urljoin, urlsplit

from msgspec import Struct

from hullguard.model.errors import Unavailable
from hullguard.net.allowed import Refuses
from hullguard.net.pace import Pace

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse

Progress = Callable[[str, int], None]

_CHUNK = 1 << 16
_CONNECT_SECONDS = 10.0
_READ_SECONDS = 30.0
_FILE_SECONDS = 3600.0
_REDIRECTS = 5
_MOVED = frozenset({301, 302, 303, 307, 308})
_SLOW_TRIES = 2
"""How often a server may be too slow to wait for: another connection may find a better one behind the same name."""
_TRIES = 5
"""Tries in a row that bring nothing new."""
_MOST_TRIES = 30
_LONGEST_PAUSE = 120.0
_GZIP = frozenset({"gzip", "x-gzip"})
_PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})
_CONNECTION = re.compile(r"\w+\(host='[^']*', port=\d+\): ")
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
    """May go by itself; ``pause`` is what the server asked for, ``slow`` that it had its time and did not use it."""

    def __init__(self, why: str, pause: float | None = None, *, slow: bool = False) -> None:
        super().__init__(why)
        self.pause, self.slow = pause, slow


class Fetcher:
    """One pool of connections, through the proxy that the environment names. Safe to share between threads.

    ``refuses`` says to which addresses no connection is made, whatever name or redirect leads there.
    """

    def __init__(
        self,
        progress: Progress | None = None,
        sleep: Callable[[float], None] = time.sleep,
        *,
        refuses: Refuses | None = None,
    ) -> None:
        self._progress = progress
        self._sleep = sleep
        self._refuses = refuses
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
        idle, slow, why = 0, 0, ""
        for _ in range(_MOST_TRIES):
            before = download.have
            try:
                return self._try(download)
            except _Passing as cause:
                idle = 0 if download.have > before else idle + 1
                slow += cause.slow
                why, pause = str(cause), cause.pause
            pause = pause if pause is not None else min(2.0**idle, 30.0)
            if idle >= _TRIES or slow >= _SLOW_TRIES or pause > _LONGEST_PAUSE or download.expired(pause):
                raise Failed(f"{url}: {why}", "update.failed")
            self._sleep(pause)
        raise Failed(f"{url}: the connection broke {_MOST_TRIES} times (at last: {why})", "update.failed")

    def _try(self, download: "_Download") -> Tag | None:
        import urllib3

        try:
            response = self._asked(download)
        except Failed:
            raise
        except Unavailable as slow:
            raise _Passing(str(slow), slow=True) from slow
        except (urllib3.exceptions.HTTPError, ValueError) as cause:
            raise _Passing(_plainly(cause)) from cause
        try:
            if not download.accept(response):
                return None
            if self._read(download, response):
                download.check()
        except Failed:
            raise
        except Unavailable as slow:
            raise _Passing(str(slow), slow=True) from slow
        except urllib3.exceptions.HTTPError as cause:
            raise _Passing(f"broke off after {download.have} bytes: {_plainly(cause)}") from cause
        finally:
            response.close()
        return download.tag

    def _asked(self, download: "_Download") -> "BaseHTTPResponse":
        """Follows redirects by hand: urllib3 would read all that comes with one, for as long as it comes."""
        url = download.url
        for _ in range(_REDIRECTS + 1):
            headers = download.headers()
            response: BaseHTTPResponse = self._pool(url).request(
                "GET", url, headers=headers, redirect=False, retries=False, preload_content=False
            )
            location = response.headers.get("Location", "") if response.status in _MOVED else ""
            if not location:
                return response
            response.close()
            url = urljoin(url, location)
            if urlsplit(url).scheme != "https" and (download.secure or urlsplit(url).scheme != "http"):
                raise Failed(f"{download.url}: leads to an address without TLS", "update.failed")
        raise _Passing("too many redirects")

    def _read(self, download: "_Download", response: "BaseHTTPResponse") -> bool:
        """Whether all of it was read; not when what there is was enough."""
        pace = Pace(urlsplit(download.url).netloc)
        with download.into.open("r+b" if download.have else "wb") as file:
            file.seek(download.have)
            file.truncate()
            more = functools.partial(response.read1, decode_content=False)
            while chunk := pace.read(more, _CHUNK):
                download.take(file, chunk)
                if self._progress is not None:
                    self._progress(download.url, len(chunk))
                if download.enough is not None and not download.packed and download.enough(chunk):
                    return False
        return True

    def _pool(self, url: str) -> Any:
        parts = urlsplit(url)
        proxies = urllib.request.getproxies()
        proxy = proxies.get(parts.scheme) or proxies.get("all") or ""
        if proxy and urllib.request.proxy_bypass(parts.hostname or ""):
            proxy = ""
        if proxy not in self._pools:
            self._pools[proxy] = _opened(proxy, self._refuses)
        return self._pools[proxy]


def _opened(proxy: str, refuses: Refuses | None) -> Any:
    import urllib3

    from hullguard.net.connections import connections

    settings: dict[str, Any] = {
        "timeout": urllib3.Timeout(connect=_CONNECT_SECONDS, read=_READ_SECONDS),
        "maxsize": 8,
    }
    try:
        return connections(proxy, refuses, **settings)
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
        self.packed = False
        """Whether the server packed the content though nobody asked it to; then nothing of it can be continued."""
        self._size: int | None = None
        self._md5 = b""
        self._bound, self._known = bound, known
        self._deadline = time.monotonic() + _FILE_SECONDS

    @property
    def secure(self) -> bool:
        """Whether it may be asked for over TLS only."""
        return urlsplit(self.url).scheme == "https"

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
        if status == 304 and self._known is not None and not self.have:
            return False
        if status == 206:
            if not self._continues(response):
                raise self.again("the server sent another part than was asked for")
            return True
        if status == 416:
            raise self.again("the server cannot continue the file")
        if status in _PASSING:
            raise _Passing(f"the server answers {status}", _pause(response.headers.get("Retry-After")))
        if status in _GONE:
            raise Absent(f"{self.url}: the server answers {status}", "update.absent")
        if status != 200:
            raise Failed(f"{self.url}: the server answers {status}", "update.failed")
        self._begin(response)
        return True

    def again(self, why: str) -> _Passing:
        """What there is of the file is worth nothing: to be raised."""
        self.have, self.tag, self.packed = 0, Tag(), False
        return _Passing(why, 0.0)

    def check(self) -> None:
        """Makes the content of what was received; raises unless it is the whole file that the server means."""
        if self.packed:
            self._unpack()
        if self._md5:
            with self.into.open("rb") as file:
                found = hashlib.file_digest(cast("IO[bytes]", file), _md5)  # type: ignore[arg-type,unused-ignore]
            if found.digest() != self._md5:
                raise self.again("what was received is not what the server says that it sent")

    def _unpack(self) -> None:
        plain = self.into.with_name(f"{self.into.name}.plain")
        size = 0
        try:
            with gzip.open(self.into) as packed, plain.open("wb") as file:
                while chunk := packed.read(_CHUNK):
                    size += len(chunk)
                    self._require_room(size)
                    file.write(chunk)
            plain.replace(self.into)
        except (EOFError, gzip.BadGzipFile, zlib.error) as cause:
            raise self.again(f"what it sent cannot be unpacked: {cause}") from cause
        finally:
            plain.unlink(missing_ok=True)

    def _begin(self, response: "BaseHTTPResponse") -> None:
        headers = response.headers
        self.have = 0
        self.tag = Tag(headers.get("ETag", "")[:500], headers.get("Last-Modified", "")[:100])
        packing = headers.get("Content-Encoding", "").strip().lower() or "identity"
        self.packed = packing != "identity"
        if self.packed and packing not in _GZIP:
            raise Failed(f"{self.url}: is packed with {packing[:40]!r}, which nobody asked for", "update.failed")
        length = headers.get("Content-Length", "")
        if not length.isdecimal() and "chunked" not in headers.get("Transfer-Encoding", "").lower():
            why = "the server does not say where the file ends, so that a part of it could pass for the whole"
            raise Failed(f"{self.url}: {why}", "update.failed")
        # More digits are no less too large.
        self._size = int(length[:19]) if length.isdecimal() and not self.packed else None
        self._require_room(self._size or 0)
        # Of what the bucket keeps packed and sends unpacked it gives the hash of the packed form.
        stored = headers.get("X-Goog-Stored-Content-Encoding", "identity")
        self._md5 = b"" if self.packed or stored != "identity" else _hash_of(headers.get("X-Goog-Hash", ""))

    def take(self, file: IO[bytes], chunk: bytes) -> None:
        self._require_room(self.have + len(chunk))
        if self.expired():
            raise Failed(f"{self.url}: not there after {_FILE_SECONDS / 60:.0f} minutes", "update.failed")
        file.write(chunk)
        self.have += len(chunk)

    def _continues(self, response: "BaseHTTPResponse") -> bool:
        """Whether this is the rest of the same file; some servers know ranges, but not the condition on them."""
        headers = response.headers
        span, _, size = headers.get("Content-Range", "").partition("/")
        same = self._size is None or size in ("*", str(self._size))
        tagged = headers.get("ETag") == self.tag.etag and "Content-Encoding" not in headers
        return self.have > 0 and span.startswith(f"bytes {self.have}-") and same and tagged

    def _strong(self) -> bool:
        return self.tag.etag.startswith('"') and not self.packed

    def _require_room(self, size: int) -> None:
        if size > self._bound:
            raise Failed(f"{self.url}: larger than {self._bound} bytes", "update.too-large")


def _hash_of(header: str) -> bytes:
    """The MD5 of ``crc32c=…, md5=…``; files that were put together from parts have none."""
    for part in header.split(","):
        name, _, value = part.strip().partition("=")
        if name == "md5":
            with contextlib.suppress(binascii.Error, ValueError):
                return base64.b64decode(value, validate=True)
    return b""


def _md5() -> Any:
    return hashlib.md5(usedforsecurity=False)


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
    """The reason, without the connection that urllib3 names before it."""
    reason = getattr(cause, "reason", None)
    return _CONNECTION.sub("", str(reason if reason is not None else cause))
