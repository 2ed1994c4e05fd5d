"""Every rule of the pack and of Falco's stable file is fired by a real deed, in a real container, on the real kernel.

One sensor and one engine for all, a policy for each set of rules by the image's name. What benign containers do, who
begin first, is judged meanwhile.
"""

import contextlib
import re
import time
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

import pytest
from tests.support.deeds import running_sensor
from tests.support.docker import docker, said
from tests.support.events import policies, policy
from tests.support.falco import ABSENT, stable_rules
from tests.support.falco_deeds import ON_THE_HOST, deed
from tests.support.self_tests import check, heard_under, import_images, of, on_the_host, outcomes, table, told

from hullguard.agent.selftest.deeds import deed_of
from hullguard.agent.selftest.run import Outcome
from hullguard.agent.sensor.bpf_sensor import BpfSensor
from hullguard.detect import default_policies
from hullguard.detect.pack import load_pack
from hullguard.detect.rules.ruleset import RuleSet
from hullguard.model.policy import NodePolicies, RulesSpec, RuleText

pytestmark = [pytest.mark.docker, pytest.mark.bpf]

RULES = load_pack().rules
FALCO = stable_rules()
FALCOS_RULES = RuleSet.load([FALCO]).rules if FALCO else ()
BENIGN = Path(__file__).parents[1] / "data" / "benign"
KIND_OF = {
    "package": "debian",
    "start-script": "busybox",
    "database": "debian",
    "web-server": "busybox",
    "cron": "busybox",
}
CRON_TABLE = b"* * * * * /bin/sh -c 'date >> /tmp/cron-ran; find /tmp -name core'\n"
POD = ("KUBERNETES_SERVICE_HOST=127.0.0.77",)
"""What a kubelet gives every container."""
OPERATOR = (
    "ls -la /; ps; env; id; df; cat /proc/1/status /proc/mounts; tail -n 3 /etc/passwd; du -s /etc; hostname",
    "echo ready > /tmp/ready; test -f /tmp/ready; nc -w 1 127.0.0.1 9 < /dev/null; kill -0 1; cp /etc/passwd /tmp/copy; rm /tmp/copy",
)
"""What people and health checks run in a container without a terminal."""


def both() -> NodePolicies:
    """The default policy, and one of Falco's rules alone for images with Falco's name."""
    (usual,) = default_policies().policies
    if FALCO is None:
        return default_policies()
    rules = RulesSpec(pack=False, files=[RuleText(FALCO.name, FALCO.content.decode())])
    return policies(policy("falco", images=("hullguard-test/falco-*",), rules=rules), usual)


def of_the_host() -> NodePolicies:
    """Falco's rules for the host's own processes, and for nothing else."""
    assert FALCO is not None
    rules = RulesSpec(pack=False, host=True, files=[RuleText(FALCO.name, FALCO.content.decode())])
    return policies(policy("falco", nodes=("*",), rules=rules))


class Life:
    """What goes on: benign containers from the beginning, deeds when they are asked for."""

    def __init__(self, address: str, sensor: BpfSensor, stack: contextlib.ExitStack) -> None:
        self.address, self._sensor, self._stack = address, sensor, stack
        self.witness = stack.enter_context(heard_under(sensor, both()))
        files = {"var/spool/cron/crontabs/root": CRON_TABLE}
        self.sets = ("pack", "falco") if FALCO else ("pack",)
        self.images = {name: import_images(address, name, files, POD) for name in self.sets}
        self.benign = {(rules, name): self._begin(rules, name) for rules in self.sets for name in KIND_OF}

    def _begin(self, rules: str, name: str) -> str:
        script = (BENIGN / f"{name}.sh").read_text(encoding="utf-8")
        image = self.images[rules][KIND_OF[name]]
        return said(self.address, "run", "-d", "--network", "none", image, "/bin/sh", "-c", script)

    @cached_property
    def pack(self) -> dict[str, Outcome]:
        return outcomes(self.address, self.witness, self.images["pack"], [deed_of(rule) for rule in RULES])

    @cached_property
    def falco(self) -> dict[str, Outcome]:
        deeds = [deed(rule.name) for rule in FALCOS_RULES if rule.name not in ON_THE_HOST]
        return outcomes(self.address, self.witness, self.images["falco"], deeds)

    def on_the_host(self, rule: str) -> Outcome:
        """Last: what containers do is not heard any more."""
        self._stack.close()
        witness = self._stack.enter_context(heard_under(self._sensor, of_the_host()))
        self.falco[rule] = outcome = on_the_host(witness, rule, ON_THE_HOST[rule])
        return outcome

    def finished(self, container: str, seconds: float = 120) -> tuple[int, str]:
        """The exit code, and what was printed, when all that it did was judged."""
        deadline = time.monotonic() + seconds
        while said(self.address, "inspect", "-f", "{{.State.Running}}", container) == "true":
            assert time.monotonic() < deadline, "the script does not end"
            time.sleep(0.2)
        printed = docker(self.address, "logs", container, check=False)
        self.told_last(container)
        code = int(said(self.address, "inspect", "-f", "{{.State.ExitCode}}", container))
        return code, (printed.stdout + printed.stderr).decode(errors="replace")[-2000:]

    def told_last(self, container: str) -> None:
        """Until a later container's deed was heard, which comes after all of this one's."""
        script = "cp /bin/busybox /tmp/.h; /tmp/.h true"
        image = self.images["pack"]["busybox"]
        marker = said(self.address, "run", "-d", "--network", "none", image, "/bin/sh", "-c", script)
        assert told(self.witness, marker), f"nothing is heard any more: {self.witness.broken()}"
        docker(self.address, "rm", "-f", marker)


