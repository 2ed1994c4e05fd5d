"""Killing before the first instruction, by the kernel alone."""

from collections.abc import Iterator

import pytest
from tests.support.docker import IMAGE, docker, import_image
from tests.support.events import policies, policy
from tests.support.sensor import Watch, open_sensor, state_directory

from hullguard.agent.sensor.bpf_sensor import BpfSensor
from hullguard.model.policy import Action, DetectorSettings, NodePolicies

pytestmark = [pytest.mark.docker, pytest.mark.bpf]

DROP = "container.drop-and-execute"
DROP_AND_RUN = "cp /bin/busybox /tmp/busybox; /tmp/busybox touch /tmp/made; echo status $?; ls /tmp"


def killing(*exempt: str) -> dict[str, DetectorSettings]:
    return {
        DROP: DetectorSettings(action=Action.KILL, parameters={"exempt_paths": list(exempt)}),
        "file.read-sensitive": DetectorSettings(),
    }


ALERTING = {DROP: DetectorSettings(), "file.read-sensitive": DetectorSettings()}


def for_image(detectors: dict[str, DetectorSettings], name: str = f"{IMAGE}:*") -> NodePolicies:
    return policies(
        policy("strict", images=(name,), detectors=detectors), policy("rest", nodes=("*",), detectors=ALERTING)
    )


@pytest.fixture
def sensor(docker_host: str) -> Iterator[BpfSensor]:
    with state_directory() as directory:
        sensor = open_sensor(directory, docker_host)
        yield sensor
        sensor.close(unpin=True)


def idle(watch: Watch, image: str = IMAGE) -> str:
    container = watch.run("/bin/sleep", "1000", image=image)
    watch.events(container, bool)
    return container


def test_a_dropped_program_never_begins(sensor: BpfSensor, docker_host: str):
    watch = Watch(sensor, docker_host, for_image(killing()))
    container = idle(watch)

    said = watch.shell(container, DROP_AND_RUN).stdout.decode().split()

    assert said == ["status", "137", "busybox"]
    (found,) = watch.observations(container)
    assert (found.rule, found.action, found.stopped) == (DROP, Action.KILL, True)
    assert found.details["path"] == "/tmp/busybox"
    assert found.policy is not None
    assert found.policy.id == "strict"


def test_every_attempt_is_stopped(sensor: BpfSensor, docker_host: str):
    watch = Watch(sensor, docker_host, for_image(killing()))
    container = idle(watch)

    watch.shell(
        container, "cp /bin/busybox /tmp/busybox; for i in 1 2 3; do /tmp/busybox touch /tmp/made$i; done; true"
    )

    found = watch.observations(container, 3)
    assert [one.stopped for one in found] == [True] * 3
    assert watch.shell(container, "ls /tmp").stdout == b"busybox\n"


def test_the_images_own_programs_and_exempt_ones_live(sensor: BpfSensor, docker_host: str):
    watch = Watch(sensor, docker_host, for_image(killing("/tmp/*")))
    container = idle(watch)

    said = watch.shell(container, "chmod 711 /bin/busybox; " + DROP_AND_RUN).stdout.decode().split()

    assert said == ["status", "0", "busybox", "made"]
    watch.shell(container, "cat /etc/shadow")
    assert [found.rule for found in watch.observations(container)] == ["file.read-sensitive"]


def test_another_images_containers_are_only_watched(sensor: BpfSensor, docker_host: str):
    import_image(docker_host, "hullguard-test/other")
    watch = Watch(sensor, docker_host, for_image(killing()))
    container = idle(watch, "hullguard-test/other")

    said = watch.shell(container, DROP_AND_RUN).stdout.decode().split()

    assert said == ["status", "0", "busybox", "made"]
    (found,) = watch.observations(container)
    assert (found.stopped, found.action) == (False, Action.ALERT)


def test_a_new_policy_holds_for_running_containers_at_once(sensor: BpfSensor, docker_host: str):
    watch = Watch(sensor, docker_host, for_image(ALERTING))
    container = idle(watch)
    assert b"status 0" in watch.shell(container, DROP_AND_RUN).stdout

    watch.engine.load(for_image(killing()))
    sensor.apply(watch.engine.plan())
    assert b"status 137" in watch.shell(container, DROP_AND_RUN).stdout

    watch.engine.load(for_image(ALERTING))
    sensor.apply(watch.engine.plan())
    assert b"status 0" in watch.shell(container, DROP_AND_RUN).stdout
    assert [one.stopped for one in watch.observations(container, 3)] == [False, True, False]


def test_a_container_that_the_agent_has_not_met_is_covered_from_its_first_program(sensor: BpfSensor, docker_host: str):
    # Nobody polls: the kernel decides alone, by the policy for all.
    watch = Watch(sensor, docker_host, policies(policy("all", nodes=("*",), detectors=killing())))
    said = docker(docker_host, "run", "--network", "none", IMAGE, "/bin/sh", "-c", DROP_AND_RUN).stdout
    watch.engine.load(policies(policy("all", nodes=("*",), detectors=ALERTING)))
    sensor.apply(watch.engine.plan())

    assert said.decode().split() == ["status", "137", "busybox"]


def test_before_its_image_is_known_a_container_is_not_killed_for_a_policy_that_may_not_hold(
    sensor: BpfSensor,
    docker_host: str,
):
    Watch(sensor, docker_host, for_image(killing()))

    said = docker(docker_host, "run", "--network", "none", IMAGE, "/bin/sh", "-c", DROP_AND_RUN).stdout

    assert said.decode().split() == ["status", "0", "busybox", "made"]
