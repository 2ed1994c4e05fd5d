"""Hostile inputs made of real ones."""

import json
import random

import msgspec
import pytest
from tests.fuzz.mutate import Mutator

_SEEDS = (
    b'{"name": "a", "items": [1, 2, {"b": null}]}',
    b"%NAME%\nbash\n\n%VERSION%\n5.2-1\n",
    b"\x00\x00\x00\x08abcdefgh",
    b"",
)


def made(count: int = 400, seed: str = "s", longest: int = 4096) -> list[bytes]:
    return list(Mutator(_SEEDS, (b"TOKEN",), longest).inputs(count, seed))


def test_the_same_seed_gives_the_same_inputs() -> None:
    assert made() == made()
    assert made(seed="other") != made()


def test_the_samples_come_first_as_they_are() -> None:
    assert made()[: len(_SEEDS)] == list(_SEEDS)
    assert len(made()) == 400
    assert made(count=0) == list(_SEEDS)


def test_most_inputs_are_new_and_none_is_too_long() -> None:
    inputs = made()

    assert len(set(inputs)) > 300
    assert max(map(len, inputs)) <= 4096
    assert any(b"TOKEN" in data for data in inputs)
    assert any(len(data) > 2000 for data in inputs)


def test_documents_stay_documents_with_other_values() -> None:
    """Of what is made of JSON, a good part must get behind the parser of JSON."""
    inputs = list(Mutator(_SEEDS[:1], (), 1 << 16).inputs(300, "s"))
    documents = [value for value in map(_read, inputs) if value is not None]

    assert len(documents) > 60
    assert {type(value) for value in documents} >= {dict, list, str}
    assert any(isinstance(value, dict) and not isinstance(value.get("items", []), list) for value in documents)


def test_runs_without_end_stand_everywhere_in_the_samples() -> None:
    inputs = list(Mutator(_SEEDS, (), 1000).strained(random.Random(1)))

    assert {len(data) for data in inputs} <= set(range(980, 1001))
    assert any(data.startswith(b"%NAME%\nbash") and data.endswith(b"    ") for data in inputs)
    assert any(data.startswith(b"((((") and data.endswith(b"5.2-1\n") for data in inputs)


@pytest.mark.parametrize("value", [{"a": b"x", "b": [1, None]}, [b"\xff", 2.5]])
def test_messages_stay_messages(value: object) -> None:
    inputs = Mutator([msgspec.msgpack.encode(value)], (), 1 << 16).inputs(200, "s")

    assert sum(1 for data in inputs if _unpacked(data)) > 40


def _read(data: bytes) -> object:
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return None


def _unpacked(data: bytes) -> bool:
    try:
        return isinstance(msgspec.msgpack.decode(data), dict | list)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
