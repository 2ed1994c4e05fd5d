"""The catalog of analyzers is complete and in an order that works."""

import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterator

import pytest

from hullguard.inventory import analyzers
from hullguard.inventory.analyzers.analyzer import Analyzer
from hullguard.inventory.analyzers.catalog import ANALYZERS


def test_every_analyzer_is_in_the_catalog() -> None:
    for module in pkgutil.walk_packages(analyzers.__path__, f"{analyzers.__name__}."):
        importlib.import_module(module.name)

    assert set(concrete(Analyzer)) == {type(analyzer) for analyzer in ANALYZERS}


def concrete(family: type[Analyzer]) -> Iterator[type[Analyzer]]:
    for kind in family.__subclasses__():
        if not inspect.isabstract(kind) and kind.__module__.startswith("hullguard."):
            yield kind
        yield from concrete(kind)


def test_the_distribution_comes_first() -> None:
    assert ANALYZERS[0].name == "os-release"


@pytest.mark.parametrize("analyzer", ANALYZERS, ids=lambda analyzer: analyzer.name)
def test_names_are_unique_and_fixed_files_are_wanted_or_directories_of_wanted_ones(analyzer: Analyzer) -> None:
    pattern = re.compile(analyzer.paths)

    assert sum(other.name == analyzer.name for other in ANALYZERS) == 1
    for place in analyzer.fixed:
        assert any(
            pattern.fullmatch(f"{place}{below}")
            for below in (
                "",
                "/x",
                "/x.list",
                "/x.control",
                "/0",
                "/x/desc",
                "/local/x/desc",
                "/x/y/SLOT",
                "/x/copyright",
            )
        ), place


@pytest.mark.parametrize("analyzer", ANALYZERS, ids=lambda analyzer: analyzer.name)
@pytest.mark.parametrize(
    "content", [b"", b"\x00" * 100, b"\xff\xfe" * 50, b"\n" * 1000, b"P:\nV:\n\n: :\n", b"{" * 20_000]
)
def test_no_content_makes_condensing_fail(analyzer: Analyzer, content: bytes) -> None:
    assert isinstance(analyzer.condense("var/lib/dpkg/info/x.list", content), bytes)
    assert isinstance(analyzer.condense("x", content), bytes)
