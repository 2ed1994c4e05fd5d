"""A data directory as ``up`` leaves it before its parts start."""

import asyncio
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec import Struct

from hullguard.app.prepare import prepare
from hullguard.app.settings import Layout


class Prepared(Struct, frozen=True):
    layout: Layout
    password: str


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    made = Layout(tmp_path / "data")
    made.make()
    return made


@pytest.fixture(scope="session")
def _first_start() -> Iterator[Prepared]:
    """Prepared once for all tests of a run; each gets a copy."""
    with tempfile.TemporaryDirectory() as directory:
        layout = Layout(Path(directory) / "data")
        layout.make()
        first = asyncio.run(prepare(layout))
        assert first.password is not None
        yield Prepared(layout, first.password)


@pytest.fixture
def prepared(_first_start: Prepared, tmp_path: Path) -> Prepared:
    data = Path(shutil.copytree(_first_start.layout.data, tmp_path / "data"))
    return Prepared(Layout(data), _first_start.password)
