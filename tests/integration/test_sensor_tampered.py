"""Somebody with root tampers with the sensor: it is told, and put back, and goes on seeing."""

import ctypes
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.support.deeds import every
from tests.support.sensor import PATIENCE, Watch, builds, open_sensor, state_directory

from hullguard.agent.sensor import abi, libbpf
from hullguard.agent.sensor.bpf_sensor import BpfSensor
from hullguard.agent.sensor.interface import Tamper
from hullguard.agent.sensor.libbpf import Map
from hullguard.model.errors import Unavailable
from hullguard.model.event import EventKind

pytestmark = [pytest.mark.docker, pytest.mark.bpf]

READ = "file.read-sensitive"


@pytest.fixture
def state() -> Iterator[Path]:
    with state_directory() as directory:
        yield directory


@pytest.fixture
def watch(state: Path, docker_host: str) -> Iterator[Watch]:
    sensor = open_sensor(state, docker_host)
    yield Watch(sensor, docker_host)
    sensor.close(unpin=True)


def looked(sensor: BpfSensor) -> list[Tamper]:
    """What is found by the time that every part was looked at."""
    return [found for _ in range(20) for found in sensor.tampered()]


def sees(watch: Watch, seconds: float = PATIENCE) -> bool:
    """Whether it reports within that time that a sensitive file was read."""
    container = watch.run("/bin/sleep", "600")
    watch.shell(container, "cat /etc/shadow; cat /etc/shadow")
    return READ in {each.rule for each in watch.observations(container, seconds=seconds)}


def test_nothing_is_found_where_nobody_did_anything(watch: Watch):
    assert sees(watch)
    assert looked(watch.sensor) == []
    watch.sensor.apply(watch.engine.plan())
    assert looked(watch.sensor) == []


def test_a_hook_that_was_taken_away_is_put_back(watch: Watch, state: Path):
    (build,) = builds(state)
    links = sorted(build.glob("link_*"))
    assert links
    for link in links:
        link.unlink()
    assert not sees(watch, 5), "this is what it was done for"
    found = looked(watch.sensor)
    assert {each.name for each in found} == {f"hook {hook.name}" for hook in watch.sensor.hooks() if hook.attached}
    assert all(each.repaired for each in found)
    assert sorted(build.glob("link_*")) == links
    assert sees(watch)
    assert looked(watch.sensor) == [], "it is told once"


def blind_config(build: Path) -> None:
    """The kernel believes that no name is worth a look, and no rule wants anything of newcomers."""
    size = ctypes.sizeof(abi.Config)
    Map(build / "config", 4, size).set(bytes(4), bytes(size))


def empty_slots(build: Path) -> None:
    for number in range(abi.SLOTS):
        Map(build / "slots", 4, ctypes.sizeof(abi.Slot)).set(number.to_bytes(4, "little"), bytes(abi.Slot()))


def emptied(name: str, key_size: int, value_size: int) -> Callable[[Path], None]:
    def empty(build: Path) -> None:
        entries = Map(build / name, key_size, value_size)
        keys = list(entries.keys())
        assert keys
        for key in keys:
            entries.discard(key)

    return empty


def exempt_added(build: Path) -> None:
    """A pattern that spares everything below /tmp, in every slot."""
    from hullguard.agent.sensor.slots import path_key

    paths = Map(build / "paths", ctypes.sizeof(abi.Path), 8)
    for number in range(abi.SLOTS):
        paths.set(path_key(number, abi.PATH_EXEMPT, b"/tmp/"), (1).to_bytes(8, "little"))


@pytest.mark.parametrize(
    ("deed", "part"),
    [
        (blind_config, "config"),
        (empty_slots, "slots"),
        (emptied("names", ctypes.sizeof(abi.Name), 4), "names"),
        (emptied("paths", ctypes.sizeof(abi.Path), 8), "paths"),
        (exempt_added, "paths"),
    ],
    ids=["config", "slots", "names", "paths", "an exemption"],
)
def test_a_map_that_was_edited_is_written_anew(watch: Watch, state: Path, deed: Callable[[Path], None], part: str):
    (build,) = builds(state)
    deed(build)
    found = looked(watch.sensor)
    assert [(each.name, each.repaired) for each in found] == [(f"map {part}", True)]
    assert sees(watch)


def test_a_container_that_was_made_the_hosts_is_seen_again(watch: Watch, state: Path):
    container = watch.run("/bin/sleep", "600")
    watch.shell(container, "cat /etc/shadow")
    assert watch.observations(container)
    (build,) = builds(state)
    known = Map(build / "known", 8, ctypes.sizeof(abi.Known))
    for key in list(known.keys()):
        known.set(key, bytes(abi.Known(host=1)))
    known.set((1 << 40).to_bytes(8, "little"), bytes(abi.Known(host=1)))
    assert [(each.name, each.repaired) for each in looked(watch.sensor)] == [("map known", True)]
    watch.shell(container, "cat /etc/shadow")
    assert watch.observations(container)


def test_when_all_is_gone_only_starting_anew_helps(watch: Watch, state: Path, docker_host: str):
    subprocess.run(["umount", state / "bpf"], check=True)
    with pytest.raises(Unavailable, match="took the sensor's maps"):
        watch.sensor.tampered()
    again = open_sensor(state, docker_host)
    assert sees(Watch(again, docker_host))
    again.close(unpin=True)
    watch.sensor._pins.directory.mkdir(parents=True)  # for the fixture to take down


def test_a_cgroups_link_that_was_forced_off_is_told_from_one_that_works(watch: Watch, state: Path):
    watch.sensor.apply(every(EventKind.CONNECT))
    (build,) = builds(state)
    cgroup = [link for link in build.glob("link_*") if _kind(link) == "cgroup"]
    descriptor = libbpf.open_pinned(cgroup[0])
    assert libbpf.library().bpf_link_detach(descriptor) == 0
    os.close(descriptor)
    assert [each.repaired for each in looked(watch.sensor)] == [True]
    assert looked(watch.sensor) == []


def _kind(link: Path) -> str:
    descriptor = libbpf.open_pinned(link)
    words = Path(f"/proc/self/fdinfo/{descriptor}").read_text().split()
    os.close(descriptor)
    return words[words.index("link_type:") + 1]
