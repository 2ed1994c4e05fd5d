"""What containers do beyond the profile of their image, as the engine tells it."""

from datetime import timedelta

import msgspec
import pytest
from tests.support.events import AT, event, policies, policy

from hullguard.detect import DEPARTURE, Engine, denies, in_force, simulated
from hullguard.detect.detectors.departure import Departure
from hullguard.detect.plan import UNKNOWN, plan
from hullguard.model.event import ContainerRef, Endpoint, Event, EventKind, ImageRef, OpenFile, Socket
from hullguard.model.incident import Observation
from hullguard.model.policy import Action, DetectorSettings, NodePolicies
from hullguard.model.profile import Behaviour, Entry, Profile, ProfileState
from hullguard.model.rollout import Mode, Rollout

MONITOR = Profile(
    "p1",
    "nginx",
    ProfileState.MONITOR,
    1,
    18,
    (
        Entry(Behaviour.EXEC, "/usr/sbin/nginx", 18),
        Entry(Behaviour.WRITE, "/var/log/nginx/*", 18),
        Entry(Behaviour.EXEC, "/usr/bin/curl", 1, accepted=False),
    ),
)
PROTECT = msgspec.structs.replace(MONITOR, state=ProfileState.PROTECT)
PROTECT_REDIS = msgspec.structs.replace(PROTECT, id="p2", repository="redis")
NGINX, REDIS = ImageRef("sha256:1", "nginx:1.25"), ImageRef("sha256:2", "redis:7")
SHELL = event(path="/bin/sh")
CONNECTED = event(EventKind.CONNECT, path=None, socket=Socket("ipv4", "stream", 6, remote=Endpoint("203.0.113.7", 443)))
KILL = {DEPARTURE: DetectorSettings(action=Action.KILL)}


def given(*profiles: Profile, **more: object) -> NodePolicies:
    return msgspec.structs.replace(policies(policy("all", nodes=("*",), **more)), profiles=profiles)


def judged(wanted: NodePolicies, *events: Event) -> list[Observation]:
    engine = Engine("n1", "boot")
    engine.load(wanted)
    return [found for each in events for found in engine.judge(each)]


def test_what_the_profile_has_is_silent():
    assert judged(given(MONITOR), event(path="/usr/sbin/nginx")) == []


def test_what_it_does_not_have_is_told_with_how_rare_it_is():
    (found,) = judged(given(MONITOR), SHELL)

    assert (found.rule, found.action, found.would) == (DEPARTURE, Action.ALERT, None)
    assert found.details == {
        "deed": "exec",
        "what": "/bin/sh",
        "pattern": "/bin/sh",
        "program": "/bin/sh",
        "profile": "nginx",
        "score": "95",
        "seen": "0",
        "learned_from": "18",
        "why": "never-seen",
    }


def test_what_a_person_removed_says_so():
    (found,) = judged(given(MONITOR), event(path="/usr/bin/curl"))

    assert (found.details["why"], found.details["seen"], found.details["score"]) == ("refused", "1", "90")


def test_files_are_judged_by_what_is_written():
    def wrote(path: str) -> Event:
        return event(EventKind.FILE_OPEN, path=path, writes=True, file=OpenFile())

    assert judged(given(MONITOR), wrote("/var/log/nginx/a/b")) == []
    assert [found.details["deed"] for found in judged(given(MONITOR), wrote("/etc/passwd"))] == ["write"]


@pytest.mark.parametrize(
    "wanted",
    [
        pytest.param(given(), id="no profile"),
        pytest.param(given(msgspec.structs.replace(MONITOR, repository="redis")), id="another image's"),
        pytest.param(given(msgspec.structs.replace(MONITOR, state=ProfileState.LEARNING)), id="being learned"),
        pytest.param(given(MONITOR, detectors={DEPARTURE: DetectorSettings(enabled=False)}), id="switched off"),
        pytest.param(
            given(MONITOR, detectors={DEPARTURE: DetectorSettings(parameters={"exempt_paths": ["/bin/*"]})}),
            id="exempt",
        ),
    ],
)
def test_nothing_departs(wanted: NodePolicies):
    assert judged(wanted, SHELL) == []


def test_monitoring_alerts_whatever_the_policys_action():
    (found,) = judged(given(MONITOR, detectors=KILL), SHELL)

    assert (found.action, found.would) == (Action.ALERT, Action.KILL)


