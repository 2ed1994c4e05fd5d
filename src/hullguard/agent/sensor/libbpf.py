"""libbpf.so.1 through ctypes: opening, loading and pinning an object, and the calls on maps."""

import ctypes
import functools
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Self

from hullguard.model.errors import Unavailable

_CGROUP_SOCK_ADDR = 18
"""``enum bpf_prog_type``."""
_PRINTER = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int, ctypes.c_char_p, ctypes.c_void_p)
_SIGNATURES: dict[str, tuple[object, list[object]]] = {
    "bpf_object__open_file": (ctypes.c_void_p, [ctypes.c_char_p, ctypes.c_void_p]),
    "bpf_object__load": (ctypes.c_int, [ctypes.c_void_p]),
    "bpf_object__close": (None, [ctypes.c_void_p]),
    "bpf_object__find_map_by_name": (ctypes.c_void_p, [ctypes.c_void_p, ctypes.c_char_p]),
    "bpf_object__find_program_by_name": (ctypes.c_void_p, [ctypes.c_void_p, ctypes.c_char_p]),
    "bpf_object__next_program": (ctypes.c_void_p, [ctypes.c_void_p, ctypes.c_void_p]),
    "bpf_map__initial_value": (ctypes.c_void_p, [ctypes.c_void_p, ctypes.POINTER(ctypes.c_size_t)]),
    "bpf_map__key_size": (ctypes.c_uint32, [ctypes.c_void_p]),
    "bpf_map__value_size": (ctypes.c_uint32, [ctypes.c_void_p]),
    "bpf_map__set_max_entries": (ctypes.c_int, [ctypes.c_void_p, ctypes.c_uint32]),
    "bpf_map__reuse_fd": (ctypes.c_int, [ctypes.c_void_p, ctypes.c_int]),
    "bpf_map__pin": (ctypes.c_int, [ctypes.c_void_p, ctypes.c_char_p]),
    "bpf_program__set_autoload": (ctypes.c_int, [ctypes.c_void_p, ctypes.c_bool]),
    "bpf_program__name": (ctypes.c_char_p, [ctypes.c_void_p]),
    "bpf_program__set_type": (ctypes.c_int, [ctypes.c_void_p, ctypes.c_int]),
    "bpf_program__set_expected_attach_type": (ctypes.c_int, [ctypes.c_void_p, ctypes.c_int]),
    "bpf_program__pin": (ctypes.c_int, [ctypes.c_void_p, ctypes.c_char_p]),
    "bpf_obj_get": (ctypes.c_int, [ctypes.c_char_p]),
    "bpf_obj_pin": (ctypes.c_int, [ctypes.c_int, ctypes.c_char_p]),
    "bpf_raw_tracepoint_open": (ctypes.c_int, [ctypes.c_char_p, ctypes.c_int]),
    "bpf_link_create": (ctypes.c_int, [ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_void_p]),
    "bpf_map_create": (
        ctypes.c_int,
        [ctypes.c_int, ctypes.c_char_p, ctypes.c_uint32, ctypes.c_uint32, ctypes.c_uint32, ctypes.c_void_p],
    ),
    "bpf_map_get_next_id": (ctypes.c_int, [ctypes.c_uint32, ctypes.c_void_p]),
    "bpf_map_get_fd_by_id": (ctypes.c_int, [ctypes.c_uint32]),
    "bpf_obj_get_info_by_fd": (ctypes.c_int, [ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p]),
    "bpf_map_update_elem": (ctypes.c_int, [ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_uint64]),
    "bpf_map_lookup_elem": (ctypes.c_int, [ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p]),
    "bpf_map_delete_elem": (ctypes.c_int, [ctypes.c_int, ctypes.c_void_p]),
    "bpf_map_get_next_key": (ctypes.c_int, [ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p]),
    "libbpf_num_possible_cpus": (ctypes.c_int, []),
    "libbpf_set_print": (ctypes.c_void_p, [_PRINTER]),
}

_REFUSED = re.compile(r"prog '(\w+)': failed to load")
_last_words: list[str] = []


