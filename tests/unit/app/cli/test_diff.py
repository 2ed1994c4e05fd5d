"""Reports of an earlier scan on their way into a comparison."""

from pathlib import Path

import msgspec
import pytest
from tests.support.records import report
from tests.support.reports import report as small
from tests.support.reports import reported, vulnerability

from hullguard.app.cli.diff import _judged, read_report
from hullguard.imagescan.diff import compare
from hullguard.model.errors import Invalid
from hullguard.model.package import Unknown
from hullguard.model.severity import Severity


def test_a_report_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    path.write_bytes(msgspec.json.encode(report()))

    assert read_report(path) == report()


@pytest.mark.parametrize(
    "content",
    [b"", b"{}", b'{"schema": "\xff"}', b'{"x": ' + b"[" * 100_000],
    ids=["empty", "other", "no text", "deep"],
)
def test_what_is_none_is_said(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "report.json"
    path.write_bytes(content)

    with pytest.raises(Invalid, match="is no report of"):
        read_report(path)


def test_packages_that_nobody_judged_do_not_pass_a_bound(capsys: pytest.CaptureFixture[str]) -> None:
    nobody = Unknown("Debian:14", "the advisory database has no advisories for it", unjudged=1)
    of_sid, npm = reported("a", ecosystem="Debian:14"), reported("b", "pkg:npm/b@1", ecosystem="npm")
    unjudged = small(packages=[of_sid], unknowns=(nobody,))
    found = small(vulnerability("CVE-1", package=npm.purl), packages=[npm])
    better = small(packages=[npm, of_sid], unknowns=(nobody,))

    made = compare(unjudged, unjudged)
    assert (_judged(None, (unjudged, unjudged), made), capsys.readouterr().err) == (4, "")
    assert _judged(Severity.LOW, (unjudged, unjudged), made) == 4
    assert "undecided: nothing is found more or less, but not all packages were judged" in capsys.readouterr().err

    made = compare(found, better)
    assert made.verdict == "better"
    assert _judged(None, (found, better), made) == 0
    assert _judged(Severity.CRITICAL, (found, better), made) == 4
    assert "what nobody judged does not pass --fail-on: Debian:14: the advisory" in capsys.readouterr().err
    assert _judged(Severity.CRITICAL, (better, better), compare(better, better)) == 0
