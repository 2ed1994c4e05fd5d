"""Importing: every packing, every broken record named, the old database untouched until the new one is whole."""

import contextlib
import fcntl
import gzip
import hashlib
import json
import os
import shutil
import socket
import sqlite3
import zipfile
from pathlib import Path
from typing import Any

import pytest
from tests.support.advisories import TODAY, affected, found, inventory, package, record, write_records

from hullguard.advisories.building import Building
from hullguard.advisories.database import Advisories
from hullguard.advisories.feeds import osv
from hullguard.advisories.feeds.feed import Account
from hullguard.advisories.importer import import_files
from hullguard.model.errors import Conflict, HullguardError, Invalid, NotFound, Unavailable

ZERO = {"introduced": "0"}
ONE = record("GHSA-1", affected("npm", "one", ZERO))
TWO = record("GHSA-2", affected("npm", "two", ZERO))


@pytest.fixture
def db(tmp_path: Path) -> Path:
    return tmp_path / "data" / "advisories.db"


def names(db: Path) -> list[str]:
    advisories = Advisories.open(db)
    packages = [package(name, "1.0.0", "npm") for name in ("one", "two", "three")]
    return [one.id for one in advisories.match(inventory(*packages), TODAY).vulnerabilities]


def jsonl(*records: Any) -> bytes:
    return b"".join(json.dumps(one).encode() + b"\n" for one in records)


def hash_of(number: int) -> str:
    """Digits that do not compress to nothing."""
    return str(int(hashlib.sha256(str(number).encode()).hexdigest(), 16))[:12]


FORMS = {
    "lines": jsonl(ONE, TWO),
    "lines without an end": jsonl(ONE, TWO).rstrip(b"\n"),
    "lines with empty ones": b"\n" + jsonl(ONE).replace(b"\n", b"\r\n\r\n") + jsonl(TWO),
    "array": json.dumps([ONE, TWO]).encode(),
    "indented array": json.dumps([ONE, TWO], indent=2).encode(),
    "byte order mark": b"\xef\xbb\xbf" + jsonl(ONE, TWO),
}


@pytest.mark.parametrize("packing", ["plain", "gzip", "zip"])
@pytest.mark.parametrize("form", sorted(FORMS))
def test_every_form_in_every_packing(tmp_path: Path, db: Path, form: str, packing: str) -> None:
    path = tmp_path / "misleading.txt"
    if packing == "zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("records", FORMS[form])
    else:
        path.write_bytes(gzip.compress(FORMS[form]) if packing == "gzip" else FORMS[form])

    account = import_files([path], db)

    assert (account.imported, account.refused) == (2, 0)
    assert names(db) == ["GHSA-1", "GHSA-2"]


@pytest.mark.parametrize("indent", [None, 2])
def test_a_single_object_is_a_record(tmp_path: Path, db: Path, indent: int | None) -> None:
    path = tmp_path / "GHSA-1.json"
    path.write_text(json.dumps(ONE, indent=indent))

    assert import_files([path], db).imported == 1


def test_a_zip_of_single_records(tmp_path: Path, db: Path) -> None:
    path = tmp_path / "all.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("npm/GHSA-1.json", json.dumps(ONE, indent=2))
        archive.writestr("npm/GHSA-2.json", json.dumps(TWO))
        archive.writestr("npm/broken.json", "{")
        archive.mkdir("empty")

    account = import_files([path], db)

    assert (account.imported, account.refused) == (2, 1)
    assert account.refusals[0].where == "all.zip, npm/broken.json"


BROKEN = [
    b"{",
    b"not json",
    b"[1]",
    b"{}",
    b'{"id": 7}',
    b'{"id": ""}',
    b'{"id": "X", "affected": "all"}',
    b'{"id": "X", "affected": [{"ranges": [{"events": []}]}]}',
    b'{"id": "X", "affected": [{"package": {"name": "a"}}]}',
    b'{"id": "X", "severity": [{"type": 1, "score": 2}]}',
    b'{"id": "\xff"}',
    b'{"a":' * 3000,
]


