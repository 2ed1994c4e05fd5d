"""Debian packages: which are installed, what they were built from, which layer brought them."""

import hashlib
from collections.abc import Callable

import pytest
from tests.support.images import DEBIAN_12, Entry, dpkg_entry, dpkg_status, file, python_package, symlink, whiteout
from tests.support.inventories import Found
from tests.support.programs import elf

from hullguard.inventory import bounds
from hullguard.inventory.analyzers.dpkg import DpkgAnalyzer

OS = file("etc/os-release", DEBIAN_12)


def test_a_package_has_its_source_name_and_its_source_version() -> None:
    found = Found([OS, dpkg_status(dpkg_entry("bsdutils", "1:2.33.1-0.1", source="util-linux (2.33.1-0.1)"))])

    package = found.named("bsdutils")
    assert (package.version, package.source_name, package.source_version) == (
        "1:2.33.1-0.1",
        "util-linux",
        "2.33.1-0.1",
    )
    assert package.purl == "pkg:deb/debian/bsdutils@1:2.33.1-0.1?arch=amd64&distro=debian-12"
    assert (package.ecosystem, package.arch) == ("Debian:12", "amd64")
    assert package.locations == ("var/lib/dpkg/status",)


@pytest.mark.parametrize(("source", "name"), [("", "libc6"), ("glibc", "glibc")])
def test_the_source_is_the_package_itself_unless_said(source: str, name: str) -> None:
    package = Found([OS, dpkg_status(dpkg_entry("libc6", "2.36-9", source=source))]).named("libc6")

    assert (package.source_name, package.source_version) == (name, "2.36-9")


@pytest.mark.parametrize(
    ("status", "installed"),
    [
        ("install ok installed", True),
        ("hold ok installed", True),
        ("deinstall ok installed", True),
        ("deinstall ok config-files", False),
        ("purge ok not-installed", False),
        ("install ok half-installed", False),
        ("install ok unpacked", True),
        ("install reinstreq half-configured", True),
        ("install ok triggers-awaited", True),
        ("install ok triggers-pending", True),
    ],
)
def test_the_third_word_of_the_status_decides(status: str, installed: bool) -> None:
    assert ("a" in Found([OS, dpkg_status(dpkg_entry("a", "1", status=status))]).names) is installed


def test_the_description_is_not_read_as_fields() -> None:
    assert Found([OS, dpkg_status(dpkg_entry("a", "1"))]).named("a").version == "1"


def test_of_entries_whose_names_differ_in_case_the_last_counts() -> None:
    status = "Package: OpenSSL\nVersion: 1\n\nPackage: openssl\nVersion: 2\n\n"

    assert Found([OS, file("var/lib/dpkg/status", status)]).named("openssl").version == "2"


def test_field_names_have_no_case_and_lines_may_end_the_other_way() -> None:
    status = "package: a\r\nSTATUS: install ok installed\r\nversion: 1\r\n\r\npackage: b\r\nversion: 2\r\n\r\n"

    assert Found([OS, file("var/lib/dpkg/status", status)]).names == ["a", "b"]


@pytest.mark.parametrize(
    "entry",
    [
        "Package: a\nStatus: install ok installed\n\n",
        "Version: 1\nStatus: install ok installed\n\n",
        "Package: a\nVersion: 1\nStatus: odd\n\n",
        "Package: a\nVersion: 1\nStatus: install ok odd\n\n",
        "Package: a\nVersion: 1\nVersion: 2\n\n",
        "Package: a\nVersion: 1\nStatus: install ok half-installed\n\n",
        "Package: " + "a" * 5000 + "\nVersion: 1\n\n",
        "Package: a\nVersion: " + "1" * 5000 + "\n\n",
    ],
)
def test_an_entry_that_cannot_be_read_is_named(entry: str) -> None:
    found = Found([OS, file("var/lib/dpkg/status", entry + dpkg_entry("b", "2"))])

    assert found.names == ["b"]
    assert found.unknowns[0].why.startswith("var/lib/dpkg/status: ")
    assert len(found.unknowns[0].what) <= 200


