import json
from pathlib import Path

import pytest

from hullguard.agent.sensor import storage_list
from hullguard.agent.sensor.storage_list import Stored, stored
from hullguard.model.event import ImageRef

ID, IMAGE = "ab" * 32, "cd" * 32
ENTRY = {
    "id": ID,
    "names": ["web"],
    "image": IMAGE,
    "layer": "x",
    "metadata": json.dumps({"image-name": "docker.io/library/nginx:1", "image-id": IMAGE, "name": "web"}),
}
FOUND = Stored("web", ImageRef(f"sha256:{IMAGE}", "docker.io/library/nginx:1"))


def bundle(root: Path) -> Path:
    return root / "overlay-containers" / ID / "userdata"


def write(root: Path, text: str) -> None:
    (root / "overlay-containers").mkdir(parents=True, exist_ok=True)
    (root / "overlay-containers" / "containers.json").write_text(text)


def test_podman_keeps_the_list_beside_the_bundle(tmp_path: Path):
    write(tmp_path, json.dumps([{"id": "other"}, ENTRY]))

    assert stored(bundle(tmp_path), ID) == FOUND


def test_cri_o_keeps_the_list_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(storage_list, "GRAPH_ROOT", tmp_path / "graph")
    write(tmp_path / "graph", json.dumps([ENTRY]))

    assert stored(bundle(tmp_path / "run"), ID) == FOUND


def test_what_names_no_metadata_has_its_image_still(tmp_path: Path):
    write(tmp_path, json.dumps([{**ENTRY, "names": None, "metadata": ""}]))

    assert stored(bundle(tmp_path), ID) == Stored("", ImageRef(f"sha256:{IMAGE}"))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[7]",
        "[" * 10_000,
        json.dumps([{**ENTRY, "metadata": "["}]),
        json.dumps([{**ENTRY, "image": ""}]),
        "[]",
    ],
)
def test_what_cannot_be_read_says_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str):
    monkeypatch.setattr(storage_list, "GRAPH_ROOT", tmp_path / "none")
    write(tmp_path, text)

    assert stored(bundle(tmp_path), ID) is None
