"""Addresses and directories."""

from pathlib import Path

import pytest

from hullguard.app.settings import Address, Layout, parse_address
from hullguard.model.errors import Invalid


@pytest.mark.parametrize(
    ("text", "address", "loopback"),
    [
        ("127.0.0.1:8440", Address("127.0.0.1", 8440), True),
        ("localhost:0", Address("localhost", 0), True),
        ("[::1]:80", Address("::1", 80), True),
        (":8440", Address("0.0.0.0", 8440), False),
        ("console.example:443", Address("console.example", 443), False),
    ],
)
def test_an_address_is_read(text: str, address: Address, loopback: bool) -> None:
    assert parse_address(text, "--listen") == address
    assert address.loopback is loopback


@pytest.mark.parametrize("text", ["", "8440", "host:", "host:x", "host:70000", "host:-1", "host:٣"])
def test_a_wrong_address_names_its_option_and_an_example(text: str) -> None:
    with pytest.raises(Invalid, match=r"--listen must be HOST:PORT, for example 127\.0\.0\.1:8440"):
        parse_address(text, "--listen")


def test_an_ipv6_address_is_written_in_brackets() -> None:
    assert str(Address("::1", 80)) == "[::1]:80"


def test_the_directories_are_private(tmp_path: Path) -> None:
    layout = Layout(tmp_path / "data")

    layout.make()

    assert {oct(path.stat().st_mode & 0o777) for path in (layout.data, layout.run, layout.logs)} == {"0o700"}


def test_a_data_directory_that_cannot_be_made_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(Invalid, match="choose another with --data"):
        Layout(tmp_path / "file" / "data").make()