def test_a_canary_protects_on_its_nodes_and_monitors_on_the_others():
    for nodes, expected in ((["n1"], (Action.KILL, None)), (["n2"], (Action.ALERT, Action.KILL))):
        canary = msgspec.structs.replace(PROTECT, rollout=Rollout(Mode.CANARY, nodes))
        (found,) = judged(given(canary, detectors=KILL), SHELL)
        assert (found.action, found.would) == expected


def test_where_it_is_not_in_force_nothing_is_refused():
    deny = {DEPARTURE: DetectorSettings(action=Action.DENY)}
    canary = given(msgspec.structs.replace(PROTECT, rollout=Rollout(Mode.CANARY, ["n2"])), detectors=deny)
    assert not denies(in_force(canary, simulated(canary, "n1", {})))
    assert denies(in_force(canary, simulated(canary, "n2", {})))
    assert not denies(in_force(canary, simulated(canary, "n2", {"p1": 1}))), "the node took it back"
    assert denies(in_force(canary, simulated(canary, "n2", {"p1": 2}))), "that was another version"


def test_protecting_acts_as_the_policy_says():
    (found,) = judged(given(PROTECT, detectors=KILL), SHELL)

    assert found.action is Action.KILL


@pytest.mark.parametrize("kind", [EventKind.EXEC, EventKind.CONNECT])
def test_what_was_not_refused_though_it_should_be_is_ended(kind: EventKind):
    """What the kernel asked about never becomes an event: a program on a volume. Nor is a connection always refused."""
    seen = SHELL if kind is EventKind.EXEC else CONNECTED
    deny = {DEPARTURE: DetectorSettings(action=Action.DENY)}
    (found,) = judged(given(PROTECT, detectors=deny), seen)
    assert (found.action, found.stopped) == (Action.KILL, False)
    assert judged(given(MONITOR, detectors=deny), seen)[0].action is Action.ALERT
    (only,) = judged(given(PROTECT, detectors=deny, rollout=Rollout(mode=Mode.SIMULATE)), seen)
    assert (only.action, only.would) == (Action.ALERT, Action.DENY)


def test_a_unix_socket_without_a_file_is_no_departure():
    """The kernel tells of it only where a rule asks, so no profile has learned it."""
    local = event(EventKind.CONNECT, path=None, socket=Socket("unix", "stream", 0, remote=Endpoint("@bus")))
    assert judged(given(PROTECT, detectors={DEPARTURE: DetectorSettings(action=Action.DENY)}), local) == []


class TestRefusedConnections:
    """The kernel refused it before anybody judged it."""

    DENY = {DEPARTURE: DetectorSettings(action=Action.DENY)}  # noqa: RUF012 -- nobody changes it
    REFUSED = msgspec.structs.replace(CONNECTED, stopped=True)

    def test_nothing_is_left_to_do(self):
        (found,) = judged(given(PROTECT, detectors=self.DENY), self.REFUSED)
        assert (found.action, found.stopped, found.details["what"]) == (Action.DENY, True, "tcp 203.0.113.7 443")

    def test_it_is_one_incident_an_hour(self):
        again = msgspec.structs.replace(self.REFUSED, sequence=8)
        assert len({found.id for found in judged(given(PROTECT, detectors=self.DENY), self.REFUSED, again)}) == 1

    def test_it_is_told_though_a_younger_profile_has_it_and_though_an_installer_did_it(self):
        entries = (Entry(Behaviour.CONNECT, "tcp 203.0.113.0/24 443", 1),)
        younger = msgspec.structs.replace(PROTECT, entries=entries)
        assert judged(given(younger, detectors=self.DENY), CONNECTED) == []
        assert len(judged(given(younger, detectors=self.DENY), self.REFUSED)) == 1
        installing = {DEPARTURE: DetectorSettings(action=Action.DENY, parameters={"installers": ["/bin/*"]})}
        actor = msgspec.structs.replace(self.REFUSED.process, exe="/bin/get")
        by_installer = msgspec.structs.replace(self.REFUSED, lineage=(actor,))
        assert len(judged(given(PROTECT, detectors=installing), by_installer)) == 1
        assert judged(given(PROTECT, detectors=installing), msgspec.structs.replace(by_installer, stopped=False)) == []