@functools.cache
def library() -> ctypes.CDLL:
    """The library with its signatures; raises Unavailable where it is not installed."""
    try:
        lib = ctypes.CDLL("libbpf.so.1", use_errno=True)
        for name, (result, arguments) in _SIGNATURES.items():
            function = getattr(lib, name)
            function.restype, function.argtypes = result, arguments
    except (OSError, AttributeError) as cause:
        raise Unavailable(
            f"libbpf.so.1 cannot be used ({cause}); install the distribution's libbpf1 or libbpf package.",
            "sensor.no-libbpf",
        ) from cause
    lib.libbpf_set_print(_printer)
    return lib


def _print(level: int, form: bytes, arguments: int) -> int:
    """Keeps the last warnings: they hold the verifier's words. Debug lines (level 2) are not even formatted."""
    if level < 2:
        line = ctypes.create_string_buffer(4096)
        ctypes.CDLL(None).vsnprintf(line, 4096, ctypes.c_char_p(form), ctypes.c_void_p(arguments))
        _last_words[:] = [*_last_words[-20:], line.value.decode("utf-8", "replace")]
    return 0


_printer = _PRINTER(_print)


def last_words() -> str:
    """The line that says why, of what libbpf and the verifier said last."""
    lines = [line.strip() for text in _last_words for line in text.splitlines() if line.strip()]
    telling = [line for line in lines if not line.startswith(("processed ", "libbpf:", "-- ", ";"))]
    return (telling or lines or ["no reason given"])[-1][:200]


def refused_program() -> str:
    """The program that the last load failed for, as libbpf names it; empty if it was something else."""
    named = [_REFUSED.search(text) for text in _last_words]
    return next((match.group(1) for match in reversed(named) if match), "")


def checked(result: int, what: str) -> int:
    """The result of a call that answers a negative errno on failure."""
    if result < 0:
        number = ctypes.get_errno() or -result
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result


class BpfObject:
    """An object file, from opening to pinning; a context manager, since what is pinned lives on without it."""

    def __init__(self, path: Path) -> None:
        self._lib = library()
        _last_words.clear()
        self._handle = self._lib.bpf_object__open_file(str(path).encode(), None)
        if not self._handle:
            raise Unavailable(f"{path} is no BPF object: {last_words()}.", "sensor.no-object")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._lib.bpf_object__close(self._handle)

    def constants(self, size: int) -> bytes:
        """The beginning of ``.rodata``."""
        return ctypes.string_at(self._constants(size), size)

    def set_constants(self, value: ctypes.Structure) -> None:
        """Fills ``.rodata``, which must hold just this structure."""
        ctypes.memmove(self._constants(ctypes.sizeof(value)), ctypes.byref(value), ctypes.sizeof(value))

    def _constants(self, wanted: int) -> int:
        size = ctypes.c_size_t()
        place = self._lib.bpf_map__initial_value(self._map(".rodata"), ctypes.byref(size))
        if not place or size.value < wanted:
            raise Unavailable("The BPF object has no room for the host's facts.", "sensor.no-object")
        return int(place)

    def sizes(self, name: str) -> tuple[int, int]:
        """Bytes of a map's keys and of its values."""
        found = self._map(name)
        return self._lib.bpf_map__key_size(found), self._lib.bpf_map__value_size(found)

    def resize(self, name: str, entries: int) -> None:
        checked(self._lib.bpf_map__set_max_entries(self._map(name), entries), name)

    def reuse(self, name: str, path: Path) -> None:
        """Takes a pinned map instead of making one."""
        pinned = open_pinned(path)
        try:
            checked(self._lib.bpf_map__reuse_fd(self._map(name), pinned), name)
        finally:
            os.close(pinned)

    def take_only(self, *programs: str) -> None:
        """Leaves all other programs out of the load."""
        program = self._lib.bpf_object__next_program(self._handle, None)
        while program:
            name = self._lib.bpf_program__name(program).decode()
            checked(self._lib.bpf_program__set_autoload(program, name in programs), name)
            program = self._lib.bpf_object__next_program(self._handle, program)

    def is_socket_address(self, program: str, attach_type: int) -> None:
        """For a program whose section this libbpf is too old to know."""
        checked(self._lib.bpf_program__set_type(self._program(program), _CGROUP_SOCK_ADDR), program)
        checked(self._lib.bpf_program__set_expected_attach_type(self._program(program), attach_type), program)

    def load(self) -> None:
        """Raises OSError; ``last_words`` tells more."""
        checked(self._lib.bpf_object__load(self._handle), "loading")

    def pin_map(self, name: str, path: Path) -> None:
        checked(self._lib.bpf_map__pin(self._map(name), str(path).encode()), name)

    def pin_program(self, name: str, path: Path) -> None:
        checked(self._lib.bpf_program__pin(self._program(name), str(path).encode()), name)

    def _map(self, name: str) -> int:
        found = self._lib.bpf_object__find_map_by_name(self._handle, name.encode())
        if not found:
            raise Unavailable(f"The BPF object has no map {name}.", "sensor.no-object")
        return int(found)

    def _program(self, name: str) -> int:
        found = self._lib.bpf_object__find_program_by_name(self._handle, name.encode())
        if not found:
            raise Unavailable(f"The BPF object has no program {name}.", "sensor.no-object")
        return int(found)


