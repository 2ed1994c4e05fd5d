"""What Composer installed, in both forms of its list."""

import json

import pytest
from tests.support.images import file
from tests.support.inventories import Found

from hullguard.inventory.bills.purls import package_of

PATH = "var/www/html/vendor/composer/installed.json"
PACKAGES = [
    {"name": "symfony/http-kernel", "version": "v4.4.0", "version_normalized": "4.4.0.0", "license": ["MIT"]},
    {"name": "guzzlehttp/psr7", "version": "1.8.3", "license": "MIT"},
    {"name": "acme/app", "version": "dev-main", "license": []},
]


@pytest.mark.parametrize("document", [PACKAGES, {"packages": PACKAGES, "dev": True, "dev-package-names": []}])
def test_both_forms_are_read(document: object) -> None:
    found = Found([file(PATH, json.dumps(document))])

    assert found.names == ["acme/app", "guzzlehttp/psr7", "symfony/http-kernel"]
    kernel = found.named("symfony/http-kernel")
    assert (kernel.version, kernel.ecosystem, kernel.licenses) == ("v4.4.0", "Packagist", ("MIT",))
    assert kernel.purl == "pkg:composer/symfony/http-kernel@v4.4.0"
    assert found.named("guzzlehttp/psr7").licenses == ("MIT",)


@pytest.mark.parametrize("version", ["dev-main", "6.5.x-dev"])
def test_a_branch_is_judged_as_a_bill_of_the_same_image_is(version: str) -> None:
    installed = [{"name": "guzzlehttp/guzzle", "version": version}]
    package = Found([file(PATH, json.dumps(installed))]).named("guzzlehttp/guzzle")

    assert package.ecosystem == "Packagist"
    assert (package.ecosystem, package.version) == (
        package_of(package.purl).ecosystem,
        package_of(package.purl).version,
    )


@pytest.mark.parametrize("content", [b"", b"{", b'{"packages": 1}', b"[" * 50_000, b"\xff"])
def test_a_list_that_cannot_be_read_is_told(content: bytes) -> None:
    found = Found([file(PATH, content)])

    assert found.names == []
    assert (PATH, "is no readable list of Composer packages") in [(u.what, u.why) for u in found.unknowns]


@pytest.mark.parametrize(
    ("odd", "named"),
    [
        ({"name": "odd/one"}, "odd/one"),
        ({"name": "odd/one", "version": 5}, "odd/one"),
        ({"version": "1"}, "number 2"),
        ("odd", "number 2"),
    ],
)
@pytest.mark.parametrize("path", [PATH, "srv/composer.lock"])
def test_an_odd_entry_costs_only_itself_and_is_named(path: str, odd: object, named: str) -> None:
    document = {"packages": [PACKAGES[0], odd, PACKAGES[1]]}

    found = Found([file(path, json.dumps(document))])

    assert found.names == ["guzzlehttp/psr7", "symfony/http-kernel"]
    assert (path, f"its entry {named} is none; it was left out") in [(u.what, u.why) for u in found.unknowns]


def test_a_list_of_objects_without_end_is_refused_before_it_is_read() -> None:
    found = Found([file(PATH, "[" + "{}," * 300_001 + "{}]")])

    assert (PATH, "has more than 300000 objects; it was not read") in [(u.what, u.why) for u in found.unknowns]


def test_a_package_of_no_vendor_is_still_a_package() -> None:
    assert Found([file(PATH, b'[{"name": "lone", "version": "1"}]')]).named("lone").purl == "pkg:composer/lone@1"
