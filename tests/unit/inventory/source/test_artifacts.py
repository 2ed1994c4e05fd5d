"""What is no image is refused with what it is, wherever it lies, and does not hide an image beside it."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from tests.support.images import Image, compressed, digest_of, file, layer, node_package
from tests.support.registry import Reply, fake_registry

from hullguard.inventory import read
from hullguard.inventory.source.platforms import own_platform
from hullguard.model.errors import Invalid
from hullguard.model.package import Unknown

OWN = own_platform().partition("/")[2]
IMAGE = Image([layer(node_package("a", "1.0.0"))], architecture=OWN, tags=("app:1",))
OF_AN_IMAGE = "application/vnd.oci.image.config.v1+json"
KINDS = {
    "chart": ("application/vnd.cncf.helm.config.v1+json", ["application/vnd.cncf.helm.chart.content.v1.tar+gzip"]),
    "empty": ("application/vnd.oci.empty.v1+json", []),
    "program": ("application/vnd.wasm.config.v0+json", ["application/wasm"]),
    "signature": (OF_AN_IMAGE, ["application/vnd.dev.cosign.simplesigning.v1+json"]),
    "attestation": (OF_AN_IMAGE, ["application/vnd.in-toto+json", "application/vnd.in-toto+json"]),
}
SAID = {
    "chart": "its configuration is application/vnd.cncf.helm.config.v1+json",
    "empty": "its configuration is application/vnd.oci.empty.v1+json",
    "program": "its configuration is application/vnd.wasm.config.v0+json",
    "signature": "its layers are application/vnd.dev.cosign.simplesigning.v1+json",
    "attestation": "its layers are application/vnd.in-toto+json",
}


def described(content: bytes, kind: str, **more: Any) -> dict[str, Any]:
    return {"mediaType": kind, "digest": digest_of(content), "size": len(content), **more}


def artifact(name: str, config: bytes = b"{}") -> dict[bytes, str]:
    """Its blobs with what they are; the manifest is the last."""
    of_config, of_layers = KINDS[name]
    layers = [(f'{{"number": {number}}}'.encode(), kind) for number, kind in enumerate(of_layers)]
    manifest = {"config": described(config, of_config), "layers": [described(*each) for each in layers]}
    return {config: of_config, **dict(layers), json.dumps({"schemaVersion": 2, **manifest}).encode(): "manifest"}


def layout(place: Path, *descriptors: dict[str, Any], blobs: dict[bytes, str]) -> Path:
    (place / "blobs" / "sha256").mkdir(parents=True, exist_ok=True)
    for blob in blobs:
        (place / "blobs" / "sha256" / digest_of(blob)[7:]).write_bytes(blob)
    (place / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    (place / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": descriptors}))
    return place


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("config", [b"{}", b"no document"])
@pytest.mark.parametrize("form", ["oci-dir", "oci-archive"])
def test_an_artifact_is_refused_with_what_it_is(tmp_path: Path, name: str, config: bytes, form: str) -> None:
    blobs = artifact(name, config)
    manifest = list(blobs)[-1]
    place = layout(tmp_path / "layout", described(manifest, "manifest"), blobs=blobs)
    if form == "oci-archive":
        members = (file(str(each.relative_to(place)), each.read_bytes()) for each in place.rglob("*") if each.is_file())
        (tmp_path / "a.tar").write_bytes(compressed(layer(*members), "none"))
        place = tmp_path / "a.tar"

    with pytest.raises(Invalid) as caught:
        read(str(place))

    assert str(caught.value) == f"{digest_of(manifest)} is no container image, {SAID[name]}"


@pytest.mark.parametrize("name", KINDS)
def test_the_image_beside_it_is_read(tmp_path: Path, name: str) -> None:
    own = json.loads((IMAGE.oci_dir(tmp_path) / "index.json").read_bytes())["manifests"]
    blobs = artifact(name)
    first = described(list(blobs)[-1], "manifest", annotations={"org.opencontainers.image.ref.name": "other"})
    layout(tmp_path, first, *own, blobs=blobs)

    found = read(str(tmp_path))

    assert [package.name for package in found.packages] == ["a"]
    assert found.complete
    with pytest.raises(Invalid, match="other is no container image, its"):
        read(f"oci-dir:{tmp_path}:other")


def test_what_the_index_offers_for_the_platform_is_told(tmp_path: Path) -> None:
    own = json.loads((IMAGE.oci_dir(tmp_path) / "index.json").read_bytes())["manifests"]
    blobs = artifact("signature")
    first = described(list(blobs)[-1], "manifest", platform={"os": "linux", "architecture": OWN})
    layout(tmp_path, first, *own, blobs=blobs)

    found = read(str(tmp_path))

    assert [package.name for package in found.packages] == ["a"]
    (said,) = (unknown for unknown in found.unknowns if unknown.incomplete)
    assert said.what == first["digest"]


@pytest.mark.parametrize("name", ["signature", "attestation"])
def test_a_registry_refuses_signatures_too(name: str) -> None:
    with fake_registry() as registry:
        registry.answers["/v2/app/manifests/1"] = Reply(list(artifact(name))[-1])

        with pytest.raises(Invalid, match=re.escape(f"app:1 is no container image, {SAID[name]}")):
            read(f"registry:{registry.host}/app:1")


def test_an_image_for_no_platform_is_said_to_be_one(tmp_path: Path) -> None:
    config = json.dumps({"rootfs": {"diff_ids": []}}).encode()
    manifest = json.dumps({"schemaVersion": 2, "config": described(config, OF_AN_IMAGE), "layers": []}).encode()
    place = layout(tmp_path, described(manifest, "manifest"), blobs={config: "", manifest: ""})

    why = "the OCI layout holds no image for this machine's platform that can be read; one for no platform was read"
    assert Unknown(own_platform(), why) in read(str(place)).unknowns
