"""Sockets of the parts: what is taken, what is nobody's address, and what port 0 becomes."""

import socket
from pathlib import Path

import pytest

from hullguard.app.cli.exits import exit_code
from hullguard.app.listening import bound, listen
from hullguard.app.settings import Address, Layout, default_data_dir, parse_address
from hullguard.app.up import only_one
from hullguard.model.errors import Conflict, Invalid, Unavailable


def test_port_0_becomes_a_real_one_that_answers() -> None:
    with listen(Address("127.0.0.1", 0)) as listener:
        where = bound(listener)

        assert where.host == "127.0.0.1"
        assert where.port > 0
        with socket.create_connection((where.host, where.port), 5) as caller:
            assert caller.getpeername() == (where.host, where.port)


def test_a_taken_port_is_an_outside_failure_that_names_the_address() -> None:
    with listen(Address("127.0.0.1", 0)) as first:
        where = bound(first)

        with pytest.raises(Unavailable, match=f"{where.host}:{where.port}: another program does") as refused:
            listen(where)

        assert exit_code(refused.value) == 3


def test_a_port_that_was_given_up_can_be_taken_at_once() -> None:
    with listen(Address("127.0.0.1", 0)) as first:
        where = bound(first)
        with socket.create_connection((where.host, where.port), 5):
            first.setblocking(True)
            accepted, _ = first.accept()
            accepted.close()  # the side that closes first keeps the port in TIME_WAIT

    with listen(where) as again:
        assert bound(again) == where


def test_ipv6_is_listened_on_and_written_so_that_it_can_be_read_again() -> None:
    with listen(parse_address("[::1]:0", "--listen")) as listener:
        where = bound(listener)

        assert listener.family is socket.AF_INET6
        assert parse_address(str(where), "--listen") == where
        assert where.loopback
        with socket.create_connection((where.host, where.port), 5):
            pass


def test_a_name_of_this_machine_is_listened_on() -> None:
    with listen(Address("localhost", 0)) as listener:
        assert bound(listener).loopback


@pytest.mark.parametrize(
    "host",
    ["no-such-host.invalid", "192.0.2.1", "a..b", "a" * 64 + ".example", "with space", "2001:db8::1", "é" * 70],
    ids=["unknown", "not ours", "empty label", "long label", "space", "not ours v6", "long unicode"],
)
def test_what_is_no_address_of_this_machine_is_a_wrong_request_with_advice(host: str) -> None:
    with pytest.raises(Invalid, match="name an address of this machine") as refused:
        listen(Address(host, 0))

    assert str(Address(host, 0)) in str(refused.value)


@pytest.mark.parametrize(
    "text", ["127.0.0.1:" + "9" * 5000, "127.0.0.1:000000080", "[::1]", "127.0.0.1:8440 ", "127.0.0.1:+80"]
)
def test_a_port_of_any_length_or_form_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(Invalid, match="--agents must be HOST:PORT"):
        parse_address(text, "--agents")


@pytest.mark.parametrize(
    ("host", "loopback"),
    [("127.0.0.2", True), ("127.255.255.254", True), ("0.0.0.0", False), ("::", False), ("10.0.0.1", False)],
)
def test_only_what_nobody_else_can_reach_is_loopback(host: str, loopback: bool) -> None:
    assert Address(host, 1).loopback is loopback


class TestDataDirectory:
    def test_root_uses_the_system_s_directory(self, monkeypatch) -> None:
        monkeypatch.setattr("os.geteuid", lambda: 0)
        assert default_data_dir() == Path("/var/lib/hullguard")

    def test_others_use_their_own(self, monkeypatch, tmp_path: Path) -> None:
        monkeypatch.setattr("os.geteuid", lambda: 1000)
        monkeypatch.setenv("HOME", str(tmp_path))
        monkeypatch.delenv("XDG_DATA_HOME", raising=False)
        assert default_data_dir() == tmp_path / ".local" / "share" / "hullguard"
        monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "xdg"))
        assert default_data_dir() == tmp_path / "xdg" / "hullguard"

    def test_every_file_lies_inside_the_directory_and_no_two_share_a_name(self, tmp_path: Path) -> None:
        layout = Layout(tmp_path)
        names = [name for name in dir(Layout) if isinstance(getattr(Layout, name), property)]
        places = [place for name in names if isinstance(place := getattr(layout, name), Path)]

        assert len(set(places)) == len(places) >= 10
        assert all(place.is_relative_to(tmp_path) for place in places)

    def test_one_holder_at_a_time_and_the_second_learns_who_the_first_is(self, tmp_path: Path) -> None:
        layout = Layout(tmp_path / "data")
        layout.make()
        with only_one(layout.lock):
            holder = layout.lock.read_text().strip()
            with (
                pytest.raises(Conflict, match=rf"already runs on {layout.data} \(process {holder}\)"),
                only_one(layout.lock),
            ):
                raise AssertionError
        with only_one(layout.lock):
            assert layout.lock.stat().st_mode & 0o777 == 0o600
