"""Bills of materials that lie in an image: they add what nothing else shows, and say that they do."""

import gzip
import json
from typing import Any

import pytest
from tests.support.archives import jar, manifest, pom_properties
from tests.support.images import (
    ALPINE_318,
    DEBIAN_12,
    apk_installed,
    dpkg_entry,
    dpkg_status,
    file,
    node_package,
    python_package,
    whiteout,
)
from tests.support.inventories import Found

from hullguard.inventory import bounds

LOG4J = "pkg:maven/org.apache.logging.log4j/log4j-core@2.14.1"
ALONE = "1 packages are named by this bill of materials alone"


def cyclonedx(*components: dict[str, Any] | str, **document: Any) -> str:
    """Components, or just their purls."""
    listed = [{"type": "library", "name": "x", "purl": one} if isinstance(one, str) else one for one in components]
    return json.dumps({"bomFormat": "CycloneDX", "specVersion": "1.5", "components": listed, **document})


def spdx(*purls: str, relationships: list[tuple[str, str, str]] | None = None) -> str:
    """Packages called ``SPDXRef-0`` and so on."""
    packages = [
        {
            "name": "x",
            "SPDXID": f"SPDXRef-{number}",
            "externalRefs": [{"referenceType": "purl", "referenceLocator": purl}],
        }
        for number, purl in enumerate(purls)
    ]
    related = [
        {"spdxElementId": one, "relationshipType": kind, "relatedSpdxElement": other}
        for one, kind, other in relationships or []
    ]
    return json.dumps({"spdxVersion": "SPDX-2.3", "packages": packages, "relationships": related})


def by_bill(found: Found) -> list[tuple[str, str]]:
    """The names and places of those that bills alone name."""
    return [(package.name, *package.locations) for package in found.packages if package.by_bill]


def said(found: Found) -> list[tuple[str, str]]:
    return [(one.what, one.why) for one in found.unknowns if one.what != "operating system"]


@pytest.mark.parametrize(
    "path",
    [
        "usr/local/share/sbom/app.cdx.json",
        "usr/local/share/sbom/app.json",
        "opt/app/bom.json",
        "sbom.json",
        "layers/sbom/launch/paketo-buildpacks_maven/sbom.cdx.json",
        "layers/sbom/launch/paketo-buildpacks_bellsoft-liberica/jre/sbom.cdx.json",
        "app/META-INF/sbom/application.cdx.json",
        "opt/docker/sbom/openjdk/cyclonedx.json",
        "usr/lib/python3/site-packages/x-1.dist-info/sboms/auditwheel.json",
        "opt/app/app.cdx",
    ],
)
def test_what_nothing_else_shows_is_added_and_told(path: str) -> None:
    found = Found([file("etc/os-release", DEBIAN_12), file(path, cyclonedx(LOG4J))])
    package = found.named("org.apache.logging.log4j:log4j-core")

    assert (package.version, package.ecosystem, package.layer) == ("2.14.1", "Maven", "layer0")
    assert by_bill(found) == [(package.name, path)]
    assert [what for what, why in said(found) if why.startswith(ALONE)] == [path]


def test_spdx_is_read_too() -> None:
    assert by_bill(Found([file("a.spdx.json", spdx(LOG4J, "pkg:npm/lodash@4.17.10"))])) == [
        ("org.apache.logging.log4j:log4j-core", "a.spdx.json"),
        ("lodash", "a.spdx.json"),
    ]


@pytest.mark.parametrize(
    ("entry", "purl"),
    [
        (node_package("lodash", "4.17.10"), "pkg:npm/lodash@4.17.10"),
        (python_package("zope.interface", "5.0"), "pkg:pypi/zope-interface@5.0"),
        (file("srv/x.jar", jar(pom_properties("org.apache.logging.log4j", "log4j-core", "2.14.1"))), LOG4J),
    ],
)
def test_what_the_image_shows_is_reported_once_under_that(entry: Any, purl: str) -> None:
    found = Found([entry, file("a.cdx.json", cyclonedx(purl)), file("b.spdx.json", spdx(purl))])

    assert len(found.packages) == 1
    assert by_bill(found) == []
    assert said(found) == []


