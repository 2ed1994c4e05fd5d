"""What the kernel lets through is never less than what rules hold for."""

import pytest
from hypothesis import example, given, settings
from tests.support.events import event, process
from tests.support.rule_conditions import conditions
from tests.support.rule_events import events
from tests.support.rules import rules, with_condition

from hullguard.detect.rules.filters import ALL_TYPES, Filter, Paths, Trait, Where, merged
from hullguard.detect.rules.prefilter import MOST_ALTERNATIVES, Prefilter
from hullguard.model.event import Endpoint, Event, EventKind, OpenFile, Socket


def prefilter(condition: str) -> Prefilter:
    return rules(with_condition(condition)).prefilters()[0]


@settings(max_examples=600, deadline=None)
@given(conditions(), events())
@example("evt.is_open_create = false", event(EventKind.FILE_OPEN, result=-2, file=OpenFile(created=True)))
@example("fd.directory = /", event(EventKind.FILE_OPEN, path="a"))
@example("fd.name pmatch (/etc)", event(EventKind.FILE_OPEN, path="/usr/etc/x", raw_path="/etc/x"))
@example("fs.path.target = /etc/x", event(EventKind.FILE_SYMLINK, path="/tmp/a", raw_path="a", target="../etc/x"))
@example("fs.path.target = /etc/x", event(EventKind.FILE_LINK, path="/tmp/a", target="/etc/x"))
@example('evt.arg.request contains ""', event(EventKind.PTRACE, arguments={"request": 4711}))
def test_an_event_that_a_rule_holds_for_gets_through(condition: str, happened: Event) -> None:
    loaded = rules(with_condition(condition))

    if loaded.judge(happened):
        assert loaded.prefilters()[0].accepts(happened)


@settings(max_examples=200, deadline=None)
@given(conditions(), events())
def test_nor_is_one_of_the_opposite_held_back(condition: str, happened: Event) -> None:
    loaded = rules(with_condition(f"not ({condition})"))

    if loaded.judge(happened):
        assert loaded.prefilters()[0].accepts(happened)


OPEN = frozenset({"open", "openat", "openat2"})
READING = "evt.type in (open, openat, openat2) and evt.is_open_read = true"


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("evt.type = execve", Filter(types=frozenset({"execve"}))),
        ("evt.type != execve", Filter(types=ALL_TYPES - {"execve"})),
        ("not evt.type in (execve, ioctl)", Filter(types=ALL_TYPES - {"execve"})),
        ("container.id != host", Filter(where=Where.CONTAINER)),
        ("not container.id != host", Filter(where=Where.HOST)),
        (
            f"{READING} and fd.name in (/etc/shadow, /etc/sudoers)",
            Filter(
                types=OPEN,
                traits=frozenset({(Trait.READS, True)}),
                paths=Paths(exact=frozenset({"/etc/shadow", "/etc/sudoers"})),
            ),
        ),
        (
            f"{READING} and (fd.name startswith /etc/ or fd.filename = id_rsa or fd.name endswith .key)",
            Filter(
                types=OPEN,
                traits=frozenset({(Trait.READS, True)}),
                paths=Paths(prefixes=frozenset({"/etc/"}), names=frozenset({"id_rsa"}), suffixes=frozenset({".key"})),
            ),
        ),
        (
            f"{READING} and fd.name glob /proc/*/environ and fd.name startswith /",
            Filter(types=OPEN, traits=frozenset({(Trait.READS, True)}), paths=Paths(prefixes=frozenset({"/proc/"}))),
        ),
        (
            "evt.type = connect and fd.sport in (22, ssh, https) and fd.snet = 10.1.2.3/8",
            Filter(
                types=frozenset({"connect"}),
                ports=frozenset({22, 443}),
                networks=frozenset({(4, 10 << 24, 0xFF000000)}),
            ),
        ),
        (
            "evt.type = ptrace and evt.arg.request contains PTRACE_POKE",
            Filter(types=frozenset({"ptrace"}), requests=frozenset({4, 5, 6})),
        ),
        (
            "evt.type = execve and proc.name in (nc, ncat) and proc.tty != 0 and proc.is_exe_upper_layer = true",
            Filter(
                types=frozenset({"execve"}),
                programs=frozenset({"nc", "ncat"}),
                traits=frozenset({(Trait.TERMINAL, True), (Trait.NEW_PROGRAM, True)}),
            ),
        ),
        (
            "evt.type = init_module and thread.cap_effective icontains sys_module",
            Filter(types=frozenset({"init_module"}), capabilities=1 << 16),
        ),
        (
            "evt.type in (dup, dup2, dup3) and evt.rawres in (0, 1, 2) and fd.type in (ipv4, ipv6)",
            Filter(
                types=frozenset({"dup", "dup2", "dup3"}),
                results=frozenset({0, 1, 2}),
                descriptors=frozenset({"ipv4", "ipv6"}),
            ),
        ),
        ("evt.type = execve and evt.type = open", None),
        ("evt.num = 0", None),
        ("proc.cmdline contains x", Filter()),
    ],
)
def test_what_the_kernel_can_tell(condition: str, expected: Filter | None) -> None:
    assert prefilter(condition).alternatives == ((expected,) if expected is not None else ())


def test_kinds_follow_from_calls() -> None:
    assert prefilter("evt.type in (open, execve)").kinds == {EventKind.FILE_OPEN, EventKind.EXEC}
    assert prefilter("fd.sip = 1.2.3.4").kinds >= {EventKind.CONNECT}
    assert EventKind.EXEC not in prefilter("fd.sip = 1.2.3.4").kinds


def test_alternatives_stay_few() -> None:
    many = " or ".join(f"(evt.type = execve and proc.name = p{n} and user.uid = {n})" for n in range(60))
    found = prefilter(many)

    assert 1 <= len(found.alternatives) <= MOST_ALTERNATIVES
    assert found.accepts(event(lineage=(process(comm="p7", uid=7),)))
    assert not found.accepts(event(EventKind.FILE_OPEN))


def test_two_that_differ_in_one_bound_become_one() -> None:
    one, other = (
        Filter(programs=frozenset({"a"}), uids=frozenset({1})),
        Filter(programs=frozenset({"b"}), uids=frozenset({1})),
    )

    assert merged([one, other]) == (Filter(programs=frozenset({"a", "b"}), uids=frozenset({1})),)
    assert len(merged([one, Filter(programs=frozenset({"b"}), uids=frozenset({2}))])) == 2


def test_either_end_may_have_the_port() -> None:
    socket = Socket("ipv4", "stream", local=Endpoint("1.1.1.1", 22), remote=Endpoint("2.2.2.2", 9), inbound=True)

    assert prefilter("fd.sport = 22").accepts(event(EventKind.ACCEPT, socket=socket))
    assert not prefilter("fd.sport = 23").accepts(event(EventKind.ACCEPT, socket=socket))
