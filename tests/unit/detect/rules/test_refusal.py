import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.events import event, process
from tests.support.rules import rules, with_condition

from hullguard.agent.sensor import abi
from hullguard.agent.sensor.slots import network_entries, port_entries, program_entries, slot_value
from hullguard.detect.plan import SlotPlan
from hullguard.detect.rules.refusal import MOST_WANTS, OTHERS, TOO_MANY, Refusal, concerns_connections, refusal
from hullguard.detect.rules.ruleset import Rule
from hullguard.model.event import ContainerRef, Endpoint, Event, EventKind, Socket

CALLS = {EventKind.CONNECT: "connect", EventKind.SEND: "sendmsg"}
PORTS = (22, 443, 3333, 65_535)
ADDRESSES = ("10.1.2.3", "127.0.0.1", "169.254.169.254", "8.8.8.8", "fd00::1", "2001:db8::1")
NAMES = ("nc", "curl", "a-name-of-fiftee")


def rule(condition: str) -> Rule:
    (found,) = rules(with_condition(condition)).rules
    return found


def connection(
    kind: EventKind = EventKind.CONNECT,
    address: str = "8.8.8.8",
    port: int = 443,
    *,
    comm: str = "nc",
    tcp: bool = True,
    parent: str = "sh",
) -> Event:
    """As the kernel tells of it before it is made, in a container."""
    return event(
        kind,
        container=ContainerRef("c" * 64),
        call=CALLS[kind],
        path=None,
        lineage=(process(comm=parent), process(comm=comm)),
        socket=Socket(
            "ipv4" if "." in address else "ipv6",
            "stream" if tcp else "datagram",
            6 if tcp else 17,
            remote=Endpoint(address, port),
        ),
    )


def refused_by_kernel(found: Refusal, seen: Event) -> bool:
    """What the questions of match.h and wants.h make of the entries, one map after the other."""
    slot = SlotPlan(wants=tuple(found.wants))
    value, remote = slot_value(slot), seen.socket.remote
    address = ipaddress.ip_address(remote.address)
    wants = value.wants[abi.CONNECT if seen.kind is EventKind.CONNECT else abi.SEND]
    named = program_entries(7, slot).get(bytes(abi.Program(slot=7, name=seen.process.comm.encode())), 0)
    wants &= ~value.named | (named ^ value.spared)
    wants &= value.transports[abi.TCP if seen.socket.kind == "stream" else abi.UDP]
    wants &= value.any_port ^ port_entries(7, slot).get(bytes(abi.Port(slot=7, port=remote.port)), 0)
    networks, best = value.any_address, (-1, 0)
    for key, bits in network_entries(7, slot).items():
        entry = abi.Network.from_buffer_copy(key)
        size = 4 if entry.family == 2 else 16
        network = ipaddress.ip_network((bytes(entry.address)[:size], entry.bits - 32))
        if network.version == address.version and address in network and network.prefixlen > best[0]:
            best = network.prefixlen, bits
    return bool(wants & (networks | best[1]) & value.refused)


MANY = "({})".format(" or ".join(f"(fd.sport={n} and fd.sip=10.0.0.{n} and fd.l4proto=tcp)" for n in range(1, 70)))
PLACES = ", ".join(f"10.{n}.2.3" for n in range(40))
TEST = st.sampled_from(
    [
        "evt.type=connect",
        "evt.type in (connect, sendto, sendmsg)",
        "evt.type=openat",
        "container.id != host",
        "evt.rawres >= 0",
        "evt.res = EINPROGRESS",
        "fd.typechar = 4",
        "fd.type in (ipv6, unix)",
        "fd.sockfamily = ip",
        "fd.l4proto = udp",
        "fd.sport = 443",
        "fd.rport in (22, 3333)",
        "fd.port != 22",
        "fd.sport >= 3333",
        "fd.sport < 443",
        "fd.lport = 443",
        "fd.sip = 169.254.169.254",
        "fd.ip != 8.8.8.8",
        "fd.snet in (10.0.0.0/8, 127.0.0.0/8, fd00::/8)",
        "fd.net != 169.254.0.0/16",
        "fd.rnet = 0.0.0.0/0",
        "proc.name in (nc, a-name-of-fiftee)",
        "proc.name != curl",
        "proc.pname = sh",
        "fd.name contains 443",
        "proc.name startswith c",
    ]
)
CONDITION = st.recursive(
    TEST,
    lambda part: st.one_of(
        st.tuples(part, st.sampled_from(["and", "or"]), part).map(lambda three: f"({' '.join(three)})"),
        part.map(lambda one: f"not ({one})"),
    ),
    max_leaves=6,
)
CONNECTION = st.builds(
    connection,
    st.sampled_from(sorted(CALLS)),
    st.sampled_from(ADDRESSES),
    st.sampled_from(PORTS),
    comm=st.sampled_from([name[:15] for name in NAMES]),
    tcp=st.booleans(),
    parent=st.sampled_from(["sh", "x"]),
)


