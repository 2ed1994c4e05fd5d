"""A bundle brings over what matching needs, and nothing that was not signed."""

import os
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from tests.support.advisories import TODAY, affected, database, inventory, package, record

from hullguard.advisories.bundle import keys
from hullguard.advisories.bundle import pack as packing
from hullguard.advisories.bundle.load import import_bundles
from hullguard.advisories.bundle.manifest import PREFIX, Bundle, Manifest, is_bundle
from hullguard.advisories.bundle.pack import pack
from hullguard.advisories.database import Advisories
from hullguard.advisories.importer import import_files
from hullguard.model.errors import Conflict, Invalid, NotFound

ZERO = {"introduced": "0"}
RECORDS = (
    record(
        "GHSA-1",
        affected("npm", "one", ZERO, {"fixed": "2.0.0"}, kind="SEMVER"),
        affected("PyPI", "One_Two", ZERO, {"last_affected": "3"}, versions=["1", "2"]),
        aliases=["CVE-2024-0001"],
        related=["X-1"],
        summary="a summary",
        severity=[{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}],
        database_specific={"severity": "MODERATE"},
    ),
    record("DEBIAN-CVE-2024-2", affected("Debian:12", "bash", ZERO, urgency="end-of-life"), upstream=["CVE-2024-2"]),
    record("RHSA-1", affected("Red Hat:enterprise_linux:9::baseos", "zlib", ZERO)),
)
IMAGE = inventory(package("one", "1.0.0", "npm"), package("One-Two", "2", "PyPI"), package("bash", "5", "Debian:12"))


@pytest.fixture
def key(tmp_path: Path) -> Path:
    keys.make(tmp_path / "key")
    return tmp_path / "key"


@pytest.fixture
def trusted(key: Path) -> Path:
    return key.with_name("key.pub")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    directory = tmp_path / "source"
    directory.mkdir()
    (directory / "kev.json").write_text('{"catalogVersion": "1", "vulnerabilities": [{"cveID": "CVE-2024-0001"}]}')
    (directory / "epss.csv").write_text("cve,epss,percentile\nCVE-2024-0001,0.25,0.9\nCVE-2024-2,0.5,0.9\n")
    (directory / "ratings.csv").write_text(
        "cve,source,cvss_version,vector,severity\nCVE-2024-2,NVD,3.1,CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H,HIGH\n"
    )
    names = ("kev.json", "epss.csv", "ratings.csv")
    database(directory, *RECORDS, files=[directory / name for name in names]).close()
    return directory / "advisories.db"


@pytest.fixture
def bundle(source: Path, key: Path, tmp_path: Path) -> Path:
    pack(source, tmp_path / "bundle", key)
    return tmp_path / "bundle"


@pytest.fixture
def db(tmp_path: Path) -> Path:
    return tmp_path / "there" / "advisories.db"


def signed_again(bundle: Path, key: Path, change: Callable[[Manifest], Manifest]) -> Path:
    """The bundle as a directory, with a manifest that was changed and signed."""
    directory = bundle.with_name("changed")
    with zipfile.ZipFile(bundle) as archive:
        archive.extractall(directory)
    manifest = change(msgspec.json.decode((directory / "manifest.json").read_bytes(), type=Manifest))
    content = msgspec.json.encode(manifest)
    (directory / "manifest.json").write_bytes(content)
    (directory / "manifest.sig").write_bytes(keys.private(key).sign(PREFIX + content))
    return directory


def opened(path: Path) -> Advisories:
    return Advisories.open(path)


def test_the_same_findings_on_the_other_side(bundle: Path, trusted: Path, source: Path, db: Path) -> None:
    account = import_bundles([bundle], db, trusted)

    assert (account.refused, account.enriched) == (0, {"kev": 1, "epss": 2, "severity": 1})
    here, there = opened(source), opened(db)
    expected = here.match(IMAGE, TODAY).vulnerabilities
    assert len(expected) == 3
    assert there.match(IMAGE, TODAY).vulnerabilities == expected
    assert there.status().records == here.status().records
    assert there.statements("Red Hat:enterprise_linux:9::baseos", "zlib") == here.statements(
        "Red Hat:enterprise_linux:9::baseos", "zlib"
    )


