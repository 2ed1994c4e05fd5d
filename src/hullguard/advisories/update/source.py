"""One source of an update: an ecosystem of the mirror, or a file that is published whole."""

import abc
import contextlib
import gzip
import io
import sqlite3
import zipfile
import zlib
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path

import msgspec
from msgspec import Struct

from hullguard.advisories import schema
from hullguard.advisories.feeds.feed import MAX_RECORD, Account, CutOff, Feed, Refusal
from hullguard.advisories.feeds.kev import KevFeed
from hullguard.advisories.feeds.osv import take
from hullguard.advisories.feeds.tables import EpssFeed
from hullguard.advisories.importer import import_file
from hullguard.advisories.osv import Record, decode_record
from hullguard.advisories.update.fetch import Absent, Failed, Fetcher, Tag
from hullguard.advisories.update.mirror import Change, Mirror, Unordered, changes, instant, reaches
from hullguard.advisories.writer import Writer
from hullguard.model.decoding import from_json
from hullguard.model.errors import Unavailable

_ZIP_BYTES = 4 << 30
_CHANGES_BYTES = 512 << 20
_ENRICHING_BYTES = 64 << 20
_UNPACKED_BYTES = 512 << 20
_FEW = 300
"""Records that are fetched singly; with more of them the whole archive is the shorter way."""
_AT_ONCE = 8
_OVERLAP = timedelta(days=1)
"""The archive may be older than the list of changes beside it, so the next update looks back this far."""
_CONFIRMED = timedelta(days=30)
"""How long the archive as a whole is not asked for again, as long as few records change."""
_BROKEN = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
_FEEDS: dict[str, Feed] = {"kev": KevFeed(), "epss": EpssFeed()}


class Kept:
    """What earlier updates noted in the database."""

    def __init__(self, notes: Mapping[str, str], modified: Callable[[], dict[str, str]] | None) -> None:
        self._notes = notes
        self._modified = modified() if modified is not None and notes else {}

    def seen(self, ecosystem: str) -> datetime | None:
        """When the newest record was changed that is known of."""
        return instant(self._notes.get(f"seen:{ecosystem}", ""))

    def confirmed(self, ecosystem: str) -> bool:
        """Whether the whole archive was read not long ago: the list of changes does not say what is gone."""
        at = instant(self._notes.get(f"seen:whole:{ecosystem}", ""))
        return at is not None and datetime.now(UTC) - at < _CONFIRMED

    def tag(self, url: str) -> Tag | None:
        try:
            return from_json(self._notes.get(f"http:{url}", ""), Tag)
        except msgspec.MsgspecError:
            return None

    @cached_property
    def checked(self) -> datetime | None:
        """The earliest instant at which any source was last up to date."""
        stamps = [instant(value) for key, value in self._notes.items() if key.startswith("updated:")]
        return min((stamp for stamp in stamps if stamp is not None), default=None)

    def lacks(self, change: Change) -> bool:
        """Whether the stored record is older than that, or not there."""
        stored = instant(self._modified.get(change.id, ""))
        return stored is None or stored < change.at


class Update(Struct, frozen=True):
    """What became of one source."""

    name: str
    how: str = ""
    """``same``, ``records`` or ``whole``."""
    records: int = 0
    """New and changed ones."""
    why: str = ""
    """Why it failed."""
    notes: dict[str, str] = {}
    """What the next update wants to know."""
    dropped: int = 0
    """Stored records that the whole archive no longer has."""
    unconfirmed: int = 0
    """Those that it may no longer have; not all of it could be read."""
    refused: int = 0
    """Records of it that were left out."""
    refusals: tuple[Refusal, ...] = ()
    """As many of them as the account names."""


class Source(abc.ABC):
    """Something that can be brought up to date by itself."""

    name: str

    @abc.abstractmethod
    def update(self, kept: Kept, writer: Callable[[], Writer], account: Account) -> Update:
        """Adds to the writer what is new; raises Failed when it cannot be had, with nothing believed of it."""


