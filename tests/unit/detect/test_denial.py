"""What is to be refused in a container, by the policy that holds for it."""

from tests.support.events import policies, policy

from hullguard.detect import DenyRule, denial, denies, plan
from hullguard.model.event import ImageRef
from hullguard.model.incident import PolicyRef
from hullguard.model.policy import Action, DetectorSettings

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
