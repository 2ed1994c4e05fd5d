"""The table of a self-test."""

from collections.abc import Iterator

import pytest

from hullguard import words
from hullguard.agent.selftest.node import Report
from hullguard.agent.selftest.run import Outcome, Verdict
from hullguard.app.cli import selftest

REPORT = Report(agent=True, outcomes=[Outcome("escape.sysrq", Verdict("fired"), milliseconds=12.5)], unacknowledged=0)


@pytest.fixture
def in_chinese() -> Iterator[None]:
    words.use("zh")
    yield
    words.use("en")


def test_each_column_has_a_title() -> None:
    head, row, *_ = selftest._table(REPORT).decode().splitlines()

    assert head.split() == ["RULE", "RESULT", "LATENCY"]
    assert row.split() == ["escape.sysrq", "fired", "12.5", "ms"]
    assert head.index("RESULT") == row.index("fired")
    assert len(head) == len(row)


@pytest.mark.usefixtures("in_chinese")
def test_each_column_has_a_title_in_chinese() -> None:
    assert selftest._table(REPORT).decode().splitlines()[0].split() == ["规则", "结果", "延迟"]
