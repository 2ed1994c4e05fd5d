"""What an errand comes to, carried out in this process."""

import fcntl
import gzip
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec import structs
from tests.support.advisories import affected, record, write_records
from tests.support.mirror import SmallMirror, serving, status

from hullguard.advisories.bundle import keys
from hullguard.advisories.bundle.pack import pack
from hullguard.advisories.database import Advisories
from hullguard.advisories.errands import child
from hullguard.advisories.errands.child import carry_out
from hullguard.advisories.errands.messages import DEFAULTS, Ended, Fetch, Load, Look, Said, Underway
from hullguard.advisories.importer import import_files
from hullguard.advisories.update import fetch
from hullguard.model.advisory_update import AdvisoryProgress, AdvisorySettings

ONE = affected("npm", "one", {"introduced": "0"}, kind="SEMVER")


@pytest.fixture
def mirror() -> Iterator[SmallMirror]:
    with serving() as mirror:
        mirror.put("npm", record("GHSA-1", ONE))
        yield mirror


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "advisories.db"


@pytest.fixture
def upload(tmp_path: Path) -> Path:
    """Uploaded files lie under a name of the platform's."""
    return tmp_path / "0123456789abcdef"


def settings(mirror: SmallMirror, **changes: object) -> AdvisorySettings:
    return structs.replace(
        DEFAULTS, mirror=mirror.url, kev=f"{mirror.url}/kev.json", epss=f"{mirror.url}/epss.csv.gz", **changes
    )


def quietly(_: Said) -> None: ...


def stored(database: Path) -> dict[str, str]:
    advisories = Advisories.open(database)
    try:
        return advisories.modified()
    finally:
        advisories.close()


@pytest.fixture
def bundle(tmp_path: Path, upload: Path) -> str:
    """Uploaded; the digits of the key that signed it."""
    keys.make(tmp_path / "key")
    import_files([write_records(tmp_path / "records.jsonl", record("GHSA-1", ONE))], tmp_path / "outside.db")
    pack(tmp_path / "outside.db", upload, tmp_path / "key")
    return (tmp_path / "key.pub").read_text().strip()


def test_an_update_says_what_became_of_each_source_and_how_far_it_is(mirror: SmallMirror, database: Path) -> None:
    mirror.put("npm", {**record("GHSA-2", ONE), "affected": "nothing that can be read"})
    said: list[Said] = []

    ended = carry_out(Fetch(str(database), settings(mirror)), said.append)

    assert (ended.fault, ended.code, ended.replaced) == (None, None, True)
    assert (ended.imported, ended.refused, ended.same) == (1, 1, 0)
    assert {one.name: (one.how, one.records, one.refused) for one in ended.sources} == {
        "npm": ("whole", 1, 1),
        "kev": ("whole", 1, 0),
        "epss": ("whole", 1, 0),
    }
    (refusal,) = ended.sources[0].refusals
    assert refusal.where == "npm.zip, GHSA-2.json, line 1"
    steps = [one.progress for one in said if isinstance(one, Underway) and not one.progress.bytes]
    assert steps == [
        AdvisoryProgress("fetching", "npm", 1, 3),
        AdvisoryProgress("fetching", "kev", 2, 3),
        AdvisoryProgress("fetching", "epss", 3, 3),
        AdvisoryProgress("finishing", "", 3, 3),
    ]

    again = carry_out(Fetch(str(database), settings(mirror)), quietly)
    assert (again.replaced, again.same, again.sources) == (False, 3, ())


def test_a_source_that_cannot_be_had_leaves_the_others(mirror: SmallMirror, database: Path) -> None:
    mirror.absent.add("/kev.json")

    ended = carry_out(Fetch(str(database), settings(mirror)), quietly)

    assert (ended.fault, ended.replaced) == (None, True)
    failed = [one for one in ended.sources if one.why]
    assert [(one.name, one.how) for one in failed] == [("kev", "")]
    assert failed[0].why == f"{mirror.url}/kev.json: the server answers 404"


