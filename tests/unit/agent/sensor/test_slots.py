import ctypes
import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hullguard.agent.sensor import abi
from hullguard.agent.sensor.exec_slots import environment, gram_bit, grams
from hullguard.agent.sensor.slots import (
    Entries,
    allowed_entries,
    allowed_sockets,
    climbing,
    last_name,
    name_entries,
    network_entries,
    path_entries,
    port_entries,
    program_entries,
    slot_value,
)
from hullguard.detect.detectors.interface import Access, ExecTrait, Transport, Wants
from hullguard.detect.paths import matches
from hullguard.detect.plan import SlotPlan
from hullguard.detect.profiles import Done, Known
from hullguard.detect.texts import folded, has
from hullguard.model.event import EventKind
from hullguard.model.profile import Behaviour, Entry, Profile, ProfileState

OPEN = frozenset({EventKind.FILE_OPEN})
EXEC = frozenset({EventKind.EXEC})
CONNECT = frozenset({EventKind.CONNECT})
CONNECTED = Behaviour.CONNECT


def longest(entries: Entries, key: bytes) -> int:
    """What a trie answers: the value of the longest entry that the key begins with. The first four bytes count bits."""
    found: tuple[int, int] = (-1, 0)
    for entry, value in entries.items():
        bits = int.from_bytes(entry[:4], "little")
        whole, rest = divmod(bits, 8)
        same = entry[4 : 4 + whole] == key[:whole]
        if same and rest:
            same = entry[4 + whole] >> (8 - rest) == key[whole] >> (8 - rest)
        if same and bits > found[0]:
            found = (bits, value)
    return found[1]


def path_bits(entries: Entries, slot: int, path: str) -> int:
    """What path_wants() in match.h puts together."""
    start = slot.to_bytes(2, "little")
    raw = path.encode()
    bits = longest(entries, start + abi.PATH_WANTED + (raw + b"\0")[: abi.TRIE])
    bits |= longest(entries, start + abi.PATH_ENDING + raw[::-1][: abi.TRIE])
    for name in raw.split(b"/")[:-1]:
        bits |= longest(entries, start + abi.PATH_DIRECTORY + name + b"/")
    return bits


NAME = st.text("abc.", min_size=1, max_size=3).filter(lambda name: name not in {".", ".."})
PATH = st.lists(NAME, min_size=1, max_size=4).map(lambda names: "/" + "/".join(names))
PATTERN = st.one_of(
    PATH,
    PATH.map(lambda path: f"{path}/*"),
    PATH.map(lambda path: f"{path}*"),
    PATH.map(lambda path: f"*{path}"),
    NAME.map(lambda name: f"*{name}"),
    NAME.map(lambda name: f"*/{name}/*"),
    st.just("*"),
)


@given(st.lists(st.lists(PATTERN, min_size=1, max_size=4), min_size=1, max_size=4), PATH)
def test_the_tries_decide_as_detectors_do(wanted, path):
    slot = SlotPlan(wants=tuple(Wants(OPEN, paths=tuple(patterns)) for patterns in wanted))
    bits = path_bits(path_entries(3, slot), 3, path)

    assert [bool(bits >> n & 1) for n in range(len(wanted))] == [matches(path, patterns) for patterns in wanted]


def test_slots_do_not_meet():
    entries = path_entries(1, SlotPlan(wants=(Wants(OPEN, paths=("/a",)),)))

    assert path_bits(entries, 1, "/a")
    assert not path_bits(entries, 2, "/a")


def test_what_must_live_is_no_want():
    entries = path_entries(1, SlotPlan(exempt=("/a",), kill_new=True))

    assert not path_bits(entries, 1, "/a")
    assert longest(entries, b"\1\0" + abi.PATH_EXEMPT + b"/a\0")


@pytest.mark.parametrize("pattern", ["/a\nb", "/" + "x" * 300, "*/a*b/*"])
def test_what_the_kernel_cannot_hold_lets_everything_through(pattern):
    slot = SlotPlan(wants=(Wants(OPEN, paths=(pattern,)),))

    assert path_bits(path_entries(0, slot), 0, "/any/thing")
    assert name_entries(slot)[abi.NAME_FILE, b""]


