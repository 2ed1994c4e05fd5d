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
FILE_PROGRAM = "on_open"
FILE_HOOKS = ("sys_exit_openat", "sys_exit_openat2", "sys_exit_open", "sys_exit_open_by_handle_at")
_PROCESS_HOOKS = {"on_exec": "sched_process_exec", "on_fork": "sched_process_fork", "on_exit": "sched_process_exit"}


class Pins:
    """One build's directory in the bpffs, complete."""

    def __init__(self, directory: Path, without: str = "") -> None:
        self.directory = directory
        self._without = without
        """Why there is no file program, if so."""
        self._why: dict[str, str] = {}

    def map(self, name: str, key_size: int, value_size: int) -> libbpf.Map:
        return libbpf.Map(self.directory / name, key_size, value_size)

    def attach_processes(self) -> None:
        """Raises Unavailable: without these the sensor is blind."""
        for program in PROCESS_PROGRAMS:
            pin = self.directory / f"link_{program}"
            if not pin.exists():
                self._attach(program, program, partial(libbpf.attach_raw, pin=pin))
        if self._why:
            program, why = next(iter(self._why.items()))
            raise Unavailable(f"The kernel does not let {program} attach: {why}.", "sensor.attach-refused")

    def watch_files(self, wanted: bool) -> None:
        """Syscall tracepoints tax every syscall of the machine, so they are only there while a policy needs them."""
        for hook in FILE_HOOKS:
            pin = self.directory / f"link_{hook}"
            if not wanted:
                pin.unlink(missing_ok=True)
            elif not pin.exists() and (self.directory / FILE_PROGRAM).exists():
                attach = partial(libbpf.attach_tracepoint, category="syscalls", name=hook, pin=pin)
                self._attach(FILE_PROGRAM, hook, attach)

    def hooks(self) -> tuple[HookInfo, ...]:
        infos = []
        for link in (*PROCESS_PROGRAMS, *FILE_HOOKS):
            attached = (self.directory / f"link_{link}").exists()
            backend = "tp_btf" if link in PROCESS_PROGRAMS else "tp/syscalls"
            why = "" if attached else self._why.get(link) or self._without or "no policy needs it"
            infos.append(HookInfo(_PROCESS_HOOKS.get(link, link), backend, attached, why))
        return tuple(infos)

    def remove(self) -> None:
        """Detaches everything and gives the memory back."""
        # Links first: a program that runs without its maps' pins is harmless, one attached for nobody is waste.
        for entry in sorted(self.directory.iterdir(), key=lambda path: not path.name.startswith("link_")):
            entry.unlink(missing_ok=True)
        self.directory.rmdir()

    def _attach(self, program: str, link: str, attach: Callable[[int], None]) -> None:
        descriptor = libbpf.open_pinned(self.directory / program)
        try:
            attach(descriptor)
            self._why.pop(link, None)
        except FileNotFoundError:
            self._why[link] = "this kernel has no such hook"
        except OSError as cause:
            self._why[link] = cause.strerror or str(cause)
        finally:
            os.close(descriptor)
