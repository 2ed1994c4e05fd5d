from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import structs
from tests.support.database import SCOPE, Clock
from tests.support.records import enrolled, response

from hullguard.model.command import Command, CommandKind, CommandState
from hullguard.model.errors import Conflict, Invalid, NotFound
from hullguard.storage import PageRequest, Storage, Transaction
from hullguard.storage.stores import About, CommandFilter, Commands, Idempotency, NodeFilter, Nodes
from hullguard.storage.stores.commands import OPEN_PER_NODE

FINAL = [state for state in CommandState if state.final]


async def command(tx: Transaction, node: str = "node-1", kind: CommandKind = CommandKind.SCAN_NOW) -> Command:
    return await Commands(tx).create(node, kind, {"paths": ["/etc"]}, "user:alice", tx.now + timedelta(minutes=10))


async def test_a_command_runs_from_left_to_right(tx: Transaction) -> None:
    await enrolled(tx)
    made, commands = await command(tx), Commands(tx)
    assert await commands.get(made.id) == made
    assert (made.state, made.parameters, made.created_by) == (CommandState.QUEUED, {"paths": ["/etc"]}, "user:alice")
    assert await commands.sent(made.id)
    assert await commands.sent(made.id)
    assert await commands.acknowledged(made.id)
    assert await commands.sent(made.id)
    now = await commands.get(made.id)
    assert (now.state, now.attempts) == (CommandState.ACKNOWLEDGED, 3)
    assert await commands.progress(made.id, 140, "x" * 5000)
    now = await commands.get(made.id)
    assert (now.state, now.progress, len(now.message)) == (CommandState.RUNNING, 100, 2000)
    assert await commands.acknowledged(made.id)
    assert (await commands.get(made.id)).state is CommandState.RUNNING
    assert await commands.finish(made.id, CommandState.DONE, {"code": "scan.done", "images": 12})
    now = await commands.get(made.id)
    assert (now.state, now.result, now.finished) == (CommandState.DONE, {"code": "scan.done", "images": 12}, tx.now)


async def test_what_a_command_is_about_is_kept_and_found(tx: Transaction) -> None:
    await enrolled(tx)
    about = About("c" * 64, "incident-1", "why " * 200)
    made = await Commands(tx).create(
        "node-1", CommandKind.PAUSE_CONTAINER, {}, "user:alice", tx.now + timedelta(minutes=1), about=about
    )
    await command(tx)
    assert (made.container, made.incident, len(made.reason)) == ("c" * 64, "incident-1", 500)
    for wanted in (CommandFilter(container="c" * 64), CommandFilter(incident="incident-1")):
        assert (await Commands(tx).page(wanted, PageRequest())).items == [made]
    assert (await Commands(tx).page(CommandFilter(container="d" * 64), PageRequest())).total == 0


async def test_a_command_of_the_agents_own_is_kept_once_and_is_final(tx: Transaction) -> None:
    await enrolled(tx)
    commands, own = Commands(tx), response()
    assert await commands.keep(own)
    assert not await commands.keep(structs.replace(own, state=CommandState.FAILED))
    assert await commands.get(own.id) == own
    assert not await commands.finish(own.id, CommandState.FAILED, {})
    assert await commands.for_node("node-1") == []
    with pytest.raises(Invalid, match="no outcome"):
        await commands.keep(structs.replace(own, state=CommandState.RUNNING))


@pytest.mark.parametrize("outcome", FINAL)
async def test_there_is_exactly_one_outcome(tx: Transaction, outcome: CommandState) -> None:
    await enrolled(tx)
    made, commands = await command(tx), Commands(tx)
    assert await commands.finish(made.id, outcome, {"code": "first"})
    ended = await commands.get(made.id)
    for later in FINAL:
        assert not await commands.finish(made.id, later, {"code": "second"})
    assert not await commands.sent(made.id)
    assert not await commands.acknowledged(made.id)
    assert not await commands.progress(made.id, 5, "still at it")
    assert await commands.expire(tx.now + timedelta(days=1)) == []
    with pytest.raises(Conflict) as refused:
        await commands.cancel(made.id)
    assert refused.value.params == {"state": outcome.value}
    assert await commands.get(made.id) == ended


async def test_what_is_not_final_is_no_outcome(tx: Transaction) -> None:
    await enrolled(tx)
    made = await command(tx)
    with pytest.raises(Invalid):
        await Commands(tx).finish(made.id, CommandState.RUNNING, {})


