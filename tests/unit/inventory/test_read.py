"""The door: one image in every form gives one inventory; what is no image gives one clear error."""

import json
import os
from pathlib import Path

import pytest
import zstandard
from tests.support.images import (
    DEBIAN_12,
    Entry,
    Image,
    compressed,
    digest_of,
    directory,
    dpkg_entry,
    dpkg_status,
    file,
    layer,
    node_package,
    python_package,
    several_platforms,
    symlink,
    whiteout,
)

from hullguard.inventory import LayerCache, Limits, read
from hullguard.inventory.limits import MIB
from hullguard.model.errors import HullguardError, Invalid, NotFound
from hullguard.model.inventory import Inventory

BASE = layer(
    directory("etc"),
    file("etc/os-release", DEBIAN_12),
    dpkg_status(dpkg_entry("libc6", "2.36-9+deb12u1", source="glibc"), dpkg_entry("bash", "5.2.15-2")),
    file("bin/bash", bytes(200_000)),
)
APPLICATION = layer(python_package("django", "3.2"), node_package("lodash", "4.17.4"), node_package("gone", "1.0.0"))
TOP = layer(whiteout("srv/app/node_modules/gone"))
HISTORY = [
    {"created_by": "/bin/sh -c #(nop) ADD file:abc in / "},
    {"created_by": '/bin/sh -c #(nop)  CMD ["bash"]', "empty_layer": True},
    {"created_by": "RUN pip install django # buildkit"},
    {"created_by": "RUN rm -r gone # buildkit"},
    {"created_by": 'CMD ["app"]', "empty_layer": True},
]
IMAGE = Image([BASE, APPLICATION, TOP], history=HISTORY)
NAMES = ["bash", "django", "libc6", "lodash"]


def names(inventory: Inventory) -> list[str]:
    return sorted(package.name for package in inventory.packages)


def with_compression(how: str) -> Image:
    return Image(IMAGE.layers, history=HISTORY, compression=how)


@pytest.mark.parametrize("how", ["none", "gzip", "zstd"])
@pytest.mark.parametrize(
    "form",
    [
        "docker-archive",
        "docker-archive gzip",
        "docker-archive zstd",
        "oci-archive",
        "oci-archive gzip",
        "oci-dir",
        "docker-dir",
    ],
)
def test_every_form_of_an_image_gives_the_same(tmp_path: Path, form: str, how: str) -> None:
    kind, _, whole = form.partition(" ")
    image = with_compression(how)
    if kind.endswith("-dir"):
        path = (image.oci_dir if kind == "oci-dir" else image.docker_dir)(tmp_path / "image")
    else:
        write = image.docker_archive if kind == "docker-archive" else image.oci_archive
        path = write(tmp_path / "image", whole or "none")
    plain = read(f"docker-archive:{IMAGE.docker_archive(tmp_path / 'plain.tar')}")

    found = read(f"{kind}:{path}")
    recognised = read(str(path))

    assert found.packages == plain.packages
    assert found.complete
    assert found.unknowns == ()
    assert found.target.image_id == IMAGE.image_id
    assert [fact.diff_id for fact in found.layers] == [digest_of(content) for content in IMAGE.layers]
    assert (recognised.packages, recognised.target.kind) == (found.packages, kind)


def test_a_tree_has_the_same_packages_without_layers(tmp_path: Path) -> None:
    image = read(f"docker-archive:{IMAGE.docker_archive(tmp_path / 'image.tar')}")
    tree = tmp_path / "tree"
    for name, content in (
        ("etc/os-release", DEBIAN_12),
        (
            "var/lib/dpkg/status",
            dpkg_status(dpkg_entry("libc6", "2.36-9+deb12u1", source="glibc"), dpkg_entry("bash", "5.2.15-2")).content,
        ),
        (python_package("django", "3.2").name, python_package("django", "3.2").content),
        (node_package("lodash", "4.17.4").name, node_package("lodash", "4.17.4").content),
    ):
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_bytes(content)

    found = read(f"dir:{tree}")

    assert [package.purl for package in found.packages] == [package.purl for package in image.packages]
    assert {package.layer for package in found.packages} == {None}
    assert found.layers == ()
    assert read(str(tree)).target.kind == "dir"


def test_the_target_says_what_was_read(tmp_path: Path) -> None:
    found = read(f"oci-dir:{IMAGE.oci_dir(tmp_path)}").target

    assert (found.kind, found.platform, found.tags) == ("oci-dir", "linux/amd64", ("test/image:1",))
    assert found.digest is not None
    assert found.digest.startswith("sha256:")


