"""Attaching hooks in a thread of its own: the verifier takes a while, and meanwhile what is attached must be read."""

import functools
import threading
from collections.abc import Callable, Iterable

from hullguard.agent.sensor.hooks import Hooks
from hullguard.detect.detectors.interface import Wants


class Attaching:
    """Does what was wanted last. The thread lives while there is something to do; any other may call."""

    def __init__(self, hooks: Hooks, done: Callable[[], None] = lambda: None) -> None:
        """``done`` is called, from that thread, when nothing is left to do; not after ``close``."""
        self._hooks, self._done = hooks, done
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._asked = 0
        self._closed = False
        self._failed: Exception | None = None

    def want(self, wants: Iterable[Wants]) -> None:
        """Attach what is needed for these, and nothing else; what was still to be done for others is dropped."""
        with self._changed:
            self._hooks.want(wants)
            self._asked += 1
            self._failed = None
            if self._thread is None and not self._closed:
                self._thread = threading.Thread(target=self._run, name="attaching", daemon=True)
                self._thread.start()

    def settled(self) -> bool:
        """Whether nothing is left to do."""
        return self._thread is None

    def check(self) -> None:
        """Raises what went wrong with what was wanted last."""
        if self._failed is not None:
            raise self._failed

    def wait(self) -> None:
        """Returns when nothing is left to do; raises as ``check`` does."""
        with self._changed:
            self._changed.wait_for(self.settled)
        self.check()

    def close(self) -> None:
        """Ends it after the load that is under way."""
        with self._changed:
            self._closed = True
            self._changed.wait_for(self.settled)

    def _run(self) -> None:
        done = 0
        while True:
            with self._changed:
                if self._closed or done == self._asked:
                    self._thread = None
                    self._done()
                    self._changed.notify_all()
                    return
                done = self._asked
            try:
                self._hooks.settle(functools.partial(self._overtaken, done))
            except Exception as bad:  # noqa: BLE001 -- the boundary of the thread: whoever polls the sensor is told
                self._failed = bad

    def _overtaken(self, order: int) -> bool:
        return self._closed or self._asked != order
