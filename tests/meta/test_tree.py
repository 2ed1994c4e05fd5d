"""The rules of the source tree that no off-the-shelf tool checks."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = sorted((ROOT / "src" / "hullguard").rglob("*.py"))
MODULES = [path for path in SOURCES if "migrations" not in path.parts]
EMPTY_NAMES = {"utils", "util", "common", "core", "helpers", "helper", "base", "misc"}


def test_no_module_has_a_name_that_says_nothing() -> None:
    assert [str(path) for path in SOURCES if EMPTY_NAMES & {path.stem, *path.parts}] == []


def test_no_module_is_longer_than_400_lines() -> None:
    sizes = {str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines()) for path in MODULES}

    assert {path: size for path, size in sizes.items() if size > 400} == {}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT / "src")))
def test_every_module_says_what_it_is_for(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))


def calls(path: Path) -> set[str]:
    """The dotted names of everything that a module calls."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT / "src")))
def test_nothing_deserialises_code_or_starts_a_shell(path: Path) -> None:
    # Story: pickled and yaml-loaded messages have been the way into more than one console of this field.
    forbidden = {"pickle.loads", "pickle.load", "yaml.load", "eval", "exec", "os.system", "os.popen"}

    assert forbidden & calls(path) == set()
    assert not re.search(r"shell\s*=\s*True", path.read_text(encoding="utf-8"))


def test_the_frozen_vocabulary_is_frozen() -> None:
    loose = []
    for path in sorted((ROOT / "src" / "hullguard" / "model").glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.ClassDef) or not any(ast.unparse(b) == "Struct" for b in node.bases):
                continue
            if not any(word.arg == "frozen" for word in node.keywords):
                loose.append(f"{path.name}:{node.name}")

    assert loose == []


def test_every_catalog_module_holds_one_visible_list() -> None:
    catalogs = [path for path in SOURCES if path.name == "catalog.py"]

    assert catalogs
    for path in catalogs:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        names = [
            ast.unparse(target)
            for node in tree.body
            if isinstance(node, ast.Assign | ast.AnnAssign)
            for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
        ]
        assert any(name.isupper() for name in names), f"{path} shows no list"


def test_nothing_left_open() -> None:
    words = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b|raise NotImplementedError")
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in SOURCES
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if words.search(line)
    ]

    assert found == []