class EcosystemSource(Source):
    """One directory of the mirror."""

    def __init__(self, name: str, mirror: Mirror, fetcher: Fetcher, staging: Path) -> None:
        self.name = name
        self._mirror, self._fetcher, self._staging = mirror, fetcher, staging

    def update(self, kept: Kept, writer: Callable[[], Writer], account: Account) -> Update:
        seen = kept.seen(self.name)
        try:
            found = self._changed(kept, seen)
        except (Absent, Unordered):
            return self._whole(kept, writer, account, {})  # a mirror of the archives alone
        if found is None:
            return Update(self.name, "same")
        changed, notes = found
        if seen is None or len(changed) > _FEW or not kept.confirmed(self.name):
            return self._whole(kept, writer, account, notes)
        try:
            records = self._records(changed)
        except Absent:
            return self._whole(kept, writer, account, notes)
        for record in records:
            try:
                take(record, writer(), account)
            except _BROKEN as cause:  # what it says of a package is read only here
                account.refuse(self._mirror.record(self.name, record.id), str(cause))
        return Update(self.name, "records" if records else "same", len(records), notes=notes)

    def _changed(self, kept: Kept, seen: datetime | None) -> tuple[list[Change], dict[str, str]] | None:
        """The records that the database lacks, up to more than a few, and what to note; None when nothing is new."""
        url, path = self._mirror.changes(self.name), self._staging / "changes"
        since = seen or datetime.max.replace(tzinfo=UTC)
        known = kept.tag(url) if seen is not None else None
        tag = self._fetcher.get(url, path, _CHANGES_BYTES, known, lambda chunk: reaches(chunk, since))
        if tag is None:
            return None
        lacking: list[Change] = []
        newest: datetime | None = None
        for change in changes(path, seen):
            newest = newest or change.at
            if seen is None:
                break
            if kept.lacks(change):
                lacking.append(change)
            if len(lacking) > _FEW:
                break
        whole = seen is None or len(lacking) > _FEW or not kept.confirmed(self.name)
        newest = newest or seen
        notes = {f"http:{url}": _noted(tag)}
        if newest is not None:
            notes[f"seen:{self.name}"] = (newest - _OVERLAP if whole else newest).isoformat()
        return lacking, notes

    def _whole(self, kept: Kept, writer: Callable[[], Writer], account: Account, notes: dict[str, str]) -> Update:
        url, path = self._mirror.whole(self.name), self._staging / f"{self.name}.zip"
        # Beside a list of changes the archive is fetched because it is needed; alone, it says itself whether it is new.
        tag = self._fetcher.get(url, path, _ZIP_BYTES, None if notes else kept.tag(url))
        if tag is None:
            return Update(self.name, "same")
        try:
            if not zipfile.is_zipfile(path):
                raise Failed(f"{url}: is no zip archive, or not all of it", "update.damaged")
            before, refused = account.imported + account.withdrawn, account.refused
            account.seen = {}
            self._import(path, url, writer(), account)
            count = account.imported + account.withdrawn - before
            stale = self._stale(writer(), account.seen)
        finally:
            path.unlink(missing_ok=True)
            account.seen = None
        notes = notes or {f"http:{url}": _noted(tag)}
        if account.refused > refused:
            return Update(self.name, "whole", count, notes=notes, unconfirmed=len(stale))
        for identity in stale:
            writer().drop(identity)
        notes = notes | {f"seen:whole:{self.name}": datetime.now(UTC).isoformat(timespec="seconds")}
        return Update(self.name, "whole", count, notes=notes, dropped=len(stale))

    @staticmethod
    def _import(path: Path, url: str, writer: Writer, account: Account) -> None:
        try:
            import_file(path, writer, account)
        except CutOff as cause:
            # No archive of OSV's has several records in one file; what the writer has of such a one stays in it.
            raise Unavailable(f"{url}: {cause}; nothing is updated", "update.damaged") from cause

    def _stale(self, writer: Writer, seen: dict[str, str]) -> list[str]:
        """What the archive lacks, but not what may be younger than it: it is made a few times a day."""
        newest = max((at for text in seen.values() if (at := instant(text)) is not None), default=None)
        if newest is None:
            return []
        return writer.stale(self.name, seen, (newest - _OVERLAP).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S"))

    def _records(self, changed: list[Change]) -> list[Record]:
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            return list(pool.map(self._record, range(len(changed)), changed))

    def _record(self, number: int, change: Change) -> Record:
        url, path = self._mirror.record(self.name, change.id), self._staging / f"record.{number}"
        try:
            self._fetcher.get(url, path, MAX_RECORD)
            record = decode_record(path.read_bytes())
        except _BROKEN as cause:
            raise Failed(f"{url}: {str(cause)[:300]}", "update.damaged") from cause
        finally:
            path.unlink(missing_ok=True)
        if record.id != change.id:
            raise Failed(f"{url}: holds the record {record.id}", "update.damaged")
        return record


class WholeSource(Source):
    """A file that replaces what was there: nothing of it is believed before all of it was read."""

    def __init__(self, name: str, url: str, fetcher: Fetcher, staging: Path) -> None:
        self.name, self._url, self._fetcher = name, url, fetcher
        self._path = staging / name

    def update(self, kept: Kept, writer: Callable[[], Writer], account: Account) -> Update:
        tag = self._fetcher.get(self._url, self._path, _ENRICHING_BYTES, kept.tag(self._url))
        if tag is None:
            return Update(self.name, "same")
        content = self._unpacked()
        feed = _FEEDS[self.name]
        self._try(feed, content)
        before = account.enriched.pop(self.name, 0)
        feed.load(self._url, io.BytesIO(content), writer(), account)
        count = account.enriched.get(self.name, 0)
        account.enriched[self.name] = before + count
        return Update(self.name, "whole", count, notes={f"http:{self._url}": _noted(tag)})

    def _try(self, feed: Feed, content: bytes) -> None:
        """Loads it into a database of its own, which is thrown away."""
        account = Account()
        with contextlib.closing(sqlite3.connect(":memory:")) as connection:
            connection.executescript(schema.TABLES)
            if feed.recognises(content[:4096]):
                feed.load(self._url, io.BytesIO(content), Writer(connection), account)
        if not account.enriched.get(self.name):
            why = account.refusals[0].why if account.refusals else f"holds nothing of {self.name}"
            raise Failed(f"{self._url}: {why}", "update.damaged")

    def _unpacked(self) -> bytes:
        content = self._path.read_bytes()
        self._path.unlink()
        if not content.startswith(b"\x1f\x8b"):
            return content
        try:
            with gzip.GzipFile(fileobj=io.BytesIO(content)) as packed:
                unpacked = packed.read(_UNPACKED_BYTES + 1)
        except (OSError, EOFError, zlib.error) as cause:
            raise Failed(f"{self._url}: damaged or cut off: {cause}", "update.damaged") from cause
        if len(unpacked) > _UNPACKED_BYTES:
            raise Failed(f"{self._url}: unpacks to more than {_UNPACKED_BYTES} bytes", "update.too-large")
        return unpacked


def _noted(tag: Tag) -> str:
    return msgspec.json.encode(tag).decode()
