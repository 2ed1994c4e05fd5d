"""The catalog of targets is complete: whatever of the product meets foreign bytes is read by some target."""

import ast
import inspect
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from tests.fuzz.catalog import TARGETS
from tests.fuzz.target import execute

import hullguard
from hullguard.advisories import products
from hullguard.advisories.feeds.catalog import FEEDS
from hullguard.advisories.versions import order
from hullguard.advisories.versions.catalog import ORDERS, named
from hullguard.detect import pack, rule_info, rulebook
from hullguard.imagescan import licenses
from hullguard.inventory.analyzers.catalog import ANALYZERS
from hullguard.inventory.analyzers.locks import analyzer as locks
from hullguard.inventory.content.catalog import INSPECTORS, inspectors_of

_ROOT = Path(hullguard.__file__).parent
_PARSERS = (
    *("inventory", "advisories", "imagescan/suppress", "wire", "detect"),
    *("agent/runtime", "agent/sensor", "agent/policies.py", "ctrl/decoding.py", "cache/frames.py"),
)
"""Packages and modules that foreign bytes get into."""
_NO_PARSERS = {
    "advisories/bundle/pack.py": "writes",
    "advisories/errands/messages.py": "words of our own processes, and where uploaded files wait",
    "advisories/errands/parent.py": "starts processes of our own, and takes what they answer",
    "agent/runtime/programs.py": "starts programs, and bounds what they say",
    "agent/runtime/watch.py": "calls what is read, again and again",
    "agent/sensor/attach.py": "speaks with the kernel",
    "agent/sensor/bpf_sensor.py": "speaks with the kernel; what it says is decoded in decode.py",
    "agent/sensor/catalog.py": "a table of our own",
    "agent/sensor/doctor.py": "looks at the machine",
    "agent/sensor/filters.py": "writes into the kernel",
    "agent/sensor/attaching.py": "attaches programs",
    "agent/sensor/hooks.py": "attaches programs",
    "agent/sensor/interface.py": "an interface",
    "agent/sensor/libbpf.py": "speaks with the kernel",
    "agent/sensor/loader.py": "speaks with the kernel",
    "agent/sensor/losses.py": "reads the kernel's counters",
    "agent/sensor/pins.py": "speaks with the kernel",
    "agent/sensor/rings.py": "speaks with the kernel",
    "agent/sensor/starts.py": "remembers numbers of the kernel",
    "agent/sensor/watched.py": "remembers numbers of the kernel",
    "agent/sensor/exec_slots.py": "compiles a plan of our own",
    "agent/sensor/slots.py": "compiles a plan of our own",
    "detect/detectors/interface.py": "an interface",
    "detect/floods.py": "counts what was judged",
    "detect/fields/reference.py": "writes the tables of the documentation",
    "detect/pack/reference.py": "writes the tables of the documentation",
    "detect/replay.py": "judges decoded events by rules that rulebook.py reads",
    "detect/rules/definitions.py": "what was read; its one function names the severity of a priority",
    "inventory/__init__.py": "the door of the package",
    "inventory/content/secrets/rules/named.py": "makes rules of our own",
    "inventory/source/containerd_socket.py": "looks where a socket is",
    "inventory/apart.py": "starts processes of our own, and takes what they answer",
    "inventory/base_directories.py": "names of directories from the environment of who started us",
    "inventory/bounds.py": "numbers",
    "inventory/children.py": "makes processes",
    "inventory/content/inspector.py": "an interface",
    "inventory/content/secrets/automaton.py": "compiles the rules, or loads what was compiled of them",
    "inventory/content/secrets/rule.py": "rules, compiled when they are first needed",
    "inventory/content/secrets/rules/files.py": "rules, made when they are loaded",
    "inventory/content/secrets/rules/lines.py": "rules, made when they are loaded",
    "inventory/content/secrets/rules/shell.py": "rules, made when they are loaded",
    "inventory/content/titles.py": "names the rules in Chinese; what it is asked for are titles of our own",
    "inventory/processes.py": "makes processes that read layers as one does, and takes what they, our own, hand over",
    "inventory/source/containerd.py": "runs ctr, and hands its archive to the reader of OCI archives",
    "inventory/source/early.py": "walks over an archive's members as all do, and has them hashed",
    "inventory/source/named.py": "asks one source after the other",
    "inventory/source/podman_storage.py": "looks for names in a list of root's own, which engine_json.py reads",
    "inventory/source/podman_service.py": "starts podman's service, which engine.py asks",
    "inventory/source/registry/source.py": "puts together what the target peers.registry puts together",
    "inventory/source/registry/trust.py": "finds files of certificates, which OpenSSL reads",
    "inventory/stock.py": "asks reading.py with the platform's wishes",
    "inventory/stored_images.py": "looks for words in a file that others read",
    "wire/capabilities.py": "compares names that the form of their message has bounded",
}
"""Modules of those packages that no target reads with, each with the reason."""

_MEMORIES = (
    *(order._key, products.products, licenses.split, licenses.category),
    *(rulebook._rulebook, rulebook._read_files, rule_info.pack_info, pack.load_pack),
)


@pytest.fixture(scope="module")
def reached() -> set[tuple[str, str]]:
    """The functions of the product, by file and name, that the targets' seeds get into."""
    found: set[tuple[str, str]] = set()
    for known in _MEMORIES:
        known.cache_clear()  # what was read before is not read again

    def note(frame: FrameType, event: str, _: object) -> None:
        if event == "call":
            found.add((frame.f_code.co_filename, frame.f_code.co_qualname))

    for target in TARGETS:
        seeds = list(target.seeds())
        threading.setprofile(note)  # layers are read by several threads
        sys.setprofile(note)
        try:
            for data in seeds:
                execute(target, data)
        finally:
            sys.setprofile(None)
            threading.setprofile(None)
    return found


def test_no_two_targets_have_one_name() -> None:
    names = [target.name for target in TARGETS]

    assert len(names) == len(set(names))


def test_every_module_that_reads_foreign_bytes_is_read_with(reached: set[tuple[str, str]]) -> None:
    files = {file for file, _ in reached}
    modules = {str(path.relative_to(_ROOT)): path for path in _ROOT.rglob("*.py")}
    parsers = {name: path for name, path in modules.items() if name.startswith(_PARSERS) and _has_functions(path)}

    assert {name for name, path in parsers.items() if str(path) not in files} - set(_NO_PARSERS) == set()
    assert set(_NO_PARSERS) <= set(modules)


@pytest.mark.parametrize(
    "read",
    [
        *(type(analyzer).analyze for analyzer in ANALYZERS),
        *(type(order).parse for order in map(named, ORDERS)),
        *(type(feed).load for feed in FEEDS),
        *(type(inspector).inspect for inspector in inspectors_of(INSPECTORS)),
        *(locks._reader(place) for _, place in locks._READERS),
    ],
    ids=lambda read: f"{read.__module__.rpartition('.')[2]}.{read.__qualname__}",
)
def test_every_member_of_a_catalog_is_read_with(read: Callable[..., Any], reached: set[tuple[str, str]]) -> None:
    assert (inspect.getsourcefile(read), read.__qualname__) in reached


def _has_functions(path: Path) -> bool:
    tree = ast.parse(path.read_text("utf-8"))
    return any(isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) for node in ast.walk(tree))
