"""A bounded run over every parser: the same inputs every time, made of real samples. The long one is ``make fuzz``."""

from pathlib import Path

import pytest
from tests.fuzz.catalog import TARGETS
from tests.fuzz.mutate import Mutator
from tests.fuzz.target import Target, execute


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_a_sample_is_read_and_no_input_makes_it_fail(target: Target, tmp_path: Path) -> None:
    seeds, refused = list(target.seeds()), 0
    for number, data in enumerate(Mutator(seeds, target.words, target.longest).inputs(target.runs, target.name)):
        outcome = execute(target, data)
        refused += outcome.refused and number < len(seeds)
        if outcome.fault is not None:
            kept = tmp_path / target.name.replace("/", "-")
            kept.write_bytes(data)
            fault = outcome.fault
            pytest.fail(f"{fault.kind} in {fault.where}; the input is in {kept}\n{fault.trace}", pytrace=False)
    assert refused < len(seeds)
