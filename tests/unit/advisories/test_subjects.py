"""The traps of distributions: epochs, modules, binary names, kernels, releases that are not known."""

from pathlib import Path

import pytest
from tests.support.advisories import affected, database, found, package, record

from hullguard.advisories.subjects import is_kernel, subject, subjects
from hullguard.model.package import Package, PackageType

ZERO = {"introduced": "0"}


def rpm(name: str, version: str, ecosystem: str = "Rocky Linux:8", **fields: object) -> Package:
    return Package(f"pkg:rpm/{name}@{version}", PackageType.RPM, name, version, ecosystem, **fields)  # type: ignore[arg-type]


class TestEpochs:
    @pytest.mark.parametrize(("fixed", "expected"), [("4:5.26.3-421.el8", ["CVE-2024-1"]), ("4:5.26.3-419.el8", [])])
    def test_a_source_rpm_without_an_epoch_has_the_one_of_the_bound(
        self, tmp_path: Path, fixed: str, expected: list[str]
    ) -> None:
        advisories = database(
            tmp_path,
            record("RLSA-1", affected("Rocky Linux:8", "perl", ZERO, {"fixed": fixed}), related=["CVE-2024-1"]),
        )
        binary = rpm("perl-Errno", "1.28-420.el8", source_name="perl", source_version="5.26.3-420.el8")

        assert list(found(advisories, binary)) == expected

    def test_a_binary_without_an_epoch_has_the_epoch_zero(self, tmp_path: Path) -> None:
        advisories = database(
            tmp_path,
            record("RLSA-1", affected("Rocky Linux:8", "bind", ZERO, {"fixed": "32:9.11-1"}), related=["CVE-2024-1"]),
        )

        assert list(found(advisories, rpm("bind", "9.16-1"))) == ["CVE-2024-1"]
        assert list(found(advisories, rpm("bind", "32:9.16-1"))) == []

    def test_an_epoch_that_the_source_tells_counts(self) -> None:
        assert subject(rpm("a", "1-1", source_name="b", source_version="2:1-1")).epochless is False
        assert subject(rpm("a", "1-1", source_name="b", source_version="1-1")).epochless is True
        assert subject(package("a", "1-1", "Debian:12", source_name="b", source_version="1-1")).epochless is False


class TestModules:
    MODULE = "1:10.24.0-1.module+el8.3.0+717+fa496f1d"
    FIXED = "1:10.25.0-1.module+el8.4.0+1+aaaa"

    def test_a_module_and_what_is_no_module_never_match(self, tmp_path: Path) -> None:
        advisories = database(
            tmp_path,
            record("RLSA-1", affected("Rocky Linux:8", "nodejs", ZERO, {"fixed": self.FIXED}), related=["CVE-2024-1"]),
            record(
                "RLSA-2", affected("Rocky Linux:8", "nodejs", ZERO, {"fixed": "1:16.0.0-1.el8"}), related=["CVE-2024-2"]
            ),
        )

        assert list(found(advisories, rpm("nodejs", self.MODULE))) == ["CVE-2024-1"]
        assert list(found(advisories, rpm("nodejs", self.MODULE, module="nodejs:10"))) == ["CVE-2024-1"]
        assert list(found(advisories, rpm("nodejs", "1:9.0.0-1.el8"))) == ["CVE-2024-2"]

    @pytest.mark.parametrize(
        ("summary", "expected"),
        [
            ("Important: nodejs:10 security update", ["CVE-2024-1"]),
            ("Important: nodejs:12 security and bug fix update", []),
            ("Important: nodejs security update", ["CVE-2024-1"]),
        ],
    )
    def test_streams_of_a_module_do_not_mix(self, tmp_path: Path, summary: str, expected: list[str]) -> None:
        entry = affected("Rocky Linux:8", "nodejs", ZERO, {"fixed": self.FIXED})
        advisories = database(tmp_path, record("RLSA-1", entry, related=["CVE-2024-1"], summary=summary))

        assert list(found(advisories, rpm("nodejs", self.MODULE, module="nodejs:10:8030020:abc"))) == expected

    def test_what_was_never_fixed_speaks_of_both(self, tmp_path: Path) -> None:
        advisories = database(tmp_path, record("RLSA-1", affected("Rocky Linux:8", "a", ZERO), related=["CVE-2024-1"]))

        assert list(found(advisories, rpm("a", "1-1.module+el8.1"))) == ["CVE-2024-1"]
        assert list(found(advisories, rpm("a", "1-1.el8"))) == ["CVE-2024-1"]


class TestBinaries:
    def test_what_is_said_of_the_binary_decides(self, tmp_path: Path) -> None:
        advisories = database(
            tmp_path,
            record(
                "ALSA-1",
                affected("AlmaLinux:8", "perl", ZERO, {"fixed": "4:5.26.3-421.el8"}),
                affected("AlmaLinux:8", "perl-Errno", ZERO, {"fixed": "0:1.28-420.el8"}),
                related=["CVE-2024-1"],
            ),
            record(
                "ALSA-2",
                affected("AlmaLinux:8", "perl-Errno", ZERO, {"fixed": "0:1.28-422.el8"}),
                related=["CVE-2024-2"],
            ),
        )
        binary = rpm("perl-Errno", "1.28-420.el8", "AlmaLinux:8", source_name="perl", source_version="5.26.3-420.el8")

        (one,) = found(advisories, binary).values()

        assert (one.id, one.fixed) == ("CVE-2024-2", "0:1.28-422.el8")
        assert one.why.evidence.startswith("perl-Errno: 1.28-420.el8 is affected")

    def test_only_where_advisories_name_binaries(self) -> None:
        fields = {"source_name": "b", "source_version": "2-1"}

        assert [about.name for about in subjects(rpm("a", "1-1", "Red Hat:enterprise_linux:8", **fields))] == ["b", "a"]
        assert [about.name for about in subjects(rpm("a", "1-1", "SUSE:15", **fields))] == ["b"]
        assert [about.name for about in subjects(rpm("b", "1-1", "AlmaLinux:8", **fields))] == ["b"]


