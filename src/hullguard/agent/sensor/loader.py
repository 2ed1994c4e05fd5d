"""Puts the BPF object into the kernel, or finds what an earlier life of the agent left there."""

import contextlib
import ctypes
import hashlib
import os
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from hullguard.agent.sensor import abi, libbpf
from hullguard.agent.sensor.catalog import HOOKS, PROCESS_PROGRAMS, SOCKET_ADDRESS_PROGRAMS
from hullguard.agent.sensor.libbpf import BpfObject
from hullguard.agent.sensor.pins import MAPS, RINGS, SIZES, Pins
from hullguard.model.errors import Unavailable

OBJECT = Path(__file__).parent / "bpf" / "sensor.bpf.o"
_KERNEL_TYPES = Path("/sys/kernel/btf/vmlinux")
_TRACING = Path("/sys/kernel/tracing")
_TYPED = (1, 0)
"""Newest kernel first: with bpf_rdonly_cast (6.2), and without."""
_CAP_SYS_ADMIN, _CAP_PERFMON, _CAP_BPF = 21, 38, 39


def load(directory: Path, rings: dict[str, int]) -> tuple[Pins, list[Pins]]:
    """This build's pins, with the programs that are always there, and other builds' that should be drained and removed.

    ``directory`` becomes a bpffs if it is none. Raises Unavailable with the reason.
    """
    check_possible()
    ensure_mounted(directory, "bpf")
    with contextlib.suppress(OSError):  # without tracefs there are no file hooks; attaching them will say so
        ensure_mounted(_TRACING, "tracefs")
    host = host_facts()
    own = directory / _name(host, rings)
    pins = Pins(own)
    if not all(pins.has(name) for name in (*MAPS, *PROCESS_PROGRAMS)):
        _install(own, host, rings)
    others = [Pins(path) for path in directory.iterdir() if path.is_dir() and path != own]
    return pins, others


def check_possible() -> None:
    """Raises Unavailable for what no attempt is needed to know."""
    libbpf.library()
    held = _effective_capabilities()
    if not held >> _CAP_SYS_ADMIN & 1 and not (held >> _CAP_BPF & 1 and held >> _CAP_PERFMON & 1):
        raise Unavailable(
            "The agent may not load BPF programs; run it as root, or with CAP_BPF and CAP_PERFMON.",
            "sensor.no-capability",
        )
    if not _KERNEL_TYPES.exists():
        raise Unavailable(
            f"This kernel does not describe its types: {_KERNEL_TYPES} is missing, CONFIG_DEBUG_INFO_BTF is off.",
            "sensor.no-btf",
        )
    if not OBJECT.exists():
        raise Unavailable(f"The sensor's BPF object {OBJECT} is missing; build it with `make bpf`.", "sensor.no-object")


def provide(pins: Pins, programs: Iterable[str]) -> dict[str, str]:
    """Loads more programs beside those that are pinned; answers those that the kernel refused, and why."""
    refused: dict[str, str] = {}
    left = list(programs)
    while left:
        with contextlib.ExitStack() as stack:
            try:
                loaded = _load_object(stack, host_facts(), left, lambda opened: _share_maps(opened, pins))
            except _Refused as cause:
                # One that the kernel does not take must not cost the others.
                refused[cause.program] = str(cause)
                left.remove(cause.program)
                continue
            for name in left:
                loaded.pin_program(name, pins.directory / name)
        break
    return refused


def check_layout(opened: BpfObject) -> None:
    """Raises Unavailable for an object of another version than this code: it would be read and written wrongly."""
    built = abi.Host.from_buffer_copy(opened.constants(ctypes.sizeof(abi.Host))).abi
    wrong = [f"layout {built} instead of {abi.ABI}"] if built != abi.ABI else []
    for name, sizes in SIZES.items():
        found = opened.sizes(name)
        if found != sizes:
            wrong.append(f"map {name} of {found[0]}+{found[1]} bytes instead of {sizes[0]}+{sizes[1]}")
    if wrong:
        raise Unavailable(
            f"The sensor's BPF object {OBJECT} is of another version than the agent ({wrong[0]}); build it again with "
            "`make bpf`, or install the package again.",
            "sensor.stale-object",
        )


def try_load() -> dict[str, str]:
    """Loads and drops every program; answers those that the kernel refuses, and why."""
    refused: dict[str, str] = {}
    left = sorted({each.program for hook in HOOKS for way in hook.ways for each in way.attachments})
    while left:
        with contextlib.ExitStack() as stack:
            try:
                _load_object(stack, host_facts(), left, lambda _: None)
            except _Refused as cause:
                refused[cause.program] = str(cause)
                left.remove(cause.program)
                continue
        break
    return refused


def host_facts() -> abi.Host:
    """What the kernel part must know to tell the host's own tasks."""
    return abi.Host(mnt_ns=_host_mount_namespace(), controller=_cgroup_controller())


