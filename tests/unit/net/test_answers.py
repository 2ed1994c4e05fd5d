"""Every reading of an answer ends, whatever the other end does, and whoever reads."""

import http.client
import io
import socket
import ssl
from pathlib import Path
from typing import Any

import pytest
from tests.support.drip import dripping, encrypting
from tests.support.registry import certificate
from urllib3.exceptions import HTTPError

from hullguard.model.errors import Unavailable
from hullguard.net import pace
from hullguard.net.answers import Answer, watch, words
from hullguard.net.connections import connections

OK = b"HTTP/1.1 200 OK\r\n"
SIZED = OK + b"Content-Length: 5000\r\n\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
LAST = b"2\r\n{}\r\n0\r\n"
HEADERS = "the server {host} did not end its headers within 0.2 s, which is too slow to wait for"
PIECE = "the server {host} sent no whole piece of its answer within 0.2 s, which is too slow to wait for"
ENDLESS = "the server {host} sends headers or lines of chunks without end"


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    for bound in ("HEAD_SECONDS", "WINDOW_SECONDS", "WORDS_SECONDS"):
        monkeypatch.setattr(pace, bound, 0.2)
    monkeypatch.setattr(pace, "SLOWEST", 1 << 20)  # what a long reading has more


def read_whole(host: str) -> bytes:
    answer = connections("").request("GET", f"http://{host}/", retries=False, redirect=False, preload_content=False)
    return answer.read(1000) + answer.read(4000)


def read_pieces(host: str) -> bytes:
    answer = connections("").request("GET", f"http://{host}/", retries=False, redirect=False, preload_content=False)
    return answer.read1(1000) + answer.read1(1000) + answer.read1(1000)


@pytest.mark.usefixtures("soon")
@pytest.mark.parametrize(
    ("first", "piece", "sentence"),
    [
        (b"", b" ", HEADERS),
        (OK, b"X: y\r\n", HEADERS),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n", HEADERS),
        (SIZED, b" ", PIECE),
        (CHUNKED, b"0", PIECE),
        (CHUNKED, b"1\r\n \r\n", PIECE),
        (CHUNKED + LAST, b"X: y\r\n", PIECE),
    ],
)
def test_what_drips_is_left(first: bytes, piece: bytes, sentence: str) -> None:
    with dripping(first, piece) as host, pytest.raises(Unavailable) as left:
        read_whole(host)

    assert str(left.value) == sentence.format(host=host)
    assert left.value.code == "net.too-slow"


@pytest.mark.usefixtures("soon")
@pytest.mark.parametrize(("first", "piece"), [(CHUNKED, b"0"), (CHUNKED + LAST, b"X: y\r\n")])
def test_what_drips_within_one_piece_is_left(first: bytes, piece: bytes) -> None:
    with dripping(first, piece) as host, pytest.raises(Unavailable) as left:
        read_pieces(host)

    assert str(left.value) == PIECE.format(host=host)


@pytest.mark.usefixtures("soon")
def test_one_that_falls_silent_is_not_waited_for_longer_than_one_that_drips() -> None:
    with dripping(SIZED, b"") as host, pytest.raises(Unavailable) as left:
        read_pieces(host)

    assert str(left.value) == PIECE.format(host=host)


@pytest.mark.parametrize(
    ("read", "first", "piece"),
    [
        (read_whole, b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 5_000),
        (read_whole, CHUNKED + LAST, b"X: y\r\n" * 10_000),
        (read_pieces, CHUNKED + LAST, b"X: y\r\n" * 10_000),
        (read_whole, CHUNKED, (b"1;" + b"x" * 60_000 + b"\r\n \r\n") * 3),
    ],
)
def test_what_comes_beside_an_answer_is_bounded(read: Any, first: bytes, piece: bytes) -> None:
    with dripping(first, piece) as host, pytest.raises(Unavailable) as left:
        read(host)

    assert str(left.value) == ENDLESS.format(host=host)
    assert left.value.code == "net.endless"


