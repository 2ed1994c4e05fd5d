"""Every operator and function against values, as Falco's do."""

import pytest
from tests.support.events import event, process
from tests.support.rules import errors, holds, with_condition

from hullguard.detect.fields.field import FieldType, Several
from hullguard.detect.rules.operators import BY_TYPE, LONGEST_EXPRESSION, applied, constant, predicate, result_type
from hullguard.model.event import Capabilities, Endpoint, Event, EventKind, OpenFile, Socket

NOBODY = process(
    ppid=3, pid=5, comm="Some Name", exe="/usr/bin/x", args=("x", "-a", "ZXZpbA", "/etc/pam.d/sshd"), uid=1000, tty=True
)
RUN = event(lineage=(process(pid=1, comm="init"), process(pid=3, comm="sshd"), NOBODY))


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        # = and !=
        ("proc.name = 'Some Name'", True),
        ("proc.name == 'Some Name'", True),
        ("proc.name = some", False),
        ("proc.name != some", True),
        ("proc.pid = 5", True),
        ("proc.pid = 0x5", True),
        ("proc.pid = +5", True),
        ("proc.pid != 5", False),
        ("proc.is_exe_from_memfd = false", True),
        ("proc.is_exe_from_memfd != false", False),
        # order
        ("proc.pid < 6", True),
        ("proc.pid < 5", False),
        ("proc.pid <= 5", True),
        ("proc.pid > 4", True),
        ("proc.pid >= 6", False),
        ("evt.rawres >= 0", True),
        ("user.loginuid < 0", True),
        ("proc.name > 'Some'", True),
        # texts
        ("proc.cmdline contains '-a Z'", True),
        ("proc.cmdline contains '-A'", False),
        ("proc.cmdline icontains '-A'", True),
        ("proc.name icontains SOME", True),
        ("proc.name startswith Some", True),
        ("proc.name startswith ome", False),
        ("proc.name endswith ame", True),
        ("proc.name endswith am", False),
        ("proc.name contains ''", True),
        ("proc.exepath glob /usr/*/x", True),
        ("proc.exepath glob /USR/*/x", False),
        ("proc.exepath iglob /USR/*/x", True),
        ("proc.exepath glob '/usr/bin/[w-y]'", True),
        # whole value, as in Falco
        ("proc.exepath regex '/usr/.*'", True),
        ("proc.exepath regex 'usr'", False),
        ("proc.exepath regex '/(usr|bin)+/.{3}/x'", True),
        (r"proc.pid exists and proc.name regex '[[:alpha:]]+ \\w+'", True),
        # lists
        ("proc.pid in (4, 5)", True),
        ("proc.pid in ()", False),
        ("proc.name in (a, 'Some Name')", True),
        ("proc.name in (a, b)", False),
        ("proc.name intersects (a, 'Some Name')", True),
        ("proc.exepath pmatch (/usr, /etc)", True),
        ("proc.exepath pmatch (/us)", False),
        ("proc.exepath pmatch (/usr/bin/x)", True),
        ("proc.exepath pmatch (/usr/bin/x/y)", False),
        ("proc.exepath pmatch (/*/bin)", True),
        ("proc.exepath pmatch ('/[a-t]*')", False),
        ("proc.exepath pmatch (/)", True),
        # any ancestor
        ("proc.aname = init", True),
        ("proc.aname = 'Some Name'", False),
        ("proc.aname != init", True),
        ("proc.aname in (x, sshd)", True),
        ("proc.aname startswith ss", True),
        ("proc.aname[*] = init", True),
        ("proc.aname[1] = sshd", True),
        ("proc.aname[2] = init", True),
        ("proc.aname[3] exists", False),
        ("proc.aname exists", True),
        ("proc.apid < 2", True),
        # arguments
        ("proc.args[0] = -a", True),
        ("proc.args[*] = /etc/pam.d/sshd", True),
        ("proc.args[*] pmatch (/etc)", True),
        ("proc.args[9] != x", False),
        # functions
        ("tolower(proc.name) = 'some name'", True),
        ("toupper(proc.name) = 'SOME NAME'", True),
        ("basename(proc.exepath) = x", True),
        ("basename(proc.name) = 'Some Name'", True),
        ("b64(proc.args[1]) = evil", True),
        ("b64(proc.name) exists", False),
        ("len(proc.name) = 9", True),
        ("len(proc.args) > 100", False),
        ("tolower(toupper(proc.name)) = 'some name'", True),
        ("toupper(proc.aname) = SSHD", True),
        ("basename(proc.args[*]) = sshd", True),
        ("len(proc.aname) = 4", True),
        # fields beside fields
        ("proc.pname = val(proc.name)", False),
        ("proc.pname = val(proc.aname[1])", True),
        ("proc.name != val(proc.pname)", True),
        ("proc.pid > val(proc.ppid)", True),
        ("proc.name = tolower(proc.name)", False),
        ("proc.cmdline startswith val(proc.name)", True),
        ("proc.cmdline contains val(proc.args)", True),
        ("proc.name = val(proc.aname[7])", False),
        # what is not there
        ("proc.pexe exists", True),
        ("fd.name exists", False),
        ("fd.name = x", False),
        ("fd.name != x", False),
        ("not fd.name = x", True),
        ("fd.sport < 5", False),
        ("not fd.name exists", True),
        # joined
        ("proc.pid=5 and proc.name='Some Name'", True),
        ("proc.pid=4 or proc.pid=5", True),
        ("proc.pid=4 or proc.pid=5 and proc.pid=6", False),
        ("(proc.pid=5 or proc.pid=4) and not(proc.pid=6)", True),
        ("not not proc.pid=5", True),
        ("not(not(proc.pid=5))and(proc.pid=5)", True),
    ],
)  # fmt: skip
def test_a_program_that_runs(condition: str, expected: bool) -> None:
    assert holds(condition, RUN) is expected


