"""Tests that pass on their second try are told in full, and too many of them fail the run."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

UNSTEADY = """
import pathlib, pytest
@pytest.mark.parametrize("which", range({count}))
def test_unsteady(which):
    tried = pathlib.Path(__file__).with_name(f"tried-{{which}}")
    first = not tried.exists()
    tried.touch()
    assert not first, f"only the first try of {{which}} says this"
"""


def tried(directory: Path) -> subprocess.CompletedProcess[str]:
    """The tests of a directory as `make test` runs those beside kernels and browsers."""
    options = ["-q", "-p", "tests.conftest", "-p", "no:cacheprovider", "--reruns=1"]
    return subprocess.run(
        [sys.executable, "-m", "pytest", *options, str(directory)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize(("count", "code"), [(1, 0), (3, 0), (4, 1)])
def test_a_second_try_is_told_and_more_than_three_are_a_failure(tmp_path: Path, count: int, code: int) -> None:
    (tmp_path / "test_unsteady.py").write_text(UNSTEADY.format(count=count))
    run = tried(tmp_path)
    assert run.returncode == code, run.stdout + run.stderr
    for which in range(count):
        assert f"AssertionError: only the first try of {which} says this" in run.stdout
    assert f"{count} passed, {count} rerun" in run.stdout


def test_a_test_that_fails_twice_has_failed(tmp_path: Path) -> None:
    (tmp_path / "test_broken.py").write_text("def test_broken():\n    assert False\n")
    run = tried(tmp_path)
    assert run.returncode == 1
    assert "1 failed, 1 rerun" in run.stdout
