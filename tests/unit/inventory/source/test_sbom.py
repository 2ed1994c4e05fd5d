"""Bills of materials of other programs, and our own on their way back."""

import contextlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.images import DEBIAN_12, Image, dpkg_entry, dpkg_status, file, layer, node_package

from hullguard.imagescan.formats.cyclonedx import CyclonedxFormat
from hullguard.imagescan.formats.format import Page
from hullguard.imagescan.formats.spdx import SpdxFormat
from hullguard.imagescan.scan import Scanner, bill
from hullguard.inventory import bounds, read, recognise
from hullguard.inventory.source.sbom import parse_sbom
from hullguard.model.errors import Invalid, NotFound

LIBC = "pkg:deb/debian/libc6@2.36-9?arch=amd64&distro=debian-12"


def cyclonedx(*components: dict[str, Any], version: str = "1.5") -> bytes:
    return json.dumps({"bomFormat": "CycloneDX", "specVersion": version, "components": components}).encode()


def spdx(*packages: dict[str, Any], version: str = "SPDX-2.3") -> bytes:
    return json.dumps({"spdxVersion": version, "packages": packages}).encode()


def refs(purl: str) -> list[dict[str, str]]:
    return [
        {"referenceCategory": "SECURITY", "referenceType": "cpe23Type", "referenceLocator": "cpe:2.3:a:b"},
        {"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": purl},
    ]


@pytest.mark.parametrize(
    ("name", "purl", "found"),
    [
        (
            "github.com/Masterminds/goutils",
            "pkg:golang/github.com/masterminds/goutils@v1",
            "github.com/Masterminds/goutils",
        ),
        ("Haraka", "pkg:npm/haraka@2", "Haraka"),
        ("other", "pkg:npm/haraka@2", "haraka"),
        ("", "pkg:npm/haraka@2", "haraka"),
    ],
)
def test_a_name_is_spelled_as_beside_its_purl(name: str, purl: str, found: str) -> None:
    component = {"type": "library", "name": name, "purl": purl}

    assert [package.name for package in parse_sbom(cyclonedx(component), "x").packages] == [found]
    assert [p.name for p in parse_sbom(spdx({"name": name, "externalRefs": refs(purl)}), "x").packages] == [found]


def test_a_name_of_two_parts_is_spelled_so_too() -> None:
    component = {"type": "library", "group": "@Scope", "name": "Name", "purl": "pkg:npm/%40scope/name@2"}

    assert [package.name for package in parse_sbom(cyclonedx(component), "x").packages] == ["@Scope/Name"]


@pytest.mark.parametrize(
    ("compositions", "complete"),
    [
        ([{"aggregate": "incomplete", "assemblies": ["x"]}], False),
        ([{"aggregate": "incomplete_third_party_only"}], False),
        ([{"aggregate": "complete", "assemblies": ["x"]}, {"aggregate": "incomplete", "assemblies": ["y"]}], False),
        ([{"aggregate": "incomplete", "dependencies": ["x"]}], True),
        ([{"aggregate": "unknown", "assemblies": ["x"]}], True),
        ([], True),
    ],
)
def test_what_says_that_it_is_incomplete_is(compositions: list[dict[str, Any]], complete: bool) -> None:
    document = json.loads(cyclonedx({"name": "a", "purl": "pkg:npm/a@1"})) | {"compositions": compositions}

    found = parse_sbom(json.dumps(document).encode(), "x")
    assert any(unknown.incomplete for unknown in found.unknowns) is not complete


@pytest.mark.parametrize("form", [CyclonedxFormat(), SpdxFormat()])
def test_an_own_list_of_a_damaged_image_is_as_incomplete_as_the_image(tmp_path: Path, form: Any) -> None:
    damaged = layer(file("etc/os-release", DEBIAN_12), file("lib/apk/db/installed", "P:a\nV:1\nA:x\n\nP:b"))
    report = Scanner(None).scan(str(Image([damaged]).docker_archive(tmp_path / "image.tar")))
    assert not report.complete
    path = tmp_path / "list.json"
    path.write_bytes(form.render(report, Page(100)))

    assert not read(f"sbom:{path}").complete


