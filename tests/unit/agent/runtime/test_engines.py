"""Which engines there are, what they have, and what counts on when one goes away, hangs or makes no sense."""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from hullguard.agent.runtime import engines as engines_module
from hullguard.agent.runtime.docker import LocalImage
from hullguard.agent.runtime.engines import Engines
from hullguard.agent.runtime.stock import Place, Stock, merged
from hullguard.model.errors import Unavailable
from hullguard.model.event import ImageRef
from hullguard.model.node import Container

ONE, TWO, THREE = (f"sha256:{digit * 64}" for digit in "123")


class Scripted:
    """An engine that has what the test says, or does what the test says."""

    def __init__(self, name: str, stock: Stock | None = None) -> None:
        self.name, self.what, self.present = name, stock or Stock(f"{name} 1"), True
        self.does: Callable[[], object] = lambda: None
        self.hangs = False

    def here(self) -> bool:
        return self.present

    async def stock(self) -> Stock:
        self.does()
        if self.hangs:
            await asyncio.sleep(3600)
        return self.what


def stock(*images: str, name: str = "podman", **changes: object) -> Stock:
    return Stock(
        f"{name} 1",
        {each: (f"{name}/app:{each[7]}",) for each in images},
        {each: Place(f"{name}:{each}") for each in images},
        **changes,
    )  # type: ignore[arg-type]


def container(engine: str) -> Container:
    return Container("c" * 64, "web", ImageRef(ONE), "running", engine=engine)


def raising(error: Exception) -> Callable[[], object]:
    def raises() -> None:
        raise error

    return raises


@pytest.fixture
def changes() -> list[None]:
    return []


@pytest.fixture
def make(tmp_path: Path, changes: list[None]) -> Callable[..., Engines]:
    return lambda *engines: Engines(engines, tmp_path / "engines.json", lambda: changes.append(None))


def test_one_image_of_several_engines_is_one_with_all_its_names_and_docker_is_asked_first() -> None:
    found = merged([LocalImage(ONE, ("app:1",))], [stock(ONE, TWO), stock(TWO, name="containerd")])
    assert {image: known.image.names for image, known in found.items()} == {
        ONE: ("app:1", "podman/app:1"),
        TWO: ("podman/app:2", "containerd/app:2"),
    }
    assert [place.target for place in found[ONE].places] == [f"docker:{ONE}", f"podman:{ONE}"]
    assert [place.target for place in found[TWO].places] == [f"podman:{TWO}", f"containerd:{TWO}"]


def test_an_image_of_thousands_of_names_is_bounded() -> None:
    many = Stock("podman 1", {ONE: tuple(f"a:{number}" for number in range(5000))})
    assert len(merged([], [many])[ONE].image.names) == 64


async def test_what_an_engine_has_is_told_when_it_changes(make, changes) -> None:
    engine = Scripted("podman", stock(ONE))
    engines = make(engine)
    assert not engines.settled
    for _ in range(3):
        await engines.look()
    assert (len(changes), engines.settled, engines.reasons, engines.versions) == (1, True, (), ["podman 1"])
    engine.what = stock(ONE, TWO, containers=(container("podman"),))
    await engines.look()
    assert (len(changes), set(engines.known([])), engines.containers) == (2, {ONE, TWO}, (container("podman"),))


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (Unavailable("nobody answers"), "nobody answers"),
        (ValueError("odd"), "was not understood: ValueError"),
        (RecursionError(), "was not understood: RecursionError"),
    ],
)
async def test_an_engine_that_fails_keeps_what_it_had_with_a_reason(make, changes, error, why) -> None:
    engine, other = Scripted("podman", stock(ONE)), Scripted("containerd", stock(TWO, name="containerd"))
    engines = make(engine, other)
    await engines.look()
    engine.does = raising(error)
    await engines.look()
    (reason,) = engines.reasons
    assert (reason.code, reason.params["engine"]) == ("runtime.engine-unreachable", "podman")
    assert why in reason.message
    assert (set(engines.known([])), engines.versions) == ({ONE, TWO}, ["containerd 1"])
    engine.does = lambda: None
    await engines.look()
    assert (engines.reasons, len(changes)) == ((), 3)