def test_layers_say_which_instruction_made_them_and_which_are_the_base(tmp_path: Path) -> None:
    found = read(str(IMAGE.docker_archive(tmp_path / "image.tar"))).layers

    assert [(fact.created_by, fact.base) for fact in found] == [
        ("/bin/sh -c #(nop) ADD file:abc in / ", True),
        ("RUN pip install django # buildkit", False),
        ("RUN rm -r gone # buildkit", False),
    ]
    assert [fact.size for fact in found] == [len(content) for content in IMAGE.layers]


def test_a_history_that_does_not_fit_names_no_instruction(tmp_path: Path) -> None:
    image = Image(IMAGE.layers, history=HISTORY[:2])

    assert {fact.created_by for fact in read(str(image.docker_archive(tmp_path / "image.tar"))).layers} == {None}


@pytest.mark.parametrize("steps", [1, 4])
def test_a_history_that_does_not_fit_is_told(tmp_path: Path, steps: int) -> None:
    history = [{"created_by": "ADD a /b"}] * steps
    image = Image([layer(file("etc/os-release", DEBIAN_12)), layer(file("a", "b"))], history=history)
    found = read(str(image.docker_archive(tmp_path / "i.tar")), scanners=frozenset({"config"}))

    assert {fact.created_by for fact in found.layers} == {None}
    assert {hit.layer for hit in found.config if "is an ADD" in hit.message} == {None}
    assert [(one.why, one.incomplete) for one in found.unknowns if one.what == "instructions of the layers"] == [
        (f"the history tells of {steps} layers and the image has 2; which instruction made which is not known", False)
    ]


def test_packages_belong_to_the_layer_that_brought_them(tmp_path: Path) -> None:
    found = read(str(IMAGE.docker_archive(tmp_path / "image.tar")))

    layers = {package.name: package.layer for package in found.packages}
    assert layers["libc6"] == digest_of(BASE)
    assert layers["django"] == layers["lodash"] == digest_of(APPLICATION)


def test_one_package_in_several_places_is_one_package(tmp_path: Path) -> None:
    image = Image(
        [layer(node_package("a", "1.0.0", "x"), node_package("a", "1.0.0", "y"), node_package("a", "2.0.0", "z"))]
    )
    found = read(str(image.docker_archive(tmp_path / "image.tar")))

    assert [(package.version, len(package.locations)) for package in found.packages] == [("1.0.0", 2), ("2.0.0", 1)]


def test_a_bill_of_materials_does_not_stand_for_a_database(tmp_path: Path) -> None:
    component = {"type": "library", "name": "bash", "purl": "pkg:deb/debian/bash@5.2-1?distro=debian-12"}
    bill = json.dumps({"bomFormat": "CycloneDX", "specVersion": "1.5", "components": [component]})
    image = Image([layer(file("etc/os-release", DEBIAN_12), file("opt/sbom.json", bill))])
    cache = LayerCache(tmp_path / "cache")
    first, second = (read(str(image.docker_archive(tmp_path / "image.tar")), cache=cache) for _ in range(2))

    assert names(first) == ["bash"]
    assert any(unknown.what == "OS packages" for unknown in first.unknowns)
    assert (first.packages, first.unknowns) == (second.packages, second.unknowns)


def test_a_linked_database_is_read(tmp_path: Path) -> None:
    image = Image(
        [
            layer(file("etc/os-release", DEBIAN_12), symlink("var/lib/dpkg", "/opt/dpkg")),
            layer(file("opt/dpkg/status", dpkg_entry("a", "1"))),
        ]
    )

    for path in (image.docker_archive(tmp_path / "a.tar"), image.docker_archive(tmp_path / "a.tar.gz", "gzip")):
        assert names(read(str(path), cache=LayerCache(tmp_path / "cache"))) == ["a"]


def _listing(name: str, *paths: str) -> Entry:
    return file(f"var/lib/dpkg/info/{name}.list", "".join(f"/{path}\n" for path in paths))


