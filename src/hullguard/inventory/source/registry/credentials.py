"""Who one is at a registry: as told, or as ``docker login`` and ``podman login`` noted it, helpers included."""

import base64
import binascii
import contextlib
import os
import re
import select
import signal
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
from msgspec import Struct

from hullguard.inventory import base_directories
from hullguard.inventory.source.opened import RegistryAccess
from hullguard.inventory.source.registry.reference import HUB, Reference
from hullguard.model.decoding import from_json, wrong
from hullguard.model.errors import Invalid

_MAX_CONFIG = 1 << 20
RUN = Path("/run/containers")
"""Where podman notes logins of users without a session, in a directory for each (containers-auth.json(5))."""
_HELPER_SECONDS = 30
_WAIT = 0.1
"""Seconds after which one looks whether a helper that says nothing has ended."""
_HELPER = re.compile(r"[A-Za-z0-9._-]{1,64}")
_HUB_KEY = "https://index.docker.io/v1/"
_NAMELESS = "<token>"
"""What a helper answers as the user's name when its secret is an identity token."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """A name and a password, or one of the two tokens that ``docker login`` may have got instead."""

    username: str = ""
    password: str = field(default="", repr=False)
    identity_token: str = field(default="", repr=False)
    registry_token: str = field(default="", repr=False)

    @property
    def basic(self) -> str:
        """The value of an Authorization header."""
        return "Basic " + base64.b64encode(f"{self.username}:{self.password}".encode()).decode()


@dataclass(frozen=True, slots=True)
class Known:
    """What was found out; ``trouble`` is why there may be more that could not be read."""

    credentials: Credentials | None = None
    trouble: str = ""


class _Entry(Struct, frozen=True):
    auth: str | None = None
    username: str | None = None
    password: str | None = None
    identitytoken: str | None = None
    registrytoken: str | None = None


class _Config(Struct, frozen=True, rename="camel"):
    auths: dict[str, _Entry] | None = None
    creds_store: str | None = None
    cred_helpers: dict[str, str] | None = None


class _Answer(Struct, frozen=True, rename="pascal"):
    username: str = ""
    secret: str = ""


def look_up(reference: Reference, access: RegistryAccess) -> Known:
    """The credentials for a registry; none is no error, for most images are public."""
    if access.username is not None:
        return Known(Credentials(access.username, access.password or ""))
    if access.for_others:
        return Known()
    trouble = ""
    for path in _files(access):
        try:
            config = _read(path)
            found = None if config is None else _from_config(config, reference)
        except Invalid as bad:
            if access.docker_config is not None:
                raise
            trouble = trouble or str(bad)
            continue
        if found is not None:
            return Known(found.credentials, found.trouble or trouble)
    return Known(None, trouble)


def _files(access: RegistryAccess) -> list[Path]:
    if access.docker_config is not None:
        if not access.docker_config.is_file():
            raise Invalid(f"there is no file {str(access.docker_config)!r}", "registry.no-docker-config")
        return [access.docker_config]
    own = os.environ.get("DOCKER_CONFIG")
    found = [Path(own) / "config.json" if own else Path.home() / ".docker" / "config.json"]
    if named := os.environ.get("REGISTRY_AUTH_FILE"):
        found.insert(0, Path(named))  # who names one for podman and its kin means that one
    runtime = base_directories.told("XDG_RUNTIME_DIR")
    found.append(runtime / "containers/auth.json" if runtime else RUN / str(os.getuid()) / "auth.json")
    found.append(base_directories.config_home() / "containers/auth.json")
    return found


def _read(path: Path) -> _Config | None:
    try:
        if path.exists() and not path.is_file():  # a pipe would be waited for
            raise Invalid(f"{path} is no regular file", "registry.docker-config")
        with path.open("rb") as file:
            content = file.read(_MAX_CONFIG + 1)
    except FileNotFoundError:
        return None
    except OSError as cause:
        raise Invalid(f"{path} cannot be read: {cause.strerror}", "registry.docker-config") from cause
    try:
        if len(content) > _MAX_CONFIG:
            raise Invalid(f"{path} has more than {_MAX_CONFIG} bytes", "registry.docker-config")
        return from_json(content, _Config)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as cause:
        raise Invalid(f"{path} is no Docker configuration: {wrong(cause)}", "registry.docker-config") from cause


def _from_config(config: _Config, reference: Reference) -> Known | None:
    """A registry's own helper, then what stands in the file, then the helper for all."""
    names = _names(reference)
    helpers = {_normal(key): value for key, value in (config.cred_helpers or {}).items()}
    helper = next((helpers[name] for name in names if name in helpers), None)
    if helper:
        return _ask(helper, reference)
    entries = {_normal(key): entry for key, entry in (config.auths or {}).items()}
    for name in names:
        if name in entries and (credentials := _decoded(entries[name], name)) is not None:
            return Known(credentials)
    return _ask(config.creds_store, reference) if config.creds_store else None


