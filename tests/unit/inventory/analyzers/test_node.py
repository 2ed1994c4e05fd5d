"""npm packages: what stands at the root of a package counts, what stands deeper does not."""

import pytest
from tests.support.images import file, node_package
from tests.support.inventories import Found


@pytest.mark.parametrize(
    "path",
    [
        "node_modules/lodash",
        "srv/app/node_modules/lodash",
        "usr/lib/node_modules/npm/node_modules/lodash",
        "app/node_modules/.pnpm/lodash@4.17.4/node_modules/lodash",
    ],
)
def test_packages_are_found_however_deep(path: str) -> None:
    package = Found([file(f"{path}/package.json", '{"name": "lodash", "version": "4.17.4"}')]).named("lodash")

    assert (package.version, package.ecosystem, package.purl) == ("4.17.4", "npm", "pkg:npm/lodash@4.17.4")


def test_a_scope_belongs_to_the_name() -> None:
    package = Found([node_package("@babel/core", "7.0.0")]).named("@babel/core")

    assert package.purl == "pkg:npm/%40babel/core@7.0.0"


@pytest.mark.parametrize(
    "path",
    [
        "srv/app/package.json",
        "node_modules/resolve/test/fixture/package.json",
        "node_modules/package.json",
        "node_modules/@scope/package.json",
        "my_node_modules/x/package.json",
    ],
)
def test_other_manifests_are_no_packages(path: str) -> None:
    assert Found([file(path, '{"name": "a", "version": "1.0.0"}')]).names == []


@pytest.mark.parametrize("content", ['{"type": "module"}', "{}"])
def test_a_hint_for_a_bundler_is_no_package(content: str) -> None:
    found = Found([file("node_modules/a/package.json", content)])

    assert found.names == []
    assert [unknown.what for unknown in found.unknowns] == ["operating system"]


@pytest.mark.parametrize("content", [b"", b"{", b'{"name": 1, "version": 2}', b"[]", b"\xff\xfe", b'{"a":' * 5000])
def test_a_manifest_that_cannot_be_read_is_told(content: bytes) -> None:
    found = Found([file("node_modules/a/package.json", content)])

    assert found.names == []
    assert "node_modules/a/package.json" in [unknown.what for unknown in found.unknowns]


def test_a_byte_order_mark_does_no_harm() -> None:
    assert Found([file("node_modules/a/package.json", b'\xef\xbb\xbf{"name":"a","version":"1.0.0"}')]).names == ["a"]


@pytest.mark.parametrize("name", ["/", "a/", "@scope/"])
def test_a_name_that_names_nothing_is_told(name: str) -> None:
    found = Found([file("node_modules/a/package.json", f'{{"name": "{name}", "version": "1.0.0"}}')])

    assert found.names == []
    assert "node_modules/a/package.json" in [unknown.what for unknown in found.unknowns]


@pytest.mark.parametrize(
    ("stated", "licenses"),
    [
        ('"license": "MIT"', ("MIT",)),
        ('"license": {"type": "BSD-2-Clause", "url": "https://example.org"}', ("BSD-2-Clause",)),
        ('"licenses": [{"type": "MIT"}, {"type": "Apache-2.0"}]', ("MIT", "Apache-2.0")),
        ('"license": ["MIT", 7, {}]', ("MIT",)),
        ('"license": 7', ()),
        ('"license": "\\u001b[31m"', ()),
        ('"main": "x.js"', ()),
    ],
)
def test_the_licence_is_what_the_manifest_states_in_any_form(stated: str, licenses: tuple[str, ...]) -> None:
    content = f'{{"name": "a", "version": "1.0.0", {stated}}}'

    assert Found([file("node_modules/a/package.json", content)]).named("a").licenses == licenses


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ('{"name": "a"}', "lacks its name or its version"),
        ('{"version": "1"}', "lacks its name or its version"),
        ('{"name": "a", "version": 5}', "is no readable JSON"),
        ('{"name": "' + "a" * 501 + '", "version": "1"}', "has a name or a version without end"),
    ],
)
def test_a_manifest_that_names_no_package_is_told(content: str, why: str) -> None:
    found = Found([file("node_modules/a/package.json", content)])

    assert found.names == []
    assert ("node_modules/a/package.json", f"the manifest of an npm package {why}") in [
        (unknown.what, unknown.why) for unknown in found.unknowns
    ]


def test_of_a_key_that_stands_twice_the_last_counts_as_for_node() -> None:
    content = '{"name": "a", "version": "2", "version": "1"}'

    assert Found([file("node_modules/a/package.json", content)]).named("a").version == "1"


def test_a_licence_that_is_no_text_is_none() -> None:
    content = b'{"name": "a", "version": "1", "license": "MIT\xfb"}'

    assert Found([file("node_modules/a/package.json", content)]).named("a").licenses == ()


def test_a_package_that_was_unpacked_below_opt_lies_in_a_directory_of_its_name_and_version() -> None:
    manifest = '{"name": "yarn", "version": "1.22.19"}'

    assert Found([file("opt/yarn-v1.22.19/package.json", manifest)]).names == ["yarn"]
    assert Found([file("opt/my-app-2/package.json", manifest)]).names == []
    assert Found([file("opt/app/package.json", manifest)]).names == []