def test_where_nothing_can_be_had_the_database_stays(
    mirror: SmallMirror, database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetch.time, "sleep", lambda _: None)
    carry_out(Fetch(str(database), settings(mirror)), quietly)
    before = database.read_bytes()
    nowhere = structs.replace(settings(mirror), mirror="http://127.0.0.1:1", kev="", epss="")
    monkeypatch.setattr(fetch, "_TRIES", 1)

    ended = carry_out(Fetch(str(database), nowhere), quietly)

    assert ended.code == "advisories.nothing-updated"
    assert ended.fault is not None
    assert "Connection refused" in ended.fault
    assert database.read_bytes() == before


@pytest.mark.parametrize("host", ["169.254.169.254", "[fe80::1]", "[fd00:ec2::254]", "[::ffff:169.254.169.254]"])
def test_nothing_is_asked_where_clouds_keep_credentials(
    host: str, mirror: SmallMirror, database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetch.time, "sleep", lambda _: None)
    monkeypatch.setattr(fetch, "_TRIES", 1)
    mirror.faults["/kev.json"] = [status(302, Location=f"http://{host}/latest/meta-data")]

    direct = structs.replace(settings(mirror), mirror=f"http://{host}", kev="", epss="")
    ended = carry_out(Fetch(str(database), direct), quietly)
    led = carry_out(Fetch(str(database), settings(mirror)), quietly)

    assert ended.fault is not None
    assert "at an address where nothing is asked" in ended.fault
    assert ["at an address where nothing is asked" in (one.why or "") for one in led.sources] == [False, True, False]


def test_an_upload_is_called_what_its_owner_calls_it(database: Path, upload: Path) -> None:
    upload.write_bytes(gzip.compress(json.dumps(record("GHSA-1", ONE)).encode() + b'\n{"id": 7}\n'))

    ended = carry_out(Load(str(database), str(upload), "debian.jsonl.gz", ()), quietly)

    assert (ended.fault, ended.imported, ended.refused) == (None, 1, 1)
    assert [(one.name, one.records) for one in ended.sources] == [("debian.jsonl.gz", 1)]
    assert ended.sources[0].refusals[0].where == "debian.jsonl.gz, line 2"
    assert list(stored(database)) == ["GHSA-1"]


def test_an_upload_of_which_nothing_can_be_read_leaves_the_database(database: Path, upload: Path) -> None:
    upload.write_text('{"id": 7}')

    ended = carry_out(Load(str(database), str(upload), "odd.json", ()), quietly)

    assert ended.code == "advisories.nothing-imported"
    assert ended.fault is not None
    assert "odd.json" in ended.fault
    assert upload.name not in ended.fault
    assert not database.exists()


