"""Alpine packages, in both places and with their origin."""

from collections.abc import Callable

import pytest
from tests.support.images import ALPINE_318, apk_installed, file, symlink
from tests.support.inventories import Found

OS = file("etc/os-release", ALPINE_318)


@pytest.mark.parametrize("path", ["lib/apk/db/installed", "usr/lib/apk/db/installed"])
def test_the_database_is_found_in_both_places(path: str) -> None:
    package = Found([OS, apk_installed(("libcrypto3", "3.1.4-r0", "openssl"), path=path)]).named("libcrypto3")

    assert (package.ecosystem, package.source_name, package.source_version) == ("Alpine:v3.18", "openssl", "3.1.4-r0")
    assert package.purl == "pkg:apk/alpine/libcrypto3@3.1.4-r0?arch=x86_64&distro=alpine-3.18.4"
    assert package.locations == (path,)


def test_a_merged_usr_does_not_count_twice() -> None:
    found = Found(
        [OS, symlink("lib", "usr/lib"), apk_installed(("musl", "1.2", "musl"), path="usr/lib/apk/db/installed")]
    )

    assert found.names == ["musl"]


def test_a_line_of_any_length_is_read() -> None:
    database = "P:big\nV:1.0-r0\nD:" + "so:libc.so " * 20_000 + "\no:big\n\nP:after\nV:2.0-r0\n\n"

    assert Found([OS, file("lib/apk/db/installed", database)]).names == ["after", "big"]


@pytest.mark.parametrize(
    "database",
    [
        "P:a\nV:1\nthe disk is full\no:a\n\nP:b\nV:2\n\n",
        "P:a\nV:1\nA:x86_64\nL:MIT\nA:noarch\nL:GPL\no:b\n\n",  # between the two are the name and version of the other
    ],
)
def test_lines_that_apk_would_not_have_written_are_told(database: str) -> None:
    found = Found([OS, file("lib/apk/db/installed", database)])

    assert [(unknown.what, unknown.incomplete) for unknown in found.unknowns] == [("lib/apk/db/installed", True)]


def test_packages_that_were_asked_for_are_missed() -> None:
    database = (
        "P:musl\nV:1.2-r0\n\nP:mariadb-client\nV:11-r0\np:mysql-client=11-r0 cmd:mysql=11-r0 so:libx.so=1\n\n"
        "P:.build-deps\nV:1-r0\n\n"
    )
    world = "musl\nmysql-client\n!uclibc\n.build-deps\nlibcrypto3=3.1.4-r0\nnginx@edge>1.2\ncurl><Q1abc=\n"

    found = Found([OS, file("lib/apk/db/installed", database), file("etc/apk/world", world)])
    whole = Found([OS, file("lib/apk/db/installed", database), file("etc/apk/world", "musl~1.2\nmysql-client\n")])

    why = "it does not name 3 of the packages that etc/apk/world asks for, curl the first of them"
    assert [(unknown.what, unknown.why, unknown.incomplete) for unknown in found.unknowns] == [
        ("lib/apk/db/installed", why, True)
    ]
    assert whole.unknowns == []


def test_the_last_record_needs_no_empty_line() -> None:
    assert Found([OS, file("lib/apk/db/installed", "P:a\nV:1\n\nP:b\nV:2")]).names == ["a", "b"]


def test_the_licence_is_what_the_package_says() -> None:
    database = "P:musl\nV:1.2-r0\nL:MIT AND BSD-2-Clause\n\nP:zlib\nV:1-r0\nL:\n\n"
    found = Found([OS, file("lib/apk/db/installed", database)])

    assert found.named("musl").licenses == ("MIT AND BSD-2-Clause",)
    assert found.named("zlib").licenses == ()


def test_a_record_without_a_version_is_named() -> None:
    found = Found([OS, file("lib/apk/db/installed", "P:a\n\nP:b\nV:2\n\n")])

    assert found.names == ["b"]
    assert found.unknowns[0].what == "a"


def test_a_package_belongs_to_the_layer_that_brought_its_version() -> None:
    found = Found(
        [OS, apk_installed(("musl", "1", "musl"), ("zlib", "1", "zlib"))],
        [apk_installed(("musl", "1", "musl"), ("zlib", "2", "zlib"), ("curl", "8", "curl"))],
    )

    assert {package.name: package.layer for package in found.packages} == {
        "musl": "layer0",
        "zlib": "layer1",
        "curl": "layer1",
    }


OWN = "https://dl-cdn.alpinelinux.org/alpine/v3.18/main\n# a remark\n\nhttp://mirror.example.com/pub/alpine/edge/testing\n"
BUILT = "o:py3-six\nc:4024cc3b29ad4c65544ad068b8f59172b5494306\nm:Somebody <somebody@example.com>\n"