OWNING = layer(
    file("etc/os-release", DEBIAN_12),
    dpkg_status(dpkg_entry("zlib1g", "1"), dpkg_entry("bash", "5")),
    symlink("lib", "usr/lib"),
    _listing("zlib1g:amd64", ".", "lib", "lib/libz.so.1.2", "lib/libz.so.1", "usr/share/doc/zlib1g/copyright"),
    _listing("bash", ".", "bin", "bin/bash", "etc/bash.bashrc", "usr/share/locale"),
    file("usr/lib/libz.so.1.2", b"x"),
    symlink("usr/lib/libz.so.1", "libz.so.1.2"),
    file("bin/bash", b"x"),
)
APK = layer(
    file("etc/os-release", 'ID=alpine\nVERSION_ID=3.18.4\nPRETTY_NAME="Alpine Linux v3.18"\n'),
    file("lib/apk/db/installed", "P:musl\nV:1.2.4-r2\nA:x86_64\nF:lib\nR:ld-musl-x86_64.so.1\nF:etc\nR:musl.conf\n\n"),
    file("lib/ld-musl-x86_64.so.1", b"x"),
)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (OWNING, {"bash": ("bin/bash",), "zlib1g": ("usr/lib/libz.so.1.2",)}),
        (APK, {"musl": ("lib/ld-musl-x86_64.so.1",)}),
    ],
)
def test_whose_programs_and_libraries_are_is_told_to_who_asks(
    tmp_path: Path, content: bytes, expected: dict[str, tuple[str, ...]]
) -> None:
    path = str(Image([content]).docker_archive(tmp_path / "image.tar"))

    assert read(path, loadables=True).loadable == expected
    assert read(path).loadable == {}


def test_a_program_whose_path_holds_a_credential_is_nobodys(tmp_path: Path) -> None:
    token = "ghp_" + "aB3dE5gH7jK9mN1pQ3sT5vW7yZ9bC1dE3fG5"
    content = layer(
        file("etc/os-release", DEBIAN_12), dpkg_status(dpkg_entry("a", "1")), _listing("a", f"bin/{token}", "bin/a")
    )

    found = read(str(Image([content]).docker_archive(tmp_path / "image.tar")), loadables=True)
    assert found.loadable == {"a": ("bin/a",)}


class TestCache:
    def test_a_second_read_gives_the_same(self, tmp_path: Path) -> None:
        path, cache = IMAGE.docker_archive(tmp_path / "image.tar"), LayerCache(tmp_path / "cache")

        first, second = read(str(path), cache=cache), read(str(path), cache=cache)

        assert first == second
        assert len(list((tmp_path / "cache").iterdir())) == 3

    def test_a_false_claim_does_not_get_the_index_of_another_layer(self, tmp_path: Path) -> None:
        cache = LayerCache(tmp_path / "cache")
        read(str(IMAGE.docker_archive(tmp_path / "image.tar")), cache=cache)
        liar = Image([TOP], diff_ids=[digest_of(BASE)])

        with pytest.raises(Invalid, match="not what its digest says"):
            read(str(liar.docker_archive(tmp_path / "liar.tar")), cache=cache)

    def test_a_layer_that_was_cut_short_is_not_kept(self, tmp_path: Path) -> None:
        cache = LayerCache(tmp_path / "cache")
        archive = Image([BASE]).docker_archive(tmp_path / "image.tar")
        read(str(archive), cache=cache, limits=Limits(total_bytes=100_000))

        assert not (tmp_path / "cache").exists()


class TestIntegrity:
    def test_a_wrong_diff_id_is_refused(self, tmp_path: Path) -> None:
        image = Image([BASE], diff_ids=[digest_of(TOP)])

        for whole in ("none", "gzip"):
            with pytest.raises(Invalid, match="is not what its digest says"):
                read(str(image.docker_archive(tmp_path / f"image.{whole}", whole)))

    def test_a_wrong_blob_is_refused(self, tmp_path: Path) -> None:
        path = with_compression("gzip").oci_dir(tmp_path)
        blob = path / "blobs" / "sha256" / digest_of(compressed(BASE, "gzip")).removeprefix("sha256:")
        blob.write_bytes(compressed(BASE + bytes(512), "gzip"))

        with pytest.raises(Invalid, match="is not what its digest says"):
            read(str(path))

    @pytest.mark.parametrize("name", ["config", "manifest"])
    def test_a_wrong_document_is_refused(self, tmp_path: Path, name: str) -> None:
        path = IMAGE.oci_dir(tmp_path)
        documents = [blob for blob in (path / "blobs" / "sha256").iterdir() if blob.read_bytes().startswith(b"{")]
        wanted = b'"rootfs"' if name == "config" else b'"schemaVersion"'
        (document,) = (blob for blob in documents if wanted in blob.read_bytes())
        document.write_bytes(document.read_bytes() + b" ")

        with pytest.raises(Invalid, match="is not what its digest says"):
            read(str(path))

    def test_a_missing_layer_is_named(self, tmp_path: Path) -> None:
        path = IMAGE.oci_dir(tmp_path)
        (path / "blobs" / "sha256" / digest_of(TOP).removeprefix("sha256:")).unlink()

        with pytest.raises(NotFound, match="names the layer blobs/sha256/"):
            read(str(path))

    def test_a_blob_that_is_a_link_out_of_the_layout_is_not_followed(self, tmp_path: Path) -> None:
        path = IMAGE.oci_dir(tmp_path / "layout")
        blob = path / "blobs" / "sha256" / digest_of(TOP).removeprefix("sha256:")
        outside = tmp_path / "outside"
        blob.rename(outside)
        blob.symlink_to(outside)

        with pytest.raises(NotFound):
            read(str(path))

    def test_a_different_number_of_layers_is_refused(self, tmp_path: Path) -> None:
        image = Image([BASE], diff_ids=[])

        with pytest.raises(Invalid, match="contradicts itself"):
            read(str(image.docker_archive(tmp_path / "image.tar")))