async def test_an_engine_that_hangs_is_given_up_and_keeps_no_other_waiting(make, monkeypatch) -> None:
    monkeypatch.setattr(engines_module, "LOOK_SECONDS", 0.05)
    engine, other = Scripted("podman"), Scripted("containerd", stock(TWO, name="containerd"))
    engine.hangs = True
    engines = make(engine, other)
    await engines.look()
    assert [reason.params["engine"] for reason in engines.reasons] == ["podman"]
    assert "did not tell within" in engines.reasons[0].message
    assert set(engines.known([])) == {TWO}


async def test_an_engine_that_is_not_here_is_no_fault_and_one_that_was_is_forgotten_after_a_day(
    make, monkeypatch
) -> None:
    clock = 0.0
    monkeypatch.setattr(engines_module.time, "monotonic", lambda: clock)
    engine, never = Scripted("podman", stock(ONE)), Scripted("containerd")
    never.present = False
    engines = make(engine, never)
    await engines.look()
    assert engines.reasons == ()
    engine.present = False
    await engines.look()
    assert "not on this machine any more" in engines.reasons[0].message
    clock = 86_399.0
    await engines.look()
    assert set(engines.known([])) == {ONE}
    clock = 86_401.0
    await engines.look()
    assert (engines.known([]), engines.reasons, engines.versions) == ({}, (), [])


async def test_what_was_known_counts_after_a_restart_until_the_engine_tells(make, changes) -> None:
    engine = Scripted("podman", stock(ONE, containers=(container("podman"),)))
    await make(engine).look()
    engine.does = raising(Unavailable("starting"))
    again = make(engine)
    assert (set(again.known([])), again.containers) == ({ONE}, ()), "what ran is not known any more"
    assert [place.target for place in again.places(ONE)] == [f"podman:{ONE}"]
    await again.look()
    assert (set(again.known([])), len(again.reasons)) == ({ONE}, 1)
    engine.does, engine.what = (lambda: None), stock(TWO)
    await again.look()
    assert set(again.known([])) == {TWO}


async def test_a_list_that_is_not_whole_yet_takes_nothing_away(make) -> None:
    engine = Scripted("containerd", stock(ONE, TWO, name="containerd"))
    engines = make(engine)
    await engines.look()
    engine.what = stock(THREE, name="containerd", whole=False)
    await engines.look()
    assert set(engines.known([])) == {ONE, TWO, THREE}
    engine.what = stock(THREE, name="containerd")
    await engines.look()
    assert set(engines.known([])) == {THREE}


async def test_images_that_are_not_listed_are_told(make) -> None:
    engines = make(Scripted("podman", stock(ONE, left_out=7)))
    await engines.look()
    (reason,) = engines.reasons
    assert (reason.code, reason.params) == ("runtime.images-left-out", {"engine": "podman", "images": 7})
    assert engines.versions == ["podman 1"]


async def test_of_docker_too_what_it_had_is_kept(make) -> None:
    engines = make()
    assert (engines.settled, engines.knows_docker) == (True, False)
    engines.saw_docker("docker 24", [LocalImage(ONE, ("app:1",))])
    again = make()
    assert (again.knows_docker, again.known(None)[ONE].image.names, again.versions) == (True, ("app:1",), [])
    assert again.known([]) == {}
    assert [place.target for place in again.places(TWO)] == [f"docker:{TWO}"], "who else could have it"


async def test_a_damaged_memory_is_none(make, tmp_path) -> None:
    (tmp_path / "engines.json").write_bytes(os.urandom(64))
    engines = make(Scripted("podman", stock(ONE)))
    assert engines.known(None) == {}
    await engines.look()
    assert set(make(Scripted("podman")).known(None)) == {ONE}


async def test_engines_that_nobody_asks_any_more_are_not_remembered(make) -> None:
    await make(Scripted("podman", stock(ONE))).look()
    assert make().known(None) == {}
