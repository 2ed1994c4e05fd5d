"""A mirror of OSV's dumps: where its files lie, and how its lists are read."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote, urlsplit

from msgspec import Struct

from hullguard.advisories.versions.catalog import order_of
from hullguard.model.errors import Invalid

_MAX_ECOSYSTEMS = 500
_MAX_LINE = 1000
_MAX_CHANGES = 5_000_000
_SECOND = timedelta(seconds=1)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._+-]{0,99}", re.ASCII)
_RECORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:+-]{0,199}", re.ASCII)


class Mirror:
    """The addresses of a mirror's files."""

    def __init__(self, url: str) -> None:
        require_url(url)
        self._base = url.rstrip("/")

    @property
    def ecosystems(self) -> str:
        return f"{self._base}/ecosystems.txt"

    def changes(self, ecosystem: str) -> str:
        return f"{self._base}/{quote(ecosystem)}/modified_id.csv"

    def whole(self, ecosystem: str) -> str:
        return f"{self._base}/{quote(ecosystem)}/all.zip"

    def record(self, ecosystem: str, identity: str) -> str:
        return f"{self._base}/{quote(ecosystem)}/{quote(identity)}.json"


class Change(Struct, frozen=True):
    """A record and when it was changed last."""

    at: datetime
    id: str


class Unordered(Exception):
    """The list of changes is not what it should be, so that nothing follows from where it ends."""


def require_url(url: str) -> None:
    """Raises unless it is an address of the web."""
    try:
        parts = urlsplit(url)
    except ValueError as cause:
        raise Invalid(f"{url!r} is no address: {cause}", "update.address") from cause
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise Invalid(f"{url!r} is no address that begins with https:// or http://", "update.address")


def listed(content: bytes) -> list[str]:
    """The ecosystems of ``ecosystems.txt`` whose versions can be compared, without their releases."""
    names: dict[str, None] = {}
    for line in content.decode("utf-8", "replace").splitlines()[:_MAX_ECOSYSTEMS]:
        name = line.strip().partition(":")[0]
        if _NAME.fullmatch(name) and order_of(name) is not None:
            names[name] = None
    return list(names)


def require_name(ecosystem: str) -> str:
    """The directory of an ecosystem that a person named."""
    name = ecosystem.partition(":")[0]
    if not _NAME.fullmatch(name):
        raise Invalid(f"{ecosystem!r} is no ecosystem such as Debian or PyPI", "update.ecosystem")
    return name


def changes(path: Path, since: datetime | None) -> Iterator[Change]:
    """The records of ``modified_id.csv`` that were changed at ``since`` or later; the newest first."""
    last: datetime | None = None
    with path.open("rb") as file:
        for _ in range(_MAX_CHANGES):
            line = file.readline(_MAX_LINE)
            if not line:
                if last is None:
                    raise Unordered  # an ecosystem without records has no list
                return
            change = _change(line)
            if change is None or (last is not None and change.at - last >= _SECOND):
                raise Unordered
            if since is not None and _before(change, since):
                return
            last = change.at
            if since is None or change.at >= since:
                yield change
    raise Unordered


def reaches(chunk: bytes, since: datetime) -> bool:
    """Whether a piece of the list comes to records older than ``since``."""
    lines = chunk.rsplit(b"\n", 2)
    change = _change(lines[-2]) if len(lines) == 3 else None
    return change is not None and _before(change, since)


def _before(change: Change, since: datetime) -> bool:
    """The list is sorted as text, where half a second past ten comes before ten: within a second any order will do."""
    return since - change.at >= _SECOND


def instant(text: str) -> datetime | None:
    """An instant as records write it; None when it is none."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return at if at.tzinfo is not None else at.replace(tzinfo=UTC)


def _change(line: bytes) -> Change | None:
    stamp, _, name = line.decode("utf-8", "replace").strip().partition(",")
    at, identity = instant(stamp), name.rpartition("/")[2]
    return Change(at, identity) if at is not None and _RECORD.fullmatch(identity) else None
