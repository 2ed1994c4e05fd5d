"""Java archives: Maven's own properties, manifests, archives in archives, and archives that mean harm."""

import io
import random
import struct
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.support.archives import jar, manifest, pom_properties, zipped
from tests.support.images import DEBIAN_12, Entry, Image, dpkg_entry, dpkg_status, file, layer
from tests.support.inventories import Found

from hullguard.inventory import Limits, random_access, read
from hullguard.inventory.analyzers import java
from hullguard.inventory.random_access import held

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
    ("stated", "told"),
    [
        ({}, []),
        ({"Implementation_Version": "1.1"}, []),
        ({"Implementation_Version": "1.1.0.Final"}, []),
        ({"Implementation_Version": "of the product"}, []),
        (
            {"Implementation_Version": "1.2"},
            ["is called '1.1', and says in its manifest that it is '1.2': it was looked up as what it is called"],
        ),
        (
            {"Implementation_Version": "1.10"},
            ["is called '1.1', and says in its manifest that it is '1.10': it was looked up as what it is called"],
        ),
    ],
)
def test_a_manifest_with_another_version_than_the_name_is_told(stated: dict[str, str], told: list[str]) -> None:
    found = Found([file("lib/dom4j-1.1.jar", jar(manifest(Implementation_Title="dom4j", **stated)))])

    assert [(one.name, one.version) for one in found.packages] == [("dom4j:dom4j", "1.1")]
    assert [one.why for one in found.unknowns if one.what == "lib/dom4j-1.1.jar"] == told


def test_properties_go_before_the_manifest_and_the_name() -> None:
    said = manifest(Implementation_Title="dom4j", Implementation_Version="2", Implementation_Vendor_Id="org.dom4j")
    found = Found([file("lib/dom4j-1.1.jar", jar({**said, **pom_properties("dom4j", "dom4j", "1.6.1")}))])

    assert [(one.name, one.version) for one in found.packages] == [("dom4j:dom4j", "1.6.1")]


def test_the_name_tells_what_properties_leave_out() -> None:
    lacking = {"META-INF/maven/dom4j/dom4j/pom.properties": "groupId=dom4j\nartifactId=dom4j\n"}
    found = Found([file("lib/dom4j-1.1.jar", jar(lacking))])

    assert [(one.name, one.version) for one in found.packages] == [("dom4j:dom4j", "1.1")]
    assert [one.what.partition("!")[0] for one in found.unknowns[1:]] == ["lib/dom4j-1.1.jar"]


@pytest.mark.parametrize("attributes", [{}, {"Specification_Title": "dom4j"}, {"Implementation_Title": "dom4j"}])
def test_an_archive_without_a_version_anywhere_is_told_by_its_name(attributes: dict[str, str]) -> None:
    found = Found([file("lib/dom4j.jar", jar(manifest(**attributes)))])

    assert found.names == []
    assert [one.what for one in found.unknowns[1:]] == ["lib/dom4j.jar"]


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
        "root/.cache/coursier/v1/https/repo.example/maven2/com/google/guava/guava/30.1/guava-30.1.jar",
        "root/.ivy2/cache/com.google.guava/guava/jars/guava-30.1.jar",
        "opt/ivy/cache/com.google.guava/guava/bundles/guava-30.1.jar",
        "root/.groovy/grapes/com.google.guava/guava/jars/guava-30.1.jar",
    ],
)
def test_the_place_in_a_cache_of_a_build_tool_says_it_all(path: str) -> None:
    assert Found([file(path, jar())]).named("com.google.guava:guava").version == "30.1"
    assert Found([file(path.replace("guava-30.1", "other-1"), jar())]).names == []


