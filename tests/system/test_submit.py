"""What a build does: it reads an image, a running platform judges it by its advisories, and the exit code says so."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
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
from tests.support.platform import PASSWORD, Client, Platform, running_platform

pytestmark = pytest.mark.timeout(600)

ZERO = {"introduced": "0"}
CRITICAL = [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}]
VULNERABLE = Image(
    [
        layer(file("etc/os-release", DEBIAN_12), dpkg_status(dpkg_entry("libc6", "2.36-9", source="glibc"))),
        layer(node_package("lodash", "4.17.4")),
    ]
)
SOUND = Image([layer(file("etc/os-release", ALPINE_318), apk_installed(("musl", "1.2.4-r2", "musl")))])

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory whose advisories know of one vulnerability."""
    directory = tmp_path_factory.mktemp("submit")
    records = write_records(
        directory / "records.jsonl",
        record(
            "GHSA-x",
            affected("npm", "lodash", ZERO, {"fixed": "4.17.12"}),
            severity=CRITICAL,
            aliases=["CVE-2019-10744"],
        ),
        record("DSA-1", affected("Debian:12", "bash", ZERO, {"fixed": "5.3"})),
        record("ALPINE-1", affected("Alpine:v3.18", "zlib", ZERO, {"fixed": "9"})),
    )
    done = subprocess.run(
        [sys.executable, "-m", "hullguard", "db", "import", str(records), "--db", str(directory / "advisories.db")],
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert done.returncode == 0, done.stderr
    return directory


@pytest.fixture(scope="module")
def platform(data: Path) -> Iterator[Platform]:
    with running_platform(data) as running:
        yield running


@pytest.fixture(scope="module")
def client(platform: Platform) -> Client:
    return platform.client()


@pytest.fixture(scope="module")
def run(platform: Platform, client: Client, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """``hullguard submit`` with the token of a build."""
    home = tmp_path_factory.mktemp("ci")
    token = home / "token"
    token.write_text(client.post("/tokens", {"name": "ci", "days": 1, "role": "submitter"})["secret"] + "\n")

    def submit(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "hullguard", "submit", *map(str, arguments)]
        if "--server" not in arguments:
            command += ["--server", platform.url, "--token-file", str(token)]
        variables = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(sys.path),
            "XDG_CACHE_HOME": str(home),
            "COLUMNS": "160",
        }
        done = subprocess.run(
            command, check=False, capture_output=True, text=True, timeout=180, env={**variables, **environment}
        )
        assert "Traceback" not in done.stderr
        return done

    return submit


def test_an_archive_with_a_critical_finding_fails_the_build(run: Run, client: Client, tmp_path: Path) -> None:
    archive = VULNERABLE.docker_archive(tmp_path / "shop.tar")
    done = run(archive, "--name", "shop:ci-7", "--fail-on", "high")

    assert done.returncode == 1, done.stderr
    assert "CVE-2019-10744" in done.stdout
    assert "shop:ci-7 is submitted: " in done.stderr
    (kept,) = client.get(f"/submissions?image={VULNERABLE.image_id}")["items"]
    assert kept["name"] == "shop:ci-7"
    detail = client.get(f"/images/{VULNERABLE.image_id}")
    assert (detail["submitted"], detail["vulnerabilities"]["critical"]) == (True, 1)
    assert "shop:ci-7" in detail["names"]


def test_one_without_passes_and_is_told_in_the_format_asked_for(run: Run, tmp_path: Path) -> None:
    archive = SOUND.docker_archive(tmp_path / "sound.tar")
    report = tmp_path / "report.json"
    done = run(archive, "--fail-on", "low", "-f", "json", "-o", report)

    assert done.returncode == 0, done.stderr
    assert json.loads(report.read_text())["target"]["image_id"] == SOUND.image_id


def test_without_waiting_it_says_where_it_is(run: Run, platform: Platform, tmp_path: Path) -> None:
    archive = SOUND.docker_archive(tmp_path / "sound.tar")
    done = run(archive, "--name", "sound:1")

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"sound:1 is submitted: {platform.url}/images/{SOUND.image_id}\n"


def test_a_directory_and_a_bill_of_materials_are_watched_too(run: Run, client: Client, tmp_path: Path) -> None:
    package = tmp_path / "srv" / "node_modules" / "lodash"
    package.mkdir(parents=True)
    (package / "package.json").write_text('{"name": "lodash", "version": "4.17.4"}')
    bill = tmp_path / "bill.cdx.json"
    component = {"type": "library", "name": "lodash", "version": "4.17.4", "purl": "pkg:npm/lodash@4.17.4"}
    bill.write_text(
        json.dumps({"bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1, "components": [component]})
    )

    for target, name, kind in ((f"dir:{tmp_path / 'srv'}", "srv", "dir"), (f"sbom:{bill}", "bill", "sbom")):
        done = run(target, "--name", name, "--fail-on", "critical")
        assert done.returncode == 1, done.stderr
        kept = next(each for each in client.get("/submissions")["items"] if each["name"] == name)
        assert (kept["kind"], client.get(f"/images/{kept['image']}")["kind"]) == (kind, kind)


def test_what_else_was_found_is_judged_where_that_is_asked_for(run: Run, tmp_path: Path) -> None:
    archive = SOUND.docker_archive(tmp_path / "sound.tar")
    by_default, by_all = (run(archive, "--fail-on", "low", *more) for more in ((), ("--scanners", "vuln,config")))

    assert (by_default.returncode, by_all.returncode) == (0, 1)
    assert "CIS-DI" not in by_default.stdout
    assert "CIS-DI" in by_all.stdout


def test_several_targets_are_submitted_and_the_worst_decides(run: Run, tmp_path: Path) -> None:
    sound, bad = SOUND.docker_archive(tmp_path / "sound.tar"), VULNERABLE.docker_archive(tmp_path / "bad.tar")
    done = run(sound, bad, "--fail-on", "critical")

    assert done.returncode == 1, done.stderr


def test_new_advisories_reach_what_was_submitted_before(run: Run, client: Client, data: Path, tmp_path: Path) -> None:
    """Nobody reads anything again: the platform matches what it keeps."""
    archive = SOUND.docker_archive(tmp_path / "sound.tar")
    assert run(archive, "--name", "sound:1", "--fail-on", "low").returncode == 0
    more = write_records(
        tmp_path / "more.jsonl",
        record("ALPINE-2", affected("Alpine:v3.18", "musl", ZERO, {"fixed": "9"}), severity=CRITICAL),
    )
    command = [
        sys.executable,
        "-m",
        "hullguard",
        "db",
        "import",
        str(more),
        str(data / "records.jsonl"),
        "--db",
        str(data / "advisories.db"),
    ]
    done = subprocess.run(
        command,
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert done.returncode == 0, done.stderr

    client.wait(f"/images/{SOUND.image_id}", lambda found: found["vulnerabilities"]["critical"] == 1, seconds=120)


def test_another_user_s_word_passes_no_build(run: Run, platform: Platform, client: Client, tmp_path: Path) -> None:
    """Who has the image, and says first that it has no packages, decides nothing for others."""
    shop = Image([*VULNERABLE.layers, layer(file("etc/other", b"x"))])
    archive = shop.docker_archive(tmp_path / "shop.tar")
    command = [sys.executable, "-m", "hullguard", "sbom", str(archive), "-f", "json"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "XDG_CACHE_HOME": str(tmp_path)}
    read = subprocess.run(command, check=False, capture_output=True, text=True, env=environment)
    lie = {**json.loads(read.stdout), "packages": []}
    made = client.post("/users", {"name": "omar", "role": "operator"})
    other = Client(platform.url)
    other.sign_in("omar", made["one_time_password"])
    other.put("/sessions/current/password", {"old": made["one_time_password"], "new": PASSWORD})
    token = other.post("/tokens", {"name": "liar", "days": 1, "role": "submitter"})["secret"]
    sent = {"schema": "hullguard/submission/1", "name": "liar", "host": "h", "inventory": lie}
    first = httpx.post(
        f"{platform.url}/api/v1/submissions",
        json=sent,
        headers={"Authorization": f"Bearer {token}"},
        verify=False,
        trust_env=False,
    ).json()
    client.wait(f"/images/{shop.image_id}", lambda found: found["matched"] is not None, seconds=60)
    refused = run(archive, "--name", "honest", "--fail-on", "high")

    assert (first["kept"], first["seen"]) == (True, False)
    assert refused.returncode == 2, refused.stderr
    assert "what another user has submitted of" in refused.stderr
    assert "registry" not in refused.stderr
    client.call("DELETE", f"/submissions/{first['id']}")
    judged = run(archive, "--name", "honest", "--fail-on", "high")
    assert judged.returncode == 1, judged.stderr
    assert "CVE-2019-10744" in judged.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--server", "http://192.0.2.1:8440", "--token-file", "T"], 2, "would show the token to everybody on the way"),
        (["--server", "nowhere", "--token-file", "T"], 2, "is no address of a platform"),
        (["--server", "http://127.0.0.1:1", "--token-file", "absent"], 2, "there is no file absent"),
        (["--server", "http://127.0.0.1:1"], 2, "--token-file is missing"),
        (["--name", "x", "a", "b"], 2, "--name is for one target"),
        (["--keep", "900"], 2, "--keep is at most 366 days"),
        (["--fail-on", "bad"], 2, "'bad' is no severity"),
        (["-f", "bad"], 2, "there is no format 'bad'"),
        (["--server-ca", "absent"], 2, "there is no file absent"),
    ],
)
def test_what_is_asked_wrongly_is_said_in_one_line(run: Run, tmp_path: Path, arguments, code, said) -> None:
    archive = SOUND.docker_archive(tmp_path / "sound.tar")
    (tmp_path / "T").write_text("hgt_x")
    given = [str(tmp_path / "T") if each == "T" else each for each in arguments]
    done = run(archive, *given, HULLGUARD_TOKEN="")

    assert done.returncode == code, done.stderr
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_token_that_is_none_is_told(run: Run, platform: Platform, tmp_path: Path) -> None:
    archive = SOUND.docker_archive(tmp_path / "sound.tar")
    done = run(archive, "--server", platform.url, HULLGUARD_TOKEN="hgt_wrong")

    assert done.returncode == 2
    assert done.stderr.startswith(f"hullguard: the platform {platform.url} refuses: ")


def test_it_speaks_chinese(run: Run, tmp_path: Path) -> None:
    archive = SOUND.docker_archive(tmp_path / "sound.tar")
    done = run(archive, "--name", "sound:1", HULLGUARD_LANG="zh")

    assert done.stdout.startswith("sound:1 已提交：")
