"""Chinese characters take two columns, and break anywhere but before a comma."""

import pytest

from hullguard.words.columns import columns, padded, wrapped


@pytest.mark.parametrize(("text", "width"), [("", 0), ("abc", 3), ("镜像", 4), ("a镜b", 4), ("，", 2), ("e\u0301", 1)])
def test_columns(text: str, width: int) -> None:
    assert columns(text) == width


def test_blanks_fill_up_to_the_width() -> None:
    assert padded("镜像", 6) == "镜像  "
    assert padded("镜像", 3) == "镜像"


def test_no_line_is_wider_and_nothing_is_lost() -> None:
    text = (
        "查找镜像中的问题：有漏洞的软件包、密钥与口令（secret）、恶意软件，以及不当配置。 See `hullguard scan --help`."
    )
    for width in (12, 20, 33):
        lines = wrapped(text, width)
        assert [line for line in lines if columns(line) > width + 2 and " " in line] == []
        assert "".join(lines).replace(" ", "") == text.replace(" ", "")
        assert [line for line in lines if line[0] in "，。：、）"] == []
        assert [line for line in lines if line[-1] == "（"] == []


def test_english_breaks_at_blanks() -> None:
    assert wrapped("one two three", 8) == ["one two", "three"]
    assert wrapped("", 8) == []
