"""Java archives: Maven's own properties, manifests, archives in archives, and archives that mean harm."""

import io
import zipfile

import pytest
from tests.support.archives import jar, manifest, pom_properties
from tests.support.images import dpkg_entry, dpkg_status, file
from tests.support.inventories import Found

from hullguard.inventory.analyzers import java

LOG4J = pom_properties("org.apache.logging.log4j", "log4j-core", "2.14.1")
LOG4J_NAME = "org.apache.logging.log4j:log4j-core"


@pytest.mark.parametrize("path", ["opt/app/log4j-core-2.14.1.jar", "app.JAR", "srv/x.war", "x.ear", "a/b.par"])
def test_maven_properties_name_an_archive(path: str) -> None:
    package = Found([file(path, jar(LOG4J))]).named(LOG4J_NAME)

    assert (package.version, package.ecosystem) == ("2.14.1", "Maven")
    assert package.purl == "pkg:maven/org.apache.logging.log4j/log4j-core@2.14.1"
    assert package.locations == (path,)


def test_several_properties_are_what_was_shaded_in() -> None:
    content = jar({**LOG4J, **pom_properties("org.example", "app", "1.0")})

    assert Found([file("srv/app-1.0.jar", content)]).names == [LOG4J_NAME, "org.example:app"]


def test_archives_in_archives_say_where_they_lie() -> None:
    fat = jar({"BOOT-INF/lib/log4j-core-2.14.1.jar": jar(LOG4J), **pom_properties("org.example", "app", "1")})
    ear = jar({"web.war": fat})

    found = Found([file("srv/all.ear", ear)])

    assert found.named(LOG4J_NAME).locations == ("srv/all.ear!/web.war!/BOOT-INF/lib/log4j-core-2.14.1.jar",)
    assert found.named("org.example:app").locations == ("srv/all.ear!/web.war",)


@pytest.mark.parametrize(
    ("name", "attributes", "package", "version"),
    [
        (
            "hibernate-validator-6.0.1.Final.jar",
            {"Implementation_Vendor_Id": "org.hibernate.validator"},
            "org.hibernate.validator:hibernate-validator",
            "6.0.1.Final",
        ),
        (
            "commons-lang3-3.12.0.jar",
            {"Bundle_SymbolicName": "org.apache.commons.lang3", "Bundle_Version": "3.12.0"},
            "org.apache.commons:commons-lang3",
            "3.12.0",
        ),
        (
            "jackson-databind-2.9.8.jar",
            {"Bundle_SymbolicName": "com.fasterxml.jackson.core.jackson-databind;singleton:=true"},
            "com.fasterxml.jackson.core:jackson-databind",
            "2.9.8",
        ),
        (
            "spring-core-5.3.18.jar",
            {"Implementation_Title": "spring-core", "Implementation_Version": "5.3.18"},
            "org.springframework:spring-core",
            "5.3.18",
        ),
        (
            "renamed.jar",
            {
                "Implementation_Title": "widget",
                "Implementation_Version": "1.2",
                "Implementation_Vendor_Id": "org.example",
            },
            "org.example:widget",
            "1.2",
        ),
    ],
)
def test_without_properties_the_manifest_and_the_file_name_decide_together(
    name: str, attributes: dict[str, str], package: str, version: str
) -> None:
    found = Found([file(f"lib/{name}", jar(manifest(**attributes)))])

    assert found.named(package).version == version


@pytest.mark.parametrize(
    ("name", "attributes"),
    [
        ("guava-30.1.jar", {"Bundle_SymbolicName": "com.google.guava", "Bundle_Version": "30.1"}),
        ("app-1.0.jar", {}),
        ("app.jar", {"Implementation_Title": "The App", "Implementation_Version": "1"}),
        ("app-1.0.jar", {"Implementation_Vendor": "Example Ltd"}),
    ],
)
def test_a_group_is_never_invented(name: str, attributes: dict[str, str]) -> None:
    found = Found([file(f"lib/{name}", jar(manifest(**attributes)))])

    assert found.names == []
    assert [u.why for u in found.unknowns if u.what == f"lib/{name}"] == [
        "a Java archive that does not say its Maven group, name and version"
    ]


@pytest.mark.parametrize(
    "path",
    [
        "root/.m2/repository/com/google/guava/guava/30.1/guava-30.1.jar",
        "home/gradle/.gradle/caches/modules-2/files-2.1/com.google.guava/guava/30.1/00d0c3ce2311c9e36e/guava-30.1.jar",
    ],
)
def test_the_place_in_a_cache_of_a_build_tool_says_it_all(path: str) -> None:
    assert Found([file(path, jar())]).named("com.google.guava:guava").version == "30.1"
    assert Found([file(path.replace("guava-30.1", "other-1"), jar())]).names == []


