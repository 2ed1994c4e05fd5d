"""What the kernel is asked for is never less than what rules accept."""

import ipaddress

import msgspec
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from tests.support.events import event, process
from tests.support.rule_conditions import conditions
from tests.support.rule_events import events
from tests.support.rules import rules, with_condition

from hullguard.agent.sensor.decode import text
from hullguard.detect.detectors.interface import Access, ExecTrait, Transport, Wants, merged
from hullguard.detect.fields.calls import event_type
from hullguard.detect.fields.happening import creates
from hullguard.detect.fields.paths import FILE_KINDS, PAIR_KINDS
from hullguard.detect.fields.process import terminal
from hullguard.detect.paths import LONGEST, matches, unusable
from hullguard.detect.rule_wants import patterns, wants
from hullguard.detect.rules.filters import Filter, Paths, Trait, Where
from hullguard.detect.texts import has
from hullguard.model.event import Event, EventKind


def sent(want: Wants, happened: Event) -> bool:
    """What the kernel does with a want, in Python."""
    if happened.kind not in want.kinds or (happened.container.id == "host" and not want.host):
        return False
    if happened.kind in FILE_KINDS | PAIR_KINDS and not _path_wanted(want, happened):
        return False
    if happened.kind is EventKind.FILE_OPEN and not _accesses(happened) & want.access:
        return False
    if want.programs and happened.process.comm not in want.programs:
        return False
    if want.climbs and "../" not in (happened.raw_path or ""):
        return False
    if happened.kind is EventKind.EXEC:
        return _start_wanted(want, happened)
    return happened.socket is None or _socket_wanted(want, happened)


TRAITS = {
    ExecTrait.NEW_FILE: lambda seen: seen.new_file or seen.process.exe_new or seen.process.exe_memfd,
    ExecTrait.SETUID: lambda seen: seen.process.euid == 0 and seen.process.uid != 0,
    ExecTrait.HIDDEN: lambda seen: "/." in (seen.process.exe or ""),
    ExecTrait.TERMINAL: lambda seen: bool(terminal(seen.process)),
}


def _start_wanted(want: Wants, happened: Event) -> bool:
    """What ``bpf/ask.h`` does; the kernel says the same path of the event and of the program."""
    process = happened.process
    variables = "\0".join(process.env).encode()
    return (
        (not want.execs or any(TRAITS[trait](happened) for trait in want.execs))
        and (not want.executables or matches(process.exe or "", want.executables))
        and (not want.directories or matches(process.cwd or "", want.directories))
        and (not want.parents or (len(happened.lineage) > 1 and matches(happened.lineage[-2].comm, want.parents)))
        and (not want.texts or any(has("\0".join(process.args).encode(), one) for one in want.texts))
        and (not want.variables or any(has(variables, f"{one}=") for one in want.variables))
    )


def _path_wanted(want: Wants, happened: Event) -> bool:
    if happened.kind is EventKind.FILE_OPEN and Access.HANDLE in want.access and _by_handle(happened):
        return True
    paths = [path for path in (happened.path, happened.target) if path is not None]
    return any(matches(path, want.paths) for path in paths)


def _by_handle(happened: Event) -> bool:
    return event_type(happened) == "open_by_handle_at"


def _accesses(happened: Event) -> set[Access]:
    if happened.result is not None and happened.result < 0:
        return {Access.FAILED}
    flags = happened.file.flags if happened.file else 0
    found = {
        Access.READ: happened.reads,
        Access.WRITE: happened.writes,
        Access.CREATE: creates(happened),
        Access.TRUNCATE: bool(flags & 0o1000) or bool(happened.file and happened.file.truncated),
        Access.HANDLE: _by_handle(happened),
    }
    return {access for access, holds in found.items() if holds}


def _socket_wanted(want: Wants, happened: Event) -> bool:
    socket = happened.socket
    assert socket is not None
    internet = socket.family in {"ipv4", "ipv6"}
    transports = {Transport.TCP, Transport.UDP} if internet else {Transport.OTHER}
    if not want.transports & ({Transport.UNIX} if socket.family == "unix" else transports):
        return False
    if not internet or socket.remote is None:
        return True
    address = ipaddress.ip_address(socket.remote.address)
    return (not want.ports or socket.remote.port in want.ports) and (
        not want.networks or any(address in ipaddress.ip_network(one) for one in want.networks)
    )