@pytest.mark.parametrize(
    ("name", "projects", "packages"),
    [
        ("guava-20.0.jar", ["com.google.guava/guava"], [("com.google.guava:guava", "20.0")]),
        ("app-1.jar", ["com.acme/app", "org.yaml/snakeyaml"], [("com.acme:app", "1")]),
        ("app-1.jar", ["com.acme/app", "org.acme/app"], []),
        ("app.jar", ["com.acme/app"], []),
        ("other-1.jar", ["com.acme/app"], []),
    ],
)
def test_the_place_of_a_project_file_says_group_and_name(
    name: str, projects: list[str], packages: list[tuple[str, str]]
) -> None:
    found = Found([file(f"lib/{name}", jar({f"META-INF/maven/{each}/pom.xml": "<project/>" for each in projects}))])

    assert [(one.name, one.version) for one in found.packages] == packages
    assert [one.what for one in found.unknowns if one.what == f"lib/{name}"] == ([] if packages else [f"lib/{name}"])


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


def unknowns(*entries: Entry) -> dict[str, str]:
    return {unknown.what: unknown.why for unknown in Found(entries).unknowns}


def incompressible(size: int) -> bytes:
    return random.Random(1).randbytes(size)


def test_a_packed_archive_that_is_too_large_is_named_and_the_rest_is_read(tmp_path: Path) -> None:
    big = jar({"big.bin": incompressible(300_000)}, zipfile.ZIP_STORED)
    outer = jar({"lib/big.jar": big[:-100] + bytes(200_000) + big[-100:], **LOG4J})
    path = Image([layer(file("srv/a.jar", outer))]).docker_archive(tmp_path / "image.tar")

    found = read(str(path), limits=Limits(large_file_bytes=400_000))
    assert [package.name for package in found.packages] == [LOG4J_NAME]
    assert ("srv/a.jar!/lib/big.jar", "has more than 400000 bytes; not read") in [
        (unknown.what, unknown.why) for unknown in found.unknowns
    ]


def test_an_archive_larger_than_the_limit_is_told_as_what_it_is(tmp_path: Path) -> None:
    path = Image([layer(file("srv/a.jar", jar(LOG4J)))]).docker_archive(tmp_path / "image.tar")

    found = read(str(path), limits=Limits(large_file_bytes=300))
    assert not found.complete
    assert any("are more than the 300 that are read of such a file" in unknown.why for unknown in found.unknowns)
    assert not any("package database may" in unknown.why for unknown in found.unknowns)


@pytest.mark.parametrize("levels", [1, 3])
def test_what_grows_as_no_archive_does_is_left(levels: int) -> None:
    bomb = jar({f"{number}.jar": b"\0" * (4 << 20) for number in range(3)})
    for _ in range(levels - 1):
        bomb = jar({"deeper.jar": bomb, **LOG4J})

    found = unknowns(file("bomb.jar", bomb))
    place = "bomb.jar!/" + "deeper.jar!/" * (levels - 1) + "0.jar"
    assert found[place] == "grows more than 200 times when unpacked; not read"


@pytest.mark.parametrize(
    ("limits", "why"),
    [
        (Limits(unpacked_bytes=1 << 20), "archives inside the image's files hold more than 1048576 bytes"),
        (Limits(entries=100), "the image holds more than 100 files"),
    ],
)
def test_all_archives_of_an_image_share_one_budget(tmp_path: Path, limits: Limits, why: str) -> None:
    inner = jar({"data": incompressible(300_000), **{f"{number}.txt": "" for number in range(40)}})
    layers = [layer(file(f"srv/{number}.jar", jar({"inner.jar": inner, **LOG4J}))) for number in range(6)]
    path = Image(layers).docker_archive(tmp_path / "image.tar")

    found = read(str(path), limits=limits)
    assert not found.complete
    assert found.unknowns[-1].what == "the rest of the image"
    assert found.unknowns[-1].why == f"{why}; the scan stopped there"
    assert 0 < len(found.packages) < 6
    assert read(str(path)).complete


