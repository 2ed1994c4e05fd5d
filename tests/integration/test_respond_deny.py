"""Denying before it happens: the file is not read and the program does not run, in real containers; and failing open."""

import asyncio
import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.agents import child_environment, come_true
from tests.support.denying import DEADLINE_MS, Node, node, permitted
from tests.support.docker import IMAGE, SHADOW, docker, docker_host, import_image, said
from tests.support.events import policies, policy

from hullguard.agent.policies import Wanted
from hullguard.agent.respond.fanotify import OPEN_PERM
from hullguard.model.incident import Observation
from hullguard.model.policy import Action, DetectorSettings, NodePolicies

__all__ = ["child_environment", "docker_host", "node", "permitted"]

pytestmark = [pytest.mark.docker, pytest.mark.usefixtures("child_environment")]

READ, DROP = "file.read-sensitive", "container.drop-and-execute"
PATHS = ["/etc/shadow", "/root/.ssh/*"]
_REMOVE, _MOUNT, _FLUSH, _FILESYSTEM = 0x2, 0x10, 0x80, 0x100
_PIDFD_GETFD = 438
_libc = ctypes.CDLL(None, use_errno=True)
_libc.fanotify_mark.argtypes = [ctypes.c_int, ctypes.c_uint, ctypes.c_uint64, ctypes.c_int, ctypes.c_char_p]


def stolen(responder: int) -> int:
    """The responder's own fanotify group, as root can take it."""
    (number,) = (each.name for each in Path(f"/proc/{responder}/fd").iterdir() if "[fanotify]" in str(each.readlink()))
    process = os.pidfd_open(responder)
    taken = _libc.syscall(_PIDFD_GETFD, process, int(number), 0)
    os.close(process)
    assert taken >= 0, os.strerror(ctypes.get_errno())
    return taken


def denying(*exempt: str, programs: tuple[str, ...] = (), image: str | None = None) -> NodePolicies:
    detectors = {
        READ: DetectorSettings(
            action=Action.DENY, parameters={"paths": PATHS, "exempt_programs": list(programs) or ["/sbin/none"]}
        ),
        DROP: DetectorSettings(action=Action.DENY, parameters={"exempt_paths": list(exempt)}),
    }
    bound = policy("strict", nodes=() if image else ("*",), images=(image,) if image else (), detectors=detectors)
    return policies(bound)


@pytest.fixture
def container(docker_host: str) -> Iterator[str]:
    made = said(docker_host, "run", "-d", "--network", "none", "--tmpfs", "/scratch:exec", IMAGE, "/bin/sleep", "600")
    yield made
    docker(docker_host, "rm", "-f", made, check=False)


@pytest.fixture
async def denied(node: Node, container: str) -> str:
    """A container in which the policy is in force."""
    node.start(denying("/opt/*"))
    await node.ready(container)
    return container


