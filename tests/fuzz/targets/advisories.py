"""Advisories: records, catalogues and tables as they are published, bundles, and the versions they speak of."""

import contextlib
import functools
import gzip
import hashlib
import io
import json
import os
import sqlite3
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import msgspec
import zstandard
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from tests.fuzz import samples
from tests.fuzz.reading import scratch, written
from tests.fuzz.target import Target
from tests.support.advisories import affected, record
from tests.support.archives import zipped

from hullguard.advisories import schema
from hullguard.advisories.bundle import keys
from hullguard.advisories.bundle.load import import_bundles
from hullguard.advisories.bundle.manifest import MANIFEST, MEMBERS, PREFIX, SIGNATURE, Bundle, is_bundle
from hullguard.advisories.bundle.pack import pack
from hullguard.advisories.cvss import score
from hullguard.advisories.database import Advisories
from hullguard.advisories.errands.child import carry_out
from hullguard.advisories.errands.messages import Load, Look
from hullguard.advisories.evaluate import judge
from hullguard.advisories.feeds.catalog import FEEDS
from hullguard.advisories.feeds.feed import Account, CutOff
from hullguard.advisories.importer import import_file, import_files, load_stream
from hullguard.advisories.match import Matcher
from hullguard.advisories.names import canonical
from hullguard.advisories.osv import Event, Range, Statement
from hullguard.advisories.stored import Walked
from hullguard.advisories.update.mirror import Unordered, changes, instant, listed, reaches, require_name, require_url
from hullguard.advisories.versions.catalog import ORDERS, named
from hullguard.advisories.versions.order import Order, UnreadableVersion
from hullguard.advisories.writer import Writer
from hullguard.model.errors import Invalid
from hullguard.model.image import Target as ImageTarget
from hullguard.model.inventory import Inventory
from hullguard.model.package import Package, PackageType

_ZERO = {"introduced": "0"}
_RECORDS = (
    record(
        "GHSA-1",
        affected("npm", "one", _ZERO, {"fixed": "2.0.0"}, {"limit": "*"}, kind="SEMVER"),
        affected("PyPI", "One_Two", _ZERO, {"last_affected": "3"}, versions=["1", "2"]),
        aliases=["CVE-2024-0001"],
        summary="a summary",
        severity=[{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}],
        database_specific={"severity": "MODERATE"},
    ),
    record("DEBIAN-CVE-2024-2", affected("Debian:12", "bash", _ZERO, urgency="end-of-life"), upstream=["CVE-2024-2"]),
    record("RHSA-1", affected("Red Hat:enterprise_linux:9::baseos", "zlib", _ZERO, {"fixed": "0:1.2-3.el9"})),
    record(
        "GO-1", affected("Go", "stdlib", _ZERO, {"fixed": "1.20.0"}, kind="SEMVER"), withdrawn="2024-01-01T00:00:00Z"
    ),
)
_LINES = "".join(json.dumps(one) + "\n" for one in _RECORDS).encode()
_LATER = {"modified": "2025-06-01T00:00:00Z", "summary": "another"}
_CHANGED = "".join(
    json.dumps(one | _LATER) + "\n"
    for one in (_RECORDS[0], _RECORDS[1] | {"affected": []}, _RECORDS[2] | {"withdrawn": "2025-06-01T00:00:00Z"})
).encode()
_KEV = b'{"catalogVersion": "2024", "vulnerabilities": [{"cveID": "CVE-2024-0001"}, {"cveID": "CVE-2024-2"}]}'
_EPSS = (
    b"#model_version:v2023,score_date:2024-01-01\ncve,epss,percentile\nCVE-2024-0001,0.97,0.99\nCVE-2024-2,0.1,0.5\n"
)
_RATINGS = (
    b"cve,source,cvss_version,vector,severity\nCVE-2024-2,nvd,3.1,CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H,high\n"
    b"CVE-2024-0001,ubuntu,,,medium\n"
)
_SAMPLES = {"osv": _LINES, "kev": _KEV, "epss": _EPSS, "severity": _RATINGS}
_INSTALLED = Inventory(
    ImageTarget("t", "dir"),
    packages=tuple(
        Package(
            f"pkg:{kind}/{name}@{version}", kind, name, version, ecosystem, source_name=name, source_version=version
        )
        for kind, name, version, ecosystem in (
            (PackageType.NPM, "one", "1.0.0", "npm"),
            (PackageType.PYPI, "One-Two", "2", "PyPI"),
            (PackageType.DEB, "bash", "5.2-1", "Debian:12"),
            (PackageType.RPM, "zlib", "1.2-1.el9", "Red Hat:enterprise_linux:9"),
        )
    ),
)
_KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
_NOW = datetime(2026, 1, 1, tzinfo=UTC)


