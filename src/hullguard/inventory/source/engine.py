"""Images and containers of an engine on this machine, asked over its socket (Docker Engine API 1.24 and later)."""

import contextlib
import http.client
import os
import socket
from collections.abc import Iterator
from urllib.parse import quote, urlsplit

import msgspec

from hullguard.inventory.compression import Readable
from hullguard.inventory.source.documents import DockerContainer, DockerInspect, DockerListed
from hullguard.inventory.source.engine_json import decode
from hullguard.model.errors import HullguardError, Invalid, NotFound, Unavailable
from hullguard.net.answers import watch, words
from hullguard.net.pace import Pace

DEFAULT_HOST = "unix:///var/run/docker.sock"
_TIMEOUT = 60.0
_MAX_ANSWER = 8 << 20
_NAMELESS = "<none>:<none>"
REFUSED = "docker.refused"
"""Code of an error by which an engine says that it will not, or cannot."""
_NO_NAME = (b"invalid reference format", b"repository name must be lowercase")
"""Ends of what Podman says of names, as if it had failed itself."""
_LONGEST, _MOST_TAGS, _NEAR = 200, 2000, 0.75
"""Of names that are compared with a mistyped one: characters, how many, and the share that is alike at least."""


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=_TIMEOUT)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(_TIMEOUT)
        self.sock.connect(self._path)


