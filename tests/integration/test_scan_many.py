"""``hullguard scan`` of several images, and in every format, as a pipeline calls it."""

import json
import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from tests.support.advisories import affected, record, write_records
from tests.support.images import DEBIAN_12, Image, dpkg_entry, dpkg_status, file, layer, node_package

SYSTEM = layer(file("etc/os-release", DEBIAN_12), dpkg_status(dpkg_entry("libc6", "2.36-9", source="glibc")))
ONE = Image([SYSTEM])
TWO = Image([SYSTEM, layer(node_package("lodash", "4.17.4"))])


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("home")
    records = write_records(
        home / "records.jsonl",
        record("DEBIAN-CVE-2024-1", affected("Debian:12", "glibc", {"introduced": "0"}), upstream=["CVE-2024-1"]),
        record("GHSA-1", affected("npm", "lodash", {"introduced": "0"}, {"fixed": "4.17.5"}, kind="SEMVER")),
    )
    ONE.docker_archive(home / "one.tar")
    TWO.docker_archive(home / "two.tar")
    assert run(home, "db", "import", "--db", "x.db", str(records)).returncode == 0
    return home


def run(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "XDG_CACHE_HOME": str(home / "cache"), "COLUMNS": "120"}
    done = subprocess.run(
        [sys.executable, "-m", "hullguard", *arguments],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
        cwd=home,
        timeout=120,
    )
    assert "Traceback" not in done.stderr
    return done


def scan(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return run(home, "scan", "--db", "x.db", *arguments)


def test_several_targets_are_one_document_per_line_in_the_order_given(home: Path) -> None:
    done = scan(home, "-f", "json", "--jobs", "2", "two.tar", "one.tar", "two.tar")

    documents = [json.loads(line) for line in done.stdout.splitlines()]
    assert (done.returncode, done.stderr) == (0, "")
    assert [len(document["vulnerabilities"]) for document in documents] == [2, 1, 2]
    assert [document["target"]["ref"] for document in documents] == ["two.tar", "one.tar", "two.tar"]


def test_tables_end_in_a_summary(home: Path) -> None:
    done = scan(home, "one.tar", "two.tar")

    assert done.stdout.count("CVE-2024-1") == 2
    assert done.stdout.index("2 targets") > done.stdout.index("GHSA-1")


def test_a_file_for_each_target(home: Path, tmp_path: Path) -> None:
    done = scan(home, "-f", "sarif", "-o", str(tmp_path / "reports"), "one.tar", "./one.tar", "two.tar")

    assert (done.returncode, done.stdout) == (0, "")
    assert sorted(path.name for path in (tmp_path / "reports").iterdir()) == [
        "one.tar-2.sarif",
        "one.tar.sarif",
        "two.tar.sarif",
    ]


def test_the_worst_end_is_the_end_and_every_failure_is_named(home: Path) -> None:
    done = scan(home, "-f", "json", "one.tar", "/no/such.tar", "--fail-on", "unknown")

    assert done.returncode == 2
    assert len(done.stdout.splitlines()) == 1
    assert done.stderr.startswith("hullguard: /no/such.tar: there is no file or directory")
    assert scan(home, "one.tar", "two.tar", "--fail-on", "unknown").returncode == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("-f", "sarif", "one.tar", "two.tar"), "need a directory: -o DIR"),
        (("-o", "x.db", "one.tar", "two.tar"), "must be a directory"),
        (("--scanners", "virus", "one.tar"), "there is no scanner 'virus'; choose among vuln"),
        (("--max-size", "many", "one.tar"), "'many' is no size"),
        (("--username", "me", "one.tar"), "needs a password"),
        (("--db", "absent.db", "one.tar", "two.tar"), "hullguard db import"),
        (("--jobs", "0", "one.tar", "two.tar"), "--jobs"),
    ],
)
def test_a_wrong_request_is_one_line(home: Path, arguments: tuple[str, ...], words: str) -> None:
    done = scan(home, *arguments)

    assert (done.returncode, done.stdout) == (2, "")
    assert words in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("limit", [("--max-size", "5k"), ("--max-files", "1")])
def test_a_limit_is_a_flag_and_exit_code_4(home: Path, limit: tuple[str, str]) -> None:
    done = scan(home, "-f", "json", "--no-cache", *limit, "two.tar")

    assert done.returncode == 4
    assert json.loads(done.stdout)["complete"] is False


