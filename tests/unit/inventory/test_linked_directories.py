"""Packages of languages that lie elsewhere, where a link stands for their directory."""

import hashlib
import json
from pathlib import Path

import pytest
from tests.support.images import (
    DEBIAN_12,
    Entry,
    Image,
    directory,
    dpkg_entry,
    dpkg_status,
    file,
    layer,
    symlink,
)

from hullguard.inventory import read
from hullguard.model.inventory import Inventory

LODASH = json.dumps({"name": "lodash", "version": "4.17.10"})
DJANGO = "Name: Django\nVersion: 3.2.0\n\n"
RACK = 's.name = "rack"\ns.version = "2.0.1"\n'
COMPOSER = json.dumps([{"name": "symfony/http-kernel", "version": "v5.1.0"}])
POM = "groupId=log4j\nartifactId=log4j\nversion=1.2.14\n"
RUNTIME = 'JAVA_VERSION="11.0.1"\n'
PACKAGES = "usr/lib/python3/dist-packages"

CASES: dict[str, tuple[list[Entry], str, str]] = {
    "a package": (
        [file("opt/l/package.json", LODASH), symlink("app/node_modules/lodash", "/opt/l")],
        *("lodash", "app/node_modules/lodash/package.json"),
    ),
    "in a scope": (
        [file("opt/l/package.json", LODASH), symlink("app/node_modules/@a/lodash", "../../../opt/l")],
        *("lodash", "app/node_modules/@a/lodash/package.json"),
    ),
    "a scope": (
        [file("opt/l/lodash/package.json", LODASH), symlink("app/node_modules/@a", "/opt/l")],
        *("lodash", "app/node_modules/@a/lodash/package.json"),
    ),
    "all packages": (
        [file("opt/l/lodash/package.json", LODASH), symlink("app/node_modules", "/opt/l")],
        *("lodash", "app/node_modules/lodash/package.json"),
    ),
    "one among all": (
        [
            *(directory("opt/l"), file("opt/m/package.json", LODASH)),
            *(symlink("app/node_modules", "/opt/l"), symlink("opt/l/lodash", "/opt/m")),
        ],
        *("lodash", "app/node_modules/lodash/package.json"),
    ),
    "dist-info": (
        [file("opt/d/METADATA", DJANGO), symlink(f"{PACKAGES}/Django-3.2.0.dist-info", "/opt/d")],
        *("Django", f"{PACKAGES}/Django-3.2.0.dist-info/METADATA"),
    ),
    "egg-info": (
        [file("src/d/PKG-INFO", DJANGO), symlink(f"{PACKAGES}/Django.egg-info", "/src/d")],
        *("Django", f"{PACKAGES}/Django.egg-info/PKG-INFO"),
    ),
    "an egg": (
        [file("src/d/EGG-INFO/PKG-INFO", DJANGO), symlink(f"{PACKAGES}/Django.egg", "/src/d")],
        *("Django", f"{PACKAGES}/Django.egg/EGG-INFO/PKG-INFO"),
    ),
    "composer": (
        [file("opt/c/installed.json", COMPOSER), symlink("app/vendor/composer", "/opt/c")],
        *("symfony/http-kernel", "app/vendor/composer/installed.json"),
    ),
    "conda": (
        [file("opt/c/a.json", '{"name": "a", "version": "1"}'), symlink("opt/conda/conda-meta", "/opt/c")],
        *("a", "opt/conda/conda-meta/a.json"),
    ),
    "gems": (
        [file("opt/g/rack-2.0.1.gemspec", RACK), symlink("gems/specifications", "/opt/g")],
        *("rack", "gems/specifications/rack-2.0.1.gemspec"),
    ),
    "Maven's": (
        [file("data/m/a/b/pom.properties", POM), symlink("app/META-INF/maven", "/data/m")],
        *("log4j:log4j", "app/META-INF/maven/a/b/pom.properties"),
    ),
    "above Maven's": (
        [file("data/maven/a/b/pom.properties", POM), symlink("app/META-INF", "../data")],
        *("log4j:log4j", "app/META-INF/maven/a/b/pom.properties"),
    ),
    "an artifact of Maven's": (
        [file("data/pom.properties", POM), symlink("app/META-INF/maven/a/b", "/data")],
        *("log4j:log4j", "app/META-INF/maven/a/b/pom.properties"),
    ),
    "Java": (
        [file("data/jdk.txt", RUNTIME), symlink("usr/lib/jvm/jdk/release", "/data/jdk.txt")],
        *("java", "usr/lib/jvm/jdk/release"),
    ),
    "the root": (
        [file("release", RUNTIME), symlink("usr/lib/jvm/jdk", "/")],
        *("java", "release"),
    ),
}


def scanned(tmp_path: Path, *layers: list[Entry]) -> Inventory:
    return read(str(Image([layer(*entries) for entries in layers]).docker_archive(tmp_path / "i.tar")))


@pytest.mark.parametrize("case", CASES)
def test_what_a_link_leads_to_is_read(case: str, tmp_path: Path) -> None:
    entries, name, place = CASES[case]

    in_one, in_two = scanned(tmp_path, entries), scanned(tmp_path, entries[:1], entries[1:])

    for found in (in_one, in_two):
        assert [(one.name, one.locations) for one in found.packages] == [(name, (place,))]
        assert found.complete


def test_a_directory_that_is_read_by_its_own_name_is_named_once(tmp_path: Path) -> None:
    store = "app/node_modules/.pnpm/lodash@4.17.10/node_modules/lodash"
    found = scanned(tmp_path, [file(f"{store}/package.json", LODASH), symlink("app/node_modules/lodash", f"/{store}")])

    assert [one.locations for one in found.packages] == [(f"{store}/package.json",)]


@pytest.mark.parametrize(
    "link",
    [
        symlink("app/node_modules/lodash", "/opt/nothing"),
        symlink("app/node_modules/lodash", "lodash"),
        symlink("app/node_modules/lodash", "/opt/l/package.json"),
        symlink("app/node_modules/.bin", "/opt/l"),
        symlink("app/modules/lodash", "/opt/l"),
    ],
)
def test_other_links_lead_to_no_package(link: Entry, tmp_path: Path) -> None:
    found = scanned(tmp_path, [file("opt/l/package.json", LODASH), link])

    assert found.packages == ()
    assert found.complete


def test_a_link_to_the_root_ends(tmp_path: Path) -> None:
    found = scanned(tmp_path, [file("a/package.json", LODASH), symlink("app/node_modules", "/")])

    assert [one.locations for one in found.packages] == [("app/node_modules/a/package.json",)]


@pytest.mark.parametrize(("content", "names"), [(LODASH, ["node-lodash"]), (LODASH + " ", ["lodash", "node-lodash"])])
def test_what_an_os_package_brought_is_its_own_by_a_link_too(content: str, names: list[str], tmp_path: Path) -> None:
    real = "usr/share/nodejs/lodash/package.json"
    found = scanned(
        tmp_path,
        [
            file("etc/os-release", DEBIAN_12),
            dpkg_status(dpkg_entry("node-lodash", "4.17.21")),
            file("var/lib/dpkg/info/node-lodash.list", f"/{real}\n"),
            file("var/lib/dpkg/info/node-lodash.md5sums", f"{hashlib.md5(LODASH.encode()).hexdigest()}  {real}\n"),
            file(real, content),
            symlink("usr/share/nodejs/npm/node_modules/lodash", "../../lodash"),
        ],
    )

    assert [one.name for one in sorted(found.packages, key=lambda one: one.name)] == names