@pytest.mark.parametrize(
    ("said", "repositories", "world", "once"),
    [
        (BUILT, OWN, "py3-six\n", True),
        (BUILT, OWN + "@edge https://dl-cdn.alpinelinux.org/alpine/edge/main\n", "", True),
        (BUILT, OWN + "https://packages.example.com/alpine\n", "", False),
        (BUILT, "", "", False),
        (BUILT, OWN, "busybox\npy3-six><Q1yyMWoYnr7lKCxKm9mHlMwkd6dMY=\n", False),
        (BUILT, OWN, "x\n" * 100_000, False),
        (BUILT.replace("c:", "d:"), OWN, "", False),
        ("m:Natanael Copa <ncopa@alpinelinux.org>\n", "https://packages.example.com/alpine\n", "", True),
    ],
)
def test_a_python_package_of_alpine_is_reported_once_as_alpines(
    said: str, repositories: str, world: str, *, once: bool
) -> None:
    place = "usr/lib/python3.11/site-packages/six-1.16.0.dist-info"
    found = Found(
        [
            OS,
            file("lib/apk/db/installed", f"P:py3-six\nV:1.16.0-r0\n{said}F:{place}\nR:METADATA\nR:RECORD\n\n"),
            file("etc/apk/repositories", repositories),
            file("etc/apk/world", world),
            file(f"{place}/METADATA", "Name: six\nVersion: 1.16.0\n"),
        ]
    )

    assert found.names == (["py3-six"] if once else ["py3-six", "six"])


@pytest.mark.parametrize("os", ["wolfi", "chainguard"])
def test_wolfis_packages_name_no_maintainer(os: str) -> None:
    place = "usr/lib/python3.11/site-packages/six-1.16.0.dist-info"
    entry = f"P:py3-six\nV:1\no:py3-six\nc:4024cc3b\nF:{place}\nR:METADATA\n\n"
    members = [
        file("etc/os-release", f"ID={os}\n"),
        file("usr/lib/apk/db/installed", entry),
        file(f"{place}/METADATA", "Name: six\nVersion: 1.16.0\n"),
    ]

    assert Found([*members, file("etc/apk/repositories", "https://apk.cgr.dev/chainguard\n")]).names == ["py3-six"]
    assert Found(members).names == ["py3-six", "six"]


def test_a_database_without_a_package_is_told() -> None:
    for content in ("", "\n\n", "C:Q1abc=\n"):
        assert "lib/apk/db/installed" in [
            unknown.what for unknown in Found([file("lib/apk/db/installed", content)]).unknowns
        ]


@pytest.mark.parametrize(
    "damage",
    [
        lambda whole: whole[:60] + "\0" * 40 + whole[100:],
        lambda whole: whole.replace("P:package7", "P:pack\0age7"),
        lambda whole: whole[: whole.index("P:package6")] + "o:op\0\0\0\0l\n",
        lambda whole: whole[: whole.rindex("package7") + 3],
        lambda whole: whole[: whole.index("P:package6") - 1],
    ],
)
def test_a_damaged_database_is_said_beside_what_could_be_read(damage: Callable[[str], str]) -> None:
    whole = apk_installed(*((f"package{number}", "1", "x") for number in range(8))).content.decode()

    found = Found([OS, file("lib/apk/db/installed", damage(whole))])

    assert found.packages
    why = "it is damaged or cut off; packages may be missing, or have lines of others"
    assert ("lib/apk/db/installed", why) in [(unknown.what, unknown.why) for unknown in found.unknowns]


@pytest.mark.parametrize(
    ("stated", "licenses"),
    [
        ("MPL-2.0 GPL-2.0-or-later", ("MPL-2.0", "GPL-2.0-or-later")),
        ("MIT BSD GPL2+ zlib custom", ("MIT", "BSD", "GPL2+", "zlib", "custom")),
        ("MIT", ("MIT",)),
        *(
            (whole, (whole,))
            for whole in ("MIT AND BSD-3-Clause", "GPL-2.0-only WITH Linux-syscall-note", "Public Domain", "ASL 2.0")
        ),
        ("", ()),
        ("GPL2", ("GPL2",)),
    ],
)
def test_licences_of_older_packages_stand_one_after_the_other(stated: str, licenses: tuple[str, ...]) -> None:
    found = Found([OS, file("lib/apk/db/installed", f"P:a\nV:1\nL:{stated}\n\n")])

    assert found.named("a").licenses == licenses


@pytest.mark.parametrize("field", ["P", "V", "A", "o"])
@pytest.mark.parametrize("sign", ["1", "\U0001f600"])
def test_a_name_or_version_without_end_is_said(field: str, sign: str) -> None:
    fields = {"P": "a", "V": "1", field: sign * 6001}
    content = "".join(f"{key}:{value}\n" for key, value in fields.items())
    found = Found([file("etc/os-release", ALPINE_318), file("lib/apk/db/installed", content + "\n")])

    assert found.names == []
    assert [one.why for one in found.unknowns] == ["an entry has a name or a version without end"]


@pytest.mark.parametrize(
    ("database", "names"),
    [
        ("P:a\nV:1\n\nP:b\n\n", ["a"]),
        ("P:a\nV:1\nP:b\nV:2\n\nP:c\nV:3\n\n", ["c"]),
        ("P:a\nV:1\n\nP:b\nV:" + "1" * 5000 + "\n\n", ["a"]),
    ],
)
def test_an_entry_that_is_damaged_may_cost_packages(database: str, names: list[str]) -> None:
    found = Found([OS, file("lib/apk/db/installed", database)])

    assert found.names == names
    assert [one.incomplete for one in found.unknowns if "lib/apk/db" in one.what + one.why] == [True]
