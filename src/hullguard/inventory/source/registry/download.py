"""The bytes of one blob as they arrive; a broken connection is taken up again where it broke."""

from typing import TYPE_CHECKING

from hullguard.inventory.source.registry.answers import plain
from hullguard.inventory.source.registry.client import Client
from hullguard.inventory.streams import CHUNK
from hullguard.model.errors import Invalid, Unavailable

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse

_TRIES_IN_PLACE = 5
"""How often in a row a connection may break without bringing a byte."""
_BREAKS = 100


class Download:
    """A blob as a stream. It checks the size only: its reader computes the digest."""

    def __init__(self, client: Client, digest: str, size: int) -> None:
        self._client, self._pace = client, client.pace()
        self._digest = digest
        self._size = size
        self._answer: BaseHTTPResponse | None = None
        self._count = 0
        self._ended = False
        self._breaks = 0
        self._in_place = 0

    def read(self, n: int, /) -> bytes:
        from urllib3.exceptions import HTTPError

        while not self._ended:
            try:
                self._answer = self._answer or self._connected()
                data = self._pace.read(plain(self._answer), n)
            except HTTPError as cause:
                self._broken(str(cause))
                continue
            if data:
                return self._counted(data)
            if self._count < self._size:
                self._broken(f"it ended after {self._count} of {self._size} bytes")
                continue
            self._ended = True
            self._answer.release_conn()
        return b""

    def close(self) -> None:
        if self._answer is not None:
            self._answer.close()
            self._answer = None

    def _counted(self, data: bytes) -> bytes:
        self._count += len(data)
        self._in_place = 0
        if self._size and self._count > self._size:
            self.close()
            sentence = f"layer {self._digest} is larger than the {self._size} bytes that the manifest names"
            raise Invalid(sentence, "image.size-mismatch")
        return data

    def _connected(self) -> "BaseHTTPResponse":
        answer = self._client.blob(self._digest, self._count)
        if not self._count:
            return answer
        if answer.status == 206:
            if not answer.headers.get("Content-Range", "").startswith(f"bytes {self._count}-"):
                answer.close()
                raise Invalid(f"the registry answered a part of {self._digest} that was not asked for")
            return answer
        left = self._count  # a registry without ranges sends everything again
        while left and (data := self._pace.read(plain(answer), min(left, CHUNK))):
            left -= len(data)
        return answer

    def _broken(self, why: str) -> None:
        self.close()
        self._breaks += 1
        self._in_place += 1
        if self._in_place >= _TRIES_IN_PLACE or self._breaks >= _BREAKS:
            sentence = f"the registry stopped sending {self._digest} and did not go on: {why[:300]}"
            raise Unavailable(sentence, "registry.cut-off")
        self._client.pause(self._in_place)
