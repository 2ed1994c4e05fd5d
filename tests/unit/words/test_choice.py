"""The language: the option before the variable, the variable before the locale."""

import pytest

from hullguard.words.choice import chosen, without


@pytest.mark.parametrize(
    ("environment", "language"),
    [
        ({}, "en"),
        ({"LANG": "zh_CN.UTF-8"}, "zh"),
        ({"LANG": "zh"}, "zh"),
        ({"LANG": "de_DE.UTF-8"}, "en"),
        ({"LC_MESSAGES": "zh_CN.UTF-8", "LANG": "en_US.UTF-8"}, "zh"),
        ({"LC_ALL": "C.UTF-8", "LC_MESSAGES": "zh_CN.UTF-8", "LANG": "zh_CN.UTF-8"}, "en"),
        ({"LC_ALL": "", "LANG": "zh_CN.UTF-8"}, "zh"),
        ({"HULLGUARD_LANG": "zh", "LC_ALL": "en_US.UTF-8"}, "zh"),
        ({"HULLGUARD_LANG": "en", "LANG": "zh_CN.UTF-8"}, "en"),
    ],
)
def test_the_environment(environment: dict[str, str], language: str) -> None:
    assert chosen(["scan", "x"], environment, "utf-8") == language


@pytest.mark.parametrize(
    ("arguments", "language"),
    [
        (["--lang", "zh", "scan"], "zh"),
        (["--lang=zh", "scan"], "zh"),
        (["--lang"], "en"),
        (["scan", "--lang", "zh"], "en"),
        (["scan", "-o", "--lang=zh"], "en"),
    ],
)
def test_the_option_stands_before_the_command(arguments: list[str], language: str) -> None:
    assert chosen(arguments, {}, "utf-8") == language


def test_the_option_wins() -> None:
    assert chosen(["--lang", "en", "scan"], {"HULLGUARD_LANG": "zh", "LANG": "zh_CN.UTF-8"}, "utf-8") == "en"


def test_a_terminal_without_chinese_is_spoken_to_in_english() -> None:
    assert chosen([], {"LANG": "zh_CN"}, "ascii") == "en"
    assert chosen([], {"LANG": "zh_CN"}, "gb18030") == "zh"
    assert chosen([], {"LANG": "zh_CN"}, "no such encoding") == "en"


def test_what_is_left_is_the_command() -> None:
    assert without(["--lang", "zh", "scan", "x"]) == without(["--lang=zh", "scan", "x"]) == ["scan", "x"]
    assert without(["scan", "--lang", "zh"]) == ["scan", "--lang", "zh"]
    assert without([]) == []