@pytest.mark.parametrize("broken", BROKEN, ids=range(len(BROKEN)))
def test_a_broken_line_is_named_and_the_rest_imported(tmp_path: Path, db: Path, broken: bytes) -> None:
    path = tmp_path / "records.jsonl"
    path.write_bytes(jsonl(ONE) + broken + b"\n" + jsonl(TWO))

    account = import_files([path], db)

    assert (account.imported, account.refused) == (2, 1)
    assert account.refusals[0].where == "records.jsonl, line 2"
    assert account.refusals[0].why
    assert names(db) == ["GHSA-1", "GHSA-2"]


def test_a_broken_entry_of_an_array_is_named(tmp_path: Path, db: Path) -> None:
    path = tmp_path / "records.json"
    path.write_text(json.dumps([ONE, {"id": 5}, TWO]))

    account = import_files([path], db)

    assert (account.imported, [refusal.where for refusal in account.refusals]) == (2, ["records.json, entry 2"])


def cut_off(path: Path, form: str) -> Path:
    """A file of many records of which the last part is missing."""
    many = [record(f"GHSA-{n}", affected("npm", "one", ZERO), details="x" * 1500) for n in range(2000)]
    content = json.dumps(many).encode() if form == "array" else jsonl(*many)
    if form == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("records.jsonl", content)
        content = path.read_bytes()
    elif form == "gzip":
        content = gzip.compress(content, 0)  # one that is packed well comes in one piece
    elif form == "half in a zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("records.jsonl", content[: len(content) // 2])
        return path
    path.write_bytes(content[: len(content) // 2])
    return path


HALVES = ["array", "lines", "gzip", "zip", "half in a zip"]


@pytest.mark.parametrize("form", HALVES)
def test_of_a_file_that_is_cut_off_nothing_is_used_and_the_others_are_imported(
    tmp_path: Path, db: Path, form: str
) -> None:
    import_files([write_records(tmp_path / "a.jsonl", ONE)], db)
    half = cut_off(tmp_path / "half", form)

    account = import_files([half, write_records(tmp_path / "b.jsonl", TWO)], db)

    assert (account.imported, account.unused) == (1, 1)
    assert account.refusals[0].where == "half"
    assert account.refusals[0].why.startswith("damaged or cut off after ")
    assert "records, so nothing of it is used (fetch it again): " in account.refusals[0].why
    assert names(db) == ["GHSA-1", "GHSA-2"]
    advisories = Advisories.open(db)
    assert advisories.status().records == {"npm": 2}
    advisories.close()


@pytest.mark.parametrize("form", HALVES)
def test_of_halves_alone_nothing_is_imported(tmp_path: Path, db: Path, form: str) -> None:
    import_files([write_records(tmp_path / "a.jsonl", ONE)], db)
    before = db.read_bytes()

    with pytest.raises(Invalid, match="nothing could be imported; the first refusal: half: damaged or cut off after"):
        import_files([cut_off(tmp_path / "half", form)], db)

    assert db.read_bytes() == before
    assert sorted(path.name for path in db.parent.iterdir()) == [".advisories.db.lock", "advisories.db"]


def test_half_a_record_alone_in_an_archive_costs_that_record(tmp_path: Path, db: Path) -> None:
    path = tmp_path / "all.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("GHSA-1.json", json.dumps(ONE)[:-30])
        archive.writestr("GHSA-2.json", json.dumps(TWO))

    account = import_files([path], db)

    assert (account.imported, account.refused, account.unused) == (1, 1, 0)
    assert account.refusals[0].where == "all.zip, GHSA-1.json"


def test_an_array_larger_than_the_window_and_beyond_ascii(tmp_path: Path, db: Path) -> None:
    many = [record(f"GHSA-{n}", affected("npm", f"p{n}", ZERO), details="é漢" * 1500) for n in range(300)]
    path = tmp_path / "records.json"
    path.write_text(json.dumps(many, ensure_ascii=False))

    assert import_files([path], db).imported == 300


@pytest.mark.parametrize("window", range(1, 12))
@pytest.mark.parametrize("between", [",", " , ", ",\n"])
def test_an_array_may_be_cut_anywhere_between_two_reads(
    tmp_path: Path, db: Path, monkeypatch: pytest.MonkeyPatch, window: int, between: str
) -> None:
    monkeypatch.setattr(osv, "_WINDOW", window)
    path = tmp_path / "records.json"
    path.write_text("[\n" + between.join(map(json.dumps, (ONE, TWO, record("GHSA-3", TWO["affected"][0])))) + "\n]\n")

    account = import_files([path], db)
    assert (account.imported, account.refused) == (3, 0)


def test_the_longest_first_line_of_an_array_may_end_within_a_character(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "records.json"
    path.write_text(json.dumps([record("GHSA-1", affected("npm", "p", ZERO), details="é" * 2000)], ensure_ascii=False))

    for most in (3000, 3001):
        monkeypatch.setattr(osv, "MAX_RECORD", most)
        assert import_files([path], tmp_path / f"{most}.db").refused == 0


@pytest.mark.parametrize("rest", [jsonl(TWO), json.dumps([TWO]).encode(), b" " * (2 << 20) + b"x"])
def test_an_array_with_something_behind_it_is_refused_as_a_whole(tmp_path: Path, db: Path, rest: bytes) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(json.dumps([ONE]).encode() + b"\n" + rest)

    account = import_files([path, write_records(tmp_path / "b.jsonl", TWO)], db)

    assert (account.imported, account.unused) == (1, 1)
    assert "behind its end" in str(account.refusals)
    assert names(db) == ["GHSA-2"]


def test_a_file_of_something_else_is_named_and_the_rest_imported(tmp_path: Path, db: Path) -> None:
    (tmp_path / "picture").write_bytes(b"\x89PNG\r\n\x1a\n")

    account = import_files([tmp_path / "picture", write_records(tmp_path / "a.jsonl", ONE)], db)

    assert (account.imported, account.refusals[0].where) == (1, "picture")


class TestReplacing:
    def test_a_second_import_adds(self, tmp_path: Path, db: Path) -> None:
        import_files([write_records(tmp_path / "a.jsonl", ONE)], db)
        import_files([write_records(tmp_path / "b.jsonl", TWO)], db)

        assert names(db) == ["GHSA-1", "GHSA-2"]

    def test_the_same_again_changes_nothing(self, tmp_path: Path, db: Path) -> None:
        path = write_records(tmp_path / "a.jsonl", ONE, TWO)
        import_files([path], db)
        before = Advisories.open(db).status()
        account = import_files([path, path], db)
        after = Advisories.open(db).status()

        assert account.imported == 4
        assert after.records == before.records == {"npm": 2}
        assert names(db) == ["GHSA-1", "GHSA-2"]

    def test_a_newer_record_replaces_wholly(self, tmp_path: Path, db: Path) -> None:
        import_files([write_records(tmp_path / "a.jsonl", ONE)], db)
        newer = {**TWO, "id": "GHSA-1", "modified": "2025-02-01T00:00:00Z"}
        import_files([write_records(tmp_path / "b.jsonl", newer)], db)

        assert found(Advisories.open(db), package("one", "1.0.0", "npm")) == {}
        assert list(found(Advisories.open(db), package("two", "1.0.0", "npm"))) == ["GHSA-1"]

    def test_an_older_record_does_not_replace_a_newer_one(self, tmp_path: Path, db: Path) -> None:
        import_files([write_records(tmp_path / "a.jsonl", ONE)], db)
        older = {**TWO, "id": "GHSA-1", "modified": "2024-01-01T00:00:00Z"}
        account = import_files([write_records(tmp_path / "b.jsonl", older)], db)

        assert (account.imported, account.older) == (0, 1)
        assert list(found(Advisories.open(db), package("one", "1.0.0", "npm"))) == ["GHSA-1"]

    def test_a_withdrawn_record_goes(self, tmp_path: Path, db: Path) -> None:
        import_files([write_records(tmp_path / "a.jsonl", ONE, TWO)], db)
        account = import_files([write_records(tmp_path / "b.jsonl", {**ONE, "withdrawn": "2025-03-01T00:00:00Z"})], db)

        assert account.withdrawn == 1
        assert names(db) == ["GHSA-2"]

    @pytest.mark.parametrize("together", [True, False])
    @pytest.mark.parametrize(("withdrawn_on", "expected"), [("2024", ["GHSA-1"]), ("2026", [])])
    def test_the_newer_word_counts_whichever_comes_last(
        self, tmp_path: Path, db: Path, withdrawn_on: str, expected: list[str], together: bool
    ) -> None:
        active = {**ONE, "modified": "2025-01-01T00:00:00Z"}
        stamp = f"{withdrawn_on}-01-01T00:00:00Z"
        gone = {**ONE, "modified": stamp, "withdrawn": stamp}
        for number, order in enumerate(([active, gone, TWO], [gone, active, TWO])):
            place = db.with_name(f"{number}.db")
            groups = [order] if together else [[TWO], *([one] for one in order)]
            for step, records in enumerate(groups):
                import_files([write_records(tmp_path / f"{step}.jsonl", *records)], place)

            assert names(place) == [*expected, "GHSA-2"]

    @pytest.mark.parametrize(
        "fields", [{"modified": "yesterday"}, {"modified": "2025-13-01T00:00:00Z"}, {"withdrawn": "no"}]
    )
    def test_a_time_that_is_none_is_refused(self, tmp_path: Path, db: Path, fields: dict[str, str]) -> None:
        # Story: "yesterday" comes behind every year, so no later version of the record was ever taken.
        account = import_files([write_records(tmp_path / "a.jsonl", {**ONE, **fields}, TWO)], db)

        (key, said), *_ = fields.items()
        assert (account.imported, account.refused, account.withdrawn) == (1, 1, 0)
        assert account.refusals[0].why == f"{key} is no time: {said!r}"
        later = {**ONE, "modified": "2026-01-01T00:00:00Z"}
        assert import_files([write_records(tmp_path / "b.jsonl", later)], db).imported == 1

    @pytest.mark.parametrize(
        ("written", "older"),
        [
            ("2025-01-01T01:00:00+02:00", True),
            ("2025-01-01T01:00:00-02:00", False),
            ("2024-12-31", True),
            ("2025-01-02t00:00:00z", False),
        ],
    )
    def test_times_that_are_written_otherwise_are_compared_as_times(
        self, tmp_path: Path, db: Path, written: str, older: bool
    ) -> None:
        import_files([write_records(tmp_path / "a.jsonl", ONE)], db)

        account = import_files([write_records(tmp_path / "b.jsonl", {**ONE, "modified": written})], db)

        assert (account.older, account.imported) == ((1, 0) if older else (0, 1))

    def test_a_record_that_was_taken_back_may_come_again(self, tmp_path: Path, db: Path) -> None:
        stamps = ["2024-01-01T00:00:00Z", "2024-01-01T00:00:00.5Z", "2024-01-01T00:00:01Z"]
        states: list[dict[str, str]] = [{}, {"withdrawn": stamps[1]}, {}]
        for stamp, state in zip(stamps, states, strict=True):
            import_files([write_records(tmp_path / "a.jsonl", {**ONE, "modified": stamp, **state}, TWO)], db)
            assert names(db) == (["GHSA-2"] if state else ["GHSA-1", "GHSA-2"])

    def test_who_reads_the_old_database_goes_on_reading_it(self, tmp_path: Path, db: Path) -> None:
        import_files([write_records(tmp_path / "a.jsonl", ONE)], db)
        reader = Advisories.open(db)
        import_files([write_records(tmp_path / "b.jsonl", TWO)], db)

        assert found(reader, package("two", "1.0.0", "npm")) == {}
        assert list(found(reader, package("one", "1.0.0", "npm"))) == ["GHSA-1"]


class TestRefusing:
    def test_a_missing_file_stops_before_anything_is_done(self, tmp_path: Path, db: Path) -> None:
        with pytest.raises(NotFound, match="no file"):
            import_files([write_records(tmp_path / "a.jsonl", ONE), tmp_path / "absent"], db)
        assert not db.parent.exists()

    def test_a_directory_is_no_file(self, tmp_path: Path, db: Path) -> None:
        with pytest.raises(Invalid, match="cannot be read"):
            import_files([tmp_path], db)

    def test_nothing_importable_leaves_the_old_database(self, tmp_path: Path, db: Path) -> None:
        import_files([write_records(tmp_path / "a.jsonl", ONE)], db)
        before = db.read_bytes()
        (tmp_path / "bad").write_bytes(b"{}\n")

        with pytest.raises(Invalid, match="nothing could be imported; the first refusal: bad"):
            import_files([tmp_path / "bad"], db)
        assert db.read_bytes() == before

    def test_nothing_is_left_beside_the_database(self, tmp_path: Path, db: Path) -> None:
        import_files([write_records(tmp_path / "a.jsonl", ONE)], db)
        (tmp_path / "bad").write_bytes(b"{}\n")
        with pytest.raises(Invalid):
            import_files([tmp_path / "bad"], db)

        assert sorted(path.name for path in db.parent.iterdir()) == [".advisories.db.lock", "advisories.db"]

    def test_a_database_of_something_else_is_not_touched(self, tmp_path: Path, db: Path) -> None:
        db.parent.mkdir()
        with sqlite3.connect(db) as connection:
            connection.execute("CREATE TABLE precious (a)")
        connection.close()
        before = db.read_bytes()

        with pytest.raises(Invalid, match="is a database of something else"):
            import_files([write_records(tmp_path / "a.jsonl", ONE)], db)
        assert db.read_bytes() == before

    def test_a_file_that_is_no_database_is_not_touched(self, tmp_path: Path, db: Path) -> None:
        db.parent.mkdir()
        db.write_text("my notes, " * 100)

        with pytest.raises(HullguardError):
            import_files([write_records(tmp_path / "a.jsonl", ONE)], db)
        assert db.read_text().startswith("my notes")

    def test_two_imports_at_once_are_one_too_many(self, tmp_path: Path, db: Path) -> None:
        db.parent.mkdir()
        with (db.parent / ".advisories.db.lock").open("wb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            with pytest.raises(Conflict, match="another import"):
                import_files([write_records(tmp_path / "a.jsonl", ONE)], db)

    def test_a_place_that_cannot_be_written_is_said(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("")

        with pytest.raises(Unavailable, match="cannot write"):
            import_files([write_records(tmp_path / "a.jsonl", ONE)], tmp_path / "file" / "advisories.db")


class TestEnrichment:
    KEV = json.dumps(
        {"title": "Catalog", "catalogVersion": "1", "vulnerabilities": [{"cveID": "CVE-2024-1", "product": "x"}]},
        indent=4,
    )
    EPSS = "#model_version:v2025\ncve,epss,percentile\nCVE-2024-1,0.5,0.9\nCVE-2024-2,0.25,0.8\n"
    RATINGS = (
        "cve,source,cvss_version,vector,severity\n"
        "CVE-2024-1,other,3.1,CVSS:3.1/AV:L/AC:L/PR:L/UI:N/S:U/C:L/I:N/A:N,low\n"
        "CVE-2024-1,nvd,3.1,CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H,\n"
        "CVE-2024-2,redhat,,,important\n"
    )

    def files(self, directory: Path) -> list[Path]:
        paths = [directory / name for name in ("a", "b", "c")]
        paths[0].write_text(self.KEV)
        paths[1].write_bytes(gzip.compress(self.EPSS.encode()))
        paths[2].write_text(self.RATINGS)
        return paths

    def test_they_are_recognised_and_fill_the_findings(self, tmp_path: Path, db: Path) -> None:
        records = [
            record(f"DEBIAN-CVE-2024-{n}", affected("Debian:12", "a", ZERO), upstream=[f"CVE-2024-{n}"]) for n in (1, 2)
        ]
        account = import_files([*self.files(tmp_path), write_records(tmp_path / "d", *records)], db)

        both = found(Advisories.open(db), package("a", "1", "Debian:12"))
        first, second = both["CVE-2024-1"], both["CVE-2024-2"]

        assert account.enriched == {"kev": 1, "epss": 2, "severity": 3}
        assert (first.kev, first.epss, first.severity, first.severity_source) == (
            True,
            0.5,
            "critical",
            "CVSS 3.1, nvd",
        )
        assert (second.kev, second.epss, second.severity, second.severity_source) == (False, 0.25, "high", "redhat")

    def test_they_can_be_imported_alone_and_replace_each_other(self, tmp_path: Path, db: Path) -> None:
        import_files(self.files(tmp_path), db)
        (tmp_path / "b").write_text("cve,epss,percentile\nCVE-2024-3,0.1,0.1\n")
        import_files([tmp_path / "b"], db)

        status = Advisories.open(db).status()
        assert (status.kev, status.epss, status.ratings) == (1, 1, 3)

    @pytest.mark.parametrize("table", ["EPSS", "RATINGS"])
    def test_a_table_that_is_cut_off_or_empty_erases_nothing(self, tmp_path: Path, db: Path, table: str) -> None:
        lines = getattr(self, table).splitlines()
        header = [line for line in lines if not line.startswith("CVE-")]
        rest = lines[-1].partition(",")[2]
        rows = [f"CVE-2025-{hash_of(number)},{rest}" for number in range(5000)]
        import_files(self.files(tmp_path), db)
        before = Advisories.open(db).status()
        (tmp_path / "cut").write_bytes(gzip.compress("\n".join([*header, *rows]).encode())[:-200])
        (tmp_path / "empty").write_text("\n".join(header) + "\n")

        account = import_files([tmp_path / "cut", tmp_path / "empty", write_records(tmp_path / "new", ONE)], db)

        after = Advisories.open(db).status()
        assert (after.kev, after.epss, after.ratings) == (before.kev, before.epss, before.ratings)
        assert account.enriched == {}
        assert [refusal.where for refusal in account.refusals] == ["cut", "empty"]

    @pytest.mark.parametrize("table", ["EPSS", "RATINGS"])
    @pytest.mark.parametrize("end", ["in a number", "before the line's end", "after a carriage return", "in a CVE"])
    @pytest.mark.parametrize("packed", [False, True])
    def test_a_table_whose_last_line_has_no_end_is_refused_as_a_whole(
        self, tmp_path: Path, db: Path, table: str, end: str, packed: bool
    ) -> None:
        # Story: a download that broke off left 33,570 of 360,142 scores, and half a number was one.
        import_files(self.files(tmp_path), db)
        before = Advisories.open(db).status()
        whole = getattr(self, table).encode()
        content = {
            "in a number": whole[: whole.rindex(b",") - 1],
            "before the line's end": whole[:-1],
            "after a carriage return": whole.replace(b"\n", b"\r\n")[:-1],
            "in a CVE": whole + b"CVE-20",
        }[end]
        line = content.count(b"\n") + 1
        (tmp_path / "cut").write_bytes(gzip.compress(content) if packed else content)

        account = import_files([tmp_path / "cut", write_records(tmp_path / "new", ONE)], db)

        after = Advisories.open(db).status()
        assert (after.epss, after.ratings) == (before.epss, before.ratings)
        assert (account.enriched, account.unused, account.refused) == ({}, 1, 1)
        assert account.refusals[0].where == "cut"
        assert account.refusals[0].why == (
            f"cut off in line {line}, which has no end, so nothing of it is used; fetch it again"
        )
        with pytest.raises(Invalid, match=f"nothing could be imported; the first refusal: cut: cut off in line {line}"):
            import_files([tmp_path / "cut"], db)

    def test_a_table_with_an_endless_line_is_refused_as_a_whole(self, tmp_path: Path, db: Path) -> None:
        import_files(self.files(tmp_path), db)
        (tmp_path / "long").write_text(f"cve,epss\nCVE-2024-1,0.{'5' * 20_000}\nCVE-2024-2,0.5\n")

        account = import_files([tmp_path / "long", write_records(tmp_path / "new", ONE)], db)

        assert [one.why for one in account.refusals] == ["line 2 is longer than 10000 bytes, so nothing of it is used"]
        assert Advisories.open(db).status().epss == 2

    def test_an_empty_catalogue_erases_nothing(self, tmp_path: Path, db: Path) -> None:
        import_files(self.files(tmp_path), db)
        (tmp_path / "kev.json").write_text('{"catalogVersion": "2", "vulnerabilities": []}')

        import_files([tmp_path / "kev.json", write_records(tmp_path / "new", ONE)], db)

        assert Advisories.open(db).status().kev == 1

    def test_broken_rows_are_named(self, tmp_path: Path, db: Path) -> None:
        path = tmp_path / "epss.csv"
        path.write_text("cve,epss,percentile\nCVE-2024-1,0.5,0.9\nCVE-2024-2,often,0.9\nnot a row\nCVE-2024-3,7,0\n")

        account = import_files([path], db)

        assert account.enriched == {"epss": 1}
        assert [refusal.where for refusal in account.refusals] == [f"epss.csv, line {n}" for n in (3, 4, 5)]

    def test_a_broken_catalogue_is_named(self, tmp_path: Path, db: Path) -> None:
        (tmp_path / "kev.json").write_text('{"catalogVersion": "1", "vulnerabilities": 5}')

        with pytest.raises(Invalid, match="KEV catalogue cannot be read"):
            import_files([tmp_path / "kev.json"], db)

    def test_a_catalogue_that_was_cut_off_is_named(self, tmp_path: Path, db: Path) -> None:
        entries = '{"cveID": "CVE-2024-1"}'
        (tmp_path / "kev.json").write_text(f'{{"catalogVersion": "1", "count": 1500, "vulnerabilities": [{entries}]}}')

        with pytest.raises(Invalid, match="KEV catalogue says that it has 1500 entries, and has 1"):
            import_files([tmp_path / "kev.json"], db)


def test_progress_is_told_in_bytes_of_the_files(tmp_path: Path, db: Path) -> None:
    path = tmp_path / "a.gz"
    path.write_bytes(gzip.compress(jsonl(ONE, TWO)))
    told: list[int] = []
    import_files([path], db, lambda _, count: told.append(count))

    assert sum(told) == path.stat().st_size


def test_refusals_are_counted_all_and_named_up_to_a_bound() -> None:
    account = Account()
    for number in range(1500):
        account.refuse(f"line {number}", "why\nand more")

    assert (account.refused, len(account.refusals)) == (1500, 1000)
    assert account.refusals[0].why == "why and more"


@pytest.mark.parametrize("kind", ["pipe", "directory", "socket", "circle"])
def test_what_is_no_file_is_not_replaced_by_a_database(kind: str, tmp_path: Path) -> None:
    place = tmp_path / "a.db"
    with socket.socket(socket.AF_UNIX) as listening, contextlib.chdir(tmp_path):
        if kind == "pipe":
            os.mkfifo(place)
        elif kind == "directory":
            place.mkdir()
        elif kind == "circle":
            place.symlink_to("a.db")
        else:
            listening.bind("a.db")
    before = place.lstat()

    with pytest.raises(Invalid, match="is no regular file; choose another --db FILE"), Building(place):
        pass

    assert (place.lstat().st_ino, place.lstat().st_mode) == (before.st_ino, before.st_mode)


def test_the_file_that_a_link_leads_to_is_built_anew_and_the_link_stays(tmp_path: Path) -> None:
    link, place = tmp_path / "a.db", tmp_path / "kept" / "b.db"
    link.symlink_to("kept/b.db")

    for _ in range(2):
        with Building(link) as building:
            building.commit(building.writer())
        assert link.is_symlink()
        assert place.is_file()
        assert sorted(each.name for each in tmp_path.iterdir()) == ["a.db", "kept"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("letter", "is no advisory database"),
        ("nothing", "is no advisory database"),
        ("database", "longer than its pages"),
    ],
)
def test_a_file_without_end_is_refused_before_it_is_copied(
    content: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "a.db"
    if content == "database":
        with Building(place) as building:
            building.commit(building.writer())
    elif content == "letter":
        place.write_bytes(b"this is a letter, not a database" * 100)
    with place.open("ab") as file:
        file.truncate(1 << 40)
    taken = place.stat().st_blocks
    # A copy would fill the disk on which the tests run.
    monkeypatch.setattr(shutil, "copyfile", lambda *_: pytest.fail("it is copied"))

    with pytest.raises(HullguardError, match=said), Building(place) as building:
        building.writer()

    assert (place.stat().st_size, place.stat().st_blocks) == (1 << 40, taken)
    assert [each.name for each in tmp_path.iterdir() if each.suffix != ".lock"] == ["a.db"]
