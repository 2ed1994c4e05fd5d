"""A policy and a profile come into force on a real node, and are taken back by themselves when containers fail."""

import time
from collections.abc import Iterator
from typing import Any

import pytest
from tests.support.docker import docker, import_image, said
from tests.support.platform import Client, Platform, running_platform

pytestmark = [pytest.mark.docker, pytest.mark.bpf, pytest.mark.timeout(300)]

DROP = "container.drop-and-execute"
IMAGE = "hullguard-test/till"
# A program that the image does not have is part of its work: a policy that was switched on without looking breaks it.
WORK = "rm -f /tmp/works; cp /bin/busybox /tmp/busybox; sleep 6; /tmp/busybox true || exit 1; touch /tmp/works; exec sleep 600"
SPEC = {
    "name": "till",
    "detectors": {DROP: {"action": "deny"}},
    "binding": {"images": [f"{IMAGE}:*"]},
}

DEPARTURE = "profile.departure"
SHOP = "hullguard-test/shop"
# The release that is learned, and the next one, which writes a file more: a profile of the former breaks it.
LEARNED = "touch /tmp/works; exec sleep 600"
NEXT = "rm -f /tmp/works; sleep 6; echo sold >> /etc/receipts || exit 1; touch /tmp/works; exec sleep 600"
STRICT = {
    "name": "shop",
    "detectors": {DEPARTURE: {"action": "deny"}},
    "binding": {"images": [f"{SHOP}:*"]},
}


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory, docker_host: str) -> Iterator[Platform]:
    import_image(docker_host, IMAGE)
    docker(docker_host, "tag", IMAGE, SHOP)
    data = tmp_path_factory.mktemp("platform") / "data"
    with running_platform(data, environ={"DOCKER_HOST": docker_host}) as running:
        yield running


@pytest.fixture(scope="module")
def client(platform: Platform) -> Client:
    signed_in = platform.client()
    signed_in.wait("/nodes", lambda page: [node["state"] for node in page["items"]] == ["protected"])
    return signed_in


@pytest.fixture
def till(docker_host: str) -> Iterator[str]:
    made = said(docker_host, "run", "-d", "--network", "none", "--restart", "on-failure", IMAGE, "/bin/sh", "-c", WORK)
    yield made
    docker(docker_host, "rm", "-f", made, check=False)


def rolled_out(client: Client, policy: dict[str, Any], **rollout: Any) -> dict[str, Any]:
    """The next version, once the node runs it."""
    made: dict[str, Any] = client.put(
        f"/policies/{policy['id']}", {"spec": {**SPEC, "rollout": rollout}}, If_Match=f'"v{policy["version"]}"'
    )
    in_force(client)
    return made


def moved(client: Client, profile: str, state: str, **more: Any) -> dict[str, Any]:
    """The profile in its next state, once the node has it."""
    now: dict[str, Any] = client.post(f"/profiles/{profile}/state", {"state": state, **more})
    in_force(client)
    return now


def in_force(client: Client) -> None:
    client.wait("/nodes", lambda page: page["items"][0]["applied"] == page["items"][0]["wanted"])