class TestFiles:
    @pytest.mark.parametrize(
        "script",
        [
            "cat /etc/shadow",
            "read line < /etc/shadow && echo $line",
            "ln -s /etc/shadow /tmp/link; cat /tmp/link",
            "ln -s /etc /tmp/dir; cat /tmp/dir/shadow",
            "cat /proc/self/root/etc/shadow",
            "cat /proc/1/root/etc/shadow",
            "ln /etc/shadow /tmp/hard; cat /tmp/hard",
            "mv /etc/shadow /tmp/moved; cat /tmp/moved",
            "cd /etc; cat ../etc/./shadow",
            "cp /etc/shadow /tmp/copy; cat /tmp/copy",
            "dd if=/etc/shadow of=/tmp/copy; cat /tmp/copy",
            "chmod 666 /etc/shadow; cat /etc/shadow",
        ],
    )
    async def test_it_is_not_read_by_any_name(self, node: Node, denied: str, script: str):
        _, out = await node.shell(denied, script)
        assert SHADOW.decode().split(":")[1] not in out
        assert "Operation not permitted" in out
        found = await node.incident(lambda each: each.rule == READ)
        assert (found.action, found.stopped, found.container.id) == (Action.DENY, True, denied)

    @pytest.mark.parametrize(
        "script",
        [
            "echo evil >> /etc/shadow",
            "echo evil > /etc/shadow",
            "ln /etc/shadow /tmp/hard; echo evil >> /tmp/hard",
            "cp /etc/passwd /etc/shadow",
            "dd if=/etc/passwd of=/proc/self/root/etc/shadow",
        ],
    )
    async def test_it_is_not_written_by_any_name(self, node: Node, denied: str, script: str):
        _, out = await node.shell(denied, script)
        assert "Operation not permitted" in out
        inside = said(node.host, "inspect", "-f", "{{.State.Pid}}", denied)
        assert Path(f"/proc/{inside}/root/etc/shadow").read_bytes() == SHADOW

    async def test_everything_else_is_untouched(self, node: Node, denied: str):
        status, out = await node.shell(
            denied, "cat /etc/passwd /etc/group; ls -l /etc/shadow; echo x > /etc/new; cat /etc/new"
        )
        assert (status, "nogroup" in out, "/etc/shadow" in out, out.endswith("x\n")) == (0, True, True, True), out

    async def test_a_file_that_is_put_in_its_place_is_protected_too(self, node: Node, denied: str):
        await node.shell(denied, "cp /etc/passwd /etc/fresh; mv /etc/fresh /etc/shadow")

        async def shut() -> bool:
            _, out = await node.shell(denied, "cat /etc/shadow")
            return "Operation not permitted" in out

        await come_true(shut)

    async def test_new_files_of_a_protected_directory_are_protected_by_all_their_names(self, node: Node, denied: str):
        # Opening it to write is refused too, but the name is made before the kernel asks.
        await node.shell(denied, "echo key > /root/.ssh/id; mkdir -p /root/.ssh/deep")
        await node.shell(denied, "ln /root/.ssh/id /tmp/id")

        async def shut() -> bool:
            _, out = await node.shell(denied, "cat /tmp/id; cat /root/.ssh/id; echo k > /root/.ssh/deep/k")
            return out.count("Operation not permitted") == 3

        await come_true(shut)

    async def test_the_host_and_other_containers_are_not_asked(self, node: Node, denied: str, docker_host: str):
        other = said(docker_host, "run", "-d", "--network", "none", "-v", "/tmp", IMAGE, "/bin/sleep", "600")
        pid = said(docker_host, "inspect", "-f", "{{.State.Pid}}", denied)
        try:
            # Whoever administers the machine is no process of the container.
            assert Path(f"/proc/{pid}/root/etc/shadow").read_bytes() == SHADOW
            assert docker(docker_host, "cp", f"{denied}:/etc/shadow", "-").returncode == 0
        finally:
            docker(docker_host, "rm", "-f", other)

    async def test_an_exempt_program_of_the_image_may_and_one_that_was_put_there_may_not(
        self, node: Node, container: str, docker_host: str
    ):
        node.start(denying("/opt/*", programs=("/bin/busybox", "/opt/busybox")))
        await node.ready(container)
        status, out = await node.shell(container, "cat /etc/shadow")
        assert (status, out) == (0, SHADOW.decode())
        _, out = await node.shell(container, "mkdir /opt; cp /bin/busybox /opt/busybox; /opt/busybox cat /etc/shadow")
        assert "Operation not permitted" in out

    async def test_what_lies_on_a_volume_is_said_not_to_be_covered(self, node: Node, docker_host: str, tmp_path: Path):
        secret = tmp_path / "shadow"
        secret.write_text("the host's own\n")
        made = said(
            docker_host, "run", "-d", "--network", "none", "-v", f"{secret}:/etc/shadow", IMAGE, "/bin/sleep", "600"
        )
        try:
            node.start(denying())
            await node.ready(made)

            async def told() -> bool:
                return node.reason("deny.incomplete") is not None

            await come_true(told)
            reason = node.reason("deny.incomplete")
            assert reason is not None
            assert "other-mount /etc/shadow" in str(reason.params["why"])
            assert await node.shell(made, "cat /etc/shadow") == (0, "the host's own\n")
        finally:
            docker(docker_host, "rm", "-f", made)