class TestFences:
    def test_of_containers_whose_policy_denies_what_departs(self):
        deny = {DEPARTURE: DetectorSettings(action=Action.DENY)}
        made = plan(given(MONITOR, PROTECT_REDIS, detectors=deny))
        assert (made.fence(REDIS), made.fence(NGINX), made.fence(None)) == (2, 0, 0)
        assert made.fences == {2: PROTECT_REDIS}

    @pytest.mark.parametrize("detectors", [KILL, {}, {DEPARTURE: DetectorSettings(False, Action.DENY)}])
    def test_of_no_others(self, detectors: dict[str, DetectorSettings]):
        made = plan(given(PROTECT_REDIS, detectors=detectors))
        assert (made.fence(REDIS), made.fences) == (0, {})

    def test_of_none_where_it_is_not_in_force(self):
        deny = {DEPARTURE: DetectorSettings(action=Action.DENY)}
        canary = given(msgspec.structs.replace(PROTECT, rollout=Rollout(Mode.CANARY, ["n2"])), detectors=deny)
        assert plan(in_force(canary, simulated(canary, "n1", {}))).fence(NGINX) == 0
        assert plan(in_force(canary, simulated(canary, "n2", {}))).fence(NGINX) == 1


def test_what_a_node_told_that_is_no_network_lets_nothing_through_and_breaks_nothing():
    lies = (
        "tcp nowhere 443",
        "tcp 203.0.113.0/24 0",
        "tcp 203.0.113.0/24 -1",
        "sctp 0.0.0.0/0 *",
        "tcp",
        "a b c d",
        "",
    )
    entries = tuple(Entry(Behaviour.CONNECT, lie, 9) for lie in lies)
    (found,) = judged(given(msgspec.structs.replace(MONITOR, entries=entries)), CONNECTED)
    assert found.details["what"] == "tcp 203.0.113.7 443"


def test_protecting_under_a_simulated_policy_says_what_it_would_have_done():
    (found,) = judged(given(PROTECT, detectors=KILL, rollout=Rollout(Mode.SIMULATE)), SHELL)

    assert (found.action, found.would) == (Action.ALERT, Action.KILL)


def test_the_same_departure_is_one_incident_an_hour_and_container():
    again = msgspec.structs.replace(SHELL, sequence=8)
    later = msgspec.structs.replace(SHELL, sequence=9, at=AT + timedelta(hours=1))
    other = msgspec.structs.replace(SHELL, sequence=10, container=ContainerRef("other"))
    ids = [found.id for found in judged(given(MONITOR), SHELL, again, later, other)]

    assert ids[0] == ids[1]
    assert len(set(ids)) == 3


def test_each_one_that_is_answered_is_an_incident():
    again = msgspec.structs.replace(SHELL, sequence=8)

    assert len({found.id for found in judged(given(PROTECT, detectors=KILL), SHELL, again)}) == 2


class TestPlan:
    def test_only_containers_of_the_image_cost_more(self):
        made = plan(given(MONITOR))

        assert EventKind.FILE_OPEN in made.slots[made.slot(NGINX)].kinds
        assert made.slots[made.slot(REDIS)].wants == ()
        assert made.slot(NGINX) != made.slot(REDIS)

    def test_learning_needs_the_same(self):
        made = plan(given(msgspec.structs.replace(MONITOR, state=ProfileState.LEARNING)))

        assert made.slots[made.slot(NGINX)] == plan(given(MONITOR)).slots[made.slot(NGINX)]

    def test_a_container_that_nobody_has_met_may_be_one_of_them(self):
        assert EventKind.CONNECT in plan(given(MONITOR)).slots[UNKNOWN].kinds

    def test_every_policy_has_its_own(self):
        two = policies(policy("image", images=("nginx:*",), detectors=KILL), policy("all", nodes=("*",)))
        made = plan(
            msgspec.structs.replace(two, profiles=(MONITOR, msgspec.structs.replace(MONITOR, repository="redis")))
        )

        assert {made.slot(NGINX), made.slot(REDIS)} == {4, 5}

    def test_switched_off_by_the_policy_it_costs_nothing(self):
        made = plan(given(MONITOR, detectors={DEPARTURE: DetectorSettings(enabled=False)}))

        assert made.slots[made.slot(NGINX)].wants == ()

    def test_without_a_profile_the_detector_wants_nothing(self):
        assert Departure().wants(DetectorSettings()).kinds == frozenset()
