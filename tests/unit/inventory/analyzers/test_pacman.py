"""Arch Linux's packages."""

from pathlib import Path

import pytest
from tests.support.images import Entry, Image, file, layer, symlink, whiteout
from tests.support.inventories import Found

from hullguard.inventory import bounds, read

OS = file("etc/os-release", 'ID=arch\nPRETTY_NAME="Arch Linux"\n')


def package(name: str, version: str, **sections: str) -> Entry:
    values = {"NAME": name, "VERSION": version, "ARCH": "x86_64", "DESC": "a package", **sections}
    content = "".join(f"%{key}%\n{value}\n\n" for key, value in values.items())
    return file(f"var/lib/pacman/local/{name}-{version}/desc", content)


def test_a_package_is_read() -> None:
    found = Found([OS, package("libcurl", "1:8.5.0-1", BASE="curl", LICENSE="MIT\nGPL-2.0-only")]).named("libcurl")

    assert found.purl == "pkg:alpm/arch/libcurl@1:8.5.0-1?arch=x86_64&distro=arch"
    assert (found.ecosystem, found.type, found.arch) == ("Arch Linux", "alpm", "x86_64")
    assert (found.source_name, found.source_version) == ("curl", "1:8.5.0-1")
    assert found.licenses == ("MIT", "GPL-2.0-only")
    assert found.locations == ("var/lib/pacman/local/libcurl-1:8.5.0-1/desc",)


def test_a_package_without_a_base_is_its_own_source() -> None:
    assert Found([OS, package("bash", "5.2-1")]).named("bash").source_name == "bash"


def test_an_upgrade_replaces_the_directory() -> None:
    found = Found(
        [OS, package("bash", "5.1-1"), package("zlib", "1-1")],
        [whiteout("var/lib/pacman/local/bash-5.1-1"), package("bash", "5.2-1")],
    )

    assert {one.name: (one.version, one.layer) for one in found.packages} == {
        "bash": ("5.2-1", "layer1"),
        "zlib": ("1-1", "layer0"),
    }


@pytest.mark.parametrize(
    "content", ["", "%NAME%\nbash\n\n", "%VERSION%\n1-1\n\n", "%NAME%\n\n%VERSION%\n\n", "bash\n1-1\n\n"]
)
def test_an_entry_without_a_name_or_a_version_is_named(content: str) -> None:
    found = Found([OS, file("var/lib/pacman/local/bash-1-1/desc", content), package("zlib", "1-1")])

    assert found.names == ["zlib"]
    # Story: such a report was complete, though a package was missing in it.
    assert [(one.what, one.why, one.incomplete) for one in found.unknowns] == [
        ("var/lib/pacman/local/bash-1-1/desc", "it lacks the package's name or its version", True)
    ]


def test_a_package_without_its_description_is_missing() -> None:
    found = Found([OS, file("var/lib/pacman/local/bash-1-1/files", "%FILES%\nusr/\n\n"), package("zlib", "1-1")])

    assert [(one.what, one.incomplete) for one in found.unknowns] == [("var/lib/pacman/local/bash-1-1/files", True)]


@pytest.mark.parametrize(
    ("kept", "names"), [("%NAME%\nbash\n\n%VERSION%\n1-1\n\n%BASE%\n", ["bash"]), ("%NAME%\nbash\n", [])]
)
def test_a_description_that_was_cut_off_is_said(kept: str, names: list[str]) -> None:
    found = Found([OS, file("var/lib/pacman/local/bash-1-1/desc", kept), package("zlib", "1-1")])

    assert found.names == [*names, "zlib"]
    assert [(one.what, one.why, one.incomplete) for one in found.unknowns] == [
        (
            "var/lib/pacman/local/bash-1-1/desc",
            "it ends before its end; of its package something may be missing",
            True,
        )
    ]


