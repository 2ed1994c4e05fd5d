"""Which packages are used, from files; and of which it can be said that they are not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs
from tests.support.records import report

from hullguard.model.package import Package, PackageType
from hullguard.model.report import ReportedPackage
from hullguard.model.use import ImageUse, Unseen, Use
from hullguard.storage.package_use import use_of
from hullguard.storage.story_stakes import KnownImage


def package(name: str, kind: PackageType, *locations: str, arch: str | None = "amd64") -> Package:
    distribution = "debian/" if kind is PackageType.DEB else ""
    return Package(f"pkg:{kind.value}/{distribution}{name}@1", kind, name, "1", arch=arch, locations=locations)


PACKAGES = (
    package("libssl3", PackageType.DEB),
    package("curl", PackageType.DEB),
    package("adduser", PackageType.DEB, arch="all"),
    package("tzdata", PackageType.DEB),
    package("libpython3.11-stdlib", PackageType.DEB),
    package("app", PackageType.GOLANG, "usr/local/bin/app"),
    package("tool", PackageType.GOLANG, "src/go.mod"),
    package("log4j", PackageType.MAVEN, "opt/log4j-1.jar"),
    package("inner", PackageType.MAVEN, "opt/app.jar!/BOOT-INF/lib/inner-1.jar"),
    package("cryptography", PackageType.PYPI, "usr/lib/python3/cryptography-1.dist-info/METADATA"),
    package("billed", PackageType.GOLANG, "srv/app.cdx"),
    package("requests", PackageType.PYPI, "usr/lib/python3/requests-1.dist-info/METADATA"),
)
LISTS = {
    "libssl3": ("usr/lib/libcrypto.so.3", "usr/lib/libssl.so.3"),
    "curl": ("usr/bin/curl",),
    "adduser": ("usr/sbin/adduser",),
    "libpython3.11-stdlib": ("usr/lib/python3.11/lib-dynload/_ssl.cpython-311-x86_64-linux-gnu.so",),
}
KNOWN = KnownImage(structs.replace(report(()), packages=tuple(map(ReportedPackage.of, PACKAGES))), LISTS)


def uses(*files: str, unsettled: Unseen | None = None) -> dict[str, Use | Unseen]:
    use = use_of(KNOWN, files, unsettled)
    told = {each.name: use.of(each.purl) for each in PACKAGES}
    return {name: each.why or each.use for name, each in told.items()}


def test_what_was_seen_is_loaded_and_of_the_rest_it_is_said_what_can_be():
    assert uses("/usr/lib/libssl.so.3", "/usr/local/bin/app", "/usr/lib/python3/cryptography/_rust.so") == {
        "libssl3": Use.LOADED,
        "app": Use.LOADED,
        "cryptography": Use.LOADED,
        "curl": Use.NOT_SEEN,
        "log4j": Use.NOT_SEEN,
        "adduser": Unseen.INTERPRETED,
        "tzdata": Unseen.INTERPRETED,
        "libpython3.11-stdlib": Unseen.INTERPRETED,
        "tool": Unseen.INTERPRETED,
        "inner": Unseen.INTERPRETED,
        "billed": Unseen.INTERPRETED,
        "requests": Unseen.INTERPRETED,
    }


def test_an_archive_that_is_open_is_loaded():
    assert uses("/opt/log4j-1.jar")["log4j"] is Use.LOADED


@pytest.mark.parametrize("why", Unseen)
def test_until_it_is_settled_nothing_follows_from_absence(why: Unseen):
    found = uses("/usr/bin/curl", unsettled=why)
    assert found.pop("curl") is Use.LOADED
    assert set(found.values()) == {why}


def test_an_image_without_lists_says_nothing_of_the_distributions_packages():
    use = use_of(KnownImage(KNOWN.report), ("/usr/bin/curl",), None)
    assert use.of(PACKAGES[1].purl).why is Unseen.INTERPRETED


PATHS = st.text(max_size=300).map(lambda name: "/" + name) | st.sampled_from(("/usr/bin/curl", "/opt/log4j-1.jar"))


@given(st.lists(PATHS, max_size=20))
def test_a_package_is_loaded_by_a_file_that_was_seen(files: list[str]):
    use = use_of(KNOWN, files, None)
    assert set(use.loaded.values()) <= set(files)
    assert ("/usr/bin/curl" in files) == (PACKAGES[1].purl in use.loaded)


def test_of_an_image_that_nobody_watches_nothing_is_known():
    assert ImageUse().of("pkg:deb/debian/bash@1").why is Unseen.UNWATCHED