def test_an_archive_far_larger_than_memory_should_be_is_read_from_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(random_access, "IN_MEMORY", 1 << 20)
    filling = {f"{number}.bin": incompressible(1 << 20) for number in range(24)}
    packed = jar({"data": incompressible(4 << 20), **pom_properties("org.example", "packed", "1")})
    content = jar({**filling, "lib/packed.jar": packed, "BOOT-INF/lib/log4j.jar": jar(LOG4J)}, zipfile.ZIP_STORED)
    content = jar({"app.war": content}, zipfile.ZIP_STORED)
    analyzer = java.JavaAnalyzer()
    tracemalloc.start()
    with held(content[start : start + (1 << 18)] for start in range(0, len(content), 1 << 18)) as whole:
        kept = analyzer.condense("fat.jar", whole)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert b'"org.apache.logging.log4j:log4j-core"' in kept
    assert b'"org.example:packed"' in kept
    assert peak < 6 << 20


def deflated_jar(**changes: int) -> bytes:
    """LOG4J with fields of its directory entry changed: ``flags``, ``method``, ``checksum``."""
    content = bytearray(jar(LOG4J))
    at = content.rindex(b"PK\x01\x02")
    for name, value in changes.items():
        place, form = {"flags": (8, "<H"), "method": (10, "<H"), "checksum": (16, "<I")}[name]
        struct.pack_into(form, content, at + place, value)
    return bytes(content)


POM = next(iter(LOG4J))
PROPERTIES = str(LOG4J[POM])


@pytest.mark.parametrize(
    ("content", "why", "named"),
    [
        (deflated_jar(flags=1), "is encrypted", False),
        (deflated_jar(method=12), "is packed by method 12, which Java cannot read either", False),
        (deflated_jar(method=93), "is packed by method 93, which Java cannot read either", False),
        (deflated_jar(method=0), "has a wrong checksum", False),
        (deflated_jar(checksum=7), "has a wrong checksum", True),
        (jar({POM: "#" * 300_000 + "\n" + PROPERTIES}), "has more than 262144 bytes", False),
        (jar({POM: PROPERTIES + "#" * 300_000}), "has more than 262144 bytes", True),
        (jar({POM: "groupId=a\nversion=${revision}\n"}), "lacks the group, the name or the version", False),
    ],
)
def test_properties_that_cannot_be_read_to_their_end_are_told(content: bytes, why: str, named: bool) -> None:
    found = Found([file("a.jar", content)])

    told = {unknown.what: unknown.why for unknown in found.unknowns}
    assert told[f"a.jar!/{POM}"] == f"{why}; what it says may be missing here"
    assert (LOG4J_NAME in found.names) is named


def test_damage_inside_properties_is_told() -> None:
    content = bytearray(jar({POM: PROPERTIES.encode() + incompressible(5000)}))
    at = content.index(POM.encode()) + len(POM) + 2000
    content[at : at + 600] = bytes(600)

    assert "what it says may be missing here" in unknowns(file("a.jar", bytes(content)))[f"a.jar!/{POM}"]


def test_a_wrong_checksum_does_not_hide_an_archive() -> None:
    content = bytearray(jar({"lib.jar": jar(LOG4J)}))
    struct.pack_into("<I", content, content.rindex(b"PK\x01\x02") + 16, 7)
    found = Found([file("a.jar", bytes(content))])

    assert found.names == [LOG4J_NAME]
    assert ("a.jar!/lib.jar", "has a wrong checksum; read nevertheless") in [(u.what, u.why) for u in found.unknowns]


def test_a_signed_manifest_of_megabytes_says_what_its_first_lines_say() -> None:
    digests = "".join(f"Name: org/example/C{number}.class\r\nSHA-256-Digest: x\r\n\r\n" for number in range(20_000))
    lines = "Manifest-Version: 1.0\r\nImplementation-Vendor-Id: org.example\r\n\r\n"
    found = Found([file("app-1.0.jar", jar({"META-INF/MANIFEST.MF": lines + digests}))])

    assert found.names == ["org.example:app"]
    assert [unknown for unknown in found.unknowns if unknown.what.startswith("app")] == []


