"""Keeps a group of processes alive: starts them in order, restarts one that dies, stops all of them cleanly."""

import asyncio
import contextlib
import logging
import os
import sys
from collections.abc import Callable, Sequence
from logging.handlers import RotatingFileHandler
from pathlib import Path

import structlog

from hullguard.app.readiness import READY_FD_VARIABLE
from hullguard.inventory.apart import die_with_parent
from hullguard.model.errors import Unavailable
from hullguard.net.programs import running

STOP_SECONDS = 10.0
"""After this long a part that was asked to stop is killed."""
FIRST_PAUSE, LONGEST_PAUSE, STEADY_SECONDS = 0.2, 15.0, 30.0
"""A part that dies is started again after a pause that doubles until it has run for a while."""
WRONG_REQUEST, HOPELESS_STARTS = 2, 4
"""A part that says its request is wrong, or that never came to serve, is reported instead of waited for."""
LOG_BYTES, LOG_FILES = 10 * 1024 * 1024, 3

_log = structlog.get_logger()


class Part:
    """One supervised process; ``argv`` is asked for at every start, so a restart can use what the first one learnt.

    ``changed`` is called whenever another process runs, or none any more.
    """

    def __init__(
        self,
        name: str,
        argv: Callable[[], Sequence[str]],
        log_file: Path,
        environ: dict[str, str],
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        self.name = name
        self._changed = changed
        self.restarts = 0
        self._argv, self._environ = argv, environ
        self._log_file = log_file
        self._process: asyncio.subprocess.Process | None = None
        self._ready: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._stopping = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int | None:
        """The process that runs now."""
        return self._process.pid if self._process and self._process.returncode is None else None

    def start(self) -> None:
        """Begin to run and to watch."""
        self._task = asyncio.create_task(self._keep(), name=f"part {self.name}")

    async def ready(self, seconds: float) -> str:
        """Wait until the part serves; its one line. Raises ``Unavailable`` with the end of its log."""
        try:
            return await asyncio.wait_for(asyncio.shield(self._ready), seconds)
        except TimeoutError:
            raise Unavailable(
                f"{self.name} did not start within {seconds:.0f} s; see {self._log_file}\n{self.last_words()}".strip()
            ) from None

    def last_words(self, lines: int = 3) -> str:
        """The end of the part's log."""
        try:
            return "\n".join(self._log_file.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])
        except OSError:
            return ""

    async def stop(self) -> None:
        """Ask it to stop, wait, and have it killed if it does not."""
        self._stopping.set()
        process = self._process
        if process is not None and process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
            try:
                await asyncio.wait_for(process.wait(), STOP_SECONDS)
            except TimeoutError:
                _log.warning("part did not stop, killing it", name=self.name)
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _keep(self) -> None:
        loop = asyncio.get_running_loop()
        pause = FIRST_PAUSE
        while not self._stopping.is_set():
            started = loop.time()
            code = await self._run_once()
            if self._stopping.is_set():
                return
            self._changed()
            if not self._ready.done() and (code == WRONG_REQUEST or self.restarts >= HOPELESS_STARTS):
                self._ready.set_exception(Unavailable(f"{self.name} cannot start: {self.last_words()}"))
            pause = FIRST_PAUSE if loop.time() - started > STEADY_SECONDS else min(pause * 2, LONGEST_PAUSE)
            self.restarts += 1
            _log.warning("part ended, starting it again", name=self.name, code=code, pause=pause)
            await asyncio.sleep(pause)

    async def _run_once(self) -> int:
        async with contextlib.AsyncExitStack() as stack:
            reader, writer = os.pipe()
            try:
                process = await stack.enter_async_context(
                    running(
                        *self._argv(),
                        stderr=asyncio.subprocess.STDOUT,
                        env={**self._environ, READY_FD_VARIABLE: str(writer)},
                        pass_fds=(writer,),
                        # A Ctrl-C on the terminal goes to the whole foreground group, and the supervisor alone decides
                        # the order.
                        start_new_session=True,
                        preexec_fn=die_with_parent,
                    )
                )
            except BaseException:
                os.close(reader)
                raise
            finally:
                os.close(writer)
            self._process = process
            self._changed()
            await asyncio.gather(self._hear_ready(reader), self._keep_log(process))
            return await process.wait()

    async def _hear_ready(self, descriptor: int) -> None:
        pipe = os.fdopen(descriptor, "rb")
        stream = asyncio.StreamReader(limit=4096)
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(stream), pipe
        )
        try:
            line = await stream.readline()
        finally:
            transport.close()
        if line and not self._ready.done():
            self._ready.set_result(line.decode(errors="replace").strip())

    async def _keep_log(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None  # noqa: S101 - asked for above
        log = RotatingFileHandler(self._log_file, maxBytes=LOG_BYTES, backupCount=LOG_FILES, encoding="utf-8")
        self._log_file.chmod(0o600)
        log.terminator = ""
        try:
            while chunk := await process.stdout.read(65536):
                # The part formats its lines itself; the handler only keeps them and turns the file over.
                log.emit(logging.makeLogRecord({"msg": chunk.decode(errors="replace")}))
        finally:
            log.close()


def own_command(*arguments: str) -> tuple[str, ...]:
    """The argv that runs this same program with other arguments."""
    return (sys.executable, "-m", "hullguard", *arguments)
