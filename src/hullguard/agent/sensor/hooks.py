"""Puts hooks where the plan in force needs them, and takes them away where it does not."""

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from hullguard.agent.sensor import attach, libbpf
from hullguard.agent.sensor.catalog import HOOKS, Attachment, Backend, Hook, Way
from hullguard.agent.sensor.interface import HookInfo
from hullguard.agent.sensor.pins import Pins
from hullguard.detect.detectors.interface import Wants
from hullguard.model.errors import Unavailable
from hullguard.model.event import EventKind

ABSENT = "this kernel has no such hook"
UNWANTED = "no policy needs it"
WAITING = "it is still to be attached"
_SOCKETS = frozenset(
    {
        EventKind.SOCKET,
        EventKind.CONNECT,
        EventKind.ACCEPT,
        EventKind.BIND,
        EventKind.LISTEN,
        EventKind.SEND,
        EventKind.DNS,
        EventKind.DUP,
    }
)
_FILES = frozenset(kind for kind in EventKind if kind.startswith("file_"))
_AT_ONCE = 8
"""Programs in one load. A load takes 0.08 s of processor time before the verifier sees the first of them; but the hooks
of one load are attached only when its last program is judged."""
Provide = Callable[[Pins, Iterable[str]], dict[str, str]]
"""Loads programs beside those that are pinned; answers those that the kernel refused, with its words."""


class Hooks:
    """One build's hooks. Links are pinned, so what is attached is what lies in the directory."""

    def __init__(self, pins: Pins, provide: Provide) -> None:
        self._pins, self._provide = pins, provide
        self._wanted: frozenset[str] = frozenset(hook.name for hook in HOOKS if hook.always)
        self._waiting: frozenset[str] = frozenset()
        """Of those, the ones that nobody has tried to attach yet."""
        self._refused: dict[str, str] = {}
        """Programs that the kernel does not take, and links that it does not make."""
        self._held: frozenset[str] = frozenset()
        """Hooks that were there when somebody last attached or detached any on purpose."""

    def begin(self) -> None:
        """Attaches what is always there. What an earlier agent left attached stays: it sees what happens meanwhile."""
        there = self._pins.links()
        for hook in HOOKS:
            if hook.always and _way(hook, there) is None:
                self._attach(hook)
        self._hold()

    def want(self, wants: Iterable[Wants]) -> None:
        """Says what is needed from now on; ``settle`` does it."""
        given = tuple(wants)
        needed = [hook for hook in HOOKS if hook.always or _needs(given, hook)]
        there = self._pins.links()
        self._wanted = frozenset(hook.name for hook in needed)
        self._waiting = frozenset(hook.name for hook in needed if _way(hook, there) is None)

    def settle(self, stop: Callable[[], bool] = lambda: False) -> None:
        """Attaches what is wanted, some at a time, then takes away what is not; ``stop`` is asked in between."""
        wanted, there = self._wanted, self._pins.links()
        for some in _batches(hook for hook in HOOKS if hook.name in wanted and _way(hook, there) is None):
            if stop():
                return
            self._load(hook.ways[0] for hook in some)
            for hook in some:
                self._attach(hook)
            self._waiting -= {hook.name for hook in some}
        for hook in HOOKS:
            if hook.name not in wanted:
                for way in hook.ways:
                    self._detach(way)
        self._hold()
        libbpf.give_back()

    def progress(self) -> tuple[int, int]:
        """How many hooks are there, of how many that are wanted."""
        wanted = [hook for hook in HOOKS if hook.name in self._wanted]
        there = self._pins.links()
        return sum(_way(hook, there) is not None for hook in wanted), len(wanted)

    def repair(self) -> dict[str, bool]:
        """Hooks that somebody took away, each put back if that can be; whether it is there again."""
        found, there = {}, self._pins.links()
        for hook in HOOKS:
            if hook.name not in self._held:
                continue
            way = _way(hook, there)
            if way is not None and not self._forced_off(way):
                continue
            for each in hook.ways:
                self._detach(each)
            self._attach(hook)
            found[hook.name] = _way(hook, self._pins.links()) is not None
        self._held -= {name for name, there in found.items() if not there}  # told once; health goes on saying it
        return found

    def infos(self) -> tuple[HookInfo, ...]:
        """Every hook, attached or not."""
        there = self._pins.links()
        return tuple(self._info(hook, there) for hook in HOOKS)

    def missing(self) -> tuple[HookInfo, ...]:
        """Those that are needed and not there; a call that this kernel does not have cannot be made either."""
        return tuple(
            info for info in self.infos() if info.name in self._wanted and not info.attached and not info.needless
        )

    def _info(self, hook: Hook, there: frozenset[str]) -> HookInfo:
        way = _way(hook, there)
        best = hook.ways[0]
        if way is not None:
            why = "" if way is best else f"not by {best.backend}: {self._why(best)}"
            return HookInfo(hook.name, str(way.backend), attached=True, why=why, cost=str(way.cost))
        reasons = [f"{each.backend}: {self._why(each)}" for each in hook.ways] if len(hook.ways) > 1 else []
        why = "; ".join(reasons) or self._why(best)
        if hook.name not in self._wanted:
            why = UNWANTED
        elif hook.name in self._waiting:
            why = WAITING
        return HookInfo(
            hook.name,
            str(best.backend),
            attached=False,
            why=why,
            cost=str(best.cost),
            needless=why in {ABSENT, UNWANTED},
        )

    def _forced_off(self, way: Way) -> bool:
        """Only a cgroup's link can be; the others cost nothing to look at."""
        links = (self._pins.link(each.pin) for each in way.attachments)
        return way.backend is Backend.CGROUP and any(map(_detached, links))

    def _hold(self) -> None:
        there = self._pins.links()
        self._held = frozenset(hook.name for hook in HOOKS if hook.name in self._wanted and _way(hook, there))

    def _why(self, way: Way) -> str:
        for each in way.attachments:
            for name in (each.program, each.pin):
                if name in self._refused:
                    return self._refused[name]
        return "somebody took it away"

    def _detach(self, way: Way) -> None:
        for each in way.attachments:
            self._pins.link(each.pin).unlink(missing_ok=True)

    def _load(self, ways: Iterable[Way]) -> None:
        programs = {each.program for way in ways for each in way.attachments}
        absent = sorted(name for name in programs if not self._pins.has(name) and name not in self._refused)
        if absent:
            self._refused |= self._provide(self._pins, absent)

    def _attach(self, hook: Hook) -> None:
        for way in hook.ways:
            self._load([way])
            if all(self._pins.has(each.program) and self._place(way.backend, each) for each in way.attachments):
                return
            self._detach(way)

    def _place(self, backend: Backend, what: Attachment) -> bool:
        pin = self._pins.link(what.pin)
        if pin.exists():
            return True
        program = libbpf.open_pinned(self._pins.directory / what.program)
        try:
            _put(backend, what, program, pin)
        except FileNotFoundError:
            self._refused[what.pin] = ABSENT
        except OSError as cause:
            self._refused[what.pin] = cause.strerror or str(cause)
        except Unavailable as cause:
            self._refused[what.pin] = str(cause)
        else:
            self._refused.pop(what.pin, None)
            return True
        finally:
            os.close(program)
        return False