class Engine:
    """The questions that a scan has: which image or container is this, and its content as an archive.

    ``name`` is what people call the engine; Podman answers the same questions.
    """

    def __init__(self, host: str, name: str = "Docker engine") -> None:
        self.host = host
        self.name = name

    def inspect(self, name: str) -> DockerInspect:
        """The image's id, names and diff ids; raises NotFound when the engine does not have it."""
        try:
            with self._answer(f"/images/{_quoted(name, '/:@')}/json", name) as answer:
                content = _Body(answer, f"{self.name} at {self.host}").read(_MAX_ANSWER)
        except NotFound as absent:
            if near := self._nearest(name):
                raise NotFound(f"{absent}; did you mean {near!r}?", absent.code) from absent
            raise
        return decode(content, DockerInspect, f"the answer of the {self.name} at {self.host}")

    def _nearest(self, name: str) -> str:
        """The name of an image that the engine has and that may have been meant; empty where none is near.

        It is a hint beside another error: whatever is wrong with the list of images is no matter of its own.
        """
        import difflib  # here: nothing else of a scan needs it

        with contextlib.suppress(HullguardError), self._answer("/images/json", name) as answer:
            content = _Body(answer, f"{self.name} at {self.host}").read(_MAX_ANSWER)
            listed = decode(content, list[DockerListed], f"the answer of the {self.name} at {self.host}")
            tags = [tag for each in listed for tag in each.repo_tags or () if tag != _NAMELESS and len(tag) <= _LONGEST]
            return next(iter(difflib.get_close_matches(name[:_LONGEST], tags[:_MOST_TAGS], n=1, cutoff=_NEAR)), "")
        return ""

    @contextlib.contextmanager
    def archive(self, image: str) -> Iterator[Readable]:
        """The image as ``docker save`` writes it, streamed."""
        with self._answer(f"/images/{_quoted(image, '/:@')}/get", image) as answer:
            yield _Body(answer, f"{self.name} at {self.host}")

    @contextlib.contextmanager
    def oci_archive(self, image: str) -> Iterator[Readable]:
        """The image as an OCI layout in an archive, streamed: what Podman alone gives (its own API 4.0 and later)."""
        path = f"/v4.0.0/libpod/images/{_quoted(image, '/:@')}/get?format=oci-archive"
        with self._answer(path, image) as answer:
            yield _Body(answer, f"{self.name} at {self.host}")

    def inspect_container(self, name: str) -> DockerContainer:
        """The container's id, name and image; raises NotFound when the engine does not have it."""
        with self._answer(f"/containers/{_quoted(name)}/json", name, "container") as answer:
            content = _Body(answer, f"{self.name} at {self.host}").read(_MAX_ANSWER)
        return decode(content, DockerContainer, f"the answer of the {self.name} at {self.host}")

    @contextlib.contextmanager
    def export(self, container: str) -> Iterator[Readable]:
        """The container's root file system as one archive, without its volumes, streamed."""
        with self._answer(f"/containers/{_quoted(container)}/export", container, "container") as answer:
            yield _Body(answer, f"{self.name} at {self.host}")

    @contextlib.contextmanager
    def _answer(self, path: str, name: str, what: str = "image") -> Iterator[http.client.HTTPResponse]:
        connection = self._connection()
        watch(connection, f"the {self.name} at {self.host}")
        try:
            try:
                connection.request("GET", path)
                answer = connection.getresponse()
            except (OSError, http.client.HTTPException) as cause:
                sentence = f"no {self.name} answers at {self.host}: {cause}; is it running, and may you use its socket?"
                raise Unavailable(sentence, "docker.unreachable") from cause
            if answer.status == http.HTTPStatus.NOT_FOUND:
                raise NotFound(f"the {self.name} at {self.host} has no {what} {name!r}", f"docker.no-{what}")
            if answer.status == http.HTTPStatus.MOVED_PERMANENTLY:
                # The way of servers in Go to say that a path has parts that mean none, as '..' and '//'.
                raise Invalid(f"{name!r} is no {what} name: a part of it is empty, or dots alone", "docker.bad-name")
            if answer.status != http.HTTPStatus.OK:
                reason = _reason(answer)
                if answer.status == http.HTTPStatus.BAD_REQUEST or reason.encode("utf-8", "replace").endswith(_NO_NAME):
                    raise Invalid(f"{name!r} is no {what} name: {reason}", "docker.bad-name")
                raise Unavailable(f"the {self.name} at {self.host} refused: {answer.status} {reason}", REFUSED)
            yield answer
        finally:
            connection.close()

    def _connection(self) -> http.client.HTTPConnection:
        with contextlib.suppress(ValueError):  # what is no address or no port
            parts = urlsplit(self.host)
            if parts.scheme == "unix" and parts.path:
                return _UnixConnection(parts.path)
            if parts.scheme in ("tcp", "http") and parts.hostname:
                return http.client.HTTPConnection(parts.hostname, parts.port or 2375, timeout=_TIMEOUT)
        sentence = f"the address {self.host!r} of the {self.name} is neither unix:///PATH nor tcp://HOST:PORT"
        raise Invalid(sentence, "docker.bad-host")


class _Body:
    """An answer's body whose network failures are told apart from a damaged image."""

    def __init__(self, answer: http.client.HTTPResponse, engine: str) -> None:
        self._answer, self._engine = answer, engine
        self._pace = Pace(f"the {engine}")

    def read(self, n: int, /) -> bytes:
        """Up to that many bytes; fewer only at the end."""
        parts: list[bytes] = []
        try:
            while n and (data := self._pace.read(self._answer.read1, n)):
                parts.append(data)
                n -= len(data)
        except (OSError, http.client.HTTPException) as cause:
            sentence = f"the {self._engine} stopped sending: {cause}"
            raise Unavailable(sentence, "docker.cut-off") from cause
        return parts[0] if len(parts) == 1 else b"".join(parts)


def _quoted(name: str, safe: str = "") -> str:
    """A name of the command line, which may have bytes that are no text, as part of a path."""
    return quote(os.fsencode(name), safe=safe)


def _reason(answer: http.client.HTTPResponse) -> str:
    body = words(answer.read1, 2000, OSError, http.client.HTTPException)
    try:
        return str(msgspec.json.decode(body)["message"])[:500]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, KeyError, TypeError):
        return body[:500].decode("utf-8", "replace").strip()
