"""What may be done to a container, by what it is."""

import msgspec
import pytest
from tests.support import records

from hullguard.model.command import ANSWER, RESPONSES, CommandKind, allowed
from hullguard.model.policy import Action


@pytest.mark.parametrize(
    ("state", "held", "host", "wanted"),
    [
        ("running", (), False, ["pause_container", "stop_container", "isolate_container"]),
        ("running", (), True, ["pause_container", "stop_container"]),
        ("running", (Action.ISOLATE,), False, ["pause_container", "stop_container", "reconnect_container"]),
        ("paused", (Action.PAUSE,), False, ["unpause_container", "stop_container", "isolate_container"]),
        ("paused", (), True, ["unpause_container", "stop_container"]),
        ("exited", (), False, []),
        ("exited", (Action.STOP,), False, ["start_container"]),
        ("exited", (Action.STOP, Action.ISOLATE), False, ["start_container", "reconnect_container"]),
        ("exited", (Action.ISOLATE,), False, ["reconnect_container"]),
        ("created", (), False, []),
        ("removing", (), False, []),
    ],
)
def test_what_is_offered(state: str, held: tuple[Action, ...], host: bool, wanted: list[str]):
    container = msgspec.structs.replace(records.container(state=state), held=held, host_network=host)
    assert list(allowed(container)) == wanted


@pytest.mark.parametrize("engine", ["podman", "containerd"])
def test_nothing_is_offered_for_what_another_engine_than_docker_runs(engine: str):
    container = msgspec.structs.replace(records.container(state="running"), engine=engine)
    assert allowed(container) == ()


def test_what_a_policy_can_ask_for_is_a_response():
    assert set(ANSWER.values()) <= RESPONSES
    assert Action.ALERT not in ANSWER
    assert CommandKind.UPDATE_AGENT not in RESPONSES
