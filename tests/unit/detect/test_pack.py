"""The rules that are on by default: whole, quiet by design, and each holds for what it is about."""

import re
from pathlib import Path

import msgspec
import pytest
from tests.support.pack_cases import CASES

from hullguard.detect.detectors.catalog import BY_ID
from hullguard.detect.pack import load_pack, pack_files
from hullguard.detect.pack.reference import put_into
from hullguard.detect.rules.definitions import Words
from hullguard.detect.rules.filters import ALL_TYPES, Where
from hullguard.detect.rules.prefilter import Prefilter
from hullguard.detect.rules.ruleset import Rule
from hullguard.model.event import ContainerDetails, Event, EventKind

RULES = {rule.name: rule for rule in load_pack().rules}
PREFILTERS = {one.rule: one for one in load_pack().prefilters()}
HAN = re.compile(r"[一-鿿]")
# Without a path the kernel would send every file. These calls are rare enough for that.
OF_ANY_PATH = {"open_by_handle_at", "mknod", "mknodat"}
FILES = frozenset(kind for kind in EventKind if kind.startswith("file_"))

QUIET_IN_BUILDS = {
    "evasion.history-removed",
    "evasion.log-removed",
    "evasion.log-truncated",
    "persistence.cron",
    "persistence.init-script",
    "persistence.login-module",
    "persistence.shell-profile",
    "persistence.ssh-key",
    "persistence.system-program",
    "persistence.systemd-unit",
    "privilege.setuid-bit",
    "privilege.sudo-rule",
}
"""What is not told of a line of a Dockerfile that Docker's own builder runs."""


def fired(happened: Event) -> list[str]:
    return [match.rule.name for match in load_pack().judge(happened)]


def test_nothing_is_wrong_with_the_files() -> None:
    assert load_pack().problems == ()
    assert all(rule.enabled for rule in RULES.values())


def test_a_file_of_the_pack_can_be_read_in_one_go() -> None:
    sizes = {file.name: file.content.count(b"\n") for file in pack_files()}

    assert {name: size for name, size in sizes.items() if size > 400} == {}


def test_the_pack_is_loaded_once() -> None:
    assert load_pack() is load_pack()


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_a_rule_says_all_that_people_need(rule: Rule) -> None:
    words = {key: getattr(rule.words, key) for key in Words.__struct_fields__}

    assert [key for key, text in words.items() if not text.strip()] == []
    assert [key for key, text in words.items() if bool(HAN.search(text)) is not key.endswith("_zh")] == []
    assert rule.words.advice.count("\n") == rule.words.advice_zh.count("\n")
    assert rule.desc.strip().endswith(".")
    assert len(rule.words.title) <= 80
    assert rule.self_test
    assert {operand.text for operand in rule.output.operands} >= {"container.id", "container.image", "proc.cmdline"}


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_a_rule_has_a_name_to_keep_and_a_technique(rule: Rule) -> None:
    assert re.fullmatch(r"[a-z]+\.[a-z][a-z-]+[a-z]", rule.name)
    assert rule.name not in BY_ID
    assert rule.technique
    assert rule.name.partition(".")[0] in rule.tags


@pytest.mark.parametrize("prefilter", PREFILTERS.values(), ids=PREFILTERS)
def test_the_kernel_is_asked_for_little(prefilter: Prefilter) -> None:
    assert prefilter.alternatives
    for one in prefilter.alternatives:
        assert one.types != ALL_TYPES
        assert one.where is Where.CONTAINER
        assert one.paths is not None or one.targets is not None or not one.kinds & FILES or one.types <= OF_ANY_PATH


def test_every_rule_has_its_cases() -> None:
    assert set(CASES) == set(RULES)


FIRES = [(name, number) for name, case in CASES.items() for number in range(len(case.fires))]
SILENT = [(name, number) for name, case in CASES.items() for number in range(len(case.silent))]


@pytest.mark.parametrize(("name", "number"), FIRES)
def test_a_rule_fires(name: str, number: int) -> None:
    happened = CASES[name].fires[number]

    assert name in fired(happened)
    assert PREFILTERS[name].accepts(happened)


@pytest.mark.parametrize(("name", "number"), SILENT)
def test_a_rule_is_silent(name: str, number: int) -> None:
    assert name not in fired(CASES[name].silent[number])


def in_build(happened: Event, known: bool | None) -> Event:
    details = happened.container_details or ContainerDetails()
    return msgspec.structs.replace(happened, container_details=msgspec.structs.replace(details, builds_image=known))


@pytest.mark.parametrize(("name", "number"), FIRES)
def test_what_an_images_build_writes_is_its_content_and_everything_else_is_told(name: str, number: int) -> None:
    happened = CASES[name].fires[number]

    assert (name in fired(in_build(happened, known=True))) is (name not in QUIET_IN_BUILDS)
    assert name in fired(in_build(happened, known=False))
    assert name in fired(in_build(happened, known=None))


def test_the_pack_is_part_of_the_package() -> None:
    names = {path.name for path in (Path(__file__).parents[3] / "src/hullguard/detect/pack").glob("*.yaml")}

    assert {file.name.removeprefix("pack/") for file in pack_files()} == names


@pytest.mark.parametrize(("language", "name"), [("en", "rule-pack.md"), ("zh", "rule-pack.zh.md")])
def test_the_page_says_what_the_pack_says(language: str, name: str) -> None:
    page = (Path(__file__).parents[3] / "docs" / "howto" / name).read_text(encoding="utf-8")

    assert put_into(page, language) == page, "run scripts/pack-tables"
