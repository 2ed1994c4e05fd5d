"""What is to be refused in a container, by the policy that holds for it."""

import msgspec
import pytest
from tests.support.events import policies, policy

from hullguard.detect import DEPARTURE, DenyRule, denial, denies, plan
from hullguard.detect.denial import Listed
from hullguard.model.event import ImageRef
from hullguard.model.incident import PolicyRef
from hullguard.model.policy import Action, DetectorSettings, NodePolicies
from hullguard.model.profile import Behaviour, Entry, Profile, ProfileState

READ, DROP = "file.read-sensitive", "container.drop-and-execute"
NGINX, REDIS = ImageRef("sha256:1", "nginx:1.25"), ImageRef("sha256:2", "redis:7")
DENY = {
    READ: DetectorSettings(action=Action.DENY, parameters={"paths": ["/etc/shadow"], "exempt_programs": ["/bin/su"]}),
    DROP: DetectorSettings(action=Action.DENY, parameters={"exempt_paths": ["/opt/*"]}),
    "container.terminal-shell": DetectorSettings(),
}


def test_rules_are_those_of_the_containers_policy():
    given = policies(policy("strict", images=("nginx:*",), detectors=DENY), policy("all", nodes=("*",)))
    found = denial(given, NGINX)
    assert found is not None
    assert found.policy == PolicyRef("strict", 1)
    assert found.rules == (
        DenyRule(READ, exec=False, paths=("/etc/shadow",), exempt=("/bin/su",)),
        DenyRule(DROP, exec=True, exempt=("/opt/*",)),
    )
    assert denial(given, REDIS) is None
    assert denial(given, None) is None, "an unknown image has no policy bound to an image"


def test_nothing_is_refused_where_nothing_is_denied():
    for action in (Action.ALERT, Action.KILL, Action.PAUSE):
        given = policies(policy("p", nodes=("*",), detectors={DROP: DetectorSettings(action=action)}))
        assert denial(given, NGINX) is None
        assert not denies(given)
    off = {DROP: DetectorSettings(enabled=False, action=Action.DENY), "future": DetectorSettings(action=Action.DENY)}
    assert not denies(policies(policy("p", nodes=("*",), detectors=off)))
    assert not denies(policies(policy("p", nodes=("*",), detectors=DENY, enabled=False)))
    assert denies(policies(policy("p", nodes=("*",), detectors=DENY)))


def test_what_cannot_be_denied_is_killed_by_the_kernel():
    slots = plan(policies(policy("p", nodes=("*",), detectors=DENY))).slots
    assert slots[2].kill_new
    assert slots[2].exempt == ("/opt/*",)


def profiled(state: ProfileState, settings: DetectorSettings) -> NodePolicies:
    entries = (
        Entry(Behaviour.EXEC, "/usr/sbin/nginx", 2),
        Entry(Behaviour.EXEC, "/usr/bin/curl", 1, accepted=False),
        Entry(Behaviour.WRITE, "/var/log/*", 2),
        Entry(Behaviour.CONNECT, "tcp 10.0.0.0/8 443", 2),
    )
    given = policies(policy("p", nodes=("*",), detectors={DEPARTURE: settings}))
    return msgspec.structs.replace(given, profiles=(Profile("x", "nginx", state, 1, 2, entries),))


def test_a_protected_profile_is_what_its_image_may_do():
    settings = DetectorSettings(action=Action.DENY, parameters={"exempt_paths": ["/opt/*"], "installers": []})
    given = profiled(ProfileState.PROTECT, settings)
    found = denial(given, NGINX)
    assert found is not None
    assert found.listed == Listed(DEPARTURE, ("/usr/sbin/nginx",), ("/var/log/*",), ("/opt/*",), ())
    assert found.rules == ()
    assert denies(given)
    assert denial(given, REDIS) is None
    assert denial(given, None) is None


@pytest.mark.parametrize(
    ("state", "settings"),
    [
        (ProfileState.MONITOR, DetectorSettings(action=Action.DENY)),
        (ProfileState.REVIEW, DetectorSettings(action=Action.DENY)),
        (ProfileState.PROTECT, DetectorSettings(action=Action.KILL)),
        (ProfileState.PROTECT, DetectorSettings()),
        (ProfileState.PROTECT, DetectorSettings(action=Action.DENY, enabled=False)),
    ],
)
def test_no_other_profile_refuses_anything(state: ProfileState, settings: DetectorSettings):
    assert denial(profiled(state, settings), NGINX) is None
    assert not denies(profiled(state, settings))