@pytest.mark.parametrize("form", [CyclonedxFormat(), SpdxFormat()])
def test_an_own_list_says_again_what_could_not_be_read(tmp_path: Path, form: Any) -> None:
    image = Image([layer(file("etc/os-release", DEBIAN_12), file("app.jar", "none"), node_package("a", "1"))])
    report = bill(read(str(image.docker_archive(tmp_path / "image.tar"))))
    said = {f"{one.what}: {one.why}" for one in report.unknowns}
    assert any(words.startswith("app.jar: ") for words in said)
    path = tmp_path / "list.json"
    path.write_bytes(form.render(report, Page(100)))

    again = read(f"sbom:{path}")

    what = "the image, when its bill of materials was written"
    assert said == {one.why for one in again.unknowns if one.what == what}
    path.write_bytes(form.render(bill(again), Page(100)))
    assert said <= {one.why for one in read(f"sbom:{path}").unknowns if one.what == what}


@pytest.mark.parametrize(
    ("document", "others"),
    [
        (cyclonedx({"name": "a", "purl": "pkg:npm/a@1"}), {"externalReferences": [{"type": "bom", "url": "x.json"}]}),
        (
            spdx({"name": "a", "externalRefs": refs("pkg:npm/a@1")}),
            {"externalDocumentRefs": [{"externalDocumentId": "DocumentRef-x", "spdxDocument": "https://example.org"}]},
        ),
        (
            cyclonedx(
                {"name": "a", "purl": "pkg:npm/a@1", "externalReferences": [{"type": "bom", "url": "urn:cdx:1/1"}]}
            ),
            {},
        ),
        (
            cyclonedx({"name": "a", "purl": "pkg:npm/a@1", "externalReferences": [{"type": "bom", "url": "x"}] * 2}),
            {"externalReferences": [{"type": "bom", "url": "x"}, {"type": 5, "url": []}]},
        ),
    ],
)
def test_another_document_to_which_one_refers_is_told(document: bytes, others: dict[str, Any]) -> None:
    (unknown,) = parse_sbom(json.dumps(json.loads(document) | others).encode(), "x").unknowns

    assert unknown.what == "1 other bills of materials"


def test_a_reference_to_something_else_is_not_told() -> None:
    website = {"externalReferences": [{"type": "website", "url": "https://example.org/bom"}]}
    document = json.loads(cyclonedx({"name": "a", "purl": "pkg:npm/a@1"} | website)) | website

    assert parse_sbom(json.dumps(document).encode(), "x").unknowns == ()


TWO = [
    ("lodash", "4.17.21", "pkg:npm/lodash@4.17.15", "4.17.15"),
    ("libc6", "1:2.36-9", "pkg:deb/debian/libc6@2:2.36-9?distro=debian-12&upstream=glibc", "2:2.36-9"),
    ("libc6", "2.36-9", "pkg:deb/debian/libc6@2.36-10?distro=debian-12&upstream=glibc", "2.36-10"),
]
ONE = [
    ("lodash", "", "pkg:npm/lodash@4.17.15"),
    ("lodash", " v4.17.15 ", "pkg:npm/lodash@4.17.15"),
    ("lodash", "NOASSERTION", "pkg:npm/lodash@4.17.15"),
    ("lodash", "4.17.15", "pkg:npm/lodash"),
    ("gcc", "1:12.2-3", "pkg:rpm/fedora/gcc@12.2-3?epoch=1&distro=fedora-40"),
    ("gcc", "12.2-3", "pkg:rpm/fedora/gcc@12.2-3?epoch=1&distro=fedora-40"),
    ("bash", "5.2-1", "pkg:deb/debian/bash@1:5.2-1?distro=debian-12&upstream=bash"),
    ("stdlib", "go1.21.1", "pkg:golang/stdlib@1.21.1"),
    ("x/y", "1.2.3", "pkg:golang/x/y@v1.2.3"),
]


