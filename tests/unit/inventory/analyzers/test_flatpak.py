"""What Flatpak deployed."""

import pytest
from tests.support.images import Entry, file
from tests.support.inventories import Found

COMMIT = "c84b98e041e58749e824ae83bb2de6da268f0a0ca19f299329a6943de768cb67"


def padded(content: bytes) -> bytes:
    return content + bytes(-len(content) % 8)


def deployed(ref: str, root: str = "var/lib/flatpak", **told: str) -> Entry:
    """The parts of a record that count, laid out as GVariant does: keys and values begin at a multiple of eight."""
    content = padded(b"flathub\0" + COMMIT.encode() + b"\0")
    for key, value in {"deploy-version": "4", "runtime": "a", **told}.items():
        content = padded(padded(content + key.replace("_", "-").encode() + b"\0") + value.encode() + b"\0\0s")
    return file(f"{root}/{ref}/{COMMIT}/deploy", content)


@pytest.mark.parametrize("root", ["var/lib/flatpak", "home/a/.local/share/flatpak"])
def test_an_application_says_its_version(root: str) -> None:
    told = {"appdata_name": "GIMP", "appdata_version": "2.10.36", "appdata_license": "GPL-3.0+ AND LGPL-3.0+"}
    package = Found([deployed("app/org.gimp.GIMP/x86_64/stable", root, **told)]).named("org.gimp.GIMP")

    assert (package.version, package.type, package.ecosystem) == ("2.10.36", "flatpak", "")
    assert package.purl == "pkg:flatpak/org.gimp.GIMP@2.10.36"
    assert package.licenses == ("GPL-3.0+ AND LGPL-3.0+",)


def test_of_a_runtime_the_branch_is_the_version() -> None:
    found = Found([deployed("runtime/org.freedesktop.Platform/x86_64/23.08")])

    assert [(one.name, one.version) for one in found.packages] == [("org.freedesktop.Platform", "23.08")]


def test_an_application_without_a_version_is_told() -> None:
    found = Found([deployed("app/org.example.App/x86_64/stable")])

    assert found.names == []
    why = "does not say the version of org.example.App, of which the branch stable is installed"
    assert why in [one.why for one in found.unknowns]
