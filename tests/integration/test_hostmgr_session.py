"""Sessions over real sockets: what is stored, what is answered, what survives, and who is thrown out."""

import asyncio
from contextlib import suppress
from pathlib import Path

import msgspec
import pytest
import zstandard
from tests.support.fleet import SCOPE, SECONDS, FakeAgent, Hostmgr, agent, eventually, hostmgr
from tests.support.records import (
    IMAGE,
    OTHER_IMAGE,
    container,
    facts,
    heartbeat,
    inventory,
    observation,
    waiting,
)
from websockets.exceptions import ConnectionClosed

from hullguard.hostmgr import askers
from hullguard.model.ids import derived_id
from hullguard.model.image import Target
from hullguard.model.inventory import READER, Inventory, unread
from hullguard.model.node import NodeState, SensorHealth, SensorState
from hullguard.storage import PageRequest
from hullguard.storage.stores import (
    ContainerFilter,
    Containers,
    ImageFilter,
    Images,
    IncidentFilter,
    Incidents,
    Jobs,
    Nodes,
    Progress,
)
from hullguard.wire import codec, limits
from hullguard.wire import messages as say
from hullguard.wire.inventory import split
from hullguard.wire.messages import Beat, InventoryRequest, LocalImage, Refusal, RequestRefused, Welcome
from hullguard.wire.violation import Code

__all__ = ["agent", "hostmgr"]


TARGET = Target("nginx:1.25", "docker", IMAGE, platform="linux/amd64")


def incidents(*numbers: int) -> say.Incidents:
    return say.Incidents(tuple(observation(number) for number in numbers))


async def stored(hostmgr: Hostmgr) -> list[str]:
    async with hostmgr.storage.reading(SCOPE) as tx:
        return sorted(each.id for each in (await Incidents(tx).page(IncidentFilter(), PageRequest(limit=500))).items)


def ids(agent: FakeAgent, *numbers: int) -> list[str]:
    return sorted(derived_id(agent.node, observation(number).id) for number in numbers)


