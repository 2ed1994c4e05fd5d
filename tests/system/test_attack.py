"""From nothing to a stopped attack: a real container, a real kernel, the running platform."""

import os
import pty
import subprocess
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from tests.support.docker import IMAGE, docker, said
from tests.support.platform import Client, Platform, running_platform

pytestmark = [pytest.mark.docker, pytest.mark.bpf, pytest.mark.timeout(300)]

SHELL, DROP, READ = "container.terminal-shell", "container.drop-and-execute", "file.read-sensitive"


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory, docker_host: str) -> Iterator[Platform]:
    data = tmp_path_factory.mktemp("platform") / "data"
    with running_platform(data, environ={"DOCKER_HOST": docker_host}) as running:
        yield running


@pytest.fixture(scope="module")
def client(platform: Platform) -> Client:
    signed_in = platform.client()
    signed_in.wait("/nodes", lambda page: [node["state"] for node in page["items"]] == ["protected"])
    return signed_in


@pytest.fixture
def container(docker_host: str) -> Iterator[str]:
    made = said(docker_host, "run", "-d", "--network", "none", IMAGE, "sleep", "600")
    yield made
    docker(docker_host, "rm", "-f", made, check=False)


def incidents(client: Client, container: str, rule: str, count: int) -> list[dict[str, Any]]:
    path = f"/incidents?container={container}&rule={rule}"
    return client.wait(path, lambda page: page["total"] >= count)["items"]


def shell_in(docker_host: str, container: str, *keys: str) -> None:
    """``docker exec -it CONTAINER sh`` on a real terminal, with something typed into it."""
    master, slave = pty.openpty()
    shell = subprocess.Popen(
        ["docker", "--host", docker_host, "exec", "-it", container, "sh"], stdin=slave, stdout=slave, stderr=slave
    )
    os.close(slave)
    for line in (*keys, "exit"):
        time.sleep(0.3)
        os.write(master, line.encode() + b"\n")
    shell.wait(timeout=60)
    os.close(master)


def test_the_node_is_online_protected_and_shows_its_containers(
    client: Client, docker_host: str, container: str
) -> None:
    (node,) = client.get("/nodes")["items"]
    assert node["online"]
    assert node["protection"]
    assert node["reasons"] == []
    assert node["applied"] == node["wanted"]

    found = client.wait("/containers", lambda page: container in [item["id"] for item in page["items"]])
    (mine,) = [item for item in found["items"] if item["id"] == container]
    assert mine["image"]["name"] == f"{IMAGE}:latest"
    assert mine["image"]["id"] == said(docker_host, "image", "inspect", "-f", "{{.Id}}", IMAGE)
    assert mine["state"] == "running"


def test_a_terminal_shell_becomes_one_incident(client: Client, docker_host: str, container: str) -> None:
    shell_in(docker_host, container, "echo hello")

    (incident,) = incidents(client, container, SHELL, 1)
    assert incident["container"]["id"] == container
    assert incident["container"]["name"]
    assert incident["image"]["name"] == f"{IMAGE}:latest"
    assert incident["lineage"][-1]["args"] == ["sh"]
    assert incident["lineage"][-1]["tty"]
    assert incident["status"] == "open"


def test_reading_a_sensitive_file_names_the_real_file_and_the_whole_tree(
    client: Client, docker_host: str, container: str
) -> None:
    docker(docker_host, "exec", container, "sh", "-c", "ln -s /etc/shadow /tmp/innocent; cat /tmp/innocent; true")

    (incident,) = incidents(client, container, READ, 1)
    assert incident["details"]["path"] == "/etc/shadow"
    names = [process["args"][:2] for process in incident["lineage"][-2:]]
    assert names == [["sh", "-c"], ["cat", "/tmp/innocent"]]
    parent, child = incident["lineage"][-2:]
    assert child["ppid"] == parent["pid"]


def test_a_dropped_program_becomes_one_incident(client: Client, docker_host: str, container: str) -> None:
    docker(docker_host, "exec", container, "sh", "-c", "cp /bin/busybox /tmp/ls && /tmp/ls /")

    (incident,) = incidents(client, container, DROP, 1)
    assert incident["details"]["path"] == "/tmp/ls"
    assert incident["stopped"] is False
    assert incident["action"] == "alert"


