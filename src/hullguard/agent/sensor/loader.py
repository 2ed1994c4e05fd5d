"""Puts the BPF object into the kernel, or finds what an earlier life of the agent left there."""

import contextlib
import ctypes
import hashlib
import os
import time
from pathlib import Path

from hullguard.agent.sensor import abi, libbpf
from hullguard.agent.sensor.libbpf import BpfObject
from hullguard.agent.sensor.pins import FILE_PROGRAM, MAPS, PROCESS_PROGRAMS, RINGS, Pins
from hullguard.model.errors import Unavailable

OBJECT = Path(__file__).parent / "bpf" / "sensor.bpf.o"
_KERNEL_TYPES = Path("/sys/kernel/btf/vmlinux")
_TRACING = Path("/sys/kernel/tracing")
_ATTEMPTS = ((1, True), (0, True), (0, False))
"""Newest kernel first: with bpf_rdonly_cast (6.2), without, and without the file program."""
_CAP_SYS_ADMIN, _CAP_PERFMON, _CAP_BPF = 21, 38, 39


def load(directory: Path, rings: dict[str, int]) -> tuple[Pins, list[Pins]]:
    """This build's pins, attached, and those of other builds that should be drained and removed.

    ``directory`` becomes a bpffs if it is none. Raises Unavailable with the reason.
    """
    check_possible()
    ensure_mounted(directory, "bpf")
    with contextlib.suppress(OSError):  # without tracefs there are no file hooks; attaching them will say so
        ensure_mounted(_TRACING, "tracefs")
    host = host_facts()
    own = directory / _name(host, rings)
    pins = Pins(own) if _complete(own) else _install(own, host, rings)
    pins.attach_processes()
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


def try_load() -> str:
    """Loads and drops everything; answers why the file program had to be left out, if so."""
    with contextlib.ExitStack() as stack:
        _, without = _load_object(stack, host_facts(), {})
        return without


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


def _install(own: Path, host: abi.Host, rings: dict[str, int]) -> Pins:
    if own.exists():  # an agent was killed while it did this
        Pins(own).remove()
    with contextlib.ExitStack() as stack:
        loaded, without = _load_object(stack, host, rings)
        own.mkdir()
        try:
            # Programs last: whoever finds them may trust that the maps are there.
            for name in MAPS:
                loaded.pin_map(name, own / name)
            _seed_sequence(own)
            for name in (*PROCESS_PROGRAMS, *(() if without else (FILE_PROGRAM,))):
                loaded.pin_program(name, own / name)
        except OSError as cause:
            Pins(own).remove()
            raise Unavailable(f"The sensor cannot be pinned: {cause}.", "sensor.pin-refused") from cause
    return Pins(own, without)


def _load_object(stack: contextlib.ExitStack, host: abi.Host, rings: dict[str, int]) -> tuple[BpfObject, str]:
    """The object, and why it is without its file program, if so: half a sensor is better than none."""
    why = ""
    for typed, files in _ATTEMPTS:
        loaded = stack.enter_context(BpfObject(OBJECT))
        loaded.set_constants(abi.Host(mnt_ns=host.mnt_ns, controller=host.controller, typed=typed))
        for name, size in rings.items():
            loaded.resize(name, size)
        if not files:
            loaded.leave_out(FILE_PROGRAM)
        try:
            loaded.load()
        except OSError as cause:
            why = f"{cause.strerror}; {libbpf.last_words()}"
        else:
            return loaded, "" if files else why or "they were left out"
    raise Unavailable(f"The kernel refused the sensor: {why}.", "sensor.refused")


def _seed_sequence(own: Path) -> None:
    """Numbers go on growing over every reload until the machine restarts, else two events would get one incident id.

    Microseconds since boot grow faster than the sensor can count.
    """
    counter = libbpf.Map(own / "sequence", 4, 8)
    counter.set(bytes(4), (time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1000).to_bytes(8, "little"))
    counter.close()


def _name(host: abi.Host, rings: dict[str, int]) -> str:
    digest = hashlib.sha256(OBJECT.read_bytes() + bytes(host) + repr(sorted(rings.items())).encode())
    return f"{abi.ABI}-{digest.hexdigest()[:24]}"


def _complete(own: Path) -> bool:
    return all((own / name).exists() for name in (*MAPS, *PROCESS_PROGRAMS))


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


__all__ = ["OBJECT", "RINGS", "check_possible", "ensure_mounted", "host_facts", "load", "try_load", "unmount"]