@pytest.mark.parametrize(
    "entry",
    [
        "Package : a\nVersion\t: 1\n\n",
        "Package: a\nVersion: 1\nDescription: x\n" + (" " + "y" * 65_000 + "\n") * 20 + "\n",
        "Package: a\nVersion: 1\nVersion: 1\n\n",
        "\n\n\r\n \t\nPackage: a\nVersion: 1\n\n",
        "Package: a\nX-Odd: \0\xff\nVersion: 1\n\n",
    ],
)
def test_what_dpkg_reads_is_read(entry: str) -> None:
    found = Found([OS, file("var/lib/dpkg/status", entry)])

    assert [(package.name, package.version) for package in found.packages] == [("a", "1")]
    assert found.unknowns == []


@pytest.mark.parametrize(
    "content", ["", "\n\n", "no: field\n\n", dpkg_entry("a", "1", status="purge ok not-installed")]
)
def test_a_database_without_a_package_is_told(content: str) -> None:
    found = Found([OS, file("var/lib/dpkg/status", content)])

    assert [(unknown.what, unknown.why) for unknown in found.unknowns] == [
        ("var/lib/dpkg/status", "the package database names no installed package")
    ]


def test_packages_that_only_their_lists_of_files_tell_of_are_missed() -> None:
    lists = [file(f"var/lib/dpkg/info/{name}.list", "/usr/bin/a\n") for name in ("bash", "Zlib1g:amd64", "libc6:amd64")]
    entries = [dpkg_entry("bash", "5.2"), dpkg_entry("zlib1g", "1", status="deinstall ok config-files")]

    found = Found([OS, dpkg_status(*entries), *lists])
    without = Found([OS, *lists[:1]])

    why = "it names no package for 1 of the lists of files in var/lib/dpkg/info, libc6 the first of them"
    assert [(unknown.what, unknown.why, unknown.incomplete) for unknown in found.unknowns] == [
        ("var/lib/dpkg/status", why, True)
    ]
    assert ("var/lib/dpkg/status", True) in [(unknown.what, unknown.incomplete) for unknown in without.unknowns]


def test_an_empty_status_beside_the_files_of_packages_is_nothing_odd() -> None:
    base = file("var/lib/dpkg/status.d/base", "Package: base-files\nVersion: 12.4\n\n")

    assert Found([OS, file("var/lib/dpkg/status", ""), base]).unknowns == []
    odd = Found([OS, base, file("var/lib/dpkg/status.d/odd", "no: field")])
    assert [(unknown.what, unknown.why) for unknown in odd.unknowns] == [
        ("var/lib/dpkg/status.d/odd", "it names no package")
    ]


@pytest.mark.parametrize(
    "damage",
    [
        lambda whole: whole[:200] + "\0" * 100 + whole[300:],
        lambda whole: whole[: whole.rindex("package7") + 3],
        lambda whole: whole.replace("Version: 2", "Vers\x01on 2"),
        lambda whole: whole.replace("Version: 2", "Version: \x002"),
        lambda whole: whole[: whole.index("Package: package6") - 1],
        lambda whole: whole[: whole.index("Version: 6")],
    ],
)
def test_a_damaged_status_is_said_beside_what_could_be_read(damage: Callable[[str], str]) -> None:
    whole = "".join(dpkg_entry(f"package{number}", str(number)) for number in range(8))

    found = Found([OS, file("var/lib/dpkg/status", damage(whole))])

    assert found.packages
    told = [one for one in found.unknowns if "packages may be missing" in one.why]
    assert [(one.what, one.incomplete) for one in told] == [("var/lib/dpkg/status", True)]


def test_what_dpkg_had_still_to_write_down_counts() -> None:
    status = dpkg_status(dpkg_entry("base", "1"), dpkg_entry("gone", "1"), dpkg_entry("new", "1"))
    updates = [
        file("var/lib/dpkg/updates/0000", dpkg_entry("openssl", "3") + dpkg_entry("new", "2")),
        file("var/lib/dpkg/updates/0001", dpkg_entry("gone", "1", status="purge ok not-installed")),
        file("var/lib/dpkg/updates/tmp.i", dpkg_entry("half", "1")),
    ]

    found = Found([OS, status], updates)

    assert {(one.name, one.version, one.layer) for one in found.packages} == {
        ("base", "1", "layer0"),
        ("openssl", "3", "layer1"),
        ("new", "2", "layer1"),
    }


