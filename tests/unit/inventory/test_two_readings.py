"""Archives that two readers could take for two images: the engines' reading, or an error, and never silence."""

import json
from pathlib import Path
from typing import Any

import pytest
from tests.support.images import (
    Entry,
    Image,
    compressed,
    digest_of,
    directory,
    file,
    hardlink,
    layer,
    node_package,
    several_platforms,
    symlink,
)

from hullguard.inventory import read
from hullguard.inventory.source.platforms import own_platform
from hullguard.model.errors import Invalid
from hullguard.model.inventory import Inventory

GOOD, EVIL = Image([layer(node_package("good", "1"))]), Image([layer(node_package("evil", "1"))])
HERE = own_platform().partition("/")[2]


def names(inventory: Inventory) -> list[str]:
    return sorted(package.name for package in inventory.packages)


def doubts(inventory: Inventory) -> list[str]:
    """What nobody could decide, apart from the distribution, which these images do not name."""
    return [unknown.what for unknown in inventory.unknowns if unknown.what != "operating system"]


def parts(image: Image, kind: str) -> list[Entry]:
    """The members of an archive, their names beginning with the kind, without its manifest."""
    return [file(f"{kind}.json", image.config), file(f"{kind}.tar", image.layers[0])]


def manifest(kind: str) -> bytes:
    return json.dumps([{"Config": f"{kind}.json", "Layers": [f"{kind}.tar"]}]).encode()


ODD, NONE = Image([layer(file("[", b""), node_package("evil", "1"))]), Image([b""])
# Of what it links to it is another name, and so a symbolic link that starts from another place.
EVIL_LINK = hardlink("manifest.json", "d/m")
BOTH = [*parts(GOOD, "good"), *parts(EVIL, "evil"), file("m.json", manifest("good"))]


@pytest.mark.parametrize("whole", ["none", "gzip"])
@pytest.mark.parametrize(
    ("members", "found"),
    [
        ([symlink("manifest.json", "m.json"), file("manifest.json", manifest("evil"))], "evil"),
        ([file("manifest.json", manifest("evil")), symlink("manifest.json", "m.json")], "good"),
        ([hardlink("manifest.json", "m.json"), file("m.json", manifest("evil"))], "good"),
        ([hardlink("manifest.json", "m.json"), file("manifest.json", manifest("evil"))], "evil"),
        (
            [symlink("good.tar", "evil.tar"), file("good.tar", GOOD.layers[0]), hardlink("manifest.json", "m.json")],
            "good",
        ),
        ([directory("d"), symlink("d/m", "m.json"), file("d/m.json", manifest("evil")), EVIL_LINK], "good"),
        ([symlink("d", "./" * 1200), file("d/manifest.json", manifest("evil"))], "evil"),
        ([file("manifest.json", b" \n" + manifest("evil"))], "evil"),
        ([*parts(ODD, "odd"), file("manifest.json", manifest("odd"))], "evil"),
        ([*parts(NONE, "none"), file("manifest.json", manifest("none"))], ""),
    ],
)
def test_a_member_takes_the_place_of_what_had_its_name(
    tmp_path: Path, members: list[Entry], found: str, whole: str
) -> None:
    path = tmp_path / "image.tar"
    path.write_bytes(compressed(layer(*BOTH, *members), whole))

    assert names(read(f"docker-archive:{path}")) == found.split()


@pytest.mark.parametrize(
    "twice",
    [
        '{"Config": "good.json", "Layers": ["good.tar"], "config": "evil.json"}',
        '{"Config": "good.json", "Layers": ["good.tar"], "layers": ["evil.tar"]}',
        '{"Config": "good.json", "Layers": ["good.tar"], "layer\u017f": ["evil.tar"]}',
    ],
)
def test_a_docker_manifest_with_a_field_in_two_spellings_is_refused(tmp_path: Path, twice: str) -> None:
    path = tmp_path / "image.tar"
    path.write_bytes(layer(*BOTH, file("manifest.json", f"[{twice}]")))

    with pytest.raises(Invalid, match="has two values"):
        read(f"docker-archive:{path}")