LINES = (
    "mkdir -p /etc/cron.d /etc/init.d && echo '* * * * * root true' > /etc/cron.d/nightly && echo true > /etc/init.d/app",
    "mkdir -p /root/.ssh && echo 'ssh-ed25519 AAAA a@b' >> /root/.ssh/authorized_keys && echo 'umask 027' >> /root/.profile",
    "mkdir -p /usr/bin && cp /bin/busybox /usr/bin/busybox && chmod 4755 /usr/bin/busybox && /usr/bin/busybox true",
)
"""What images are made of; each is an incident where a running container does it."""
HIDDEN = "cp /bin/busybox /tmp/.h; /tmp/.h true || true"
"""No image needs this."""
STAY = "sleep 1"
"""Until a busy machine's sensor looked whose events these are."""
OBJECTS_BY_ITS_OWN_WORDS = {"web-server": {"Redirect STDOUT/STDIN to Network Connection in Container"}}
"""busybox's httpd gives a child the connection as its standard output, which is what this rule of Falco's looks for."""


@pytest.fixture(scope="module")
def life(docker_host: str, request: pytest.FixtureRequest) -> Iterator[Life]:
    with running_sensor(docker_host) as sensor, contextlib.ExitStack() as stack:
        lived = Life(docker_host, sensor, stack)
        yield lived
        docker(docker_host, "rm", "-f", *lived.benign.values())
        capture = request.config.pluginmanager.getplugin("capturemanager")
        with capture.global_and_fixture_disabled() if capture else contextlib.nullcontext():
            print(table("rule of the pack", lived.pack))
            print(table("rule of Falco's stable file", lived.falco) if FALCO else f"  {ABSENT}")


@pytest.mark.parametrize("name", [rule.name for rule in RULES])
def test_a_rule_is_fired_by_its_own_self_test(life: Life, name: str) -> None:
    check(life.pack[name])


@pytest.mark.shared
@pytest.mark.parametrize(
    "name",
    [rule.name for rule in FALCOS_RULES if rule.name not in ON_THE_HOST]
    or [pytest.param("", marks=pytest.mark.skip(ABSENT))],
)
def test_a_rule_of_falcos_is_fired_by_its_deed(life: Life, name: str) -> None:
    check(life.falco[name])


@pytest.mark.parametrize("name", [*KIND_OF])
def test_ordinary_life_is_no_incident(life: Life, name: str) -> None:
    container = life.benign["pack", name]
    code, printed = life.finished(container)

    assert code == 0, printed
    assert of(life.witness, container) == []


@pytest.mark.shared
@pytest.mark.skipif(FALCO is None, reason=ABSENT)
@pytest.mark.parametrize("name", [*KIND_OF])
def test_nor_does_any_rule_of_falcos_object_to_it(life: Life, name: str) -> None:
    container = life.benign["falco", name]
    code, printed = life.finished(container)

    assert code == 0, printed
    assert {rule for rule, _ in of(life.witness, container)} == OBJECTS_BY_ITS_OWN_WORDS.get(name, set())


def test_nor_is_what_operators_and_health_checks_do(life: Life) -> None:
    image = life.images["pack"]["busybox"]
    container = said(life.address, "run", "-d", "--network", "none", image, "/bin/sleep", "1000")
    for script in OPERATOR:
        docker(life.address, "exec", container, "/bin/sh", "-c", script, check=False)
    life.told_last(container)
    docker(life.address, "rm", "-f", container)

    assert of(life.witness, container) == []


def test_nor_is_what_dockers_builder_writes_into_an_image(life: Life, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_BUILDKIT", "0")
    image = life.images["pack"]["busybox"]
    text = "\n".join([f"FROM {image}", *(f"RUN {line}; {STAY}" for line in (*LINES, HIDDEN))])
    build = docker(life.address, "build", "--no-cache", "--rm=false", "--network", "none", "-", stdin=text.encode())
    steps = re.findall(r"Running in ([0-9a-f]{12})", build.stdout.decode())
    byhand = said(life.address, "run", "-d", "--network", "none", image, "/bin/sh", "-c", " && ".join(LINES))
    life.finished(byhand)
    named = [said(life.address, "inspect", "-f", "{{.Id}}", step) for step in steps]
    docker(life.address, "rm", "-f", byhand, *steps)

    assert [sorted({rule for rule, _ in of(life.witness, step)}) for step in named] == [
        *[[]] * len(LINES),
        ["execution.hidden-program"],
    ]
    assert {rule for rule, _ in of(life.witness, byhand)} >= {
        *("persistence.cron", "persistence.init-script", "persistence.ssh-key", "persistence.shell-profile"),
        *("persistence.system-program", "container.drop-and-execute"),
    }


@pytest.mark.shared
@pytest.mark.skipif(FALCO is None, reason=ABSENT)
@pytest.mark.parametrize("name", ON_THE_HOST)
def test_a_rule_of_falcos_about_accounts_is_fired_on_the_host(life: Life, name: str) -> None:
    check(life.on_the_host(name))
