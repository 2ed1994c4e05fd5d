"""Deeds are done, waited for, and cleaned up after, whatever happens meanwhile."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from hullguard.agent.runtime.scratch import Rights
from hullguard.agent.selftest.deeds import Deed
from hullguard.agent.selftest.marks import Heard
from hullguard.agent.selftest.run import SelfTest, Verdict
from hullguard.model.errors import Unavailable

IMAGES = {"busybox": "scratch"}


def deed(rule: str = "r", **changes: str) -> Deed:
    return Deed(rule, "true", changes.pop("image", "busybox"), Rights(), **changes)


class Engine:
    """Containers that do nothing but count."""

    def __init__(self, started: Callable[[str], None], refuses: str = "") -> None:
        self._started, self._refuses = started, refuses
        self.made: list[str] = []
        self.there: set[str] = set()

    async def create(self, image: str, command: object, rights: Rights, *, terminal: bool = False) -> str:
        assert (image, terminal) == ("scratch", False)
        if self._refuses == "create":
            raise Unavailable("no room")
        self.made.append(f"c{len(self.made)}")
        self.there.add(self.made[-1])
        return self.made[-1]

    async def start(self, container: str) -> None:
        if self._refuses == "start":
            raise Unavailable("operation not permitted")
        self._started(container)

    async def printed(self, container: str) -> str:
        return f"{container} said so\n"

    async def remove(self, container: str) -> None:
        self.there.discard(container)


class Ears:
    """Hears what it is told."""

    def __init__(self) -> None:
        self.all: list[Heard] = []
        self.dead, self.gone = "", 0

    def expect(self, container: str) -> None:
        pass

    def hear(self, container: str, rule: str) -> None:
        now = datetime.now(UTC)
        self.all.append(Heard(container, rule, now, now, f"i-{container}"))

    def heard(self) -> list[Heard]:
        return self.all

    def broken(self) -> str:
        return self.dead

    def lost(self) -> int:
        return self.gone


@pytest.fixture
def ears() -> Ears:
    return Ears()


async def test_a_rule_that_is_heard_of_its_own_container_has_fired(ears: Ears) -> None:
    def started(container: str) -> None:
        ears.hear("another", "r")
        ears.hear(container, "beside")
        ears.hear(container, "r")

    engine = Engine(started)
    (outcome,) = await SelfTest(engine, ears, IMAGES, {}).run([deed()])

    assert (outcome.verdict, outcome.others, outcome.incident) == (Verdict.FIRED, ("beside",), "i-c0")
    assert engine.there == set()


async def test_what_another_container_did_does_not_count(ears: Ears) -> None:
    engine = Engine(lambda _: ears.hear("another", "r"))
    (outcome,) = await SelfTest(engine, ears, IMAGES, {}).run([deed()], patience=0.1)

    assert (outcome.verdict, outcome.why, outcome.tries) == (Verdict.SILENT, "c0 said so", 1)
    assert engine.there == set()


async def test_it_is_done_again_where_events_were_lost(ears: Ears) -> None:
    def started(container: str) -> None:
        ears.gone += 7
        if container == "c1":
            ears.hear(container, "r")

    (outcome,) = await SelfTest(Engine(started), ears, IMAGES, {}).run([deed()], patience=0.1)

    assert (outcome.verdict, outcome.tries, outcome.lost) == (Verdict.FIRED, 2, 14)


async def test_but_not_for_ever(ears: Ears) -> None:
    def started(_: str) -> None:
        ears.gone += 1

    (outcome,) = await SelfTest(Engine(started), ears, IMAGES, {}).run([deed()], patience=0.1)

    assert (outcome.verdict, outcome.tries) == (Verdict.SILENT, 3)


async def test_who_hears_no_more_is_the_reason(ears: Ears) -> None:
    ears.dead = "the sensor is gone"
    (outcome,) = await SelfTest(Engine(lambda _: None), ears, IMAGES, {}).run([deed()], patience=60)

    assert (outcome.verdict, outcome.why) == (Verdict.SILENT, "the sensor is gone")


@pytest.mark.parametrize(("refuses", "why"), [("create", "no room"), ("start", "operation not permitted")])
async def test_what_the_engine_refuses_is_not_tried(ears: Ears, refuses: str, why: str) -> None:
    engine = Engine(lambda _: None, refuses)
    (outcome,) = await SelfTest(engine, ears, IMAGES, {}).run([deed()])

    assert (outcome.verdict, outcome.why) == (Verdict.UNTRIED, why)
    assert engine.there == set()


async def test_so_is_what_cannot_be_done_here(ears: Ears) -> None:
    deeds = [deed("a", why_not="no such thing here"), deed("b", image="debian"), deed("c", image="other")]
    test = SelfTest(Engine(lambda _: None), ears, IMAGES, {"debian": "no dpkg"})

    assert [(one.rule, one.verdict, one.why) for one in await test.run(deeds)] == [
        ("a", Verdict.UNTRIED, "no such thing here"),
        ("b", Verdict.UNTRIED, "no dpkg"),
        ("c", Verdict.UNTRIED, "there is no image other"),
    ]


async def test_no_container_is_left_by_one_that_is_stopped(ears: Ears) -> None:
    begun = asyncio.Event()
    engine = Engine(lambda _: begun.set())
    test = asyncio.create_task(SelfTest(engine, ears, IMAGES, {}).run([deed(str(number)) for number in range(9)]))
    await begun.wait()
    test.cancel()

    with pytest.raises(asyncio.CancelledError):
        await test
    assert engine.made
    assert engine.there == set()
