"""Documents are read as Go reads them, and what it reads in two ways is refused."""

import json
from pathlib import Path
from typing import Any

import pytest
from tests.support.images import DEBIAN_12, Image, digest_of, dpkg_entry, dpkg_status, file, layer

from hullguard.inventory import read
from hullguard.inventory.source.documents import DockerImage, ImageConfig, OciDocument
from hullguard.inventory.source.engine_json import decode
from hullguard.model.errors import Invalid

DIGEST = "sha256:" + "a" * 64
OTHER = "sha256:" + "b" * 64
OPENSSL = layer(file("etc/os-release", DEBIAN_12), dpkg_status(dpkg_entry("openssl", "3.0")))


@pytest.mark.parametrize(
    ("content", "kind", "expected"),
    [
        ('{"config": "c", "LAYERS": ["l"]}', DockerImage, DockerImage("c", ["l"])),
        ('{"config": "c", "layer\u017f": ["l"]}', DockerImage, DockerImage("c", ["l"])),
        ('{"Config": "c", "Config": "c", "config": "c"}', DockerImage, DockerImage("c")),
        ('{"Config": "c", "Layers": null, "Other": {"Config": 5}}', DockerImage, DockerImage("c")),
        ('{"MEDIATYPE": null, "Manifests": null}', OciDocument, OciDocument()),
        ('{"Config": "\\ud83d\\ude00\\\\ud83d"}', DockerImage, DockerImage("\U0001f600\\ud83d")),
        ('{"Config": "a\\ud83d\\u0062"}', DockerImage, DockerImage("a\ufffdb")),
    ],
    ids=["case", "long s", "three times the same", "null", "null for a text", "two halves", "half a character"],
)
def test_what_go_reads_is_read(content: str, kind: type[Any], expected: object) -> None:
    assert decode(content.encode(), kind, "it") == expected


def test_bytes_that_are_no_text_stand_for_one_character() -> None:
    assert decode(b'{"Config": "a\xff"}', DockerImage, "it").config == "a\ufffd"


def test_keys_fold_in_objects_at_any_depth_but_not_in_maps() -> None:
    document = {"Manifests": [{"DIGEST": DIGEST, "Annotations": {"a": "1", "A": "2"}, "platform": {"OS": "linux"}}]}

    (descriptor,) = decode(json.dumps(document).encode(), OciDocument, "it").manifests or []

    assert (descriptor.digest, descriptor.annotations) == (DIGEST, {"a": "1", "A": "2"})
    assert descriptor.platform is not None
    assert descriptor.platform.os == "linux"


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        ('{"Config": "c", "config": "d"}', DockerImage),
        ('{"Config": "c", "Config": "d"}', DockerImage),
        ('{"Config": "c", "Layers": ["l"], "layer\u017f": ["m"]}', DockerImage),
        ('{"Config": "c", "Layers": ["l"], "Layers": null}', DockerImage),
        (f'{{"rootfs": {{"diff_ids": ["{DIGEST}"], "DIFF_IDS": ["{OTHER}"]}}}}', ImageConfig),
        (f'{{"rootfs": {{"diff_ids": ["{DIGEST}"]}}, "rootfs": {{}}}}', ImageConfig),
        ('{"config": {"Labels": {"a": "1", "a": "2"}}}', ImageConfig),
    ],
    ids=["case", "twice", "long s", "null", "inside", "an object", "a map"],
)
def test_two_values_of_one_key_are_refused(content: str, kind: type[Any]) -> None:
    with pytest.raises(Invalid, match="is ambiguous: the key") as refused:
        decode(content.encode(), kind, "it")

    assert refused.value.code == "image.ambiguous"


@pytest.mark.parametrize(
    "content",
    ["", "\ufeff{}", '{"Config": 1}', '{"Layers": []}', '{"Config": NaN}', "[" * 100_000, "1" * 5000, "{} {}"],
)
def test_what_go_does_not_read_is_refused(content: str) -> None:
    with pytest.raises(Invalid, match="it is not what it should be"):
        decode(content.encode(), DockerImage, "it")


def test_what_is_nested_too_deeply_is_said_to_be() -> None:
    deep = b'{"config": {"Labels": ' + b"[" * 100_000 + b"]" * 100_000 + b"}}"
    with pytest.raises(Invalid, match=r"^the configuration is not what it should be: it is nested too deeply$"):
        decode(deep, ImageConfig, "the configuration")


@pytest.mark.parametrize("entries", ["{}", "[]", '{"a":[]}'])
def test_a_document_of_more_entries_than_memory_should_hold_is_refused(entries: str) -> None:
    with pytest.raises(Invalid, match="lists and objects"):
        decode(f'{{"history":[{",".join([entries] * 300_000)}]}}'.encode(), ImageConfig, "it")


def _config(**changes: object) -> bytes:
    return json.dumps({"Architecture": "amd64", "OS": "linux", **changes}).encode()


def test_an_archive_whose_keys_are_all_in_small_letters_is_read(tmp_path: Path) -> None:
    extra = {
        "manifest.json": b'[{"config": "config.json", "repotags": ["a:1"], "layers": ["0/layer.tar"]}]',
        "config.json": _config(RootFS={"DIFF_IDS": [digest_of(OPENSSL)]}),
    }
    archive = Image([OPENSSL], extra=extra).docker_archive(tmp_path / "image.tar")

    found = read(f"docker-archive:{archive}")

    assert [package.name for package in found.packages] == ["openssl"]
    assert found.target.tags == ("a:1",)


def test_a_layout_with_two_lists_of_images_is_refused(tmp_path: Path) -> None:
    root = Image([OPENSSL]).oci_dir(tmp_path / "oci")
    index = json.loads((root / "index.json").read_bytes())
    (root / "index.json").write_text(json.dumps({**index, "Manifests": []}))

    with pytest.raises(Invalid, match="an OCI index is ambiguous: the key 'manifests', also written 'Manifests', has"):
        read(f"oci-dir:{root}")


def test_two_ways_of_running_a_container_are_told() -> None:
    config = decode(b'{"config": {"User": "app", "user": "root"}}', ImageConfig, "it")

    container, odd = config.container

    assert container.user == "root"
    assert odd == ("user: it has several values, of which the last was judged",)
