"""One damaged file in an archive of thousands costs that file only."""

import json
import zipfile
from pathlib import Path

import pytest
from tests.support.advisories import affected, record

from hullguard.advisories.importer import import_files
from hullguard.model.errors import Invalid


def archive(path: Path, *names: str) -> bytes:
    with zipfile.ZipFile(path, "w") as made:
        for number, name in enumerate(names):
            made.writestr(name, json.dumps(record(f"GHSA-{number}", affected("npm", "one", {"introduced": "0"}))))
    return path.read_bytes()


def test_the_others_are_imported_and_it_is_named(tmp_path: Path) -> None:
    path = tmp_path / "all.zip"
    content = archive(path, "a.json", "b.json", "c.json")
    path.write_bytes(content.replace(b"GHSA-1", b"GHSA-9"))  # its checksum does not fit any more

    account = import_files([path], tmp_path / "advisories.db")

    assert account.imported == 2
    assert [refusal.where for refusal in account.refusals] == ["all.zip, b.json"]


def test_a_name_that_is_no_text_is_damage_and_not_a_fault(tmp_path: Path) -> None:
    path = tmp_path / "all.zip"
    content = archive(path, "é.json")
    path.write_bytes(content.replace("é".encode(), b"\xff\xfe"))

    with pytest.raises(Invalid, match="damaged or cut off"):
        import_files([path], tmp_path / "advisories.db")


@pytest.mark.parametrize("how", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_what_cannot_be_unpacked_is_named_however_it_was_packed(tmp_path: Path, how: int) -> None:
    path = tmp_path / "all.zip"
    with zipfile.ZipFile(path, "w", how) as made:
        for name in ("a.json", "b.json"):
            made.writestr(name, json.dumps(record(f"GHSA-{name}", affected("npm", "one", {"introduced": "0"}))))
        start = made.infolist()[0].header_offset + 30 + len("a.json")
    content = bytearray(path.read_bytes())
    content[start : start + 40] = b"\xff" * 40
    path.write_bytes(content)

    account = import_files([path], tmp_path / "advisories.db")

    assert account.imported == 1
    assert [refusal.where for refusal in account.refusals] == ["all.zip, a.json"]