@pytest.mark.parametrize(
    "purl",
    [
        "pkg:deb/debian/libssl3@3.0.9-1?arch=amd64&distro=debian-12",
        "pkg:apk/alpine/libssl3@3.0.0-r0?distro=alpine-3.18.4",
        "pkg:rpm/rocky/openssl-libs@3.0.1-1.el9?distro=rocky-9.2&epoch=1",
    ],
)
def test_sources_that_a_bill_does_not_name_are_missed(purl: str) -> None:
    # Story: advisories speak of openssl, the bill of libssl3 alone, and nothing was found and nothing said.
    component = {"type": "library", "name": "libssl3", "purl": purl}

    (said,) = parse_sbom(cyclonedx(component), "x").unknowns

    assert (said.what, said.incomplete) == ("1 OS packages", True)
    assert "from which source package" in said.why
    stated = parse_sbom(cyclonedx(component, {**component, "purl": f"{purl}&upstream=openssl"}), "x")
    beside = {**component, "properties": [{"name": "aquasecurity:trivy:SrcName", "value": "openssl"}]}
    assert stated.unknowns == parse_sbom(cyclonedx(beside), "x").unknowns == ()


@pytest.mark.parametrize(("name", "version", "purl", "judged"), TWO)
def test_a_version_that_is_not_the_purls_is_told(name: str, version: str, purl: str, judged: str) -> None:
    why = f"the bill of materials gives it the version {version}, and its purl {judged}, which is judged"
    for document in (
        cyclonedx({"type": "library", "name": name, "version": version, "purl": purl}),
        spdx({"name": name, "versionInfo": version, "externalRefs": refs(purl)}),
    ):
        found = parse_sbom(document, "x")

        assert [one.version for one in found.packages] == [judged]
        assert [(one.what, one.why) for one in found.unknowns] == [(name, why)]


@pytest.mark.parametrize(("name", "version", "purl"), ONE)
def test_one_version_in_two_spellings_is_one(name: str, version: str, purl: str) -> None:
    found = parse_sbom(cyclonedx({"type": "library", "name": name, "version": version, "purl": purl}), "x")

    assert (len(found.packages), found.unknowns) == (1, ())


def test_packages_of_two_versions_without_end_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "SBOM_DOUBTS", 2)
    every = [{"type": "library", "name": "a", "version": "2", "purl": f"pkg:npm/a{n}@1"} for n in range(5)]
    found = parse_sbom(cyclonedx(*every), "x")

    assert [one.what for one in found.unknowns] == ["a0", "a1", "more packages"]
    assert found.unknowns[-1].why == "3 more packages have other versions there than in their purls, which are judged"


def test_what_others_say_in_their_comments_is_no_doubt() -> None:
    document = json.loads(spdx({"name": "a", "externalRefs": refs("pkg:npm/a@1")}))
    document |= {"comment": "made by hand", "creationInfo": {"creators": ["Tool: other-1"]}}

    assert parse_sbom(json.dumps(document).encode(), "x").unknowns == ()


def test_doubts_without_end_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "SBOM_DOUBTS", 2)
    properties = [{"name": "hullguard:unknown", "value": f"a {number}: why"} for number in range(5)]
    document = json.loads(cyclonedx({"name": "a", "purl": "pkg:npm/a@1"})) | {"metadata": {"properties": properties}}

    whys = [(one.why, one.incomplete) for one in parse_sbom(json.dumps(document).encode(), "x").unknowns]
    assert whys == [("a 0: why", False), ("a 1: why", False), ("3 more parts of it could not be read or decided", True)]