def connection(local: str, remote: str) -> Event:
    family = "ipv6" if ":" in remote else "ipv4"
    return event(
        EventKind.CONNECT,
        path=None,
        socket=Socket(family, "stream", local=Endpoint(local, 40000), remote=Endpoint(remote, 443)),
    )


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("fd.sip = 8.8.8.8", True),
        ("fd.sip = '8.8.8.8'", True),
        ("fd.sip != 8.8.4.4", True),
        ("fd.sip in (1.1.1.1, 8.8.8.8)", True),
        ("fd.sip = 2001:db8::1", False),
        ("fd.sip != 2001:db8::1", True),
        # either end, and with != both
        ("fd.ip = 10.0.0.2", True),
        ("fd.ip = 8.8.8.8", True),
        ("fd.ip != 8.8.8.8", False),
        ("fd.ip != 1.1.1.1", True),
        ("fd.ip in (1.1.1.1, 10.0.0.2)", True),
        ("fd.net = 10.0.0.0/8", True),
        ("fd.net != 10.0.0.0/8", False),
        ("fd.net != 127.0.0.0/8", True),
        ("fd.snet in ('10.0.0.0/8', '8.0.0.0/8')", True),
        ("fd.snet = 10.0.0.0/8", False),
        ("fd.snet = 8.8.8.8", True),
        ("fd.snet = 8.8.8.8/4", True),
        ("fd.snet != fe80::/10", True),
        ("fd.port = 443", True),
        ("fd.port = https", True),
        ("fd.port != 443", False),
        ("fd.port > 1000", True),
        ("fd.sport >= 443 and fd.sport <= 443", True),
        ("fd.sport in (80, 443)", True),
        ("fd.typechar = 4", True),
        ("fd.l4proto = tcp", True),
    ],
)
def test_a_connection(condition: str, expected: bool) -> None:
    assert holds(condition, connection("10.0.0.2", "8.8.8.8")) is expected


def test_addresses_are_equal_however_they_are_written() -> None:
    assert holds("fd.sip = 2001:0DB8:0:0::1", connection("::1", "2001:db8::1"))
    assert holds("fd.sip = 2001:db8::1", connection("::1", "2001:0db8:0000::0001"))


def test_capabilities_and_flags() -> None:
    happened = event(
        EventKind.FILE_OPEN,
        lineage=(process(capabilities=Capabilities(effective=1 << 21)),),
        path="/a/release_agent",
        writes=True,
        file=OpenFile(flags=0o1001),
    )

    assert holds("thread.cap_effective contains CAP_SYS_ADMIN", happened)
    assert holds("thread.cap_effective icontains sys_admin", happened)
    assert not holds("thread.cap_effective contains CAP_SYS_MODULE", happened)
    assert holds("evt.arg.flags contains O_TRUNC and not evt.arg.flags contains O_CREAT", happened)
    assert holds("evt.dir = < and evt.dir=>", happened)


@pytest.mark.parametrize(
    ("operator", "wanted", "value", "expected"),
    [
        ("=", b"ab", b"ab", True),
        ("contains", b"b", b"abc", True),
        ("startswith", b"a", b"abc", True),
        ("endswith", b"a", b"abc", False),
        ("bcontains", b"\x00\xff", b"a\x00\xffb", True),
        ("bstartswith", b"\x7fELF", b"\x7fELF\x02", True),
        ("in", frozenset({b"a"}), b"a", True),
    ],
)
def test_bytes(operator: str, wanted: object, value: bytes, expected: bool) -> None:
    assert predicate(FieldType.BYTES, operator, wanted)(value) is expected