def test_two_bills_name_a_package_once() -> None:
    found = Found([file("a/sbom.cdx.json", cyclonedx(LOG4J)), file("a/sbom.spdx.json", spdx(f"{LOG4J}?type=jar"))])

    assert by_bill(found) == [("org.apache.logging.log4j:log4j-core", "a/sbom.cdx.json")]


def test_another_version_is_another_package() -> None:
    found = Found([node_package("lodash", "4.17.21"), file("a.cdx.json", cyclonedx("pkg:npm/lodash@4.17.10"))])

    assert sorted((one.version, one.by_bill) for one in found.packages) == [("4.17.10", True), ("4.17.21", False)]


def test_a_version_that_is_not_the_purls_is_told() -> None:
    two = [{"type": "library", "name": f"a{n}", "version": "2", "purl": f"pkg:npm/a{n}@1"} for n in range(25)]
    found = Found([file("a.cdx.json", cyclonedx(*two))])

    whys = [why for what, why in said(found) if what == "a.cdx.json"]
    assert {(one.name, one.version) for one in found.packages} == {(f"a{n}", "1") for n in range(25)}
    assert whys[:20] == [f"gives a{n} the version 2, and its purl 1, which is judged" for n in range(20)]
    assert whys[20] == "gives 5 more packages other versions than their purls do, which are judged"


UUID = "3e671687-395b-41f5-a30f-a58921a69b79"


def refers(*addresses: str) -> str:
    return cyclonedx(LOG4J, externalReferences=[{"type": "bom", "url": each} for each in addresses])


@pytest.mark.parametrize(
    ("referring", "count", "first"),
    [
        (refers("https://example.org/bom.json", "other.cdx.json"), 2, "https://example.org/bom.json"),
        (refers(f"urn:cdx:{UUID}/1#a"), 1, f"urn:cdx:{UUID}/1#a"),
        (cyclonedx({"name": "x", "purl": LOG4J, "externalReferences": [{"type": "bom", "url": "y"}]}), 1, "y"),
        (
            json.dumps(json.loads(spdx(LOG4J)) | {"externalDocumentRefs": [{"spdxDocument": "https://example.org/x"}]}),
            1,
            "https://example.org/x",
        ),
        (refers(*(f"{number}.json" for number in range(1500))), 1500, "0.json"),
    ],
)
def test_another_bill_to_which_one_refers_is_told(referring: str, count: int, first: str) -> None:
    why = f"refers to {count} other bills of materials, '{first}' the first of them; what they name was not read"

    assert ("app/a.cdx.json", why) in said(Found([file("app/a.cdx.json", referring)]))


@pytest.mark.parametrize(
    ("address", "place"),
    [
        ("other.cdx.json", "app/other.cdx.json"),
        ("./other.cdx.json#x", "app/other.cdx.json"),
        ("../lib/a%20b.cdx.json", "lib/a b.cdx.json"),
        ("/lib/other.cdx.json", "lib/other.cdx.json"),
        ("file:///lib/other.cdx.json", "lib/other.cdx.json"),
        (f"urn:cdx:{UUID.upper()}/2#x", "srv/other.cdx.json"),
        ("https://example.org/named", "srv/other.spdx.json"),
    ],
)
def test_one_that_is_read_itself_is_not_told(address: str, place: str) -> None:
    other = cyclonedx("pkg:npm/lodash@4.17.10", serialNumber=f"urn:uuid:{UUID}")
    if place.endswith("spdx.json"):
        named = {"documentNamespace": "https://example.org/named"}
        other = json.dumps(json.loads(spdx("pkg:npm/lodash@4.17.10")) | named)
    found = Found([file("app/a.cdx.json", refers(address)), file(place, other)])

    assert not [why for _, why in said(found) if "refers to" in why]
    assert [why for _, why in said(Found([file("app/a.cdx.json", refers(address))])) if "refers to" in why]