class TestCyclonedx:
    @pytest.mark.parametrize("version", ["1.2", "1.3", "1.4", "1.5", "1.6", "1.7"])
    def test_components_become_packages(self, version: str) -> None:
        component = {"type": "library", "name": "lodash", "version": "4", "purl": "pkg:npm/lodash@4"}

        (package,) = parse_sbom(cyclonedx(component, version=version), "x").packages

        assert (package.name, package.version, package.ecosystem) == ("lodash", "4", "npm")

    @pytest.mark.parametrize("version", ["1.0", "1.1", "2.0", "", None])
    def test_other_versions_are_refused(self, version: str) -> None:
        with pytest.raises(Invalid, match=r"what is read is CycloneDX 1\.2"):
            parse_sbom(cyclonedx(version=version), "x")

    def test_components_inside_components(self) -> None:
        inner = {"type": "library", "name": "b", "version": "1", "purl": "pkg:npm/b@1"}
        outer = {"type": "library", "name": "a", "version": "1", "purl": "pkg:npm/a@1", "components": [inner]}

        assert [package.name for package in parse_sbom(cyclonedx(outer), "x").packages] == ["a", "b"]

    def test_nested_without_end(self) -> None:
        component: dict[str, Any] = {"name": "a"}
        for _ in range(100):
            component = {"name": "a", "components": [component]}

        with pytest.raises(Invalid, match="nested too deeply"):
            parse_sbom(cyclonedx(component), "x")

    def test_the_operating_system_serves_packages_that_name_none(self) -> None:
        listed = parse_sbom(
            cyclonedx(
                {"type": "library", "name": "libc6", "version": "2", "purl": "pkg:deb/debian/libc6@2?upstream=glibc"},
                {"type": "operating-system", "name": "debian", "version": "12.5"},
            ),
            "x",
        )

        assert listed.os is not None
        assert (listed.os.id, listed.os.version_id, listed.os.end_of_life is not None) == ("debian", "12.5", True)
        assert listed.packages[0].ecosystem == "Debian:12"
        assert listed.unknowns == ()

    def test_trivys_source_package(self) -> None:
        properties = [
            {"name": "aquasecurity:trivy:SrcName", "value": "util-linux"},
            {"name": "aquasecurity:trivy:SrcVersion", "value": "2.38.1"},
            {"name": "aquasecurity:trivy:SrcRelease", "value": "5"},
        ]
        component = {
            "type": "library",
            "name": "bsdutils",
            "purl": "pkg:deb/debian/bsdutils@2.38?epoch=1",
            "properties": properties,
        }

        (package,) = parse_sbom(cyclonedx(component), "x").packages

        assert (package.version, package.source_name, package.source_version) == ("1:2.38", "util-linux", "2.38.1-5")

    def test_licences_and_places(self) -> None:
        component = {
            "name": "a",
            "purl": "pkg:npm/a@1",
            "licenses": [{"license": {"id": "MIT"}}, {"license": {"name": "Own"}}, {"expression": "A OR B"}, {}],
            "evidence": {"occurrences": [{"location": "srv/a"}]},
        }

        (package,) = parse_sbom(cyclonedx(component), "x").packages

        assert package.licenses == ("MIT", "Own", "A OR B")
        assert package.locations == ("srv/a",)

    def test_what_has_no_purl_is_said(self) -> None:
        listed = parse_sbom(
            cyclonedx(
                {"type": "library", "name": "mystery", "version": "1"},
                {"type": "library", "name": "odd", "version": "1", "purl": "nonsense"},
                {"type": "file", "name": "etc/passwd", "version": "1"},
                {"type": "file", "name": "opt/log4j-core-2.14.1.jar", "version": "2.14.1"},
                {"type": "application", "name": "package-lock.json"},
                {"type": "library", "name": "unversioned"},
                {"type": "library"},
            ),
            "x",
        )

        assert [unknown.what for unknown in listed.unknowns] == [
            "mystery 1",
            "odd 1",
            "opt/log4j-core-2.14.1.jar 2.14.1",
            "unversioned",
            "a component without a name",
        ]

    @pytest.mark.parametrize("kind", ["file", "platform", "operating-system", "container", "firmware", "data", ""])
    def test_whatever_has_a_purl_is_matched(self, kind: str) -> None:
        component = {"type": kind, "name": "lodash", "version": "4", "purl": "pkg:npm/lodash@4"}

        assert [package.name for package in parse_sbom(cyclonedx(component), "x").packages] == ["lodash"]

    @pytest.mark.parametrize("purl", ["pkg:oci/app@sha256%3Aab?arch=amd64", "pkg:docker/app@1"])
    def test_the_image_itself_is_no_package_of_it(self, purl: str) -> None:
        library = {"type": "library", "name": "lodash", "version": "4", "purl": "PKG:npm/lodash@4"}
        listed = parse_sbom(cyclonedx({"type": "container", "name": "app", "version": "1", "purl": purl}, library), "x")

        assert ([package.name for package in listed.packages], listed.unknowns) == (["lodash"], ())

    @pytest.mark.parametrize("kind", ["platform", "firmware"])
    def test_what_others_run_on_needs_a_purl_to_be_matched(self, kind: str) -> None:
        (unknown,) = parse_sbom(cyclonedx({"type": kind, "name": "node", "version": "16"}), "x").unknowns

        assert (unknown.what, unknown.why) == (
            "node 16",
            "the bill of materials gives it no purl, so it cannot be matched",
        )

    @pytest.mark.parametrize(
        ("fields", "unjudged"),
        [
            ({}, 1),
            ({"purl": "lodash@4"}, 1),
            ({"purl": "pkg:npm/lodash"}, 1),
            ({"purl": "pkg:frobnix/lodash@4"}, 0),  # of which no advisories speak
            ({"type": "cryptographic-asset"}, 0),
        ],
    )
    def test_what_may_be_a_package_of_which_advisories_speak_was_not_judged(
        self, fields: dict[str, str], unjudged: int
    ) -> None:
        unknowns = parse_sbom(cyclonedx({"type": "library", "name": "lodash", **fields}), "x").unknowns

        assert sum(each.unjudged for each in unknowns) == unjudged

    def test_what_a_document_is_about_needs_no_purl(self) -> None:
        about = {"type": "application", "name": "shop", "version": "1"}
        made = {"bomFormat": "CycloneDX", "specVersion": "1.5", "metadata": {"component": about}}
        packages = [
            {"name": "shop", "versionInfo": "1", "SPDXID": "A"},
            {"name": "b", "versionInfo": "1", "SPDXID": "B"},
        ]
        of_spdx = {"spdxVersion": "SPDX-2.3", "packages": packages}
        by_list = {**of_spdx, "documentDescribes": ["A"]}
        related = {"spdxElementId": "SPDXRef-DOCUMENT", "relationshipType": "DESCRIBES", "relatedSpdxElement": "A"}

        for document, unjudged in (
            (made, []),
            (by_list, ["b 1"]),
            ({**of_spdx, "relationships": [related]}, ["b 1"]),
            ({**of_spdx, "documentDescribes": ["A", "B"]}, ["shop 1", "b 1"]),
            ({**of_spdx, "relationships": [7]}, ["shop 1", "b 1"]),
        ):
            unknowns = parse_sbom(json.dumps(document).encode(), "x").unknowns
            assert [each.what for each in unknowns if each.unjudged] == unjudged

    @pytest.mark.parametrize(
        "beside",
        [
            b'"relationships": [{"relationshipType": "\xed\xa0\x80"}]',
            b'"documentDescribes": ["\xed\xa0\x80"]',
            b'"externalDocumentRefs": [{"spdxDocument": "\xed\xa0\x80"}]',
        ],
    )
    def test_half_a_character_beside_the_packages_takes_none_of_them(self, beside: bytes) -> None:
        # Python's own reader of JSON takes the half of a pair of UTF-16 for a character; msgspec does not.
        content = spdx({"name": "lodash", "externalRefs": refs("pkg:npm/lodash@4")})

        listed = parse_sbom(content.rstrip()[:-1] + b", " + beside + b"}", "x")

        assert [package.name for package in listed.packages] == ["lodash"]

    def test_one_of_several_purls_that_can_be_matched_is_enough(self) -> None:
        package = {"name": "lodash", "externalRefs": [*refs("pkg:npm/lodash@4"), *refs("lodash@4")]}

        listed = parse_sbom(spdx(package), "x")

        assert [len(listed.packages), *(each.unjudged for each in listed.unknowns)] == [1, 0]

    def test_what_the_document_is_about_is_matched_too(self) -> None:
        about = {
            "type": "library",
            "name": "core",
            "purl": "pkg:maven/o/core@1",
            "components": [{"name": "b", "purl": "pkg:npm/b@1"}],
        }
        document = {"bomFormat": "CycloneDX", "specVersion": "1.5", "metadata": {"component": about}}
        listed = parse_sbom(json.dumps(document).encode(), "x")

        assert [package.name for package in listed.packages] == ["o:core", "b"]

    def test_the_version_may_stand_beside_the_purl(self) -> None:
        component = {"type": "library", "name": "lodash", "version": "4.17.4", "purl": "pkg:npm/lodash"}
        (package,) = parse_sbom(cyclonedx(component), "x").packages

        assert (package.version, package.purl) == ("4.17.4", "pkg:npm/lodash@4.17.4")

    def test_many_unknowns_are_counted(self) -> None:
        listed = parse_sbom(cyclonedx(*({"name": f"n{number}", "version": "1"} for number in range(3000))), "x")

        assert len(listed.unknowns) == 1001
        assert "2000 more" in listed.unknowns[-1].why


