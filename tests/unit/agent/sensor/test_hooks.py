import os
import re
from pathlib import Path

import pytest

from hullguard.agent.sensor import hooks
from hullguard.agent.sensor.catalog import HOOKS, Backend, Cost
from hullguard.agent.sensor.hooks import ABSENT, UNWANTED, WAITING, Hooks
from hullguard.agent.sensor.loader import OBJECT
from hullguard.agent.sensor.pins import Pins
from hullguard.detect.detectors.interface import Access, Transport, Wants
from hullguard.model.event import EventKind

CONNECT = frozenset({EventKind.CONNECT})


class Kernel:
    """A directory of pins, and a kernel that refuses what it is told to."""

    def __init__(self, directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.pins = Pins(directory)
        self.loads: list[tuple[str, ...]] = []
        self.refuses: dict[str, str] = {}
        self.errors: dict[str, OSError] = {}
        monkeypatch.setattr(hooks.libbpf, "open_pinned", lambda path: os.open(path, os.O_RDONLY))
        monkeypatch.setattr(hooks, "_put", self._put)
        self.hooks = Hooks(self.pins, self.provide)

    def provide(self, pins: Pins, programs) -> dict[str, str]:
        given = tuple(programs)
        self.loads.append(given)
        for name in given:
            if name not in self.refuses:
                (pins.directory / name).touch()
        return {name: self.refuses[name] for name in given if name in self.refuses}

    def _put(self, backend, what, program, pin) -> None:
        if what.pin in self.errors:
            raise self.errors[what.pin]
        pin.touch()

    def want(self, wants) -> None:
        self.hooks.want(wants)
        self.hooks.settle()

    def attached(self) -> dict[str, str]:
        return {info.name: info.backend for info in self.hooks.infos() if info.attached}


@pytest.fixture
def kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Kernel:
    return Kernel(tmp_path, monkeypatch)


ALWAYS = {hook.name for hook in HOOKS if hook.always}


def test_what_is_wanted_is_attached_and_goes_when_it_is_not(kernel):
    kernel.want([Wants(CONNECT)])
    assert set(kernel.attached()) == ALWAYS | {"connect", "connect unix"}
    kernel.want([])

    assert set(kernel.attached()) == ALWAYS
    assert {info.why for info in kernel.hooks.infos() if not info.attached} == {UNWANTED}


def test_programs_are_loaded_together_and_once(kernel):
    kernel.want([Wants(CONNECT)])
    kernel.want([])
    kernel.want([Wants(CONNECT)])

    assert len(kernel.loads) == 1
    assert {"on_exec", "on_connect4", "on_connect_unix"} <= set(kernel.loads[0])


ALL_KINDS = [Wants(frozenset(EventKind), paths=("/a",), access=frozenset(Access))]


def test_many_hooks_are_attached_some_at_a_time_and_it_can_be_told_how_far_it_is(kernel):
    kernel.hooks.want(ALL_KINDS)
    seen = []

    def note() -> bool:
        seen.append(kernel.hooks.progress())
        return False

    kernel.hooks.settle(note)
    there = [attached for attached, _ in seen]
    assert there[0] == 0
    assert there == sorted(set(there)), "each step adds some"
    assert len(there) > 3
    assert {wanted for _, wanted in seen} == {len(HOOKS)}
    assert kernel.hooks.progress() == (len(HOOKS), len(HOOKS))
    assert "on_exec" in kernel.loads[0]
    assert "on_open" in kernel.loads[0]
    assert max(map(len, kernel.loads)) <= 8


def test_what_is_there_stays_until_what_is_wanted_is_there_too(kernel):
    kernel.want([Wants(CONNECT)])
    kernel.hooks.want([Wants(frozenset({EventKind.BIND}))])
    seen = []

    def note() -> bool:
        seen.append(set(kernel.attached()))
        return False

    kernel.hooks.settle(note)
    assert [{"connect", "connect unix"} <= there for there in seen] == [True]
    assert set(kernel.attached()) == ALWAYS | {"bind"}


def test_one_who_stops_leaves_the_rest_as_it_is(kernel):
    kernel.want([Wants(CONNECT)])
    kernel.hooks.want([Wants(frozenset({EventKind.BIND}))])
    kernel.hooks.settle(lambda: True)
    assert set(kernel.attached()) == ALWAYS | {"connect", "connect unix"}
    assert [(info.name, info.why) for info in kernel.hooks.missing()] == [("bind", WAITING)]


def test_sockets_that_nobody_asks_about_need_no_hook(kernel):
    kernel.want([Wants(CONNECT, transports=frozenset({Transport.UNIX}))])

    assert set(kernel.attached()) == ALWAYS | {"connect unix"}


@pytest.mark.parametrize(
    ("access", "attached", "absent"),
    [
        (Access.FAILED, "sys_exit_openat_failed", "sys_exit_openat"),
        (Access.READ, "sys_exit_openat", "sys_exit_openat_failed"),
        (Access.HANDLE, "sys_exit_open_by_handle_at", "sys_exit_openat"),
    ],
)
def test_ways_to_open_that_nobody_asks_about_need_no_hook(kernel, access, attached, absent):
    kernel.want([Wants(frozenset({EventKind.FILE_OPEN}), paths=("/a",), access=frozenset({access}))])

    assert attached in kernel.attached()
    assert absent not in kernel.attached()


def test_files_without_a_path_need_no_hook(kernel):
    kernel.want([Wants(frozenset({EventKind.FILE_OPEN, EventKind.FILE_RENAME}))])

    assert set(kernel.attached()) == ALWAYS


def test_the_next_way_is_taken_where_the_kernel_refuses_the_best(kernel):
    kernel.refuses["on_connect4"] = "no such type"
    kernel.errors["on_connect_unix"] = PermissionError(1, "Operation not permitted")
    kernel.want([Wants(CONNECT)])

    assert {kernel.attached()[name] for name in ("connect", "connect unix")} == {Backend.CALL}
    infos = {info.name: info for info in kernel.hooks.infos()}
    assert infos["connect"].why == "not by cgroup: no such type"
    assert infos["connect unix"].why == "not by cgroup: Operation not permitted"
    assert infos["connect"].cost == Cost.EVERY_CALL
    assert kernel.hooks.missing() == ()


def test_half_a_way_is_no_way(kernel):
    kernel.errors["on_connect6"] = PermissionError(1, "Operation not permitted")
    kernel.want([Wants(CONNECT)])

    assert not kernel.pins.link("on_connect4").exists()
    assert kernel.attached()["connect"] == Backend.CALL


def test_one_refused_program_costs_no_other(kernel):
    kernel.refuses["on_open"] = "too large"
    kernel.want([Wants(frozenset({EventKind.FILE_OPEN, EventKind.CONNECT}), paths=("/a",))])

    rings = {"io_uring open", "io_uring silent open"}
    assert set(kernel.attached()) == ALWAYS | {"connect", "connect unix"} | rings
    assert {info.why for info in kernel.hooks.missing()} == {"too large"}


def test_a_call_that_the_kernel_does_not_have_is_not_missed(kernel):
    kernel.errors["sys_exit_creat"] = FileNotFoundError(2, "id")
    kernel.want([Wants(frozenset({EventKind.FILE_OPEN}), paths=("/a",))])

    (info,) = [info for info in kernel.hooks.infos() if info.name == "sys_exit_creat"]
    assert (info.attached, info.why, info.needless) == (False, ABSENT, True)
    assert kernel.hooks.missing() == ()


def test_a_link_that_somebody_removed_is_missed(kernel):
    kernel.want([Wants(CONNECT)])
    kernel.pins.link("on_connect6").unlink()

    (info,) = kernel.hooks.missing()
    assert (info.name, info.needless) == ("connect", False)
    assert "somebody took it away" in info.why


def test_beginning_attaches_the_process_hooks_and_takes_nothing_away(kernel):
    kernel.want([Wants(CONNECT)])
    again = Hooks(kernel.pins, kernel.provide)
    again.begin()

    assert {info.name for info in again.infos() if info.attached} == ALWAYS | {"connect", "connect unix"}


def test_every_program_of_the_catalog_is_in_the_object_and_the_other_way_round():
    named = {each.program for hook in HOOKS for way in hook.ways for each in way.attachments}
    source = "".join(path.read_text() for path in OBJECT.parent.glob("*.[ch]"))
    written = set(re.findall(r'SEC\("(?!license|\.maps)[^"]+"\)\s*int (?:BPF_PROG\()?(\w+)', source))

    assert named == written


def test_names_and_pins_are_unique():
    names = [hook.name for hook in HOOKS]
    pins = [each.pin for hook in HOOKS for way in hook.ways for each in way.attachments]

    assert len(set(names)) == len(names)
    assert len(set(pins)) == len(pins)


def test_the_last_way_is_the_one_that_taxes():
    for hook in HOOKS:
        costs = [way.cost is Cost.EVERY_CALL for way in hook.ways]
        assert costs == sorted(costs), hook.name
