"""Imports files of advisories: opens them whatever their packing, and hands each to the feed that knows it."""

import io
import lzma
import struct
import zipfile
import zlib
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

from isal import igzip, isal_zlib

from hullguard.advisories.building import Building
from hullguard.advisories.feeds.catalog import FEEDS
from hullguard.advisories.feeds.feed import MAX_RECORD, Account, CutOff
from hullguard.advisories.writer import Writer
from hullguard.model.errors import Invalid, NotFound

Progress = Callable[[str, int], None]
"""Told which file and how many of its bytes more were read."""

_HEAD = 4096
_STRANGE = "neither OSV records nor a KEV catalogue, EPSS scores or severity ratings"
_MAX_BYTES = 1 << 36
"""Uncompressed bytes of one file; the whole of osv.dev is a tenth of it."""
_MAX_ZIP_ENTRIES = 2_000_000
_ISAL_ERROR: Any = isal_zlib.IsalError  # its stub says an instance
_DAMAGED = (
    EOFError,
    OSError,
    UnicodeDecodeError,  # a zip's name that is not the UTF-8 that its flag promises
    zlib.error,
    lzma.LZMAError,
    struct.error,
    zipfile.BadZipFile,
    RuntimeError,  # NotImplementedError among them
    CutOff,
    _ISAL_ERROR,
)


def import_files(files: Sequence[Path], database: Path, progress: Progress | None = None) -> Account:
    """Adds the files' records to the database; the one on disk changes in one step, at the end, or not at all.

    Of a file that cannot be read to its end nothing is used: half of an ecosystem's records would let the packages pass
    of which the other half speaks.
    """
    for path in files:
        _check(path)
    halves: dict[Path, str] = {}
    with Building(database) as building:
        while True:
            account = Account()
            for path, why in halves.items():
                account.refuse_all(path.name, why)
            sound = [path for path in files if path not in halves]
            found = _import_all(sound, building.writer(), account, None if halves else progress)
            if not found:
                break
            # What came of them cannot be taken out singly, and to look at each file first would cost everyone.
            halves |= found
            building.restart()
        if not account.used:
            first = account.refusals[0] if account.refusals else None
            why = f"; the first refusal: {first.where}: {first.why}" if first else ""
            raise Invalid(f"nothing could be imported{why}", "advisories.nothing-imported")
        building.commit(building.writer())
    return account


def _import_all(files: Sequence[Path], writer: Writer, account: Account, progress: Progress | None) -> dict[Path, str]:
    """Adds all of the files; which of them could not be read to their ends, and why."""
    halves: dict[Path, str] = {}
    for path in files:
        known = set(account.enriched)
        try:
            import_file(path, writer, account, progress)
        except CutOff as why:
            halves[path] = str(why)
        for name in account.enriched.keys() - known:
            # A bundle that was packed before takes nothing of it back.
            writer.note(f"updated:{name}", datetime.now(UTC).isoformat(timespec="seconds"))
    return halves


def look(path: Path) -> None:
    """Raises unless it begins, and an archive ends, as what can be imported; of a bundle its own module knows.

    Whether all of it can be read shows when it is read.
    """
    _check(path)
    try:
        with path.open("rb", buffering=0) as raw:
            told = _Told(raw, path.name, None)
            if told.head()[:4] != b"PK\x03\x04":
                head = _plain(path.name, told).peek(_HEAD)[:_HEAD]
                if not any(feed.recognises(head) for feed in FEEDS):
                    raise Invalid(f"{path.name} is {_STRANGE}", "advisories.strange")
            else:
                zipfile.ZipFile(told).close()
    except _DAMAGED as cause:
        raise Invalid(f"{path.name} is damaged or cut off: {cause}", "advisories.damaged") from cause


def _check(path: Path) -> None:
    """What is wrong with the request itself is said before anything is done."""
    try:
        with path.open("rb"):
            pass
    except FileNotFoundError as cause:
        raise NotFound(f"there is no file {str(path)!r}", "advisories.no-file") from cause
    except (OSError, ValueError) as cause:
        raise Invalid(f"{str(path)!r} cannot be read: {cause}", "advisories.unreadable") from cause