class TestPrograms:
    @pytest.mark.parametrize("place", ["/tmp/dropped", "/scratch/dropped", "/bin/dropped"])
    async def test_a_dropped_program_does_not_run_and_whoever_tried_lives(self, node: Node, denied: str, place: str):
        script = f"cp /bin/busybox {place}; {place} touch /tmp/it-ran; echo status $?; ls /tmp"
        _, out = await node.shell(denied, script)
        assert "status 126" in out
        assert "it-ran" not in out
        found = await node.incident(lambda each: each.rule == DROP)
        assert (found.action, found.stopped, found.details["path"]) == (Action.DENY, True, place)
        # The process of the runtime that started the shell may have ended by then, and is not known any more.
        assert found.lineage[0].outside or found.lineage[0].comm == "sh"
        assert found.policy is not None
        assert found.policy.id == "strict"

    async def test_a_dropped_script_does_not_run(self, node: Node, denied: str):
        script = "printf '#!/bin/sh\\ntouch /tmp/it-ran\\n' > /tmp/s; chmod +x /tmp/s; /tmp/s; ls /tmp"
        assert "it-ran" not in (await node.shell(denied, script))[1].split("\n")

    async def test_an_image_program_that_was_overwritten_does_not_run(self, node: Node, docker_host: str):
        import_image(docker_host, "hullguard-test/tool", {"bin/tool": b"#!/bin/sh\necho old\n"})
        made = said(docker_host, "run", "-d", "--network", "none", "hullguard-test/tool", "/bin/sleep", "600")
        try:
            node.start(denying())
            await node.ready(made)
            status, out = await node.shell(made, "chmod 755 /bin/tool; /bin/tool")
            assert (status, out) == (0, "old\n"), "a changed mode is nothing new"
            _, out = await node.shell(made, "echo 'echo new' >> /bin/tool; /bin/tool; echo status $?")
            assert "status 126" in out
        finally:
            docker(docker_host, "rm", "-f", made)

    async def test_renaming_its_directory_while_it_is_asked_about_helps_nobody(self, node: Node, denied: str):
        script = (
            "mkdir -p /tmp/a; cp /bin/busybox /tmp/a/busybox;"
            "(while true; do mv /tmp/a /tmp/b; mv /tmp/b /tmp/a; done 2>/dev/null) & mover=$!;"
            "i=0; while [ $i -lt 60 ]; do i=$((i+1)); /tmp/a/busybox touch /tmp/it-ran 2>/dev/null; done;"
            "kill $mover; ls /tmp"
        )
        assert "it-ran" not in (await node.shell(denied, script))[1].split("\n")

    async def test_the_images_programs_and_exempt_ones_run(self, node: Node, denied: str):
        status, out = await node.shell(
            denied, "id; mkdir -p /opt; cp /bin/busybox /opt/busybox; /opt/busybox touch /tmp/ran; ls /tmp"
        )
        assert (status, "ran" in out) == (0, True), out
        assert not [each for each in node.incidents() if each.rule == DROP]

    async def test_a_burst_is_counted_and_does_not_drown_the_agent(self, node: Node, denied: str):
        script = "cp /bin/busybox /tmp/x; i=0; while [ $i -lt 600 ]; do i=$((i+1)); /tmp/x 2>/dev/null; done; cat /etc/shadow; sleep 1; cat /etc/shadow"
        await node.shell(denied, script)
        found = await node.incident(lambda each: "unreported" in each.details)
        told = len([each for each in node.incidents() if each.rule == DROP])
        assert told < 600
        assert int(found.details["unreported"]) > 0


