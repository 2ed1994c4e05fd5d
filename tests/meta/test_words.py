"""Everything that people read at a terminal is there in Chinese, and says the same."""

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from tests.support.sentences import ROOT, sentences

from hullguard.app.cli.commands import COMMANDS, build
from hullguard.words.catalogue import Catalogue, load

CATALOGUE = load("zh")
FILES = sorted((ROOT / "words" / "zh").glob("*.json"))
PLACEHOLDER = re.compile(r"\{(\w*)\}")
HAN = re.compile(r"[一-鿿]")

# Where sentences are made that commands show. Servers speak to programs and to the console, which has its own words.
SAID = [
    "inventory",
    "advisories",
    "imagescan/suppress",
    "imagescan/scan.py",
    "imagescan/select.py",
    "app/cli",
    "app/remote.py",
    "wire/submission.py",
    "detect/rules",
    *(f"agent/respond/{name}.py" for name in ("guard", "line", "enforcement", "fanotify", "marks")),
]
# Names, patterns in words, and what is put together with other words before anybody sees it.
NO_SENTENCES = re.compile(
    r"^(?:hullguard (?:up|db|scan|diff|agent)|Red Hat|CentOS Linux$|Oracle Linux$|SUSE:|suse\.linux|openSUSE:|Azure Linux|Rocky Linux|Arch Linux|BellSoft|Apache Tomcat$|install ok|/bin/sh|malicious package$|list\[|\w+ \| None$"
    r"|(?:build argument|variable) of|containerd refused|ctr ended|could not be read: \{\}$|\{\} other packages"
    r"|\{\}: \{\} \(\{\}, \{\}\); read from|JSON-LD|before the fix$|up to the last affected$|, and no fix is named$|\{\} is affected since \{\}\{\}$|\{\} is no list\{\}$|there is no \{\} \{\} in an earlier file|tuple\[|Node \||FieldName \||EICAR|bold |command line$)"
)
RULES = (ROOT / "inventory" / "content" / "secrets", ROOT / "inventory" / "content" / "malware")
TITLES = json.loads((ROOT / "inventory" / "content" / "titles.zh.json").read_text(encoding="utf-8"))
LIMITS = ROOT / "inventory" / "bounds.py"
"""What limits are of is said in the documentation, which is in both languages."""
KINDS = ROOT / "inventory" / "analyzers" / "binaries" / "kinds.py"
"""Names of programs, and what stands in them."""
LICENCES = [ROOT / "inventory" / "analyzers" / "copyright" / name for name in ("free_form.py", "names.py")]
"""Words and names of licences, as they stand in what is read."""


def texts(command: Any) -> Iterator[str]:
    """Every help text of a command and of all below it."""
    yield from filter(None, [command.help, command.short_help, *(getattr(one, "help", None) for one in command.params)])
    for below in getattr(command, "commands", {}).values():
        yield from texts(below)


