"""``hullguard scan`` and ``hullguard db`` as people and scripts call them: output, one line of error, exit code."""

import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
from tests.support.advisories import affected, record, write_records
from tests.support.images import (
    ALPINE_318,
    DEBIAN_12,
    Image,
    apk_installed,
    dpkg_entry,
    dpkg_status,
    file,
    layer,
    node_package,
)

from hullguard.inventory.limits import MIB

ZERO = {"introduced": "0"}
HIGH = [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H"}]
IMAGE = Image(
    [
        layer(file("etc/os-release", DEBIAN_12), dpkg_status(dpkg_entry("libc6", "2.36-9", source="glibc"))),
        layer(node_package("lodash", "4.17.4")),
    ]
)


class Cli:
    """The command line with a home of its own."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.db = home / "advisories.db"

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        variables = {**os.environ, "XDG_CACHE_HOME": str(self.home / "cache"), "COLUMNS": "120", **environment}
        variables.pop("DOCKER_HOST", None) if "DOCKER_HOST" not in environment else None
        done = subprocess.run(
            [sys.executable, "-m", "hullguard", *arguments],
            capture_output=True,
            text=True,
            check=False,
            env=variables,
            timeout=120,
        )
        assert "Traceback" not in done.stderr
        return done

    def scan(self, target: object, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self.run("scan", "--db", str(self.db), *arguments, str(target))

    def json(self, target: object, *arguments: str) -> dict[str, object]:
        document: dict[str, object] = json.loads(self.scan(target, "-f", "json", *arguments).stdout)
        return document


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_records(
        tmp_path_factory.mktemp("records") / "records.jsonl",
        record("DEBIAN-CVE-2024-1", affected("Debian:12", "glibc", ZERO), upstream=["CVE-2024-1"], severity=HIGH),
        record(
            "GHSA-1",
            affected("npm", "lodash", ZERO, {"fixed": "4.17.5"}, kind="SEMVER"),
            database_specific={"severity": "LOW"},
        ),
    )


@pytest.fixture(scope="module")
def prepared(records: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = Cli(tmp_path_factory.mktemp("prepared"))
    done = made.run("db", "import", "--db", str(made.db), str(records))
    assert done.returncode == 0
    assert "2 imported, 0 withdrawn, 0 older than stored, 0 refused" in done.stdout
    return made.db


@pytest.fixture
def cli(tmp_path: Path, prepared: Path) -> Cli:
    made = Cli(tmp_path / "home")
    made.home.mkdir()
    shutil.copy(prepared, made.db)
    return made


@pytest.fixture
def image(tmp_path: Path) -> Path:
    return IMAGE.docker_archive(tmp_path / "image.tar")


def test_a_table_for_people(cli: Cli, image: Path) -> None:
    done = cli.scan(image)

    assert (done.returncode, done.stderr) == (0, "")
    assert "2 vulnerabilities · 1 high · 1 low · 1 can be fixed" in done.stdout
    assert "CVE-2024-1" in done.stdout


def test_a_bill_of_materials_in_an_image_is_told_to_be_one(cli: Cli, tmp_path: Path) -> None:
    component = {"type": "library", "name": "lodash", "purl": "pkg:npm/lodash@4.17.4"}
    bill = json.dumps({"bomFormat": "CycloneDX", "specVersion": "1.6", "components": [component]})
    done = cli.scan(Image([layer(file("opt/app/bom.json", bill))]).docker_archive(tmp_path / "image.tar"))

    assert (done.returncode, done.stderr) == (0, "")
    assert "1 vulnerability" in done.stdout
    assert "opt/app/bom.json: 1 packages are named by this bill of materials alone" in done.stdout


def test_json_for_scripts(cli: Cli, image: Path) -> None:
    document = cli.json(image)

    assert document["schema"] == "hullguard/scan-report/1"
    assert [one["id"] for one in document["vulnerabilities"]] == ["CVE-2024-1", "GHSA-1"]  # type: ignore[attr-defined]


def test_the_report_can_go_to_a_file(cli: Cli, image: Path, tmp_path: Path) -> None:
    done = cli.scan(image, "-f", "json", "-o", str(tmp_path / "report.json"))

    assert (done.returncode, done.stdout) == (0, "")
    assert json.loads((tmp_path / "report.json").read_text())["complete"] is True


@pytest.mark.parametrize(
    ("arguments", "ids"),
    [
        ((), 2),
        (("--severity", "high,critical"), 1),
        (("--ignore-unfixed",), 1),
        (("--severity", "high", "--ignore-unfixed"), 0),
    ],
)
def test_filters(cli: Cli, image: Path, arguments: tuple[str, ...], ids: int) -> None:
    assert len(cli.json(image, *arguments)["vulnerabilities"]) == ids  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("--fail-on", "high"), 1),
        (("--fail-on", "low"), 1),
        (("--fail-on", "critical"), 0),
        (("--fail-on", "high", "--ignore-unfixed"), 0),
    ],
)
def test_a_finding_fails_the_build_when_it_is_told_to(
    cli: Cli, image: Path, arguments: tuple[str, ...], code: int
) -> None:
    assert cli.scan(image, *arguments).returncode == code


def test_a_second_scan_uses_what_the_first_kept(cli: Cli, image: Path) -> None:
    first = cli.json(image)
    kept = sorted((cli.home / "cache" / "hullguard" / "layers").iterdir())

    # Two layers, and of an archive that is older than two seconds a note of each one's place.
    assert len(kept) in (2, 4)
    assert cli.json(image) == first
    assert cli.json(image, "--no-cache") == first


def test_no_cache_keeps_nothing(cli: Cli, image: Path) -> None:
    assert cli.scan(image, "--no-cache").returncode == 0
    assert not (cli.home / "cache").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("/no/such/image.tar",), "there is no file or directory"),
        (("docker-archive:/no/such",), "there is no file or directory"),
        (("--severity", "grave", "IMAGE"), "'grave' is no severity"),
        (("--fail-on", "grave", "IMAGE"), "'grave' is no severity"),
        (("--fail-on=", "IMAGE"), "'' is no severity"),
        (("-f", "xml", "IMAGE"), "there is no format 'xml'; choose among table, json, html, sarif"),
        (("-o", "/no/such/directory/file", "IMAGE"), "cannot write"),
        (("--platform", "linux/s390x", "IMAGE"), "no image for linux/s390x"),
        (("TEXT",), "is no image"),
        (("TRUNCATED",), "cut off"),
        (("CUT",), "is damaged before its manifest, as when it was not copied to its end: cut is cut off at byte 3000"),
        (("BADLAYER",), "is no tar archive"),
        (("--nonsense", "IMAGE"), "No such option"),
        ((), "Missing argument"),
    ],
)
def test_a_wrong_request_is_one_line_and_exit_code_2(
    cli: Cli, image: Path, tmp_path: Path, arguments: tuple[str, ...], words: str
) -> None:
    (tmp_path / "text").write_text("this is no image\n" * 100)
    (tmp_path / "truncated.tar").write_bytes(image.read_bytes()[:9000])
    with tarfile.open(tmp_path / "cut", "w") as archive:  # as engines write it: the manifest last
        archive.add(tmp_path / "text", "layer.tar")
        archive.add(tmp_path / "text", "manifest.json")
    (tmp_path / "cut").write_bytes((tmp_path / "cut").read_bytes()[:3000])
    bad = Image([b"no archive " * 100]).docker_archive(tmp_path / "bad.tar")
    places = {
        "IMAGE": str(image),
        "TEXT": str(tmp_path / "text"),
        "CUT": str(tmp_path / "cut"),
        "TRUNCATED": f"docker-archive:{tmp_path / 'truncated.tar'}",
        "BADLAYER": str(bad),
    }

    done = cli.run("scan", "--db", str(cli.db), *(places.get(argument, argument) for argument in arguments))

    assert (done.returncode, done.stdout) == (2, "")
    assert words in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_no_database_says_how_to_make_one(cli: Cli, image: Path, tmp_path: Path) -> None:
    done = cli.run("scan", "--db", str(tmp_path / "absent.db"), str(image))

    assert done.returncode == 2
    assert "hullguard db import FILES" in done.stderr


def test_an_absent_engine_is_exit_code_3(cli: Cli, tmp_path: Path) -> None:
    done = cli.run("scan", "--db", str(cli.db), "docker:app", DOCKER_HOST=f"unix://{tmp_path}/nothing.sock")

    assert done.returncode == 3
    assert "no Docker engine answers" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_bomb_is_exit_code_4_with_what_was_found(cli: Cli, tmp_path: Path) -> None:
    zeros = layer(file("zeros", bytes(300 * MIB)))
    bomb = Image([*IMAGE.layers, zeros], compression="gzip").oci_archive(tmp_path / "bomb.tar")

    done = cli.scan(bomb, "-f", "json", "--fail-on", "low")

    document = json.loads(done.stdout)
    assert done.returncode == 4
    assert document["complete"] is False
    assert len(document["vulnerabilities"]) == 2
    assert "incomplete" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_packages_alone(cli: Cli, image: Path) -> None:
    done = cli.run("sbom", str(image))

    assert done.returncode == 0
    assert [package["name"] for package in json.loads(done.stdout)["packages"]] == ["libc6", "lodash"]


def test_the_reader_of_the_output_may_leave(cli: Cli, image: Path) -> None:
    command = f"{sys.executable} -m hullguard scan --no-cache --db {cli.db} -f json {image} | head -c 1"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False, timeout=60)

    assert (done.stdout, done.stderr) == ("{", "")


def test_status_says_what_the_database_holds(cli: Cli) -> None:
    done = cli.run("db", "status", "--db", str(cli.db))

    assert done.returncode == 0
    assert re.search(r"(?:less than a minute|\d+ minutes?) ago", done.stdout)
    assert "Debian                              1  in 1 releases" in done.stdout


def test_a_broken_record_is_named_and_the_import_goes_on(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "mixed.jsonl"
    path.write_text('{"id": 1}\n' + json.dumps(record("GHSA-2", affected("npm", "a", ZERO))) + "\n")

    done = cli.run("db", "import", "--db", str(cli.db), str(path))

    assert done.returncode == 0
    assert "1 imported" in done.stdout
    assert "1 refused" in done.stdout
    assert "refused: mixed.jsonl, line 1: Expected `str`, got `int` - at `$.id`" in done.stderr


@pytest.mark.parametrize("names", [("absent.jsonl",), ("text",)])
def test_an_import_of_nothing_is_exit_code_2(cli: Cli, tmp_path: Path, names: tuple[str, ...]) -> None:
    (tmp_path / "text").write_text("no advisories\n")

    done = cli.run("db", "import", "--db", str(cli.db), *(str(tmp_path / name) for name in names))

    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1


def test_the_default_places_follow_xdg(tmp_path: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root has /var/lib/hullguard, which a test must not write")
    records = write_records(tmp_path / "r", record("GHSA-2", affected("npm", "a", ZERO)))
    cli = Cli(tmp_path)

    assert cli.run("db", "import", str(records), XDG_DATA_HOME=str(tmp_path / "share")).returncode == 0
    assert (tmp_path / "share" / "hullguard" / "advisories.db").exists()


def test_an_alpine_past_its_end_says_so(cli: Cli, tmp_path: Path) -> None:
    old = ALPINE_318.replace(b"3.18.4", b"3.11.5").replace(b"v3.18", b"v3.11")
    image = Image([layer(file("etc/os-release", old), apk_installed(("musl", "1.1.24-r2", "musl")))])

    done = cli.scan(image.docker_archive(tmp_path / "alpine.tar"))

    assert "its security support ended on 2021-11-01" in done.stdout
    assert "Alpine:v3.11: the advisory database has no advisories for it" in done.stdout
