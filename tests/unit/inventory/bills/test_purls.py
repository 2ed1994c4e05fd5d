"""Package URLs as other programs write them become the packages that matching knows."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hullguard.inventory.bills.purls import operating_system, package_of, system_of
from hullguard.model.errors import Invalid
from hullguard.model.image import OperatingSystem


@pytest.mark.parametrize(
    ("purl", "ecosystem", "name", "version"),
    [
        ("pkg:pypi/django@3.2", "PyPI", "django", "3.2"),
        ("pkg:npm/lodash@4.17.4", "npm", "lodash", "4.17.4"),
        ("pkg:npm/%40babel/core@7.0.0", "npm", "@babel/core", "7.0.0"),
        ("pkg:maven/org.apache/log4j@2.0?type=jar", "Maven", "org.apache:log4j", "2.0"),
        ("pkg:golang/github.com/gin-gonic/gin@v1.9.0", "Go", "github.com/gin-gonic/gin", "v1.9.0"),
        ("pkg:composer/laravel/framework@v10.0", "Packagist", "laravel/framework", "v10.0"),
        ("pkg:gem/rails@7.0", "RubyGems", "rails", "7.0"),
        ("pkg:cargo/serde@1.0.0", "crates.io", "serde", "1.0.0"),
    ],
)
def test_language_packages(purl: str, ecosystem: str, name: str, version: str) -> None:
    package = package_of(purl)

    assert (package.ecosystem, package.name, package.version) == (ecosystem, name, version)
    assert package.source_name is None


@pytest.mark.parametrize(
    ("purl", "ecosystem", "version"),
    [
        ("pkg:deb/debian/libc6@2.36-9?arch=amd64&distro=debian-12", "Debian:12", "2.36-9"),
        ("pkg:deb/debian/libc6@2.36-9?distro=debian-12.5", "Debian:12", "2.36-9"),
        ("pkg:deb/debian/libc6@2.36-9?distro=bookworm", "Debian:12", "2.36-9"),
        ("pkg:deb/debian/bsdutils@2.38.1-5%2Bdeb12u1?distro=debian-12&epoch=1", "Debian:12", "1:2.38.1-5+deb12u1"),
        ("pkg:deb/ubuntu/curl@7.81.0?distro=ubuntu-22.04", "Ubuntu:22.04:LTS", "7.81.0"),
        ("pkg:apk/alpine/musl@1.2.3-r0?arch=x86_64&distro=3.18.4", "Alpine:v3.18", "1.2.3-r0"),
        ("pkg:apk/alpine/musl@1.2.3-r0?distro=alpine-3.18.4", "Alpine:v3.18", "1.2.3-r0"),
        ("pkg:apk/wolfi/musl@1.2.3-r0?distro=wolfi-20230201", "Wolfi", "1.2.3-r0"),
        ("pkg:rpm/sles/a@1?distro=sles-15.3", "SUSE:Linux Enterprise Server 15 SP3", "1"),
        ("pkg:rpm/sles/a@1?distro=sles-15", "SUSE:Linux Enterprise Server 15", "1"),
        ("pkg:rpm/suse/a@1?distro=suse.linux%20enterprise%20server-12.5", "SUSE:Linux Enterprise Server 12 SP5", "1"),
        (
            "pkg:rpm/sles_sap/a@1?distro=sles_sap-15.3",
            "SUSE:Linux Enterprise Server for SAP Applications 15 SP3",
            "1",
        ),
        ("pkg:rpm/opensuse/a@1?distro=opensuse.leap-15.4", "openSUSE:Leap 15.4", "1"),
        ("pkg:rpm/cbl-mariner/a@1?distro=cbl-mariner-2.0", "Azure Linux:2", "1"),
        ("pkg:rpm/openeuler/a@1?distro=openeuler-22.03-LTS-SP1", "openEuler:22.03-LTS-SP1", "1"),
        ("pkg:deb/debian/libc6@2.36-9", "", "2.36-9"),
        ("pkg:deb/debian/a@1?os_distro=bookworm&os_name=debian&os_version=12", "Debian:12", "1"),
        ("pkg:deb/debian/a@1?os_distro=bookworm", "Debian:12", "1"),
        ("pkg:deb/debian/a@1?distro=debian-trixie", "Debian:13", "1"),
        ("pkg:deb/a@1?distro=jammy", "Ubuntu:22.04:LTS", "1"),
        ("pkg:deb/ubuntu/a@1?distro=ubuntu-focal", "Ubuntu:20.04:LTS", "1"),
        ("pkg:deb/ubuntu/a@1?distro=ubuntu-20.04.6", "Ubuntu:20.04:LTS", "1"),
        ("pkg:deb/linuxmint/a@1?distro=jammy", "", "1"),
        ("pkg:deb/debian/a@1?distro=jammy", "", "1"),
        ("pkg:deb/debian/a@1?distro=debian", "", "1"),
        ("pkg:apk/alpine/a@1?distro=alpine-v3.12", "Alpine:v3.12", "1"),
        ("pkg:rpm/rockylinux/a@1?distro=rockylinux-8.5", "Rocky Linux:8", "1"),
        ("pkg:rpm/sles/a@1?distro=sles-15-SP3", "SUSE:Linux Enterprise Server 15 SP3", "1"),
    ],
)
def test_packages_of_distributions(purl: str, ecosystem: str, version: str) -> None:
    package = package_of(purl)

    assert (package.ecosystem, package.version) == (ecosystem, version)
    assert (package.source_name, package.source_version) == (package.name, version)


@pytest.mark.parametrize(
    ("purl", "source"),
    [
        ("pkg:deb/debian/libc6@2.36-9?distro=debian-12&upstream=glibc", ("glibc", "2.36-9")),
        ("pkg:deb/debian/bsdutils@1:2.38.1-5?upstream=util-linux%402.38.1-5", ("util-linux", "2.38.1-5")),
        ("pkg:apk/alpine/libcrypto3@3.1.4-r1?upstream=openssl", ("openssl", "3.1.4-r1")),
        ("pkg:rpm/rhel/bash@5.1.8-6.el9?epoch=2&upstream=bash-src-5.1.8-6.el9.src.rpm", ("bash-src", "2:5.1.8-6.el9")),
        ("pkg:rpm/rhel/perl-Errno@1.28-416.el8?upstream=perl-5.26.3-416.el8.src.rpm", ("perl", "5.26.3-416.el8")),
        ("pkg:rpm/rhel/bash@5.1.8-6.el9?upstream=odd.src.rpm", ("bash", "5.1.8-6.el9")),
    ],
)
def test_the_source_package(purl: str, source: tuple[str, str]) -> None:
    package = package_of(purl)

    assert (package.source_name, package.source_version) == source


def test_what_stands_beside_the_purl_counts_when_it_is_silent() -> None:
    purl = "pkg:deb/debian/libc6@2.36-9"

    package = package_of(purl, OperatingSystem("debian", "12"), source=("glibc", ""), licenses=("MIT",))

    assert (package.ecosystem, package.source_name, package.source_version) == ("Debian:12", "glibc", "2.36-9")
    assert package.licenses == ("MIT",)


def test_a_module() -> None:
    assert package_of("pkg:rpm/rhel/nodejs@12-1?rpmmod=nodejs:12:823:abc").module == "nodejs:12"


@pytest.mark.parametrize(
    "purl",
    [
        "",
        "x",
        "pkg:",
        "pkg:npm",
        "pkg:npm/lodash",
        "pkg:oci/image@sha256:abc",
        "pkg:docker/app@1",
        "pkg:npm/a@" + "1" * 5000,
        "http://x",
    ],
)
def test_what_cannot_be_matched_says_why(purl: str) -> None:
    with pytest.raises(Invalid):
        package_of(purl)
    assert system_of(purl) is None


@given(st.text(max_size=80))
def test_any_text_is_a_package_or_refused(text: str) -> None:
    for purl in (text, f"pkg:{text}", f"pkg:deb/debian/a@1?{text}", f"pkg:rpm/x/a@1?distro={text}"):
        with contextlib.suppress(Invalid):
            assert package_of(purl).version


def test_the_system_of_the_document_counts_where_it_is_the_same() -> None:
    said = operating_system("openEuler", "22.03", "openEuler 22.03 (LTS-SP3)")

    assert package_of("pkg:rpm/openeuler/a@1?distro=openeuler-22.03", said).ecosystem == "openEuler:22.03-LTS-SP3"
    assert package_of("pkg:rpm/openeuler/a@1?distro=openeuler-24.03", said).ecosystem == ""


def test_a_codename_tells_the_release() -> None:
    found = system_of("pkg:deb/debian/a@1?distro=bullseye")

    assert found is not None
    assert (found.id, found.version_id) == ("debian", "11")
    assert found.end_of_life is not None
    assert system_of("pkg:deb/debian/a@1?distro=sid") is None


def test_the_operating_system() -> None:
    found = system_of("pkg:rpm/redhat/bash@1?distro=redhat-9.3")

    assert found is not None
    assert (found.id, found.version_id) == ("rhel", "9.3")
    assert system_of("pkg:npm/a@1?distro=debian-12") is None


@pytest.mark.parametrize(
    ("name", "release", "identity", "version"),
    [
        ("Debian GNU/Linux", "12 (bookworm)", "debian", "12"),
        ("Debian GNU/Linux 12 (bookworm)", None, "debian", "12"),
        ("debian", "bookworm", "debian", "12"),
        ("Ubuntu", "20.04.6 LTS (Focal Fossa)", "ubuntu", "20.04.6"),
        ("Red Hat Enterprise Linux", "8.5 (Ootpa)", "rhel", "8.5"),
        ("Rocky Linux", "9.3 (Blue Onyx)", "rocky", "9.3"),
        ("alpine", "v3.18", "alpine", "3.18"),
        ("sles", "15 SP3", "sles", "15.3"),
        ("openeuler", "22.03 (LTS-SP1)", "openeuler", "22.03 (LTS-SP1)"),
        ("debian", "rolling release", "debian", "rolling release"),
        ("Tool 3 of 4", None, "tool 3 of 4", None),
    ],
)
def test_a_distribution_is_known_by_any_of_its_names(
    name: str, release: str | None, identity: str, version: str | None
) -> None:
    found = operating_system(name, release)

    assert (found.id, found.version_id) == (identity, version)


def test_a_package_that_names_a_distribution_without_a_release_is_of_the_documents() -> None:
    document = operating_system("debian", "12")

    assert package_of("pkg:deb/debian/a@1?distro=debian", document).ecosystem == "Debian:12"
    assert package_of("pkg:deb/debian/a@1?distro=sid", document).ecosystem == ""


@pytest.mark.parametrize("purl", ["pkg:golang/std@go1.20", "pkg:golang/stdlib@v1.20", "pkg:golang/stdlib@1.20"])
def test_the_standard_library_of_go_has_one_name(purl: str) -> None:
    package = package_of(purl, spelled=purl.rpartition("/")[2].partition("@")[0])

    assert (package.purl, package.name, package.version) == ("pkg:golang/stdlib@1.20", "stdlib", "1.20")