def test_of_an_upload_that_is_cut_off_further_on_nothing_is_used(database: Path, upload: Path) -> None:
    lines = [json.dumps(record(f"GHSA-{number}", ONE)) for number in range(20_000)]
    content = gzip.compress("\n".join(lines).encode(), 0)
    upload.write_bytes(content[: len(content) * 3 // 4])

    looked = carry_out(Look(str(upload), "npm.jsonl.gz", ()), quietly)
    ended = carry_out(Load(str(database), str(upload), "npm.jsonl.gz", ()), quietly)

    assert looked == Ended()
    assert (ended.code, ended.replaced, ended.imported) == ("advisories.nothing-imported", False, 0)
    assert ended.fault is not None
    assert ended.fault.startswith(
        "nothing could be imported; the first refusal: npm.jsonl.gz: damaged or cut off after "
    )
    assert not database.exists()


def test_of_an_upload_of_scores_that_is_cut_off_nothing_is_used(database: Path, upload: Path) -> None:
    upload.write_bytes(b"cve,epss\nCVE-2024-1,0.5\n")
    carry_out(Load(str(database), str(upload), "epss.csv", ()), quietly)
    upload.write_bytes(b"cve,epss\nCVE-2024-2,0.5\nCVE-2024-1,0.")

    ended = carry_out(Load(str(database), str(upload), "epss.csv", ()), quietly)

    assert (ended.code, ended.replaced) == ("advisories.nothing-imported", False)
    assert ended.fault == (
        "nothing could be imported; the first refusal: epss.csv: cut off in line 3, which has no end, so nothing of it "
        "is used; fetch it again"
    )
    advisories = Advisories.open(database)
    assert (advisories.epss("CVE-2024-1"), advisories.epss("CVE-2024-2")) == (0.5, None)
    advisories.close()


def test_a_file_that_is_gone_is_said(database: Path, upload: Path) -> None:
    ended = carry_out(Load(str(database), str(upload), "records.json", ()), quietly)

    assert ended.code == "advisories.no-file"


def test_a_bundle_is_taken_if_any_of_the_keys_signed_it(
    database: Path, upload: Path, bundle: str, tmp_path: Path
) -> None:
    keys.make(tmp_path / "other")
    other = (tmp_path / "other.pub").read_text().strip()

    looked = carry_out(Look(str(upload), "a.bundle", (other, bundle)), quietly)
    ended = carry_out(Load(str(database), str(upload), "a.bundle", (other, bundle)), quietly)

    assert looked == Ended()
    assert (ended.fault, ended.imported) == (None, 1)
    assert list(stored(database)) == ["GHSA-1"]


@pytest.mark.parametrize("errand", [Look, Load])
def test_a_bundle_of_others_is_not_taken(
    errand: type[Look | Load], database: Path, upload: Path, bundle: str, tmp_path: Path
) -> None:
    keys.make(tmp_path / "other")
    other = (tmp_path / "other.pub").read_text().strip()
    before = [str(database)] if errand is Load else []

    nobody = carry_out(errand(*before, str(upload), "a.bundle", ()), quietly)
    somebody = carry_out(errand(*before, str(upload), "a.bundle", (other,)), quietly)

    assert (nobody.code, somebody.code) == ("bundle.no-key", "bundle.signature-wrong")
    assert not database.exists()


def test_a_bundle_that_was_changed_is_not_taken(database: Path, upload: Path, bundle: str) -> None:
    content = upload.read_bytes()
    member = content.index(b"\x28\xb5\x2f\xfd")  # where zstd's first frame begins
    upload.write_bytes(content[: member + 8] + bytes([content[member + 8] ^ 1]) + content[member + 9 :])

    ended = carry_out(Load(str(database), str(upload), "a.bundle", (bundle,)), quietly)

    assert ended.code == "bundle.malformed"
    assert ended.fault is not None
    assert ended.fault.startswith("a.bundle is no bundle that can be used")
    assert not database.exists()


def test_another_import_is_waited_for(database: Path, upload: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    upload.write_text(json.dumps(record("GHSA-1", ONE)))
    with database.with_name(f".{database.name}.lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        phases: list[str] = []

        def say(said: Said) -> None:
            assert isinstance(said, Underway)
            phases.append(said.progress.phase)
            if said.progress.phase == "waiting":
                assert not database.exists()
                fcntl.flock(lock, fcntl.LOCK_UN)

        monkeypatch.setattr(child, "_LOOK_AGAIN", 0.01)
        ended = carry_out(Load(str(database), str(upload), "records.json", ()), say)

    assert "waiting" in phases
    assert (ended.fault, ended.imported) == (None, 1)


def test_another_import_is_not_waited_for_for_ever(
    database: Path, upload: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload.write_text(json.dumps(record("GHSA-1", ONE)))
    monkeypatch.setattr(child, "_LOOK_AGAIN", 0.0)
    monkeypatch.setattr(child, "WAIT_SECONDS", 0.0)
    with database.with_name(f".{database.name}.lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        ended = carry_out(Load(str(database), str(upload), "records.json", ()), quietly)

    assert ended.fault is not None
    assert "another import" in ended.fault
