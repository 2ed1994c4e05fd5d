"""Packs a database into a signed bundle: a member for each ecosystem, so that one may be taken without the others."""

import re
import shutil
import sqlite3
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime, time
from pathlib import Path
from typing import Any

import msgspec
import zstandard

from hullguard.advisories.bundle import keys
from hullguard.advisories.bundle.manifest import MANIFEST, MEMBERS, PREFIX, SIGNATURE, Manifest, Member, digest_of
from hullguard.advisories.database import Advisories
from hullguard.advisories.osv import Advisory, Affected, Package, Record, Specific, Statement
from hullguard.advisories.postings import pairs, unpacked
from hullguard.advisories.stored import Damaged, reader, typed
from hullguard.model.errors import NotFound, Unavailable

_LEVEL = 9
_EPOCH = (1980, 1, 1, 0, 0, 0)
_decode_advisory = reader(Advisory)
_decode_statements = reader(list[Statement])
_encode = msgspec.json.Encoder().encode


def pack(database: Path, output: Path, key: Path, ecosystems: Sequence[str] = ()) -> Manifest:
    """Writes the bundle: into ``output`` if that is a directory, else as one file that appears when it is whole."""
    signer = keys.private(key)
    advisories = Advisories.open(database)
    try:
        dates = _Dates(advisories)
        with tempfile.TemporaryDirectory(prefix=".bundle.", dir=output if output.is_dir() else output.parent) as work:
            staging = Path(work)
            with advisories.reading() as connection:
                files = _members(connection, staging, dates, {name.partition(":")[0] for name in ecosystems})
            manifest = Manifest(dates.built, files)
            signed = _encode(manifest)
            (staging / MANIFEST).write_bytes(signed)
            (staging / SIGNATURE).write_bytes(signer.sign(PREFIX + signed))
            if output.is_dir():
                _into_directory(staging, output, manifest)
            else:
                _into_file(staging, output, manifest)
    except OSError as cause:
        raise Unavailable(f"cannot write {output}: {cause.strerror or cause}") from cause
    finally:
        advisories.close()
    return manifest


class _Dates:
    """When each source was last up to date; what came by hand is as old as its newest record, tables as the database.

    To call it as new as the database would have it count as up to date wherever the bundle is imported.
    """

    def __init__(self, advisories: Advisories) -> None:
        status = advisories.status()
        newest = {name: datetime.combine(day, time(), UTC) for name, day in status.newest_of.items()}
        self.built, self._updated = status.built, newest | status.updated

    def of(self, source: str) -> datetime:
        return self._updated.get(source, self.built)


class _Written:
    """A member while it is written."""

    def __init__(self, path: Path, stack: ExitStack) -> None:
        self.path, self.count, self.unpacked = path, 0, 0
        raw = stack.enter_context(path.open("wb"))
        self._packed: Any = stack.enter_context(
            zstandard.ZstdCompressor(level=_LEVEL).stream_writer(raw, closefd=False)
        )

    def add(self, line: bytes, count: int = 1) -> None:
        self._packed.write(line)
        self.unpacked += len(line)
        self.count += count


def _members(connection: sqlite3.Connection, staging: Path, dates: _Dates, wanted: set[str]) -> dict[str, Member]:
    written: dict[str, _Written] = {}
    with ExitStack() as stack:
        for record in _records(connection):
            families = {
                affected.package.ecosystem.partition(":")[0] for affected in record.affected or () if affected.package
            }
            line = _encode(record) + b"\n"
            for family in families & wanted if wanted else families:
                if family not in written:
                    written[family] = _Written(staging / _name(family, len(written)), stack)
                written[family].add(line)
        if missing := sorted(wanted - written.keys()):
            raise NotFound(f"the database holds nothing of {', '.join(missing)}", "bundle.ecosystem")
        for source, name, lines in _tables(connection):
            for number, line in enumerate(lines):
                if number == 0:
                    written[source] = _Written(staging / name, stack)
                written[source].add(line, 0 if number == 0 else line.count(b"CVE-"))
    members = {}
    for source, file in written.items():
        with file.path.open("rb") as content:
            digest = digest_of(content)
        size = file.path.stat().st_size
        members[file.path.name] = Member(source, digest, size, file.unpacked, file.count, dates.of(source))
    return members


