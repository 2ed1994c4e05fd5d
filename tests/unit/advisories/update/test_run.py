"""Updating from a mirror: what is asked for, what is believed, and what a failing source leaves."""

import contextlib
import fcntl
import gzip
import io
import json
import sqlite3
import zipfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from tests.support.advisories import TODAY, Record, affected, inventory, package, record, write_records
from tests.support.mirror import SmallMirror, claims, cut, serving, status

from hullguard.advisories.changes import Change
from hullguard.advisories.database import Advisories
from hullguard.advisories.importer import import_files
from hullguard.advisories.update import source
from hullguard.advisories.update.fetch import Fetcher
from hullguard.advisories.update.run import Outcome, Wanted, update
from hullguard.model.errors import Conflict, Invalid, Unavailable

ZERO = {"introduced": "0"}


def npm(number: int, day: int = 1, **fields: object) -> Record:
    stamp = {"modified": f"2025-02-{day:02}T00:00:00.12345Z"}
    return {**record(f"GHSA-{number}", affected("npm", f"p{number}", ZERO)), **stamp, **fields}


@pytest.fixture
def mirror() -> Iterator[SmallMirror]:
    with serving() as mirror:
        mirror.put("npm", *(npm(number) for number in range(5)))
        mirror.put("Debian", record("DEBIAN-1", affected("Debian:12", "bash", ZERO)))
        yield mirror


@pytest.fixture
def db(tmp_path: Path) -> Path:
    return tmp_path / "data" / "advisories.db"


def run(mirror: SmallMirror, db: Path, *ecosystems: str, full: bool = False) -> Outcome:
    mirror.asked.clear()
    wanted = Wanted(mirror.url, f"{mirror.url}/kev.json", f"{mirror.url}/epss.csv.gz", ecosystems, full=full)
    return update(db, wanted, fetcher=Fetcher(sleep=lambda _: None))


def how(outcome: Outcome) -> dict[str, str]:
    return {each.name: "failed" if each.why else each.how for each in outcome.updates}


def held(db: Path, count: int = 10) -> list[str]:
    advisories = Advisories.open(db)
    try:
        packages = [package(f"p{number}", "1.0.0", "npm") for number in range(count)]
        return sorted(one.id for one in advisories.match(inventory(*packages), TODAY).vulnerabilities)
    finally:
        advisories.close()


def test_the_first_update_takes_everything_that_can_be_compared(mirror: SmallMirror, db: Path) -> None:
    outcome = run(mirror, db)

    assert how(outcome) == {"npm": "whole", "Debian": "whole", "kev": "whole", "epss": "whole"}
    assert outcome.replaced
    advisories = Advisories.open(db)
    assert advisories.status().records == {"npm": 5, "Debian:12": 1}
    assert advisories.known_exploited("CVE-2024-0001")
    assert advisories.epss("CVE-2024-0001") == 0.5
    assert not [path for path in db.parent.iterdir() if "update" in path.name]


def test_of_an_archive_with_half_of_many_records_in_one_file_nothing_is_used(mirror: SmallMirror, db: Path) -> None:
    run(mirror, db)
    before = db.read_bytes()
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("all.jsonl", json.dumps(npm(7)) + "\n" + json.dumps(npm(8))[:-20])
    mirror.files["/npm/all.zip"] = packed.getvalue()

    with pytest.raises(Unavailable, match=r"all.jsonl: the record in line 2 has no end; nothing is updated"):
        run(mirror, db, "npm", full=True)

    assert db.read_bytes() == before


def test_only_the_named_ecosystem_is_asked_for(mirror: SmallMirror, db: Path) -> None:
    run(mirror, db, "Debian:12")

    assert Advisories.open(db).ecosystems() == {"Debian:12"}
    assert not [path for path in mirror.paths() if "npm" in path or "ecosystems" in path]


