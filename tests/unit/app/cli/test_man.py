"""The manual page is made of what the commands say, and roff reads it without a complaint."""

import os
import shutil
import subprocess
import sys

import pytest

from hullguard.app.cli import man


def printed(language: str) -> str:
    run = subprocess.run(
        [sys.executable, "-m", "hullguard", "--lang", language, "man"],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "PYTHONUTF8": "1"},
    )
    assert (run.returncode, run.stderr) == (0, "")
    return run.stdout


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", ["Compare two images: packages", "HOST:PORT of the console", "default: table", ".SH EXIT STATUS"]),
        ("zh", ["比较两个镜像", ".SH 退出码", "默认"]),
    ],
)
def test_every_command_and_option_is_in_it(language: str, words: list[str]) -> None:
    page = printed(language)

    for each in (
        "hullguard up",
        "hullguard scan",
        "hullguard agent doctor",
        "hullguard rules check",
        "hullguard db import",
    ):
        assert f'.SS "{each} ' in page
    for each in (r"\-\-fail\-on", r"\-\-no\-agent", "HULLGUARD_LANG", *words):
        assert each in page


@pytest.mark.skipif(shutil.which("groff") is None, reason="there is no groff here")
@pytest.mark.parametrize("language", ["en", "zh"])
def test_roff_reads_it_without_a_complaint(language: str) -> None:
    run = subprocess.run(
        ["groff", "-man", "-Tutf8", "-Kutf8", "-wall", "-rLL=100n"],
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
        input=printed(language),
    )
    # Chinese has no blanks at which this version of groff would break a line.
    assert [line for line in run.stderr.splitlines() if "can't break line" not in line] == []
    assert "hullguard" in run.stdout


def test_what_stands_first_in_a_line_is_no_request() -> None:
    assert man._text(".hidden\n\n'quoted' a-b \\n \"x\"") == "\\&.hidden\n\\&'quoted' a\\-b \\en \\(dqx\\(dq"
