"""The rules of an isolation in a real network namespace of the test's own."""

import ctypes
import os
import socket
import threading
from collections.abc import Callable, Iterator
from typing import TypeVar

import pytest

from hullguard.agent.respond import nftables
from hullguard.agent.respond.nftables import Nftables

R = TypeVar("R")
pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="making a network namespace needs root")
_CLONE_NEWNET = 0x40000000
_OWN, _NEW_RULE, _APPEND = 0x2, 6, 0x800


class Space:
    """A namespace with nothing but its loopback; ``do`` runs something inside of it."""

    def __init__(self) -> None:
        self._orders: list[Callable[[], None]] = []
        self._some, self._done = threading.Semaphore(0), threading.Semaphore(0)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        self._done.acquire()
        assert not self.failed, self.failed

    def _run(self) -> None:
        libc = ctypes.CDLL(None, use_errno=True)
        self.failed = "" if libc.unshare(_CLONE_NEWNET) == 0 else os.strerror(ctypes.get_errno())
        self._done.release()
        while True:
            self._some.acquire()
            self._orders.pop()()
            self._done.release()

    def do(self, work: Callable[[], R]) -> R:
        found: list[R] = []
        self._orders.append(lambda: found.append(work()))
        self._some.release()
        self._done.acquire()
        return found[0]

    def tables(self) -> Nftables:
        return Nftables(self.do(nftables.channel))


@pytest.fixture
def space() -> Iterator[Space]:
    return Space()


def test_rules_come_whole_and_go_without_a_trace(space: Space):
    tables = space.tables()
    assert tables.fingerprint() is None
    made = tables.cut_off(["eth0", "eth1"])
    assert made.devices == 2
    first = tables.fingerprint()
    assert first
    assert tables.cut_off(["eth0", "eth1"]) == made, "again is not an error"
    assert tables.restore()
    assert tables.fingerprint() is None
    assert not tables.restore()
    tables.close()


def test_they_outlive_whoever_made_them_and_can_be_taken_over(space: Space):
    first = space.tables()
    made = first.cut_off([])
    print_ = first.fingerprint()
    first.close()
    second = space.tables()
    assert second.fingerprint() == print_
    second.adopt()
    if made.owned:
        stranger = space.tables()
        with pytest.raises(nftables.Refused):
            stranger.restore()
        stranger.close()
    assert second.restore()
    second.close()


def test_a_rule_of_somebody_else_changes_the_fingerprint(space: Space):
    first = space.tables()
    first.cut_off([])
    print_ = first.fingerprint()
    first.close()
    stranger = space.tables()
    stranger._commit([nftables._rule("output", [nftables._verdict(nftables._ACCEPT)])], "let everything through")
    assert stranger.fingerprint() != print_
    stranger.close()


def test_more_devices_than_anybody_has_are_refused_before_anything_is_done(space: Space):
    tables = space.tables()
    with pytest.raises(nftables.Unavailable, match="65 network devices"):
        tables.cut_off([f"e{number}" for number in range(65)])
    assert tables.fingerprint() is None
    tables.close()


def test_a_refusal_says_what_and_why(space: Space):
    tables = space.tables()
    with pytest.raises(nftables.Refused, match="refuses to turn rules round: No such file") as refused:
        tables._commit([nftables._rule("no-chain", [])], "turn rules round")
    assert refused.value.code == "isolation.refused"
    assert tables.cut_off([]).devices == 0, "the socket still works"
    tables.close()


def test_loopback_traffic_passes_and_dockers_resolver_does_not(space: Space):
    def speak(address: str) -> bool:
        listener = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        listener.bind((address, 0))
        listener.settimeout(0.5)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender, listener:
            try:
                sender.sendto(b"hello", listener.getsockname())
                return listener.recv(10) == b"hello"
            except (TimeoutError, PermissionError):
                return False

    space.do(lambda: os.spawnvp(os.P_WAIT, "ip", ["ip", "link", "set", "lo", "up"]))
    assert space.do(lambda: speak("127.0.0.11"))
    tables = space.tables()
    tables.cut_off([])
    assert space.do(lambda: speak("127.0.0.1"))
    assert not space.do(lambda: speak("127.0.0.11"))
    tables.close()