class TestSpdx:
    @pytest.mark.parametrize("version", ["SPDX-2.2", "SPDX-2.3"])
    def test_packages_with_purls(self, version: str) -> None:
        listed = parse_sbom(
            spdx(
                {"name": "image", "versionInfo": "1", "primaryPackagePurpose": "CONTAINER"},
                {"name": "libc6", "versionInfo": "2.36-9", "externalRefs": refs(LIBC), "licenseDeclared": "GPL-2.0-only",
                 "sourceInfo": "built package from: glibc 2.36-9"},
                {"name": "mystery", "versionInfo": "1", "licenseDeclared": "NOASSERTION"},
                version=version,
            ),
            "x",
        )  # fmt: skip

        (package,) = listed.packages
        assert (package.name, package.source_name, package.ecosystem) == ("libc6", "glibc", "Debian:12")
        assert package.licenses == ("GPL-2.0-only",)
        assert [unknown.what for unknown in listed.unknowns] == ["mystery 1"]
        assert listed.os is not None
        assert listed.os.id == "debian"

    def test_every_purl_of_a_package_is_matched(self) -> None:
        references = [*refs("pkg:npm/a@1"), *refs("pkg:npm/a@1"), *refs("pkg:npm/b@2"), *refs("pkg:unheard/of@1")]
        references[1]["referenceType"] = "http://spdx.org/rdf/references/purl"
        listed = parse_sbom(spdx({"name": "a", "versionInfo": "1", "externalRefs": references}), "x")

        assert [package.purl for package in listed.packages] == ["pkg:npm/a@1", "pkg:npm/b@2"]
        assert [unknown.why for unknown in listed.unknowns] == ["packages of the type 'unheard' are not known here"]

    def test_others_are_refused(self) -> None:
        for content in (spdx(version="SPDX-2.1"), b'{"@context": "https://spdx.org/rdf/3.0.1/spdx-context.jsonld"}'):
            with pytest.raises(Invalid, match=r"what is read is CycloneDX 1\.2 to 1\.7, SPDX 2\.2"):
                parse_sbom(content, "x")


