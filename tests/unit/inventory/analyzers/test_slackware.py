"""Slackware's packages."""

import pytest
from tests.support.images import Entry, file, symlink
from tests.support.inventories import Found

OS = file("etc/os-release", 'ID=slackware\nNAME=Slackware\nVERSION_ID="15.0"\n')
NEW, OLD = "var/lib/pkgtools/packages", "var/log/packages"


def described(name: str, place: str = NEW) -> Entry:
    content = f"PACKAGE NAME:     {name}\nCOMPRESSED PACKAGE SIZE:     3.3M\nFILE LIST:\n./\nusr/\n"
    return file(f"{place}/{name}", content)


@pytest.mark.parametrize("place", [NEW, OLD])
def test_a_description_names_a_package_by_its_own_name(place: str) -> None:
    package = Found([OS, described("aaa_glibc-solibs-2.33-x86_64-5_slack15.0", place)]).named("aaa_glibc-solibs")

    assert (package.version, package.arch, package.ecosystem) == ("2.33-5_slack15.0", "x86_64", "")
    assert package.purl == "pkg:slackware/slackware/aaa_glibc-solibs@2.33-5_slack15.0?arch=x86_64&distro=slackware-15.0"


def test_the_old_place_may_be_a_link_to_the_new_one() -> None:
    assert Found([described("a-1-noarch-1"), symlink(OLD, "../lib/pkgtools/packages")]).names == ["a"]


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("a-1-noarch-1", "text", "is no description of a Slackware package"),
        ("a-1-noarch-1", "", "is no description of a Slackware package"),
        (
            "a-1-2",
            "PACKAGE NAME:  a\n",
            "its name is not made of a package's name, version, architecture and build",
        ),
        (
            "a-1--2",
            "PACKAGE NAME:  a\n",
            "its name is not made of a package's name, version, architecture and build",
        ),
    ],
)
def test_what_is_no_package_is_told(name: str, content: str, why: str) -> None:
    found = Found([file(f"{NEW}/{name}", content)])

    assert found.names == []
    assert (f"{NEW}/{name}", why, True) in [(one.what, one.why, one.incomplete) for one in found.unknowns]


@pytest.mark.parametrize("database", [True, False])
def test_a_log_is_no_package_where_there_are_none(database: bool) -> None:
    packages = [file(f"{NEW}/a-1-noarch-1", "PACKAGE NAME:  a-1-noarch-1\n")] if database else []

    found = Found([file(f"{NEW}/log", "text"), *packages])

    assert [one.incomplete for one in found.unknowns if one.what == f"{NEW}/log"] == [database]