def test_a_bill_in_an_archive_refers_to_one_beside_it() -> None:
    beside = {"META-INF/sbom/a.json": refers("b.json"), "META-INF/sbom/b.json": cyclonedx("pkg:npm/lodash@4.17.10")}

    assert not [why for _, why in said(Found([file("x.jar", jar(beside))])) if "refers to" in why]


def test_what_an_os_package_brought_is_not_added_for_a_bill() -> None:
    metadata = "usr/lib/python3/dist-packages/requests-2.28.1.dist-info/METADATA"
    manifest_path = "usr/share/nodejs/node_modules/lodash/package.json"
    library = "usr/share/java/log4j-core.jar"
    listing = f"/{metadata}\n/{manifest_path}\n/{library}\n"
    found = Found(
        [
            file("etc/os-release", DEBIAN_12),
            dpkg_status(dpkg_entry("bundle", "1")),
            file("var/lib/dpkg/info/bundle.list", listing),
            file(metadata, "Name: requests\nVersion: 2.28.1\n\n"),
            file(manifest_path, '{"name": "lodash", "version": "4.17.10"}'),
            file(library, jar(pom_properties("org.apache.logging.log4j", "log4j-core", "2.14.1"))),
            file("srv/a.cdx.json", cyclonedx("pkg:pypi/requests@2.28.1", "pkg:npm/lodash@4.17.10", LOG4J)),
        ]
    )

    assert found.names == ["bundle"]


class TestOsPackages:
    DATABASE = "the image's package database does not name this version, and it knows what is installed"

    @staticmethod
    def found(*purls: str, os: str | bytes = ALPINE_318, installed: bool = True) -> Found:
        database = [apk_installed(("musl", "1.2.4-r2", "musl"))] if installed else []
        release = [file("etc/os-release", os)] if os else []
        return Found([*release, *database, file("var/lib/db/sbom/musl-1.2.4-r2.spdx.json", spdx(*purls))])

    def test_the_database_names_them_already(self) -> None:
        found = self.found("pkg:apk/alpine/musl@1.2.4-r2?arch=x86_64&distro=alpine-3.18")

        assert found.names == ["musl"]
        assert by_bill(found) == []
        assert said(found) == []

    def test_the_database_knows_better(self) -> None:
        purls = ["pkg:apk/alpine/musl@1.2.4-r0?distro=3.18", "pkg:apk/alpine/zlib@1.2.13-r0?distro=3.18"]
        found = self.found(*purls)

        assert found.names == ["musl"]
        place = "var/lib/db/sbom/musl-1.2.4-r2.spdx.json"
        assert said(found) == [
            (f"2 components of bills of materials, musl 1.2.4-r0 in {place} the first of them", self.DATABASE)
        ]

    def test_without_a_database_those_of_the_distribution_count(self) -> None:
        found = self.found("pkg:apk/alpine/musl@1.2.4-r2?distro=3.18", installed=False)

        assert [(one.name, one.ecosystem, one.by_bill) for one in found.packages] == [("musl", "Alpine:v3.18", True)]

    @pytest.mark.parametrize("purl", ["pkg:apk/wolfi/musl@1.2.4-r2", "pkg:apk/alpine/musl@1.2.4-r2?distro=3.17"])
    def test_those_of_another_distribution_or_release_do_not(self, purl: str) -> None:
        found = self.found(purl, installed=False)

        assert found.packages == []
        assert "which is alpine" in said(found)[0][1]

    def test_nor_those_that_the_distribution_does_not_use(self) -> None:
        found = Found(
            [
                file("etc/os-release", ALPINE_318),
                file("a.cdx.json", cyclonedx("pkg:deb/debian/bash@5?distro=debian-12")),
            ]
        )

        assert found.packages == []

    def test_where_the_image_says_nothing_of_itself_the_bill_does(self) -> None:
        found = self.found("pkg:apk/alpine/musl@1.2.4-r2?distro=3.18", os="", installed=False)

        assert [(one.name, one.ecosystem, one.by_bill) for one in found.packages] == [("musl", "Alpine:v3.18", True)]

    def test_what_an_os_package_was_built_from_is_not_in_the_image(self) -> None:
        found = self.found("pkg:apk/alpine/musl@1.2.4-r2?distro=3.18", "pkg:generic/nginx@1.20.0", "pkg:github/a/b@1")

        assert found.names == ["musl"]
        assert said(found) == []

    def test_a_bill_that_somebody_put_beside_those_of_os_packages(self) -> None:
        assert self.found("pkg:npm/lodash@4.17.10").names == ["lodash", "musl"]


