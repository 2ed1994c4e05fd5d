"""Errors become one line on standard error and an exit code; never a traceback."""

import os
import select
import sys
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Final, NoReturn

from hullguard.inventory.paths import spelled
from hullguard.model.errors import HullguardError, LimitReached, Unavailable
from hullguard.words import count, local, say
from hullguard.words.plain import plain

if TYPE_CHECKING:
    from hullguard.model.inventory import Inventory
    from hullguard.model.package import Unknown

DONE: Final = 0
FINDING: Final = 1
"""Done, and a finding reaches ``--fail-on``."""
WRONG_REQUEST: Final = 2
OUTSIDE_FAILED: Final = 3
LIMIT_REACHED: Final = 4
INTERRUPTED: Final = 130
CUT_OFF: Final = 141
"""The reader of the output left before its end: what a shell says of who is ended by SIGPIPE."""
_NO_THREAD = "can't start new thread"
_OF_ALL = ("the rest of the image", "another image")
_LEFT_OUT = (
    "a file was left out, and is named where what could not be decided is; --help says which limits can be raised"
)


def exit_code(error: HullguardError) -> int:
    """The code of architecture section 5.1 for an error's nature."""
    if isinstance(error, LimitReached):
        return LIMIT_REACHED
    if isinstance(error, Unavailable):
        return OUTSIDE_FAILED
    return WRONG_REQUEST


def incomplete(unknowns: Iterable["Unknown"]) -> str:
    """The sentence for what could not be read whole: the first reason, one that concerns all of it before others."""
    missing = [unknown for unknown in unknowns if unknown.incomplete]
    first = min(missing, key=lambda unknown: unknown.what not in _OF_ALL, default=None)
    why = f"{first.what}: {first.why}" if first and first.what not in _OF_ALL else first and first.why
    return say("the report is incomplete: {why}", why=local(why or _LEFT_OUT))


def unjudged(unknowns: Iterable["Unknown"]) -> str:
    """The sentence for packages of which nobody could say anything, where somebody asked whether they pass."""
    first = max(unknowns, key=lambda unknown: unknown.unjudged)
    why = f"{first.what}: {first.why}"
    return say("what nobody judged does not pass --fail-on: {why}", why=local(why))


def unrated(number: int) -> str:
    """The sentence for findings that no bound but ``unknown`` asks about; nothing where there are none."""
    one = "{n} finding is of unknown severity, which --fail-on lets pass; `--fail-on unknown` does not"
    many = "{n} findings are of unknown severity, which --fail-on lets pass; `--fail-on unknown` does not"
    return count(number, one, many) if number else ""


def unread(number: int) -> str:
    """The sentence for what may hold packages and was not read; nothing where there is none."""
    one = "{n} file or package was not read: --fail-on says nothing of what may be in it"
    many = "{n} files or packages were not read: --fail-on says nothing of what may be in them"
    return count(number, one, many) if number else ""


def whole(inventory: "Inventory") -> int:
    """The code for what was read, with a line that says why where that is not everything."""
    if inventory.complete:
        return DONE
    remark(incomplete(inventory.unknowns))
    return LIMIT_REACHED


def remark(sentence: str) -> None:
    """Say something beside the result; a sentence that is still English is said in the language of this command.

    Sentences quote names that others have chosen: of files, of an image's parts.
    """
    sys.stderr.write(f"hullguard: {plain(local(sentence))}\n")


def fail(message: str, code: int) -> NoReturn:
    """Say why and leave."""
    remark(message)
    sys.exit(code)


def interrupted() -> NoReturn:
    """Somebody pressed Ctrl-C."""
    fail(say("interrupted"), INTERRUPTED)


def forbidden(error: PermissionError) -> str:
    """The sentence for a file that may not be read or written."""
    return say("no permission for {path}; be root, or name a place of your own", path=error.filename)


def failed(error: OSError) -> str:
    """The sentence for what the system refused: a disk that fails, a file that went away meanwhile."""
    why = error.strerror or type(error).__name__
    if error.filename is None:
        return say("something could not be read or written: {why}", why=why)
    return say("{path} could not be read or written: {why}", path=spelled(os.fsencode(error.filename)), why=why)


def unexpected(error: BaseException) -> NoReturn:
    """A mistake of ours: one line, or the whole story when ``HULLGUARD_DEBUG`` is set."""
    if os.environ.get("HULLGUARD_DEBUG"):
        raise error
    sentence = say(
        "internal error: {kind}: {error} (this is a bug; set HULLGUARD_DEBUG=1 to see where)",
        kind=type(error).__name__,
        error=error,
    )
    fail(sentence, OUTSIDE_FAILED)


def guarded(work: Callable[[], object]) -> int:
    """The exit code of what was done; where it failed, this leaves with a line that says why."""
    try:
        code = work()
    except KeyboardInterrupt:
        interrupted()
    except HullguardError as error:
        fail(str(error), exit_code(error))
    except BrokenPipeError:
        sys.exit(broken_pipe())
    except PermissionError as error:
        fail(forbidden(error), OUTSIDE_FAILED)
    except OSError as error:
        if os.environ.get("HULLGUARD_DEBUG"):
            raise
        fail(failed(error), OUTSIDE_FAILED)
    except MemoryError:
        fail(say("there is not enough memory to go on; allow this process more of it"), OUTSIDE_FAILED)
    except Exception as error:  # noqa: BLE001 - the boundary of the process
        if str(error) == _NO_THREAD:
            fail(
                say("no further thread can be started; allow this process more memory, or more threads"), OUTSIDE_FAILED
            )
        unexpected(error)
    return code if isinstance(code, int) else DONE


def broken_pipe() -> int:
    """The code where the reader of our output left (`hullguard scan … | head`), or a connection broke.

    It has nothing to be told, but what waits for the code must not take it for a scan without findings.
    """
    watch = select.poll()
    watch.register(1, 0)
    if not watch.poll(0):
        return OUTSIDE_FAILED
    forget_output()
    return CUT_OFF


def forget_output() -> None:
    """What is still to be written to standard output goes nowhere: Python would try it again at the end."""
    nowhere = os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)
    os.dup2(nowhere, 1)
    os.close(nowhere)
