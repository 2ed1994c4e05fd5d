"""What the words of options mean, and which words are refused."""

import io
from pathlib import Path

import pytest

from hullguard.app.cli.scan_options import (
    FILE_SIZE,
    FILES,
    LARGE_FILE_SIZE,
    SIZE,
    UNPACKED_SIZE,
    default_cache,
    limits_of,
    parse_size,
    registry_of,
    scanners_of,
)
from hullguard.inventory import Limits
from hullguard.model.errors import Invalid


@pytest.mark.parametrize(
    ("text", "size"),
    [("1", 1), ("10k", 10240), ("512MiB", 512 << 20), ("64GiB", 64 << 30), ("2 GB", 2 << 30), ("1t", 1 << 40)],
)
def test_sizes(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "0", "-1", "1.5G", "many", "1PiB", "9" * 40, "1G2"])
def test_what_is_no_size(text: str) -> None:
    with pytest.raises(Invalid, match="is no size; write for example 512MiB"):
        parse_size(text)


def test_the_defaults_in_the_help_are_those_of_the_reader() -> None:
    assert limits_of(SIZE, FILES, FILE_SIZE, LARGE_FILE_SIZE, UNPACKED_SIZE) == Limits()


def test_scanners_are_names() -> None:
    assert scanners_of(" Vuln, license ,") == {"vuln", "license"}


@pytest.mark.parametrize(("text", "words"), [("vuln,virus", "no scanner 'virus'"), ("", "names none"), (",", "vuln")])
def test_what_is_no_scanner_names_those_that_are(text: str, words: str) -> None:
    with pytest.raises(Invalid, match=words):
        scanners_of(text)


def test_a_password_comes_from_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("p w\r\nnot this\n"))

    access = registry_of("me", password_stdin=True, insecure=True, ca_file=None)

    assert (access.username, access.password, access.insecure) == ("me", "p w", True)
    assert "p w" not in repr(access)


def test_a_password_comes_from_the_environment_only_for_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HULLGUARD_REGISTRY_PASSWORD", "secret")

    assert registry_of("me", password_stdin=False, insecure=False, ca_file=None).password == "secret"
    assert registry_of(None, password_stdin=False, insecure=False, ca_file=None).password is None


def test_half_a_sign_in_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("HULLGUARD_REGISTRY_PASSWORD", raising=False)

    with pytest.raises(Invalid, match="needs --username"):
        registry_of(None, password_stdin=True, insecure=False, ca_file=None)
    with pytest.raises(Invalid, match="needs a password"):
        registry_of("me", password_stdin=False, insecure=False, ca_file=None)
    with pytest.raises(Invalid, match="there is no file"):
        registry_of(None, password_stdin=False, insecure=False, ca_file=tmp_path / "absent.pem")


def test_the_cache_follows_xdg(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")

    assert default_cache() == Path("/somewhere/hullguard/layers")