@pytest.mark.parametrize(
    "content", [b"", b"{}", b"[]", b"<bom/>", b"[" * 100_000, b'{"bomFormat": 1}', b"\xff", cyclonedx() + b"x"]
)
def test_what_is_no_bill_of_materials(content: bytes) -> None:
    with pytest.raises(Invalid):
        parse_sbom(content, "x")


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    [
                        "name",
                        "version",
                        "purl",
                        "components",
                        "licenses",
                        "license",
                        "externalRefs",
                        "properties",
                        "evidence",
                    ]
                ),
                inner,
                max_size=4,
            )
        ),
    )
)
def test_any_document_is_read_or_refused(value: Any) -> None:
    for document in (
        {"bomFormat": "CycloneDX", "specVersion": "1.5", "components": value},
        {"spdxVersion": "SPDX-2.3", "packages": value},
    ):
        with contextlib.suppress(Invalid):
            assert not any(unknown.incomplete for unknown in parse_sbom(json.dumps(document).encode(), "x").unknowns)


def test_objects_without_end_are_refused_before_they_are_made() -> None:
    content = b'{"bomFormat": "CycloneDX", "specVersion": "1.5", "components": [' + b"{}," * 3_000_001 + b"{}]}"

    with pytest.raises(Invalid, match="has more than 3000000 objects"):
        parse_sbom(content, "x")


