"""The lists of a mirror, as they are and as they should not be."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from hullguard.advisories.update.mirror import Change, Mirror, Unordered, changes, listed, reaches

FIRST = datetime(2025, 1, 1, tzinfo=UTC)


def test_addresses_are_quoted() -> None:
    mirror = Mirror("https://mirror.example/osv/")

    assert mirror.ecosystems == "https://mirror.example/osv/ecosystems.txt"
    assert mirror.whole("Red Hat") == "https://mirror.example/osv/Red%20Hat/all.zip"
    assert mirror.changes("npm") == "https://mirror.example/osv/npm/modified_id.csv"
    assert mirror.record("openSUSE", "openSUSE-SU-2024:1-1").endswith("/openSUSE/openSUSE-SU-2024%3A1-1.json")


def test_only_what_can_be_compared_is_listed_and_each_once() -> None:
    assert listed(b"Debian\r\nDebian:12\n[EMPTY]\nLinux\n../x\n\nnpm\nAlpine:v3.18\n\xff\n") == [
        "Debian",
        "npm",
        "Alpine",
    ]


def test_changes_end_at_what_is_known(tmp_path: Path) -> None:
    path = tmp_path / "list"
    path.write_bytes(
        b"2025-01-03T00:00:00.123456789Z,npm/C\n2025-01-01T00:00:00Z,B\n2024-12-31T23:59:59Z,A\nnever read"
    )

    assert [change.id for change in changes(path, FIRST)] == ["C", "B"]
    assert next(changes(path, FIRST)) == Change(datetime(2025, 1, 3, 0, 0, 0, 123456, UTC), "C")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no list",
        b"2025-01-01T00:00:00Z,",
        b"2025-01-01T00:00:00Z,..",
        b",A",
        b"2025-01-01T00:00:00Z,A\n2025-01-01T00:00:01Z,B",
        b"x" * 5000,
    ],
)
def test_what_is_no_list_is_said(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "list").write_bytes(content)

    with pytest.raises(Unordered):
        list(changes(tmp_path / "list", FIRST))


def test_within_a_second_any_order_will_do(tmp_path: Path) -> None:
    path = tmp_path / "list"
    path.write_bytes(
        b"2025-01-03T00:00:10Z,B\n2025-01-03T00:00:10.5Z,C\n2025-01-01T00:00:00.9Z,A\n2025-01-01T00:00:01Z,D\n"
    )

    assert [change.id for change in changes(path, FIRST)] == ["B", "C", "A", "D"]
    assert [change.id for change in changes(path, datetime(2025, 1, 1, 0, 0, 1, tzinfo=UTC))] == ["B", "C", "D"]


def test_a_piece_of_the_list_tells_whether_it_is_enough() -> None:
    assert reaches(b"5-01-03T00:00:00Z,C\n2024-12-31T23:59:59Z,A\n2024-12-", FIRST)
    assert not reaches(b"2025-01-03T00:00:00Z,C\n2025-01-02T23:59:59Z,A\n2024-12-", FIRST)
    assert not reaches(b"one line", FIRST)