class TestWhatIsNotPartOfWhatRuns:
    WHY = "the bill of materials says that it is not part of what runs"

    @pytest.mark.parametrize("said_of_it", [{"scope": "excluded"}, {"scope": "optional"}, {"isExternal": True}])
    def test_a_scope_of_cyclonedx(self, said_of_it: dict[str, Any]) -> None:
        component = {"type": "library", "name": "junit", "version": "4.12", "purl": "pkg:maven/a/b@1", **said_of_it}
        required = {"type": "library", "name": "a", "purl": "pkg:npm/a@1", "scope": "required", "isExternal": False}
        found = Found([file("a.cdx.json", cyclonedx(component, required))])

        assert by_bill(found) == [("a", "a.cdx.json")]
        assert ("1 components of bills of materials, junit 4.12 in a.cdx.json the first of them", self.WHY) in said(
            found
        )

    @pytest.mark.parametrize(
        "relationship",
        [
            ("SPDXRef-0", "DEV_DEPENDENCY_OF", "SPDXRef-1"),
            ("SPDXRef-0", "BUILD_TOOL_OF", "SPDXRef-1"),
            ("SPDXRef-1", "GENERATED_FROM", "SPDXRef-0"),
        ],
    )
    def test_a_relationship_of_spdx(self, relationship: tuple[str, str, str]) -> None:
        bill = spdx("pkg:npm/dev@1", "pkg:npm/app@1", relationships=[relationship])

        assert by_bill(Found([file("a.spdx.json", bill)])) == [("app", "a.spdx.json")]

    def test_what_is_needed_elsewhere_too_counts(self) -> None:
        related = [
            ("SPDXRef-0", "DEV_DEPENDENCY_OF", "SPDXRef-1"),
            ("SPDXRef-1", "DEPENDS_ON", "SPDXRef-0"),
        ]
        bill = spdx("pkg:npm/dev@1", "pkg:npm/app@1", relationships=related)

        assert len(by_bill(Found([file("a.spdx.json", bill)]))) == 2