class TestRecords:
    async def test_stored_then_acknowledged_then_announced(self, hostmgr: Hostmgr, agent: FakeAgent) -> None:
        async with hostmgr.cache.subscribe("stream:default") as events, agent.connected():
            agent.note(incidents(1, 2))
            await agent.drain()
            assert await stored(hostmgr) == ids(agent, 1, 2)
            heard = {msgspec.msgpack.decode((await anext(events))[1])["id"] for _ in range(2)}
        assert heard == set(ids(agent, 1, 2))

    async def test_what_was_not_acknowledged_comes_again_and_is_stored_once(
        self, hostmgr: Hostmgr, agent: FakeAgent
    ) -> None:
        await agent.open()
        for number in range(5):
            agent.note(incidents(number))
        await agent.flush()
        # The agent never reads the acknowledgements, and the network breaks.
        agent.cut()
        assert len(agent.spool) == 5
        async with agent.connected():
            agent.note(incidents(5))
            await agent.drain()
        assert await stored(hostmgr) == ids(agent, *range(6))

    async def test_a_duplicated_frame_is_stored_once(self, hostmgr: Hostmgr, agent: FakeAgent) -> None:
        async with agent.connected():
            assert agent.session is not None
            agent.note(incidents(1))
            frame = agent.session.record(1, agent.spool[1])
            for _ in range(3):
                await agent.raw(frame)
            await agent.drain()
        assert await stored(hostmgr) == ids(agent, 1)

    async def test_an_old_number_with_other_content_is_dropped(self, hostmgr: Hostmgr, agent: FakeAgent) -> None:
        async with agent.connected():
            agent.note(incidents(1))
            await agent.drain()
            await agent.raw(codec.encode_frame(codec.encode(incidents(99)), 1, 0))
            agent.note(incidents(2))
            await agent.drain()
        assert await stored(hostmgr) == ids(agent, 1, 2)

    async def test_reordered_frames_end_the_session_and_nothing_is_lost(
        self, hostmgr: Hostmgr, agent: FakeAgent
    ) -> None:
        await agent.open()
        assert agent.session is not None
        agent.note(incidents(1))
        agent.note(incidents(2))
        first, second = (agent.session.record(number, agent.spool[number]) for number in (1, 2))
        assert first is not None
        await agent.raw(second)
        refusal = await agent.refused()
        assert refusal.code == Code.OUT_OF_ORDER
        assert refusal.retry_after
        async with agent.connected():
            await agent.drain()
        assert await stored(hostmgr) == ids(agent, 1, 2)

    async def test_a_server_killed_in_the_middle_loses_nothing_and_counts_nothing_twice(
        self, hostmgr: Hostmgr, agent: FakeAgent
    ) -> None:
        expected = []
        for attempt in range(4):
            for number in range(attempt * 40, attempt * 40 + 40):
                agent.note(incidents(number))
                expected.append(number)
            await agent.open()
            await agent.flush()
            # Sooner or later in the batch, by what the tasks happen to have done.
            await asyncio.sleep(0.004 * attempt)
            await hostmgr.kill()
            await hostmgr.start()
        async with agent.connected():
            await agent.drain()
        assert await stored(hostmgr) == ids(agent, *expected)

    async def test_more_records_than_the_credit_arrive_as_the_server_grants(
        self, hostmgr: Hostmgr, agent: FakeAgent
    ) -> None:
        numbers = range(limits.WINDOW_MESSAGES * 3)
        async with agent.connected():
            for number in numbers:
                agent.note(incidents(number))
            await agent.drain()
        assert await stored(hostmgr) == ids(agent, *numbers)
        async with hostmgr.storage.reading(SCOPE) as tx:
            assert await Progress(tx).last(agent.node, agent.stream) == len(numbers)

    async def test_a_new_spool_is_a_new_numbering(self, hostmgr: Hostmgr, agent: FakeAgent) -> None:
        async with agent.connected():
            agent.note(incidents(1))
            await agent.drain()
        agent.stream, agent.made = "stream-2", 0
        async with agent.connected():
            agent.note(incidents(2))
            await agent.drain()
        assert await stored(hostmgr) == ids(agent, 1, 2)

    async def test_a_gap_left_by_a_full_spool_is_counted(self, hostmgr: Hostmgr, agent: FakeAgent) -> None:
        for number in range(1, 6):
            agent.note(incidents(number))
        del agent.spool[2], agent.spool[3]
        async with agent.connected():
            await agent.drain()
        assert await stored(hostmgr) == ids(agent, 1, 4, 5)
        async with hostmgr.storage.reading(SCOPE) as tx:
            assert await Progress(tx).missed(agent.node) == 2

    async def test_one_node_cannot_make_anothers_incident_disappear(
        self, hostmgr: Hostmgr, agent: FakeAgent, tmp_path: Path
    ) -> None:
        other = await hostmgr.enrolled(tmp_path, "other")
        for each in (other, agent):
            async with each.connected():
                each.note(incidents(1))
                await each.drain()
        assert await stored(hostmgr) == sorted(ids(agent, 1) + ids(other, 1))


