import ipaddress
import stat

import pytest
from tests.support.events import CONTAINER, raw_event

from hullguard.agent.sensor import abi
from hullguard.agent.sensor.assemble import Assembler
from hullguard.agent.sensor.containers import Identity
from hullguard.agent.sensor.decode import RawEvent, decode
from hullguard.agent.sensor.processes import Processes
from hullguard.detect.detectors.interface import EVERY_VARIABLE
from hullguard.model.event import Capabilities, ContainerDetails, ContainerRef, Endpoint, Event, EventKind, Socket


def event(kind: int, processes: Processes | None = None, **given) -> Event:
    record = decode(raw_event(kind, **given))
    assert isinstance(record, RawEvent)
    table = Processes() if processes is None else processes
    return Assembler(table, lambda: 0).event(record, Identity(ContainerRef(CONTAINER)), None)


def end(address: str) -> tuple[int, ...]:
    return tuple(ipaddress.ip_address(address).packed.ljust(16, b"\0"))


def raw_socket(family: int, kind: int, protocol: int, **ends) -> abi.Socket:
    made = abi.Socket(family=family, type=kind, protocol=protocol)
    for name, value in ends.items():
        if name in {"local", "remote"}:
            getattr(made, name)[:] = end(value)
        else:
            setattr(made, name, value)
    return made


@pytest.mark.parametrize(
    ("raw", "found"),
    [
        (
            raw_socket(2, 1, 6, remote="10.0.0.1", remote_port=22),
            Socket("ipv4", "stream", 6, None, Endpoint("10.0.0.1", 22)),
        ),
        (
            raw_socket(10, 2, 17, local="fd00::1", local_port=7, remote="fd00::2", remote_port=53),
            Socket("ipv6", "datagram", 17, Endpoint("fd00::1", 7), Endpoint("fd00::2", 53)),
        ),
        (raw_socket(17, 3, 768), Socket("packet", "raw", 768)),
        (raw_socket(40, 9, 0), Socket("40", "9")),
        (raw_socket(2, 1, 6, local_port=80), Socket("ipv4", "stream", 6, Endpoint("0.0.0.0", 80))),
    ],
)
def test_a_socket_is_told_in_words(raw, found):
    assert event(abi.CONNECT, socket=raw, call="connect", result=-115).socket == found


@pytest.mark.parametrize(
    ("kind", "flags", "local", "remote"),
    [
        (abi.CONNECT, 0, None, Endpoint("/run/x")),
        (abi.LISTEN, 0, Endpoint("/run/x"), None),
        (abi.BIND, 0, Endpoint("/run/x"), None),
        (abi.ACCEPT, abi.INBOUND, Endpoint("/run/x"), None),
        (abi.DUP, 0, None, Endpoint("/run/x")),
    ],
)
def test_a_unix_sockets_name_is_that_of_who_was_there_first(kind, flags, local, remote):
    found = event(kind, flags=flags, path=b"/run/x\0", other=b"", socket=raw_socket(1, 1, 0)).socket

    assert (found.local, found.remote) == (local, remote)
    assert found.inbound == bool(flags)


def test_a_file_is_told_in_words():
    raw = abi.File(inode=5, device=9, mode=stat.S_IFCHR | 0o4640, owner=7, group=8, flags=0o1101, type=b"devtmpfs")
    found = event(abi.FILE, file=raw, call="openat", result=3, flags=abi.CREATED | abi.TRUNCATES | abi.UPPER).file

    assert (found.kind, found.mode, found.uid, found.flags) == ("character", 0o4640, 7, 0o1101)
    assert (found.file_system, found.created, found.truncated, found.upper) == ("devtmpfs", True, True, True)


def test_a_call_through_a_ring_says_so():
    assert event(abi.FILE, call="openat", flags=abi.RING).call == "io_uring openat"
    assert event(abi.FILE, call="openat").call == "openat"


def test_what_answers_nothing_has_no_result():
    assert event(abi.EXEC).result is None
    assert event(abi.FILE, call="openat", result=3).result == 3


def test_the_acting_process_has_the_rights_of_the_moment():
    table = Processes()
    event(abi.EXEC, table, args=b"sh\0", data=b"PATH=/bin\0LD_PRELOAD=/tmp/x.so\0")
    raw = bytearray(raw_event(abi.FILE, exe=b"/bin/sh\0", args=b"sh\0", flags=abi.EXE_NEW | abi.EXE_MEMFD))
    for name, value in (("uid", 1000), ("euid", 0), ("vpid", 12), ("session", 200), ("effective", 1 << 21)):
        place = getattr(abi.Event, name)
        raw[place.offset : place.offset + place.size] = value.to_bytes(place.size, "little")
    record = decode(bytes(raw))
    assert isinstance(record, RawEvent)
    found = Assembler(table, lambda: 0).event(record, Identity(ContainerRef(CONTAINER)), None).process

    assert (found.uid, found.euid, found.vpid, found.session) == (1000, 0, 12, 200)
    assert found.capabilities == Capabilities(effective=1 << 21)
    assert (found.exe_new, found.exe_memfd, found.login_uid) == (True, True, None)


def test_only_the_variables_that_a_rule_asks_for_are_kept():
    table = Processes()
    table.environment = frozenset({"LD_PRELOAD"})
    found = event(abi.EXEC, table, data=b"PATH=/bin\0LD_PRELOAD=/tmp/x.so\0LD_PRELOAD_2=y\0").process

    assert found.env == ("LD_PRELOAD=/tmp/x.so",)


def test_all_variables_are_kept_where_a_rule_asks_for_any():
    table = Processes()
    table.environment = frozenset({EVERY_VARIABLE})
    found = event(abi.EXEC, table, data=b"PATH=/bin\0A=1\0").process

    assert found.env == ("PATH=/bin", "A=1")


def test_a_path_that_could_not_be_followed_says_so():
    assert event(abi.CONNECT, call="connect", flags=abi.UNRESOLVED).arguments == {"unresolved": 1}
    assert event(abi.CONNECT, call="connect", flags=abi.UNRESOLVED, result=-2).arguments == {}


def test_every_kind_has_a_number_and_a_name():
    numbers = {event(number).kind for number in range(1, abi.SPLICE + 1) if number not in {abi.FORK, abi.EXIT}}

    assert numbers == set(EventKind) - {EventKind.FORK, EventKind.EXIT, EventKind.CONTAINER_START}


def test_a_question_to_a_name_server_is_no_call_whatever_the_record_before_it_was():
    asked = event(abi.DNS, socket=raw_socket(2, 2, 17, remote="10.0.0.1", remote_port=53), call="connect")

    assert (asked.kind, asked.call) == (EventKind.DNS, "")


@pytest.mark.parametrize(
    ("address", "name"), [("10.96.0.1", "kubernetes.default.svc.cluster.local"), ("10.96.0.2", "")]
)
def test_the_clusters_api_server_has_its_name(address, name):
    record = decode(raw_event(abi.CONNECT, socket=raw_socket(2, 1, 6, remote=address, remote_port=443), call="connect"))
    assert isinstance(record, RawEvent)
    identity = Identity(ContainerRef(CONTAINER), None, ContainerDetails(kubernetes="10.96.0.1"))

    found = Assembler(Processes(), lambda: 0).event(record, identity, None).socket

    assert found is not None
    assert found.remote == Endpoint(address, 443, name)