class TestTargets:
    def test_a_file_is_recognised(self, tmp_path: Path) -> None:
        path = tmp_path / "bom"
        for content in (cyclonedx(), spdx()):
            path.write_bytes(b"\n " + content)
            assert recognise(str(path)) == "sbom"
            assert read(f"sbom:{path}").target.kind == "sbom"

    def test_a_mark_of_utf_8_is_read_over(self, tmp_path: Path) -> None:
        path = tmp_path / "bom"
        path.write_bytes(b"\xef\xbb\xbf" + cyclonedx({"name": "a", "purl": "pkg:npm/a@1"}))

        assert recognise(str(path)) == "sbom"
        assert [package.name for package in read(str(path)).packages] == ["a"]

    @pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be"])
    def test_utf_16_is_refused_by_name(self, tmp_path: Path, encoding: str) -> None:
        path = tmp_path / "bom"
        path.write_text("\ufeff" * (encoding != "utf-16") + cyclonedx().decode(), encoding)

        assert recognise(str(path)) == "sbom"
        with pytest.raises(Invalid, match=r"is written in UTF-16; JSON is exchanged in UTF-8"):
            read(str(path))

    def test_any_other_json_is_refused_as_what_it_is_not(self, tmp_path: Path) -> None:
        path = tmp_path / "bom"
        path.write_text(json.dumps({"filler": "x" * 100_000, **json.loads(cyclonedx())}))
        assert read(str(path)).complete
        path.write_text('{"a": 1}')

        with pytest.raises(Invalid, match="is neither CycloneDX nor SPDX in JSON"):
            read(str(path))

    def test_one_that_is_not_there(self, tmp_path: Path) -> None:
        with pytest.raises(NotFound, match="there is no file"):
            read(f"sbom:{tmp_path / 'absent'}")
        with pytest.raises(Invalid, match="cannot be read"):
            read(f"sbom:{tmp_path}")

    @pytest.mark.parametrize("form", [CyclonedxFormat(), SpdxFormat()])
    def test_our_own_come_back(self, tmp_path: Path, form: CyclonedxFormat | SpdxFormat) -> None:
        image = Image(
            [
                layer(
                    file("etc/os-release", DEBIAN_12),
                    dpkg_status(dpkg_entry("libc6", "2.36-9", source="glibc (2.36-8)")),
                ),
                layer(node_package("lodash", "4.17.4")),
            ]
        )
        before = read(str(image.docker_archive(tmp_path / "image.tar")))
        path = tmp_path / "bom.json"
        path.write_bytes(form.render(Scanner(None).report(before), Page(100)))

        after = read(f"sbom:{path}")

        def facts(inventory: Any) -> list[tuple[str | None, ...]]:
            return [
                (one.purl, one.ecosystem, one.version, one.source_name, one.source_version)
                for one in inventory.packages
            ]

        assert facts(after) == facts(before)
        assert after.os is not None
        assert after.os.id == "debian"


@pytest.mark.parametrize(
    "content",
    [
        cyclonedx(),
        b'{"bomFormat": "CycloneDX", "specVersion": "1.5", "components": null}',
        b'{"bomFormat": "CycloneDX", "specVersion": "1.5", "services": [{"name": "a"}]}',
        spdx(),
        cyclonedx({"type": "file", "name": "a", "version": "1"}),
    ],
    ids=["empty", "null", "services", "spdx", "files"],
)
def test_a_document_that_names_no_package_says_so(content: bytes) -> None:
    (unknown,) = parse_sbom(content, "x").unknowns

    assert unknown.why == "the bill of materials names no package that can be matched"


def test_what_programs_read_in_two_ways_is_refused() -> None:
    both = {**json.loads(cyclonedx()), **json.loads(spdx())}
    with pytest.raises(Invalid, match="x is CycloneDX and SPDX at once"):
        parse_sbom(json.dumps(both).encode(), "x")

    case = {**json.loads(cyclonedx()), "Components": []}
    with pytest.raises(Invalid, match="x writes 'components' as 'Components', which some programs read"):
        parse_sbom(json.dumps(case).encode(), "x")


INNER = '{"type": "library", "name": "a", "version": "1", %s}'


@pytest.mark.parametrize(
    ("inner", "why"),
    [
        ('"Components": [{"purl": "pkg:npm/lodash@4.17.10"}]', "writes 'components' as 'Components'"),
        ('"purl": "pkg:npm/a@1", "PURL": "pkg:npm/lodash@4.17.10"', "writes 'purl' as 'PURL'"),
        ('"purl": "pkg:npm/a@1", "purl": "pkg:npm/lodash@4.17.10"', "gives 'purl' twice"),
        ('"components": [], "components": [{"purl": "pkg:npm/lodash@4.17.10"}]', "gives 'components' twice"),
    ],
)
def test_a_component_that_programs_read_differently_is_refused(inner: str, why: str) -> None:
    content = f'{{"bomFormat": "CycloneDX", "specVersion": "1.5", "components": [{INNER % inner}]}}'

    with pytest.raises(Invalid, match=why):
        parse_sbom(content.encode(), "x")