@given(CONDITION, st.lists(CONNECTION, min_size=1, max_size=5))
def test_the_kernel_refuses_no_more_than_the_rule_holds_for_and_all_of_it_where_nothing_is_in_doubt(condition, seen):
    compiled = rules(with_condition(condition))
    found = refusal(compiled.rules[0])
    for one in seen:
        refused, holds = refused_by_kernel(found, one), bool(compiled.judge(one))
        assert refused is found.covers(one)
        assert holds or not refused
        assert refused or not holds or set(found.doubts) - {OTHERS}


@pytest.mark.parametrize(
    ("condition", "doubts"),
    [
        ("evt.type=connect and fd.sport in (3333, 4444)", ()),
        ("evt.type=connect and fd.sip=169.254.169.254 and not proc.name in (curl)", ()),
        ("evt.type=connect and fd.typechar in (4, 6) and proc.name=nc", ()),
        ("evt.type=connect and proc.name=nc", (OTHERS,)),
        ("evt.type=connect and fd.sport=1 and proc.pname=sh", ("proc.pname = sh",)),
        ("evt.type=connect and fd.sport=1 and container.image.repository=x", ("container.image.repository = x",)),
        ("(evt.type=connect and fd.sport=1) or (evt.type=execve and proc.pname=sh)", ()),
        ("evt.type=connect and fd.sport=1 and proc.name=\ufffd", ("proc.name = \ufffd",)),
        ("evt.type=connect and fd.sport > 5000 and fd.sport < 443", ("fd.sport > 5000",)),
        ("evt.type=connect and " + MANY, (TOO_MANY,)),
        (f"evt.type=connect and fd.sip in ({PLACES})", ()),
        ("evt.type=connect and fd.sport=1 and fd.sip='fe80::1%1'", ("fd.sip = fe80::1%1",)),
        (f"evt.type=connect and fd.typechar=4 and not fd.sip in ({PLACES})", (TOO_MANY,)),
    ],
)
def test_what_the_kernel_cannot_decide_is_said(condition: str, doubts: tuple[str, ...]):
    assert refusal(rule(condition)).doubts == doubts


def test_a_part_that_is_in_doubt_leaves_the_other():
    found = refusal(rule("evt.type=connect and fd.sport=3333 and (proc.name=nc or proc.pname=sh)"))
    assert found.covers(connection(port=3333))
    assert not found.covers(connection(port=3333, comm="curl"))


@pytest.mark.parametrize(
    ("condition", "concerns"),
    [
        ("evt.type=connect", True),
        ("evt.type in (execve, sendto)", True),
        ("fd.sport=1", True),
        ("evt.type=execve", False),
        ("evt.type=accept and fd.sport=22", False),
    ],
)
def test_which_rules_are_about_connections(condition: str, concerns: bool):
    assert concerns_connections(rule(condition)) is concerns


def test_alternatives_that_differ_in_one_thing_take_one_place():
    ports = " or ".join(f"fd.sport={port}" for port in range(1, 40))
    found = refusal(rule(f"evt.type=connect and ({ports})"))
    assert (len(found.wants), found.doubts) == (1, ())
    mixed = " or ".join(f"(fd.sport={n} and fd.sip=10.0.0.{n})" for n in range(1, MOST_WANTS + 2))
    found = refusal(rule(f"evt.type=connect and ({mixed})"))
    assert (len(found.wants), found.doubts) == (MOST_WANTS, (TOO_MANY,))
