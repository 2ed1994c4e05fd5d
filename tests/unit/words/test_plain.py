"""What others named steers no terminal."""

import pytest

from hullguard.app.cli import exits
from hullguard.words.plain import fault_of_line, fault_of_name, is_blank, plain


def test_nothing_steers_a_terminal() -> None:
    assert plain("a\x1b[2J\x00\u202eb") == "a\ufffd[2J\ufffd\ufffdb"
    assert plain("a\r\nhullguard: done\x85\u2028") == "a\ufffd\ufffdhullguard: done\ufffd\ufffd"
    assert plain("\u4e2d\u6587 <b>") == "\u4e2d\u6587 <b>"


HIDDEN = "\x00\x1b\x85\xad\u061c\u200b\u200f\u202e\u2066\ufeff\U000e0041\u3164\u115f\u1160\u2800\uffa0"
JOINED = "\u034f\u17b4\u180b\ufe0f\U000e0100"


def test_what_cannot_be_seen_is_found_where_it_stands() -> None:
    for each in (*HIDDEN, "\u2028"):
        why = f"character 3 of its name, U+{ord(each):04X}, cannot be seen or steers what shows it; leave it out"
        assert fault_of_line(f"ab{each}c", "name") == fault_of_name(f"ab{each}c", "name") == why
    for usual in (
        "shop:ci",
        "runner-7.example",
        "\u4e2d\u6587\u3000\u76ee\u5f55",
        "\u05e9\u05dc\u05d5\u05dd",
        "caf\u00e9 \U0001f433",
    ):
        assert fault_of_name(usual, "name") is None
        assert not is_blank(usual)
    for blank in ("", " ", "\u3000\u00a0", "\u3164\u2800", "\u0301"):
        assert is_blank(blank)
        assert fault_of_line(blank, "name") == fault_of_name(blank, "name") == "its name is blank; say what it is"


def test_a_name_looks_like_no_other() -> None:
    for each in JOINED:
        why = f"character 3 of its tag, U+{ord(each):04X}, cannot be seen or steers what shows it; leave it out"
        assert fault_of_name(f"ab{each}", "tag") == why
    for each in "\xa0\u1680\u2003\u202f\u205f":
        why = f"character 2 of its tag, U+{ord(each):04X}, looks like a usual space; write one in its place"
        assert fault_of_name(f"a{each}b", "tag") == why
    for edge in (" a", "a ", "\u3000a"):
        assert fault_of_name(edge, "tag") == "its tag begins or ends with a space; leave it out"
    assert fault_of_name("a  b", "tag") == "its tag has two spaces in a row; leave one out"


def test_a_line_may_have_what_text_has() -> None:
    for usual in ("\u26a0\ufe0f accepted : see the ticket ", "Pas utilis\u00e9\u202f; voir le ticket\xa0!", "a  b"):
        assert fault_of_line(usual, "reason") is None


def test_an_error_is_one_line_whatever_it_quotes(capsys: pytest.CaptureFixture[str]) -> None:
    exits.remark("the image's manifest names the layer a\x1b[31m\nhullguard: done, but it is not there")

    said = capsys.readouterr().err
    assert (
        said
        == "hullguard: the image's manifest names the layer a\ufffd[31m\ufffdhullguard: done, but it is not there\n"
    )