class TestPolicies:
    async def test_only_containers_of_the_policy_are_touched(self, node: Node, container: str, docker_host: str):
        import_image(docker_host, "hullguard-test/other")
        other = said(docker_host, "run", "-d", "--network", "none", "hullguard-test/other", "/bin/sleep", "600")
        try:
            node.start(denying(image=f"{IMAGE}:*"))
            await node.ready(container)
            assert (await node.shell(other, "cat /etc/shadow"))[0] == 0
            assert (await node.shell(container, "cat /etc/shadow"))[0] != 0
        finally:
            docker(docker_host, "rm", "-f", other)

    async def test_a_policy_that_only_alerts_opens_again_and_ends_the_responder(self, node: Node, denied: str):
        pids = node.line.pids
        node.part.take(Wanted(True, policies(policy("soft", nodes=("*",), detectors={READ: DetectorSettings()}))))

        async def ended() -> bool:
            return node.part._line is None and not any(Path(f"/proc/{pid}/fd").exists() for pid in pids)

        await come_true(ended)
        assert (await node.shell(denied, "cat /etc/shadow"))[0] == 0
        assert node.reason("deny.failed-open") is None, "that is no failure"

    async def test_a_container_that_leaves_the_policy_is_open_while_others_are_not(
        self, node: Node, denied: str, docker_host: str
    ):
        other = said(docker_host, "run", "-d", "--network", "none", IMAGE, "/bin/sleep", "600")
        try:
            await node.ready(other)
            node.part._leave(denied)
            await node.settle()
            assert (await node.shell(denied, "cat /etc/shadow; cp /bin/busybox /tmp/busybox; /tmp/busybox id"))[0] == 0
            assert (await node.shell(other, "cat /etc/shadow"))[0] != 0
        finally:
            docker(docker_host, "rm", "-f", other)

    async def test_a_container_can_be_removed_and_its_layers_go(self, node: Node, denied: str, docker_host: str):
        docker(docker_host, "rm", "-f", denied)
        assert denied not in said(docker_host, "ps", "-aq", "--no-trunc")
        made = said(docker_host, "run", "-d", "--network", "none", IMAGE, "/bin/sleep", "600")
        await node.ready(made)
        assert (await node.shell(made, "cat /etc/shadow"))[0] != 0
        docker(docker_host, "restart", "-t", "0", made)
        node.part._told.pop(made, None)
        node.part._pids.clear()
        await node.ready(made)
        assert (await node.shell(made, "cat /etc/shadow"))[0] != 0
        docker(docker_host, "rm", "-f", made)


class TestFailingOpen:
    async def said(self, node: Node, word: str) -> None:
        """As an incident and as a reason of the node; and then it is shut again."""
        found = await node.incident(lambda each: each.rule == "agent.responder-failed")
        assert word in found.details["why"]
        reason = node.reason("deny.failed-open")
        assert reason is not None
        assert word in str(reason.params["why"])

    async def test_a_responder_that_is_killed_leaves_everything_open_and_it_is_said(self, node: Node, denied: str):
        node.part._pause = 3600.0  # what comes after is another test
        os.kill(node.line.greeting.responder, signal.SIGKILL)
        await self.said(node, "signal 9")
        assert await node.shell(denied, "cat /etc/shadow") == (0, SHADOW.decode())
        assert "uid=0" in (await node.shell(denied, "cp /bin/busybox /tmp/busybox; /tmp/busybox id"))[1]

    async def test_it_is_started_again_and_shuts_what_it_shut(self, node: Node, denied: str):
        before = node.line.pids
        os.kill(node.line.greeting.responder, signal.SIGKILL)
        await self.said(node, "signal 9")
        await node.ready(denied)
        assert node.line.pids != before
        assert (await node.shell(denied, "cat /etc/shadow"))[0] != 0

    async def test_a_responder_that_is_stopped_fails_open_by_its_deadline(self, node: Node, denied: str):
        node.part._pause = 3600.0
        os.kill(node.line.greeting.responder, signal.SIGSTOP)
        # The read waits for an answer that does not come; the watchdog lets it go on.
        assert await node.shell(denied, "cat /etc/shadow") == (0, SHADOW.decode())
        await self.said(node, f"within {DEADLINE_MS} ms")

    async def test_a_watchdog_that_is_killed_takes_the_responder_with_it(self, node: Node, denied: str):
        node.part._pause = 3600.0
        os.kill(node.line.greeting.watchdog, signal.SIGKILL)
        await self.said(node, "together with its watchdog")
        assert (await node.shell(denied, "cat /etc/shadow"))[0] == 0

    async def test_when_both_are_stopped_the_agent_ends_them(self, node: Node, denied: str):
        node.part._pause = 3600.0
        for pid in (node.line.greeting.watchdog, node.line.greeting.responder):
            os.kill(pid, signal.SIGSTOP)
        assert await node.shell(denied, "cat /etc/shadow") == (0, SHADOW.decode())
        await self.said(node, "together with its watchdog")


