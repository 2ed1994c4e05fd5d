"""A small service is learned from the real kernel, accepted, and then measured by what was learned."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from tests.support.database import Bench
from tests.support.docker import docker, import_image
from tests.support.events import policies, policy
from tests.support.records import enrolled
from tests.support.sensor import Watch, open_sensor, state_directory

from hullguard.agent.learning import TELL_SECONDS, Learner
from hullguard.detect import DEPARTURE
from hullguard.model.event import Event, EventKind
from hullguard.model.policy import Action, DetectorSettings, NodePolicies
from hullguard.model.profile import Behaviour, LearningTerms, ProfileState
from hullguard.storage import PageRequest
from hullguard.storage.stores import EntryFilter, Policies, Profiles, Told
from hullguard.wire.messages import Learned

pytestmark = [pytest.mark.docker, pytest.mark.bpf]

IMAGE = "hullguard-test/service"
MAIN = "while :; do echo work >> /srv/app/log; echo x | /bin/busybox nc -w 1 127.0.0.1 81; sleep 0.2; done"
KILL = {DEPARTURE: DetectorSettings(action=Action.KILL)}


@pytest.fixture(scope="module")
def watch(docker_host: str) -> Iterator[Watch]:
    import_image(docker_host, IMAGE, {"srv/app/log": b"", "srv/other": b""})
    with state_directory() as directory:
        sensor = open_sensor(directory, docker_host)
        try:
            yield Watch(sensor, docker_host, policies())
        finally:
            sensor.close(unpin=True)


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    opened = Bench()
    yield opened
    opened.close()


def put(watch: Watch, bench: Bench, **detectors: DetectorSettings) -> NodePolicies:
    """What the platform would give a node with one policy, put in force here."""
    given = bench.run(Policies(bench.tx).for_node("node-1"))
    bare = policies(policy("all", nodes=("*",), detectors=detectors))
    wanted = msgspec.structs.replace(bare, profiles=given.profiles)
    watch.engine.load(wanted)
    watch.sensor.apply(watch.engine.plan())
    return wanted


@pytest.fixture(scope="module")
def service(watch: Watch) -> Iterator[str]:
    container = watch.run("/bin/sh", "-c", MAIN, image=IMAGE)
    yield container
    docker(watch.address, "rm", "-f", container)


@pytest.fixture(scope="module")
def learned(watch: Watch, bench: Bench, service: str) -> str:
    """The profile of what the service did, as agents told it, accepted by a person."""
    bench.run(enrolled(bench.tx))
    store = Profiles(bench.tx)
    profile = bench.run(store.create(IMAGE, LearningTerms(), "user:a"))
    told: list[Learned] = []
    clock = [0.0]
    learner = Learner(lambda each: told.append(each) is None, lambda: clock[0])
    learner.load(put(watch, bench))

    def enough(events: list[Event]) -> bool:
        return sum(event.kind is EventKind.CONNECT for event in events) >= 3

    for event in watch.events(service, enough):
        learner.note(event)
    clock[0] = TELL_SECONDS
    learner.tell()
    for each in told:
        assert bench.run(store.learn(profile.id, each.generation, Told(each.containers, each.dropped, each.tallies)))
    bench.run(store.move(profile.id, ProfileState.REVIEW, "user:a"))
    bench.run(store.move(profile.id, ProfileState.MONITOR, "user:a"))
    return profile.id


def test_what_the_service_does_is_learned(bench: Bench, learned: str):
    found = bench.run(Profiles(bench.tx).entries(learned, EntryFilter(), PageRequest(500))).items

    assert {(each.deed, each.what) for each in found} == {
        (Behaviour.EXEC, "/bin/busybox"),
        (Behaviour.WRITE, "/srv/app/log"),
        (Behaviour.CONNECT, "tcp 127.0.0.0/8 81"),
    }
    assert {each.seen for each in found} == {1}


def test_what_was_learned_is_silent_and_what_was_not_is_told(watch: Watch, bench: Bench, service: str, learned: str):
    put(watch, bench)
    watch.shell(
        service,
        "cp /bin/busybox /srv/app/true; chmod 755 /srv/app/true; /srv/app/true;"
        "echo x | /bin/busybox nc -w 1 127.0.0.1 82; echo > /srv/other; echo >> /srv/app/log",
        check=False,
    )

    found = watch.observations(service, 4)
    departed = {(each.details["deed"], each.details["what"]) for each in found if each.rule == DEPARTURE}
    assert departed == {
        ("write", "/srv/app/true"),
        ("exec", "/srv/app/true"),
        ("connect", "tcp 127.0.0.1 82"),
        ("write", "/srv/other"),
    }
    assert {each.details["learned_from"] for each in found} == {"1"}
    assert {each.action for each in found} == {Action.ALERT}


def test_protecting_asks_for_the_policys_action(watch: Watch, bench: Bench, service: str, learned: str):
    bench.run(Profiles(bench.tx).move(learned, ProfileState.PROTECT, "user:a"))
    put(watch, bench, **KILL)
    watch.shell(service, "echo > /srv/other; echo >> /srv/app/log")

    (found,) = watch.observations(service)
    assert (found.rule, found.action, found.details["what"]) == (DEPARTURE, Action.KILL, "/srv/other")


def test_other_images_are_left_alone(watch: Watch, bench: Bench, learned: str, tmp_path: Path):
    import_image(watch.address, "hullguard-test/neighbour", {"root/.ssh/marker": b"x", "srv/other": b""})
    wanted = {**KILL, "file.read-sensitive": DetectorSettings()}
    put(watch, bench, **wanted)
    container = watch.run("/bin/sleep", "1000", image="hullguard-test/neighbour")
    try:
        watch.events(container, bool)
        watch.shell(container, "echo > /srv/other; ls /")

        assert watch.quiet(container) == []
    finally:
        docker(watch.address, "rm", "-f", container)
