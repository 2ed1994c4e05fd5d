"""The agent's state directory: where each thing lies, and how a file in it is replaced.

Everything below it is readable by root alone. A file is replaced by a rename, so that a crash leaves the old one or
the new one, never half of either.
"""

import contextlib
import os
from pathlib import Path
from typing import TypeVar

import msgspec

from hullguard.model.decoding import wrong
from hullguard.model.errors import Invalid, Unavailable

DEFAULT_STATE = Path("/var/lib/hullguard-agent")
T = TypeVar("T")

_MAX_FILE = 16 * 1024 * 1024


class StateDir:
    """Names of everything that the agent keeps."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.identity = root / "identity.pem"
        self.membership = root / "membership.json"
        self.authority = root / "authority.pem"
        self.spool = root / "spool.db"
        self.commands = root / "commands.json"
        self.responses = root / "responses.json"
        self.policies = root / "policies.msgpack"
        self.trial = root / "trial.json"
        self.engines = root / "engines.json"
        self.status = root / "status.json"
        self.versions = root / "versions"
        self.switch = root / "switch.json"
        self.healthy = root / "healthy.json"
        self.work = root / "work"
        self.lock = root / "agent.lock"
        self.selftest = root / "selftest.json"
        self.selftest_heard = root / "selftest.jsonl"

    def prepare(self) -> None:
        """Make the directory, and take it away from everyone but its owner."""
        try:
            for directory in (self.root, self.work, self.versions):
                directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.root.chmod(0o700)
        except OSError as bad:
            raise Unavailable(
                f"The state directory {self.root} cannot be made ({bad.strerror}): be root, or use --state.",
                "agent.state-unusable",
            ) from bad

    @property
    def enrolled(self) -> bool:
        """Whether this host was made a node with this directory; it may have been dismissed since."""
        return self.reason_missing() is None

    def reason_missing(self) -> str | None:
        """Why this directory holds no enrolled agent, or None if it does."""
        if not self.membership.is_file() or not self.identity.is_file():
            return (
                f"No agent is enrolled in {self.root}; name another directory with --state, "
                "or run `hullguard agent enrol --server URL --token TOKEN` first."
            )
        return None


def replace(path: Path, content: bytes, mode: int = 0o600) -> None:
    """Put ``content`` at ``path``, durably, in one step."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, mode)
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(descriptor, mode)
            file.write(content)
            file.flush()
            os.fsync(descriptor)
        draft.rename(path)
    except OSError:
        with contextlib.suppress(OSError):
            draft.unlink()
        raise
    sync_directory(path.parent)


def sync_directory(path: Path) -> None:
    """Make a rename or an unlink in this directory survive a power cut."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_json(path: Path, kind: type[T]) -> T | None:
    """The object in ``path``, or None if there is no such file. A file that is not one is an error, not an absence."""
    try:
        with path.open("rb") as file:
            content = file.read(_MAX_FILE)
    except FileNotFoundError:
        return None
    try:
        return msgspec.json.decode(content, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as bad:
        raise Invalid(
            f"{path} is damaged ({wrong(bad)}); remove it, or enrol this node again.", "agent.state-damaged"
        ) from bad


def write_json(path: Path, value: object) -> None:
    """The inverse of ``read_json``."""
    replace(path, msgspec.json.encode(value))