async def test_unfinished_commands_go_to_their_node_until_the_deadline(storage: Storage, clock: Clock) -> None:
    async with storage.transaction(SCOPE) as tx:
        await enrolled(tx, "a")
        await enrolled(tx, "b")
        first, second, _ = await command(tx, "a"), await command(tx, "a"), await command(tx, "b")
        await Commands(tx).sent(first.id)
        await Commands(tx).cancel(second.id)
        assert [found.id for found in await Commands(tx).for_node("a")] == [first.id]
    clock.forward(minutes=10)
    async with storage.transaction(SCOPE) as tx:
        assert await Commands(tx).for_node("a") == []
        expired = await Commands(tx).expire(tx.now)
        assert [(found.node, found.state) for found in expired] == [("a", "expired"), ("b", "expired")]
        assert await Commands(tx).expire(tx.now) == []
        assert not await Commands(tx).finish(first.id, CommandState.DONE, {})


async def test_a_cancelled_command_says_so(tx: Transaction) -> None:
    await enrolled(tx)
    cancelled = await Commands(tx).cancel((await command(tx)).id)
    assert (cancelled.state, cancelled.result["code"]) == (CommandState.CANCELLED, "command.cancelled")


async def test_unknown_nodes_and_commands_are_not_found(tx: Transaction) -> None:
    with pytest.raises(NotFound):
        await command(tx, "nobody")
    for call in ("get", "sent", "acknowledged", "cancel"):
        with pytest.raises(NotFound):
            await getattr(Commands(tx), call)("nothing")


async def test_a_node_is_not_buried_under_commands(tx: Transaction) -> None:
    await enrolled(tx)
    for _ in range(OPEN_PER_NODE):
        last = await command(tx)
    with pytest.raises(Conflict, match="unfinished"):
        await command(tx)
    await Commands(tx).cancel(last.id)
    await command(tx)


async def test_lists_filter(tx: Transaction) -> None:
    await enrolled(tx, "a")
    await enrolled(tx, "b")
    scan, detect = await command(tx, "a"), await command(tx, "b", CommandKind.DETECT_NOW)
    await Commands(tx).sent(detect.id)
    queued, sent = CommandState.QUEUED, CommandState.SENT
    for wanted, found in (
        (CommandFilter(), [detect.id, scan.id]),
        (CommandFilter(node="a"), [scan.id]),
        (CommandFilter(state=frozenset({sent})), [detect.id]),
        (CommandFilter(state=frozenset({queued, sent}), kind=frozenset({CommandKind.SCAN_NOW})), [scan.id]),
        (CommandFilter(kind=frozenset({CommandKind.UPDATE_AGENT})), []),
    ):
        page = await Commands(tx).page(wanted, PageRequest())
        assert [each.id for each in page.items] == found
        assert page.total == len(found)


async def test_a_request_sent_again_finds_what_it_made(storage: Storage, clock: Clock) -> None:
    async with storage.transaction(SCOPE) as tx:
        keys = Idempotency(tx)
        assert await keys.find("user:a", "key", "digest") is None
        await keys.remember("user:a", "key", "digest", "command-1")
        assert await keys.find("user:a", "key", "digest") == "command-1"
        assert await keys.find("user:b", "key", "digest") is None
        with pytest.raises(Conflict, match="different request"):
            await keys.find("user:a", "key", "other")
        for bad in ("", "k" * 256):
            with pytest.raises(Invalid):
                await keys.find("user:a", bad, "digest")
    clock.forward(hours=24)
    async with storage.transaction(SCOPE) as tx:
        assert await Idempotency(tx).find("user:a", "key", "other") is None
        await Idempotency(tx).remember("user:a", "key", "other", "command-2")
        assert await Idempotency(tx).find("user:a", "key", "other") == "command-2"


STEPS = st.sampled_from(["sent", "acknowledged", "progress", "done", "failed", "cancel", "expire"])


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(STEPS, max_size=8))
async def test_no_order_of_messages_gives_a_second_outcome(storage: Storage, steps: list[str]) -> None:
    async with storage.transaction(SCOPE) as tx:
        if not (await Nodes(tx).page(NodeFilter(), PageRequest())).total:
            await enrolled(tx)
        made, outcomes = await command(tx), 0
        for step in steps:
            outcomes += await _step(Commands(tx), made.id, step)
        assert outcomes == (1 if (await Commands(tx).get(made.id)).state.final else 0)
        await Commands(tx).cancel_for_node("node-1")


async def _step(commands: Commands, made: str, step: str) -> bool:
    if step in {"done", "failed"}:
        return await commands.finish(made, CommandState(step), {})
    if step == "expire":
        return made in {found.id for found in await commands.expire(commands._tx.now + timedelta(hours=1))}
    if step == "cancel":
        try:
            await commands.cancel(made)
        except Conflict:
            return False
        return True
    await (commands.progress(made, 5, "") if step == "progress" else getattr(commands, step)(made))
    return False