class TestState:
    async def test_heartbeats_make_presence_and_state(self, hostmgr: Hostmgr, agent: FakeAgent) -> None:
        async with hostmgr.cache.subscribe("stream:default") as events, agent.connected():
            sick = SensorHealth(SensorState.OFF)
            await agent.tell(Beat(heartbeat(sensor=sick)))
            assert msgspec.msgpack.decode((await anext(events))[1]) == {"kind": "node", "id": agent.node}
            async with hostmgr.storage.reading(SCOPE) as tx:
                node = await Nodes(tx).get(agent.node)
            assert node.online
            assert node.state is NodeState.DEGRADED
            assert await hostmgr.cache.get(f"presence:{agent.node}") is not None
        await eventually_gone(hostmgr, agent)

    async def test_facts_and_containers_replace_what_was_known(self, hostmgr: Hostmgr, agent: FakeAgent) -> None:
        async with agent.connected():
            await agent.tell(say.Facts(facts("renamed")))
            await agent.tell(say.Containers((container(1), container(2))))
            await agent.tell(say.Containers((container(2), container(3))))
            agent.note(incidents(1))
            await agent.drain()
        async with hostmgr.storage.reading(SCOPE) as tx:
            assert (await Nodes(tx).get(agent.node)).name == "renamed"
            page = await Containers(tx).page(ContainerFilter(), PageRequest())
        assert {each.id for each in page.items} == {container(2).id, container(3).id}

    async def test_missing_inventories_are_asked_for_stored_and_queued_for_matching(
        self, hostmgr: Hostmgr, agent: FakeAgent
    ) -> None:
        taken = msgspec.structs.replace(inventory(), target=TARGET)
        listed = say.ImageList((LocalImage(IMAGE, ("nginx:1.25",)),))
        async with hostmgr.cache.subscribe("jobs") as jobs, agent.connected():
            await agent.tell(listed)
            assert (await agent.next(InventoryRequest)).image_ids == (IMAGE,)
            for part in split(IMAGE, taken):
                await agent.tell(part)
            assert (await anext(jobs))[0] == "jobs"
            async with hostmgr.storage.transaction(SCOPE) as tx:
                assert await waiting(tx) == [IMAGE]
                job = await Jobs(tx).take(["match"], 60)
            assert job is not None
            agent.got.clear()
            await agent.tell(listed)
            agent.note(incidents(1))
            await agent.drain()
            assert not any(isinstance(message, InventoryRequest) for message in agent.got)

    async def test_what_an_older_reader_made_is_asked_for_again_until_it_came_and_never_in_a_loop(
        self, hostmgr: Hostmgr, agent: FakeAgent
    ) -> None:
        images = [f"sha256:{number:064x}" for number in range(askers.AGAIN_AT_ONCE + 2)]
        unreadable = images[0]

        def made(image: str, reader: int) -> Inventory:
            target = msgspec.structs.replace(TARGET, image_id=image)
            return msgspec.structs.replace(inventory(), target=target, reader=reader)

        async with hostmgr.storage.transaction(SCOPE) as tx:
            for image in images:
                await Images(tx).store_inventory(image, made(image, 0))
        listed = say.ImageList(tuple(map(LocalImage, images)), READER)
        asked: list[str] = []
        async with agent.connected():
            await agent.tell(listed)
            while len(asked) < len(images):
                request = await agent.next(InventoryRequest)
                assert len(request.image_ids) <= askers.AGAIN_AT_ONCE
                asked += request.image_ids
                agent.got.remove(request)
                for image in request.image_ids:
                    told = unread(image, "no") if image == unreadable else made(image, READER)
                    for part in split(image, told):
                        await agent.tell(part)
                agent.note(incidents(len(asked)))
                await agent.drain()
                await agent.tell(Beat(heartbeat()))
            await agent.tell(listed)
            await agent.tell(Beat(heartbeat()))
            agent.note(incidents(100))
            await agent.drain()
            assert not any(isinstance(message, InventoryRequest) for message in agent.got)
        assert sorted(asked) == sorted(images)
        async with hostmgr.storage.reading(SCOPE) as tx:
            assert await Images(tx).outdated(images, READER) == [unreadable]
            assert await Images(tx).inventory(unreadable) == made(unreadable, 0)

    async def test_an_inventory_that_nobody_asked_for_is_not_believed(self, hostmgr: Hostmgr, agent: FakeAgent) -> None:
        taken = msgspec.structs.replace(inventory(), target=TARGET)
        async with agent.connected():
            for part in split(OTHER_IMAGE, taken):
                await agent.tell(part)
            refused = await agent.next(RequestRefused)
            assert (refused.request, refused.subject) == ("inventory", OTHER_IMAGE)
            await agent.tell(say.ImageList((LocalImage(OTHER_IMAGE),)))
            await agent.next(InventoryRequest)
            # It is another image's: its target says so.
            for part in split(OTHER_IMAGE, taken):
                await agent.tell(part)
            assert (await agent.next(RequestRefused)).subject == OTHER_IMAGE
            # It is no inventory at all; the session goes on.
            junk = zstandard.ZstdCompressor().compress(b"junk")
            await agent.tell(say.InventoryPart(OTHER_IMAGE, 0, 1, junk))
            assert (await agent.next(RequestRefused)).code == Code.MESSAGE_MALFORMED
        async with hostmgr.storage.reading(SCOPE) as tx:
            assert await waiting(tx) == [OTHER_IMAGE]
            [image] = (await Images(tx).page(ImageFilter(), PageRequest())).items
            said = (await Images(tx).detail(OTHER_IMAGE)).unknowns[0]
        assert not image.complete
        assert said.why.startswith(
            "it could not be read: what a node told of it was refused: an inventory does not have "
        )