def test_values_for_bytes_are_in_hexadecimal_for_their_own_operators() -> None:
    assert constant(FieldType.BYTES, "bstartswith", "7f454c46") == b"\x7fELF"
    assert constant(FieldType.BYTES, "contains", "7f") == b"7f"
    with pytest.raises(ValueError, match="hexadecimal"):
        constant(FieldType.BYTES, "bcontains", "xyz")


def test_lists_of_values() -> None:
    from hullguard.detect.fields.catalog import BY_NAME
    from hullguard.detect.rules.compiler import of_several
    from hullguard.detect.rules.conditions import Operand, Test

    operand = Operand(BY_NAME["fd.types"], None, (), FieldType.TEXT, Several.LIST, "fd.types", lambda _: None)
    all_in = of_several(Test(operand, "in", frozenset({"file", "ipv4"}), None, ()))
    any_in = of_several(Test(operand, "intersects", frozenset({"ipv4"}), None, ()))

    assert [all_in(("file",)), all_in(("file", "pipe")), all_in(()), all_in(None)] == [True, False, False, False]
    assert [any_in(("file", "ipv4")), any_in(("file",)), any_in(None)] == [True, False, False]
    assert result_type("len", FieldType.TEXT, Several.LIST) == (FieldType.NUMBER, Several.ONE)
    assert applied("len", lambda _: ("a", "b"), Several.LIST)(RUN) == 2


# A text, for each operator that a type has not.
_UNFIT = [
    (field, operator)
    for kind, field in (
        (FieldType.TEXT, "proc.name"),
        (FieldType.NUMBER, "proc.pid"),
        (FieldType.FLAG, "evt.failed"),
        (FieldType.PORT, "fd.sport"),
        (FieldType.ADDRESS, "fd.sip"),
        (FieldType.NETWORK, "fd.snet"),
        (FieldType.BYTES, "evt.buffer"),
    )
    for operator in sorted(frozenset().union(*BY_TYPE.values()) - BY_TYPE[kind])
]


@pytest.mark.parametrize(("field", "operator"), _UNFIT)
def test_an_operator_that_a_type_has_not_is_an_error(field: str, operator: str) -> None:
    value = "(1)" if operator == "pmatch" else "1"
    (line,) = errors(with_condition(f"proc.pid = 1 and {field} {operator} {value}"))

    assert line.startswith(f"1.yaml:4:{5 + len('proc.pid = 1 and ') + len(field) + 1}: error: {field} is ")
    assert f"{operator!r} cannot test" in line


@pytest.mark.parametrize(
    ("condition", "said"),
    [
        ("proc.pid = abc", "'abc' is not a whole number"),
        ("proc.pid = 1.5", "'1.5' is not a whole number"),
        ("evt.failed = yes", "'yes' is neither true nor false"),
        ("fd.sport = 70000", "70000 is not a port"),
        ("fd.sport = nosuchservice", "neither a port's number nor a service"),
        ("fd.sip = 1.2.3", "'1.2.3' is not an IP address"),
        ("fd.snet = 1.2.3.4/99", "is not a network"),
        ("proc.name regex '('", "not a regular expression: missing ): ("),
        ("proc.name regex 'a{1001}'", "not a regular expression: invalid repetition size"),
        ("evt.buffer bcontains zz", "not written in hexadecimal digits"),
        ("proc.name glob '" + "a" * 5000 + "'", "longer than 4096 characters"),
        ("proc.name regex '" + "a" * (LONGEST_EXPRESSION + 1) + "'", "may have 10000 characters"),
        ("proc.name = val(proc.pid)", "proc.name is a text, but proc.pid a number"),
        ("proc.name = val(proc.aname)", "proc.aname has several values"),
        ("fd.ip = val(fd.sip)", "fd.ip has several values"),
        ("proc.name pmatch val(proc.exe)", "'pmatch' cannot compare with another field"),
        ("fd.snet = val(fd.rnet)", "'=' cannot compare with another field"),
        ("tolower(proc.pid) = a", "tolower() does not take a number"),
        ("len(proc.pid) = 1", "len() does not take a number"),
        ("toupper(fd.types) in (A)", "toupper() does not take a list of values"),
        ("val(proc.name) = a", "val() stands around a field on the right side"),
        ("proc.name = val(val(proc.pname))", "val() stands around a field on the right side"),
    ],
)
def test_a_value_that_does_not_fit_is_an_error(condition: str, said: str) -> None:
    (line,) = errors(with_condition(condition))

    assert said in line


def test_no_expression_takes_long() -> None:
    # With backtracking this would take until the end of days.
    evil = event(lineage=(process(comm="a" * 4000),))

    assert not holds("proc.name regex '(a*)*(a*)*(a*)*b'", evil)
    assert not holds("proc.name regex '(a|aa)+b' or proc.name glob '" + "*a" * 400 + "b'", evil)