def test_an_attack_is_one_incident_with_its_story(client: Client, docker_host: str, container: str) -> None:
    chain = (
        "cat /etc/shadow; cp /bin/busybox /tmp/cat; ln -s /etc/shadow /tmp/link;"
        " for i in 1 2 3; do /tmp/cat /etc/shadow; done"
    )
    docker(docker_host, "exec", container, "sh", "-c", chain)

    def counts(incident: dict[str, Any]) -> dict[str, int]:
        return {step["rule"]: step["count"] for step in incident["story"]["steps"]}

    first = client.wait(f"/incidents?container={container}", lambda page: page["total"] >= 1)["items"][0]["id"]
    whole = {READ: 4, DROP: 3}
    incident = client.wait(f"/incidents/{first}", lambda found: whole.items() <= counts(found).items())
    assert client.get(f"/incidents?container={container}")["total"] == 1
    story = incident["story"]
    steps = {step["rule"]: step for step in story["steps"]}
    assert steps[READ]["at"] < steps[DROP]["at"]
    assert [step["at"] for step in story["steps"]] == sorted(step["at"] for step in story["steps"])
    # One tree: below the runtime the exec's shell, and below that whatever did something.
    inside = [each for each in story["processes"] if not each["process"].get("outside")]
    (root,) = [each for each in inside if each["parent"] not in {other["key"] for other in inside}]
    assert root["process"]["args"][:2] == ["sh", "-c"]
    assert {each["path"] for each in story["files"]} >= {"/etc/shadow", "/tmp/cat"}
    assert [user["uid"] for user in story["users"]] == [0]
    assert (story["left_out"], story["processes_left_out"]) == (0, 0)
    assert {"credential-access", "command-and-control"} <= set(incident["tactics"])
    # Every observation leads to it, and a second attack in the same container is another incident.
    for step in story["steps"]:
        assert client.get(f"/incidents/{step['id']}")["id"] == incident["id"]
    docker(docker_host, "exec", container, "cat", "/etc/shadow")
    client.wait(f"/incidents?container={container}", lambda page: page["total"] == 2)


def test_rules_are_tried_on_what_happened(client: Client, docker_host: str, container: str) -> None:
    docker(docker_host, "exec", container, "sh", "-c", "cat /etc/shadow; head -1 /etc/shadow")
    client.wait(
        f"/incidents?container={container}", lambda page: [each["observations"] for each in page["items"]] == [2]
    )

    def fired(condition: str) -> list[dict[str, Any]]:
        own = f"- rule: Own\n  desc: x\n  condition: {condition}\n  output: read by %proc.name\n  priority: ERROR\n"
        answer = client.post("/rules/replay", {"rules": {"pack": False, "files": [{"name": "own", "content": own}]}})
        assert answer["events"] >= 2
        samples = [sample for rule in answer["rules"] for sample in rule["samples"]]
        return [sample for sample in samples if sample["container"] == container]

    reads = "evt.type in (open, openat, openat2) and fd.name = /etc/shadow"
    assert {sample["output"] for sample in fired(reads)} == {"read by cat", "read by head"}
    (left,) = fired(f"{reads} and not proc.name = cat")
    assert left["output"] == "read by head"
    assert client.get(f"/incidents/{left['observation']}")["container"]["id"] == container


def test_an_ordinary_program_of_the_image_is_no_incident(client: Client, docker_host: str, container: str) -> None:
    docker(docker_host, "exec", container, "sh", "-c", "ls / && cat /etc/hostname")
    docker(docker_host, "exec", container, "cat", "/etc/shadow")

    incidents(client, container, READ, 1)  # the later one has arrived, so an earlier one would have
    assert client.get(f"/incidents?container={container}")["total"] == 1


def test_incidents_reach_an_open_stream_by_themselves(client: Client, docker_host: str, container: str) -> None:
    arrived: list[str] = []
    ready, done = threading.Event(), threading.Event()

    def listen() -> None:
        for kind, data, _ in client.stream(opened=ready.set):
            # Containers of the tests before may still have something to tell.
            if kind == "incident" and client.get(f"/incidents/{data['id']}")["container"]["id"] == container:
                arrived.append(data["id"])
                done.set()
                return

    listener = threading.Thread(target=listen, daemon=True)
    listener.start()
    assert ready.wait(60)
    docker(docker_host, "exec", container, "cat", "/etc/shadow")

    assert done.wait(60)
    listener.join(10)
    assert client.get(f"/incidents/{arrived[0]}")["details"]["path"] == "/etc/shadow"