async def eventually_gone(hostmgr: Hostmgr, agent: FakeAgent) -> None:
    async with asyncio.timeout(SECONDS):
        while await hostmgr.cache.get(f"presence:{agent.node}") is not None:
            await asyncio.sleep(0.01)


def bomb() -> bytes:
    return b"\x01" + zstandard.ZstdCompressor(level=19).compress(bytes(limits.BODY_BYTES + 1))


class TestBadAgents:
    @pytest.mark.parametrize(
        ("frame", "code"),
        [
            ("text", Code.MESSAGE_MALFORMED),
            (b"", Code.MESSAGE_MALFORMED),
            (b"\x00\xc1", Code.MESSAGE_MALFORMED),
            (b"\x00" + msgspec.msgpack.encode({"type": "shell"}), Code.KIND_UNKNOWN),
            (codec.encode_frame(codec.encode(say.Ack(1))), Code.KIND_UNKNOWN),
            (bomb(), Code.MESSAGE_TOO_LARGE),
            (codec.encode_frame(codec.encode(incidents(1))), Code.MESSAGE_MALFORMED),
            (codec.encode_frame(codec.encode(incidents(1)), 9, 8), Code.OUT_OF_ORDER),
            (codec.encode_frame(codec.encode(say.Facts(facts("../../etc")))), Code.REQUEST_INVALID),
            (
                codec.encode_frame(codec.encode(say.Containers((container(1, name="x" * 5000),)))),
                Code.MESSAGE_TOO_LARGE,
            ),
        ],
    )
    async def test_a_bad_message_ends_its_own_session_and_no_other(
        self, hostmgr: Hostmgr, agent: FakeAgent, tmp_path: Path, frame: bytes | str, code: Code
    ) -> None:
        good = await hostmgr.enrolled(tmp_path, "good")
        async with good.connected():
            await agent.open()
            await agent.raw(frame)
            assert (await agent.refused()).code == code
            good.note(incidents(1))
            await good.drain()
        assert await stored(hostmgr) == ids(good, 1)
        async with agent.connected():
            agent.note(incidents(2))
            await agent.drain()

    async def test_an_oversize_frame_is_cut_off(self, hostmgr: Hostmgr, agent: FakeAgent) -> None:
        await agent.open()
        await agent.raw(bytes(limits.FRAME_BYTES + 1))
        with pytest.raises(ConnectionClosed) as closed:
            await agent.next(Refusal)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1009

    async def test_more_than_the_credit_is_refused(self, hostmgr: Hostmgr, agent: FakeAgent) -> None:
        await agent.open()
        # Slices that never become an inventory would be worked off at once; a burst of lists is not.
        body = codec.encode(say.InventoryPart(IMAGE, 0, 2, bytes(limits.PART_BYTES)))
        frame = codec.encode_frame(body)
        assert agent.session is not None
        assert agent.session.welcome is not None
        granted = agent.session.welcome.credit
        with suppress(ConnectionClosed):  # it may not wait until all of it is sent
            for _ in range(granted.messages * 4):
                await agent.raw(frame)
        assert (await agent.refused()).code == Code.CREDIT_EXCEEDED

    async def test_too_many_heartbeats_are_refused(self, hostmgr: Hostmgr, agent: FakeAgent) -> None:
        await agent.open()
        with_beat = codec.encode_frame(codec.encode(Beat(heartbeat())))
        with suppress(ConnectionClosed):
            for _ in range(100):
                await agent.raw(with_beat)
        assert (await agent.refused()).code == Code.TOO_FAST

    async def test_an_agent_speaks_only_for_itself(self, hostmgr: Hostmgr, agent: FakeAgent, tmp_path: Path) -> None:
        other = await hostmgr.enrolled(tmp_path, "other")
        answer = await agent.open(node=other.node)
        assert isinstance(answer, Refusal)
        assert answer.code == Code.NODE_FOREIGN

    async def test_another_protocol_version_is_named(self, hostmgr: Hostmgr, agent: FakeAgent) -> None:
        answer = await agent.open(protocol=99)
        assert isinstance(answer, Refusal)
        assert (answer.code, answer.retry_after) == (Code.PROTOCOL_UNSUPPORTED, None)

    async def test_hello_must_come_first(self, hostmgr: Hostmgr, agent: FakeAgent) -> None:
        async with agent.dial("/agent/v1/session") as connection:
            await connection.send(codec.encode_frame(codec.encode(Beat(heartbeat()))))
            answer = codec.decode_from_server(codec.decode_frame(await connection.recv()).body)
        assert isinstance(answer, Refusal)
        assert answer.code == Code.HELLO_EXPECTED