def test_what_does_not_count_is_taken_out_and_named_when_asked(home: Path) -> None:
    (home / "ignore").write_text("CVE-2024-1 until:2999-01-01  # not reachable here\n")
    quiet = scan(home, "--ignore-file", "ignore", "--fail-on", "unknown", "one.tar")
    loud = scan(home, "--ignore-file", "ignore", "--show-suppressed", "one.tar")

    assert quiet.returncode == 0
    assert "0 vulnerabilities" in quiet.stdout
    assert "1 more do not count" in quiet.stdout
    assert "not reachable here (until 2999-01-01)" in loud.stdout


def test_a_vex_document_says_what_does_not_count(home: Path) -> None:
    statement = {
        "vulnerability": {"name": "GHSA-1"},
        "products": [{"@id": "pkg:npm/lodash@4.17.4"}],
        "status": "not_affected",
        "justification": "vulnerable_code_not_in_execute_path",
    }
    document = {"@context": "https://openvex.dev/ns/v0.2.0", "@id": "x", "author": "me", "version": 1}
    (home / "vex.json").write_text(
        json.dumps({**document, "timestamp": "2026-01-01T00:00:00Z", "statements": [statement]})
    )
    document = json.loads(scan(home, "-f", "json", "--vex", "vex.json", "two.tar").stdout)

    assert [one["id"] for one in document["vulnerabilities"]] == ["CVE-2024-1"]
    assert [one["by"] for one in document["suppressed"]] == ["vex"]


def test_a_rule_that_cannot_be_read_stops_the_scan(home: Path) -> None:
    (home / "wrong").write_text("CVE-2024-1 someday\n")

    for arguments in (("--ignore-file", "wrong"), ("--ignore-file", "absent"), ("--vex", "wrong")):
        done = scan(home, *arguments, "one.tar")
        assert (done.returncode, done.stdout) == (2, "")
        assert len(done.stderr.splitlines()) == 1


def test_secrets_and_configuration_are_found_when_asked_and_fail_a_build(home: Path) -> None:
    key = b"-----BEGIN RSA PRIVATE KEY-----\n" + b"MIIEowIBAAKCAQEAxGZ0p9Q7n1m2h3J4k5L6z8X9c0V1b2N3\n" * 12
    image = Image([layer(file("root/.ssh/id_rsa", key + b"-----END RSA PRIVATE KEY-----\n"))])
    image.docker_archive(home / "secret.tar")

    plain = json.loads(scan(home, "-f", "json", "secret.tar").stdout)
    done = scan(home, "-f", "json", "--scanners", "secret,config", "--fail-on", "high", "secret.tar")

    assert plain["secrets"] == []
    assert json.loads(done.stdout)["secrets"][0]["path"] == "root/.ssh/id_rsa"
    assert "MIIEow" not in done.stdout
    assert done.returncode == 1


def test_machine_formats_can_be_read(home: Path) -> None:
    formats = {name: scan(home, "-f", name, "two.tar").stdout for name in ("sarif", "cyclonedx", "spdx", "junit")}

    assert len(json.loads(formats["sarif"])["runs"][0]["results"]) == 2
    assert len(json.loads(formats["cyclonedx"])["vulnerabilities"]) == 2
    assert len(json.loads(formats["spdx"])["packages"]) == 3
    assert ET.fromstring(formats["junit"]).get("failures") == "2"


@pytest.mark.parametrize(
    ("format_", "words"),
    [("json", '"packages"'), ("cyclonedx", '"bomFormat"'), ("spdx", '"SPDX-2.3"'), ("table", "Debian:12  (1)")],
)
def test_packages_alone_in_every_format_without_a_database(home: Path, format_: str, words: str) -> None:
    done = run(home, "sbom", "-f", format_, "two.tar")

    assert (done.returncode, done.stderr) == (0, "")
    assert words in done.stdout
    assert "db import" not in done.stdout


def test_packages_in_a_format_for_findings_are_refused(home: Path) -> None:
    done = run(home, "sbom", "-f", "sarif", "two.tar")

    assert done.returncode == 2
    assert "choose among json, cyclonedx, spdx, table" in done.stderr


def test_help_names_the_defaults_and_no_heavy_library_is_loaded(home: Path) -> None:
    done = run(home, "scan", "--help")

    for words in ("64GiB", "3000000", "64MiB", "--scanners", "--password-stdin"):
        assert words in done.stdout
    probe = "import sys, hullguard.app.cli.commands; print([m for m in ('urllib3','yara_x','hyperscan','yaml') if m in sys.modules])"
    loaded = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True, cwd=home)
    assert loaded.stdout.strip() == "[]"
