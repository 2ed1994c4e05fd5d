"""``hullguard db`` as people and scripts call it: output, one line of error, exit code."""

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.support.advisories import affected, database, record
from tests.support.mirror import SmallMirror, serving, status

from hullguard.app.cli import exits

ZERO = {"introduced": "0"}


@pytest.fixture
def mirror() -> Iterator[SmallMirror]:
    with serving() as mirror:
        mirror.put("npm", record("GHSA-1", affected("npm", "one", ZERO)))
        mirror.put("Debian", record("DEBIAN-1", affected("Debian:12", "bash", ZERO)))
        yield mirror


def db(*arguments: object) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).parent / "hullguard"
    command = [str(program), "db", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, env=dict(os.environ))


def update(mirror: SmallMirror, file: Path, *more: str) -> subprocess.CompletedProcess[str]:
    where = ("--mirror", mirror.url, "--kev", f"{mirror.url}/kev.json", "--epss", f"{mirror.url}/epss.csv.gz")
    return db("update", "--db", file, *where, *more)


def test_an_update_says_what_it_brought(mirror: SmallMirror, tmp_path: Path) -> None:
    file = tmp_path / "advisories.db"

    done = update(mirror, file)

    assert done.returncode == exits.DONE, done.stderr
    assert [line.split() for line in done.stdout.splitlines()[:-1]] == [
        ["npm", "1", "records"],
        ["Debian", "1", "records"],
        ["kev", "1", "entries"],
        ["epss", "1", "entries"],
    ]
    assert done.stdout.endswith(f"{file}: 4 sources updated, 0 unchanged\n")
    assert update(mirror, file).stdout == f"{file}: 0 sources updated, 4 unchanged\n"


def test_what_failed_is_named_and_the_rest_is_there(mirror: SmallMirror, tmp_path: Path) -> None:
    mirror.faults["/npm/all.zip"] = [status(401)]

    done = update(mirror, tmp_path / "a.db", "--ecosystem", "npm", "--ecosystem", "Debian")

    assert done.returncode == exits.OUTSIDE_FAILED
    assert done.stderr == f"hullguard: not updated: npm: {mirror.url}/npm/all.zip: the server answers 401\n"
    assert "3 sources updated" in done.stdout


def test_scores_that_are_cut_off_are_named_and_the_exit_code_says_so(mirror: SmallMirror, tmp_path: Path) -> None:
    file, scores, records = tmp_path / "a.db", tmp_path / "epss.csv", tmp_path / "records.jsonl"
    content = b"cve,epss\nCVE-2024-0002,0.5\nCVE-2024-0001,0."
    scores.write_bytes(content)
    records.write_text(json.dumps(record("GHSA-2", affected("npm", "two", ZERO))))
    mirror.files["/epss.csv.gz"] = content
    why = "cut off in line 3, which has no end, so nothing of it is used; fetch it again"

    updated = update(mirror, file)
    together = db("import", scores, records, "--db", file)
    alone = db("import", scores, "--db", file)

    assert updated.returncode == exits.OUTSIDE_FAILED
    assert updated.stderr == f"hullguard: not updated: epss: {mirror.url}/epss.csv.gz: {why}\n"
    assert together.returncode == exits.WRONG_REQUEST
    assert together.stderr == f"hullguard: refused: epss.csv: {why}\n"
    assert "1 imported, 0 withdrawn, 0 older than stored, 1 refused" in together.stdout
    assert alone.returncode == exits.WRONG_REQUEST
    assert alone.stderr == f"hullguard: nothing could be imported; the first refusal: epss.csv: {why}\n"


def test_nothing_but_failures_leaves_no_file(mirror: SmallMirror, tmp_path: Path) -> None:
    mirror.absent.add("/npm/all.zip")

    done = db(
        "update", "--db", tmp_path / "a.db", "--mirror", mirror.url, "--kev", "none", "--epss", "none",
        "--ecosystem", "npm",
    )  # fmt: skip

    assert done.returncode == exits.OUTSIDE_FAILED
    assert done.stderr.splitlines()[-2:] == [
        "hullguard: without a network, `hullguard db import FILES…` reads advisories from files that you bring",
        f"hullguard: nothing could be updated; {tmp_path / 'a.db'} is as it was",
    ]
    assert not (tmp_path / "a.db").exists()


def test_an_address_that_is_none_is_the_callers_mistake(tmp_path: Path) -> None:
    done = db("update", "--db", tmp_path / "a.db", "--mirror", "ftp://mirror.example")

    assert done.returncode == exits.WRONG_REQUEST
    assert done.stderr == "hullguard: 'ftp://mirror.example' is no address that begins with https:// or http://\n"


def test_a_bundle_goes_from_one_side_to_the_other(mirror: SmallMirror, tmp_path: Path) -> None:
    key, bundle, there = tmp_path / "key", tmp_path / "bundle", tmp_path / "there.db"
    update(mirror, tmp_path / "a.db")
    assert db("keygen", "-o", key).returncode == exits.DONE

    packed = db("pack", "-o", bundle, "--key", key, "--db", tmp_path / "a.db")
    done = db("import", bundle, "--trust", f"{key}.pub", "--db", there)

    assert (packed.returncode, packed.stderr) == (exits.DONE, "")
    assert packed.stdout.split()[:3] == ["npm", "1", "entries"]
    assert (done.returncode, done.stderr) == (exits.DONE, "")
    assert done.stdout.startswith(f"{there}: 2 imported, 0 withdrawn, 0 older than stored, 0 refused")


