"""Arbitrary events, for properties that hold for all of them. Words are few, so that conditions meet them."""

import functools
from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from hullguard.detect.fields.calls import CALLS, RING
from hullguard.model.event import (
    Capabilities,
    ContainerDetails,
    ContainerRef,
    Endpoint,
    Event,
    EventKind,
    ImageRef,
    Mount,
    OpenFile,
    Process,
    Socket,
)

AT = datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC)
NAMES = ["sh", "bash", "nginx", "curl", "a", ""]
PATHS = ["/etc/shadow", "/etc/passwd", "/etc/pam.d/sshd", "/tmp/a", "/tmp/b.so", "/proc/1/environ", "/", "/a/b/c"]
ADDRESSES = ["10.0.0.1", "192.168.1.7", "8.8.8.8", "127.0.0.1", "::1", "fe80::1"]

paths = st.sampled_from(PATHS)
maybe_path = st.none() | paths
numbers = st.sampled_from([0, 1, 2, 5, 80, 443, 1000, 2**31])


@functools.cache
def processes() -> st.SearchStrategy[Process]:
    return st.builds(
        Process,
        pid=numbers,
        ppid=numbers,
        comm=st.sampled_from(NAMES),
        exe=st.none() | st.sampled_from(["/bin/sh", "/usr/sbin/nginx", "/tmp/a", "/tmp/.a/b"]),
        args=st.lists(
            st.sampled_from(["sh", "-c", "curl http://x", "/tmp/a", "", "\ufffdé/etc", "A B=2"]), max_size=3
        ).map(tuple),
        cwd=st.none() | st.sampled_from(["/", "/tmp", "/dev/shm"]),
        uid=st.none() | numbers,
        gid=st.none() | numbers,
        euid=st.none() | numbers,
        tty=st.booleans(),
        started=st.none() | st.integers(0, 10).map(lambda seconds: AT - timedelta(seconds=seconds)),
        login_uid=st.none() | numbers,
        session=st.none() | numbers,
        group=st.none() | numbers,
        capabilities=st.none() | st.builds(Capabilities, effective=st.sampled_from([0, 1 << 21, 1 << 16 | 1])),
        exe_new=st.booleans(),
        exe_memfd=st.booleans(),
        env=st.lists(st.sampled_from(["A=1", "HTTP_PROXY=x"]), max_size=2).map(tuple),
    )


@functools.cache
def sockets() -> st.SearchStrategy[Socket]:
    ends = st.none() | st.builds(Endpoint, address=st.sampled_from(ADDRESSES), port=st.sampled_from([0, 22, 53, 443]))
    return st.builds(
        Socket,
        family=st.sampled_from(["ipv4", "ipv6", "unix", "packet"]),
        kind=st.sampled_from(["stream", "datagram", "raw", ""]),
        protocol=st.sampled_from([0, 6, 17]),
        local=ends,
        remote=ends,
        inbound=st.booleans(),
    )


@functools.cache
def files() -> st.SearchStrategy[OpenFile]:
    return st.builds(
        OpenFile,
        inode=numbers,
        kind=st.sampled_from(["file", "directory", "character", "pipe", "memfd", "other"]),
        mode=st.sampled_from([0, 0o644, 0o4755]),
        flags=st.sampled_from([0, 1, 2, 0o1101, 0o2000000, 0o20000000]),
        created=st.booleans(),
        truncated=st.booleans(),
        upper=st.booleans(),
        file_system=st.sampled_from(["", "overlay", "proc"]),
    )


@functools.cache
def events() -> st.SearchStrategy[Event]:
    return st.sampled_from(EventKind).flatmap(_of_kind)


@functools.cache
def _of_kind(kind: EventKind) -> st.SearchStrategy[Event]:
    calls = ["", *CALLS[kind], *(RING + call for call in CALLS[kind])]
    arguments = st.dictionaries(
        st.sampled_from(["request", "flags", "fd", "mode", "signal", "old_fd", "name", "uid", "dirfd", "raw_target"]),
        st.sampled_from([0, 1, 16, 0x4206, "x", "/etc/shadow"]),
        max_size=3,
    )
    return st.builds(
        Event,
        kind=st.just(kind),
        at=st.just(AT),
        sequence=st.integers(0, 9),
        container=st.sampled_from([ContainerRef("host"), ContainerRef("c0ffee" + "0" * 58, "web")]),
        image=st.sampled_from([None, ImageRef("sha256:1", "nginx:1.25"), ImageRef("sha256:2", "r/a")]),
        lineage=st.lists(processes(), min_size=1, max_size=3).map(tuple),
        path=maybe_path,
        known_as=maybe_path,
        reads=st.booleans(),
        writes=st.booleans(),
        new_file=st.booleans(),
        call=st.sampled_from(calls),
        result=st.sampled_from([None, 0, 1, 3, -2, -13, -115]),
        raw_path=maybe_path | st.sampled_from(["../etc/shadow", "a"]),
        target=maybe_path | st.just("../x"),
        file=st.none() | files(),
        socket=st.none() | sockets(),
        arguments=arguments,
        container_details=st.none()
        | st.builds(
            ContainerDetails,
            privileged=st.none() | st.booleans(),
            builds_image=st.none() | st.booleans(),
            mounts=st.none() | st.just((Mount("/proc", "/host/proc"),)),
        ),
    )