def test_distroless_images_have_one_file_a_package() -> None:
    found = Found(
        [
            OS,
            file("var/lib/dpkg/status.d/base", "Package: base-files\nVersion: 12.4\n\n"),
            file("var/lib/dpkg/status.d/base.md5sums", "x"),
        ],
        [file("var/lib/dpkg/status.d/libssl3", "Package: libssl3\nVersion: 3.0.1\nSource: openssl\n\n")],
    )

    assert found.names == ["base-files", "libssl3"]
    assert (found.named("libssl3").layer, found.named("libssl3").locations) == (
        "layer1",
        ("var/lib/dpkg/status.d/libssl3",),
    )


def test_a_package_belongs_to_the_layer_that_brought_its_version() -> None:
    found = Found(
        [OS, dpkg_status(dpkg_entry("kept", "1"), dpkg_entry("upgraded", "1"), dpkg_entry("again", "1"))],
        [dpkg_status(dpkg_entry("kept", "1"), dpkg_entry("upgraded", "2"))],
        [
            dpkg_status(
                dpkg_entry("kept", "1"), dpkg_entry("upgraded", "2"), dpkg_entry("again", "1"), dpkg_entry("new", "1")
            )
        ],
    )

    layers = {package.name: package.layer for package in found.packages}
    assert layers == {"kept": "layer0", "upgraded": "layer1", "again": "layer2", "new": "layer2"}


def test_a_deleted_database_has_no_packages() -> None:
    assert Found([OS, dpkg_status(dpkg_entry("a", "1"))], [whiteout("var/lib/dpkg")]).names == []


def owned(path: str, name: str = "python3-six", suffix: str = ".list") -> Entry:
    return file(f"var/lib/dpkg/info/{name}{suffix}", f"/.\n/usr\n/usr/lib\n/{path}\n")


SIX = "usr/lib/python3/dist-packages/six-1.16.0.egg-info/PKG-INFO"
SIX_FILE = file(SIX, "Name: six\nVersion: 1.16.0\n")


@pytest.mark.parametrize("list_name", ["python3-six", "python3-six:amd64"])
def test_a_python_package_of_debian_is_reported_once_as_debians(list_name: str) -> None:
    found = Found([OS, dpkg_status(dpkg_entry("python3-six", "1.16.0-4")), owned(SIX, list_name), SIX_FILE])

    assert found.names == ["python3-six"]


def test_the_list_of_a_package_that_is_not_installed_owns_nothing() -> None:
    status = dpkg_status(dpkg_entry("python3-six", "1.16.0-4", status="deinstall ok config-files"))

    assert Found([OS, status, owned(SIX), SIX_FILE]).names == ["six"]


def test_ownership_is_known_through_a_merged_usr() -> None:
    members = [
        OS,
        symlink("lib", "usr/lib"),
        dpkg_status(dpkg_entry("python3-six", "1")),
        owned(SIX.removeprefix("usr/")),
        SIX_FILE,
    ]

    assert Found(members).names == ["python3-six"]


def test_what_pip_installed_beside_it_is_reported() -> None:
    members = [
        OS,
        dpkg_status(dpkg_entry("python3-six", "1.16.0-4")),
        owned(SIX),
        SIX_FILE,
        python_package("six", "1.10.0"),
    ]

    assert Found(members).names == ["python3-six", "six"]


DEBIAN, OTHER = "Debian Python Team <team+python@tracker.debian.org>", "A vendor <support@example.com>"


@pytest.mark.parametrize(
    ("maintainers", "own"),
    [
        (f"{DEBIAN},", True),  # as python3-greenlet of Debian 12 has it
        (f"{DEBIAN}, ", True),
        (f"{DEBIAN}, Somebody <somebody@debian.org>", True),
        (f"Debian, Python Team <team@debian.org>,{DEBIAN}", True),
        (f"{DEBIAN}, {OTHER}", False),
        (f"{OTHER}, {DEBIAN}", False),
        (f"{DEBIAN}, Somebody", False),
        (f"{DEBIAN}, @", False),
        (f"{OTHER},", False),
        (",", False),
        ("Debian,", False),
    ],
)
def test_all_of_several_maintainers_are_the_distributions(maintainers: str, own: bool) -> None:
    # Story: a comma at the end hid the address, and pkg:pypi/greenlet stood beside Debian's package.
    entry = dpkg_entry("python3-six", "1.16.0-4", maintainer=maintainers)

    assert Found([OS, dpkg_status(entry), owned(SIX), SIX_FILE]).names == ["python3-six", *([] if own else ["six"])]


DISTROLESS = "Package: python3-six\nMaintainer: Debian <team@tracker.debian.org>\nVersion: 1\n\n"