@pytest.mark.parametrize(
    ("pattern", "kind", "name"),
    [
        ("/etc/shadow", abi.NAME_FILE, b"shadow"),
        ("/root/.ssh/*", abi.NAME_DIRECTORY, b".ssh"),
        ("/etc/cron*", abi.NAME_DIRECTORY, b"etc"),
        ("*/.ssh/*", abi.NAME_DIRECTORY, b".ssh"),
        ("*/.aws/credentials", abi.NAME_FILE, b"credentials"),
        ("*.so", abi.NAME_FILE, b""),
        ("/*", abi.NAME_DIRECTORY, b""),
    ],
)
def test_the_last_name_is_what_the_kernel_looks_for_first(pattern, kind, name):
    assert last_name(pattern) == (kind, name)


def test_an_open_is_looked_at_for_the_access_that_some_want_has():
    slot = SlotPlan(
        wants=(
            Wants(OPEN, paths=("/a/x",), access=frozenset({Access.READ})),
            Wants(OPEN, paths=("/b/x",), access=frozenset({Access.WRITE, Access.CREATE})),
            Wants(frozenset({EventKind.FILE_UNLINK}), paths=("/c/y",)),
        )
    )

    assert name_entries(slot) == {
        (abi.NAME_FILE, b"x"): abi.ACCESS_READ | abi.ACCESS_WRITE | abi.ACCESS_CREATE,
    }
    value = slot_value(slot)
    assert (value.wants[abi.FILE], value.wants[abi.OPEN_WRITE], value.wants[abi.OPEN_CREATE]) == (1, 2, 2)
    assert value.wants[abi.UNLINK] == 4


def test_who_asks_for_climbing_paths_everywhere_asks_for_no_other():
    everywhere = Wants(OPEN, paths=("/*",), access=frozenset({Access.READ, Access.FAILED}), climbs=True)
    somewhere = Wants(OPEN, paths=("/etc/x", "/root/*"), access=frozenset({Access.WRITE}), climbs=True)
    slot = SlotPlan(wants=(Wants(OPEN, paths=("/a/y",)), everywhere, somewhere))

    assert slot_value(slot).climbing == 0b110
    assert climbing(slot) == abi.ACCESS_READ | abi.ACCESS_FAILED
    assert set(name_entries(slot)) == {
        (abi.NAME_FILE, b"y"),
        (abi.NAME_FILE, b"x"),
        (abi.NAME_DIRECTORY, b"root"),
    }


COMM = st.sampled_from(["", "a", "ab", "é", "x" * 15, "\N{GRINNING FACE}"])


@given(st.lists(st.frozensets(COMM, max_size=3), max_size=5), COMM)
def test_a_program_is_wanted_by_those_that_name_it_and_those_that_name_none(wanted, comm):
    slot = SlotPlan(wants=tuple(Wants(CONNECT, programs=programs) for programs in wanted))
    # What of_program() in wants.h puts together.
    key = (3).to_bytes(2, "little") + comm.encode().ljust(abi.COMM, b"\0")
    bits = ~slot_value(slot).named | program_entries(3, slot).get(key, 0)

    assert [bool(bits >> n & 1) for n in range(len(wanted))] == [not each or comm in each for each in wanted]
    assert len(key) == ctypes.sizeof(abi.Program)


def test_an_exec_without_a_trait_is_asked_for_by_those_that_ask_for_none():
    traits = frozenset({ExecTrait.NEW_FILE})
    slot = SlotPlan(
        wants=(Wants(EXEC, execs=traits), Wants(EXEC), Wants(CONNECT), Wants(EXEC, programs=frozenset({"a"})))
    )

    assert (slot_value(slot).execs, slot_value(slot).named) == (0b1010, 0b1000)
    assert slot_value(slot).traits[abi.TRAIT_NEW] == 1


WORD = st.text(alphabet="ab/.K -", min_size=4, max_size=30)


