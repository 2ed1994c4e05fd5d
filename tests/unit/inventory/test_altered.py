"""Files that OS packages list and that are not what they brought: the databases' checksums tell, within one layer too."""

import base64
import hashlib
from collections.abc import Callable

import pytest
from tests.support.archives import jar
from tests.support.images import ALPINE_318, DEBIAN_12, Entry, directory, dpkg_entry, dpkg_status, file, symlink
from tests.support.inventories import Found
from tests.support.rpms import header, ndb

DEBIAN = file("etc/os-release", DEBIAN_12)
SIX = "usr/lib/python3/dist-packages/six-1.16.0.egg-info/PKG-INFO"
GOOD, OTHER = b"Name: six\nVersion: 1.16.0\n", b"Name: six\nVersion: 1.10.0\n"
ALTERED = "they are not as the package database's checksums say: what they name was looked up by itself"
UNPROVEN = (
    "the package database has no checksum of them: they were taken for the packages', which may not be so where "
    "something else was put in their place"
)

UNLISTED = (
    "the package database does not list the files of 1 packages, python3-six the first of them: these may be theirs; "
    "what they name was looked up by itself"
)


def md5(content: bytes) -> str:
    return hashlib.md5(content).hexdigest()


def debian(*paths: str, sums: dict[str, bytes] | None = None, name: str = "python3-six") -> list[Entry]:
    """A package of Debian's with its list and, where there are ``sums``, with its checksums."""
    members = [file(f"var/lib/dpkg/info/{name}.list", "".join(f"/{path}\n" for path in ("", *paths)))]
    if sums is not None:
        lines = "".join(f"{md5(content)}  {path}\n" for path, content in sums.items())
        members.append(file(f"var/lib/dpkg/info/{name}.md5sums", lines))
    return [DEBIAN, dpkg_status(dpkg_entry(name, "1.16.0-4")), *members]


@pytest.mark.parametrize(
    "packages",
    [
        [dpkg_status(dpkg_entry("python3-six", "1.16.0-4"))],
        [file("var/lib/dpkg/status.d/python3", dpkg_entry("python3-six", "1.16.0-4"))],
    ],
)
@pytest.mark.parametrize("place", [SIX, f"opt/{SIX}", f"usr/local/{SIX.removeprefix('usr/')}"])
def test_what_may_be_of_a_package_whose_files_nobody_lists_is_told(packages: list[Entry], place: str) -> None:
    found = Found([DEBIAN, *packages, file(place, GOOD), file("usr/bin/nothing", b"")])

    assert found.names == ["python3-six", "six"]
    assert [(one.what, one.why) for one in found.unknowns if "may be theirs" in one.why] == (
        [(f"1 files, {SIX} the first of them", UNLISTED)] if place == SIX else []
    )


def test_of_others_packages_nobody_asks_who_lists_their_files() -> None:
    vendor = dpkg_entry("vendor", "1", maintainer="A vendor <support@example.com>")
    found = Found([*debian(), dpkg_status(vendor, dpkg_entry("python3-six", "1.16.0-4")), file(SIX, GOOD)])

    assert [one for one in found.unknowns if "may be theirs" in one.why] == []


def alpine(content: bytes, digest: Callable[[bytes], str]) -> list[Entry]:
    directory, _, base = SIX.rpartition("/")
    entry = (
        f"P:py3-six\nV:1\nm:N <n@alpinelinux.org>\nF:{directory}\nM:0:0:755\nR:{base}\na:0:0:755\nZ:{digest(content)}\n"
    )
    return [file("etc/os-release", ALPINE_318), file("lib/apk/db/installed", entry + "\n")]


def red_hat(content: bytes, kind: int | None = None, flags: int = 0) -> list[Entry]:
    directory, _, base = SIX.rpartition("/")
    digest = hashlib.new("sha256" if kind == 8 else "md5", content).hexdigest()
    fields = {"digestkind": [kind]} if kind is not None else {}
    one = header(
        "python3-six", "1.16.0", vendor="Red Hat, Inc.", dirnames=[f"/{directory}/"], basenames=[base], dirindexes=[0],
        digests=[digest],
        flags=[flags], **fields,
    )  # fmt: skip
    return [file("etc/os-release", 'ID="rhel"\nVERSION_ID="9.3"\n'), file("var/lib/rpm/Packages.db", ndb(one))]


def q1(content: bytes) -> str:
    return "Q1" + base64.b64encode(hashlib.sha1(content).digest()).decode()


def q2(content: bytes) -> str:
    return "Q2" + base64.b64encode(hashlib.sha256(content).digest()).decode()


DATABASES = {
    "dpkg": debian(SIX, sums={SIX: GOOD}),
    "apk": alpine(GOOD, q1),
    "apk 3": alpine(GOOD, q2),
    "rpm": red_hat(GOOD, kind=8),
    "old rpm": red_hat(GOOD),
}


@pytest.mark.parametrize("database", DATABASES.values(), ids=DATABASES)
def test_what_was_put_in_a_files_place_in_the_same_layer_is_looked_up(database: list[Entry]) -> None:
    sound = Found([*database, file(SIX, GOOD)])
    altered = Found([*database, file(SIX, OTHER)])

    assert "six" not in sound.names
    assert altered.named("six").version == "1.10.0"
    told = [(one.what, one.why) for one in altered.unknowns]
    assert told == [(f"1 files of OS packages, {SIX} the first of them", ALTERED)]
    assert sound.unknowns == []


CONFIGURED = {
    "dpkg": "etc/dpkg/dpkg.cfg.d",
    "apk": "etc/apk",
    "apk 3": "etc/apk",
    "rpm": "etc/rpm",
    "old rpm": "etc/rpm",
}


