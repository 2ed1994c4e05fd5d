"""The rules that come with the product, and what a team's own files come to."""

import asyncio
from datetime import timedelta
from typing import Final

from litestar import get, post
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import JSONBody
from msgspec import Struct

from hullguard import detect
from hullguard.ctrl.call import Call
from hullguard.ctrl.listing import Instant
from hullguard.model.errors import Invalid
from hullguard.model.identity import Permission
from hullguard.model.policy import RulesSpec
from hullguard.model.rule import CheckedRules, Replay, RuleInfo
from hullguard.storage.stores import Recordings
from hullguard.storage.stores.recordings import KEPT

REPLAYED: Final = timedelta(days=7)
"""What is asked about where nobody says since when."""
MOST_REPLAYED: Final = 5000
"""Events that one question is answered over."""


class ReplayInput(Struct, frozen=True, forbid_unknown_fields=True):
    """Rules as a policy has them, and the span of the events to try them on; without one, the last seven days."""

    rules: RulesSpec
    since: Instant | None = None
    until: Instant | None = None


@get("/rules", permission=Permission.POLICIES_READ, sync_to_thread=True)
def list_rules() -> list[RuleInfo]:
    """Every rule that comes with the product; a policy may switch each on and off and say what follows it."""
    return list(detect.pack_info())


@post("/rules/check", permission=Permission.POLICIES_READ, status_code=200, sync_to_thread=True)
def check_rules(data: JSONBody[RulesSpec]) -> CheckedRules:
    """Read rule files as a policy would, and tell every problem with its line and column. Nothing is kept."""
    return detect.checked(data)


@post("/rules/replay", permission=Permission.INCIDENTS_READ, status_code=200)
async def replay_rules(call: NamedDependency[Call], data: JSONBody[ReplayInput]) -> Replay:
    """What these rules would have said of the recorded events of a span; nothing is kept, and nothing follows.

    Recorded are events on which a detector or rule objected when they happened, and no others.
    """
    async with call.reading() as tx:
        until = data.until or tx.now
        since = data.since or until - REPLAYED
        if since >= until:
            raise Invalid("since must be before until", "rules.replay-span", field="$.since")
        recorded, left_out = await Recordings(tx).latest(since, until, MOST_REPLAYED)
    past = [detect.Past(each.observation, each.event) for each in recorded]
    # In a thread: a team's rules may take seconds, and others wait for this process, too.
    answer = await asyncio.to_thread(detect.replay, data.rules, past)
    return Replay(
        since=since,
        until=until,
        events=len(past),
        first=past[0].event.at if past else None,
        last=past[-1].event.at if past else None,
        left_out=left_out,
        fired=answer.fired,
        kept_days=KEPT.days,
        rules=answer.rules,
        silent=answer.silent,
    )


ROUTES: Final[tuple[HTTPRouteHandler, ...]] = (list_rules, check_rules, replay_rules)
