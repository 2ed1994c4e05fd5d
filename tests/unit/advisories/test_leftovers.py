"""What a killed import or update left is removed by the next one, and nothing else is."""

import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from tests.support.advisories import affected, record

from hullguard.advisories import leftovers
from hullguard.advisories.importer import import_files
from hullguard.advisories.leftovers import hold, sweep


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "adv.db"


def names(database: Path) -> list[str]:
    return sorted(path.name for path in database.parent.iterdir())


def aged(path: Path) -> Path:
    os.utime(path, (1, 1))
    return path


def test_a_killed_import_leaves_nothing_after_the_next_one(database: Path) -> None:
    code = (
        "import os, sys; from pathlib import Path; from hullguard.advisories.building import Building\n"
        "building = Building(Path(sys.argv[1])).__enter__(); building.writer(); os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", code, str(database)], check=False)
    assert [name for name in names(database) if name != ".adv.db.lock"], "it left its copy"
    advisory = database.with_name("advisory.json")
    advisory.write_bytes(msgspec.json.encode(record("GHSA-1", affected("npm", "one", {"introduced": "0"}))))
    import_files([advisory], database)
    advisory.unlink()

    assert names(database) == [".adv.db.lock", "adv.db"]


def test_only_what_this_database_s_imports_leave(database: Path) -> None:
    others = [".adv.db.0123", ".other.db.0123456789abcdef", ".adv.db.lock", "adv.db.0123456789abcdef", ".adv.db.bundle"]
    for name in others:
        (database.parent / name).touch()
    (database.parent / "elsewhere").mkdir()
    (database.parent / ".adv.db.update.abcdefgh").symlink_to("elsewhere")
    sweep(database)

    assert names(database) == sorted([*others, "elsewhere", ".adv.db.update.abcdefgh"])


def test_directories_in_which_nobody_works(database: Path) -> None:
    dead = database.parent / ".adv.db.update.abcdefgh"
    (dead / "deep").mkdir(parents=True)
    (dead / "deep" / "file").touch()
    aged(dead)
    (bundle := database.parent / ".adv.db.bundle.a_b1c2d3").mkdir()
    aged(bundle)
    busy = database.parent / ".adv.db.update.hgfedcba"
    busy.mkdir()
    held = hold(busy)
    aged(busy)
    (database.parent / ".adv.db.update.youngest").mkdir()
    sweep(database)
    assert names(database) == [".adv.db.update.hgfedcba", ".adv.db.update.youngest"]
    os.close(held)
    sweep(database)
    assert names(database) == [".adv.db.update.youngest"]


def test_what_cannot_be_removed_stops_nobody(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(1, "no")

    (database.parent / ".adv.db.0123456789abcdef").touch()
    monkeypatch.setattr(leftovers, "_remove", refuse)
    sweep(database)
    sweep(database.parent / "absent" / "adv.db")

    assert names(database) == [".adv.db.0123456789abcdef"]
