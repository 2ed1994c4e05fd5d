"""The lists of components that Bitnami's images carry."""

import json
from typing import Any

import pytest
from tests.support.images import file
from tests.support.inventories import Found

PATH = "opt/bitnami/wordpress/.spdx-wordpress.spdx"


def component(name: str, version: str, purl: str) -> dict[str, Any]:
    reference = {"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": purl}
    cpe = {"referenceCategory": "SECURITY", "referenceType": "cpe23Type", "referenceLocator": f"cpe:2.3:*:{name}"}
    return {
        "SPDXID": f"SPDXRef-{name}",
        "name": name,
        "versionInfo": version,
        "licenseDeclared": "GPL-2.0-or-later",
        "externalRefs": [cpe, *([reference] if purl else [])],
    }


def listed(*packages: Any) -> bytes:
    return json.dumps({"spdxVersion": "SPDX-2.3", "packages": packages}).encode()


def test_a_component_is_named_with_its_revision() -> None:
    purl = "pkg:bitnami/wordpress@6.0.0-0?arch=amd64&distro=debian-11"
    package = Found([file(PATH, listed(component("wordpress", "6.0.0", purl)))]).named("wordpress")

    assert (package.version, package.ecosystem, package.licenses) == ("6.0.0-0", "Bitnami", ("GPL-2.0-or-later",))
    assert package.purl == "pkg:bitnami/wordpress@6.0.0-0"
    assert package.locations == (PATH,)


@pytest.mark.parametrize("purl", ["", "pkg:generic/zlib@1.2", "pkg:bitnami/"])
def test_what_has_no_purl_of_its_kind_is_counted(purl: str) -> None:
    found = Found([file(PATH, listed(component("a", "1", "pkg:bitnami/a@1-2"), component("zlib", "1.2", purl)))])

    assert found.names == ["a"]
    why = "1 of its entries have no purl of Bitnami's, so no advisories speak of them"
    assert (PATH, why) in [(unknown.what, unknown.why) for unknown in found.unknowns]


@pytest.mark.parametrize("content", [b"SPDXVersion: SPDX-2.3\n", b"[]", b"{}", b'{"packages": 1}', listed(7)])
def test_a_list_that_cannot_be_read_is_told(content: bytes) -> None:
    found = Found([file(PATH, content)])

    assert found.names == []
    assert PATH in [unknown.what for unknown in found.unknowns]


def test_the_older_list_of_all_components_is_read() -> None:
    path = "opt/bitnami/.bitnami_components.json"
    content = json.dumps({"wordpress": {"arch": "amd64", "version": "5.7.0-0"}, "odd": 7, "empty": {}})
    found = Found([file(path, content)])

    assert [(one.purl, one.ecosystem) for one in found.packages] == [("pkg:bitnami/wordpress@5.7.0-0", "Bitnami")]
    assert [one.why for one in found.unknowns if one.what == path] == [
        "its entry odd is none; it was left out",
        "names a package 'empty' that cannot be one",
    ]
