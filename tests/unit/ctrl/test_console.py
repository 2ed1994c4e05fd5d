from pathlib import Path

import pytest

from hullguard.ctrl import console


def test_no_folder_is_no_files(tmp_path: Path):
    assert console.load(tmp_path / "missing") == {}
    assert console.load(tmp_path) == {}


def test_files_are_known_by_their_path_and_types_by_their_name(tmp_path: Path):
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_bytes(b"<!doctype html>")
    (tmp_path / "assets" / "x.woff2").write_bytes(b"font")
    (tmp_path / "data.json").write_bytes(b"{}")
    (tmp_path / "strange.qqq").write_bytes(b"?")
    files = console.load(tmp_path)

    assert {name: file.media_type for name, file in files.items()} == {
        "index.html": "text/html",
        "assets/x.woff2": "font/woff2",
        "data.json": "application/json; charset=utf-8",
        "strange.qqq": "application/octet-stream",
    }
    assert "immutable" in files["assets/x.woff2"].cache_control
    assert files["index.html"].cache_control == "no-cache"
    assert len({file.etag for file in files.values()}) == 4


def test_links_out_of_the_folder_are_not_followed(tmp_path: Path):
    (tmp_path / "static").mkdir()
    (tmp_path / "secret").write_text("x")
    (tmp_path / "static" / "link").symlink_to(tmp_path / "secret")

    assert console.load(tmp_path / "static") == {}


def test_a_folder_that_is_no_console_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(console, "_MAX_BYTES", 10)
    (tmp_path / "big").write_bytes(b"x" * 11)
    with pytest.raises(ValueError, match="does not look like a built console"):
        console.load(tmp_path)