class TestTampering:
    async def told(self, node: Node, container: str) -> Observation:
        found = await node.incident(lambda each: each.rule == "agent.tampered")
        assert "fanotify marks of " in found.details["name"]
        assert found.details["repaired"] == "yes"
        assert found.at.isoformat() >= found.details["since"]
        assert node.reason("agent.tampered") is not None
        await node.settle()
        assert (await node.shell(container, "cat /etc/shadow"))[0] != 0, "it is protected again"
        assert "status 126" in (await node.shell(container, "cp /bin/busybox /tmp/x; /tmp/x id; echo status $?"))[1]
        return found

    async def test_marks_that_were_all_taken_away_are_put_back_and_it_is_told(self, node: Node, denied: str):
        group = stolen(node.line.greeting.responder)
        for flags in (0, _FILESYSTEM, _MOUNT):
            assert _libc.fanotify_mark(group, _FLUSH | flags, 0, -100, None) == 0
        os.close(group)
        await self.told(node, denied)

    async def test_one_mark_is_enough_to_be_told(self, node: Node, denied: str, docker_host: str):
        pid = said(docker_host, "inspect", "-f", "{{.State.Pid}}", denied)
        group = stolen(node.line.greeting.responder)
        path = f"/proc/{pid}/root/etc/shadow".encode()
        assert _libc.fanotify_mark(group, _REMOVE, OPEN_PERM, -100, path) == 0
        os.close(group)
        found = await self.told(node, denied)
        assert found.details["name"].startswith("1 fanotify mark")

    async def test_what_those_inside_do_to_their_files_is_no_tampering(self, node: Node, denied: str):
        script = (
            "i=0; while [ $i -lt 200 ]; do i=$((i+1));"
            "cp /etc/passwd /etc/fresh; mv /etc/fresh /etc/shadow; rm /etc/shadow; cp /etc/group /etc/shadow; done; true"
        )
        await node.shell(denied, script)
        await asyncio.sleep(2.5)
        assert not [each for each in node.incidents() if each.rule == "agent.tampered"]


class TestRestart:
    async def test_it_goes_on_denying_while_there_is_no_agent_and_tells_it_later(self, node: Node, denied: str):
        pids = node.line.pids
        await node.die()
        assert (await node.shell(denied, "cat /etc/shadow"))[0] != 0
        assert node.incidents() == []
        await node.again(denying("/opt/*"))
        await node.ready(denied)
        assert node.line.pids == pids, "it was taken over, not started anew"
        found = await node.incident(lambda each: each.rule == READ)
        assert found.container.id == denied

    async def test_what_was_told_and_not_kept_is_told_again_as_the_same_incident(self, node: Node, denied: str):
        await node.shell(denied, "cat /etc/shadow")
        first = await node.incident(lambda each: each.rule == READ)
        await node.die()
        await node.again(denying("/opt/*"))
        await node.ready(denied)
        assert [each.id for each in node.incidents() if each.rule == READ] == [first.id]

    async def test_another_policy_is_in_force_after_a_restart(self, node: Node, denied: str):
        await node.die()
        await node.again(denying("/opt/*", programs=("/bin/busybox",)))
        await node.ready(denied)
        assert (await node.shell(denied, "cat /etc/shadow"))[0] == 0

    async def test_two_responders_are_never_there(self, node: Node, denied: str, child_environment: dict[str, str]):
        second = subprocess.run(
            [sys.executable, "-P", "-m", "hullguard.agent.respond.guard", str(node.state.root), "500"],
            check=False,
            env=child_environment,
            timeout=60,
        )
        assert second.returncode == 3
        assert (await node.shell(denied, "cat /etc/shadow"))[0] != 0
