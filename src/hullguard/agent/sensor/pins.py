"""What stays in the kernel between two lives of the agent: maps, programs and links, pinned in a bpffs.

Each build of the object has a directory of its own there, named by layout and hash: an agent that finds its own goes on
with it, events of the meantime included; one of another build makes its own and then takes the other's down.
"""

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

from hullguard.agent.sensor import libbpf
from hullguard.agent.sensor.interface import HookInfo
from hullguard.model.errors import Unavailable

RINGS = {"ring_exec": 2 << 20, "ring_file": 1 << 20, "ring_proc": 1 << 19}
MAPS = (*RINGS, "verdicts", "known", "slots", "names", "inodes", "paths", "config", "sequence", "lost")
PROCESS_PROGRAMS = ("on_exec", "on_fork", "on_exit")
FILE_PROGRAMS = ("on_openat", "on_openat2", "on_open", "on_open_by_handle_at")
_PROCESS_HOOKS = {"on_exec": "sched_process_exec", "on_fork": "sched_process_fork", "on_exit": "sched_process_exit"}


class Pins:
    """One build's directory in the bpffs, complete."""

    def __init__(self, directory: Path, without: str = "") -> None:
        self.directory = directory
        self._without = without
        """Why there are no file programs, if so."""
        self._why: dict[str, str] = {}

    def map(self, name: str, key_size: int, value_size: int) -> libbpf.Map:
        return libbpf.Map(self.directory / name, key_size, value_size)

    def attach_processes(self) -> None:
        """Raises Unavailable: without these the sensor is blind."""
        for program in PROCESS_PROGRAMS:
            pin = self.directory / f"link_{program}"
            if not pin.exists():
                self._attach(program, partial(libbpf.attach_raw, pin=pin))
        if self._why:
            program, why = next(iter(self._why.items()))
            raise Unavailable(f"The kernel does not let {program} attach: {why}.", "sensor.attach-refused")

    def watch_files(self, wanted: bool) -> None:
        """Syscall tracepoints tax every syscall of the machine, so they are only there while a policy needs them."""
        for program in FILE_PROGRAMS:
            pin = self.directory / f"link_{program}"
            if not wanted:
                pin.unlink(missing_ok=True)
            elif not pin.exists() and (self.directory / program).exists():
                name = program.replace("on_", "sys_exit_")
                self._attach(program, partial(libbpf.attach_tracepoint, category="syscalls", name=name, pin=pin))

    def hooks(self) -> tuple[HookInfo, ...]:
        infos = []
        for program in (*PROCESS_PROGRAMS, *FILE_PROGRAMS):
            attached = (self.directory / f"link_{program}").exists()
            backend = "tp_btf" if program in PROCESS_PROGRAMS else "tp/syscalls"
            name = _PROCESS_HOOKS.get(program) or program.replace("on_", "sys_exit_")
            why = "" if attached else self._why.get(program) or self._without or "no policy needs it"
            infos.append(HookInfo(name, backend, attached, why))
        return tuple(infos)

    def remove(self) -> None:
        """Detaches everything and gives the memory back."""
        # Links first: a program that runs without its maps' pins is harmless, one attached for nobody is waste.
        for entry in sorted(self.directory.iterdir(), key=lambda path: not path.name.startswith("link_")):
            entry.unlink(missing_ok=True)
        self.directory.rmdir()

    def _attach(self, program: str, attach: Callable[[int], None]) -> None:
        descriptor = libbpf.open_pinned(self.directory / program)
        try:
            attach(descriptor)
            self._why.pop(program, None)
        except FileNotFoundError:
            self._why[program] = "this kernel has no such hook"
        except OSError as cause:
            self._why[program] = cause.strerror or str(cause)
        finally:
            os.close(descriptor)