@pytest.mark.parametrize(
    ("name", "attributes", "package"),
    [
        ("commons-logging-1.1.jar", {"Implementation_Vendor_Id": "org.apache"}, "commons-logging:commons-logging"),
        ("asm-tree-9.6.jar", {"Bundle_SymbolicName": "org.objectweb.asm.tree"}, "org.ow2.asm:asm-tree"),
        ("jna-platform-5.13.0.jar", {"Bundle_SymbolicName": "com.sun.jna.platform"}, "net.java.dev.jna:jna-platform"),
    ],
)
def test_manifests_that_are_known_to_mislead_are_not_followed(
    name: str, attributes: dict[str, str], package: str
) -> None:
    assert Found([file(name, jar(manifest(**attributes)))]).names == [package]


def test_only_the_main_section_counts_and_its_long_lines_are_joined() -> None:
    lines = "Implementation-Vendor-Id: org.exa\r\n mple\r\n\r\nName: x\r\nImplementation-Vendor-Id: org.other\r\n"

    found = Found([file("app-1.0.jar", jar({"META-INF/MANIFEST.MF": lines}))])
    assert found.names == ["org.example:app"]


def test_an_archive_of_resources_needs_no_name() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("messages.properties", "a=b")

    assert "messages.jar" not in [unknown.what for unknown in Found([file("messages.jar", out.getvalue())]).unknowns]


def test_the_licence_is_what_the_bundle_states() -> None:
    members = {**LOG4J, **manifest(Bundle_License='"Apache-2.0";link="https://www.apache.org/licenses/"')}

    assert Found([file("a.jar", jar(members))]).named(LOG4J_NAME).licenses == ("Apache-2.0",)


def test_properties_with_variables_are_no_version() -> None:
    content = jar(pom_properties("org.example", "app", "${project.version}"))

    assert Found([file("app.jar", content)]).names == []


def nested(levels: int) -> bytes:
    content = jar(LOG4J)
    for _ in range(levels):
        content = jar({"deeper.jar": content}, zipfile.ZIP_STORED)
    return content


def test_endless_nesting_ends_at_once_and_says_so() -> None:
    deep = Found([file("deep.jar", nested(300))])
    shallow = Found([file("shallow.jar", nested(8))])

    assert LOG4J_NAME not in deep.names
    assert "holds archives nested deeper than 8; they were not read" in [unknown.why for unknown in deep.unknowns]
    assert shallow.names == [LOG4J_NAME]


def test_archives_that_grow_without_end_are_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(java, "_TOTAL_BYTES", 1 << 20)
    bomb = jar({f"{number}.jar": b"\0" * (600 << 10) for number in range(5)})

    found = Found([file("bomb.jar", bomb)])
    assert "holds more than 1 MiB of nested archives; it was not read further" in [u.why for u in found.unknowns]


def test_a_member_that_is_too_large_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(java, "_MEMBER_BYTES", 1 << 10)

    found = Found([file("a.jar", jar({"big.jar": b"\0" * 5000, **LOG4J}))])
    assert found.names == [LOG4J_NAME]
    assert "a.jar!/big.jar" in [unknown.what for unknown in found.unknowns]


def test_a_crowd_of_entries_is_not_walked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(java, "_ENTRIES", 10)

    found = Found([file("a.jar", jar({f"{number}.txt": b"" for number in range(20)}))])
    assert "holds more than 10 entries; it was not read further" in [unknown.why for unknown in found.unknowns]


@pytest.mark.parametrize("cut", [1, 30, 200])
def test_a_broken_archive_is_told_and_harms_nothing(cut: int) -> None:
    content = jar(LOG4J)

    found = Found([file("a.jar", content[:-cut]), file("b.jar", content)])
    assert found.names == [LOG4J_NAME]
    assert "a.jar" in [unknown.what for unknown in found.unknowns]


def test_bytes_that_were_changed_never_raise() -> None:
    content = jar({**LOG4J, "inner.jar": jar(LOG4J)})
    analyzer = java.JavaAnalyzer()

    for position in range(0, len(content), 3):
        changed = bytearray(content)
        changed[position] ^= 0xFF
        assert isinstance(analyzer.condense("a.jar", bytes(changed)), bytes)


def test_an_archive_of_the_distribution_is_reported_once_as_its_package() -> None:
    found = Found(
        [
            dpkg_status(dpkg_entry("liblog4j2-java", "2.17.1-1")),
            file("var/lib/dpkg/info/liblog4j2-java.list", "/usr/share/java/log4j-core.jar\n"),
            file("usr/share/java/log4j-core.jar", jar(LOG4J)),
        ]
    )

    assert found.names == ["liblog4j2-java"]


def test_a_name_without_end_is_no_version() -> None:
    endless = "a" + "-1" * 30_000 + "!.jar"

    found = Found([file("a.jar", jar({endless: jar(), **LOG4J}))])
    assert found.names == [LOG4J_NAME]