def spoken() -> Iterator[tuple[str, str]]:
    """The sentences that code asks for by ``say`` and ``count``, and where."""
    for path in sorted(ROOT.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("say", "count"):
                asked = node.args[:1] if node.func.id == "say" else node.args[2:3]
                for one in asked:
                    if isinstance(one, ast.Constant) and isinstance(one.value, str):
                        yield one.value, f"{path.relative_to(ROOT)}:{node.lineno}"


def test_every_help_text_is_there_in_chinese() -> None:
    command = typer.main.get_command(build(COMMANDS))

    assert sorted({text for text in texts(command) if text not in CATALOGUE.written}) == []


def test_every_sentence_that_a_command_says_is_there_in_chinese() -> None:
    said = [(sentence, where) for sentence, where in spoken() if not where.startswith("app/up.py")]

    assert len(said) > 80
    assert [one for one in said if one[0] not in CATALOGUE.written] == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_both_sentences_have_the_same_placeholders(path: Path) -> None:
    pairs = json.loads(path.read_text(encoding="utf-8")).items()

    assert [
        english
        for english, chinese in pairs
        if sorted(PLACEHOLDER.findall(english)) != sorted(PLACEHOLDER.findall(chinese))
    ] == []


def test_no_sentence_is_translated_twice() -> None:
    every = [key for path in FILES for key, _ in json.loads(path.read_text(encoding="utf-8"), object_pairs_hook=list)]

    assert sorted({key for key in every if every.count(key) > 1}) == []


def filled(template: str) -> str:
    """A sentence as code would make it."""
    number = iter(range(1, 100))
    return re.sub(r"\{+\w*\}+", lambda _: f"⟨{next(number)}⟩", template)


def test_every_sentence_of_the_parts_below_is_found_when_it_is_filled() -> None:
    missing = []
    for part in SAID:
        for path in sorted((ROOT / part).rglob("*.py")) if (ROOT / part).is_dir() else [ROOT / part]:
            if any(rules in path.parents for rules in RULES) or "versions" in path.parts:
                continue
            if path in (LIMITS, KINDS, *LICENCES):
                continue
            for line, template in sentences(path):
                asked = template.replace("{{", "{").replace("}}", "}")  # by ``say``, as it stands there
                known = NO_SENTENCES.match(template) or asked in CATALOGUE.written or template in TITLES
                if not known and not HAN.search(CATALOGUE.of(filled(template))):
                    missing.append(f"{path.relative_to(ROOT)}:{line}: {template}")

    assert missing == []


def test_what_fills_a_sentence_comes_out_of_it_again() -> None:
    lost = []
    for english in CATALOGUE.written:
        if PLACEHOLDER.search(english) and " " in english:
            said = CATALOGUE.of(filled(english))
            marks = re.findall(r"⟨\d+⟩", filled(english))
            if sorted(re.findall(r"⟨\d+⟩", said)) != sorted(marks):
                lost.append(english)

    assert lost == []


def test_the_catalogue_finds_what_it_is_given() -> None:
    assert Catalogue({"a {x} b": "乙 {x}"}).of("a 1 b") == "乙 1"


CONSOLE = ROOT.parents[1] / "console" / "src" / "i18n" / "zh-CN"
_HAN = "一-鿿"
_FULL = "，。；：！？、（）《》“”"
UNTIDY = {
    "an ASCII comma, semicolon, colon or bracket beside Chinese": re.compile(
        rf"[{_HAN}] ?[,;(]|[,;)] ?[{_HAN}]|\([{_HAN}]|[{_HAN}]\)|[{_HAN}]:(?!端口)"
    ),
    "an ASCII quotation, exclamation or question mark beside Chinese": re.compile(rf'[{_HAN}]["?!]|"[{_HAN}]'),
    "a space beside a full-width mark": re.compile(rf"[{_FULL}] (?! )|(?<! ) [{_FULL}]"),
    "a single ellipsis, or three dots, after Chinese": re.compile(rf"[{_HAN}](?:…(?!…)|\.\.\.|⋯)"),
    "a word that another one stands for": re.compile(r"口令|密钥与"),
}
# Code of the rules' language, and columns that begin where their neighbours do.
TIDY_ENOUGH = re.compile(r"\(\)|'\)'|worker： 就绪|^… 另有")


def chinese() -> Iterator[tuple[str, str]]:
    """Every Chinese sentence of commands and of the console, with where it stands."""

    def flat(tree: dict[str, Any], before: str) -> Iterator[tuple[str, str]]:
        for key, value in tree.items():
            if isinstance(value, str):
                yield f"{before}{key}", value
            else:
                yield from flat(value, f"{before}{key}.")

    for path in (*FILES, *sorted(CONSOLE.glob("*.json"))):
        yield from flat(json.loads(path.read_text(encoding="utf-8")), f"{path.name}: ")


@pytest.mark.parametrize("what", UNTIDY)
def test_chinese_is_written_with_the_marks_of_chinese(what: str) -> None:
    every = list(chinese())

    assert len(every) > 2500
    assert [(where, text) for where, text in every if UNTIDY[what].search(TIDY_ENOUGH.sub("_", text))] == []


@pytest.mark.parametrize(
    "text", ["甲,乙", "甲 (乙)", "甲: 乙", "甲:乙", '"甲"', "甲， 乙", "用 “a”", "处理中…", "口令"]
)
def test_what_is_untidy_is_noticed(text: str) -> None:
    assert any(pattern.search(TIDY_ENOUGH.sub("_", text)) for pattern in UNTIDY.values())


@pytest.mark.parametrize(
    "text", ["主机:端口", "https://主机:端口", "控制台：  {url}", "甲（乙），丙", "加载中……", "{a} 等 3 个"]
)
def test_what_is_tidy_is_left_alone(text: str) -> None:
    assert not any(pattern.search(text) for pattern in UNTIDY.values())