class TestLimits:
    def test_a_bomb_ends_the_read_with_what_was_found(self, tmp_path: Path) -> None:
        bomb = layer(file("zeros", bytes(24 * MIB)), node_package("late", "1.0.0"))
        image = Image([BASE, bomb, APPLICATION], compression="gzip")
        limits = Limits(ratio_floor=4 * MIB)

        for path in (
            image.oci_dir(tmp_path / "dir"),
            image.docker_archive(tmp_path / "plain.tar"),
            image.docker_archive(tmp_path / "image.gz", "gzip"),
        ):
            found = read(str(path), limits=limits)
            assert not found.complete
            assert names(found) == ["bash", "libc6"]
            assert [unknown.what for unknown in found.unknowns] == ["the rest of the image"]
            assert "grows more than 200 times" in found.unknowns[0].why

    def test_an_archive_that_is_itself_a_bomb_ends_too(self, tmp_path: Path) -> None:
        path = tmp_path / "bomb.tar.gz"
        path.write_bytes(compressed(layer(file("0/layer.tar", BASE), file("zeros", bytes(24 * MIB))), "gzip"))

        for target in (f"docker-archive:{path}", str(path)):
            found = read(target, limits=Limits(ratio_floor=4 * MIB))
            assert not found.complete
            assert names(found) == ["bash", "libc6"]

    @pytest.mark.parametrize(
        ("limits", "why"),
        [
            (Limits(total_bytes=220_000), "more than 220000 uncompressed bytes"),
            (Limits(entries=6), "more than 6 files"),
            (Limits(kept_bytes=300), "more than 300 bytes"),
        ],
    )
    def test_every_limit_gives_an_incomplete_inventory(self, tmp_path: Path, limits: Limits, why: str) -> None:
        found = read(f"oci-dir:{IMAGE.oci_dir(tmp_path)}", limits=limits)

        assert not found.complete
        assert why in " ".join(unknown.why for unknown in found.unknowns)

    @pytest.mark.parametrize("whole", ["none", "gzip"])
    def test_an_archive_of_too_many_members_ends_as_incomplete(self, tmp_path: Path, whole: str) -> None:
        found = read(f"docker-archive:{IMAGE.docker_archive(tmp_path / 'image.tar', whole)}", limits=Limits(entries=3))

        assert not found.complete
        assert "more than 3 files" in found.unknowns[-1].why

    def test_a_database_beyond_the_limit_makes_the_inventory_incomplete(self, tmp_path: Path) -> None:
        found = read(str(IMAGE.docker_archive(tmp_path / "image.tar")), limits=Limits(file_bytes=150))

        assert not found.complete
        assert "var/lib/dpkg/status" in [unknown.what for unknown in found.unknowns]
        assert "lodash" in names(found)

    def test_too_many_layers_are_refused(self, tmp_path: Path) -> None:
        with pytest.raises(Invalid, match="has 3 layers; at most 2 are read"):
            read(str(IMAGE.docker_archive(tmp_path / "image.tar")), limits=Limits(layers=2))


