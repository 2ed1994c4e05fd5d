"""The catalog of analyzers is complete and in an order that works."""

import importlib
import pkgutil
import re

import pytest

from hullguard.inventory import analyzers
from hullguard.inventory.analyzers.analyzer import Analyzer
from hullguard.inventory.analyzers.catalog import ANALYZERS


def test_every_analyzer_is_in_the_catalog() -> None:
    for module in pkgutil.iter_modules(analyzers.__path__):
        importlib.import_module(f"{analyzers.__name__}.{module.name}")

    assert set(Analyzer.__subclasses__()) == {type(analyzer) for analyzer in ANALYZERS}


def test_the_distribution_comes_first() -> None:
    assert ANALYZERS[0].name == "os-release"


@pytest.mark.parametrize("analyzer", ANALYZERS, ids=lambda analyzer: analyzer.name)
def test_names_are_unique_and_fixed_files_are_wanted_or_directories_of_wanted_ones(analyzer: Analyzer) -> None:
    pattern = re.compile(analyzer.paths)

    assert sum(other.name == analyzer.name for other in ANALYZERS) == 1
    assert all(
        pattern.fullmatch(place) or pattern.fullmatch(f"{place}/x") or pattern.fullmatch(f"{place}/x.list")
        for place in analyzer.fixed
    )


@pytest.mark.parametrize("analyzer", ANALYZERS, ids=lambda analyzer: analyzer.name)
@pytest.mark.parametrize(
    "content", [b"", b"\x00" * 100, b"\xff\xfe" * 50, b"\n" * 1000, b"P:\nV:\n\n: :\n", b"{" * 20_000]
)
def test_no_content_makes_condensing_fail(analyzer: Analyzer, content: bytes) -> None:
    assert isinstance(analyzer.condense("var/lib/dpkg/info/x.list", content), bytes)
    assert isinstance(analyzer.condense("x", content), bytes)