def test_a_manifest_that_never_ends_is_told() -> None:
    lines = "Manifest-Version: 1.0\r\nImplementation-Vendor-Id: a\r\n" + " x\r\n" * 200_000

    told = unknowns(file("app-1.0.jar", jar({"META-INF/MANIFEST.MF": lines})))
    assert told["app-1.0.jar!/META-INF/MANIFEST.MF"].startswith("has more than 262144 bytes")


def test_archives_that_nobody_can_name_do_not_hide_the_others() -> None:
    strangers = {f"lib/stranger{number:03}.jar": jar() for number in range(80)}
    found = Found([file("srv/app.war", jar({**strangers, "lib/zz-last.jar": jar(LOG4J)}))])

    assert found.names == [LOG4J_NAME]
    told = [unknown.why for unknown in found.unknowns if unknown.what.startswith("srv/app.war")]
    assert "30 more parts of it could not be read or decided" in told


def test_a_directory_whose_name_has_a_line_break_hides_nothing() -> None:
    found = Found([file("opt/a\nb/x.jar", jar({"c\nd.jar": jar(LOG4J)}))])

    assert found.names == [LOG4J_NAME]


@pytest.mark.parametrize("path", ["x.hpi", "x.jpi", "x.nar", "x.sar", "x.kar", "x.lpkg"])
def test_archives_of_servers_for_java_are_archives_too(path: str) -> None:
    assert Found([file(path, jar(LOG4J))]).names == [LOG4J_NAME]


@pytest.mark.parametrize("cut", [1, 30, 200])
def test_a_broken_archive_is_told_and_harms_nothing(cut: int) -> None:
    content = jar(LOG4J)

    found = Found([file("a.jar", content[:-cut]), file("b.jar", content)])
    assert found.names == [LOG4J_NAME]
    assert "a.jar" in [unknown.what for unknown in found.unknowns]


@pytest.mark.parametrize("name", ["a.jar", "a.war", "app"])
@pytest.mark.parametrize("damage", [lambda whole: whole[:-40], lambda whole: whole[:-14] + bytes(14)])
def test_an_archive_whose_directory_is_gone_or_empty_is_told(name: str, damage: Callable[[bytes], bytes]) -> None:
    log4j = {name: content.encode() for name, content in LOG4J.items()}
    content = zipped({"META-INF/MANIFEST.MF": b"Manifest-Version: 1.0\n\n", **log4j})

    assert name in [unknown.what for unknown in Found([file(name, damage(content))]).unknowns]


@pytest.mark.parametrize(("path", "told"), [("nibabel/tests/data/T1.PAR", 0), ("a.kar", 0), ("a.jar", 1), ("a.war", 1)])
def test_only_what_nobody_else_calls_so_is_told_for_its_name_alone(path: str, told: int) -> None:
    unknowns = Found([file(path, b"# a list of parameters\n" * 9)]).unknowns

    assert len([unknown for unknown in unknowns if unknown.what == path]) == told


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
            file("etc/os-release", DEBIAN_12),
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


@pytest.mark.parametrize("name", ["tools.jar", "rt.jar", "jce.jar"])
def test_a_name_of_the_runtime_hides_no_other_archive(name: str) -> None:
    assert Found([file(f"srv/{name}", jar(LOG4J))]).names == [LOG4J_NAME]
    assert Found([file(f"usr/lib/jvm/lib/{name}", jar(manifest(Created_By="1.8.0")))]).unknowns[1:] == []


def test_an_archive_that_names_only_what_was_packed_into_it_is_told() -> None:
    found = Found([file("srv/kafka-clients-2.8.0.jar", jar(pom_properties("org.lz4", "lz4-java", "1.7.1")))])

    assert found.names == ["org.lz4:lz4-java"]
    assert "only what was packed into it" in found.unknowns[-1].why