def _samples(feed: str) -> list[bytes]:
    """What a feed is for, and the beginnings of real files of it."""
    tables = {"epss": "epss.csv.gz", "severity": "cve_severity.csv.gz"}
    real = samples.advisories("*.jsonl.gz", 2) if feed == "osv" else []
    table = samples.advisories(tables[feed], 20) if feed in tables else []
    return [_SAMPLES[feed], *real, *([b"".join(table)] if table else [])]


@contextlib.contextmanager
def _writing() -> Any:
    with contextlib.closing(sqlite3.connect(":memory:")) as connection:
        connection.executescript(schema.TABLES)
        yield connection, Writer(connection), Account()


def _matched(connection: sqlite3.Connection, writer: Writer, account: Account) -> list[Any]:
    """What was taken in, and what it says of an image."""
    writer.finish()
    advisories = Advisories(connection, Path("memory"), Walked(connection, 1 << 20))
    found = Matcher(advisories).match(_INSTALLED, date(2026, 1, 1))
    refused = [[refusal.where, refusal.why] for refusal in account.refusals]
    return [account.imported, account.withdrawn, account.enriched, refused, found, sorted(advisories.ecosystems())]


def _loaded(data: bytes) -> list[Any]:
    with _writing() as (connection, writer, account):
        try:
            load_stream("it", io.BufferedReader(io.BytesIO(data)), writer, account)
        except CutOff as cause:
            return [str(cause)]  # nothing may come of that writer
        return _matched(connection, writer, account)


def _imported(data: bytes) -> list[Any]:
    """A file of any packing."""
    path = written(data, "records")
    with _writing() as (connection, writer, account):
        try:
            import_file(path, writer, account)
        except CutOff as cause:
            return [str(cause)]
        return [is_bundle(path), _matched(connection, writer, account)]


def _manifest(**members: bytes) -> bytes:
    files = {
        f"{name}.zst": {
            "source": name,
            "sha256": hashlib.sha256(content).hexdigest(),
            "size": len(content),
            "unpacked": 100,
            "count": 1,
            "updated": _NOW,
        }
        for name, content in members.items()
    }
    return msgspec.json.encode({"schema": "hullguard/advisory-bundle/1", "built": _NOW, "files": files})


_PACKED = zstandard.ZstdCompressor().compress(_LINES)


@functools.cache
def _trusted(process: int) -> Path:
    del process
    return written(_KEY.public_key().public_bytes_raw().hex().encode(), "key.pub")


def _bundle(data: bytes, signed: bytes) -> list[Any]:
    with Bundle(written(data, "bundle"), _trusted(os.getpid())) as bundle:
        for number, name in enumerate(list(bundle.manifest.files)[:8]):
            bundle.unpack(name, scratch() / f"member{number}")
        return [bundle.manifest, len(signed)]


def _signed(data: bytes) -> list[Any]:
    """A manifest that was signed, whatever it says."""
    members = {MANIFEST: data, SIGNATURE: _KEY.sign(PREFIX + data), MEMBERS + "npm.zst": _PACKED}
    return _bundle(zipped(members), data)


def _member(data: bytes) -> list[Any]:
    """A bundle whose one member the input is, all of it signed."""
    manifest = _manifest(npm=data)
    path = written(
        zipped({MANIFEST: manifest, SIGNATURE: _KEY.sign(PREFIX + manifest), MEMBERS + "npm.zst": data}), "b.zip"
    )
    database = scratch() / "advisories.db"
    database.unlink(missing_ok=True)
    account = import_bundles([path], database, _trusted(os.getpid()))
    return [account.imported, [[refusal.where, refusal.why] for refusal in account.refusals]]


def _uploaded(data: bytes) -> list[Any]:
    """A file that somebody uploads: looked at, and imported whatever was seen."""
    path, database = written(data, "upload"), scratch() / "advisories.db"
    database.unlink(missing_ok=True)
    trusted = (_KEY.public_key().public_bytes_raw().hex(),)
    looked = carry_out(Look(str(path), "a file", trusted), lambda _: None)
    ended = carry_out(Load(str(database), str(path), "a file", trusted), lambda _: None)
    return [looked.fault, ended]