def test_with_kill_a_dropped_program_never_acts(client: Client, docker_host: str, container: str) -> None:
    policy = client.get("/policies")["items"][0]
    spec = policy["spec"]
    spec["detectors"][DROP] = {**spec["detectors"].get(DROP, {}), "enabled": True, "action": "kill"}
    changed = client.put(
        f"/policies/{policy['id']}", {"spec": spec, "comment": "stop it"}, If_Match=f'"v{policy["version"]}"'
    )
    try:
        client.wait(
            "/nodes",
            lambda page: page["items"][0]["applied"] == page["items"][0]["wanted"] and not page["items"][0]["drift"],
        )
        # busybox named "touch" would make the file with its first system calls, were it let.
        out = said(
            docker_host,
            "exec",
            container,
            "sh",
            "-c",
            "cp /bin/busybox /tmp/touch; /tmp/touch /tmp/it-ran; echo code $?; ls /tmp/it-ran 2>&1; true",
        )

        assert "code 137" in out
        assert "No such file" in out
        (incident,) = incidents(client, container, DROP, 1)
        assert incident["stopped"] is True
        assert incident["action"] == "kill"
        assert incident["policy"] == {"id": policy["id"], "version": changed["version"]}
    finally:
        spec["detectors"][DROP]["action"] = "alert"
        client.put(f"/policies/{policy['id']}", {"spec": spec}, If_Match=f'"v{changed["version"]}"')


def test_an_incident_is_handled_and_reopened(client: Client, docker_host: str, container: str) -> None:
    docker(docker_host, "exec", container, "cat", "/etc/shadow")
    (incident,) = incidents(client, container, READ, 1)

    handled = client.post(f"/incidents/{incident['id']}/handle", {"status": "resolved", "note": "a drill"})

    assert (handled["status"], handled["note"]) == ("resolved", "a drill")
    assert client.get(f"/incidents?container={container}&status=open")["total"] == 0
    again = client.post(f"/incidents/{incident['id']}/handle", {"status": "open", "note": "not a drill"})
    assert again["status"] == "open"
    actions = [record["action"] for record in client.get(f"/audit?subject=incident:{incident['id']}")["items"]]
    assert len(actions) == 2


def test_protection_off_takes_the_sensor_down_and_gives_the_unit_back(
    client: Client, docker_host: str, container: str
) -> None:
    (node,) = client.get("/nodes")["items"]
    used = client.get("/quota")["used"]
    client.put(f"/nodes/{node['id']}/protection", {"on": False, "reason": "maintenance"})
    try:
        client.wait(
            f"/nodes/{node['id']}", lambda found: found["state"] == "unprotected" and found["sensor"]["state"] == "off"
        )
        assert client.get("/quota")["used"] == used - 1
        docker(docker_host, "exec", container, "cat", "/etc/shadow")
    finally:
        client.put(f"/nodes/{node['id']}/protection", {"on": True, "reason": "done"})
    client.wait(f"/nodes/{node['id']}", lambda found: found["state"] == "protected")
    assert client.get("/quota")["used"] == used
    docker(docker_host, "exec", container, "cat", "/etc/shadow", "/second", check=False)

    (incident,) = incidents(client, container, READ, 1)
    assert incident["lineage"][-1]["args"][-1] == "/second"


@pytest.mark.parametrize("kind", ["scan_now", "detect_now", "update_policy"])
def test_a_command_has_exactly_one_outcome(client: Client, kind: str) -> None:
    (node,) = client.get("/nodes")["items"]
    made = client.post(
        "/commands", {"node": node["id"], "kind": kind, "parameters": {}}, Idempotency_Key=f"test-{kind}"
    )
    same = client.post(
        "/commands", {"node": node["id"], "kind": kind, "parameters": {}}, Idempotency_Key=f"test-{kind}"
    )

    assert same["id"] == made["id"]
    done = client.wait(f"/commands/{made['id']}", lambda command: command["state"] in ("done", "failed", "expired"))
    assert done["state"] == "done", done
    assert done["progress"] == 100
    outcomes = client.get(f"/audit?subject=command:{made['id']}")["items"]
    assert len(outcomes) == 2, outcomes