@pytest.mark.parametrize(
    ("name", "attributes"),
    [
        ("opentelemetry-sdk-trace", {"Implementation_Title": "trace", "Implementation_Version": "1.44.1"}),
        ("shared", {}),
    ],
)
def test_so_is_one_without_a_version_in_its_name(name: str, attributes: dict[str, str]) -> None:
    shaded = {**pom_properties("org.jctools", "jctools-core", "4.0.5"), "io/Trace.class": b"\xca\xfe\xba\xbe"}
    content = jar({**shaded, **(manifest(**attributes) if attributes else pom_properties("lz4", "lz4", "1"))})

    found = Found([file(f"srv/{name}.jar", content)])
    assert "org.jctools:jctools-core" in found.names
    assert "only what was packed into it" in found.unknowns[-1].why


@pytest.mark.parametrize("attributes", [{"Implementation_Version": "2.0"}, {"Implementation_Version": "a1b2c3"}, {}])
def test_an_application_of_any_name_is_what_it_has_the_properties_of(attributes: dict[str, str]) -> None:
    own = {**pom_properties("org.example", "shop", "2.0"), "a/App.class": b"\xca\xfe\xba\xbe"}

    found = Found([file("srv/app.jar", jar({**own, **manifest(Created_By="Maven", **attributes)}))])
    assert (found.names, found.unknowns[1:]) == (["org.example:shop"], [])


@pytest.mark.parametrize(
    ("file_name", "vendor", "title", "said", "package", "version"),
    [
        (
            "kotlin-stdlib.jar",
            "",
            "kotlin-stdlib",
            "1.9.10-release-459",
            "org.jetbrains.kotlin:kotlin-stdlib",
            "1.9.10",
        ),
        (
            "kotlin-reflect.jar",
            *("", "kotlin-reflect", "1.6.10-release-923(1.6.10)"),
            *("org.jetbrains.kotlin:kotlin-reflect", "1.6.10"),
        ),
        ("junit.jar", "junit", "JUnit", "4.13.2", "junit:junit", "4.13.2"),
        ("json4s_2.13.jar", "org.json4s", "json4s", "4.0.7", "org.json4s:json4s_2.13", "4.0.7"),
        ("lib.jar", "org.json4s", "json4s", "4.0.7", "org.json4s:json4s", "4.0.7"),
        ("json4s-lib.jar", "org.json4s", "json4s", "4.0.7", "org.json4s:json4s", "4.0.7"),
    ],
)
def test_without_a_version_in_the_name_the_manifest_says_it(
    *, file_name: str, vendor: str, title: str, said: str, package: str, version: str
) -> None:
    attributes = {"Implementation_Title": title, "Implementation_Version": said, "Implementation_Vendor_Id": vendor}

    found = Found([file(f"srv/{file_name}", jar(manifest(**attributes)))])
    assert [(one.name, one.version) for one in found.packages] == [(package, version)]


def test_a_version_of_endless_builds_costs_little() -> None:
    said = "1" + "-release-1(" * 20_000
    attributes = {"Implementation_Title": "kotlin-stdlib", "Implementation_Version": said}

    found = Found([file("srv/kotlin-stdlib.jar", jar(manifest(**attributes)))])
    assert found.names == []


@pytest.mark.parametrize("name", ["app", "app.zip", "lib/x.bin"])
def test_an_archive_of_any_name_is_read(name: str) -> None:
    assert Found([file(f"srv/{name}", jar(LOG4J))]).names == [LOG4J_NAME]
    assert "srv/app" in [unknown.what for unknown in Found([file("srv/app", jar())]).unknowns]


@pytest.mark.parametrize(
    "content",
    [
        zipped({"word/document.xml": b"<a/>" * 20}),
        zipped({"META-INF/MANIFEST.MF": b"A: b" * 20}),
        b"PK\x03\x04" + bytes(99),
    ],
    ids=["document", "Android", "nothing"],
)
def test_what_only_begins_like_one_is_no_java_archive(content: bytes) -> None:
    found = Found([file("srv/report", content)])

    assert (found.names, [one.what for one in found.unknowns if one.what.startswith("srv")]) == ([], [])


