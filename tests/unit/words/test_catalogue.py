"""Sentences that are already filled are found again, and nothing else is taken for one."""

import json
from pathlib import Path

import pytest

from hullguard.words.catalogue import Catalogue, load

ALIKE = Path(__file__).parents[2] / "data" / "words" / "sentences.json"
"""Sentences as scans say them, and their Chinese. The console's own reader of the same files is held to this list, too."""

CATALOGUE = Catalogue(
    {
        "high": "高危",
        "is cut off": "不完整",
        "there is no file {name}": "没有文件 {name}",
        "{name} cannot be read: {cause}": "无法读取 {name}：{cause}",
        "{name} cannot be read": "无法读取 {name}",
        "{what} has {n} bytes; {why}": "{what} 有 {n} 字节，{why}",
    }
)


@pytest.mark.parametrize(
    ("english", "chinese"),
    [
        ("there is no file '/a b'", "没有文件 '/a b'"),
        ("x cannot be read", "无法读取 x"),
        ("x cannot be read: y z", "无法读取 x：y z"),
        ("a has 3 bytes; there is no file c", "a 有 3 字节，没有文件 c"),
        ("app.tar: is cut off", "app.tar：不完整"),
        ("there is no file a; there is no file b", "没有文件 a；没有文件 b"),
    ],
)
def test_a_filled_sentence_is_found(english: str, chinese: str) -> None:
    assert CATALOGUE.of(english) == chinese


@pytest.mark.parametrize(
    "english", ["", "nothing of this", "there is no file ", "has 3 bytes; x", "high: nothing", "a: b; c"]
)
def test_what_is_not_known_stays_as_it_is(english: str) -> None:
    assert CATALOGUE.of(english) == english


def test_a_name_is_no_sentence_even_where_it_is_a_word() -> None:
    assert CATALOGUE.of("high") == "高危"
    assert CATALOGUE.of("there is no file high") == "没有文件 high"


def test_braces_in_what_fills_it_do_no_harm() -> None:
    assert CATALOGUE.of("there is no file {0.x} {name}") == "没有文件 {0.x} {name}"


def test_a_long_sentence_is_not_looked_into() -> None:
    long = "there is no file " + "x" * 10_000

    assert CATALOGUE.of(long) == long


def test_the_sentences_of_scans_are_said_as_in_the_console() -> None:
    catalogue = load("zh")
    pairs = json.loads(ALIKE.read_text(encoding="utf-8"))

    assert [(english, catalogue.of(english)) for english, _ in pairs] == [tuple(pair) for pair in pairs]


def test_a_place_is_no_word_of_what_is_wrong_there() -> None:
    catalogue = Catalogue(
        {
            "OS packages": "系统软件包",
            "{one} is {other}, but not {third}": "{one}是{other}，而不是{third}",
            "this is {id}, but no package database was found in it": "这是 {id}，但其中没有软件包数据库",
            "the server says: {answer}": "服务器说：{answer}",
        }
    )
    wrong = "this is AlmaLinux 9, but no package database was found in it"

    assert catalogue.of(f"OS packages: {wrong}") == "系统软件包：这是 AlmaLinux 9，但其中没有软件包数据库"
    assert catalogue.of(f"the server says: {wrong}") == "服务器说：这是 AlmaLinux 9，但其中没有软件包数据库"
    assert catalogue.of("a: b is c d, but not e f") == "a: b是c d，而不是e f"


def test_what_is_too_long_for_a_sentence_is_not_looked_at() -> None:
    assert CATALOGUE.of("is cut off: " * 1000) == "is cut off: " * 1000


def test_of_sentences_side_by_side_none_swallows_the_others() -> None:
    catalogue = Catalogue(
        {"there is no file {name}": "没有文件 {name}", "{url} cannot be reached: {bad}": "无法连接 {url}：{bad}"}
    )

    said = catalogue.of("there is no file 'a b'; host cannot be reached: no route; there is no file c")

    assert said == "没有文件 'a b'；无法连接 host：no route；没有文件 c"
    assert catalogue.of("host cannot be reached: refused; unheard of") == "无法连接 host：refused; unheard of"