def import_file(path: Path, writer: Writer, account: Account, progress: Progress | None = None) -> None:
    """Adds one file of any kind; what is broken in it is refused by name.

    Raises CutOff when it cannot be read to its end and the writer has some of it: nothing may come of that writer.
    """
    before = account.used
    try:
        with path.open("rb", buffering=0) as raw:
            told = _Told(raw, path.name, progress)
            if told.head()[:4] == b"PK\x03\x04":
                _import_zip(path.name, told, writer, account)
            else:
                load_stream(path.name, _plain(path.name, told), writer, account)
    except _DAMAGED as cause:
        count = account.used - before
        why = f"damaged or cut off after {count} records, so nothing of it is used (fetch it again): {cause}"
        if count:
            raise CutOff(why) from cause
        account.refuse_all(path.name, why)


def load_stream(where: str, stream: io.BufferedReader, writer: Writer, account: Account) -> None:
    """Adds one stream of any kind, unpacked already."""
    head = stream.peek(_HEAD)[:_HEAD]
    for feed in FEEDS:
        if feed.recognises(head):
            feed.load(where, stream, writer, account)
            return
    account.refuse(where, _STRANGE)


def _import_zip(name: str, raw: "_Told", writer: Writer, account: Account) -> None:
    """An archive of files, most of them one record: a damaged one is named, and the others are imported.

    Raises CutOff where one of many records is damaged further on.
    """
    from hullguard.advisories.bundle.manifest import MANIFEST, SIGNATURE

    with zipfile.ZipFile(raw) as archive:
        entries = archive.infolist()
        if len(entries) > _MAX_ZIP_ENTRIES:
            raise zipfile.BadZipFile(f"more than {_MAX_ZIP_ENTRIES} entries")
        if {MANIFEST, SIGNATURE} <= {entry.filename for entry in entries}:
            # Whatever was put in front of them: what is signed is not imported on trust in nobody.
            raise Invalid(f"{name} is a bundle: name the public key of who signed it with --trust FILE")
        for entry in entries:
            if entry.is_dir():
                continue
            where, before = f"{name}, {entry.filename}", account.used
            try:
                load_stream(where, _entry(archive, entry, where), writer, account)
            except _DAMAGED as cause:
                if account.used > before:
                    raise CutOff(f"{entry.filename}: {cause}") from cause
                account.refuse(where, f"damaged or cut off: {cause}")


def _plain(name: str, raw: "_Told") -> io.BufferedReader:
    inner: Any = raw
    if raw.head()[:2] == b"\x1f\x8b":
        inner = igzip.IGzipFile(fileobj=raw, mode="rb")  # type: ignore[no-untyped-call]
    return io.BufferedReader(_Bounded(inner, name), 1 << 20)


def _entry(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, where: str) -> io.BufferedReader:
    # Most entries are one small record: reading it whole is faster than streaming it.
    if entry.file_size <= MAX_RECORD:
        return io.BufferedReader(io.BytesIO(archive.read(entry)))  # type: ignore[type-var,unused-ignore]
    return io.BufferedReader(_Bounded(archive.open(entry), where), 1 << 20)


class _Told(io.RawIOBase):
    """The file on disk; tells how far it was read."""

    def __init__(self, raw: BinaryIO | io.FileIO, name: str, progress: Progress | None) -> None:
        super().__init__()
        self._raw, self._name, self._progress = raw, name, progress

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._raw.seek(offset, whence)

    def tell(self) -> int:
        return self._raw.tell()

    def readinto(self, buffer: Any) -> int:
        count = self._raw.readinto(buffer) or 0  # type: ignore[union-attr,unused-ignore]
        if self._progress is not None:
            self._progress(self._name, count)
        return count

    def head(self) -> bytes:
        data = self._raw.read(4) or b""
        self._raw.seek(0)
        return data


class _Bounded(io.RawIOBase):
    """Ends a stream that grows beyond reason."""

    def __init__(self, raw: Any, name: str) -> None:
        super().__init__()
        self._raw, self._name, self._count = raw, name, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        count: int = self._raw.readinto(buffer) or 0
        self._count += count
        if self._count > _MAX_BYTES:
            raise OSError(f"more than {_MAX_BYTES} bytes")
        return count
