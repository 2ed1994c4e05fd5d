"""Of several images for a platform the one is read that an engine would run; and what descriptors have with them."""

import base64
import json
import re
from pathlib import Path
from typing import Any

import pytest
from tests.support.images import (
    DEBIAN_12,
    Image,
    digest_of,
    dpkg_entry,
    dpkg_status,
    file,
    layer,
    node_package,
    several_platforms,
)

from hullguard.inventory import read
from hullguard.inventory.source.platforms import fits, preference
from hullguard.model.errors import HullguardError, Invalid
from hullguard.model.image import Platform
from hullguard.model.inventory import Inventory

BASE = layer(file("etc/os-release", DEBIAN_12), dpkg_status(dpkg_entry("bash", "5.2")))


def image(architecture: str, variant: str | None, tags: tuple[str, ...] = ()) -> Image:
    name = f"{architecture}{variant or ''}"
    return Image([BASE, layer(node_package(name, "1.0.0"))], tags=tags, architecture=architecture, variant=variant)


def names(inventory: Inventory) -> list[str]:
    return [package.name for package in inventory.packages if package.name != "bash"]


@pytest.mark.parametrize(
    ("wanted", "architecture", "best_first"),
    [
        ("linux/arm", "arm", ["v7", "v6", "v5", "v8"]),
        ("linux/arm", "arm", ["", "v6"]),
        ("linux/armhf", "arm", ["v7", "v6"]),
        ("linux/armel", "arm", ["v6", "v5", "v7"]),
        ("linux/amd64", "amd64", ["", "v2", "v3", "v4"]),
        ("linux/x86_64", "amd64", ["v1", "v2"]),
        ("linux/arm64", "arm64", ["v8", "v8.1", "v9"]),
        ("linux/arm64", "arm64", ["", "v9", "odd"]),
        ("linux/ppc64le", "ppc64le", ["", "power9"]),
    ],
)
def test_the_order_of_variants(wanted: str, architecture: str, best_first: list[str]) -> None:
    offered = [Platform("linux", architecture, variant or None) for variant in best_first]

    worst_first = offered[::-1]
    assert sorted(worst_first, key=lambda each: preference(each, wanted)) == offered


@pytest.mark.parametrize(
    ("offered", "wanted", "fitting"),
    [
        (Platform("linux", "arm64", "v8"), "linux/arm64", True),
        (Platform("linux", "arm64"), "linux/arm64/v8", True),
        (Platform("linux", "amd64"), "linux/amd64/v1", True),
        (Platform("linux", "arm"), "linux/arm/v7", True),
        (Platform("linux", "arm", "7"), "linux/arm/v7", True),
        (Platform("linux", "arm"), "linux/arm/v6", False),
        (Platform("linux", "amd64", "v3"), "linux/amd64/v1", False),
    ],
)
def test_a_variant_that_is_meant_by_none(offered: Platform, wanted: str, fitting: bool) -> None:
    assert fits(offered, wanted) is fitting


@pytest.mark.parametrize(("wanted", "read_one"), [("linux/arm", "armv7"), ("linux/arm/v6", "armv6")])
def test_of_the_variants_in_an_index_the_best_is_read_and_the_others_are_no_doubt(
    tmp_path: Path, wanted: str, read_one: str
) -> None:
    # Story: the images have no names, and "name it behind a colon" left with exit 4.
    path = several_platforms([image("arm", variant) for variant in ("v5", "v6", "v7")], tmp_path)

    found = read(f"oci-dir:{path}", platform=wanted)

    assert (names(found), found.complete, found.unknowns) == ([read_one], True, ())


def test_another_name_is_another_image_whatever_its_variant(tmp_path: Path) -> None:
    path = several_platforms([image("arm", "v5", ("old:1",)), image("arm", "v7", ("new:1",))], tmp_path)

    found = read(f"oci-dir:{path}", platform="linux/arm")

    assert (names(found), found.complete) == (["armv7"], False)
    assert [each.what for each in found.unknowns] == ["old:1"]


def test_two_of_one_variant_are_told(tmp_path: Path) -> None:
    again = Image([BASE, layer(node_package("again", "1.0.0"))], tags=(), architecture="arm", variant="v7")
    path = several_platforms([image("arm", "v7"), again, image("arm", "v6")], tmp_path)

    found = read(f"oci-dir:{path}", platform="linux/arm")

    assert (names(found), found.complete) == (["armv7"], False)
    assert len(found.unknowns) == 1


class TestInlined:
    """A descriptor may have with it what it describes (image-spec, "Descriptors")."""

    @staticmethod
    def inlined(path: Path, data: str | None = None) -> Path:
        Image([BASE, layer(node_package("one", "1.0.0"))]).oci_dir(path)
        index: dict[str, Any] = json.loads((path / "index.json").read_bytes())
        (described,) = index["manifests"]
        blob = path / "blobs/sha256" / described["digest"].removeprefix("sha256:")
        described["data"] = base64.b64encode(blob.read_bytes()).decode() if data is None else data
        blob.unlink()
        (path / "index.json").write_text(json.dumps(index))
        return path

    def test_it_is_read(self, tmp_path: Path) -> None:
        assert names(read(f"oci-dir:{self.inlined(tmp_path)}")) == ["one"]

    def test_a_configuration_in_its_manifest(self, tmp_path: Path) -> None:
        made = Image([BASE, layer(node_package("one", "1.0.0"))])
        made.oci_dir(tmp_path)
        index: dict[str, Any] = json.loads((tmp_path / "index.json").read_bytes())
        manifest: dict[str, Any] = json.loads(
            (tmp_path / "blobs/sha256" / index["manifests"][0]["digest"].removeprefix("sha256:")).read_bytes()
        )
        (tmp_path / "blobs/sha256" / manifest["config"]["digest"].removeprefix("sha256:")).unlink()
        manifest["config"]["data"] = base64.b64encode(made.config).decode()
        content = json.dumps(manifest).encode()
        (tmp_path / "blobs/sha256" / digest_of(content).removeprefix("sha256:")).write_bytes(content)
        index["manifests"][0]["digest"] = digest_of(content)
        (tmp_path / "index.json").write_text(json.dumps(index))

        assert names(read(f"oci-dir:{tmp_path}")) == ["one"]

    @pytest.mark.parametrize(
        ("data", "why"), [("eyJhIjoxfQ==", "digest"), ("no base64!", "is not in base64, and there is no such document")]
    )
    def test_what_it_cannot_be_is_refused(self, tmp_path: Path, data: str, why: str) -> None:
        with pytest.raises(HullguardError, match=re.escape(why)) as refused:
            read(f"oci-dir:{self.inlined(tmp_path, data)}")
        assert isinstance(refused.value, Invalid)