class TestAnnouncements:
    def test_an_update_that_fixes_no_vulnerability_is_no_finding(self, tmp_path: Path) -> None:
        advisories = database(
            tmp_path,
            record("ALBA-1", affected("AlmaLinux:8", "a", ZERO, {"fixed": "2-1"})),
            record("ALSA-2", affected("AlmaLinux:8", "a", ZERO, {"fixed": "2-1"})),
            record("ALBA-3", affected("AlmaLinux:8", "a", ZERO, {"fixed": "2-1"}), related=["CVE-2024-3"]),
        )

        assert sorted(found(advisories, rpm("a", "1-1", "AlmaLinux:8"))) == ["ALSA-2", "CVE-2024-3"]


@pytest.mark.parametrize(
    ("ecosystem", "source", "version", "expected"),
    [
        ("Debian:12", "linux-signed-amd64", "6.1.115+1", ("linux", "6.1.115-1")),
        ("Debian:11", "linux-signed-6.1-amd64", "6.1.106+3~deb11u1", ("linux-6.1", "6.1.106-3~deb11u1")),
        ("Debian:11", "linux-signed-5.10-arm64", "5.10.1+1", ("linux-5.10", "5.10.1-1")),
        ("Ubuntu:22.04:LTS", "linux-signed", "5.15.0-91.101", ("linux", "5.15.0-91.101")),
        ("Ubuntu:22.04:LTS", "linux-signed-aws", "5.15.0-1020.24", ("linux-aws", "5.15.0-1020.24")),
        (
            "Ubuntu:20.04:LTS",
            "linux-signed-hwe-5.15",
            "5.15.0-91.101~20.04.1",
            ("linux-hwe-5.15", "5.15.0-91.101~20.04.1"),
        ),
        ("Alpine:v3.20", "linux-signed-aws", "1", ("linux-signed-aws", "1")),
    ],
)
def test_a_signed_kernel_is_the_kernel_of_its_line(
    ecosystem: str, source: str, version: str, expected: tuple[str, str]
) -> None:
    about = subject(package("linux-image-x", version, ecosystem, source_name=source, source_version=version))

    assert (about.name, about.version) == expected


def test_fixed_in_zero_means_never_affected(tmp_path: Path) -> None:
    advisories = database(tmp_path, record("DEBIAN-CVE-2024-1", affected("Debian:12", "a", ZERO, {"fixed": "0"})))

    assert found(advisories, package("a", "0~git2020-1", "Debian:12")) == {}


def test_without_a_release_only_listed_versions_count(tmp_path: Path) -> None:
    advisories = database(
        tmp_path,
        record("UBUNTU-CVE-2024-1", affected("Ubuntu", "a", ZERO), upstream=["CVE-2024-1"]),
        record("UBUNTU-CVE-2024-2", affected("Ubuntu", "a", ZERO, versions=["1.0"]), upstream=["CVE-2024-2"]),
    )

    assert list(found(advisories, package("a", "1.0", "Ubuntu"))) == ["CVE-2024-2"]


@pytest.mark.parametrize(
    ("name", "source", "kernel"),
    [
        ("linux-libc-dev", "linux", True),
        ("linux-headers-6.1.0-28-amd64", "linux", True),
        ("linux-image-6.1.0-28-amd64", "linux-signed-amd64", True),
        ("kernel-headers", "kernel", True),
        ("linux-libc-dev", None, True),
        ("bash", "bash", False),
        ("util-linux", "util-linux", False),
        ("kernelshark", None, False),
    ],
)
def test_parts_of_a_kernel_are_known(name: str, source: str | None, kernel: bool) -> None:
    assert is_kernel(package(name, "1", "Debian:12", source_name=source)) is kernel


def test_a_finding_of_a_kernel_says_that_a_container_cannot_boot_it(tmp_path: Path) -> None:
    advisories = database(
        tmp_path, record("DEBIAN-CVE-2024-1", affected("Debian:12", "linux", ZERO), upstream=["CVE-2024-1"])
    )

    (one,) = found(advisories, package("linux-libc-dev", "6.1.1-1", "Debian:12", source_name="linux")).values()

    assert one.why.evidence.endswith("a container runs on the kernel of its host and cannot boot this one")


@pytest.mark.parametrize(
    ("upstream", "aliases"),
    [
        (["CVE-2024-1", "GHSA-x"], ("CGA-1", "GHSA-x")),
        (["CVE-2024-1"], ("CGA-1",)),
        (["CVE-2024-1", "GHSA-x", "GHSA-y"], ("CGA-1",)),
    ],
)
def test_what_one_vulnerability_comes_from_is_its_name_too(
    tmp_path: Path, upstream: list[str], aliases: tuple[str, ...]
) -> None:
    advisories = database(tmp_path, record("CGA-1", affected("Wolfi", "a", ZERO), upstream=upstream))

    assert found(advisories, package("a", "1.0-r0", "Wolfi"))["CVE-2024-1"].aliases == aliases