class TestEnds:
    async def test_the_newest_session_wins(self, hostmgr: Hostmgr, agent: FakeAgent, tmp_path: Path) -> None:
        twin = FakeAgent(hostmgr, tmp_path / "twin")
        twin.key, twin.certificate, twin.node = agent.key, agent.certificate, agent.node
        await agent.open()
        async with twin.connected():
            refusal = await agent.refused()
            assert refusal.code == Code.SESSION_REPLACED
            twin.note(incidents(1))
            await twin.drain()
        assert await stored(hostmgr) == ids(twin, 1)

    async def test_a_session_on_another_replica_is_replaced_too(
        self, hostmgr: Hostmgr, agent: FakeAgent, tmp_path: Path
    ) -> None:
        second = Hostmgr(hostmgr.storage, hostmgr.cache, hostmgr.authority, poll_seconds=3600.0)
        await second.start()
        twin = FakeAgent(second, tmp_path / "twin")
        twin.key, twin.certificate, twin.node = agent.key, agent.certificate, agent.node
        await agent.open()
        async with twin.connected():
            assert (await agent.refused()).code == Code.SESSION_REPLACED
        await second.close()

    async def test_a_removed_node_is_thrown_out_and_stays_out(self, hostmgr: Hostmgr, agent: FakeAgent) -> None:
        await agent.open()
        async with hostmgr.storage.transaction(SCOPE) as tx:
            await Nodes(tx).remove(agent.node)
        await hostmgr.cache.publish(f"node:{agent.node}", b"removed")
        refusal = await agent.refused()
        assert (refusal.code, refusal.retry_after) == (Code.NODE_REMOVED, None)
        again = await agent.open()
        assert isinstance(again, Refusal)
        assert again.code == Code.CERTIFICATE_UNKNOWN

    async def test_a_removed_node_whose_wake_up_was_lost_is_found_by_what_it_sends(
        self, hostmgr: Hostmgr, agent: FakeAgent
    ) -> None:
        await agent.open()
        async with hostmgr.storage.transaction(SCOPE) as tx:
            await Nodes(tx).remove(agent.node)
        agent.note(incidents(1))
        await agent.flush()
        assert (await agent.refused()).code == Code.NODE_REMOVED
        assert await stored(hostmgr) == []

    async def test_a_stopping_server_says_so(self, hostmgr: Hostmgr, agent: FakeAgent) -> None:
        await agent.open()
        stopping = asyncio.create_task(hostmgr.stop())
        refusal = await agent.refused()
        assert refusal.code == Code.SERVER_STOPPING
        assert refusal.retry_after
        await stopping
        await hostmgr.start()
        assert isinstance(await agent.open(), Welcome)
        await agent.close()

    async def test_a_silent_peer_is_given_up(self, hostmgr: Hostmgr, agent: FakeAgent) -> None:
        await hostmgr.stop()
        hostmgr.config["heartbeat_seconds"] = 1
        await hostmgr.start()
        await agent.open()
        assert (await agent.refused()).code == Code.SILENT


async def test_a_fleet_comes_back_after_an_outage(hostmgr: Hostmgr, tmp_path: Path) -> None:
    agents = [await hostmgr.enrolled(tmp_path, f"node-{number}") for number in range(12)]
    for each in agents:
        each.note(incidents(1))
        await each.open()
        await each.flush()
    await hostmgr.kill()
    await hostmgr.start()
    await asyncio.gather(*(each.open() for each in agents))
    for each in agents:
        each.note(incidents(2))
    await asyncio.gather(*(each.drain() for each in agents))
    assert await stored(hostmgr) == sorted(one for each in agents for one in ids(each, 1, 2))
    await asyncio.gather(*(each.close() for each in agents))
    await eventually(lambda: all(not each.spool for each in agents))