def give_back() -> None:
    """Returns free memory to the kernel: to load programs takes megabytes, for the kernel's types above all.

    malloc_trim(3) is glibc's; others return it by themselves.
    """
    libc = ctypes.CDLL(None)
    if hasattr(libc, "malloc_trim"):
        libc.malloc_trim(0)


def open_pinned(path: Path | str) -> int:
    """A descriptor of a pinned map, program or link."""
    return checked(library().bpf_obj_get(str(path).encode()), str(path))


class _ProgramInfo(ctypes.Structure):
    """The beginning of ``struct bpf_prog_info``; an older kernel knows less of it and leaves the rest as it is."""

    _fields_ = (("before", ctypes.c_uint64 * 26), ("recursion_misses", ctypes.c_uint64))


def misses(program: str) -> int:
    """How often the kernel passed a pinned program over because the processor was within a program already (5.12)."""
    info = _ProgramInfo()
    size = ctypes.c_uint32(ctypes.sizeof(info))
    descriptor = open_pinned(program)
    try:
        checked(
            library().bpf_obj_get_info_by_fd(descriptor, ctypes.byref(info), ctypes.byref(size)), "asking a program"
        )
    finally:
        os.close(descriptor)
    return int(info.recursion_misses)


class Map:
    """A pinned map with keys and values of fixed size."""

    def __init__(self, path: Path, key_size: int, value_size: int) -> None:
        self.fd = open_pinned(path)
        self._lib, self._name, self._key_size, self._value_size = library(), path.name, key_size, value_size

    def set(self, key: bytes, value: bytes) -> None:
        checked(self._lib.bpf_map_update_elem(self.fd, key, value, 0), self._name)

    def get(self, key: bytes) -> bytes | None:
        value = ctypes.create_string_buffer(self._value_size)
        if self._lib.bpf_map_lookup_elem(self.fd, key, value) < 0:
            return None
        return value.raw

    def discard(self, key: bytes) -> None:
        self._lib.bpf_map_delete_elem(self.fd, key)

    def keys(self) -> Iterator[bytes]:
        """All keys; those removed meanwhile may be missing or start it over, so callers take a list."""
        key: bytes | None = None
        following = ctypes.create_string_buffer(self._key_size)
        while self._lib.bpf_map_get_next_key(self.fd, key, following) >= 0:
            key = following.raw
            yield key

    def entries(self) -> int:
        """How many it holds at most; for a ring, its size in bytes."""
        for line in Path(f"/proc/self/fdinfo/{self.fd}").read_text().splitlines():
            if line.startswith("max_entries:"):
                return int(line.split()[1])
        raise OSError(f"{self._name} is no map")

    def close(self) -> None:
        os.close(self.fd)


def possible_cpus() -> int:
    """How many values a per-CPU map holds for each key."""
    return checked(library().libbpf_num_possible_cpus(), "counting CPUs")
