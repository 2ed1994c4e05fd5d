"""Ubuntu Pro's builds lie on top of a release's: who has them has their fixes, who lacks them may be told of them."""

from datetime import date
from pathlib import Path

import pytest
from tests.support.advisories import TODAY, Record, affected, database, found, inventory, package, record

from hullguard.advisories.database import Advisories
from hullguard.model.image import OperatingSystem
from hullguard.model.package import Unknown
from hullguard.model.report import FixStatus, Vulnerability

FREE, PRO = "Ubuntu:20.04:LTS", "Ubuntu:Pro:20.04:LTS"
WITH_PRO = "the fix comes with Ubuntu Pro"


def said(ecosystem: str, fixed: str | None) -> Record:
    return affected(ecosystem, "foo", {"introduced": "0"}, *([{"fixed": fixed}] if fixed else []))


def known(directory: Path, *entries: Record) -> Advisories:
    return database(directory, record("UBUNTU-CVE-2024-1", *entries, upstream=["CVE-2024-1"]))


def one(advisories: Advisories, version: str) -> Vulnerability | None:
    return found(advisories, package("foo", version, FREE)).get("CVE-2024-1")


@pytest.mark.parametrize(
    ("fixed", "status", "mended"),
    [("1-1ubuntu0.1~esm1", FixStatus.FIXED, "1-1ubuntu0.1~esm2"), (None, FixStatus.AFFECTED, None)],
)
def test_what_pro_alone_speaks_of_is_judged_by_it(
    tmp_path: Path, fixed: str | None, status: FixStatus, mended: str | None
) -> None:
    advisories = known(tmp_path, said(PRO, fixed))

    finding = one(advisories, "1-1")

    assert finding is not None
    assert (finding.fixed, finding.status) == (fixed, status)
    assert f"({PRO}, UBUNTU-CVE-2024-1)" in finding.why.evidence
    assert (WITH_PRO in finding.why.evidence) is (fixed is not None)
    assert mended is None or one(advisories, mended) is None


def test_another_release_and_other_builds_of_pro_are_not_looked_up(tmp_path: Path) -> None:
    advisories = known(tmp_path, said("Ubuntu:Pro:18.04:LTS", "2"), said("Ubuntu:Pro:FIPS:20.04:LTS", "2"))

    assert one(database(tmp_path / "free", record("X-1", said(FREE, "0.1"))), "1-1") is None
    assert one(advisories, "1-1") is None


@pytest.mark.parametrize(
    ("free", "pro", "installed", "fixed"),
    [
        # Without Pro the release decides, as far as it has a fix.
        ("1-1ubuntu0.2", "1-1ubuntu0.1+esm1", "1-1", "1-1ubuntu0.2"),
        ("1-1ubuntu0.2", None, "1-1ubuntu0.2", "none"),
        (None, "1-1ubuntu0.1~esm1", "1-1", "1-1ubuntu0.1~esm1"),
        (None, None, "1-1", None),
        (None, "1-1", "1-1", None),
        # A build of Pro's has the fixes of both.
        (None, "1-1ubuntu0.1~esm1", "1-1ubuntu0.1~esm1", "none"),
        (None, "1-1ubuntu0.1~esm2", "1-1ubuntu0.1~esm1", "1-1ubuntu0.1~esm2"),
        ("1-1ubuntu0.9", "1-1ubuntu0.7+esm1", "1-1ubuntu0.7+esm1", "none"),
        ("1-1ubuntu0.2", None, "1-1ubuntu0.2+esm1", "none"),
        (None, None, "1-1ubuntu0.2+esm1", None),
    ],
)
def test_of_the_release_and_pro_the_one_that_knows_the_build_decides(
    tmp_path: Path, free: str | None, pro: str | None, installed: str, fixed: str | None
) -> None:
    finding = one(known(tmp_path, said(PRO, pro), said(FREE, free)), installed)

    if fixed == "none":
        assert finding is None
        return
    assert finding is not None
    assert finding.fixed == fixed
    assert (WITH_PRO in finding.why.evidence) is (fixed is not None and "esm" in fixed)


def test_an_announcement_for_subscribers_does_not_move_the_fix_of_all(tmp_path: Path) -> None:
    advisories = database(
        tmp_path,
        record("UBUNTU-CVE-2024-1", said(FREE, "1-1ubuntu0.2"), upstream=["CVE-2024-1"]),
        record("USN-1-1", said(PRO, "1-1ubuntu0.2+esm1"), upstream=["CVE-2024-1"]),
    )

    finding = one(advisories, "1-1")

    assert finding is not None
    assert finding.fixed == "1-1ubuntu0.2"
    assert WITH_PRO not in finding.why.evidence


def test_of_a_release_that_lives_on_with_pro_that_is_said(tmp_path: Path) -> None:
    ended = OperatingSystem("ubuntu", "20.04", "Ubuntu 20.04", date(2025, 5, 31))
    installed = package("foo", "1-1", FREE)

    free = known(tmp_path / "free", said(FREE, None)).match(inventory(installed, os=ended), TODAY)
    both = known(tmp_path / "both", said(FREE, None), said(PRO, None)).match(inventory(installed, os=ended), TODAY)

    missing = "its security support ended on 2025-05-31; what was found since then may be missing"
    looked = "its security support ended on 2025-05-31 but for Ubuntu Pro, whose advisories were looked up"
    assert (free.unknowns, both.unknowns) == ((Unknown("Ubuntu 20.04", missing),), (Unknown("Ubuntu 20.04", looked),))
