"""libbpf.so.1 through ctypes: opening, loading and pinning an object, and the calls on maps."""

import ctypes
import functools
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Self

from hullguard.model.errors import Unavailable

_PERF_EVENT_OPEN = {"x86_64": 298, "aarch64": 241}
_BPF_PERF_EVENT = 41
"""``enum bpf_attach_type``."""
_PERF_TYPE_TRACEPOINT = 2
_PRINTER = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int, ctypes.c_char_p, ctypes.c_void_p)
_SIGNATURES: dict[str, tuple[object, list[object]]] = {
    "bpf_object__open_file": (ctypes.c_void_p, [ctypes.c_char_p, ctypes.c_void_p]),
    "bpf_object__load": (ctypes.c_int, [ctypes.c_void_p]),
    "bpf_object__close": (None, [ctypes.c_void_p]),
    "bpf_object__find_map_by_name": (ctypes.c_void_p, [ctypes.c_void_p, ctypes.c_char_p]),
    "bpf_object__find_program_by_name": (ctypes.c_void_p, [ctypes.c_void_p, ctypes.c_char_p]),
    "bpf_map__initial_value": (ctypes.c_void_p, [ctypes.c_void_p, ctypes.POINTER(ctypes.c_size_t)]),
    "bpf_map__set_max_entries": (ctypes.c_int, [ctypes.c_void_p, ctypes.c_uint32]),
    "bpf_map__pin": (ctypes.c_int, [ctypes.c_void_p, ctypes.c_char_p]),
    "bpf_program__set_autoload": (ctypes.c_int, [ctypes.c_void_p, ctypes.c_bool]),
    "bpf_program__pin": (ctypes.c_int, [ctypes.c_void_p, ctypes.c_char_p]),
    "bpf_obj_get": (ctypes.c_int, [ctypes.c_char_p]),
    "bpf_obj_pin": (ctypes.c_int, [ctypes.c_int, ctypes.c_char_p]),
    "bpf_raw_tracepoint_open": (ctypes.c_int, [ctypes.c_char_p, ctypes.c_int]),
    "bpf_link_create": (ctypes.c_int, [ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_void_p]),
    "bpf_map_update_elem": (ctypes.c_int, [ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_uint64]),
    "bpf_map_lookup_elem": (ctypes.c_int, [ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p]),
    "bpf_map_delete_elem": (ctypes.c_int, [ctypes.c_int, ctypes.c_void_p]),
    "bpf_map_get_next_key": (ctypes.c_int, [ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p]),
    "libbpf_num_possible_cpus": (ctypes.c_int, []),
    "libbpf_set_print": (ctypes.c_void_p, [_PRINTER]),
}

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

    def set_constants(self, value: ctypes.Structure) -> None:
        """Fills ``.rodata``, which must hold just this structure."""
        size = ctypes.c_size_t()
        place = self._lib.bpf_map__initial_value(self._map(".rodata"), ctypes.byref(size))
        if not place or size.value < ctypes.sizeof(value):
            raise Unavailable("The BPF object has no room for the host's facts.", "sensor.no-object")
        ctypes.memmove(place, ctypes.byref(value), ctypes.sizeof(value))

    def resize(self, name: str, entries: int) -> None:
        checked(self._lib.bpf_map__set_max_entries(self._map(name), entries), name)

    def leave_out(self, program: str) -> None:
        checked(self._lib.bpf_program__set_autoload(self._program(program), False), program)

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


def open_pinned(path: Path) -> int:
    """A descriptor of a pinned map, program or link."""
    return checked(library().bpf_obj_get(str(path).encode()), str(path))


def attach_raw(program: int, pin: Path) -> None:
    """Attaches a ``tp_btf`` program, and keeps it attached after this process is gone."""
    link = checked(library().bpf_raw_tracepoint_open(None, program), pin.name)
    _pin_link(link, pin)


def attach_tracepoint(program: int, category: str, name: str, pin: Path) -> None:
    """The same for a ``tp`` program. Raises FileNotFoundError where the kernel has no such tracepoint."""
    number = int((Path("/sys/kernel/tracing/events") / category / name / "id").read_text())
    attributes = bytearray(128)
    attributes[0:4] = _PERF_TYPE_TRACEPOINT.to_bytes(4, "little")
    attributes[4:8] = len(attributes).to_bytes(4, "little")
    attributes[8:16] = number.to_bytes(8, "little")
    buffer = (ctypes.c_char * 128).from_buffer(attributes)
    libc = ctypes.CDLL(None, use_errno=True)
    call = _PERF_EVENT_OPEN[os.uname().machine]
    event = checked(libc.syscall(call, ctypes.byref(buffer), -1, 0, -1, 8), name)
    try:
        _pin_link(checked(library().bpf_link_create(program, event, _BPF_PERF_EVENT, None), name), pin)
    finally:
        os.close(event)


def _pin_link(link: int, pin: Path) -> None:
    try:
        checked(library().bpf_obj_pin(link, str(pin).encode()), pin.name)
    finally:
        os.close(link)


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