def test_a_second_update_asks_whether_anything_is_new_and_leaves_the_file(mirror: SmallMirror, db: Path) -> None:
    run(mirror, db)
    before = db.stat()

    outcome = run(mirror, db)

    assert set(how(outcome).values()) == {"same"}
    assert not outcome.replaced
    assert (db.stat().st_ino, db.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert not [path for path in mirror.paths() if path.endswith((".zip",))]


def test_few_changes_are_fetched_singly(mirror: SmallMirror, db: Path) -> None:
    run(mirror, db)
    mirror.put("npm", npm(7, day=3), npm(2, day=2, affected=[affected("npm", "other", ZERO)]))

    outcome = run(mirror, db)

    assert how(outcome)["npm"] == "records"
    assert sorted(path for path in mirror.paths() if path.endswith("json") and "GHSA" in path) == [
        "/npm/GHSA-2.json",
        "/npm/GHSA-7.json",
    ]
    assert held(db) == ["GHSA-0", "GHSA-1", "GHSA-3", "GHSA-4", "GHSA-7"]


def test_without_tags_nothing_is_fetched_twice(mirror: SmallMirror, db: Path) -> None:
    mirror.tags = False
    run(mirror, db, "npm")
    mirror.put("npm", npm(7, day=3))
    run(mirror, db, "npm")

    outcome = run(mirror, db, "npm")

    assert how(outcome)["npm"] == "same"
    assert not [path for path in mirror.paths() if "GHSA" in path or path.endswith("zip")]


def test_a_record_newer_than_the_archive_is_fetched_the_next_time(mirror: SmallMirror, db: Path) -> None:
    mirror.files["/npm/all.zip"] = mirror.content("/npm/all.zip") or b""
    mirror.put("npm", npm(8, day=9))
    run(mirror, db, "npm")
    assert "GHSA-8" not in held(db)
    mirror.put("npm", npm(9, day=9))

    run(mirror, db, "npm")

    assert {"GHSA-8", "GHSA-9"} <= set(held(db))


def test_a_withdrawn_record_is_taken_back(mirror: SmallMirror, db: Path) -> None:
    run(mirror, db)
    mirror.put("npm", npm(3, day=5, withdrawn="2025-02-05T00:00:00Z"))

    run(mirror, db)

    assert held(db) == ["GHSA-0", "GHSA-1", "GHSA-2", "GHSA-4"]


def test_many_changes_are_fetched_as_a_whole(mirror: SmallMirror, db: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "_FEW", 3)
    run(mirror, db)
    mirror.put("npm", *(npm(number, day=4) for number in range(5, 9)))

    outcome = run(mirror, db)

    assert how(outcome)["npm"] == "whole"
    assert len(held(db)) == 9


def test_full_fetches_everything_again(mirror: SmallMirror, db: Path) -> None:
    run(mirror, db)

    assert set(how(run(mirror, db, full=True)).values()) == {"whole"}


def test_a_mirror_of_the_archives_alone(mirror: SmallMirror, db: Path) -> None:
    mirror.absent |= {"/npm/modified_id.csv", "/Debian/modified_id.csv"}
    assert how(run(mirror, db))["npm"] == "whole"

    assert how(run(mirror, db))["npm"] == "same"

    mirror.put("npm", npm(6))
    assert how(run(mirror, db))["npm"] == "whole"
    assert "GHSA-6" in held(db)


@pytest.mark.parametrize("path", ["/npm/GHSA-7.json", "/npm/modified_id.csv"])
def test_what_the_mirror_lacks_is_taken_from_the_archive(mirror: SmallMirror, db: Path, path: str) -> None:
    run(mirror, db)
    mirror.put("npm", npm(7, day=3))
    mirror.absent.add(path)

    assert how(run(mirror, db))["npm"] == "whole"
    assert "GHSA-7" in held(db)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<!DOCTYPE html><html><body>Sign in to the network</body></html>",
        b"<html>",
        b"2025-03-01T00:00:00Z,A\n2025-03-02T00:00:00Z,B\n",
        b"2025-03-01T00:00:00Z,npm/..\n",
    ],
)
def test_a_list_that_is_none_is_not_followed(mirror: SmallMirror, db: Path, content: bytes) -> None:
    run(mirror, db)
    mirror.files["/npm/modified_id.csv"] = content
    mirror.put("npm", npm(7, day=3))

    assert how(run(mirror, db))["npm"] == "whole"
    assert "GHSA-7" in held(db)
    assert not [path for path in mirror.paths() if ".." in path]


