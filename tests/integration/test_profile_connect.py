"""A protected profile and connections: what it does not have is refused by the kernel before anything is sent."""

import errno
from collections.abc import Iterator

import msgspec
import pytest
from tests.support import deeds
from tests.support.deeds import Stage
from tests.support.docker import IMAGE as NEIGHBOUR
from tests.support.docker import docker, docker_host
from tests.support.events import policies, policy
from tests.support.network import Inside, inside

from hullguard.agent.sensor import filters
from hullguard.agent.sensor.bpf_sensor import BpfSensor
from hullguard.detect import DEPARTURE
from hullguard.model.incident import Observation
from hullguard.model.policy import Action, DetectorSettings, RuleSettings, RulesSpec, RuleText
from hullguard.model.profile import Behaviour, Entry, Profile, ProfileState

__all__ = ["docker_host"]

pytestmark = [pytest.mark.docker, pytest.mark.bpf]

LET, REFUSED = errno.ECONNREFUSED, errno.EPERM
"""Nobody listens there, or the kernel did not even try."""
LEARNED = (
    Entry(Behaviour.EXEC, "/bin/*", 2),
    Entry(Behaviour.CONNECT, "tcp 127.0.0.0/8 81", 2),
    Entry(Behaviour.CONNECT, "tcp 127.0.9.0/24 *", 2),
    Entry(Behaviour.CONNECT, "tcp 127.0.0.0/8 83", 2, accepted=False),
    Entry(Behaviour.CONNECT, "udp ::/0 53", 2),
    Entry(Behaviour.CONNECT, "unix /run/*", 2),
)