LODASH = '{"name": "lodash", "version": "4.17.10", "repository": "lodash/lodash"}'


@pytest.mark.parametrize(
    ("directory", "name", "version"),
    [
        ("root/.cache/node/corepack/v1/pnpm/8.6.0", "pnpm", "8.6.0"),
        ("usr/local/share/corepack/yarn/1.22.10", "yarn", "1.22.10"),
        ("root/.bun/install/cache/lodash@4.17.10@@@1", "lodash", "4.17.10"),
        ("home/u/.bun/install/cache/@babel/core@7.0.0@@@1", "@babel/core", "7.0.0"),
        ("deno-dir/npm/npm.example.org/lodash/4.17.10", "lodash", "4.17.10"),
        ("deno-dir/npm/npm.example.org/@babel/core/7.0.0", "@babel/core", "7.0.0"),
        ("var/www/html/bower_components/jquery", "jquery", "1.9.1"),
    ],
)
def test_packages_that_managers_keep_elsewhere_are_found(directory: str, name: str, version: str) -> None:
    found = Found([file(f"{directory}/package.json", f'{{"name": "{name}", "version": "{version}"}}')])

    assert found.named(name).version == version


def test_what_bower_says_of_a_package_counts_before_the_package_itself() -> None:
    place = "srv/bower_components/jquery"
    found = Found(
        [
            file(f"{place}/package.json", '{"name": "jquery", "version": "1.9.0"}'),
            file(f"{place}/.bower.json", '{"name": "jquery", "version": "1.9.1"}'),
        ]
    )

    assert [package.version for package in found.packages] == ["1.9.1"]


@pytest.mark.parametrize(
    "directory",
    ["srv/www/js/lib/lodash", "srv/lib/lodash-4.17.10", "srv/lib/lodash@4.17.10", "lodash", "lodash-v4", "lodash-4.17"],
)
def test_a_copy_of_a_published_package_lies_in_a_directory_of_its_name(directory: str) -> None:
    assert Found([file(f"{directory}/package.json", LODASH)]).named("lodash").version == "4.17.10"


@pytest.mark.parametrize(
    ("directory", "manifest"),
    [
        ("srv/lodash", LODASH.replace("}", ', "private": true}')),
        ("srv/node_modules/a/test/lodash", LODASH),
        ("srv/bower_components/a/lodash", LODASH),
        ("srv/lodash", "no JSON"),
        ("srv/lodash", "[]"),
        ("srv/lodash", '{"name": "lodash", "repository": "lodash/lodash"}'),
    ],
)
def test_the_manifest_of_an_application_is_no_package(directory: str, manifest: str) -> None:
    found = Found([file(f"{directory}/package.json", manifest)])

    assert found.names == []
    assert [unknown.what for unknown in found.unknowns] == ["operating system"]


UNCLEAR = "they may be those of copies of published packages, or of applications: not looked up"


@pytest.mark.parametrize(
    ("directory", "manifest"),
    [
        ("srv/app", LODASH),
        ("srv/lodash-4.1", LODASH),
        ("srv/shop", '{"name": "shop", "version": "1.0.0"}'),
        ("srv/app/static/shop", '{"name": "shop", "version": "1.0.0"}'),
    ],
)
def test_what_may_be_a_copy_or_an_application_is_told(directory: str, manifest: str) -> None:
    files = [file(f"{directory}/package.json", manifest), file(f"{directory}2/package.json", manifest)]
    found = Found([*files, node_package("six", "1", "srv/app")] if "static" in directory else files)

    assert "lodash" not in found.names
    told = [(one.what, one.why) for one in found.unknowns if "npm" in one.what]
    assert told == [(f"2 manifests of npm packages, {directory}/package.json the first of them", UNCLEAR)]


@pytest.mark.parametrize("directory", ["srv/app", "srv/app/dist"])
def test_an_application_with_what_it_needs_is_clear(directory: str) -> None:
    manifest = file(f"{directory}/package.json", '{"name": "shop", "version": "1.0.0"}')

    found = Found([manifest, node_package("six", "1", "srv/app")])
    assert [one.what for one in found.unknowns] == ["operating system"]


def test_a_published_package_with_what_it_bundles_may_be_an_application() -> None:
    found = Found([file("srv/lodash/package.json", LODASH), node_package("six", "1", "srv/lodash")])

    assert found.names == ["six"]
    assert found.unknowns[-1].why == UNCLEAR


def test_what_npm_once_wrote_into_a_manifest_shows_that_it_was_published() -> None:
    manifest = '{"name": "lodash", "version": "4.17.10", "_id": "lodash@4.17.10"}'

    assert Found([file("srv/js/lodash/package.json", manifest)]).names == ["lodash"]


def test_an_application_of_its_directorys_name_has_what_it_needs_beside_it() -> None:
    found = Found([file("srv/lodash/package.json", LODASH), node_package("lodash-es", "4.17.10", "srv/lodash")])

    assert found.names == ["lodash-es"]


def test_npm_unpacked_below_opt_brings_its_own_packages_with_it() -> None:
    found = Found(
        [
            file("opt/npm-6.14.4/package.json", '{"name": "npm", "version": "6.14.4"}'),
            node_package("tar", "4.4.13", "opt/npm-6.14.4"),
        ]
    )

    assert sorted(found.names) == ["npm", "tar"]