class TestInArchives:
    def test_spring_boots(self) -> None:
        members = {"META-INF/sbom/application.cdx.json": cyclonedx(LOG4J), **manifest(Sbom_Format="CycloneDX")}
        found = Found([file("app/app.jar", jar(members))])

        assert by_bill(found) == [
            ("org.apache.logging.log4j:log4j-core", "app/app.jar!/META-INF/sbom/application.cdx.json")
        ]

    @pytest.mark.parametrize("name", ["META-INF/bom.cdx.json", "META-INF/sbom/dependency.cdx.json"])
    def test_quarkus(self, name: str) -> None:
        plain, packed = cyclonedx("pkg:npm/a@1").encode(), gzip.compress(cyclonedx("pkg:npm/b@1").encode())
        found = Found([file("a.jar", jar({name: plain, "META-INF/bom.cdx.json.gz": packed}))])

        assert by_bill(found) == [("a", f"a.jar!/{name}"), ("b", "a.jar!/META-INF/bom.cdx.json.gz")]

    @pytest.mark.parametrize(
        ("packed", "why"),
        [
            (b"no gzip", "a bill of materials that cannot be unpacked"),
            (gzip.compress(b"{}" * 99)[:-9], "a bill of materials that is cut off"),
            (
                gzip.compress(b" " * (bounds.BILL_BYTES + 1)),
                "is larger than a bill of materials that is read; it was left out",
            ),
        ],
    )
    def test_a_packed_one_that_cannot_be_read_is_told(self, packed: bytes, why: str) -> None:
        found = Found([file("a.jar", jar({"META-INF/a.cdx.json.gz": packed}))])

        assert ("a.jar!/META-INF/a.cdx.json.gz", why) in said(found)

    def test_what_lies_beside_it_is_named_by_itself(self) -> None:
        library = jar(pom_properties("org.apache.logging.log4j", "log4j-core", "2.14.1"))
        found = Found(
            [file("a.jar", jar({"META-INF/sbom/a.cdx.json": cyclonedx(LOG4J), "BOOT-INF/lib/log4j.jar": library}))]
        )

        assert [(one.locations, one.by_bill) for one in found.packages] == [(("a.jar!/BOOT-INF/lib/log4j.jar",), False)]

    def test_many_of_them(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(bounds, "BILLS_OF_AN_ARCHIVE", 2)
        bills = {f"META-INF/sbom/{number}.json": cyclonedx(f"pkg:npm/a{number}@1") for number in range(4)}
        found = Found([file("a.jar", jar(bills))])

        assert len(by_bill(found)) == 2
        assert ("a.jar", "has more than 2 bills of materials; the others were not read") in said(found)

    def test_a_large_one(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(bounds, "BILL_BYTES", 100)
        found = Found([file("a.jar", jar({"META-INF/sbom/a.json": cyclonedx(LOG4J)}))])

        assert ("a.jar!/META-INF/sbom/a.json", "has more than 100 bytes; not read") in said(found)


class TestLayers:
    def test_the_layer_of_the_bill_is_that_of_the_package(self) -> None:
        found = Found([file("a.cdx.json", cyclonedx("pkg:npm/a@1"))], [file("a.cdx.json", cyclonedx("pkg:npm/b@1"))])

        assert [(one.name, one.layer) for one in found.packages] == [("b", "layer1")]

    def test_a_deleted_bill_names_nothing(self) -> None:
        found = Found([file("a.cdx.json", cyclonedx("pkg:npm/a@1"))], [whiteout("a.cdx.json")])

        assert (found.packages, said(found)) == ([], [])


@pytest.mark.parametrize(
    ("path", "content", "why"),
    [
        ("a.cdx.json", "{", "a bill of materials that was not read: it is not what it should be"),
        ("a.cdx.json", "[]", "a bill of materials that was not read: it is not what it should be"),
        ("a.cdx.json", '{"a": 1}', "a bill of materials that was not read: it is neither CycloneDX nor SPDX in JSON"),
        ("bom.json", cyclonedx(specVersion="9"), "a bill of materials that was not read: it is CycloneDX 9"),
        ("a.spdx.json", '{"@context": "https://spdx.org/rdf/3.0.1"}', "it is JSON-LD, as of SPDX 3"),
        ("bom.xml", '<bom xmlns="http://cyclonedx.org/schema/bom/1.4">', "it is CycloneDX or SPDX in XML"),
        ("a.cdx.xml", "", "it is CycloneDX or SPDX in XML"),
        ("a.spdx", "SPDXVersion: SPDX-2.3", "it is SPDX in tags and values"),
        ("a.cdx.json", cyclonedx().replace('"components"', '"Components"'), "some programs read and others do not"),
        ("a.cdx.json", cyclonedx(), "the bill of materials names no package that can be matched"),
        ("a.cdx.json", cyclonedx(LOG4J, compositions=[{"aggregate": "incomplete"}]), "that it is incomplete"),
        ("node_modules/a/bom.json", cyclonedx(LOG4J), "packages of this kind are not read"),
        ("layers/sbom/launch/a/sbom.syft.json", "{}", "packages of this kind are not read"),
        ("a.spdx.json", spdx("pkg:npm/a@1").replace("[]", "7"), "its relationships are none"),
    ],
)
def test_what_cannot_be_read_is_told(path: str, content: str, why: str) -> None:
    found = Found([file(path, content)])

    assert why in " | ".join(one.why for one in found.unknowns)
    assert not any(one.incomplete for one in found.unknowns)


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("bom.json", '{"byte order mark": true}'),
        ("srv/sbom.json", "{"),
        ("bom.xml", "<project/>"),
        ("opt/docker/sbom/a/index.json", "{}"),
    ],
)
def test_of_what_others_call_so_nothing_is_told(path: str, content: str) -> None:
    assert said(Found([file(path, content)])) == []


