"""Values that no column holds: kept as near as can be, or refused in words; never a traceback."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from msgspec import structs
from tests.support.database import START, walked
from tests.support.records import enrolled, observation

from hullguard.model.errors import Invalid
from hullguard.model.incident import IncidentStatus
from hullguard.storage import Transaction
from hullguard.storage.stores import IncidentFilter, Incidents, overview


@pytest.mark.parametrize(
    "at",
    [
        datetime.min.replace(tzinfo=timezone(timedelta(hours=14))),
        datetime.max.replace(tzinfo=timezone(-timedelta(hours=12))),
        datetime.min.replace(tzinfo=UTC),
        datetime.max.replace(tzinfo=UTC),
        datetime.max,  # noqa: DTZ901 - an agent may send that
    ],
)
async def test_an_agent_with_an_impossible_clock_spoils_nobodys_list(tx: Transaction, at: datetime) -> None:
    await enrolled(tx)
    usual, odd = observation(1), structs.replace(observation(2), at=at)
    assert await Incidents(tx).insert("node-1", [usual, odd], START) == [usual.id, odd.id]
    found = await walked(lambda step: Incidents(tx).page(IncidentFilter(), step), 1)
    assert {each.id for each in found} == {usual.id, odd.id}
    assert {each.at.utcoffset() for each in found} == {timedelta(0)}
    await Incidents(tx).handle(odd.id, IncidentStatus.RESOLVED, "", "user:a")
    assert sum((await overview(tx)).incidents_open.values()) == 1


@pytest.mark.parametrize(
    "evidence", [{"n": "\ud800"}, {"\udfff": "n"}, datetime.min.replace(tzinfo=timezone(timedelta(hours=14)))]
)
async def test_evidence_that_nothing_can_hold_is_refused_in_words(
    tx: Transaction, evidence: dict[str, str] | datetime
) -> None:
    await enrolled(tx)
    seen = observation(1, at=evidence) if isinstance(evidence, datetime) else observation(1)
    odd = seen if isinstance(evidence, datetime) else structs.replace(seen, details=evidence)
    with pytest.raises(Invalid) as refused:
        await Incidents(tx).insert("node-1", [odd], START)
    assert refused.value.code == "storage.value"
    assert await Incidents(tx).insert("node-1", [observation(1)], START) == [observation(1).id]