@pytest.mark.parametrize(
    ("entry", "os"),
    [
        (dpkg_entry("python3-six", "1.16.0-4", maintainer="A vendor <support@example.com>"), OS),
        (dpkg_entry("python3-six", "1.16.0-4", maintainer="A vendor <support@debian.org.example.com>"), OS),
        (dpkg_entry("python3-six", "1.16.0-4", maintainer="A vendor <support@notdebian.org>"), OS),
        (dpkg_entry("python3-six", "1.16.0-4", maintainer=""), OS),
        (dpkg_entry("python3-six", "1.16.0-4~deb12", maintainer="A vendor <support@example.com>"), OS),
        (dpkg_entry("python3-six", "1.16.0-4+deb12u1~ppa1", maintainer="A vendor <support@example.com>"), OS),
        (dpkg_entry("python3-six", "1.16.0-4~ppa1"), OS),
        (dpkg_entry("python3-six", "1.16.0+0~2023+debian12+deb.example.org"), OS),
        (dpkg_entry("python3-six", "1.16.0-4").replace("Version", "Origin: Elsewhere\nVersion", 1), OS),
        (dpkg_entry("python3-six", "1.16.0-4"), file("etc/os-release", "ID=kali\nVERSION_ID=2024\n")),
    ],
)
def test_what_lies_in_a_package_of_others_is_looked_up(entry: str, os: Entry) -> None:
    assert Found([os, dpkg_status(entry), owned(SIX), SIX_FILE]).names == ["python3-six", "six"]


@pytest.mark.parametrize("version", ["1.16.0-4+deb12u3", "1.16.0-4~deb12u1", "1.16.0-4+b1", "1.16.0-4+deb12u3+b2"])
def test_debians_marks_in_a_version_show_that_it_built_the_package(version: str) -> None:
    entry = dpkg_entry("python3-six", version, maintainer="Somebody <somebody@example.com>")
    ubuntu = file("etc/os-release", "ID=ubuntu\nVERSION_ID=24.04\n")

    assert Found([OS, dpkg_status(entry), owned(SIX), SIX_FILE]).names == ["python3-six"]
    assert Found([ubuntu, dpkg_status(entry), owned(SIX), SIX_FILE]).names == ["python3-six", "six"]


def test_of_several_architectures_one_that_others_built_is_enough_to_look() -> None:
    others = dpkg_entry("python3-six", "1.16.0-4", arch="i386", maintainer="A vendor <support@example.com>")

    found = Found([OS, dpkg_status(dpkg_entry("python3-six", "1.16.0-4"), others), owned(SIX), SIX_FILE])

    assert found.names == ["python3-six", "python3-six", "six"]


def test_debians_packages_leave_opt_to_others() -> None:
    place = "opt/vendor/lib/six-1.16.0.egg-info/PKG-INFO"
    members = [
        OS,
        dpkg_status(dpkg_entry("vendor", "1")),
        owned(place, "vendor"),
        file(place, "Name: six\nVersion: 1\n"),
    ]

    assert Found(members).names == ["six", "vendor"]


def test_packages_of_others_are_named_where_languages_packages_lie_in_them() -> None:
    vendor = dpkg_entry("vendor", "1", maintainer="A vendor <support@example.com>")
    plain = dpkg_entry("plain", "1", maintainer="A vendor <support@example.com>")

    found = Found(
        [
            OS,
            dpkg_status(vendor, plain),
            owned(SIX, "vendor"),
            SIX_FILE,
            owned("usr/bin/x", "plain"),
            file("usr/bin/x", ""),
        ]
    )

    (said,) = [unknown for unknown in found.unknowns if unknown.what == "1 OS packages (vendor)"]
    assert said.why.startswith("nothing shows that debian built them, and its advisories may not speak of them")


@pytest.mark.parametrize(("maintainer", "told"), [("Somebody <somebody@example.com>", True), (DEBIAN, False)])
def test_a_package_whose_library_is_named_beside_it_says_why(maintainer: str, told: bool) -> None:
    # Story: c-ares stood beside Debian's own libc-ares2, whose maintainer has a private address, without a word.
    entries = (dpkg_entry("libapart3", "3.0-1", maintainer=maintainer), dpkg_entry("idle", "1", maintainer=maintainer))

    found = Found(
        [
            OS,
            dpkg_status(*entries),
            owned("usr/bin/openssl", "libapart3"),
            file("usr/bin/openssl", elf(extra=b"OpenSSL 3.0.11 19 Sep 2023")),
            owned("usr/bin/x", "idle"),
            file("usr/bin/x", ""),
        ]
    )

    assert ("openssl" in found.names) == told
    said = [one.what for one in found.unknowns if one.why.startswith("nothing shows that debian built them, and")]
    assert said == (["1 OS packages (libapart3)"] if told else [])


