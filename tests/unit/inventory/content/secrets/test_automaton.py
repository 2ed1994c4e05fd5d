"""What was compiled beforehand is used when it is of the same rules, and finds what a fresh one finds."""

from pathlib import Path
from typing import Any

import hyperscan
import pytest

from hullguard.inventory.content.secrets import automaton as module
from hullguard.inventory.content.secrets.automaton import automaton, build

PATTERNS, NUMBERS = ["AKIA[A-Z0-9]{16}", "(?i)token"], [7, 9]
TEXT = b"a ToKeN and AKIAABCDEFGHIJKLMNOP"


@pytest.fixture
def built(tmp_path: Path) -> Path:
    build(PATTERNS, NUMBERS, tmp_path / "automaton.hs")
    return tmp_path / "automaton.hs"


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """What was compiled since."""
    seen: list[list[str]] = []
    compile_ = module._compiled

    def counting(patterns: list[str], numbers: list[int]) -> Any:
        seen.append(patterns)
        return compile_(patterns, numbers)

    monkeypatch.setattr(module, "_compiled", counting)
    return seen


def found(database: Any) -> set[int]:
    numbers: set[int] = set()
    scratch = hyperscan.Scratch(database)
    database.scan(TEXT, match_event_handler=lambda number, *_: numbers.add(number), scratch=scratch)
    return numbers


def test_the_built_one_is_used(built: Path, compiled: list[list[str]]) -> None:
    assert found(automaton(PATTERNS, NUMBERS, built)) == {7, 9}
    assert compiled == []


def test_one_of_other_rules_is_not(built: Path, compiled: list[list[str]]) -> None:
    assert found(automaton(PATTERNS[:1], NUMBERS[:1], built)) == {7}
    assert compiled == [PATTERNS[:1]]


@pytest.mark.parametrize("damage", ["absent", "empty", "cut", "turned"])
def test_a_damaged_one_is_made_again(damage: str, built: Path, compiled: list[list[str]]) -> None:
    content = built.read_bytes()
    turned = content[:100] + bytes([content[100] ^ 1]) + content[101:]
    built.write_bytes({"empty": b"", "cut": content[:-50], "turned": turned, "absent": b""}[damage])
    if damage == "absent":
        built.unlink()

    assert found(automaton(PATTERNS, NUMBERS, built)) == {7, 9}
    assert compiled == [PATTERNS]