@pytest.mark.parametrize("chunk", [b"1\r\nx\r\n", b"1000\r\n" + b"x" * 4096 + b"\r\n"])
def test_chunks_of_every_size_are_read(chunk: bytes) -> None:
    body = chunk * 5_000 + b"0\r\nX-Checksum: 1\r\n\r\n"
    plain = chunk.split(b"\r\n")[1] * 5_000
    with dripping(CHUNKED + body, b"") as host:
        answer = connections("").request("GET", f"http://{host}/", retries=False, preload_content=False)
        half = answer.read(len(plain) // 2)
        rest = b"".join(iter(lambda: answer.read1(1 << 16), b""))

    assert half + rest == plain


@pytest.mark.usefixtures("soon")
@pytest.mark.parametrize("status", [302, 404, 500])
@pytest.mark.parametrize(
    ("form", "begun", "piece"),
    [
        (b"Content-Length: 5000", b"no room", b"!"),
        (b"Transfer-Encoding: chunked", b"7\r\nno room\r\n", b"1\r\n!\r\n"),
        (b"Transfer-Encoding: chunked", b"7\r\nno room\r\n", b"0"),
        (b"Transfer-Encoding: chunked", b"7\r\nno room\r\n", b""),
    ],
)
def test_of_the_words_of_a_refusal_those_count_that_came(status: int, form: bytes, begun: bytes, piece: bytes) -> None:
    first = b"HTTP/1.1 %d No\r\n%s\r\n\r\n%s" % (status, form, begun)
    with dripping(first, piece) as host:
        answer = connections("").request("GET", f"http://{host}/", retries=False, redirect=False, preload_content=False)
        said = words(answer.read1, 1000, HTTPError)

    assert said.startswith(b"no room")
    assert len(said) < 1000


def test_of_long_words_so_many_are_read() -> None:
    with dripping(b"HTTP/1.1 404 No\r\nContent-Length: 5000\r\n\r\n", b"x" * 100) as host:
        answer = connections("").request("GET", f"http://{host}/", retries=False, preload_content=False)

        assert words(answer.read1, 1000, HTTPError) == b"x" * 1000


@pytest.mark.usefixtures("soon")
def test_a_connection_that_was_used_has_its_own_time_again(tmp_path: Path) -> None:
    body = b"HTTP/1.1 404 No\r\nContent-Length: 2\r\n\r\n{}"
    with dripping(body, b"", tmp_path / "s") as path, socket.socket(socket.AF_UNIX) as connected:
        connected.settimeout(7.0)
        connected.connect(path)
        connected.sendall(b"GET / HTTP/1.1\r\n\r\n")
        answer = Answer(connected, whose="it")
        answer.begin()

        assert (answer.read1(10), answer.read1(10)) == (b"{}", b"")
        assert connected.gettimeout() == 7.0


@pytest.mark.usefixtures("soon")
def test_over_tls_it_is_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own, authority = certificate(tmp_path)
    trusted = ssl.create_default_context(cafile=authority)
    monkeypatch.setattr(pace, "HEAD_SECONDS", 10.0)
    with (
        dripping(CHUNKED, b"0") as plain,
        encrypting(plain, own) as host,
        connections("", ssl_context=trusted) as pools,
    ):
        answer = pools.request("GET", f"https://{host}/", retries=False, preload_content=False)
        with pytest.raises(Unavailable) as left:
            answer.read1(100)
        answer.close()

    assert str(left.value) == PIECE.format(host=host)


@pytest.mark.parametrize(
    ("first", "piece", "why"),
    [
        (OK, b"X: y\r\n", "did not end its headers within 0.2 s"),
        (OK, b"X: y\r\n" * 10_000, "sends headers or lines of chunks without end"),
    ],
)
def test_a_proxy_that_never_says_whether_it_connects_is_left(
    monkeypatch: pytest.MonkeyPatch, first: bytes, piece: bytes, why: str
) -> None:
    monkeypatch.setattr(pace, "HEAD_SECONDS", 30.0 if why.endswith("without end") else 0.2)
    with dripping(first, piece) as proxy, pytest.raises(Unavailable, match=f"the server {proxy} {why}"):
        connections(f"http://{proxy}").request("GET", "https://registry.test/", retries=False)


class Within:
    """Like TLS within TLS: not a socket, and one reading of it waits for many pieces."""

    def __init__(self, inner: socket.socket) -> None:
        self.socket = inner

    def makefile(self, mode: str) -> io.BufferedReader:
        inner = self.socket

        class Records(io.RawIOBase):
            def readable(self) -> bool:
                return True

            def readinto(self, buffer: Any, /) -> int:
                record = b""
                while len(record) < 1000 and (more := inner.recv(10)):
                    record += more
                buffer[: len(record)] = record
                return len(record)

        assert mode == "rb"
        return io.BufferedReader(Records())


@pytest.mark.usefixtures("soon")
@pytest.mark.parametrize("piece", [b"x", b""])
def test_what_is_no_socket_is_hung_up_from_outside(tmp_path: Path, piece: bytes) -> None:
    with dripping(b"HTTP/1.1 200", piece, tmp_path / "s") as path, socket.socket(socket.AF_UNIX) as connected:
        connected.connect(path)
        connected.sendall(b"GET / HTTP/1.1\r\n\r\n")
        answer = Answer(Within(connected), whose="it")
        with pytest.raises(Unavailable, match=r"it did not end its headers within 0.2 s"):
            answer.begin()
        answer.close()


def test_a_connection_may_have_a_time_of_its_own() -> None:
    with dripping(SIZED, b" ") as host:
        connection = http.client.HTTPConnection(host, timeout=20)
        watch(connection, "it", 0.3)
        connection.request("GET", "/")
        answer = connection.getresponse()
        with pytest.raises(Unavailable, match=r"it sent no whole piece of its answer within 0.3"):
            answer.read(3000)
        connection.close()