@pytest.mark.parametrize(
    ("version", "source", "names"),
    [
        ("1.18.1-3", "c-ares", ["libc-ares2"]),
        ("1:1.18.1+dfsg-3", "c-ares (1:1.18.1+dfsg-2)", ["libc-ares2"]),
        ("1.18.10-3", "c-ares", ["c-ares", "libc-ares2"]),
        ("1.18.1-3", "other", ["c-ares", "libc-ares2"]),
    ],
)
def test_a_library_that_is_its_package_is_named_once_where_nobody_judges_it(
    version: str, source: str, names: list[str]
) -> None:
    entry = dpkg_entry("libc-ares2", version, source=source, maintainer="Somebody <somebody@example.com>")
    path = "usr/lib/libcares.so.2.5.1"
    library = file(path, elf(extra=b"ares_init\x001.18.1\x00"))

    found = Found([OS, dpkg_status(entry), owned(path, "libc-ares2"), library])
    assert found.names == names
    told = any(one.why.startswith("nothing shows that debian built them, and") for one in found.unknowns)
    assert told == ("c-ares" in names)
    elsewhere = Found(
        [OS, dpkg_status(entry), owned(path, "libc-ares2"), library, file(f"opt/{path}", library.content)]
    )
    assert (f"opt/{path}",) in [one.locations for one in elsewhere.packages if one.name == "c-ares"]


@pytest.mark.parametrize("name", ["python3-six", "python3"])  # a name may be cut
def test_distroless_ownership_stands_in_the_checksums(name: str) -> None:
    found = Found(
        [
            OS,
            file(f"var/lib/dpkg/status.d/{name}", DISTROLESS),
            file(f"var/lib/dpkg/status.d/{name}.md5sums", f"{hashlib.md5(SIX_FILE.content).hexdigest()}  {SIX}\n"),
            SIX_FILE,
        ]
    )

    assert found.names == ["python3-six"]


def test_a_file_that_a_later_layer_put_in_its_place_is_looked_up() -> None:
    base = [OS, dpkg_status(dpkg_entry("python3-six", "1.16.0-4")), owned(SIX), SIX_FILE]

    over = Found(base, [file(SIX, "Name: six\nVersion: 1.10.0\n")])
    upgraded = Found(
        base,
        [file(SIX, "Name: six\nVersion: 1.17.0\n"), dpkg_status(dpkg_entry("python3-six", "1.17.0-1"))],
    )

    assert over.named("six").version == "1.10.0"
    assert Found(base, [SIX_FILE]).names == upgraded.names == ["python3-six"]


def test_names_count_in_any_case_and_a_value_may_stand_on_the_next_line() -> None:
    entry = "Package: LibSSL3\nStatus: install ok installed\nVersion: 3\nSource:\n OpenSSL (3.0)\nArchitecture: all\n"
    package = Found([file("var/lib/dpkg/status", entry + "\n" + entry.replace("LibSSL3", "other") + "\n")]).named(
        "libssl3"
    )

    assert (package.source_name, package.source_version) == ("openssl", "3.0")


@pytest.mark.parametrize("root", ["app", "srv", "home/me", "usr/local/lib"])
def test_a_list_hides_nothing_where_no_distribution_puts_files(root: str) -> None:
    path = f"{root}/node_modules/lodash/package.json"
    lodash = file(path, '{"name": "lodash", "version": "4.17.10"}')

    assert Found([OS, dpkg_status(dpkg_entry("python3-six", "1")), owned(path), lodash]).names == [
        "lodash",
        "python3-six",
    ]


def test_the_end_of_a_file_under_dos_ends_lines_and_entries() -> None:
    status = (
        "Package: base\nVersion: 1\nHomepage: x\x1a\x1aPackage: openssl\nStatus: install ok installed\nVersion: 1.0\n\n"
    )

    assert Found([OS, file("var/lib/dpkg/status", status)]).names == ["base", "openssl"]