def test_there_is_a_member_for_each_ecosystem(bundle: Path, trusted: Path) -> None:
    with Bundle(bundle, trusted) as opened:
        members = {name: (member.source, member.count) for name, member in opened.manifest.files.items()}

    assert members == {
        "npm.jsonl.zst": ("npm", 1),
        "PyPI.jsonl.zst": ("PyPI", 1),
        "Debian.jsonl.zst": ("Debian", 1),
        "Red Hat.jsonl.zst": ("Red Hat", 1),
        "kev.json.zst": ("kev", 1),
        "epss.csv.zst": ("epss", 2),
        "severity.csv.zst": ("severity", 1),
    }


def test_only_the_named_ecosystems(source: Path, key: Path, tmp_path: Path) -> None:
    manifest = pack(source, tmp_path / "some", key, ["Debian:12"])

    assert {member.source for member in manifest.files.values()} == {"Debian", "kev", "epss", "severity"}
    with pytest.raises(NotFound, match="nothing of Alpine"):
        pack(source, tmp_path / "none", key, ["Alpine", "npm"])
    assert not (tmp_path / "none").exists()


def test_a_directory_holds_the_members_as_files(
    source: Path, key: Path, trusted: Path, tmp_path: Path, db: Path
) -> None:
    directory = tmp_path / "directory"
    directory.mkdir()
    pack(source, directory, key)
    assert is_bundle(directory)

    pack(source, directory, key, ["npm"])

    assert sorted(path.name for path in directory.iterdir()) == ["files", "manifest.json", "manifest.sig"]
    assert "Debian.jsonl.zst" not in {path.name for path in (directory / "files").iterdir()}
    import_bundles([directory], db, trusted)
    assert {"npm", "PyPI"} == opened(db).ecosystems()


def test_the_same_database_gives_the_same_bundle(bundle: Path, source: Path, key: Path, tmp_path: Path) -> None:
    pack(source, tmp_path / "again", key)

    assert (tmp_path / "again").read_bytes() == bundle.read_bytes()


def test_another_key_is_not_trusted(bundle: Path, tmp_path: Path, db: Path) -> None:
    other = keys.make(tmp_path / "other")

    with pytest.raises(Invalid, match="not signed with the key that --trust names; nothing of it is used"):
        import_bundles([bundle], db, other)
    assert not db.exists()


def test_what_is_not_signed_is_not_believed(bundle: Path, trusted: Path, tmp_path: Path, db: Path) -> None:
    with zipfile.ZipFile(bundle) as archive:
        archive.extractall(tmp_path / "unsigned")
    (tmp_path / "unsigned" / "manifest.sig").unlink()

    with pytest.raises(Invalid, match="is not signed"):
        import_bundles([tmp_path / "unsigned"], db, trusted)


@pytest.mark.parametrize("name", ["npm.jsonl.zst", "epss.csv.zst"])
@pytest.mark.parametrize("change", ["other", "longer", "shorter", "gone"])
def test_a_member_that_was_changed_stops_everything(
    bundle: Path, key: Path, trusted: Path, db: Path, name: str, change: str
) -> None:
    directory = signed_again(bundle, key, lambda manifest: manifest)
    member = directory / "files" / name
    content = member.read_bytes()
    if change == "gone":
        member.unlink()
    else:
        member.write_bytes({"other": content[:-1] + b"?", "longer": content + b"?", "shorter": content[:-1]}[change])

    with pytest.raises(Invalid, match=name):
        import_bundles([directory], db, trusted)
    assert not db.exists()


@pytest.mark.parametrize("name", ["../x.zst", "/x.zst", ".zst", "x", "a/b.zst"])
def test_a_member_lies_nowhere_else(bundle: Path, key: Path, trusted: Path, db: Path, name: str) -> None:
    def change(manifest: Manifest) -> Manifest:
        return msgspec.structs.replace(manifest, files={name: next(iter(manifest.files.values()))})

    with pytest.raises(Invalid, match="no plain name"):
        import_bundles([signed_again(bundle, key, change)], db, trusted)


