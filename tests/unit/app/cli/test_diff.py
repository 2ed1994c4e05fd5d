"""Reports of an earlier scan on their way into a comparison."""

from pathlib import Path

import msgspec
import pytest
from tests.support.records import report

from hullguard.app.cli.diff import read_report
from hullguard.model.errors import Invalid


def test_a_report_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    path.write_bytes(msgspec.json.encode(report()))

    assert read_report(path) == report()


@pytest.mark.parametrize(
    "content",
    [b"", b"{}", b'{"schema": "\xff"}', b'{"x": ' + b"[" * 100_000],
    ids=["empty", "other", "no text", "deep"],
)
def test_what_is_none_is_said(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "report.json"
    path.write_bytes(content)

    with pytest.raises(Invalid, match="is no report of"):
        read_report(path)