@pytest.mark.parametrize("blanks", [" " * 1990, "\t" * 100_000, " \v\f\r" * 500])
def test_values_stand_behind_any_number_of_blanks(blanks: str) -> None:
    status = f"Package\v\f:{blanks}libssl3\nSource{blanks}:{blanks}openssl\nVersion:{blanks}10.0~really1.0\n\n"
    found = Found([OS, file("var/lib/dpkg/status", status)])

    assert found.unknowns == []
    assert found.named("libssl3").version == "10.0~really1.0"
    assert found.named("libssl3").source_name == "openssl"


@pytest.mark.parametrize("sign", ["a", "\U0001f600"])
def test_a_name_that_was_cut_is_never_taken_for_a_whole_one(sign: str) -> None:
    found = Found([OS, file("var/lib/dpkg/status", f"Package: {sign * 1001}\nVersion: 1\n\n")])

    assert found.names == []
    assert "without end" in found.unknowns[0].why


def test_a_list_without_end_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "LISTED_FILES", 2)
    packages = [OS, dpkg_status(dpkg_entry("a", "1"), dpkg_entry("b", "1"))]
    lists = [
        file(f"var/lib/dpkg/info/{name}.list", "/bin/x\n/bin/y\n" + more) for name, more in (("a", ""), ("b", "/z\n"))
    ]
    found = Found([*packages, *lists])

    assert [(one.what, one.incomplete) for one in found.unknowns] == [("var/lib/dpkg/info/b.list", True)]


@pytest.mark.parametrize("name", ["a\vb", "a\x85b", "a\u2028b", "a  b"])
def test_a_listed_name_may_hold_any_sign(name: str) -> None:
    made = f"usr/lib/{name}/x.dist-info/METADATA"
    found = Found(
        [
            OS,
            dpkg_status(dpkg_entry("a", "1")),
            file("var/lib/dpkg/info/a.list", f"/{made}\n"),
            file(made, "Name: x\nVersion: 1\n\n"),
        ]
    )
    assert found.names == ["a"]


@pytest.mark.parametrize("filling", [b"/", b"a"])
def test_diversions_without_line_ends_are_read_in_one_go(filling: bytes) -> None:
    assert DpkgAnalyzer().condense("var/lib/dpkg/diversions", filling * 1_000_000) == b""


def test_a_file_of_another_name_among_the_updates_is_none() -> None:
    found = Found([dpkg_status(dpkg_entry("a", "1")), file("var/lib/dpkg/updates/a.jar", b"PK\x05\x06" + bytes(18))])

    assert found.names == ["a"]


@pytest.mark.parametrize("name", ["x.egg-info", "x.jar", "x.deps.json"])
def test_another_analyzers_file_among_those_of_packages_is_no_package(name: str) -> None:
    base = file("var/lib/dpkg/status.d/base", "Package: base-files\nVersion: 12.4\n\n")
    content = "Metadata-Version: 2.1\nName: six\nVersion: 1.16.0\n\nsome words\n"
    found = Found([OS, base, file(f"var/lib/dpkg/status.d/{name}", content)])

    assert "base-files" in found.names
    assert ("six" in found.names) is name.endswith(".egg-info")
    assert not any(unknown.why.startswith(("it names no package", "an entry")) for unknown in found.unknowns)


@pytest.mark.parametrize(
    ("entry", "incomplete"),
    [
        ("Package: a\nStatus: install ok installed\n\n", True),
        ("Package: a\nVersion: 1\nStatus: install ok inst\n\n", True),
        ("Package: a\nVersion: 1\nPackage: b\nVersion: 2\nStatus: install ok installed\n\n", True),
        ("Package: a\nVersion: 1\nStatus: install ok half-installed\n\n", False),
        ("Package: a\nStatus: purge ok not-installed\n\n", None),
    ],
)
def test_an_entry_that_is_damaged_may_cost_packages(entry: str, incomplete: bool | None) -> None:
    found = Found([file("etc/os-release", DEBIAN_12), dpkg_status(dpkg_entry("bash", "5.2"))])
    assert found.unknowns == []
    status = file("var/lib/dpkg/status", dpkg_entry("bash", "5.2") + entry)
    found = Found([file("etc/os-release", DEBIAN_12), status])

    assert found.names == ["bash"]
    assert [one.incomplete for one in found.unknowns] == ([] if incomplete is None else [incomplete])