class TestNoImage:
    @pytest.mark.parametrize(
        "content",
        [
            b"",
            b"just a text\n",
            b"\x1f\x8b\x08 no gzip",
            b"\x28\xb5\x2f\xfd no zstd",
            layer(file("manifest.json", b"{}")),
            layer(file("manifest.json", b"[]")),
            layer(file("manifest.json", b'[{"Config": "absent", "Layers": []}]')),
            layer(file("manifest.json", b"[" * 100_000)),
            layer(file("index.json", b'{"manifests": []}')),
            layer(file("index.json", b'{"manifests": [{"digest": "sha256:../../etc/passwd"}]}')),
            layer(file("index.json", b'{"manifests": [{"digest": "md5:00"}]}')),
            layer(file("a", b"b")),
            zstandard.ZstdCompressor().compress(b"text"),
        ],
        ids=range(13),
    )
    @pytest.mark.parametrize("prefix", ["", "docker-archive:", "oci-archive:"])
    def test_a_file_that_is_no_image_is_one_clear_error(self, tmp_path: Path, prefix: str, content: bytes) -> None:
        path = tmp_path / "file"
        path.write_bytes(content)

        with pytest.raises((Invalid, NotFound)) as error:
            read(f"{prefix}{path}")
        assert "\n" not in str(error.value)

    @pytest.mark.parametrize(
        "target",
        ["/no/such/file", "./nothing", "image.tar", "docker-archive:/no/such", "dir:/no/such", "oci-dir:/no/such"],
    )
    def test_a_path_that_does_not_exist_is_named(self, target: str) -> None:
        with pytest.raises(NotFound, match="no file or directory"):
            read(target)

    @pytest.mark.parametrize("target", ["", "docker:", "dir:"])
    def test_a_target_that_names_nothing_is_refused(self, target: str) -> None:
        with pytest.raises(Invalid):
            read(target)

    def test_a_directory_is_no_archive_and_a_file_no_directory(self, tmp_path: Path) -> None:
        path = IMAGE.docker_archive(tmp_path / "image.tar")

        with pytest.raises(Invalid, match="is a directory, not an archive"):
            read(f"docker-archive:{tmp_path}")
        for kind in ("dir", "oci-dir", "docker-dir"):
            with pytest.raises(Invalid, match="no directory"):
                read(f"{kind}:{path}")

    @pytest.mark.parametrize("kind", ["dir", "oci-dir", "docker-dir", "docker-archive", "oci-archive"])
    def test_a_pipe_that_nobody_writes_into_is_not_waited_for(self, tmp_path: Path, kind: str) -> None:
        os.mkfifo(tmp_path / "pipe")

        with pytest.raises(Invalid, match="is neither a file nor a directory"):
            read(f"{kind}:{tmp_path / 'pipe'}")

    @pytest.mark.parametrize("whole", ["none", "gzip"])
    @pytest.mark.parametrize("part", [0.3, 0.6, 0.95])
    def test_a_truncated_archive_is_refused(self, tmp_path: Path, part: float, whole: str) -> None:
        path = IMAGE.docker_archive(tmp_path / "image.tar", whole)
        content = path.read_bytes()
        path.write_bytes(content[: int(len(content) * part)])

        with pytest.raises(HullguardError):
            read(f"docker-archive:{path}")

    def test_a_layer_that_is_no_archive_is_refused(self, tmp_path: Path) -> None:
        text = b"this layer is a text. " * 60

        for image, whole in (
            (Image([text]), "none"),
            (Image([text], compression="gzip"), "none"),
            (Image([text], compression="gzip"), "gzip"),
        ):
            with pytest.raises(Invalid, match="is no tar archive"):
                read(str(image.docker_archive(tmp_path / "image.tar", whole)))


class TestPlatforms:
    @pytest.fixture
    def path(self, tmp_path: Path) -> Path:
        arm = Image([layer(node_package("arm", "1.0.0"))], architecture="arm64")
        amd = Image([layer(node_package("amd", "1.0.0"))], architecture="amd64")
        return several_platforms([arm, amd], tmp_path)

    @pytest.mark.parametrize(
        ("platform", "name"), [("linux/arm64", "arm"), ("linux/amd64", "amd"), ("LINUX/AMD64", "amd")]
    )
    def test_the_platform_asked_for_is_read(self, path: Path, platform: str, name: str) -> None:
        assert names(read(f"oci-dir:{path}", platform=platform)) == [name]

    def test_a_platform_that_is_not_there_names_those_that_are(self, path: Path) -> None:
        with pytest.raises(NotFound, match="no image for linux/s390x; it holds linux/amd64, linux/arm64"):
            read(f"oci-dir:{path}", platform="linux/s390x")

    def test_the_only_platform_is_read_whatever_it_is(self, tmp_path: Path) -> None:
        image = Image([layer(node_package("a", "1.0.0"))], architecture="riscv64")

        assert read(f"oci-dir:{image.oci_dir(tmp_path)}").target.platform == "linux/riscv64"

    def test_a_docker_archive_for_another_platform_is_not_read(self, tmp_path: Path) -> None:
        with pytest.raises(NotFound, match="no image for linux/arm64"):
            read(str(IMAGE.docker_archive(tmp_path / "image.tar")), platform="linux/arm64")


def test_progress_is_told_in_bytes(tmp_path: Path) -> None:
    told: list[int] = []
    read(str(IMAGE.docker_archive(tmp_path / "image.tar")), progress=lambda _, count: told.append(count))

    assert sum(told) >= sum(len(content) for content in IMAGE.layers)