def test_an_archive_that_lies_there_unpacked_is_named() -> None:
    ((inner, content),) = LOG4J.items()
    place = f"usr/local/tomcat/webapps/ROOT/{inner}"

    package = Found([file(place, content)]).named(LOG4J_NAME)
    broken = Found([file(place, "version=1\n")])

    assert (package.version, package.locations) == ("2.14.1", (place,))
    assert (place, "lacks the group, the name or the version") in [(one.what, one.why) for one in broken.unknowns]


@pytest.mark.parametrize("inner", ["Django-3.2.0.dist-info/METADATA", "x/node_modules/@a/b/package.json"])
def test_an_archive_of_other_languages_is_told_unless_nothing_runs_it(inner: str) -> None:
    content = zipped({inner: b"Name: Django\nVersion: 3.2.0\n", "x": b"x"})
    told = "an archive that holds 1 packages of Python or Node.js; they were not read"

    assert ("var/task.zip", told) in [(one.what, one.why) for one in Found([file("var/task.zip", content)]).unknowns]
    assert told not in [one.why for one in Found([file("wheels/Django-3.2.0.whl", content)]).unknowns]


@pytest.mark.parametrize("path", ["opt/l.zip", "opt/a.war", "opt/a.jar"])
def test_so_is_one_that_holds_javas_archives_too(path: str) -> None:
    held_there = {
        "x/y.jar": jar(LOG4J),
        "static/node_modules/lodash/package.json": b'{"name": "lodash", "version": "4.17.15"}',
        "WEB-INF/python/Django-4.2.dist-info/METADATA": b"Name: Django",
    }
    found = Found([file(path, zipped(held_there))])
    told = "an archive that holds 2 packages of Python or Node.js; they were not read"

    assert found.names == [LOG4J_NAME]
    assert (path, told) in [(one.what, one.why) for one in found.unknowns]


PLUGIN = {"Short_Name": "script-security", "Plugin_Version": "1.70"}


@pytest.mark.parametrize("version", ["1.70", "1.70 (private-0a1b-builder)"])
@pytest.mark.parametrize("path", ["var/jenkins/plugins/script-security.hpi", "x.jpi"])
def test_a_plugin_of_jenkins_is_named_by_its_manifest(path: str, version: str) -> None:
    own = manifest(**PLUGIN | {"Plugin_Version": version, "Group_Id": "org.jenkins-ci.plugins"})
    found = Found([file(path, zipped({**own, "WEB-INF/lib/log4j.jar": jar(LOG4J)}))])  # type: ignore[dict-item]

    assert found.named("org.jenkins-ci.plugins:script-security").version == "1.70"
    assert found.names == [LOG4J_NAME, "org.jenkins-ci.plugins:script-security"]


def test_a_plugin_of_jenkins_that_has_mavens_properties_is_named_once() -> None:
    own = manifest(**PLUGIN, Group_Id="org.jenkins-ci.plugins")
    properties = pom_properties("org.jenkins-ci.plugins", "script-security", "1.70")

    assert Found([file("a.hpi", jar({**own, **properties}))]).names == ["org.jenkins-ci.plugins:script-security"]


def test_a_plugin_of_jenkins_without_a_group_is_told() -> None:
    found = Found([file("a.hpi", zipped(manifest(**PLUGIN)))])  # type: ignore[arg-type]

    why = "a plugin of Jenkins that does not say its Maven group, name and version"
    assert ("a.hpi", why) in [(one.what, one.why) for one in found.unknowns]


@pytest.mark.parametrize(
    "written",
    [
        "version = 2.14.1\ngroupId : org.apache.logging.log4j\nartifactId\tlog4j-core\n",
        "version=2.14\\\n   .1\ngroupId=org.apache.logging.log4j\nartifactId=log4j\\u002dcore\n",
        "! version=3\\\n#version=4\\\r\n\r\nversion=2.14.1\rgroupId=org.apache.\\\r\n\t logging.log4j\nartifact\\Id=log4j-core",
        "ve\\u0072sion=2.14.1 \ngroupId=org.apache.logging\\.log4j\nartifactId=log4j-core\\\n",
    ],
)
def test_properties_are_read_as_java_reads_them(written: str) -> None:
    found = Found([file("x.jar", jar({"META-INF/maven/a/b/pom.properties": written}))])

    assert [(one.name, one.version) for one in found.packages] == [(LOG4J_NAME, "2.14.1")]