@pytest.mark.parametrize("trust", [False, True])
def test_a_bundle_that_nobody_trusts_is_one_line(mirror: SmallMirror, tmp_path: Path, trust: bool) -> None:
    update(mirror, tmp_path / "a.db")
    db("keygen", "-o", tmp_path / "key")
    db("keygen", "-o", tmp_path / "other")
    db("pack", "-o", tmp_path / "bundle", "--key", tmp_path / "key", "--db", tmp_path / "a.db")

    more = ["--trust", tmp_path / "other.pub"] if trust else []
    done = db("import", tmp_path / "bundle", "--db", tmp_path / "there.db", *more)

    assert done.returncode == exits.WRONG_REQUEST
    assert len(done.stderr.splitlines()) == 1
    assert "--trust" in done.stderr
    assert not (tmp_path / "there.db").exists()


def test_the_status_says_how_old_each_source_is(mirror: SmallMirror, tmp_path: Path) -> None:
    file = tmp_path / "a.db"
    update(mirror, file)
    fresh = db("status", "--db", file, "-f", "json")
    assert fresh.stderr == ""
    assert json.loads(fresh.stdout)["records"] == {"Debian:12": 1, "npm": 1}
    assert json.loads(fresh.stdout)["old"] == []
    with sqlite3.connect(file) as connection:
        connection.execute("UPDATE meta SET value = '2025-01-01T00:00:00+00:00' WHERE key = 'updated:npm'")
    connection.close()

    done = db("status", "--db", file)

    assert done.returncode == exits.DONE
    assert done.stderr == "hullguard: older than 7 days: npm; see `hullguard db update`\n"
    assert "  npm                          2025-01-01 00:00 UTC, " in done.stdout
    assert sorted(json.loads(db("status", "--db", file, "-f", "json").stdout)["updated"]) == [
        "Debian", "epss", "kev", "npm",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("hours", "said"),
    [(1.6, "2 hours"), (23.2, "23 hours"), (23.7, "1 day"), (30, "1 day"), (47, "2 days"), (60.5, "3 days")],
)
def test_an_age_is_said_to_the_nearest(tmp_path: Path, hours: float, said: str) -> None:
    # Story: advisories of 47 hours were "1 day" old.
    database(tmp_path, record("GHSA-1", affected("npm", "one", ZERO))).close()
    file = tmp_path / "advisories.db"
    built = (datetime.now(UTC) - timedelta(hours=hours)).isoformat()
    with sqlite3.connect(file) as connection:
        connection.execute("UPDATE meta SET value = ? WHERE key = 'built'", (built,))
    connection.close()

    assert f", {said} ago" in db("status", "--db", file).stdout


def test_the_status_says_of_which_day_each_ecosystems_newest_advisory_is(tmp_path: Path) -> None:
    old = record("GHSA-1", affected("npm", "one", ZERO), modified="2025-01-01T00:00:00Z")
    database(tmp_path, old, record("D-1", affected("Debian:12", "bash", ZERO), modified="2026-01-01T00:00:00Z")).close()

    done = db("status", "--db", tmp_path / "advisories.db")

    assert "  npm                                 1  newest of 2025-01-01\n" in done.stdout
    assert "in 1 releases  newest of 2026-01-01\n" in done.stdout
    assert done.stderr == "hullguard: older than 7 days: npm; see `hullguard db update`\n"


def test_a_database_made_by_hand_is_as_old_as_it_was_built(tmp_path: Path) -> None:
    database(tmp_path, record("GHSA-1", affected("npm", "one", ZERO))).close()
    file = tmp_path / "advisories.db"
    assert db("status", "--db", file).stderr == ""
    with sqlite3.connect(file) as connection:
        connection.execute("UPDATE meta SET value = '2025-01-01T00:00:00+00:00' WHERE key = 'built'")
    connection.close()

    assert "older than 7 days: all of it" in db("status", "--db", file).stderr


def test_a_damaged_database_is_one_line_in_every_command(tmp_path: Path, mirror: SmallMirror) -> None:
    database(tmp_path, record("X", affected("npm", "a", ZERO)), record("Y", affected("PyPI", "b", ZERO))).close()
    file, key = tmp_path / "advisories.db", tmp_path / "key"
    content = file.read_bytes()
    file.write_bytes(content[: len(content) - 8192])
    assert db("keygen", "-o", key).returncode == exits.DONE

    for done in (
        db("status", "--db", file),
        db("import", tmp_path / "records.jsonl", "--db", file),
        db("pack", "--db", file, "--key", key, "-o", tmp_path / "bundle"),
        update(mirror, file),
        scan(tmp_path, file),
        scan(tmp_path, file, str(tmp_path)),
    ):
        assert done.returncode == exits.OUTSIDE_FAILED, done.stdout
        said = [line for line in done.stderr.splitlines() if line.startswith("hullguard: ")]
        assert len(said) == len(done.stderr.splitlines()) == 1, done.stderr
        assert said[0].startswith(f"hullguard: the advisory database {file} is damaged: ")
        assert said[0].endswith(f"; remove it and make it again with: hullguard db update --db {file}")
    assert mirror.paths() == []  # nothing is fetched for it


def scan(target: Path, file: Path, *more: str) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).parent / "hullguard"
    command = [str(program), "scan", f"dir:{target}", *(f"dir:{each}" for each in more), "--db", str(file)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, env=dict(os.environ))
