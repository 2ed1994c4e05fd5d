"""The sentences in the source that people may read: strings of several words, with what fills them left open."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2] / "src" / "hullguard"
OPEN = "{}"
_WORD = re.compile(r"[A-Za-z][a-z']+")
# Patterns, queries, markup and formats are made of words, too, but nobody reads them.
_NOT_FOR_PEOPLE = re.compile(
    r"\\|\(\?|SELECT |INSERT |DELETE |PRAGMA |CREATE |UPDATE |DROP |<[a-z!]|[{}]\w+;|HTTP/1|-----BEGIN|https?://\S+\{"
)
_LOGGERS = {"debug", "info", "warning", "error", "exception", "bind", "compile"}


def template(node: ast.AST) -> str | None:
    """A string with ``{}`` for everything that fills it."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value.replace("{", "{{").replace("}", "}}") if "{" in node.value else node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(template(part) or "" if isinstance(part, ast.Constant) else OPEN for part in node.values)
    return None


def sentences(path: Path) -> Iterator[tuple[int, str]]:
    """The line and the template of every string in a module that reads like a sentence."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    passed: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            passed.add(id(node.value))  # a docstring
        elif isinstance(node, ast.JoinedStr):
            passed.update(id(part) for part in node.values)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _LOGGERS:
            passed.update(id(argument) for argument in node.args)
    for node in ast.walk(tree):
        if not isinstance(node, ast.expr) or id(node) in passed:
            continue
        said = template(node)
        if said and len(_WORD.findall(said)) >= 2 and " " in said.strip() and not _NOT_FOR_PEOPLE.search(said):
            yield node.lineno, said
