"""The command line loads no more than the command needs: what it loads is most of the time of a short scan."""

import subprocess
import sys

import pytest

from hullguard.app.cli import OFTEN, RARELY

HEAVY = ["asyncio", "hyperscan", "yara_x", "elftools", "yaml", "urllib3", "sqlalchemy", "aiohttp", "rich.console"]
UNASKED = ["concurrent.futures", "tempfile", "secrets", "zipfile", "hullguard.imagescan.licenses"]
LOADED = "import sys; import {module}; print([name for name in {heavy} if name in sys.modules])"


@pytest.mark.parametrize("module", ["hullguard.app.cli.main", "hullguard.inventory", "hullguard.imagescan.scan"])
def test_nothing_heavy_is_loaded_before_it_is_needed(module: str) -> None:
    program = LOADED.format(module=module, heavy=HEAVY)
    found = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True, timeout=60)

    assert found.stdout.strip() == "[]"


def test_a_scan_loads_nothing_that_only_some_images_need() -> None:
    program = LOADED.format(module="hullguard.app.cli.scan_job", heavy=UNASKED)
    found = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True, timeout=60)

    assert found.stdout.strip() == "[]"


def test_only_what_ends_soon_looks_for_garbage_rarely() -> None:
    program = (
        "import gc, sys\nfrom hullguard.app.cli import main\n"
        "try: main.main([sys.argv[1], '--help'])\nexcept SystemExit: print('threshold', gc.get_threshold()[0])"
    )
    said = {
        command: subprocess.run(
            [sys.executable, "-c", program, command], check=True, capture_output=True, text=True, timeout=60
        ).stdout.split()[-1]
        for command in ("scan", "agent")
    }

    assert said == {"scan": str(RARELY), "agent": str(OFTEN)}


def test_a_command_is_made_without_the_others() -> None:
    said = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys\nfrom hullguard.app.cli.main import build\nbuild(['diff'])\nprint(*sys.modules)",
        ],
        check=True,
        capture_output=True,
        text=True,
    )

    assert {name for name in said.stdout.split() if name.startswith("hullguard.app.cli.")} & {
        "hullguard.app.cli.diff",
        "hullguard.app.cli.admin",
        "hullguard.app.cli.database",
        "hullguard.app.cli.up",
    } == {"hullguard.app.cli.diff"}
