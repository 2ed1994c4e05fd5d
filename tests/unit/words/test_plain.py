"""What others named steers no terminal."""

import pytest

from hullguard.app.cli import exits
from hullguard.words.plain import plain


def test_nothing_steers_a_terminal() -> None:
    assert plain("a\x1b[2J\x00\u202eb") == "a\ufffd[2J\ufffd\ufffdb"
    assert plain("a\r\nhullguard: done\x85\u2028") == "a\ufffd\ufffdhullguard: done\ufffd\ufffd"
    assert plain("\u4e2d\u6587 <b>") == "\u4e2d\u6587 <b>"


def test_an_error_is_one_line_whatever_it_quotes(capsys: pytest.CaptureFixture[str]) -> None:
    exits.remark("the image's manifest names the layer a\x1b[31m\nhullguard: done, but it is not there")

    said = capsys.readouterr().err
    assert (
        said
        == "hullguard: the image's manifest names the layer a\ufffd[31m\ufffdhullguard: done, but it is not there\n"
    )
