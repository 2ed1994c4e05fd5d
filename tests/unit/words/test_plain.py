"""What others named steers no terminal."""

import pytest

from hullguard.app.cli import exits
from hullguard.words.plain import is_blank, plain, unseen


def test_nothing_steers_a_terminal() -> None:
    assert plain("a\x1b[2J\x00\u202eb") == "a\ufffd[2J\ufffd\ufffdb"
    assert plain("a\r\nhullguard: done\x85\u2028") == "a\ufffd\ufffdhullguard: done\ufffd\ufffd"
    assert plain("\u4e2d\u6587 <b>") == "\u4e2d\u6587 <b>"


def test_what_cannot_be_seen_is_found_where_it_stands() -> None:
    odd = (
        "\x00",
        "\x1b",
        "\x85",
        "\xad",
        "\u061c",
        "\u200b",
        "\u200f",
        "\u2028",
        "\u202e",
        "\u2066",
        "\ufeff",
        "\U000e0041",
    )
    assert [unseen(f"ab{each}c") for each in odd] == [2] * len(odd)
    for usual in (
        "shop:ci",
        "runner-7.example",
        "\u4e2d\u6587\u3000\u76ee\u5f55",
        "\u05e9\u05dc\u05d5\u05dd",
        "caf\u00e9 \U0001f433",
    ):
        assert unseen(usual) is None
        assert not is_blank(usual)
    for blank in ("", " ", "\u3000\u00a0", "\u3164\u2800", "\u0301"):
        assert is_blank(blank)


def test_an_error_is_one_line_whatever_it_quotes(capsys: pytest.CaptureFixture[str]) -> None:
    exits.remark("the image's manifest names the layer a\x1b[31m\nhullguard: done, but it is not there")

    said = capsys.readouterr().err
    assert (
        said
        == "hullguard: the image's manifest names the layer a\ufffd[31m\ufffdhullguard: done, but it is not there\n"
    )