@given(st.lists(st.frozensets(WORD, max_size=3), max_size=4), st.text(alphabet="abK/. -\0", max_size=60))
def test_texts_are_found_where_they_begin(wanted, given_text):
    """What find_texts() in ask.h does: four letters first, then the trie."""
    slot = SlotPlan(wants=tuple(Wants(EXEC, texts=texts) for texts in wanted))
    raw, entries, words = folded(given_text.encode()), path_entries(3, slot), grams([slot], abi.TEXT_WANTED)
    bits = 0
    for at in range(len(raw)):
        place = gram_bit(raw[at : at + abi.GRAM])
        if words[place // 64] >> place % 64 & 1:
            bits |= longest(entries, (3).to_bytes(2, "little") + abi.TEXT_WANTED + raw[at : at + abi.TEXT])

    asked = slot_value(slot).by_text
    assert [bool((bits | ~asked) >> n & 1) for n in range(len(wanted))] == [
        not texts or any(has(given_text.encode(), text) for text in texts) for texts in wanted
    ]


@pytest.mark.parametrize(
    ("wanted", "paths", "found"),
    [
        (Wants(EXEC, executables=("/dev/shm/*", "*/.x", "*/hidden/*")), ["/dev/shm/a", "/b/.x", "/hidden/c"], True),
        (Wants(EXEC, executables=("/dev/shm/*",)), ["/dev/shm", "/usr/dev/shm/a"], False),
    ],
)
def test_programs_are_found_by_their_paths(wanted, paths, found):
    entries = path_entries(3, SlotPlan(wants=(wanted,)))
    kinds = dict(zip(b"PQR", b"WED", strict=True))
    as_files = {key[:6] + bytes([kinds[key[6]]]) + key[7:]: bits for key, bits in entries.items()}

    assert all(bool(path_bits(as_files, 3, path)) is found for path in paths)


def test_parents_are_found_by_name_and_by_how_it_begins():
    entries = path_entries(3, SlotPlan(wants=(Wants(EXEC, parents=("conmon", "runc*", "longer-than-any-name")),)))

    def wanted(comm: bytes) -> bool:
        return bool(longest(entries, b"\3\0" + abi.PARENT_WANTED + comm + b"\0"))

    assert [wanted(comm) for comm in (b"conmon", b"conmon2", b"runc", b"runc:[2:INIT]", b"run")] == [
        True, False, True, True, False,
    ]  # fmt: skip
    assert len(entries) == 2


def test_variables_that_others_read_are_looked_for_and_ask_for_nothing():
    names = frozenset({"LD_PRELOAD", "HTTP_PROXY"})
    slot = SlotPlan(wants=(Wants(EXEC, variables=frozenset({"LD_PRELOAD"}), environment=names), Wants(CONNECT)))
    start = b"\3\0" + abi.VARIABLE_WANTED
    bits = {key[: 7 + 11]: bits for key, bits in path_entries(3, slot).items()}

    assert sorted(bits.values()) == [0, 1]
    assert all(key[4:7] == start for key in bits)
    assert environment([slot]) == abi.ENV_NAMED
    assert environment([SlotPlan(wants=(Wants(EXEC, environment=frozenset({"*"})),))]) == abi.ENV_ALL
    assert environment([SlotPlan(wants=(Wants(EXEC, environment=frozenset({"A"})),))]) == abi.ENV_ALL
    assert environment([SlotPlan(wants=(Wants(EXEC),))]) == abi.ENV_NONE


ADDRESS = st.integers(0, 255).map(lambda last: f"10.0.{last % 4}.{last}")
NETWORK = st.builds(
    lambda address, size, out: f"{'!' if out else ''}{address}/{size}",
    ADDRESS,
    st.sampled_from([8, 16, 22, 24, 32]),
    st.booleans(),
)


def wants_address(networks: list[str], address: str) -> bool:
    """The meaning of a list, straight from its words: the narrowest network that holds the address decides."""
    holding = [
        (ipaddress.ip_network(word.removeprefix("!"), strict=False).prefixlen, index, not word.startswith("!"))
        for index, word in enumerate(networks)
        if ipaddress.ip_address(address) in ipaddress.ip_network(word.removeprefix("!"), strict=False)
    ]
    if holding:
        return max(holding)[2]
    return all(word.startswith("!") for word in networks)


@given(st.lists(st.lists(NETWORK, min_size=1, max_size=4), min_size=1, max_size=4), ADDRESS)
def test_an_address_is_wanted_by_the_narrowest_network_that_holds_it(wanted, address):
    slot = SlotPlan(wants=tuple(Wants(CONNECT, networks=tuple(networks)) for networks in wanted))
    key = b"\5\0" + (2).to_bytes(2, "little") + ipaddress.ip_address(address).packed.ljust(16, b"\0")
    bits = longest(network_entries(5, slot), key)

    assert [bool(bits >> n & 1) for n in range(len(wanted))] == [wants_address(nets, address) for nets in wanted]


def test_the_sixth_version_has_networks_too():
    slot = SlotPlan(wants=(Wants(CONNECT, networks=("fd00::/8",)),))
    entries = network_entries(0, slot)
    start = b"\0\0" + (10).to_bytes(2, "little")

    assert longest(entries, start + ipaddress.ip_address("fd12::1").packed) == 1
    assert longest(entries, start + ipaddress.ip_address("fe80::1").packed) == 0


PORT = st.sampled_from([1, 80, 443, 32768, 65535])
ENTRY = st.builds(
    lambda transport, net, port: f"{transport} {ipaddress.ip_network(net, strict=False)} {port}",
    st.sampled_from(["tcp", "udp"]),
    st.sampled_from(["0.0.0.0/0", "10.0.0.0/8", "10.1.2.0/24", "10.1.2.3/32", "::/0", "fd00::/8", "fd00::1/128"]),
    st.one_of(PORT, st.just("*")),
)


@given(
    st.lists(ENTRY, max_size=6),
    st.sampled_from(["tcp", "udp"]),
    st.sampled_from(["10.1.2.3", "10.1.2.4", "10.9.9.9", "192.0.2.1", "fd00::1", "fd00::2", "2001:db8::1"]),
    PORT,
)
def test_the_kernel_lets_through_what_the_profile_covers(lines, transport, address, port):
    profile = Profile("p", "web", ProfileState.PROTECT, 1, 1, tuple(Entry(CONNECTED, line, 1) for line in lines))
    entries = allowed_entries(7, profile)
    place = ipaddress.ip_address(address)
    kind = bytes([abi.TCP if transport == "tcp" else abi.UDP, 2 if place.version == 4 else 10])
    packed = place.packed.ljust(16, b"\0")

    def let(number: int) -> int:
        return longest(entries, (7).to_bytes(2, "little") + number.to_bytes(2, "little") + kind + packed)

    deed = Done(CONNECTED, f"{transport} {address} {port}", "")
    assert bool(let(port) or let(0)) == Known(profile.entries).cover(deed)


SOCKET_PATH = st.sampled_from(["/run/a.sock", "/run/a.sock.old", "/run/ab/c", "/srv/a", "/run", "/"])


@given(st.lists(st.one_of(SOCKET_PATH, SOCKET_PATH.map(lambda path: f"{path}*")), max_size=4), SOCKET_PATH)
def test_the_kernel_lets_through_the_unix_sockets_that_the_profile_covers(patterns, path):
    lines = tuple(Entry(CONNECTED, f"unix {pattern}", 1) for pattern in patterns)
    entries = allowed_sockets(7, Profile("p", "web", ProfileState.PROTECT, 1, 1, lines))

    found = longest(entries, (7).to_bytes(2, "little") + b"U" + path.encode() + b"\0")
    assert bool(found) == Known(lines).cover(Done(CONNECTED, f"unix {path}", ""))


def test_what_was_removed_and_what_is_no_connection_is_not_let_through():
    entries = (
        Entry(CONNECTED, "tcp 10.0.0.0/8 80", 1, accepted=False),
        Entry(CONNECTED, "unix /run/x", 1, accepted=False),
        Entry(CONNECTED, "tcp nowhere 80", 1),
        Entry(CONNECTED, "unix /run/x y", 1),
        Entry(Behaviour.WRITE, "tcp 10.0.0.0/8 80", 1),
        Entry(Behaviour.WRITE, "unix /run/x", 1),
    )
    profile = Profile("p", "web", ProfileState.PROTECT, 1, 1, entries)
    assert allowed_entries(1, profile) == {}
    assert allowed_sockets(1, profile) == {}


def test_what_a_want_does_not_ask_it_lets_pass():
    slot = SlotPlan(
        wants=(
            Wants(CONNECT, ports=frozenset({443}), transports=frozenset({Transport.TCP})),
            Wants(CONNECT, networks=("10.0.0.0/8",)),
        )
    )
    value = slot_value(slot)

    assert (value.any_port, value.any_address, value.any_path) == (2, 1, 3)
    assert list(value.transports) == [3, 2, 2, 2]
    assert port_entries(7, slot) == {bytes(abi.Port(slot=7, port=443)): 1}
