"""Addresses that a server must not be sent to, however they are written, and whatever name leads there."""

import socket
from typing import Any

import pytest
from urllib3.exceptions import HTTPError, MaxRetryError

from hullguard.net.allowed import link_local, link_local_or_own
from hullguard.net.connections import connections


@pytest.mark.parametrize(
    "address",
    [
        "169.254.169.254",
        "169.254.0.1",
        "fe80::1",
        "fe80::1%eth0",
        "febf::1",
        "::ffff:169.254.169.254",
        "::ffff:a9fe:a9fe",
        "::169.254.169.254",
        "64:ff9b::169.254.169.254",
        "2002:a9fe:a9fe::1",
        "fd00:ec2::254",
        "100.100.100.200",
        "224.0.0.1",
        "ff02::1",
        "2852039166",
        "0251.0376.0251.0376",
        "0xa9fea9fe",
        "169.254.43518",
    ],
)
def test_nothing_is_asked_there(address: str) -> None:
    assert link_local(address)
    assert link_local_or_own(address)


@pytest.mark.parametrize("address", ["127.0.0.1", "127.9.9.9", "::1", "0.0.0.0", "::", "::ffff:127.0.0.1"])
def test_this_machine_is_asked_only_where_it_was_named(address: str) -> None:
    assert not link_local(address)
    assert link_local_or_own(address)


@pytest.mark.parametrize("address", ["10.0.0.1", "192.0.2.1", "fd00::1", "2001:db8::1", "registry.test", "1.1.1.1", ""])
def test_all_others_are_asked(address: str) -> None:
    assert not link_local_or_own(address)


@pytest.fixture
def server() -> Any:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_name_that_leads_there_is_not_connected_to(
    server: socket.socket, scheme: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = server.getsockname()[1]
    asked: list[str] = []

    def resolve(host: str, port: int, *_: object) -> list[tuple[Any, ...]]:
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in ("127.0.0.1", "127.0.0.2")]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    pool = connections("", lambda address: address.startswith("127."), timeout=5.0)
    with pytest.raises(HTTPError, match="nothing is asked from here"):
        pool.request("GET", f"{scheme}://rebinding.test:{port}/", retries=False)
    assert asked == ["rebinding.test"]
    server.settimeout(0.2)
    with pytest.raises(TimeoutError):
        server.accept()


def test_of_several_addresses_one_that_is_allowed_is_taken(
    server: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = server.getsockname()[1]
    real = socket.getaddrinfo

    def resolve(host: str, port: int, *rest: object) -> list[tuple[Any, ...]]:
        if host != "mixed.test":
            return list(real(host, port, *rest))  # type: ignore[arg-type]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (to, port)) for to in ("169.254.169.254", "127.0.0.1")]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    pool = connections("", link_local, timeout=0.5)
    with pytest.raises((HTTPError, MaxRetryError)):  # it is connected, and nobody answers
        pool.request("GET", f"http://mixed.test:{port}/", retries=False)
    accepted, _ = server.accept()
    accepted.settimeout(5)
    sent = accepted.recv(1000)
    accepted.close()
    assert b"Host: mixed.test" in sent
