"""Commands that speak Chinese, as a person with that locale calls them."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.support.images import DEBIAN_12, Image, dpkg_entry, dpkg_status, file, layer

LOADED = "import sys\nfrom hullguard.app.cli.main import main\ntry: main(['scan', '/no/such.tar'])\nexcept SystemExit: pass\n"
LOADED += "print('hullguard.words.catalogue' in sys.modules, 'hullguard.app.cli.help_page' in sys.modules)"


def run(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("LC_", "LANG", "HULLGUARD"))
    }
    environment |= {"COLUMNS": "100", "PYTHONUTF8": "1", **variables}
    done = subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, check=False, env=environment, timeout=120
    )
    assert "Traceback" not in done.stderr
    return done


def hullguard(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return run("-m", "hullguard", *arguments, **variables)


@pytest.fixture
def image(tmp_path: Path) -> str:
    made = Image([layer(file("etc/os-release", DEBIAN_12), dpkg_status(dpkg_entry("bash", "5.2-1")))])
    return str(made.docker_archive(tmp_path / "image.tar"))


def test_an_error_is_one_line_in_the_language_of_the_locale() -> None:
    done = hullguard("scan", "/no/such.tar", LANG="zh_CN.UTF-8")

    assert (done.returncode, done.stderr) == (2, "hullguard: 没有文件或目录 '/no/such.tar'\n")


def test_the_option_and_the_variable_override_the_locale() -> None:
    for done in (
        hullguard("--lang", "en", "scan", "/no/such.tar", LANG="zh_CN.UTF-8"),
        hullguard("scan", "/no/such.tar", LANG="zh_CN.UTF-8", HULLGUARD_LANG="en"),
    ):
        assert done.stderr == "hullguard: there is no file or directory '/no/such.tar'\n"
    assert "没有文件" in hullguard("--lang=zh", "scan", "/no/such.tar", LANG="C").stderr


@pytest.mark.parametrize(
    "arguments", [("scan", "--help"), ("--lang", "zh"), ("db", "--help"), ("agent", "enrol", "-h")]
)
def test_help_is_chinese_and_fits_the_page(arguments: tuple[str, ...]) -> None:
    from hullguard.words.columns import columns

    done = hullguard(*arguments, HULLGUARD_LANG="zh")
    said = done.stdout + done.stderr

    assert "Options:" not in said
    assert "Usage:" not in said
    assert [line for line in said.splitlines() if columns(line) > 80] == []


def test_a_wrong_option_is_explained(image: str) -> None:
    assert hullguard("scan", "--bogus", image, HULLGUARD_LANG="zh").stderr.startswith("hullguard: 没有选项 --bogus")
    assert (
        hullguard("scan", HULLGUARD_LANG="zh").stderr == "hullguard: 缺少参数 'targets'（见 `hullguard scan --help`）\n"
    )


def test_a_table_is_chinese_and_what_programs_read_is_not(image: str) -> None:
    table = hullguard("sbom", "--no-cache", "-f", "table", image, HULLGUARD_LANG="zh").stdout
    english = hullguard("sbom", "--no-cache", image).stdout

    assert "软件包" in table
    assert "Package" not in table
    assert hullguard("sbom", "--no-cache", image, HULLGUARD_LANG="zh").stdout == english
    assert json.loads(english)["packages"][0]["name"] == "bash"


def test_english_loads_no_chinese() -> None:
    assert run("-c", LOADED).stdout == "False False\n"