WEB = process(comm="nginx")
SHELL = process(comm="sh", args=("sh", "-c", "base64 -d x | sh"), exe="/dev/shm/.a", cwd="/dev/shm", uid=7, euid=0)


@settings(max_examples=300, deadline=None)
@given(conditions(), events())
@example("proc.args contains '-c base64'", event(lineage=(WEB, SHELL)))
@example("proc.args icontains 'BASE64 -D X | SH'", event(lineage=(WEB, SHELL)))
@example("proc.args icontains keys", event(lineage=(WEB, process(args=("a", "\N{KELVIN SIGN}eys")))))
@example("proc.args[1] startswith base", event(lineage=(WEB, SHELL)))
@example("proc.args[*] in ('base64 -d x | sh', b)", event(lineage=(WEB, SHELL)))
@example("proc.exepath contains /. and user.euid = 0 and user.uid != 0", event(lineage=(WEB, SHELL)))
@example("proc.exepath startswith /dev/shm/ and proc.cwd startswith /dev/shm/", event(lineage=(WEB, SHELL)))
@example("proc.cwd = /dev/shm/ or proc.cwd pmatch (/proc)", event(lineage=(WEB, SHELL)))
@example("proc.cwd startswith /", event(lineage=(WEB, process(cwd="/"))))
@example("proc.pname startswith ng and not proc.pname in (a, b)", event(lineage=(WEB, SHELL)))
@example("proc.env[HTTP_PROXY] endswith x", event(lineage=(process(env=("HTTP_PROXY=x",)),)))
@example("not user.uid = 0 and not user.euid != 0", event(lineage=(WEB, SHELL)))
@example("not user.uid = 0", event(lineage=(process(uid=None),)))
@example("not user.uid != 0", event(lineage=(process(uid=None),)))
def test_an_event_that_a_rule_holds_for_is_asked_for(condition: str, happened: Event) -> None:
    # A file known by another name is found by its inode; who accepts is not the one who calls.
    plain = msgspec.structs.replace(happened, raw_path=None, known_as=None)
    assume(plain.socket is None or not plain.socket.inbound)
    assume(plain.kind not in FILE_KINDS | PAIR_KINDS or plain.path is not None)
    assume(plain.kind is not EventKind.FILE_OPEN or _accesses(plain))
    loaded = rules(with_condition(condition))
    asked = wants((one for found in loaded.prefilters() for one in found.alternatives), host=True)

    if loaded.judge(plain):
        assert any(sent(want, plain) for want in asked)


def test_the_host_is_left_alone_unless_asked_for():
    both, inside, outside = (
        Filter(types=frozenset({"execve"}), where=where) for where in (None, Where.CONTAINER, Where.HOST)
    )

    assert [want.host for want in wants([both, inside])] == [False]
    assert wants([outside]) == []
    assert any(want.host for want in wants([both], host=True))
    assert not any(want.host for want in wants([inside], host=True))
    assert any(want.host for want in wants([outside], host=True))


def test_a_read_is_not_a_write():
    of = frozenset({"openat"})
    reading = Filter(types=of, traits=frozenset({(Trait.READS, True), (Trait.FAILED, False)}))
    writing = Filter(types=of, traits=frozenset({(Trait.WRITES, True), (Trait.FAILED, False)}))

    assert [want.access for want in wants([reading])] == [frozenset({Access.READ})]
    assert [want.access for want in wants([writing])] == [frozenset({Access.WRITE})]
    assert [want.access for want in wants([Filter(types=frozenset({"open_by_handle_at"}))])] == [
        frozenset({Access.HANDLE})
    ]


def test_a_path_that_climbs_is_asked_of_opens_alone():
    climbing = Filter(types=frozenset({"openat", "unlinkat"}), traits=frozenset({(Trait.CLIMBS, True)}))
    level = Filter(types=frozenset({"openat"}), traits=frozenset({(Trait.CLIMBS, False)}))

    assert {(kind, want.climbs) for want in wants([climbing]) for kind in want.kinds} == {
        (EventKind.FILE_OPEN, True),
        (EventKind.FILE_UNLINK, False),
    }
    assert [want.climbs for want in wants([level])] == [False]


