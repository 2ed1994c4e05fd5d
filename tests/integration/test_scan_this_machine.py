"""The packages of this machine, as its own package manager lists them."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

DPKG = Path("/var/lib/dpkg")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """The machine's files that say what is installed, in a tree that is read in a moment."""
    if shutil.which("dpkg-query") is None or not (DPKG / "status").exists():
        pytest.skip("this machine has no dpkg-query to compare with")
    (tmp_path / "etc").mkdir()
    shutil.copy("/etc/os-release", tmp_path / "etc/os-release")
    shutil.copytree(DPKG / "info", tmp_path / "var/lib/dpkg/info", ignore=shutil.ignore_patterns("*.md5sums"))
    shutil.copy(DPKG / "status", tmp_path / "var/lib/dpkg/status")
    return tmp_path


def test_the_bill_of_materials_lists_what_dpkg_lists(tree: Path, tmp_path: Path) -> None:
    written = tmp_path / "packages.json"
    command = [sys.executable, "-m", "hullguard", "sbom", f"dir:{tree}", "--no-cache"]
    done = subprocess.run([*command, "--output", str(written)], capture_output=True, check=False, text=True)
    assert done.returncode == 0, done.stderr

    listed = [
        (one["name"], one["version"], one["arch"], one["source_name"], one["source_version"])
        for one in json.loads(written.read_bytes())["packages"]
        if one["type"] == "deb"
    ]

    assert sorted(listed) == sorted(dpkg_lists(tree / "var/lib/dpkg"))


def dpkg_lists(database: Path) -> list[tuple[str, ...]]:
    fields = ["Package", "Version", "Architecture", "source:Package", "source:Version", "db:Status-Status"]
    shown = "\\t".join(f"${{{name}}}" for name in fields) + "\\n"
    command = ["dpkg-query", f"--admindir={database}", "-W", "-f", shown]
    lines = subprocess.run(command, capture_output=True, check=True, text=True).stdout.splitlines()
    rows = [tuple(line.split("\t")) for line in lines]
    return [row[:5] for row in rows if row[5] == "installed"]
