"""What the agent's process loads: it is on every machine, so whatever comes along comes along everywhere."""

import json
import subprocess
import sys

import pytest

LIVES = """
import sys

before = set(sys.modules)  # what this machine's Python begins with
import json
from hullguard.agent import child

child._leave_out(sys.modules)
child._compile_rules()
import hullguard.agent.life
import hullguard.agent.sensor.bpf_sensor

print(json.dumps([name for name, module in sys.modules.items() if module is not None and name not in before]))
"""
TAKEN = {
    "hullguard",
    *("msgspec", "structlog", "websockets", "zstandard"),
    *("yaml", "re2"),  # rules
}
PARTS = {"agent", "detect", "inventory", "model", "net", "wire", "words"}


@pytest.fixture(scope="module")
def loaded() -> set[str]:
    said = subprocess.run([sys.executable, "-P", "-c", LIVES], capture_output=True, check=True)
    return set(json.loads(said.stdout))


def test_no_library_comes_along_that_the_agent_does_not_use(loaded: set[str]):
    here = {name.partition(".")[0] for name in loaded} - set(sys.stdlib_module_names)

    assert {name for name in here if not name.startswith(("_", "cython"))} == TAKEN


def test_of_the_product_it_loads_what_an_agent_is(loaded: set[str]):
    assert {name.split(".")[1] for name in loaded if name.startswith("hullguard.")} == PARTS
    assert not any(name.startswith("hullguard.agent.images_worker") for name in loaded)
    # Images are read in a process of its own: what starts it, where containerd answers, and which of several platforms an engine takes, is all of inventory.
    inventory = {
        name.removeprefix("hullguard.inventory.") for name in loaded if name.startswith("hullguard.inventory.")
    }
    assert inventory == {"apart", "source", "source.containerd_socket", "source.platforms"}