def test_rules_with_different_paths_share_a_want():
    filters = [
        Filter(types=frozenset({"openat"}), paths=Paths(exact=frozenset({f"/etc/{number}"}))) for number in range(500)
    ]

    (want,) = wants(filters)
    assert len(want.paths) == 500


def test_what_differs_in_two_lists_stays_apart():
    one = Wants(frozenset({EventKind.FILE_OPEN}), paths=("/a",), access=frozenset({Access.READ}))
    other = Wants(frozenset({EventKind.FILE_OPEN}), paths=("/b",), access=frozenset({Access.WRITE}))

    assert {(want.paths, want.access) for want in merged([one, other])} == {
        (one.paths, one.access),
        (other.paths, other.access),
    }
    assert merged([one, msgspec.structs.replace(other, access=one.access)]) == [
        msgspec.structs.replace(one, paths=("/a", "/b"))
    ]


def test_who_asks_for_all_swallows_the_others():
    every = Wants(frozenset({EventKind.CONNECT}))

    assert merged([every, msgspec.structs.replace(every, ports=frozenset({22}))]) == [every]


def test_no_path_is_not_every_path():
    nothing = Wants(frozenset({EventKind.FILE_OPEN}))
    one = msgspec.structs.replace(nothing, paths=("/a",))

    assert {want.paths for want in merged([nothing, one])} == {(), ("/a",)}


def test_what_leaves_networks_out_is_not_mixed_with_others():
    but = Wants(frozenset({EventKind.CONNECT}), networks=("!10.0.0.0/8",))
    only = Wants(frozenset({EventKind.CONNECT}), networks=("10.0.0.0/8",))

    assert set(merged([but, only])) == {but, only}


comms = st.binary(max_size=15).filter(lambda raw: b"\0" not in raw)
"""What a process may be called: any bytes."""


@given(comms, st.frozensets(st.text(max_size=20), max_size=3), st.booleans())
@example(b"\xff", frozenset({"\ufffd"}), False)
@example("\N{GRINNING FACE}".encode() * 3, frozenset({"\N{GRINNING FACE}" * 4}), True)
@example(b"a", frozenset({"a\0", "\ud800", "", "x" * 16}), True)
def test_no_program_that_a_rule_names_is_left_out(raw: bytes, names: frozenset[str], named: bool) -> None:
    comm = text(raw)
    names |= {comm} if named else frozenset()
    (want,) = wants([Filter(types=frozenset({"connect"}), programs=names)])

    if comm in names:
        assert not want.programs or raw in {name.encode() for name in want.programs}
    assert all(len(name.encode()) <= 15 for name in want.programs)


def test_more_programs_than_can_be_looked_up_are_any():
    many = frozenset(f"p{number}" for number in range(513))

    assert [want.programs for want in wants([Filter(types=frozenset({"connect"}), programs=many)])] == [frozenset()]


def test_programs_of_rules_that_ask_for_the_same_are_asked_for_together():
    of = frozenset({"connect"})
    one, other = (Filter(types=of, programs=frozenset({name})) for name in ("nc", "curl"))

    assert [want.programs for want in wants([one, other])] == [{"nc", "curl"}]
    assert [want.programs for want in wants([one, other, Filter(types=of)])] == [frozenset()]


texts = st.text(alphabet="ab/*\x01é", max_size=300)


@given(st.builds(Paths, *(st.frozensets(texts.filter(bool), max_size=2) for _ in range(4))), texts)
@example(Paths(names=frozenset({"a"})), "a")
@example(Paths(names=frozenset({"*a"})), "*a")
def test_patterns_fit_into_the_kernel_and_cover_no_less(paths: Paths, path: str) -> None:
    found = patterns(paths)

    assert all(len(pattern.encode()) <= LONGEST for pattern in found)
    assert not any("too long" in (unusable(pattern) or "") for pattern in found)
    if paths.accepts(path):
        assert matches(path, found)


def test_directories_that_are_links_have_both_names():
    found = patterns(Paths(exact=frozenset({"/bin/su"}), prefixes=frozenset({"/var/run/secrets/"})))

    assert found == ("/bin/su", "/run/secrets/*", "/usr/bin/su", "/var/run/secrets/*")