def _database(data: bytes) -> list[Any]:
    """A database that somebody else made, or that the disk damaged."""
    advisories = Advisories.open(written(data, "advisories.db"))
    with contextlib.closing(advisories):
        found = advisories.match(_INSTALLED, date(2026, 1, 1))
        told = [advisories.state, advisories.build, sorted(advisories.changes(0)), advisories.notes()]
        return [found, told, advisories.status().records, sorted(advisories.modified())]


def _added(data: bytes) -> list[Any]:
    """Such a database to which records are added, some of them there already."""
    path = written(data, "advisories.db")
    account = import_files([written(_CHANGED, "records.jsonl"), written(_KEV, "kev.json")], path)
    return [account.imported, account.withdrawn, account.older]


def _packed(data: bytes) -> list[Any]:
    """Such a database that is packed into a bundle."""
    made = scratch() / "packed.zip"
    return [pack(written(data, "advisories.db"), made, _private(os.getpid())).built]


@functools.cache
def _private(process: int) -> Path:
    del process
    form, encoding = serialization.PrivateFormat.PKCS8, serialization.Encoding.PEM
    path = written(_KEY.private_bytes(encoding, form, serialization.NoEncryption()), "key.pem")
    path.chmod(0o600)
    return path


def _databases() -> Iterable[bytes]:
    """As an import makes it, and with smaller pages, of which an input may have more."""
    path = scratch() / "made.db"
    path.unlink(missing_ok=True)
    import_files([written(_LINES, "records.jsonl"), written(_KEV, "kev.json"), written(_EPSS, "epss.csv")], path)
    yield path.read_bytes()
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA page_size=512")
        connection.execute("VACUUM")
    yield path.read_bytes()


def _keys(data: bytes) -> list[Any]:
    path, found = written(data, "key"), []
    for reads in (keys.public, keys.private):
        with contextlib.suppress(Invalid):
            found.append(reads(path) is not None)
    return found


def _mirror(data: bytes) -> list[Any]:
    """The lists of a mirror, and what people say of it."""
    text = data.decode("utf-8", "replace")
    found: list[Any] = [listed(data), instant(text), reaches(data, _NOW)]
    with contextlib.suppress(Unordered):
        found.append(list(changes(written(data, "changes"), datetime(2020, 1, 1, tzinfo=UTC))))
    for reads in (require_url, require_name):
        with contextlib.suppress(Invalid):
            found.append(reads(text))
    return found


def _vector(data: bytes) -> list[Any]:
    read = score.read(data.decode("utf-8", "replace"))
    return [read, score.severity(read) if read else None]


def _ordered(order: Order, ecosystem: str) -> Callable[[bytes], list[Any]]:
    """Two versions: read or refused, ordered one way, and judged by a statement that names the other."""

    def read(data: bytes) -> list[Any]:
        one, _, other = data.decode("utf-8", "replace").partition("\n")
        with contextlib.suppress(UnreadableVersion):
            left, right = order.key(one), order.key(other)
            if (left < right) + (left == right) + (left > right) != 1:
                raise AssertionError(f"{one!r} and {other!r} have no order")
        events = [Event(introduced="0"), Event(fixed=other), Event(last_affected=one), Event(introduced=other)]
        said = Statement([Range("ECOSYSTEM", events)], [other], [], "", "")
        judged = judge(one, said, order)
        return [judged.verdict.value, judged.evidence, judged.fixed, canonical(ecosystem, one)]

    return read


