"""The number by which inventories of older releases are known to be older grows with what could make them otherwise."""

import hashlib

import msgspec
import pytest

from hullguard.inventory.analyzers.catalog import ANALYZERS
from hullguard.inventory.content.catalog import INSPECTORS, inspectors_of
from hullguard.inventory.content.malware.inspector import HASHES_VARIABLE, RULES_VARIABLE
from hullguard.inventory.wanted import INDEX_VERSION
from hullguard.model.inventory import READER

GENERATIONS = {
    1: "90088fa4bfb6f6d0edaad91b8da61f3c",
    2: "51a9fd152459920b5e53620bdfa0ac51",
}
"""What each generation of readers was made of. A line that was released is never changed."""


def versions() -> list[tuple[str, str]]:
    analyzers = [(each.name, str(each.version)) for each in ANALYZERS]
    inspectors = [(each.name, each.version) for each in inspectors_of(INSPECTORS)]
    return [("index", str(INDEX_VERSION)), *analyzers, *inspectors]


def test_another_version_of_an_analyzer_or_inspector_is_another_generation_of_readers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Story: a node's inventories stayed as the first release had made them, for as long as the images' ids did.
    for variable in (RULES_VARIABLE, HASHES_VARIABLE):
        monkeypatch.delenv(variable, raising=False)
    made_of = hashlib.sha256(msgspec.json.encode(versions())).hexdigest()[:32]

    assert max(GENERATIONS) == READER, "the newest generation here and in model/inventory.py are one number"
    assert made_of == GENERATIONS[READER], (
        f"versions changed: make READER of model/inventory.py {READER + 1}, and add {READER + 1}: {made_of!r} here"
    )