def test_syfts_own_form_is_not_told_where_another_lies_beside_it() -> None:
    directory = "layers/sbom/launch/a"
    found = Found([file(f"{directory}/sbom.cdx.json", cyclonedx(LOG4J)), file(f"{directory}/sbom.syft.json", "{}")])

    assert [why.startswith(ALONE) for _, why in said(found)] == [True]


@pytest.mark.parametrize("path", ["opt/bitnami/a/.spdx-a.spdx", "x/Cellar/jq/1.7.1/sbom.spdx.json"])
def test_bills_that_have_readers_of_their_own(path: str) -> None:
    assert by_bill(Found([file(path, spdx(LOG4J))])) == []


def test_components_that_count_for_nothing_are_told_once_with_their_number() -> None:
    nameless = {"type": "library", "name": "zlib", "version": "1.2"}
    odd = ({"type": "library", "name": "a", "purl": f"pkg:{number}:@"} for number in range(40))
    github = {"type": "library", "name": "g", "purl": "pkg:github/a/b@1"}
    long = {"type": "library", "name": "l", "purl": f"pkg:npm/{'l' * 400}@1"}
    first = cyclonedx(nameless, nameless, *odd, github, long, {"type": "library", "purl": "pkg:npm/a"})
    found = Found([file("a.cdx.json", first), file("b.cdx.json", cyclonedx(nameless, LOG4J))])
    told = dict(said(found))

    no_purl = "3 components of bills of materials, zlib 1.2 in a.cdx.json the first of them"
    assert told[no_purl] == "the bill of materials gives it no purl, so it cannot be matched"
    assert sorted(told.values())[1:] == [
        "its name or its version cannot be one",
        "its purl has no version",
        "its purl is none",
        "packages of the type 'github' are not known here",
        "the bill of materials gives it no purl, so it cannot be matched",
    ]


def test_reasons_without_end_are_counted_together() -> None:
    kinds = ({"type": "library", "name": "x", "purl": f"pkg:kind{number}/a@1"} for number in range(50))
    found = Found([file("a.cdx.json", cyclonedx(*kinds))])

    counts = [int(what.split()[0]) for what, _ in said(found)]
    assert (len(counts), sum(counts), max(counts)) == (21, 50, 30)


class TestBounds:
    @staticmethod
    def bills() -> Found:
        return Found([file(f"{number}.cdx.json", cyclonedx(f"pkg:npm/a{number}@1")) for number in range(9)])

    def test_of_one(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(bounds, "BILL_PARTS", 3)
        found = self.bills()

        assert found.packages == []
        assert {(one.why, one.incomplete) for one in found.unknowns if one.what != "operating system"} == {
            ("is larger than a bill of materials that is read; it was left out", True)
        }

    def test_of_all_together(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(bounds, "BILLS_PARTS", 60)
        found = self.bills()

        assert 0 < len(found.packages) < 9
        assert sum(one.incomplete for one in found.unknowns) == 9 - len(found.packages)

    def test_of_packages(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(bounds, "PACKAGES_OF_A_FILE", 3)
        found = Found([file("a.cdx.json", cyclonedx(*(f"pkg:npm/a{number}@1" for number in range(9))))])

        assert len(found.packages) == 3
        assert ("a.cdx.json", "names more than 3 packages; 6 were left out") in said(found)

    def test_lists_in_lists_without_end(self) -> None:
        found = Found([file("a.cdx.json", '{"bomFormat": "CycloneDX", "x": ' + "[" * 200_000)])

        assert "a bill of materials that was not read" in said(found)[0][1]
