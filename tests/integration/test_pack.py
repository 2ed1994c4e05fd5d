"""Every rule of the pack is fired by its own self-test, in a real container, through the real sensor."""

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.deeds import running_sensor
from tests.support.docker import docker, said
from tests.support.self_tests import BUSYBOX, DEBIAN, Listener, import_busybox, import_debian, listening, outcome, start

from hullguard.detect.pack import load_pack
from hullguard.detect.rules.ruleset import Rule

pytestmark = [pytest.mark.docker, pytest.mark.bpf]

RULES = load_pack().rules
PATIENCE = 30
"""Seconds until a rule counts as silent; a machine may be slow."""
BENIGN = Path(__file__).parents[1] / "data" / "benign"
IMAGE_OF = {"web-server": BUSYBOX, "database": DEBIAN, "start-script": BUSYBOX, "package": DEBIAN, "cron": BUSYBOX}
CRON_TABLE = b"* * * * * /bin/sh -c 'date >> /tmp/cron-ran; find /tmp -name core'\n"
OPERATOR = (
    "ls -la /; ps; env; id; df; cat /proc/1/status /proc/mounts; tail -n 3 /etc/passwd; du -s /etc; hostname",
    "echo ready > /tmp/ready; test -f /tmp/ready; nc -w 1 127.0.0.1 9 < /dev/null; kill -0 1; cp /etc/passwd /tmp/copy; rm /tmp/copy",
)
"""What people and health checks run in a container without a terminal."""
NEEDED = {
    "escape.sysrq": Path("/proc/sysrq-trigger"),
    "kernel.module": Path("/proc/modules"),
    "container.host-network": Path("/proc/1/ns/net"),
}
"""What some kernels are built without, or do not let even root see."""


@pytest.fixture(scope="module")
def listener(docker_host: str, request: pytest.FixtureRequest) -> Iterator[Listener]:
    import_busybox(docker_host, {"var/spool/cron/crontabs/root": CRON_TABLE})
    import_debian(docker_host)
    with running_sensor(docker_host) as sensor, listening(sensor) as started:
        yield started
        capture = request.config.pluginmanager.getplugin("capturemanager")
        with capture.global_and_fixture_disabled() if capture else contextlib.nullcontext():
            print("\n".join(table(started)))


def there(path: Path) -> bool:
    try:
        path.stat()
    except OSError:
        return False
    return True


def table(listener: Listener) -> list[str]:
    """Rule, fired, latency."""
    first: dict[str, float] = {}
    for one in listener.heard:
        first.setdefault(one.rule, one.seconds)
    rows = [f"  {rule.name:34} {_fired(rule.name, listener.tried, first)}" for rule in RULES]
    return ["", f"  {'rule':34} fired  latency", *rows]


def _fired(name: str, tried: set[str], first: dict[str, float]) -> str:
    if name in first:
        return f"yes    {first[name] * 1000:8.1f} ms"
    return "no" if name in tried else "not tried"


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_a_rule_is_fired_by_its_own_self_test(docker_host: str, listener: Listener, rule: Rule) -> None:
    if rule.name in NEEDED and not there(NEEDED[rule.name]):
        pytest.skip(f"this machine does not show {NEEDED[rule.name]}")
    container = start(docker_host, rule)
    listener.tried.add(rule.name)
    try:
        deadline = time.monotonic() + PATIENCE
        while not any(one.rule == rule.name for one in listener.of(container)) and time.monotonic() < deadline:
            time.sleep(0.05)
        heard = {one.rule for one in listener.of(container)}
        assert rule.name in heard, f"heard {sorted(heard)}; it said: {outcome(docker_host, container)}"
    finally:
        docker(docker_host, "rm", "-f", container)


def finished(docker_host: str, container: str, seconds: float = 120) -> tuple[int, str]:
    """The exit code, and what was printed."""
    deadline = time.monotonic() + seconds
    while said(docker_host, "inspect", "-f", "{{.State.Running}}", container) == "true":
        assert time.monotonic() < deadline, "the script does not end"
        time.sleep(0.2)
    return int(said(docker_host, "inspect", "-f", "{{.State.ExitCode}}", container)), outcome(docker_host, container)


def told_last(docker_host: str, listener: Listener, container: str) -> None:
    """Until a later container's deed was heard, which comes after all of this one's."""
    marker = start(docker_host, next(rule for rule in RULES if rule.name == "execution.hidden-program"))
    deadline = time.monotonic() + PATIENCE
    while not listener.of(marker) and time.monotonic() < deadline:
        time.sleep(0.05)
    docker(docker_host, "rm", "-f", marker, container)
    assert listener.of(marker), "the listener hears nothing any more"


@pytest.mark.parametrize("name", IMAGE_OF)
def test_ordinary_life_is_no_incident(docker_host: str, listener: Listener, name: str) -> None:
    script = (BENIGN / f"{name}.sh").read_text(encoding="utf-8")
    container = said(docker_host, "run", "-d", "--network", "none", IMAGE_OF[name], "/bin/sh", "-c", script)
    code, printed = finished(docker_host, container)
    told_last(docker_host, listener, container)

    assert code == 0, printed
    assert [(one.rule, one.text) for one in listener.of(container)] == []


def test_nor_is_what_operators_and_health_checks_do(docker_host: str, listener: Listener) -> None:
    container = said(docker_host, "run", "-d", "--network", "none", BUSYBOX, "/bin/sleep", "1000")
    for script in OPERATOR:
        docker(docker_host, "exec", container, "/bin/sh", "-c", script, check=False)
    told_last(docker_host, listener, container)

    assert [(one.rule, one.text) for one in listener.of(container)] == []
