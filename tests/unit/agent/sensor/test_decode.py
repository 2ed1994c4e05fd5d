import ctypes

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.events import CONTAINER, raw_event, raw_process

from hullguard.agent.sensor import abi
from hullguard.agent.sensor.decode import Glance, RawEvent, RawTask, decode, glance
from hullguard.model.errors import Invalid


def test_an_exec_is_decoded_whole():
    found = decode(raw_event(path=b"/bin/sh\0", other=b"/root\0", args=b"sh\0-c\0\0x\0", flags=abi.TTY))

    assert isinstance(found, RawEvent)
    assert (found.path, found.other, found.args) == ("/bin/sh", "/root", ("sh", "-c", "", "x"))
    assert found.container == CONTAINER
    assert found.task == RawTask(200, 5_000_000_000, "sh")
    assert found.ancestry == (RawTask(100, 1_000_000_000, "containerd-shim", outside=True),)
    assert (found.sequence, found.cgroup, found.file.inode, found.file.device) == (7, 42, 11, 0x800001)
    assert (found.call, found.result, found.file.file_system) == ("execve", 0, "overlay")
    assert found.flags == abi.TTY


def test_a_fork_is_its_glance():
    assert decode(raw_process(abi.FORK, pid=3, ppid=2)) == Glance(
        abi.FORK, 8, 42, 3, 5_000_000_000, 2, b"child".ljust(abi.COMM, b"\0"), 0
    )


def test_a_glance_at_an_event_has_its_flags():
    assert glance(raw_event(flags=abi.NEW)).flags == abi.NEW


def test_a_path_without_its_beginning_says_so():
    assert decode(raw_event(path=b"/a/b\0", flags=abi.PATH_TRUNCATED)).path == "…/a/b"


def test_what_is_empty_is_unknown():
    found = decode(raw_event(path=b"", other=b"", args=b"", ancestry=()))

    assert (found.path, found.other, found.args, found.ancestry) == (None, None, (), ())


def test_arguments_cut_in_the_middle_keep_their_rest():
    assert decode(raw_event(args=b"sh\0-c\0trunc")).args == ("sh", "-c", "trunc")


def test_names_that_are_no_text_become_text():
    found = decode(raw_event(path=b"/\xff\xfe\0", args=b"\x80\0"))

    assert found.path == "/\ufffd\ufffd"
    assert found.args == ("\ufffd",)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\0" * 31,
        b"\0" * 79,
        b"\0" * 2000,
        raw_event()[: ctypes.sizeof(abi.Event) - 1],
        raw_event()[:-1],
        (abi.ABI + 1).to_bytes(2, "little") + raw_event()[2:],
        raw_event(kind=99),
    ],
)
def test_what_the_kernel_part_cannot_have_written_is_refused(raw):
    with pytest.raises(Invalid):
        decode(raw)


@pytest.mark.parametrize(
    "place",
    [
        *(abi.Event.sizes.offset + 4 * number for number in range(abi.STRINGS)),
        abi.Event.ancestors.offset,
        abi.Event.call.offset,
    ],
)
def test_what_is_beyond_the_record_is_refused(place):
    raw = bytearray(raw_event())
    raw[place : place + 4] = (0xFFFFFFFF).to_bytes(4, "little")

    with pytest.raises(Invalid):
        decode(bytes(raw))


@given(st.binary(max_size=1200))
def test_any_bytes_are_a_record_or_invalid(raw):
    try:
        assert isinstance(decode(raw), RawEvent | Glance)
    except Invalid as refused:
        assert refused.code == "sensor.record"  # noqa: PT017 - either is right


@given(
    st.binary(max_size=200).filter(lambda path: b"\0" not in path),
    st.lists(st.binary(max_size=20).filter(lambda word: b"\0" not in word), min_size=1, max_size=5),
)
def test_every_string_comes_through_as_printable_utf8(path, words):
    found = decode(raw_event(path=b"/" + path + b"\0", args=b"\0".join(words) + b"\0"))

    assert found.path.encode()
    assert len(found.args) == len(words)


@given(st.integers(0, 79), st.binary(min_size=1, max_size=8))
def test_a_damaged_head_never_breaks_the_decoder(place, noise):
    raw = bytearray(raw_event())
    raw[place : place + len(noise)] = noise
    try:
        decode(bytes(raw))
    except Invalid as refused:
        assert str(refused)  # noqa: PT017 - either is right
