"""``hullguard diff`` as a pipeline calls it: two images, or a report of yesterday and an image of today."""

import json
from pathlib import Path

import pytest
from tests.integration.test_scan_many import home, run  # noqa: F401 - a fixture
from tests.support.images import DEBIAN_12, Image, dpkg_entry, dpkg_status, file, layer, node_package

NEXT = Image(
    [
        layer(file("etc/os-release", DEBIAN_12), dpkg_status(dpkg_entry("base-files", "12.4"))),
        layer(node_package("lodash", "4.17.5")),
    ]
)


@pytest.fixture
def following(home: Path) -> Path:  # noqa: F811
    NEXT.docker_archive(home / "next.tar")
    return home


def test_an_image_that_became_worse_names_the_update(following: Path) -> None:
    done = run(following, "diff", "--db", "x.db", "one.tar", "two.tar")

    assert done.returncode == 0
    assert done.stdout.splitlines()[1] == "worse: 1 more unknown"
    assert "What to update next  (1)" in done.stdout
    assert "4.17.5" in done.stdout


def test_a_report_of_yesterday_and_an_image_of_today(following: Path) -> None:
    assert run(following, "scan", "--db", "x.db", "-f", "json", "-o", "two.json", "two.tar").returncode == 0

    document = json.loads(run(following, "diff", "--db", "x.db", "-f", "json", "two.json", "next.tar").stdout)

    assert document["schema"] == "hullguard/scan-diff/1"
    assert document["verdict"] == "better"
    assert [one["name"] for one in document["changed"]] == ["lodash"]
    assert [one["name"] for one in document["removed"]] == ["libc6"]
    assert sorted(one["id"] for one in document["fixed"]) == ["CVE-2024-1", "GHSA-1"]


def test_only_what_is_new_fails_a_build(following: Path) -> None:
    assert run(following, "diff", "--db", "x.db", "--fail-on", "unknown", "one.tar", "two.tar").returncode == 1
    assert run(following, "diff", "--db", "x.db", "--fail-on", "unknown", "two.tar", "one.tar").returncode == 0
    high = run(following, "diff", "--db", "x.db", "--fail-on", "high", "one.tar", "two.tar")
    assert high.returncode == 0
    assert "1 finding is of unknown severity, which --fail-on lets pass; `--fail-on unknown` does not" in high.stderr


def test_what_does_not_count_counts_on_neither_side(following: Path) -> None:
    assert run(following, "scan", "--db", "x.db", "-f", "json", "-o", "two.json", "two.tar").returncode == 0
    (following / "ignored.yaml").write_text("- id: GHSA-1\n  reason: never called\n")

    for after in ("two.tar", "two.json"):
        done = run(following, "diff", "--db", "x.db", "-f", "json", "--ignore-file", "ignored.yaml", "one.tar", after)
        document = json.loads(done.stdout)
        assert (document["verdict"], document["new"]) == ("same", [])


@pytest.mark.parametrize("asked", [("--scanners", "secret"), ("--severity", "critical"), ("--ignore-unfixed",)])
def test_a_report_of_less_is_neither_better_nor_worse(following: Path, asked: tuple[str, ...]) -> None:
    assert run(following, "scan", "--db", "x.db", *asked, "-f", "json", "-o", "less.json", "two.tar").returncode == 0

    for two in (("less.json", "two.tar"), ("two.tar", "less.json")):
        done = run(following, "diff", "--db", "x.db", "-f", "json", *two)
        assert (done.returncode, json.loads(done.stdout)["verdict"]) == (4, "undecided")


def test_a_report_says_what_it_was_asked_for(following: Path) -> None:
    done = run(
        following, "scan", "--db", "x.db", "--scanners", "vuln,config", "--severity", "low", "-f", "json", "two.tar"
    )

    asked = json.loads(done.stdout)["asked"]
    assert (asked["scanners"], asked["severities"]) == (["config", "vuln"], ["low"])
    assert asked["left_out"] > 0


def test_only_what_was_asked_for_is_compared(following: Path) -> None:
    for option in (("--severity", "critical"), ("--ignore-unfixed",)):
        done = run(following, "diff", "--db", "x.db", "-f", "json", *option, "next.tar", "one.tar")
        assert json.loads(done.stdout)["new"] == []


def test_a_bill_of_materials_is_compared_as_well(following: Path) -> None:
    made = run(following, "sbom", "--no-cache", "-f", "cyclonedx", "one.tar")
    (following / "bill.json").write_text(made.stdout, encoding="utf-8")

    done = run(following, "diff", "--db", "x.db", "--no-cache", "-f", "json", "bill.json", "one.tar")
    assert (done.returncode, json.loads(done.stdout)["new"]) == (0, [])


def test_a_limit_ends_it_as_it_ends_a_scan(following: Path) -> None:
    done = run(following, "diff", "--db", "x.db", "--no-cache", "--max-files", "1", "one.tar", "two.tar")

    assert done.returncode == 4
    assert "undecided" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--username", "me", "one.tar", "two.tar"), "--username needs a password"),
        (("--vex", "absent.json", "one.tar", "two.tar"), "there is no file 'absent.json'"),
        (("-f", "html", "one.tar", "two.tar"), "choose among table, json"),
        (("one.tar", "/no/such.tar"), "there is no file or directory"),
        (("one.tar", "no.json"), "is no report of `hullguard scan -f json`"),
    ],
)
def test_a_wrong_request_is_one_line(following: Path, arguments: tuple[str, ...], words: str) -> None:
    (following / "no.json").write_text('{"schema": 1}')

    done = run(following, "diff", "--db", "x.db", *arguments)

    assert (done.returncode, done.stdout) == (2, "")
    assert words in done.stderr
    assert len(done.stderr.splitlines()) == 1