def _way(hook: Hook, there: frozenset[str]) -> Way | None:
    """The way in which the hook is there, if it is, by the links that are."""
    return next((way for way in hook.ways if all(each.pin in there for each in way.attachments)), None)


def _batches(hooks: Iterable[Hook]) -> Iterator[list[Hook]]:
    """Hooks in their order, so many that their programs make one load."""
    batch: list[Hook] = []
    programs: set[str] = set()
    for hook in hooks:
        more = {each.program for each in hook.ways[0].attachments}
        if batch and len(programs | more) > _AT_ONCE:
            yield batch
            batch, programs = [], set()
        batch.append(hook)
        programs |= more
    if batch:
        yield batch


def _put(backend: Backend, what: Attachment, program: int, pin: Path) -> None:
    if backend is Backend.TYPED:
        attach.attach_typed(program, pin)
    elif backend is Backend.RAW:
        attach.attach_raw(program, what.point, pin)
    elif backend is Backend.CGROUP:
        with attach.cgroup_root() as root:
            attach.attach_cgroup(program, what.number, root, pin)
    else:
        attach.attach_tracepoint(program, "syscalls", what.point, what.number, pin)


def _detached(pin: Path) -> bool:
    """A cgroup's link can be forced off its cgroup; it stays pinned and does nothing."""
    try:
        link = libbpf.open_pinned(pin)
    except OSError:
        return True
    try:
        words = Path(f"/proc/self/fdinfo/{link}").read_text().split()
    finally:
        os.close(link)
    return "cgroup_id:" in words and words[words.index("cgroup_id:") + 1] == "0"


def _needs(wants: Iterable[Wants], hook: Hook) -> bool:
    return any(_needs_one(want, hook) for want in wants)


def _needs_one(want: Wants, hook: Hook) -> bool:
    if not hook.kinds & want.kinds:
        return False
    if hook.kinds <= _SOCKETS:
        return bool(hook.transports & want.transports)
    # Without paths the kernel sends nothing of files.
    opens = hook.kinds == {EventKind.FILE_OPEN}
    return bool(hook.access & want.access and want.paths) if opens else bool(want.paths or not hook.kinds <= _FILES)
