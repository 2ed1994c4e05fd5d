"""What Homebrew installed."""

import json
from typing import Any

import pytest
from tests.support.images import Entry, file
from tests.support.inventories import Found

KEG = "home/linuxbrew/.linuxbrew/Cellar/openssl@3/3.2.1_1"


def receipt(tap: Any = "homebrew/core", keg: str = KEG) -> Entry:
    source = {"path": "@@HOMEBREW_PREFIX@@/x.rb", "tap": tap, "spec": "stable", "versions": {"stable": "3.2.1"}}
    content = {"homebrew_version": "4.2.10", "poured_from_bottle": True, "runtime_dependencies": [], "source": source}
    return file(f"{keg}/INSTALL_RECEIPT.json", json.dumps(content))


def bill(*licenses: tuple[str, str], keg: str = KEG) -> Entry:
    packages = [
        {"SPDXID": "SPDXRef-x", "name": name, "licenseDeclared": "NOASSERTION", "licenseConcluded": concluded}
        for name, concluded in licenses
    ]
    return file(f"{keg}/sbom.spdx.json", json.dumps({"spdxVersion": "SPDX-2.3", "packages": packages}))


def test_a_keg_is_a_package_of_its_directories_name_and_version() -> None:
    package = Found([receipt()]).named("openssl@3")

    assert (package.version, package.type, package.ecosystem) == ("3.2.1_1", "brew", "")
    assert package.purl == "pkg:brew/openssl%403@3.2.1_1"
    assert package.locations == (f"{KEG}/INSTALL_RECEIPT.json",)


def test_a_formula_of_another_tap_is_named_with_it() -> None:
    package = Found([receipt("hashicorp/tap", "usr/local/Cellar/terraform/1.7.5")]).named("hashicorp/tap/terraform")

    assert package.purl == "pkg:brew/hashicorp/tap/terraform@1.7.5"


@pytest.mark.parametrize("tap", [None, ""])
def test_without_a_tap_it_is_homebrews_own(tap: str | None) -> None:
    assert Found([receipt(tap)]).names == ["openssl@3"]


def test_the_bill_of_materials_says_the_licence() -> None:
    found = Found([receipt(), bill(("openssl@3", "Apache-2.0"), ("openssl@3", "NOASSERTION"), ("zlib", "Zlib"))])

    assert [package.licenses for package in found.packages] == [("Apache-2.0",)]


def test_a_bill_of_materials_alone_names_the_package() -> None:
    assert Found([bill()]).names == ["openssl@3"]


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b'{"source": 1}', b'{"source": {"tap": 1}}', b"\xff"])
def test_a_receipt_that_cannot_be_read_is_told_and_the_package_named(content: bytes) -> None:
    found = Found([file(f"{KEG}/INSTALL_RECEIPT.json", content), bill(("openssl@3", "Apache-2.0"))])

    assert found.names == ["openssl@3"]
    why = "is no readable receipt of Homebrew; the package is named by its directory alone"
    assert (f"{KEG}/INSTALL_RECEIPT.json", why) in [(one.what, one.why) for one in found.unknowns]


@pytest.mark.parametrize("content", ["", "[]", '{"packages": 1}', '{"packages": [1, {"name": 2}]}'])
def test_of_a_bill_that_cannot_be_read_no_licence_is_known(content: str) -> None:
    (package,) = Found([receipt(), file(f"{KEG}/sbom.spdx.json", content)]).packages

    assert package.licenses == ()


@pytest.mark.parametrize("path", ["Cellar/openssl/INSTALL_RECEIPT.json", f"{KEG}/share/INSTALL_RECEIPT.json"])
def test_elsewhere_there_is_no_keg(path: str) -> None:
    assert Found([file(path, "{}")]).names == []