@pytest.mark.parametrize("content", [b"", b"text", b"PK\x03\x04 and nothing"])
def test_what_is_no_bundle_is_said(tmp_path: Path, trusted: Path, db: Path, content: bytes) -> None:
    (tmp_path / "file").write_bytes(content)

    assert not is_bundle(tmp_path / "file")
    with pytest.raises(Invalid, match="no bundle"):
        import_bundles([tmp_path / "file"], db, trusted)


def test_a_signed_manifest_of_another_form_is_said(bundle: Path, key: Path, trusted: Path, db: Path) -> None:
    directory = signed_again(bundle, key, lambda manifest: manifest)
    (directory / "manifest.json").write_bytes(b'{"schema": "hullguard/advisory-bundle/9"}')
    signature = keys.private(key).sign(PREFIX + b'{"schema": "hullguard/advisory-bundle/9"}')
    (directory / "manifest.sig").write_bytes(signature)

    with pytest.raises(Invalid, match="manifest does not have its form"):
        import_bundles([directory], db, trusted)


def test_who_reads_the_old_database_goes_on(bundle: Path, trusted: Path, db: Path) -> None:
    reader = database(db.parent, record("GHSA-9", affected("npm", "nine", ZERO)))

    import_bundles([bundle], db, trusted)

    assert reader.ecosystems() == {"npm"}
    assert [one.id for one in reader.match(inventory(package("nine", "1.0.0", "npm")), TODAY).vulnerabilities] == [
        "GHSA-9"
    ]
    assert opened(db).status().records["npm"] == 2
    assert [path.name for path in db.parent.iterdir() if "bundle" in path.name] == []


def aged(manifest: Manifest) -> Manifest:
    files = {
        name: msgspec.structs.replace(member, updated=member.updated.replace(year=2020))
        for name, member in manifest.files.items()
    }
    return msgspec.structs.replace(manifest, files=files)


def test_nor_from_a_catalogue_that_was_imported_as_a_file(bundle: Path, key: Path, trusted: Path, db: Path) -> None:
    catalogue = bundle.with_name("kev.json")
    catalogue.write_text('{"catalogVersion": "2", "count": 1, "vulnerabilities": [{"cveID": "CVE-2026-7"}]}')
    import_files([catalogue], db)
    account = import_bundles([signed_again(bundle, key, aged)], db, trusted)

    assert (account.older, "kev" in account.enriched) == (1, False)
    assert opened(db).known_exploited("CVE-2026-7")


def test_an_older_bundle_takes_nothing_back(bundle: Path, key: Path, trusted: Path, source: Path, db: Path) -> None:
    of_both = (affected("npm", "one", ZERO), affected("PyPI", "one", ZERO))
    newer = record("GHSA-1", *of_both, modified="2026-01-01T00:00:00Z")
    import_bundles([bundle], db, trusted)
    more = db.with_name("newer.jsonl")
    more.write_bytes(msgspec.json.encode(newer))
    import_files([more], db)

    account = import_bundles([signed_again(bundle, key, aged)], db, trusted)

    assert account.older == 2 + 4  # GHSA-1 of npm and of PyPI, and the whole tables
    assert account.enriched == {}
    assert opened(db).epss("CVE-2024-2") == 0.5
    assert not [value for value in opened(db).notes().values() if value.startswith("2020")]


def test_scores_that_are_cut_off_do_not_count_as_brought_up_to_date(
    source: Path, key: Path, trusted: Path, tmp_path: Path, db: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packing, "_csv", lambda *_: iter([b"cve,epss\nCVE-2024-2,0."]))
    pack(source, tmp_path / "cut", key)

    account = import_bundles([tmp_path / "cut"], db, trusted)

    assert (account.unused, "epss" in account.enriched) == (2, False)
    assert "updated:kev" in opened(db).notes()
    assert "updated:epss" not in opened(db).notes()


