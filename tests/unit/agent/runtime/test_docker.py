"""Docker's words become the model's; what does not parse becomes nothing."""

from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hullguard.agent.runtime.docker import image_name, parse_container

ID, IMAGE = "c" * 64, "sha256:" + "a" * 64
INSPECTED = {
    "Id": ID,
    "Image": IMAGE,
    "Name": "/web",
    "Created": "2026-03-01T10:00:00.123456789Z",
    "State": {"Status": "running", "StartedAt": "2026-03-01T12:00:01.5+02:00"},
    "Config": {"Image": "nginx"},
    "HostConfig": {"Privileged": True},
}


def test_an_inspected_container():
    container = parse_container(msgspec.json.encode(INSPECTED))
    assert container is not None
    assert (container.id, container.name, container.state, container.privileged) == (ID, "web", "running", True)
    assert (container.image.id, container.image.name) == (IMAGE, "nginx:latest")
    assert container.created == datetime(2026, 3, 1, 10, 0, 0, 123456, UTC)
    assert container.started == datetime(2026, 3, 1, 10, 0, 1, 500000, UTC)


def test_never_started():
    state = {"Status": "created", "StartedAt": "0001-01-01T00:00:00Z"}
    container = parse_container(msgspec.json.encode({**INSPECTED, "State": state}))
    assert container is not None
    assert container.started is None


@pytest.mark.parametrize(
    "change",
    [{"Id": "../../etc"}, {"Id": 5}, {"Image": "nginx"}, {"State": "up"}, {"Name": None}],
    ids=["path", "number", "no digest", "no object", "null"],
)
def test_what_is_no_container(change):
    assert parse_container(msgspec.json.encode({**INSPECTED, **change})) is None


@given(st.binary(max_size=200) | st.recursive(st.none() | st.text(), st.lists).map(msgspec.json.encode))
def test_any_answer(body):
    assert parse_container(body) is None


@given(st.text(max_size=40))
def test_any_time_is_read_or_left_out(text):
    container = parse_container(msgspec.json.encode({**INSPECTED, "Created": text}))
    assert container is not None


@pytest.mark.parametrize(
    ("given_name", "name"),
    [
        ("nginx", "nginx:latest"),
        ("nginx:1.25", "nginx:1.25"),
        ("host:5000/team/app", "host:5000/team/app:latest"),
        ("host:5000/team/app:v1", "host:5000/team/app:v1"),
        ("nginx@sha256:" + "b" * 64, "nginx@sha256:" + "b" * 64),
        (IMAGE, ""),
        ("a" * 12, ""),
        ("", ""),
    ],
)
def test_the_name_that_was_given(given_name, name):
    assert image_name(given_name) == name


def test_names_are_bounded():
    assert len(image_name("x" * 5000)) == 512