@pytest.mark.parametrize(
    "written", ["version=1\\ud800\ngroupId=a\nartifactId=b\n", "version=\\u12\ngroupId=a\n", "\\" * 1001]
)
def test_escapes_that_are_none_harm_nothing(written: str) -> None:
    found = Found([file("x.jar", jar({"META-INF/maven/a/b/pom.properties": written})), file("y.jar", jar(LOG4J))])

    assert LOG4J_NAME in found.names
    assert all(one.what.isprintable() and one.why.isprintable() for one in found.unknowns)


@pytest.mark.parametrize(
    ("name", "package"),
    [
        ("hibernate-core-6.2.0.Final.jar", "org.hibernate.orm:hibernate-core"),
        ("hibernate-core-5.6.15.Final.jar", "org.hibernate:hibernate-core"),
        ("okhttp-2.7.5.jar", "com.squareup.okhttp:okhttp"),
        ("okhttp-3.0.0.jar", "com.squareup.okhttp3:okhttp"),
        ("asm-3.1.jar", "asm:asm"),
        ("asm-commons-3.3.1.jar", "asm:asm-commons"),
        ("asm-9.1.jar", "org.ow2.asm:asm"),
        ("dom4j-1.6.1.jar", "dom4j:dom4j"),
        ("dom4j-2.1.3.jar", "org.dom4j:dom4j"),
        ("velocity-1.4.jar", "velocity:velocity"),
        ("velocity-1.7.jar", "org.apache.velocity:velocity"),
        ("ant-1.6.5.jar", "ant:ant"),
        ("ant-1.10.5.jar", "org.apache.ant:ant"),
        ("reactor-core-3.4.0.jar", "io.projectreactor:reactor-core"),
        ("com.squareup.okhttp.okhttp-2.7.5.jar", "com.squareup.okhttp:okhttp"),
    ],
)
def test_a_family_has_the_group_that_it_had_in_that_version(name: str, package: str) -> None:
    assert Found([file(f"lib/{name}", jar(manifest(Created_By="javac")))]).names == [package]


@pytest.mark.parametrize("name", ["java.base.jmod", "jdk.internal.vm.ci.jmod"])
def test_modules_of_a_development_kit_are_parts_of_the_runtime(name: str) -> None:
    module = b"JM\x01\x00" + jar({"classes/module-info.class": b"x"})
    assert Found([file(f"usr/lib/jvm/jmods/{name}", module)]).unknowns == Found([]).unknowns
    assert Found([file("opt/my.own.jmod", module)]).unknowns[-1].what == "opt/my.own.jmod"


def test_a_module_of_java_is_read() -> None:
    assert Found([file("opt/x.jmod", b"JM\x01\x00" + jar(LOG4J))]).names == [LOG4J_NAME]


def test_of_properties_no_more_is_kept_than_a_name_may_have() -> None:
    content = b"groupId=g\nversion=" + b"1" * 5000 + b"\ndescription=" + b"x" * 5000

    assert java._properties(content) == {"groupId": "g", "version": "1" * 1000}


SCRIPT = b"#!/bin/bash\n" + b"# what starts it\n" * 600 + b"exit 0\n"


def test_an_archive_behind_a_script_is_read_whatever_its_name() -> None:
    content = SCRIPT + jar(pom_properties("org.apache.logging.log4j", "log4j-core", "2.14.1"))
    found = Found([file("etc/init.d/app", content), file("usr/bin/script", SCRIPT)])

    assert [(one.name, one.locations) for one in found.packages] == [
        ("org.apache.logging.log4j:log4j-core", ("etc/init.d/app",))
    ]
    assert [one.what for one in found.unknowns if one.what != "operating system"] == []