def _records(connection: sqlite3.Connection) -> Iterator[Record]:
    """Records as far as matching needs them; those that speak of no package stay behind."""
    packages = {
        number: Package(ecosystem, name)
        for number, ecosystem, name in typed(
            connection.execute("SELECT id, ecosystem, name FROM package"), int, str, str
        )
    }
    stored = connection.execute("SELECT modified, core, statements, places FROM record ORDER BY id")
    for modified, core, packed, places in typed(stored, str, bytes, bytes, bytes):
        statements = _decode_statements(packed)
        try:
            said = [(packages[place], statements[which]) for place, which in pairs(unpacked(places))]
        except LookupError as cause:
            raise Damaged("a record speaks of a package or a statement that is not there") from cause
        if said:
            yield _record(modified, _decode_advisory(core), said)


def _record(modified: str, core: Advisory, said: Sequence[tuple[Package, Statement]]) -> Record:
    return Record(
        id=core.id,
        modified=modified,
        aliases=list(core.aliases),
        upstream=list(core.upstream),
        related=list(core.related),
        summary=core.summary,
        severity=list(core.severity),
        affected=[_affected(package, statement) for package, statement in said],
        database_specific=_specific(core),
    )


def _specific(core: Advisory) -> Specific | None:
    source = f"https://{core.publisher}" if core.publisher else None
    return Specific(severity=core.rating or None, source=source) if core.rating or source else None


def _affected(package: Package, statement: Statement) -> Affected:
    specific = Specific(urgency=statement.urgency or None, status=statement.status or None)
    written = (statement.ranges, statement.versions, statement.severity, specific)
    return Affected(package, *(msgspec.Raw(_encode(each)) for each in written))


def _tables(connection: sqlite3.Connection) -> Iterator[tuple[str, str, Iterator[bytes]]]:
    """What is published whole, in the form in which it is imported; the first line is its head."""
    yield "kev", "kev.json.zst", _kev(connection)
    scores = typed(connection.execute("SELECT cve, score FROM epss ORDER BY cve"), str, float)
    yield "epss", "epss.csv.zst", _csv("cve,epss", scores)
    ratings = connection.execute("SELECT cve, source, version, vector, word FROM rating ORDER BY cve")
    texts = typed(ratings, str, str, str, str, str)
    yield "severity", "severity.csv.zst", _csv("cve,source,cvss_version,vector,severity", texts)


def _kev(connection: sqlite3.Connection) -> Iterator[bytes]:
    cves = [{"cveID": cve} for (cve,) in typed(connection.execute("SELECT cve FROM kev ORDER BY cve"), str)]
    if cves:
        yield b'{"catalogVersion":"","vulnerabilities":'
        yield _encode(cves) + b"}\n"


def _csv(head: str, rows: Iterator[tuple[object, ...]]) -> Iterator[bytes]:
    for number, row in enumerate(rows):
        if number == 0:
            yield head.encode() + b"\n"
        yield ",".join(map(str, row)).encode() + b"\n"


def _name(family: str, number: int) -> str:
    plain = re.sub(r"[^A-Za-z0-9. -]", "-", family)[:80].lstrip(". -")
    return f"{plain or 'ecosystem'}.jsonl.zst" if plain == family else f"{plain}-{number}.jsonl.zst"


def _into_file(staging: Path, output: Path, manifest: Manifest) -> None:
    made = staging / "bundle"
    with zipfile.ZipFile(made, "w", zipfile.ZIP_STORED) as bundle:
        for name in (MANIFEST, SIGNATURE):
            bundle.writestr(zipfile.ZipInfo(name, _EPOCH), (staging / name).read_bytes())
        for name in manifest.files:
            with (
                (staging / name).open("rb") as source,
                bundle.open(zipfile.ZipInfo(MEMBERS + name, _EPOCH), "w") as out,
            ):
                shutil.copyfileobj(source, out, 1 << 20)
    made.replace(output)


def _into_directory(staging: Path, output: Path, manifest: Manifest) -> None:
    """Members first: a manifest never speaks of what is not there yet."""
    (output / MEMBERS).mkdir(exist_ok=True)
    for name in manifest.files:
        (staging / name).replace(output / MEMBERS / name)
    for name in (SIGNATURE, MANIFEST):
        (staging / name).replace(output / name)
    for old in (output / MEMBERS).glob("*.zst"):
        if old.name not in manifest.files:
            old.unlink()
