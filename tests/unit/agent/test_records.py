"""What becomes a record, and what a record may weigh."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from tests.support.events import event

from hullguard.agent.records import put_observation, put_update
from hullguard.agent.spool import Spool
from hullguard.hostmgr import bounds
from hullguard.model.event import ContainerRef, Process
from hullguard.model.incident import Observation
from hullguard.model.policy import Action
from hullguard.model.severity import Severity
from hullguard.wire import codec
from hullguard.wire.messages import CommandUpdate, Incidents

MANY = 1 << 30


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    opened = Spool(tmp_path / "spool.db", "boot", min_free=0)
    yield opened
    opened.close()


def observation(number: int, severity: Severity = Severity.MEDIUM, **changes: object) -> Observation:
    plain = Observation(
        id=f"{number:032x}",
        at=datetime.now(UTC),
        rule="container.terminal-shell",
        severity=severity,
        technique="T1059",
        action=Action.ALERT,
        stopped=False,
        container=ContainerRef("c" * 64),
        image=None,
        lineage=(Process(1, 0, "sh"),),
    )
    return msgspec.structs.replace(plain, **changes)


def sent(spool: Spool) -> list[object]:
    return [codec.decode_from_agent(record.payload) for record in spool.take(100, MANY)]


def test_what_is_grave_or_was_stopped_goes_first(spool):
    put_observation(spool, observation(1, Severity.LOW))
    put_observation(spool, observation(2, Severity.CRITICAL))
    put_observation(spool, observation(3, Severity.LOW, stopped=True))
    assert [message.observations[0].id[-1] for message in sent(spool)] == ["2", "3", "1"]  # type: ignore[attr-defined]


def test_an_event_goes_along_to_be_judged_again_unless_it_is_large(spool):
    small, large = event(), event(path="/" + "p" * 20_000)
    put_observation(spool, observation(1), small)
    put_observation(spool, observation(2), large)
    put_observation(spool, observation(3))
    told = [[each.event for each in message.events] for message in sent(spool)]  # type: ignore[attr-defined]
    assert told == [[small], [], []]


@pytest.mark.parametrize(
    "hostile",
    [
        {"lineage": tuple(Process(n, n - 1, "x" * 16, "/" + "y" * 4000, ("z" * 100_000,) * 50) for n in range(1, 60))},
        {"lineage": tuple(Process(n, n - 1, "x", "/", ("\U0001f600" * 5000,) * 50) for n in range(1, 60))},
        {"details": {f"key-{n}": "v" * 50_000 for n in range(100)}},
        {"lineage": (Process(1, 0, "sh", "/" + "e" * 30_000, cwd="/" + "c" * 60_000),)},
    ],
    ids=["ancestors", "wide characters", "details", "paths"],
)
def test_what_a_process_chose_never_makes_a_record_that_the_server_refuses(spool, hostile):
    assert put_observation(spool, observation(1, **hostile))
    (message,) = sent(spool)
    assert isinstance(message, Incidents)
    bounds.check(message)
    assert message.observations[0].lineage[-1].pid == observation(1, **hostile).lineage[-1].pid


def test_an_outcome_takes_the_place_of_progress(spool):
    put_update(spool, CommandUpdate("c1", "acknowledged"))
    for percent in (10, 20, 30):
        put_update(spool, CommandUpdate("c1", "running", percent))
    assert spool.waiting == 2
    put_update(spool, CommandUpdate("c1", "done", 100))
    assert [message.state for message in sent(spool)] == ["acknowledged", "done"]  # type: ignore[attr-defined]


def test_one_outcome(spool):
    put_update(spool, CommandUpdate("c1", "done", 100))
    put_update(spool, CommandUpdate("c1", "failed"))
    assert [message.state for message in sent(spool)] == ["done"]  # type: ignore[attr-defined]