@pytest.fixture(scope="module")
def sensor(docker_host: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[BpfSensor]:
    deeds.import_deeds(docker_host, tmp_path_factory.mktemp("deeds"))
    with deeds.running_sensor(docker_host) as opened:
        yield opened


@pytest.fixture(scope="module")
def stage(sensor: BpfSensor, docker_host: str) -> Iterator[Stage]:
    with deeds.staged(sensor, docker_host, *deeds.POWERS) as made:
        yield made


@pytest.fixture(scope="module")
def network(stage: Stage) -> Iterator[Inside]:
    with inside(stage.watch.address, stage.container) as made:
        yield made


def put(stage: Stage, state: ProfileState = ProfileState.PROTECT, action: Action = Action.DENY) -> None:
    profile = Profile("p", deeds.IMAGE, state, 1, 2, LEARNED)
    bare = policies(policy("strict", nodes=("*",), detectors={DEPARTURE: DetectorSettings(action=action)}))
    stage.watch.engine.load(msgspec.structs.replace(bare, profiles=(profile,)))
    stage.watch.sensor.apply(stage.watch.engine.plan())
    if not any(hook.name == "connect" and hook.backend == "cgroup" for hook in stage.watch.sensor.hooks()):
        pytest.skip("this kernel lets no program be attached to the root of its cgroups")
    stage.watch.sensor.poll(lambda _: None, 0)


@pytest.fixture(autouse=True)
def lasting() -> Iterator[None]:
    """An agent polls all the time; this one polled before the deed, which a busy machine puts off."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(filters, "LEASE_SECONDS", 600)
        yield


@pytest.fixture
def fenced(stage: Stage) -> Iterator[Stage]:
    """The profile is in force, and the agent has polled."""
    put(stage)
    yield stage
    put(stage, ProfileState.MONITOR)


RULE = """
- rule: no calls home
  desc: d
  condition: >
    evt.type in (connect, sendto, sendmsg) and container.id != host and fd.sport in (91, 92)
    and not fd.snet in (127.9.0.0/16) and not proc.name in (busybox)
  output: "fired"
  priority: WARNING
"""


@pytest.fixture
def ruled(stage: Stage) -> Iterator[Stage]:
    """A rule denies, and there is no profile."""
    denied = {"no calls home": RuleSettings(action=Action.DENY)}
    spec = RulesSpec(pack=False, files=[RuleText("own.yaml", RULE)], settings=denied)
    stage.watch.engine.load(policies(policy("strict", nodes=("*",), rules=spec)))
    assert stage.watch.engine.unrefused() == {}
    stage.watch.sensor.apply(stage.watch.engine.plan())
    stage.watch.sensor.poll(lambda _: None, 0)
    yield stage
    put(stage, ProfileState.MONITOR)


def told(stage: Stage, what: str) -> Observation:
    """The first incident of this connection; what was seen before it is passed over."""
    found: list[Observation] = []

    def there(events: object) -> bool:
        found[:] = [
            each
            for event in events  # type: ignore[attr-defined]
            for each in stage.watch.engine.judge(event)
            if what in {each.details.get("what"), each.rule}
        ]
        return bool(found)

    stage.watch.events(stage.container, there)
    assert found, f"nothing was told of {what}"
    return found[0]


@pytest.mark.parametrize("way", ["connect", "connect-udp", "ring-connect"])
def test_no_packet_leaves_and_it_is_told(fenced: Stage, network: Inside, way: str):
    network.packets_to(network.port)
    answer = fenced.do(way, "127.0.0.1", str(network.port))
    if way == "ring-connect" and answer == errno.ENOSYS:
        pytest.skip("this kernel has no io_uring")
    assert answer == REFUSED
    assert network.packets_to(network.port) == 0
    with pytest.raises(BlockingIOError):
        network.listener.accept()
    transport = "udp" if way == "connect-udp" else "tcp"
    found = told(fenced, f"{transport} 127.0.0.1 {network.port}")
    assert (found.rule, found.action, found.stopped) == (DEPARTURE, Action.DENY, True)
    assert (found.details["program"], found.details["why"]) == ("/bin/deed", "never-seen")


@pytest.mark.parametrize(
    ("way", "address", "port", "refused"),
    [
        ("connect", "127.0.0.1", "81", False),
        ("connect", "::ffff:127.0.0.1", "81", False),
        ("connect", "127.0.9.7", "4444", False),
        ("connect", "127.0.8.7", "4444", True),
        ("connect", "::1", "81", True),
        ("connect", "::ffff:127.0.0.1", "82", True),
        ("connect", "127.0.0.1", "83", True),
        ("connect-udp", "127.0.0.1", "81", True),
        ("connect-udp", "::1", "53", False),
        ("connect-udp", "::1", "54", True),
    ],
)
def test_what_the_profile_has_goes_on(fenced: Stage, way: str, address: str, port: str, *, refused: bool):
    assert (fenced.do(way, address, port) == REFUSED) == refused


def test_a_unix_socket_is_refused_wherever_its_name_leads(fenced: Stage):
    fenced.watch.shell(
        fenced.container,
        "mkdir -p /run /srv; ln -s /srv /run/way; ln -s /run /srv/way; "
        "/bin/deed serve-unix /run/hub.sock & /bin/deed serve-unix /srv/hub.sock & "
        "while ! ls /run/hub.sock /srv/hub.sock; do true; done",
    )
    for path, answer in (
        ("/run/hub.sock", 0),
        ("/srv/way/hub.sock", 0),
        ("/run/none.sock", errno.ENOENT),
        ("/srv/hub.sock", REFUSED),
        ("/run/way/hub.sock", REFUSED),
        ("/run/../srv/hub.sock", REFUSED),
        ("/srv/none.sock", REFUSED),
        ("@none", LET),
    ):
        assert fenced.do("connect-unix", path) == answer, path
    found = told(fenced, "unix /srv/hub.sock")
    assert (found.rule, found.action, found.stopped) == (DEPARTURE, Action.DENY, True)


def test_what_a_person_removed_says_so(fenced: Stage):
    assert fenced.do("connect", "127.0.0.1", "83") == REFUSED
    assert told(fenced, "tcp 127.0.0.1 83").details["why"] == "refused"


def test_one_incident_an_hour_tells_of_a_service_that_tries_for_ever(fenced: Stage):
    fenced.do("connect", "127.0.0.1", "84")
    first = told(fenced, "tcp 127.0.0.1 84")
    fenced.do("connect", "127.0.0.1", "84")
    again = told(fenced, "tcp 127.0.0.1 84")
    assert first.id == again.id or first.at.hour != again.at.hour


@pytest.mark.parametrize(
    ("state", "action"), [(ProfileState.MONITOR, Action.DENY), (ProfileState.PROTECT, Action.KILL)]
)
def test_nothing_is_refused_unless_it_is_to_be(stage: Stage, state: ProfileState, action: Action):
    put(stage, state, action)
    assert stage.do("connect", "127.0.0.1", "82") == LET
    assert not told(stage, "tcp 127.0.0.1 82").stopped


def test_containers_of_other_images_are_left_alone(fenced: Stage):
    container = fenced.watch.run("/bin/sleep", "1000", image=NEIGHBOUR)
    try:
        fenced.watch.events(container, bool)
        tried = fenced.watch.shell(container, "echo x | /bin/busybox nc -w 1 127.0.0.1 82", check=False)
        assert b"refused" in tried.stderr
        assert b"not permitted" not in tried.stderr
    finally:
        docker(fenced.watch.address, "rm", "-f", container)


def test_it_is_open_when_the_agent_is_gone(fenced: Stage, monkeypatch: pytest.MonkeyPatch):
    assert fenced.do("connect", "127.0.0.1", "82") == REFUSED
    told(fenced, "tcp 127.0.0.1 82")
    monkeypatch.setattr(filters, "LEASE_SECONDS", 0)  # as if the last poll were so long ago
    fenced.watch.sensor.poll(lambda _: None, 0)
    assert fenced.do("connect", "127.0.0.1", "82") == LET
    assert fenced.do("connect-unix", "/srv/nobody.sock") == errno.ENOENT
    found = told(fenced, "tcp 127.0.0.1 82")
    assert (found.action, found.stopped) == (Action.KILL, False), "it is answered once it was seen"


@pytest.mark.parametrize(
    ("way", "address", "port", "answer"),
    [
        ("connect", "127.0.0.1", "91", REFUSED),
        ("connect", "::1", "92", REFUSED),
        ("connect-udp", "127.0.0.1", "91", REFUSED),
        ("send", "127.0.0.1", "91", REFUSED),
        ("send", "::1", "92", REFUSED),
        ("connect", "127.0.0.1", "90", LET),
        ("connect", "127.9.1.1", "91", LET),
        ("send", "127.9.1.1", "91", 0),
    ],
)
def test_a_rule_refuses_what_it_holds_for(ruled: Stage, way: str, address: str, port: str, answer: int):
    assert ruled.do(way, address, port) == answer
    if answer == REFUSED:
        found = told(ruled, "no calls home")
        assert (found.action, found.stopped) == (Action.DENY, True)


def test_a_rule_spares_the_programs_that_it_leaves_out_and_refuses_nobody_without_the_agent(
    ruled: Stage, monkeypatch: pytest.MonkeyPatch
):
    tried = ruled.watch.shell(ruled.container, "echo x | /bin/busybox nc -w 1 127.0.0.1 91", check=False)
    assert b"refused" in tried.stderr
    monkeypatch.setattr(filters, "LEASE_SECONDS", 0)
    ruled.watch.sensor.poll(lambda _: None, 0)
    assert ruled.do("connect", "127.0.0.1", "91") == LET
    found = told(ruled, "no calls home")
    assert (found.action, found.stopped) == (Action.KILL, False)


def test_another_who_opens_the_fence_is_noticed(fenced: Stage):
    filters_ = fenced.watch.sensor._filters
    for part, entries in (("allowed", filters_._allowed), ("paths", filters_._paths)):
        for key in list(entries.keys()):
            entries.discard(key)
        assert filters_.altered(part)
    filters_.restore()
    assert not any(map(filters_.altered, ("allowed", "paths")))
    assert fenced.do("connect", "127.0.0.1", "81") == LET
    assert fenced.do("connect-unix", "/run/nobody.sock") == errno.ENOENT


def test_a_kernel_that_only_sees_connections_is_a_reason(fenced: Stage, monkeypatch: pytest.MonkeyPatch):
    sensor = fenced.watch.sensor
    assert sensor._unfenced() == ""
    seen = [
        msgspec.structs.replace(hook, backend="tracepoint", why="not by cgroup: Operation not permitted")
        if hook.name == "connect"
        else hook
        for hook in sensor.hooks()
    ]
    monkeypatch.setattr(sensor._hooks, "infos", lambda: tuple(seen))
    (reason,) = [each for each in sensor.health().reasons if each.code == "deny.connections-seen"]
    assert reason.params == {"why": "connect not by cgroup: Operation not permitted"}