@pytest.mark.parametrize(
    ("packager", "validation", "once"),
    [
        ("Robin Broda <coderobe@archlinux.org>", "pgp", True),
        ("Unknown Packager", "none", False),
        ("Robin Broda <coderobe@archlinux.org>", "none", False),
        ("Robin Broda <coderobe@notarchlinux.org>", "pgp", False),
        ("", "pgp", False),
    ],
)
def test_a_python_package_that_arch_built_is_reported_once(packager: str, validation: str, *, once: bool) -> None:
    place = "usr/lib/python3.12/site-packages/six-1.16.0.dist-info"
    files = file("var/lib/pacman/local/python-six-1.16.0-1/files", f"%FILES%\nusr/\n{place}/METADATA\n\n%BACKUP%\n")
    metadata = file(f"{place}/METADATA", "Name: six\nVersion: 1.16.0\n")

    described = package("python-six", "1.16.0-1", PACKAGER=packager, VALIDATION=validation)
    assert Found([OS, described, files, metadata]).names == (["python-six"] if once else ["python-six", "six"])


@pytest.mark.parametrize(
    ("link", "to", "real"),
    [
        ("var/lib/pacman", "../../usr/lib/pacman", "usr/lib/pacman/local"),
        ("var/lib/pacman/local", "/opt/l", "opt/l"),
    ],
)
def test_a_database_behind_a_link_is_read(tmp_path: Path, link: str, to: str, real: str) -> None:
    entry = package("bash", "5.1-1")
    moved = file(entry.name.replace("var/lib/pacman/local", real), entry.content)
    image = Image([layer(OS, symlink(link, to), moved)]).docker_archive(tmp_path / "image.tar")

    assert [one.name for one in read(f"docker-archive:{image}").packages] == ["bash"]


def test_a_package_without_its_description_is_told() -> None:
    listed = "var/lib/pacman/local/gone-1-1/files"

    found = Found([OS, package("bash", "5.1-1"), file(listed, "%FILES%\nusr/bin/gone\n")])

    assert (listed, "a package whose description is missing") in [(one.what, one.why) for one in found.unknowns]


def test_a_package_behind_a_link_of_its_own_is_told() -> None:
    members = [OS, package("bash", "5.1-1"), symlink("var/lib/pacman/local/openssl-3-1", "/opt/l")]

    assert [(one.what, one.why) for one in Found(members).unknowns] == [
        ("var/lib/pacman/local/openssl-3-1", "a package whose directory is a link; it was not read")
    ]


def test_a_package_behind_a_link_of_its_own_is_read(tmp_path: Path) -> None:
    openssl = package("openssl", "3-1")
    moved = file("opt/l/desc", openssl.content)
    link = symlink("var/lib/pacman/local/openssl-3-1", "/opt/l")
    image = Image([layer(OS, package("bash", "5.1-1"), moved, link)]).docker_archive(tmp_path / "image.tar")
    found = read(str(image))

    assert ([each.name for each in found.packages], found.complete) == (["bash", "openssl"], True)


@pytest.mark.parametrize("sign", ["1", "\U0001f600"])
def test_a_version_without_end_is_said(sign: str) -> None:
    found = Found([OS, file("var/lib/pacman/local/bash-1-1/desc", f"%NAME%\nbash\n\n%VERSION%\n{sign * 1001}\n\n")])

    assert found.names == []
    assert "without end" in found.unknowns[0].why


def test_a_list_without_end_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "LISTED_FILES", 2)
    found = Found(
        [
            *(package(name, "1-1") for name in ("a", "b")),
            file("var/lib/pacman/local/a-1-1/files", "%FILES%\nbin/x\nbin/y\n\n%BACKUP%\netc/z\n"),
            file("var/lib/pacman/local/b-1-1/files", "%FILES%\nbin/x\nbin/y\nbin/z\n"),
            OS,
        ]
    )

    assert [(one.what, one.incomplete) for one in found.unknowns] == [("var/lib/pacman/local/b-1-1/files", True)]
