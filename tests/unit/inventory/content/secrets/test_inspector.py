import pytest
from tests.support.specimens import specimen

from hullguard.inventory.content.secrets.inspector import SecretInspector
from hullguard.inventory.content.secrets.rules.catalog import RULES

INSPECTOR = SecretInspector()


@pytest.mark.parametrize(
    ("path", "size", "head", "wanted"),
    [
        ("app/settings.py", 1000, b"import os", True),
        ("var/log/app.log", 5 << 30, b"2024-01-01 started", True),
        ("app/state.db", 1000, b"SQLite\0\0", True),
        ("app/state.db", 10 << 20, b"SQLite\0\0", False),
        ("usr/bin/tool", 1000, b"\x7fELF\x02\x01\x01\0", False),
        ("app/empty", 3, b"abc", False),
        ("usr/share/doc/curl/README", 1000, b"text", False),
        ("usr/share/locale/de/x", 1000, b"text", False),
        ("app/logo.png", 1000, b"\x89PNG", False),
        ("usr/lib/python3/dist-packages/rsa/tests/key.pem", 1000, b"-----", False),
        ("app/node_modules/jose/test/keys.json", 1000, b"{", False),
        ("app/tests/key.pem", 1000, b"-----", True),
        ("root/.ssh/id_rsa", 1000, b"-----BEGIN", True),
    ],
)
def test_what_it_wants_to_see(path: str, size: int, head: bytes, wanted: bool) -> None:
    assert INSPECTOR.wants(path, size, 0o644, head) is wanted


def test_the_version_follows_the_rules() -> None:
    assert INSPECTOR.version == SecretInspector().version
    assert INSPECTOR.version.count(".") == 1


def test_a_text_is_searched_like_a_file() -> None:
    rule = next(rule for rule in RULES if rule.id == "npm-token")

    assert [found.rule.id for found in INSPECTOR.text(f"NPM_TOKEN={specimen(rule).decode()}")] == ["npm-token"]
    assert INSPECTOR.text("PATH=/usr/bin \ud800") == []


def test_an_empty_stream_holds_nothing() -> None:
    assert list(INSPECTOR.inspect("a", 0, 0, iter([]))) == []
