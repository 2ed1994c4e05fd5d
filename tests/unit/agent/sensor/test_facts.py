import pytest
from tests.support.events import raw_event

from hullguard.agent.sensor import abi
from hullguard.agent.sensor.decode import RawEvent, decode
from hullguard.agent.sensor.facts import facts
from hullguard.agent.sensor.slots import KIND_NUMBERS
from hullguard.detect.fields.arguments import BY_KIND

_MINUS_ONE = (1 << 64) - 1
_ELSEWHERE = 9
_HERE = (1 << 64) - 100


def read(kind: int, **given) -> RawEvent:
    record = decode(raw_event(kind, **given))
    assert isinstance(record, RawEvent)
    return record


@pytest.mark.parametrize(
    ("kind", "given", "found"),
    [
        (abi.DUP, {"call": "dup2", "arguments": (5, 1)}, {"old_fd": 5, "new_fd": 1}),
        (abi.RENAME, {"call": "rename", "raw": b"/a\0", "data": b"/b\0"}, {"raw_target": "/b"}),
        (
            abi.RENAME,
            {"call": "renameat2", "raw": b"/a\0", "data": b"/b\0", "arguments": (1, 0, _ELSEWHERE, _ELSEWHERE)},
            {"raw_target": "/b", "flags": 1},
        ),
        (abi.SYMLINK, {"call": "symlink", "other": b"/etc/shadow\0"}, {"resolved_target": "/etc/shadow"}),
        (abi.UNLINK, {"call": "unlinkat", "arguments": (0x200,)}, {"flags": 0x200}),
        (abi.MAKE, {"call": "mkdir", "arguments": (0o40750,)}, {"mode": 0o750}),
        (abi.MAKE, {"call": "mknod", "arguments": (0o20600, 0x103)}, {"mode": 0o600, "device": 0x103}),
        (abi.MODE, {"call": "chmod", "arguments": (0o104755,)}, {"mode": 0o4755}),
        (abi.MODE, {"call": "fchmod", "arguments": (0o600, 0, 3)}, {"mode": 0o600, "fd": 3}),
        (abi.OWNER, {"call": "chown", "arguments": (7, 0xFFFFFFFF)}, {"owner": 7, "owner_group": -1}),
        (abi.MOUNT, {"call": "mount", "arguments": (2,)}, {"flags": 2, "fs_type": "overlay"}),
        (abi.UMOUNT, {"call": "umount2", "arguments": (2,)}, {"flags": 2}),
        (
            abi.PTRACE,
            {"call": "ptrace", "arguments": (16, 812, 12, 1, 2)},
            {"request": 16, "pid": 812, "vpid": 12, "address": 1, "data": 2},
        ),
        (abi.PROCESS_MEMORY, {"call": "process_vm_writev", "arguments": (0, 0, 12)}, {"pid": 12, "vpid": 12}),
        (abi.CREDENTIALS, {"call": "setuid", "arguments": (0, 5, 5)}, {"uid": 0}),
        (
            abi.CREDENTIALS,
            {"call": "setresgid", "arguments": (_MINUS_ONE, 0, 7)},
            {"gid": -1, "egid": 0, "sgid": 7},
        ),
        (
            abi.CREDENTIALS,
            {"call": "capset"},
            {"cap_effective": 0, "cap_permitted": 0, "cap_inheritable": 0},
        ),
        (abi.NAMESPACE, {"call": "setns", "arguments": (1, 3)}, {"flags": 1, "fd": 3}),
        (abi.NAMESPACE, {"call": "unshare", "arguments": (1, 0xFFFFFFFF)}, {"flags": 1}),
        (abi.MODULE, {"call": "init_module", "raw": b"rootkit\0"}, {"name": "rootkit"}),
        (
            abi.MODULE,
            {"call": "finit_module", "path": b"/tmp/x.ko\0", "raw": b"a=1\0", "arguments": (3, 2)},
            {"name": "x.ko", "parameters": "a=1", "fd": 3, "flags": 2},
        ),
        (
            abi.BPF,
            {"call": "bpf", "arguments": (5, 1), "result": 3, "raw": b"spy\0"},
            {"cmd": 5, "prog_type": 1, "name": "spy"},
        ),
        (abi.BPF, {"call": "bpf", "arguments": (5, 0), "result": -1}, {"cmd": 5}),
        (
            abi.MEMORY_FILE,
            {"call": "memfd_create", "raw": b"ghost\0", "arguments": (1,)},
            {"name": "ghost", "flags": 1},
        ),
        (
            abi.PROTECTION,
            {"call": "mprotect", "arguments": (4096, 8192, 5)},
            {"address": 4096, "size": 8192, "prot": 5},
        ),
        (abi.SIGNAL, {"call": "kill", "arguments": (9, 77)}, {"signal": 9, "pid": 77}),
        (abi.IO_URING, {"call": "io_uring_setup", "arguments": (4, 2)}, {"entries": 4, "flags": 2}),
        (abi.USERFAULTFD, {"call": "userfaultfd", "arguments": (1,)}, {"flags": 1}),
        (
            abi.SPLICE,
            {"call": "splice", "arguments": (3, 5, 1, 2)},
            {"fd_in": 3, "fd_out": 5, "size": 1, "merge": "open"},
        ),
    ],
)
def test_numbers_have_names(kind, given, found):
    assert facts(read(kind, **given)) == found


@pytest.mark.parametrize(
    ("kind", "given", "found"),
    [
        (abi.FILE, {"call": "openat", "raw": b"f\0", "arguments": (_ELSEWHERE,)}, _ELSEWHERE),
        (abi.FILE, {"call": "openat", "raw": b"f\0", "arguments": (_HERE,)}, None),
        (abi.FILE, {"call": "openat", "raw": b"/f\0", "arguments": (_ELSEWHERE,)}, None),
        (abi.UNLINK, {"call": "unlinkat", "raw": b"f\0", "arguments": (0, 0, 0)}, 0),
        (
            abi.RENAME,
            {"call": "renameat", "raw": b"f\0", "data": b"g\0", "arguments": (0, 0, _HERE, _ELSEWHERE)},
            _ELSEWHERE,
        ),
        (abi.SYMLINK, {"call": "symlinkat", "raw": b"/f\0", "data": b"g\0", "arguments": (0, 0, _HERE, 4)}, None),
    ],
)
def test_a_path_that_counts_from_elsewhere_says_so(kind, given, found):
    assert facts(read(kind, **given)).get("dirfd") == found


def test_a_link_to_nothing_is_not_one_that_could_not_be_followed():
    flags = abi.OTHER_UNRESOLVED
    assert "unresolved" not in facts(read(abi.SYMLINK, call="symlink", flags=flags))
    assert facts(read(abi.UNLINK, call="unlink", flags=abi.UNRESOLVED))["unresolved"] == 1


def test_any_call_of_any_kind_can_be_read():
    for number in set(KIND_NUMBERS.values()) - {abi.FORK, abi.EXIT}:
        for call in abi.CALLS[1:]:
            assert isinstance(facts(read(number, call=call, arguments=(_MINUS_ONE,) * abi.ARGUMENTS)), dict)


def test_every_kind_that_rules_ask_about_is_one_of_the_sensors():
    assert set(KIND_NUMBERS) <= set(BY_KIND)