def test_quarkus_puts_the_group_before_the_name() -> None:
    lib = "app/quarkus-app/lib/main"
    found = Found(
        [
            file(
                f"{lib}/io.vertx.vertx-core-4.0.0.jar",
                jar(pom_properties("io.vertx", "vertx-core", "4.0.0")),
            ),
            file(
                f"{lib}/org.apache.logging.log4j.log4j-core-2.14.1.jar",
                jar(
                    pom_properties("org.apache.logging.log4j", "log4j-core", "2.14.1")
                    | manifest(Implementation_Vendor_Id="org.apache.logging.log4j")
                ),
            ),
            file(f"{lib}/com.squareup.okhttp3.okhttp-3.14.9.jar", jar()),
            file(f"{lib}/org.springframework.spring-core-5.3.0.jar", jar()),
        ]
    )

    assert found.names == [
        "com.squareup.okhttp3:okhttp",
        "io.vertx:vertx-core",
        "org.apache.logging.log4j:log4j-core",
        "org.springframework:spring-core",
    ]
    assert [unknown.what for unknown in found.unknowns] == ["operating system"]


@pytest.mark.parametrize("symbolic", [{}, {"Bundle_SymbolicName": "org.apache.tomcat-catalina"}])
@pytest.mark.parametrize("name", ["catalina.jar", "catalina-9.0.30.jar"])
def test_the_tomcat_server_says_its_version_inside(name: str, symbolic: dict[str, str]) -> None:
    said = {"Implementation_Title": "Apache Tomcat", "Implementation_Version": "9.0.30"}
    found = Found(
        [
            file(f"usr/local/tomcat/lib/{name}", jar(manifest(**said, **symbolic))),
            file("usr/local/tomcat/lib/tomcat-coyote.jar", jar(manifest(**said))),
            file("usr/local/tomcat/lib/el-api.jar", jar(manifest(**said))),
            file("srv/lib/tomcat-embed-core-9.0.29.jar", jar(manifest(**said))),
        ]
    )

    assert sorted((package.name, package.version) for package in found.packages) == [
        ("org.apache.tomcat.embed:tomcat-embed-core", "9.0.29"),
        ("org.apache.tomcat:tomcat", "9.0.30"),
        ("org.apache.tomcat:tomcat-catalina", "9.0.30"),
        ("org.apache.tomcat:tomcat-coyote", "9.0.30"),
        ("org.apache.tomcat:tomcat-el-api", "9.0.30"),
    ]


def test_a_group_in_front_of_the_name_is_taken_off_whoever_states_it() -> None:
    content = jar(manifest(Implementation_Vendor_Id="org.postgresql"))

    assert Found([file("lib/org.postgresql.postgresql-42.2.0.jar", content)]).names == ["org.postgresql:postgresql"]


def test_the_vendor_of_mysqls_driver_is_not_its_group() -> None:
    content = jar(manifest(Implementation_Vendor_Id="com.mysql"))

    assert Found([file("opt/mysql-connector-java-8.0.11.jar", content)]).names == ["mysql:mysql-connector-java"]


@pytest.mark.parametrize("how", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_what_others_call_as_java_does_is_none_inside_an_archive_either(how: int) -> None:
    inner = jar(pom_properties("org.example", "lib", "1"))
    text_only = zipped({"tests/T1.PAR": b"# a picture of a head\n" * 99, "a.txt": b"x"}, how)
    with_one = zipped({"tests/T1.PAR": b"# a picture of a head\n" * 99, "lib/x.par": inner}, how)

    assert [one.what for one in Found([file("srv/scans.zip", text_only)]).unknowns] == ["operating system"]
    assert Found([file("srv/scans.zip", with_one)]).names == ["org.example:lib"]
    assert [one.what for one in Found([file("srv/app.jar", jar({"lib/x.jar": "no archive"}))]).unknowns[1:]] == [
        "srv/app.jar!/lib/x.jar",
        "srv/app.jar",
    ]