@pytest.mark.parametrize("config", ["config", "CONFIG", "con\u0046ig"])
def test_the_case_of_keys_does_not_matter(tmp_path: Path, config: str) -> None:
    path = tmp_path / "image.tar"
    described = GOOD.config.decode().replace("rootfs", "RootFS").replace("diff_ids", "DIFF_IDS")
    members = [file("good.json", described), file("good.tar", GOOD.layers[0])]
    path.write_bytes(
        layer(*members, file("manifest.json", f'[{{"{config}": "good.json", "LAYERS": ["good.tar"], "x": 1, "X": 2}}]'))
    )

    assert names(read(f"docker-archive:{path}")) == ["good"]


def test_a_configuration_with_a_field_in_two_spellings_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "image.tar"
    described = GOOD.config.decode().replace('"rootfs"', '"RootFS": {"diff_ids": []}, "rootfs"')
    members = [file("good.json", described), file("good.tar", GOOD.layers[0])]
    path.write_bytes(layer(*members, file("manifest.json", manifest("good"))))

    with pytest.raises(Invalid, match="the key 'RootFS', also written 'rootfs', has two values"):
        read(f"docker-archive:{path}")


def layout(path: Path, change: dict[str, Any]) -> Path:
    """An OCI layout whose index is changed."""
    GOOD.oci_dir(path)
    index = json.loads((path / "index.json").read_bytes())
    (path / "index.json").write_text(json.dumps({**index, **change}))
    return path


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"Manifests": []}, "also written 'Manifests', has two values"),
        ({"config": {"digest": digest_of(b"")}}, "is an index and a manifest at once"),
        ({"layers": [{"digest": digest_of(b"")}]}, "is an index and a manifest at once"),
        ({"manifests": [{"digest": digest_of(b"")}] * 10_001}, "names more than 10000 images"),
    ],
)
def test_an_index_that_can_be_read_in_two_ways_is_refused(tmp_path: Path, change: dict[str, Any], why: str) -> None:
    with pytest.raises(Invalid, match=why):
        read(f"oci-dir:{layout(tmp_path, change)}")


def test_what_claims_to_be_an_attestation_and_has_a_platform_is_an_image(tmp_path: Path) -> None:
    here = Image([layer(node_package("here", "1"))], architecture=HERE)
    other = Image([layer(node_package("other", "1"))], architecture="s390x")
    several_platforms([other, here], tmp_path)
    nested = json.loads((tmp_path / "index.json").read_bytes())["manifests"][0]["digest"].partition(":")[2]
    inner = json.loads((tmp_path / "blobs/sha256" / nested).read_bytes())
    inner["manifests"][1]["annotations"] = {"vnd.docker.reference.type": "attestation-manifest"}
    (tmp_path / "index.json").write_text(json.dumps(inner))

    assert names(read(f"oci-dir:{tmp_path}")) == ["here"]