_VERSIONS: dict[str, tuple[str, ...]] = {
    "dpkg": ("1:2.36-9+deb12u3\n2.36~rc1-1", "1.0-1ubuntu0.1\n1.0"),
    "apk": ("1.2.3b_rc1_p2~0a1b2c-r4\n1.2.3-r0", "1.01\n1.1"),
    "rpm": ("1:5.1.8-6.el9\n5.1.8~beta-1", "1.0^git1\n1.0"),
    "pacman": ("1:8.5.0-1\n8.5.0", "1.0rc1\n1..0-1.1"),
    "PEP 440": ("1!2.0a1.post2.dev3+local.1\n2.0", "1.0rc1\nv1"),
    "Maven": ("1.0-alpha-1-SNAPSHOT\n1.0.0.RELEASE", "1-sp-1\n1.ga"),
    "Go": ("v1.2.3-0.20200101000000-abcdef123456+incompatible\ngo1.21rc2", "1.20.1\nv1.0.0"),
    "gem": ("1.0.0.pre.2-x86_64-linux\n1.0.0", "2.0.a\n2"),
    "NuGet": ("1.0.0.1-Beta.1+x\n1.0", "v2\n2.0.0.0"),
    "Composer": ("v1.0.0-RC1\ndev-master", "2020.01.01\n1.x-dev"),
}
_SEMVER = ("1.2.3-rc.1+build.5\nv1.2.3", "1.0.0-alpha.beta\n1.0.0-1", "16.3.0-r5\n16.3")


def _signed_bundle() -> bytes:
    manifest = _manifest(npm=_PACKED)
    return zipped({MANIFEST: manifest, SIGNATURE: _KEY.sign(PREFIX + manifest), MEMBERS + "npm.zst": _PACKED})


_PEMS = (
    _KEY.public_key().public_bytes_raw().hex().encode(),
    b"-----BEGIN PUBLIC KEY-----\nMCow\n-----END PUBLIC KEY-----\n",
)


TARGETS: tuple[Target, ...] = (
    *(
        Target(
            f"advisories.feed.{feed.name}",
            _loaded,
            lambda name=feed.name: _samples(name),  # type: ignore[misc]
            runs=120,
        )
        for feed in FEEDS
    ),
    Target(
        "advisories.forms",
        _loaded,
        lambda: (
            json.dumps(_RECORDS, indent=1).encode(),
            json.dumps(_RECORDS[0], indent=1).encode(),
            b"\xef\xbb\xbf" + _LINES,
        ),
        runs=120,
    ),
    Target(
        "advisories.file",
        _imported,
        lambda: (
            gzip.compress(_LINES, mtime=0),
            zipped({f"{number}.json": json.dumps(one).encode() for number, one in enumerate(_RECORDS)}),
            _EPSS,
        ),
        runs=120,
    ),
    Target(
        "advisories.upload",
        _uploaded,
        lambda: (_signed_bundle(), gzip.compress(_LINES, mtime=0), zipped({"1.json": _LINES}), _KEV),
        runs=60,
    ),
    Target("advisories.bundle", lambda data: _bundle(data, b""), lambda: (_signed_bundle(),), runs=120),
    Target("advisories.bundle.manifest", _signed, lambda: (_manifest(npm=_PACKED),), runs=120),
    Target("advisories.bundle.member", _member, lambda: (_PACKED, zstandard.ZstdCompressor().compress(_KEV)), runs=40),
    Target("advisories.database", _database, _databases, runs=120, longest=1 << 17),
    Target("advisories.database.added", _added, _databases, runs=60, longest=1 << 17),
    Target("advisories.database.packed", _packed, _databases, runs=60, longest=1 << 17),
    Target("advisories.keys", _keys, lambda: _PEMS),
    Target(
        "advisories.mirror",
        _mirror,
        lambda: (
            b"2024-01-02T00:00:00Z,npm/GHSA-1\n2024-01-01T00:00:00.5Z,PyPI/PYSEC-1\n2019-01-01T00:00:00Z,a/b\n",
            b"Debian:12\nnpm\nAlpine:v3.18\n[EMPTY]\n",
            b"https://mirror.example.org/osv",
        ),
    ),
    Target(
        "advisories.cvss",
        _vector,
        lambda: (
            b"CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:L/VA:N/SC:N/SI:H/SA:N",
            b"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H",
            b"(AV:N/AC:L/Au:N/C:P/I:P/A:P)",
        ),
        words=(b"CVSS:4.0/", b"CVSS:3.0/", b"/AV:P", b"/S:C", b"/VC:N", b"/AV:"),
        runs=400,
    ),
    *(
        Target(
            f"advisories.versions.{order.name.replace(' ', '-')}",
            _ordered(order, ecosystems[0]),
            lambda name=order.name: [text.encode() for text in _VERSIONS.get(name, _SEMVER)],  # type: ignore[misc]
            longest=2000,
        )
        for order, ecosystems in ((named(place), names) for place, names in ORDERS.items())
    ),
)