@pytest.mark.parametrize("database", DATABASES)
def test_a_layer_that_tells_its_package_manager_is_judged_by_that_ones_checksums(database: str) -> None:
    first = [directory("etc"), directory(CONFIGURED[database])]
    members = DATABASES[database]

    assert "six" not in Found([*first, *members, file(SIX, GOOD)]).names
    assert Found([*first, *members, file(SIX, OTHER)]).named("six").version == "1.10.0"


@pytest.mark.parametrize("another", ["apk", "dpkg"])
def test_of_several_package_managers_each_is_heard(another: str) -> None:
    first = [directory("etc"), directory(f"etc/{another}"), directory("etc/rpm")]
    database = red_hat(GOOD, kind=8)

    assert "six" not in Found([*first, *database, file(SIX, GOOD)]).names
    assert Found([*first, *database, file(SIX, OTHER)]).named("six").version == "1.10.0"


def test_where_a_layer_tells_another_package_manager_no_checksum_is_compared() -> None:
    found = Found(
        [
            directory("etc"),
            directory("etc/dpkg"),
            directory("etc/dpkg/dpkg.cfg.d"),
            *red_hat(GOOD, kind=8),
            file(SIX, GOOD),
        ]
    )

    assert "six" not in found.names
    assert [one.why for one in found.unknowns] == [UNPROVEN]


WITHOUT = {
    "no checksums": debian(SIX),
    "of another kind": alpine(GOOD, lambda _: "Q9abc"),
    "no base64": alpine(GOOD, lambda _: "Q1!é"),
    "too short": alpine(GOOD, lambda _: "Q1YWJj"),
    "apk without": alpine(GOOD, lambda _: ""),
    "rpm of another kind": red_hat(GOOD, kind=99),
    "rpm's configuration": red_hat(GOOD, flags=1),
}


@pytest.mark.parametrize("database", WITHOUT.values(), ids=WITHOUT)
def test_where_no_checksum_tells_that_is_said(database: list[Entry]) -> None:
    found = Found([*database, file(SIX, OTHER)])

    assert "six" not in found.names
    assert (f"1 files of OS packages, {SIX} the first of them", UNPROVEN) in [
        (one.what, one.why) for one in found.unknowns
    ]


def test_files_that_the_image_leaves_out_are_not_spoken_of() -> None:
    assert Found(debian(SIX, sums={SIX: GOOD})).unknowns == []
    assert Found(debian(SIX)).unknowns == []


def test_a_line_that_somebody_added_to_a_list_hides_nothing() -> None:
    added = "usr/share/app/node_modules/lodash/package.json"
    found = Found(
        [*debian(SIX, added, sums={SIX: GOOD}), file(SIX, GOOD), file(added, '{"name": "lodash", "version": "4.17.4"}')]
    )

    assert found.names == ["lodash", "python3-six"]


def test_what_dpkg_keeps_no_checksum_of_because_it_may_be_changed_is_still_the_packages() -> None:
    place = "etc/app/six-1.16.0.egg-info"
    found = Found([*debian(place, sums={SIX: GOOD}), file(place, OTHER)])

    assert found.names == ["python3-six"]
    assert [one.why for one in found.unknowns] == [UNPROVEN]


def test_a_link_that_leads_out_of_the_package_does_not_make_the_package_own_what_is_there() -> None:
    listed, real = "usr/share/java/log4j-core.jar", "usr/share/app/x.jar"
    log4j = jar({"META-INF/maven/org.apache.logging.log4j/log4j-core/pom.properties":
        "groupId=org.apache.logging.log4j\nartifactId=log4j-core\nversion=2.14.1\n"})  # fmt: skip
    found = Found([*debian(listed, name="liblog4j2-java"), symlink(listed, "../app/x.jar"), file(real, log4j)])

    assert [(one.name, one.locations) for one in found.packages if one.name.startswith("org")] == [
        ("org.apache.logging.log4j:log4j-core", (real,))
    ]


def test_a_diverted_file_is_the_packages_under_its_other_name() -> None:
    moved = SIX.replace("six-", "old-")
    diversions = file("var/lib/dpkg/diversions", f"/{SIX}\n/{moved}\n:\n/usr/bin/x\n/usr/bin/y\ndash\n")
    database = [*debian(SIX, sums={SIX: GOOD}), diversions]

    found = Found([*database, file(moved, GOOD), file(SIX, OTHER)])
    own = Found([*debian(SIX, sums={SIX: GOOD}), file("var/lib/dpkg/diversions", f"/{SIX}\n/{moved}\npython3-six\n"),
                 file(SIX, GOOD)])  # fmt: skip

    assert [(one.name, one.version) for one in found.packages] == [("python3-six", "1.16.0-4"), ("six", "1.10.0")]
    assert found.unknowns == []
    assert own.names == ["python3-six"]


def test_of_several_packages_that_list_a_file_one_whose_checksum_fits_is_enough() -> None:
    both = [DEBIAN, dpkg_status(dpkg_entry("a", "1"), dpkg_entry("b", "1"))]
    for name, content in (("a", OTHER), ("b", GOOD)):
        both += debian(SIX, sums={SIX: content}, name=name)[2:]

    assert Found([*both, file(SIX, GOOD)]).names == ["a", "b"]


def test_a_layer_that_brings_the_same_bytes_again_alters_nothing() -> None:
    database = debian(SIX, sums={SIX: GOOD})

    assert Found([*database, file(SIX, OTHER)], [file(SIX, GOOD)]).names == ["python3-six"]
    assert Found([*database, file(SIX, GOOD)], [file(SIX, OTHER)]).names == ["python3-six", "six"]
