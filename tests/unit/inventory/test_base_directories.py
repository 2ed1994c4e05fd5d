"""The XDG base directory specification: a relative path is invalid and to be ignored."""

from collections.abc import Callable
from pathlib import Path

import pytest

from hullguard.app.cli.scan_options import default_cache
from hullguard.app.settings import default_data_dir
from hullguard.inventory import base_directories

HOMES = [
    ("XDG_CACHE_HOME", base_directories.cache_home, ".cache"),
    ("XDG_CONFIG_HOME", base_directories.config_home, ".config"),
    ("XDG_DATA_HOME", base_directories.data_home, ".local/share"),
]


@pytest.mark.parametrize(("variable", "home", "usual"), HOMES)
@pytest.mark.parametrize("relative", ["", "cache", "./cache", "~/cache"])
def test_only_an_absolute_path_counts(
    monkeypatch: pytest.MonkeyPatch, variable: str, home: Callable[[], Path], usual: str, relative: str
) -> None:
    monkeypatch.setenv("HOME", "/home/somebody")
    monkeypatch.setenv(variable, relative)
    assert home() == Path("/home/somebody", usual)

    monkeypatch.setenv(variable, "/elsewhere")
    assert home() == Path("/elsewhere")


@pytest.mark.parametrize(("user", "cache"), [(0, "/var/cache/hullguard/layers"), (1000, "/h/.cache/hullguard/layers")])
def test_no_cache_is_made_where_one_stands(monkeypatch: pytest.MonkeyPatch, user: int, cache: str) -> None:
    # Story: XDG_CACHE_HOME=cache made a directory in each directory in which a scan was started.
    monkeypatch.setenv("HOME", "/h")
    monkeypatch.setattr("os.geteuid", lambda: user)
    for variable in ("XDG_CACHE_HOME", "XDG_DATA_HOME"):
        monkeypatch.setenv(variable, "here")

    assert default_cache() == Path(cache)
    assert default_data_dir().is_absolute()