def ensure_mounted(directory: Path, kind: str) -> None:
    """Mounts a bpffs or tracefs there unless one is."""
    directory.mkdir(parents=True, exist_ok=True)
    if any(line.split()[4] == str(directory.resolve()) and f" - {kind} " in line for line in _mounts()):
        return
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(kind.encode(), str(directory).encode(), kind.encode(), 0, None) != 0:
        raise OSError(ctypes.get_errno(), f"mounting {kind} on {directory}: {os.strerror(ctypes.get_errno())}")


def unmount(directory: Path) -> None:
    """Takes an empty bpffs down again; one that others use stays."""
    # The kernel puts files of its own (`progs.debug`) into some; pins lie in directories.
    if not any(entry.is_dir() for entry in directory.iterdir()):
        ctypes.CDLL(None).umount2(str(directory).encode(), 0)


class _Refused(Exception):
    """The kernel does not take a program."""

    def __init__(self, program: str, why: str) -> None:
        super().__init__(why)
        self.program = program


def _install(own: Path, host: abi.Host, rings: dict[str, int]) -> None:
    if own.exists():  # an agent was killed while it did this
        Pins(own).remove()

    def resize(opened: BpfObject) -> None:
        for name, size in rings.items():
            opened.resize(name, size)

    with contextlib.ExitStack() as stack:
        try:
            loaded = _load_object(stack, host, PROCESS_PROGRAMS, resize)
        except _Refused as cause:
            raise Unavailable(f"The kernel refused the sensor: {cause}.", "sensor.refused") from cause
        own.mkdir()
        try:
            # Programs last: whoever finds them may trust that the maps are there.
            for name in MAPS:
                loaded.pin_map(name, own / name)
            _seed_sequence(own)
            for name in PROCESS_PROGRAMS:
                loaded.pin_program(name, own / name)
        except OSError as cause:
            Pins(own).remove()
            raise Unavailable(f"The sensor cannot be pinned: {cause}.", "sensor.pin-refused") from cause


def _share_maps(opened: BpfObject, pins: Pins) -> None:
    for name in MAPS:
        opened.reuse(name, pins.directory / name)


def _load_object(
    stack: contextlib.ExitStack, host: abi.Host, programs: Sequence[str], prepare: Callable[[BpfObject], None]
) -> BpfObject:
    """The object with these programs in the kernel; raises _Refused with the first that it does not take."""
    why = _Refused("", "")
    for typed in _TYPED:
        opened = stack.enter_context(BpfObject(OBJECT))
        check_layout(opened)
        opened.set_constants(abi.Host(mnt_ns=host.mnt_ns, controller=host.controller, typed=typed, abi=abi.ABI))
        opened.take_only(*programs)
        for name in SOCKET_ADDRESS_PROGRAMS.keys() & set(programs):
            opened.is_socket_address(name, SOCKET_ADDRESS_PROGRAMS[name])
        prepare(opened)
        try:
            opened.load()
        except OSError as cause:
            guilty = libbpf.refused_program()
            why = _Refused(guilty if guilty in programs else programs[0], f"{cause.strerror}; {libbpf.last_words()}")
        else:
            return opened
    raise why


def _seed_sequence(own: Path) -> None:
    """Numbers go on growing over every reload until the machine restarts, else two events would get one incident id.

    Microseconds since boot grow faster than the sensor can count.
    """
    counter = Pins(own).map("sequence")
    counter.set(bytes(4), (time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1000).to_bytes(8, "little"))
    counter.close()


def _name(host: abi.Host, rings: dict[str, int]) -> str:
    digest = hashlib.sha256(OBJECT.read_bytes() + bytes(host) + repr(sorted(rings.items())).encode())
    return f"{abi.ABI}-{digest.hexdigest()[:24]}"


def _host_mount_namespace() -> int:
    # The first process may be closed even to root; a kernel thread is in the same namespace, and else we are.
    for pid in ("1", "2", "self"):
        with contextlib.suppress(OSError):
            return Path(f"/proc/{pid}/ns/mnt").stat().st_ino & 0xFFFFFFFF
    raise Unavailable("The host's mount namespace cannot be read; is /proc mounted?", "sensor.no-proc")


def _cgroup_controller() -> int:
    """Runtimes use v1 wherever a v1 controller is mounted, on hybrid machines too."""
    active = set()
    for line in Path("/proc/cgroups").read_text().splitlines()[1:]:
        name, hierarchy, _, enabled = line.split()[:4]
        if hierarchy != "0" and enabled == "1":
            active.add(name)
    if "memory" in active:
        return abi.CGROUP_MEMORY
    return abi.CGROUP_PIDS if "pids" in active else abi.CGROUP_V2


def _effective_capabilities() -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("CapEff:"):
            return int(line.split()[1], 16)
    return 0


def _mounts() -> list[str]:
    return Path("/proc/self/mountinfo").read_text().splitlines()


__all__ = [
    "OBJECT",
    "RINGS",
    "check_possible",
    "ensure_mounted",
    "host_facts",
    "load",
    "provide",
    "try_load",
    "unmount",
]
