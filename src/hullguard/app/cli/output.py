"""Where a command's result goes, and the bar that a person watches meanwhile."""

import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from hullguard.app.cli import exits
from hullguard.model.errors import Invalid, Unavailable
from hullguard.words.plain import plain

_SHOWN_AGAIN = 0.1
"""Seconds."""


@contextmanager
def progress_of(title: str, total: int | None = None) -> Iterator[Callable[[str, int], None] | None]:
    """A bar on standard error when a person is watching, else nothing."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    # It has no thread of its own: a process with one must not be forked.
    with Progress(*columns, console=Console(stderr=True), transient=True, auto_refresh=False) as bar:
        task, shown = bar.add_task(plain(title[:60]), total=total), 0.0

        def advance(_: str, count: int) -> None:
            nonlocal shown
            bar.advance(task, count)
            if (now := time.monotonic()) > shown + _SHOWN_AGAIN:
                bar.refresh()
                shown = now

        yield advance


@contextmanager
def counted(title: str, total: int) -> Iterator[Callable[[], None]]:
    """A bar that counts finished things."""
    with counting(title) as (begin, done):
        begin(total)
        yield done


@contextmanager
def counting(title: str) -> Iterator[tuple[Callable[[int], None], Callable[[], None]]]:
    """The same where it is only found out how many there are: what takes their number, and what counts one."""
    if not sys.stderr.isatty():
        yield lambda _: None, lambda: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(plain(title[:60]), total=None)
        yield lambda total: bar.update(task, total=total), lambda: bar.advance(task)


def write(content: bytes, output: Path | None) -> None:
    """To the file, or to standard output as it is."""
    try:
        if output is None:
            sys.stdout.buffer.write(content)
            sys.stdout.buffer.flush()
        else:
            _put(content, output)
    except BrokenPipeError:
        raise
    except OSError as cause:
        if output is None:
            exits.forget_output()
            raise Unavailable(f"cannot write to standard output: {cause.strerror}") from cause
        raise Unavailable(f"cannot write {output}: {cause.strerror}") from cause


def _put(content: bytes, output: Path) -> None:
    """All of it or nothing: half a report looks like one, and the one that was there before is better than that."""
    target = output.resolve()
    if target.exists() and not (target.is_file() and os.access(target.parent, os.W_OK)):
        output.write_bytes(content)
        return
    half = target.with_name(f".{os.urandom(8).hex()}")
    try:
        half.write_bytes(content)
        if target.exists():
            half.chmod(target.stat().st_mode & 0o7777)
        half.replace(target)
    except OSError:
        half.unlink(missing_ok=True)
        raise


def check_file(output: Path | None, targets: Iterable[str] = ()) -> None:
    """Said before the work, not after it; nothing that is read is written over."""
    if output is None:
        return
    if output.is_dir() or not output.absolute().parent.is_dir():
        raise Invalid(f"cannot write {output}: it is a directory, or lies in none")
    if output.is_file() and any(output.samefile(file) for target in targets for file in files_of(target)):
        raise Invalid(f"cannot write {output}: it is what is read")


def files_of(target: str) -> Iterator[Path]:
    """The files that a target may mean: with or without a kind before it, or an image of an archive behind it."""
    for name in {target, target.partition(":")[2]}:
        for path in {name, name.partition(":")[0], name.rpartition(":")[0]} - {""}:
            with suppress(OSError, ValueError):
                if Path(path).is_file():
                    yield Path(path)


def ready_directory(output: Path) -> None:
    """The directory for one report per target, made when it is absent."""
    try:
        output.mkdir(parents=True, exist_ok=True)
    except OSError as cause:
        raise Invalid(f"cannot write into {output}: with several targets it must be a directory") from cause


def width() -> int:
    """Of the terminal."""
    import shutil

    return shutil.get_terminal_size((120, 40)).columns


def coloured() -> bool:
    """Whether standard output is a person's and shows colours."""
    return sys.stdout.isatty() and "NO_COLOR" not in os.environ