def test_what_came_by_hand_is_as_old_as_its_newest_record_on_the_other_side_too(
    bundle: Path, trusted: Path, db: Path
) -> None:
    import_bundles([bundle], db, trusted)

    updated = opened(db).status().updated
    assert {name: at.date().isoformat() for name, at in updated.items() if name in ("Debian", "Red Hat")} == {
        "Debian": "2025-01-01",
        "Red Hat": "2025-01-01",
    }
    assert updated["kev"].date() == opened(db).status().built.date()


def test_a_bundle_of_half_the_records_is_refused_as_a_whole(
    source: Path, key: Path, trusted: Path, tmp_path: Path, db: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    half = b"%s\n%s" % (msgspec.json.encode(record("GHSA-8", affected("npm", "one", ZERO))), b'{"id": "GHSA-9", "aff')
    monkeypatch.setattr(packing, "_csv", lambda *_: iter([half]))
    pack(source, tmp_path / "half", key)

    with pytest.raises(Invalid, match="half, epss is damaged or cut off: the record in line 2 has no end"):
        import_bundles([tmp_path / "half"], db, trusted)

    assert not db.exists()


def test_a_key_is_never_written_over_another(tmp_path: Path) -> None:
    public = keys.make(tmp_path / "key")
    before = (tmp_path / "key").read_bytes(), public.read_bytes()

    with pytest.raises(Conflict, match="never written over"):
        keys.make(tmp_path / "key")
    public.unlink()
    with pytest.raises(Conflict, match="never written over"):
        keys.make(tmp_path / "key")

    assert (tmp_path / "key").read_bytes() == before[0]
    assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600


def test_keys_that_are_none_are_said(tmp_path: Path, key: Path, trusted: Path, source: Path) -> None:
    shutil.copy(source, tmp_path / "no-key")

    for read in (keys.private, keys.public):
        with pytest.raises(NotFound):
            read(tmp_path / "absent")
        with pytest.raises(Invalid, match="is no"):
            read(tmp_path / "no-key")
        with pytest.raises(Invalid, match="cannot be read"):
            read(tmp_path)
    with pytest.raises(Invalid, match="no private key"):
        keys.private(trusted)
    with pytest.raises(Invalid, match="no public key"):
        keys.public(key)


@pytest.mark.parametrize("how", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_what_cannot_be_unpacked_is_said_however_it_was_packed(
    tmp_path: Path, trusted: Path, db: Path, how: int
) -> None:
    path = tmp_path / "packed.zip"
    with zipfile.ZipFile(path, "w", how) as archive:
        archive.writestr("manifest.json", b"{}" * 50)
        archive.writestr("manifest.sig", bytes(64))
    content = bytearray(path.read_bytes())
    content[43:60] = b"\xff" * 17
    path.write_bytes(content)

    with pytest.raises(Invalid, match=r"manifest\.json cannot be read"):
        import_bundles([path], db, trusted)


def test_what_is_put_in_front_of_a_bundle_makes_it_no_plain_archive(bundle: Path, db: Path, tmp_path: Path) -> None:
    path = tmp_path / "front.zip"
    with zipfile.ZipFile(bundle) as signed, zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.json", b'{"id": "CVE-1", "modified": "2024-01-01T00:00:00Z"}')
        for name in signed.namelist():
            archive.writestr(name, signed.read(name))

    with pytest.raises(Invalid, match=r"front\.zip is a bundle: name the public key"):
        import_files([path], db)
    assert not db.exists()


@pytest.mark.parametrize("name", ["manifest.sig", "files"])
def test_a_pipe_in_a_bundle_is_not_waited_for(bundle: Path, key: Path, trusted: Path, db: Path, name: str) -> None:
    directory = signed_again(bundle, key, lambda manifest: manifest)
    place = directory / name
    if place.is_dir():
        place = next(place.iterdir())
    place.unlink()
    os.mkfifo(place)

    with pytest.raises(Invalid, match="it is no regular file"):
        import_bundles([directory], db, trusted)