def _layout_of(path: Path, descriptors: list[dict[str, Any]]) -> Inventory:
    (path / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": descriptors}))
    return read(f"oci-dir:{path}")


def _descriptor_of(image: Image, path: Path, **changes: object) -> dict[str, Any]:
    (descriptor,) = json.loads((image.oci_dir(path) / "index.json").read_bytes())["manifests"]
    return {**descriptor, **changes}


def test_an_image_behind_hundreds_of_others_is_read(tmp_path: Path) -> None:
    other = _descriptor_of(Image([layer(node_package("other", "1"))], architecture="s390x"), tmp_path)
    here = _descriptor_of(Image([layer(node_package("here", "1"))], architecture=HERE), tmp_path)

    assert names(_layout_of(tmp_path, [*([other] * 1000), here])) == ["here"]


def test_an_image_under_two_names_is_one(tmp_path: Path) -> None:
    here = _descriptor_of(Image([layer(node_package("here", "1"))], architecture=HERE), tmp_path)

    assert doubts(_layout_of(tmp_path, [here, {**here, "annotations": {}}])) == []


def test_what_calls_itself_an_attestation_and_names_no_platform_is_what_its_configuration_says(tmp_path: Path) -> None:
    attests: dict[str, object] = {
        "annotations": {"vnd.docker.reference.type": "attestation-manifest"},
        "platform": None,
    }
    here = _descriptor_of(Image([layer(node_package("here", "1"))], architecture=HERE), tmp_path, **attests)
    other = _descriptor_of(Image([layer(node_package("other", "1"))], architecture="s390x"), tmp_path)

    assert names(_layout_of(tmp_path, [other, here])) == ["here"]
    assert names(_layout_of(tmp_path, [{**here, "platform": {"os": "unknown", "architecture": "unknown"}}, other])) == [
        "other"
    ]


def test_that_another_platform_was_read_is_said(tmp_path: Path) -> None:
    other = Image([layer(node_package("other", "1"))], architecture="s390x")

    said = {unknown.what: unknown.why for unknown in read(f"oci-dir:{other.oci_dir(tmp_path)}").unknowns}

    assert said[own_platform()].endswith("linux/s390x was read")


@pytest.mark.parametrize(("beside", "told"), [(GOOD, False), (EVIL, True)])
@pytest.mark.parametrize("whole", ["none", "gzip"])
def test_a_docker_archive_that_is_a_layout_of_another_image_says_so(
    tmp_path: Path, beside: Image, whole: str, *, told: bool
) -> None:
    members = [file(name, data) for name, data in beside.oci_members().items()]
    path = tmp_path / "image.tar"
    path.write_bytes(compressed(layer(*parts(GOOD, "good"), *members, file("manifest.json", manifest("good"))), whole))

    found, layout = read(str(path)), read(f"oci-archive:{path}")

    assert (names(found), names(layout)) == (["good"], names(read(f"oci-dir:{beside.oci_dir(tmp_path / 'oci')}")))
    assert ("another image" in doubts(found)) is told
    assert ("another image" in doubts(layout)) is told
    assert (found.complete, layout.complete) == (not told, not told)


def test_a_layout_of_several_platforms_beside_a_docker_archive_of_one_is_no_other_image(tmp_path: Path) -> None:
    here = Image([layer(node_package("here", "1"))], architecture=HERE)
    several_platforms([Image([layer(node_package("other", "1"))], architecture="s390x"), here], tmp_path / "oci")
    members = [
        file(str(path.relative_to(tmp_path / "oci")), path.read_bytes())
        for path in sorted((tmp_path / "oci").rglob("*"))
        if path.is_file()
    ]
    path = tmp_path / "image.tar"
    path.write_bytes(layer(*parts(here, "here"), *members, file("manifest.json", manifest("here"))))

    for kind in ("docker-archive", "oci-archive"):
        found = read(f"{kind}:{path}")

        assert (names(found), doubts(found), found.complete) == (["here"], [], True)


@pytest.mark.parametrize("whole", ["none", "gzip"])
@pytest.mark.parametrize(
    "twice",
    [
        [file("manifest.json", manifest("good")), file("manifest.json", manifest("evil"))],
        [symlink("manifest.json", "m.json"), file("manifest.json", manifest("evil"))],
        [file("manifest.json", manifest("good")), symlink("b", "."), file("b/manifest.json", manifest("evil"))],
        [
            file("manifest.json", manifest("good")),
            directory("a"),
            symlink("a/b", "/"),
            file("a/b/manifest.json", manifest("evil")),
        ],
    ],
    ids=["twice", "link first", "through a link", "through a link to the root"],
)
def test_a_document_that_engines_take_from_two_places_is_told(tmp_path: Path, twice: list[Entry], whole: str) -> None:
    path = tmp_path / "image.tar"
    path.write_bytes(compressed(layer(*BOTH, *twice), whole))

    found = read(f"docker-archive:{path}")

    assert (names(found), found.complete) == (["evil"], False)
    assert doubts(found) == ["another image"]


@pytest.mark.parametrize("whole", ["none", "gzip"])
def test_the_same_document_twice_is_one(tmp_path: Path, whole: str) -> None:
    path = tmp_path / "image.tar"
    path.write_bytes(compressed(layer(*BOTH, *[file("manifest.json", manifest("good"))] * 3), whole))

    found = read(f"docker-archive:{path}")

    assert (names(found), doubts(found), found.complete) == (["good"], [], True)


@pytest.mark.parametrize("whole", ["none", "gzip"])
def test_what_stands_behind_a_limit_may_be_another_image(tmp_path: Path, whole: str) -> None:
    path = tmp_path / "image.tar"
    members = [
        *BOTH,
        file("manifest.json", manifest("good")),
        file("x" * 5000),
        file("manifest.json", manifest("evil")),
    ]
    path.write_bytes(compressed(layer(*members), whole))

    found = read(f"docker-archive:{path}")

    assert not found.complete
    assert "the rest of the image" in doubts(found)


@pytest.mark.parametrize("whole", ["none", "gzip"])
@pytest.mark.parametrize("target", ["x/../" * 700, "d"], ids=["maze", "loop"])
def test_members_behind_links_that_nobody_follows_are_refused(tmp_path: Path, target: str, whole: str) -> None:
    path = tmp_path / "image.tar"
    members = [*BOTH, file("manifest.json", manifest("good")), directory("x"), symlink("d", target)]
    path.write_bytes(compressed(layer(*members, file("d/manifest.json", manifest("evil"))), whole))

    with pytest.raises(Invalid, match="behind links that lead nowhere"):
        read(f"docker-archive:{path}")


@pytest.mark.parametrize("kind", ["docker-archive:", ""])
def test_a_tar_that_is_a_compressed_stream_as_well_is_refused(tmp_path: Path, kind: str) -> None:
    inner = layer(file("*M", b""), *BOTH, file("manifest.json", manifest("good")))
    whole = bytearray(inner)
    whole[:8] = b"\x50\x2a\x4d\x18" + (len(inner) - 8).to_bytes(4, "little")  # a frame to skip, and a name
    whole[148:156] = b"%06o\0 " % (sum(whole[:148]) + sum(whole[156:512]) + 8 * 32)
    path = tmp_path / "image.tar"
    path.write_bytes(bytes(whole) + compressed(inner, "zstd"))

    with pytest.raises(Invalid, match="a tar archive and a zstd stream at once"):
        read(f"{kind}{path}")


@pytest.mark.parametrize("platform", [None, own_platform()])
def test_a_platform_that_the_index_names_goes_before_one_of_a_configuration(
    tmp_path: Path, platform: str | None
) -> None:
    silent = _descriptor_of(Image(GOOD.layers, architecture=HERE), tmp_path, platform=None)
    named = _descriptor_of(
        Image(EVIL.layers, architecture=HERE), tmp_path, platform={"os": "linux", "architecture": HERE}
    )
    _layout_of(tmp_path, [silent, named])

    found = read(f"oci-dir:{tmp_path}", platform=platform)

    assert names(found) == ["evil"]
    assert "test/image:1" in doubts(found)


def test_a_manifest_with_an_empty_list_of_images_is_ambiguous(tmp_path: Path) -> None:
    descriptor = _descriptor_of(GOOD, tmp_path)
    place = tmp_path / "blobs" / "sha256" / descriptor["digest"].partition(":")[2]
    both = json.dumps({**json.loads(place.read_bytes()), "manifests": []}).encode()
    (place.parent / digest_of(both).partition(":")[2]).write_bytes(both)

    with pytest.raises(Invalid, match="index and a manifest at once"):
        _layout_of(tmp_path, [{**descriptor, "digest": digest_of(both), "size": len(both)}])