def _names(reference: Reference) -> list[str]:
    """Podman's file may name a repository or a part of its path; the most exact counts."""
    parts = f"{reference.host}/{reference.repository}".split("/")
    return ["/".join(parts[:count]) for count in range(len(parts), 0, -1)]


def _normal(key: str) -> str:
    """A key without scheme and version, Docker Hub by its short name."""
    plain = key.partition("://")[2] or key
    plain = re.sub(r"/(?:v[12]/?)?$", "", plain)
    host, slash, path = plain.partition("/")
    return (HUB if host in ("index.docker.io", "registry-1.docker.io") else host) + slash + path


def _decoded(entry: _Entry, name: str) -> Credentials | None:
    username, password = entry.username or "", entry.password or ""
    if entry.auth:
        try:
            username, colon, password = base64.b64decode(entry.auth, validate=True).decode().partition(":")
        except (binascii.Error, ValueError) as cause:
            raise Invalid(f"what is noted for {name} is no base64", "registry.docker-config") from cause
        if not colon:
            raise Invalid(f"what is noted for {name} is no name and password", "registry.docker-config")
        password = password.rstrip("\0")
    token, bearer = entry.identitytoken or "", entry.registrytoken or ""
    return Credentials(username, password, token, bearer) if username or token or bearer else None


def _ask(helper: str, reference: Reference) -> Known | None:
    """Asks a credential helper; one that fails is remembered, for without it a public image can still be read."""
    program = f"docker-credential-{helper}"
    if not _HELPER.fullmatch(helper):
        return Known(None, f"{helper[:64]!r} is no name of a credential helper")
    server = _HUB_KEY if reference.host == HUB else reference.host
    try:
        code, answered = _run(program, server)
    except FileNotFoundError:
        return Known(None, f"{program} is not installed")
    except subprocess.TimeoutExpired:
        return Known(None, f"{program} gave no answer within {_HELPER_SECONDS} s")
    except OSError as cause:
        return Known(None, f"{program} cannot be run: {cause.strerror}")
    if code:
        said = answered[:200].decode("utf-8", "replace").strip()
        return None if "not found" in said else Known(None, f"{program} failed: {said or code}")
    try:
        answer = from_json(answered, _Answer)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return Known(None, f"{program} gave an answer that is no credential")
    if answer.username == _NAMELESS:
        return Known(Credentials(identity_token=answer.secret))
    return Known(Credentials(answer.username, answer.secret)) if answer.username else None


def _run(program: str, server: str) -> tuple[int, bytes]:
    """What a helper ends with and says, however much or slowly it speaks, and whoever keeps its output open."""
    ends = time.monotonic() + _HELPER_SECONDS
    process = subprocess.Popen(
        [program, "get"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        process_group=0,
    )
    with process.stdin as question, process.stdout as output:  # type: ignore[union-attr]
        try:
            with contextlib.suppress(BrokenPipeError):
                question.write(server.encode())
                question.close()
            said = b""
            while len(said) < _MAX_CONFIG:
                ended = process.poll() is not None
                if select.select([output], [], [], _WAIT)[0]:
                    piece = os.read(output.fileno(), 1 << 16)
                    if not piece:
                        break
                    said += piece
                elif ended:
                    break
                if time.monotonic() > ends:
                    raise subprocess.TimeoutExpired(program, _HELPER_SECONDS)
            if len(said) < _MAX_CONFIG:
                return process.wait(max(0.0, ends - time.monotonic())), said
            return 0, b""  # no credential is as long
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # with whatever it has started, which outlives it
            process.wait()