def test_a_source_that_fails_is_named_and_the_others_are_updated(mirror: SmallMirror, db: Path) -> None:
    mirror.faults["/npm/all.zip"] = [status(500)] * 9
    mirror.faults["/kev.json"] = [status(401)]

    outcome = run(mirror, db)

    assert how(outcome) == {"npm": "failed", "Debian": "whole", "kev": "failed", "epss": "whole"}
    assert {each.name: each.why for each in outcome.failed} == {
        "npm": f"{mirror.url}/npm/all.zip: the server answers 500",
        "kev": f"{mirror.url}/kev.json: the server answers 401",
    }
    assert Advisories.open(db).ecosystems() == {"Debian:12"}
    assert how(run(mirror, db)) == {"npm": "whole", "Debian": "same", "kev": "whole", "epss": "same"}


def test_when_everything_fails_no_file_appears(db: Path) -> None:
    with serving() as gone:
        pass

    outcome = update(db, Wanted(gone.url, "", "", ("npm",)), fetcher=Fetcher(sleep=lambda _: None))

    assert [each.name for each in outcome.failed] == ["npm"]
    assert "refused" in outcome.failed[0].why
    assert not db.exists()


def test_a_record_that_is_another_is_not_believed(mirror: SmallMirror, db: Path) -> None:
    run(mirror, db)
    mirror.put("npm", npm(7, day=3))
    mirror.files["/npm/GHSA-7.json"] = mirror.content("/npm/GHSA-1.json") or b""

    outcome = run(mirror, db)

    assert "holds the record GHSA-1" in outcome.failed[0].why
    assert "GHSA-7" not in held(db)
    del mirror.files["/npm/GHSA-7.json"]
    run(mirror, db)
    assert "GHSA-7" in held(db)


def test_a_record_whose_statements_cannot_be_read_is_named_and_the_rest_updated(mirror: SmallMirror, db: Path) -> None:
    run(mirror, db)
    broken = npm(7, day=3)
    broken["affected"][0]["ranges"] = "all"
    mirror.put("npm", broken, npm(8, day=3))

    outcome = run(mirror, db)

    assert [refusal.where.rpartition("/")[2] for refusal in outcome.account.refusals] == ["GHSA-7.json"]
    assert "GHSA-8" in held(db)
    assert "GHSA-7" not in held(db)


def test_an_archive_that_lies_about_its_size_is_not_believed(mirror: SmallMirror, db: Path) -> None:
    run(mirror, db)
    mirror.put("npm", npm(7, day=3))
    mirror.absent.add("/npm/modified_id.csv")
    mirror.faults["/npm/all.zip"] = [claims(100)]

    outcome = run(mirror, db)

    assert "is no zip archive, or not all of it" in outcome.failed[0].why
    assert len(held(db)) == 5


@pytest.mark.parametrize("name", ["kev.json", "epss.csv.gz"])
@pytest.mark.parametrize("content", [b"<html>Sign in</html>", b"", b"\x1f\x8bbroken", b"{}", b"cve,epss\n"])
def test_scores_that_are_none_do_not_replace_those_there(
    mirror: SmallMirror, db: Path, name: str, content: bytes
) -> None:
    run(mirror, db)
    mirror.files[f"/{name}"] = content

    assert [each.name for each in run(mirror, db).failed] == [name.partition(".")[0]]
    advisories = Advisories.open(db)
    assert advisories.known_exploited("CVE-2024-0001")
    assert advisories.epss("CVE-2024-0001") == 0.5


@pytest.mark.parametrize("packed", [False, True])
def test_scores_that_are_cut_off_do_not_replace_those_there(mirror: SmallMirror, db: Path, packed: bool) -> None:
    run(mirror, db)
    content = b"cve,epss,percentile\nCVE-2024-0002,0.25,0.1\nCVE-2024-0001,0."
    mirror.files["/epss.csv.gz"] = gzip.compress(content) if packed else content

    outcome = run(mirror, db)

    assert [(each.name, each.why) for each in outcome.failed] == [
        (
            "epss",
            f"{mirror.url}/epss.csv.gz: cut off in line 3, which has no end, so nothing of it is used; fetch it again",
        )
    ]
    advisories = Advisories.open(db)
    assert (advisories.epss("CVE-2024-0001"), advisories.epss("CVE-2024-0002")) == (0.5, None)


