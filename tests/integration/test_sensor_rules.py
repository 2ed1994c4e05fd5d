"""Rules of a policy on the real kernel: they fire by their own deed, and by no other."""

from collections.abc import Iterator

import pytest
from tests.support.docker import docker, import_image
from tests.support.events import policies, policy
from tests.support.sensor import Watch, build_probe, open_sensor, state_directory

from hullguard.detect.engine import OUTPUT
from hullguard.model.policy import RulesSpec, RuleText

pytestmark = [pytest.mark.docker, pytest.mark.bpf]

RULES = """
- macro: inside
  condition: container.id != host
- rule: Key is read
  desc: d
  condition: >
    inside and evt.type in (open, openat, openat2) and evt.is_open_read = true and fd.name startswith /root/keys/
  output: key %fd.name read by %proc.cmdline of %user.uid
  priority: ERROR
- rule: Tool runs
  desc: d
  condition: inside and evt.type in (execve, execveat) and proc.name = sleep and proc.args contains 0.01
  output: sleep %proc.args
  priority: WARNING
- rule: Log goes
  desc: d
  condition: inside and evt.type in (unlink, unlinkat) and evt.failed = false and fs.path.name startswith /var/log/
  output: gone %fs.path.name
  priority: NOTICE
- rule: Name of a key is taken
  desc: d
  condition: inside and evt.type in (rename, renameat, renameat2) and fs.path.target startswith /root/keys/
  output: "%fs.path.source becomes %fs.path.target"
  priority: NOTICE
- rule: Proxy is set
  desc: d
  condition: inside and evt.type in (execve, execveat) and proc.env contains 'HTTP_PROXY=evil'
  output: proxy for %proc.cmdline
  priority: NOTICE
- rule: Silent one
  desc: d
  condition: inside and evt.type in (execve, execveat)
  output: never
  priority: ERROR
  enabled: false
"""


@pytest.fixture(scope="module")
def watch(docker_host: str) -> Iterator[Watch]:
    rules = RulesSpec(pack=False, files=[RuleText("own.yaml", RULES)])
    with state_directory() as directory:
        sensor = open_sensor(directory, docker_host)
        try:
            yield Watch(sensor, docker_host, policies(policy("own", nodes=("*",), rules=rules)))
        finally:
            sensor.close(unpin=True)


@pytest.fixture(scope="module")
def victim(watch: Watch, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    probe = build_probe(tmp_path_factory.mktemp("probe"))
    import_image(watch.address, "hullguard-test/keys", {"bin/probe": probe, "root/keys/a": b"x", "var/log/b": b"y"})
    container = watch.run("/bin/sleep", "1000", image="hullguard-test/keys")
    watch.events(container, bool)
    yield container
    docker(watch.address, "rm", "-f", container)


@pytest.mark.parametrize(
    ("deed", "rule", "output"),
    [
        ("cat /root/keys/a", "Key is read", "key /root/keys/a read by cat /root/keys/a of 0"),
        ("ln -s /root/keys /tmp/k; cat /tmp/k/a", "Key is read", "key /root/keys/a read by cat /tmp/k/a of 0"),
        ("/bin/sleep 0.01", "Tool runs", "sleep 0.01"),
        ("HTTP_PROXY=evil /bin/sleep 0.03", "Proxy is set", "proxy for sleep 0.03"),
        ("rm /var/log/b", "Log goes", "gone /var/log/b"),
        ("echo > /tmp/n; mv /tmp/n /root/keys/n", "Name of a key is taken", "/tmp/n becomes /root/keys/n"),
    ],
)
def test_a_rule_fires_by_its_deed(watch: Watch, victim: str, deed: str, rule: str, output: str):
    watch.shell(victim, deed)

    (found,) = watch.observations(victim)
    assert (found.rule, found.details[OUTPUT]) == (rule, output)


def test_other_deeds_are_not_told(watch: Watch, victim: str):
    watch.shell(victim, "cat /etc/passwd > /tmp/copy; rm /tmp/copy; mkdir /tmp/d; /bin/sleep 0.02")
    watch.shell(victim, "cat /root/keys/a")

    found = watch.observations(victim)
    assert {one.rule for one in found} == {"Key is read"}
