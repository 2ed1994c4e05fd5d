"""Several targets: each keeps its own end, and the worst is the end of all."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from msgspec.structs import replace
from tests.support.advisories import affected, database, record
from tests.support.archives import jar
from tests.support.images import DEBIAN_12, Image, dpkg_entry, dpkg_status, file, layer

from hullguard.app.cli.scan_job import Job, default_jobs, scan_many, scan_one, worst
from hullguard.inventory import Limits
from hullguard.inventory.source.opened import RegistryAccess
from hullguard.model.errors import NotFound
from hullguard.model.severity import Severity

IMAGE = Image(
    [layer(file("etc/os-release", DEBIAN_12), dpkg_status(dpkg_entry("libc6", "2.36-9", source="glibc")))],
)


@pytest.fixture
def job(tmp_path: Path) -> Job:
    database(
        tmp_path,
        record(
            "DEBIAN-CVE-2024-1",
            affected("Debian:12", "glibc", {"introduced": "0"}),
            upstream=["CVE-2024-1"],
            severity=[{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H"}],
        ),
    ).close()
    return Job(tmp_path / "advisories.db", frozenset({"vuln"}), Limits(), RegistryAccess(), bound=Severity.HIGH)


@pytest.mark.parametrize(
    ("codes", "code"),
    [([], 0), ([0, 0], 0), ([0, 1], 1), ([1, 4], 4), ([4, 3, 1], 3), ([3, 2], 2), ([2, 0], 2)],
)
def test_the_worst_end_is_that_of_all(codes: list[int], code: int) -> None:
    assert worst(codes) == code


def test_one_that_fails_does_not_stop_the_others(job: Job, tmp_path: Path) -> None:
    image = str(IMAGE.docker_archive(tmp_path / "image.tar"))
    finished: list[int] = []

    outcomes = list(scan_many(job, [image, "/no/such.tar", image], 2, lambda: finished.append(1)))

    assert [outcome.code for outcome in outcomes] == [1, 2, 1]
    assert outcomes[0].report == outcomes[2].report == scan_one(job, image).report
    assert outcomes[1].report is None
    assert "there is no file or directory" in outcomes[1].said
    assert len(finished) == 3


def test_findings_of_unknown_severity_pass_every_bound_but_their_own_and_are_told(job: Job, tmp_path: Path) -> None:
    job.database.unlink()
    records = [record(f"GHSA-{number}", affected("npm", "lodash", {"introduced": "0"})) for number in range(2)]
    database(tmp_path, *records).close()
    bill = tmp_path / "bill.json"
    part = {"type": "library", "name": "lodash", "purl": "pkg:npm/lodash@4.17.4"}
    bill.write_text(json.dumps({"bomFormat": "CycloneDX", "specVersion": "1.5", "components": [part]}))

    ends = {
        bound: scan_one(replace(job, bound=bound), f"sbom:{bill}")
        for bound in (None, Severity.HIGH, Severity.NEGLIGIBLE, Severity.UNKNOWN)
    }

    told = "2 findings are of unknown severity, which --fail-on lets pass; `--fail-on unknown` does not"
    assert [(end.code, end.said) for end in ends.values()] == [(0, ""), (0, told), (0, told), (1, "")]


def test_what_was_not_read_passes_a_bound_and_is_told(job: Job, tmp_path: Path) -> None:
    image = str(Image([layer(file("srv/.pnp.cjs", ""), file("opt/app.jar", jar()))]).docker_archive(tmp_path / "i.tar"))

    ends = [scan_one(replace(job, bound=bound), image) for bound in (None, Severity.HIGH)]

    told = "2 files or packages were not read: --fail-on says nothing of what may be in them"
    assert [(end.code, end.said) for end in ends] == [(0, ""), (0, told)]


def test_a_part_of_a_bill_that_nobody_can_look_up_does_not_pass(job: Job, tmp_path: Path) -> None:
    bill = tmp_path / "bill.json"
    part = {"type": "library", "name": "lodash", "version": "4.17.4"}
    bill.write_text(json.dumps({"bomFormat": "CycloneDX", "specVersion": "1.5", "components": [part]}))

    asked = scan_one(job, f"sbom:{bill}")

    assert (asked.code, scan_one(replace(job, bound=None), f"sbom:{bill}").code) == (4, 0)
    assert asked.said == (
        "what nobody judged does not pass --fail-on: lodash 4.17.4: the bill of materials gives it no purl, so it cannot "
        "be matched"
    )


def test_one_alone_raises_what_went_wrong(job: Job) -> None:
    with pytest.raises(NotFound):
        scan_one(job, "/no/such.tar")


def test_without_vulnerabilities_no_database_is_needed_and_none_is_missed(job: Job, tmp_path: Path) -> None:
    job.database.unlink()
    outcome = scan_one(replace(job, scanners=frozenset({"license"})), str(IMAGE.docker_archive(tmp_path / "i.tar")))

    assert outcome.report is not None
    count = len(outcome.report.packages)
    why = f"the licences of {count} of the {count} packages are not known: what is read of them names none"
    absent = "1 packages of dpkg (libc6) have no copyright file in usr/share/doc"
    said = [(unknown.what, unknown.why) for unknown in outcome.report.unknowns]
    assert said == [("licenses", absent), ("licenses", why)]


def test_at_least_one_process() -> None:
    assert 1 <= default_jobs() <= 8


MANY = """
import os, signal, time
from pathlib import Path
from hullguard.app.cli import scan_job
from hullguard.inventory import Limits
from hullguard.inventory.source.opened import RegistryAccess
signal.signal(signal.SIGHUP, signal.SIG_DFL)  # who runs the tests may have had it ignored
job = scan_job.Job(Path(), frozenset(), Limits(), RegistryAccess())
def scan_one(job, target):
    os.write(1, (target + chr(10)).encode())
    {deed}
    return scan_job.Outcome(target)
scan_job.scan_one = scan_one
for outcome in scan_job.scan_many(job, "abc", {jobs}, lambda: None):
    os.write(1, f"{{outcome.target}} {{outcome.code}}{{chr(10)}}".encode())  # at once: the workers write there, too
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL, signal.SIGHUP])
def test_with_the_command_its_workers_end(number: signal.Signals) -> None:
    program = MANY.format(deed="time.sleep(600)", jobs=2)
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as command:
        assert command.stdout is not None
        begun = {command.stdout.readline().strip() for _ in range(2)}
        command.send_signal(number)

        rest, _ = command.communicate(timeout=60)  # which ends when nobody has the pipe any more

    assert begun == {"a", "b"}
    assert rest == ""


def test_a_worker_that_dies_costs_no_report_that_was_finished() -> None:
    program = MANY.format(deed="if target == 'b': os.kill(os.getpid(), signal.SIGKILL)", jobs=1)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert [line for line in done.stdout.splitlines() if " " in line] == ["a 0", "b 3", "c 3"]