def test_a_broken_download_goes_on_where_it_broke(mirror: SmallMirror, db: Path) -> None:
    size = len(mirror.content("/npm/all.zip") or b"")
    mirror.faults["/npm/all.zip"] = [cut(300)]

    assert how(run(mirror, db, "npm"))["npm"] == "whole"
    assert mirror.sent["/npm/all.zip"] == size - 300


def test_two_at_once_are_refused(mirror: SmallMirror, db: Path) -> None:
    db.parent.mkdir(parents=True)
    with (db.parent / ".advisories.db.lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(Conflict):
            run(mirror, db)


@pytest.mark.parametrize("url", ["ftp://x", "/local", "http://", "http://[", ""])
def test_an_address_that_is_none_is_said_at_once(db: Path, url: str) -> None:
    with pytest.raises(Invalid, match="address"):
        update(db, Wanted(url))


@pytest.mark.parametrize("name", ["..", "a/b", "", "-x"])
def test_an_ecosystem_that_is_none_is_said_at_once(db: Path, name: str) -> None:
    with pytest.raises(Invalid, match="ecosystem"):
        update(db, Wanted(ecosystems=(name,)))


def test_it_is_noted_once_a_day_that_the_sources_were_asked(mirror: SmallMirror, db: Path) -> None:
    run(mirror, db)
    with sqlite3.connect(db) as connection:
        connection.execute("UPDATE meta SET value = '2025-01-01T00:00:00+00:00' WHERE key LIKE 'updated:%'")
    connection.close()

    outcome = run(mirror, db)

    assert set(how(outcome).values()) == {"same"}
    assert outcome.replaced
    assert not run(mirror, db).replaced


def gone(mirror: SmallMirror, identity: str) -> None:
    """Without a trace, as no publisher should."""
    del mirror.records["npm"][identity]


def own(path: Path, *records: Record) -> None:
    import_files([write_records(path.with_name("own.jsonl"), *records)], path)


def test_what_the_whole_archive_no_longer_has_is_dropped_and_counted(mirror: SmallMirror, db: Path) -> None:
    mirror.put("npm", npm(9, day=20))
    run(mirror, db, "npm")
    own(
        db,
        {**npm(7), "id": "ACME-7"},
        {**npm(8, day=25)},  # younger than the archive
        {**npm(6), "affected": [affected("npm", "p6", ZERO), affected("PyPI", "p6", ZERO)]},
    )
    gone(mirror, "GHSA-2")

    outcome = run(mirror, db, "npm", full=True)

    assert [(one.name, one.dropped, one.unconfirmed) for one in outcome.updates[:1]] == [("npm", 1, 0)]
    with contextlib.closing(Advisories.open(db)) as opened:
        assert list(opened.status().confirmed) == ["npm"]
    assert held(db) == ["ACME-7", "GHSA-0", "GHSA-1", "GHSA-3", "GHSA-4", "GHSA-6", "GHSA-8", "GHSA-9"]
    advisories = Advisories.open(db)
    assert Change("npm", "p2") in advisories.changes(advisories.build.generation - 1)
    advisories.close()


def test_nothing_is_dropped_when_not_all_of_the_archive_can_be_read(mirror: SmallMirror, db: Path) -> None:
    mirror.put("npm", npm(9, day=20))
    run(mirror, db, "npm")
    gone(mirror, "GHSA-2")
    mirror.records["npm"]["GHSA-3"] = {"id": 5, "modified": "2025-02-01T00:00:00Z"}

    outcome = run(mirror, db, "npm", full=True)

    assert [(one.name, one.dropped, one.unconfirmed) for one in outcome.updates[:1]] == [("npm", 0, 2)]
    assert "GHSA-2" in held(db)


def test_the_whole_archive_is_taken_once_in_a_while(
    mirror: SmallMirror, db: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mirror.put("npm", npm(9, day=20))
    run(mirror, db, "npm")
    gone(mirror, "GHSA-2")
    mirror.put("npm", npm(8, day=21))
    assert how(run(mirror, db, "npm"))["npm"] == "records"
    assert "GHSA-2" in held(db)
    monkeypatch.setattr(source, "_CONFIRMED", timedelta(0))
    mirror.put("npm", npm(7, day=22))

    assert how(run(mirror, db, "npm"))["npm"] == "whole"
    assert "GHSA-2" not in held(db)