def works(docker_host: str, container: str, seconds: float = 60) -> bool:
    """Whether the container does its work within that time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if docker(docker_host, "exec", container, "ls", "/tmp/works", check=False).returncode == 0:
            return True
        time.sleep(0.2)
    return False


def runs_dropped(docker_host: str, container: str) -> bool:
    return docker(docker_host, "exec", container, "/tmp/busybox", "true", check=False).returncode == 0


def test_simulated_then_a_canary_then_enforced_then_taken_back(client: Client, docker_host: str, till: str) -> None:
    (node,) = client.get("/nodes")["items"]
    assert works(docker_host, till)

    # Simulated: it runs, and what would have been done is counted and listed.
    policy = client.post("/policies", {"spec": {**SPEC, "rollout": {"mode": "simulate"}}})
    in_force(client)
    assert runs_dropped(docker_host, till)
    found = client.wait(f"/policies/{policy['id']}/simulation", lambda found: found["deeds"] >= 1)
    assert found["containers"] == 1
    assert [(group["container"], group["rule"], group["would"]) for group in found["groups"]] == [(till, DROP, "deny")]
    (incident,) = client.get(f"/incidents?simulated_by={policy['id']}")["items"]
    assert (incident["action"], incident["would"], incident["stopped"]) == ("alert", "deny", False)
    (step,) = [each for each in client.get(f"/incidents/{incident['id']}")["story"]["steps"] if each["would"]]
    assert (step["rule"], step["details"]["path"]) == (DROP, "/tmp/busybox")

    # A canary elsewhere changes nothing here; a canary here does.
    policy = rolled_out(client, policy, mode="canary", canary_nodes=["another"])
    assert runs_dropped(docker_host, till)
    policy = rolled_out(client, policy, mode="canary", canary_nodes=[node["id"]])
    wait_until(lambda: not runs_dropped(docker_host, till))
    client.wait(
        f"/incidents?container={till}&rule={DROP}",
        lambda page: any(each["stopped"] and each["action"] == "deny" for each in page["items"]),
    )

    # In force: the container cannot do its work, is started again and again, and the policy goes back by itself.
    policy = rolled_out(client, policy, mode="enforce", tolerated_exits=1, watch_minutes=5)
    docker(docker_host, "restart", "-t", "0", till)
    now = client.wait(
        f"/policies/{policy['id']}", lambda found: found["spec"]["rollout"]["mode"] == "simulate", seconds=120
    )
    assert (now["version"], now["changed_by"]) == (policy["version"] + 1, f"node:{node['id']}")
    assert now["comment"].startswith("Simulated again: 2 failing exits in 5 minutes, 0 before")
    assert now["spec"]["rollout"]["watch_minutes"] == 5
    (told,) = client.get("/incidents?rule=policy.rolled-back")["items"]
    assert (told["policy"], told["container"]["id"]) == ({"id": policy["id"], "version": policy["version"]}, till)
    assert (told["details"]["exits"], told["details"]["before"], told["details"]["code"]) == ("2", "0", "1")
    (record,) = client.get(f"/audit?subject=policy:{policy['id']}&action=policy.roll-back")["items"]
    assert (record["actor"], record["details"]["incident"]) == (f"node:{node['id']}", told["id"])
    in_force(client)
    assert works(docker_host, till), "the container does its work again, by itself"
    assert client.wait(f"/nodes/{node['id']}", lambda found: found["state"] == "protected")["reasons"] == []

    # Somebody who wants it all the same says so: the version before is back, and on trial anew.
    again = client.post(
        f"/policies/{policy['id']}/roll-back", {"comment": "the till was repaired"}, If_Match=f'"v{now["version"]}"'
    )
    assert again["spec"] == policy["spec"]
    in_force(client)
    wait_until(lambda: not runs_dropped(docker_host, till))


def test_a_protected_profile_is_taken_back_when_it_breaks_the_next_release(client: Client, docker_host: str) -> None:
    (node,) = client.get("/nodes")["items"]
    policy = client.post("/policies", {"spec": STRICT})
    profile = client.post("/profiles", {"repository": SHOP})["id"]
    in_force(client)
    made = [said(docker_host, "run", "-d", "--network", "none", SHOP, "/bin/sh", "-c", LEARNED)]
    try:
        client.wait(
            f"/profiles/{profile}/entries",
            lambda page: {"/tmp/*", "/bin/busybox"} <= {each["what"] for each in page["items"]},
        )
        for state in ("review", "monitor"):
            moved(client, profile, state)
        protected = moved(client, profile, "protect", rollout={"tolerated_exits": 1, "watch_minutes": 5})

        tried = docker(docker_host, "exec", made[0], "/bin/busybox", "nc", "-w", "1", "127.0.0.1", "82", check=False)
        assert b"not permitted" in tried.stderr, "a connection that was not learned is refused in the kernel"
        found = client.wait(f"/incidents?container={made[0]}&rule={DEPARTURE}", lambda page: page["items"])["items"]
        told = [(each["details"]["what"], each["action"], each["stopped"]) for each in found]
        assert told == [("tcp 127.0.0.1 82", "deny", True)]

        words = ("run", "-d", "--network", "none", "--restart", "on-failure", SHOP, "/bin/sh", "-c", NEXT)
        made.append(said(docker_host, *words))
        denied = client.wait(
            f"/incidents?container={made[1]}&rule={DEPARTURE}",
            lambda page: any(each["stopped"] for each in page["items"]),
        )
        assert {each["details"]["what"] for each in denied["items"] if each["stopped"]} == {"/etc/receipts"}

        # It fails once more than is tolerated: the profile monitors again, and everybody who must know is told why.
        now = client.wait(f"/profiles/{profile}", lambda found: found["state"] == "monitor", seconds=120)
        assert (now["version"], now["changed_by"]) == (protected["version"] + 1, f"node:{node['id']}")
        (back,) = client.get("/incidents?rule=profile.rolled-back")["items"]
        said_why = {name: back["details"][name] for name in ("profile", "version", "exits", "before", "code")}
        version = str(protected["version"])
        assert said_why == {"profile": SHOP, "version": version, "exits": "2", "before": "0", "code": "1"}
        assert back["container"]["id"] == made[1]
        (record,) = client.get(f"/audit?subject=profile:{profile}&action=profile.roll-back")["items"]
        assert (record["actor"], record["details"]["incident"]) == (f"node:{node['id']}", back["id"])
        assert record["reason"].startswith("Simulated again: 2 failing exits in 5 minutes, 0 before")
        assert client.get(f"/policies/{policy['id']}")["version"] == policy["version"], "the policy is not to blame"
        in_force(client)
        assert works(docker_host, made[1]), "the next release does its work, by itself"
        assert client.wait(f"/nodes/{node['id']}", lambda found: found["state"] == "protected")["reasons"] == []
    finally:
        docker(docker_host, "rm", "-f", *made, check=False)


def wait_until(holds: Any, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it never held"
        time.sleep(0.2)
