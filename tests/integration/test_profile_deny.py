"""A protected profile before the deed: another program does not run and another file is not written, in real containers."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from tests.support.agents import child_environment, come_true
from tests.support.denying import Node, node, permitted
from tests.support.docker import docker, docker_host, import_image, said
from tests.support.events import policies, policy

from hullguard.agent.policies import Wanted
from hullguard.detect import DEPARTURE
from hullguard.model.policy import Action, DetectorSettings, NodePolicies
from hullguard.model.profile import Behaviour, Entry, Profile, ProfileState

__all__ = ["child_environment", "docker_host", "node", "permitted"]

pytestmark = [pytest.mark.docker, pytest.mark.usefixtures("child_environment")]

IMAGE = "hullguard-test/profiled"
LOADER = Path("/lib64/ld-linux-x86-64.so.2")
LINKED = Path("/usr/bin/env")
"""A program that is linked when it starts."""
LEARNED = (
    Entry(Behaviour.EXEC, "/bin/busybox", 2),
    Entry(Behaviour.EXEC, "/srv/linked", 2),
    Entry(Behaviour.EXEC, "/srv/removed", 2, accepted=False),
    Entry(Behaviour.WRITE, "/srv/log", 2),
    Entry(Behaviour.WRITE, "/tmp/*", 2),
)
SETTINGS = "order hosts"


def given(state: ProfileState = ProfileState.PROTECT, action: Action = Action.DENY) -> NodePolicies:
    profile = Profile("p", IMAGE, state, 1, 2, LEARNED)
    settings = DetectorSettings(action=action, parameters={"exempt_paths": ["/srv/spare/*"]})
    return msgspec.structs.replace(
        policies(policy("strict", nodes=("*",), detectors={DEPARTURE: settings})), profiles=(profile,)
    )


@pytest.fixture(scope="module")
def image(docker_host: str) -> str:
    if not (LOADER.exists() and LINKED.exists()):
        pytest.skip("this machine has no program for x86-64 that is linked when it starts")
    library = next(path for path in map(Path, ("/lib/x86_64-linux-gnu/libc.so.6", "/lib64/libc.so.6")) if path.exists())
    busybox = next(path for path in map(Path, ("/bin/busybox", "/usr/bin/busybox")) if path.exists())
    import_image(
        docker_host,
        IMAGE,
        {
            "lib64/ld-linux-x86-64.so.2": LOADER.read_bytes(),
            "lib/x86_64-linux-gnu/libc.so.6": library.read_bytes(),
            "srv/linked": LINKED.read_bytes(),
            "srv/removed": LINKED.read_bytes(),
            "srv/other/busybox": busybox.read_bytes(),
            "srv/spare/busybox": busybox.read_bytes(),
            "srv/script": b"#!/bin/sh\necho script ran\n",
            "srv/log": b"",
        },
    )
    return IMAGE


@pytest.fixture
def container(docker_host: str, image: str) -> Iterator[str]:
    words = ("run", "-d", "--network", "none", "--tmpfs", "/scratch:exec", image, "/bin/sleep", "600")
    made = said(docker_host, *words)
    docker(
        docker_host, "exec", made, "/bin/sh", "-c", "chmod -R 755 /srv /lib /lib64; cp /bin/busybox /scratch/busybox"
    )
    yield made
    docker(docker_host, "rm", "-f", made, check=False)


@pytest.fixture
async def guarded(node: Node, container: str) -> str:
    """A container whose image's profile is in force."""
    node.start(given())
    await node.ready(container)
    return container


@pytest.mark.parametrize("program", ["/srv/other/busybox", "/srv/removed", "/scratch/busybox"])
async def test_a_program_outside_the_profile_does_not_run(node: Node, guarded: str, program: str):
    words = "touch" if program != "/srv/removed" else "/bin/touch"
    _, out = await node.shell(guarded, f"{program} {words} /tmp/it-ran; echo status $?; ls /tmp")
    assert "status 126" in out
    assert "it-ran" not in out
    found = await node.incident(lambda each: each.rule == DEPARTURE)
    assert (found.action, found.stopped, found.container.id) == (Action.DENY, True, guarded)
    told = {name: found.details[name] for name in ("deed", "what", "profile", "learned_from", "program")}
    assert told == {"deed": "exec", "what": program, "profile": IMAGE, "learned_from": "2", "program": "/bin/busybox"}
    assert found.details["why"] == ("refused" if program == "/srv/removed" else "never-seen")


@pytest.mark.parametrize(
    "script",
    [
        "echo evil >> /etc/hosts.conf",
        "echo evil > /etc/hosts.conf",
        "ln -s /etc/hosts.conf /tmp/link; echo evil > /tmp/link",
        "dd if=/etc/passwd of=/proc/self/root/etc/hosts.conf",
        "cp /etc/passwd /etc/hosts.conf",
    ],
)
async def test_a_file_outside_the_profile_is_not_written(node: Node, guarded: str, script: str):
    _, out = await node.shell(guarded, script)
    assert "Operation not permitted" in out
    assert said(node.host, "exec", guarded, "/bin/cat", "/etc/hosts.conf") == SETTINGS
    found = await node.incident(lambda each: each.rule == DEPARTURE)
    assert (found.action, found.stopped) == (Action.DENY, True)
    assert (found.details["deed"], found.details["what"]) == ("write", "/etc/hosts.conf")


async def test_a_new_file_stays_empty_and_one_on_a_tmpfs_too(node: Node, guarded: str):
    _, out = await node.shell(guarded, "echo evil > /etc/new; echo evil > /scratch/new; cat /etc/new /scratch/new")
    assert out.count("Operation not permitted") == 2
    assert "evil" not in out.replace("Operation", "").splitlines()


async def test_what_was_learned_goes_on(node: Node, guarded: str):
    script = (
        "echo a >> /srv/log; echo b > /tmp/x; echo c > /dev/null; cat /srv/log /tmp/x /etc/passwd;"
        "/srv/linked; /srv/script; /srv/spare/busybox id; echo status $?"
    )
    status, out = await node.shell(guarded, script)
    assert status == 0
    assert out.startswith("a\nb\nroot:")
    assert "PATH=" in out, "the loader of a program is started with it"
    assert "script ran\n" in out
    assert out.endswith("status 0\n")
    assert node.incidents() == []


async def test_the_loader_is_no_way_around(node: Node, guarded: str):
    _, out = await node.shell(guarded, f"{LOADER} /srv/removed; echo status $?; /srv/linked | /bin/cat")
    assert out.startswith(("/bin/sh: ", "sh: "))
    assert "status 126" in out
    assert "PATH=" in out


async def test_until_it_protects_or_denies_everything_is_open(node: Node, guarded: str):
    for wanted in (given(ProfileState.MONITOR), given(action=Action.KILL)):
        node.part.take(Wanted(True, wanted))

        async def ended() -> bool:
            return node.part._line is None

        await come_true(ended)
        assert (await node.shell(guarded, "/srv/other/busybox true && echo x > /etc/new"))[0] == 0


async def test_a_volume_is_said_to_be_left_out(node: Node, image: str, docker_host: str, tmp_path: Path):
    made = said(docker_host, "run", "-d", "--network", "none", "-v", f"{tmp_path}:/data", image, "/bin/sleep", "600")
    try:
        node.start(given())
        await node.ready(made)

        async def told() -> bool:
            return node.reason("deny.incomplete") is not None

        await come_true(told)
        reason = node.reason("deny.incomplete")
        assert reason is not None
        assert str(reason.params["why"]).endswith(": other-mount /data")
    finally:
        docker(docker_host, "rm", "-f", made)
