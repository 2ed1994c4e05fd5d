"""A platform elsewhere is asked patiently, believed in nothing but its answers' form, and never sent the token twice over."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import msgspec
import pytest
from tests.support import records
from tests.support.drip import dripping

from hullguard.app import remote
from hullguard.app.remote import Platform
from hullguard.model.errors import (
    Conflict,
    Denied,
    HullguardError,
    Invalid,
    LimitReached,
    Unauthenticated,
    Unavailable,
)
from hullguard.net import pace

MADE = {
    "id": "s1",
    "name": "shop:ci",
    "kind": "docker-archive",
    "image": "sha256:" + "c" * 64,
    "host": "h",
    "by": "token:t",
    "source": "192.0.2.1",
    "first": "2026-03-01T12:00:00Z",
    "submitted": "2026-03-01T12:00:00Z",
    "expires": "2026-06-01T12:00:00Z",
    "kept": True,
}
REPORT = msgspec.json.encode(records.report())
Answer = tuple[int, dict[str, str], bytes]


def problem(status: int, code: str, detail: str = "No.", **headers: str) -> Answer:
    return (
        status,
        {name.replace("_", "-"): value for name, value in headers.items()},
        json.dumps({"code": code, "detail": detail}).encode(),
    )


class Server:
    """Gives the answers it was told, one after the other, and notes what it was asked."""

    def __init__(self) -> None:
        self.answers: list[Answer] = []
        self.asked: list[tuple[str, str, dict[str, str], bytes]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def _answer(self) -> None:
                content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                outer.asked.append((self.command, self.path, dict(self.headers), content))
                status, headers, body = outer.answers.pop(0)
                if status == 0:  # hangs up
                    self.close_connection = True
                    return
                self.send_response(status)
                for name, value in {"Content-Length": str(len(body)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST = _answer  # noqa: N815 - the names that the library asks for

            def log_message(self, *_: Any) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_address[1]}"
        self.slept: list[float] = []

    def platform(self) -> Platform:
        return Platform(self.url + "/", "hgt_secret", sleep=self.slept.append)


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    thread = threading.Thread(target=made.http.serve_forever, args=(0.05,))
    thread.start()
    yield made
    made.http.shutdown()
    thread.join()
    made.http.server_close()


def submit(server: Server, body: bytes = b"x" * 200_000) -> Any:
    counted: list[int] = []
    made = server.platform().submit(body, "key-1", counted.append)
    assert sum(counted) % len(body) == 0
    return made


def test_what_is_submitted_goes_whole_with_token_key_and_encoding(server: Server) -> None:
    server.answers = [(201, {}, json.dumps(MADE).encode())]
    made = submit(server)
    ((method, path, headers, content),) = server.asked

    assert (made.id, made.name) == ("s1", "shop:ci")
    assert (method, path, len(content)) == ("POST", "/api/v1/submissions", 200_000)
    assert headers["Authorization"] == "Bearer hgt_secret"
    assert headers["Idempotency-Key"] == "key-1"
    assert headers["Content-Encoding"] == "zstd"


@pytest.mark.parametrize(
    "trouble",
    [
        (0, {}, b""),
        problem(503, "too-busy"),
        problem(429, "too-many"),
        (502, {}, b"<html>bad gateway</html>"),
        problem(504, "x"),
    ],
    ids=["hangs-up", "503", "429", "502", "504"],
)
def test_what_may_pass_is_tried_again_under_the_same_key(server: Server, trouble: Answer) -> None:
    server.answers = [trouble, trouble, (201, {}, json.dumps(MADE).encode())]

    assert submit(server).id == "s1"
    assert {headers["Idempotency-Key"] for _, _, headers, _ in server.asked} == {"key-1"}
    assert {len(content) for _, _, _, content in server.asked} == {200_000}
    assert len(server.slept) == 2


def test_who_waits_is_told_why_and_how_long_before_each_wait(server: Server) -> None:
    server.answers = [problem(503, "too-busy", "Busy.", retry_after="7"), (0, {}, b""), (201, {}, b"{}")]
    heard: list[tuple[str, float, int]] = []
    platform = Platform(
        server.url,
        "hgt_secret",
        sleep=server.slept.append,
        waits=lambda why, seconds: heard.append((str(why), seconds, len(server.slept))),
    )
    with pytest.raises(Unavailable):
        platform.submit(b"x", "key-1", lambda _: None)

    assert [seconds for _, seconds, _ in heard] == server.slept
    assert [before for _, _, before in heard] == [0, 1]
    assert heard[0][0].endswith("refuses: Busy")
    assert "cannot be reached" in heard[1][0]


def test_it_waits_as_long_as_it_is_asked_to_but_not_for_ever(server: Server) -> None:
    server.answers = [problem(503, "too-busy", retry_after="7"), (201, {}, json.dumps(MADE).encode())]
    submit(server)
    assert server.slept == [7.0]
    server.answers = [problem(503, "too-busy", "Busy.", retry_after="9000")]
    with pytest.raises(Unavailable, match="refuses: Busy"):
        submit(server)
    assert server.slept == [7.0]


def test_who_is_always_busy_is_given_up(server: Server) -> None:
    server.answers = [problem(503, "too-busy")] * remote.ATTEMPTS
    with pytest.raises(Unavailable):
        submit(server)

    assert len(server.asked) == remote.ATTEMPTS


@pytest.mark.parametrize(
    ("answer", "nature"),
    [
        (problem(401, "token-invalid"), Unauthenticated),
        (problem(403, "permission-missing"), Denied),
        (problem(409, "submission.not-that-image"), Conflict),
        (problem(413, "submission.too-large"), LimitReached),
        (problem(422, "submission.malformed"), Invalid),
        (problem(500, "internal"), Unavailable),
        ((404, {}, b"<html>not found</html>"), Unavailable),
        ((201, {}, b"<html>welcome</html>"), Unavailable),
        ((201, {}, b"{}"), Unavailable),
        ((201, {}, b"[" * 100_000), Unavailable),
    ],
)
def test_every_refusal_is_one_sentence_that_names_the_platform(
    server: Server, answer: Answer, nature: type[HullguardError]
) -> None:
    server.answers = [answer]
    with pytest.raises(nature) as refused:
        submit(server)

    assert type(refused.value) is nature
    assert server.url in str(refused.value)
    assert "\n" not in str(refused.value)
    assert "hgt_secret" not in str(refused.value)
    assert len(server.asked) == 1


def test_the_token_goes_nowhere_else(server: Server) -> None:
    server.answers = [(307, {"Location": f"{server.url}/elsewhere"}, b"")]
    with pytest.raises(Invalid, match="where no token is sent"):
        submit(server)

    assert len(server.asked) == 1


def test_an_endless_answer_is_not_read(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote, "_SMALL", 1000)
    server.answers = [(201, {}, b" " * 5000)]
    with pytest.raises(LimitReached):
        submit(server)


def test_the_report_is_asked_for_until_it_is_there(server: Server) -> None:
    waits = problem(409, "submission.waits", retry_after="1")
    server.answers = [waits, waits, (200, {}, REPORT)]

    assert server.platform().report("s1/../x", 600) == records.report()
    assert [path for _, path, _, _ in server.asked] == ["/api/v1/submissions/s1%2F..%2Fx/report"] * 3
    assert len(server.slept) == 2


def test_what_does_not_come_in_time_is_told(server: Server) -> None:
    server.answers = [problem(409, "submission.waits")]
    with pytest.raises(Unavailable, match="has not matched it within 0 seconds"):
        server.platform().report("s1", 0)


def test_what_was_given_up_is_told_at_once(server: Server) -> None:
    server.answers = [problem(409, "submission.given-up", "It could not be matched.")]
    with pytest.raises(Conflict, match="It could not be matched"):
        server.platform().report("s1", 600)


@pytest.mark.parametrize(
    "address",
    [
        "",
        "host",
        "host:8440",
        "ftp://host",
        "http://",
        "https://[",
        "https://h:x",
        "https://u:p@h",
        "https://h?x=1",
        "http://192.0.2.1",
        "http://example.com",
    ],
)
def test_what_is_no_address_for_a_token_is_refused(address: str) -> None:
    with pytest.raises(Invalid):
        Platform(address, "hgt_x")


def test_a_place_where_nobody_listens_is_told() -> None:
    waited: list[float] = []
    nowhere = Platform("http://127.0.0.1:1", "hgt_x", sleep=waited.append)
    with pytest.raises(Unavailable, match=r"the platform http://127\.0\.0\.1:1 cannot be reached"):
        nowhere.submit(b"x", "k", waited.append)


@pytest.mark.parametrize("form", ["Content-Length: 4000", "Transfer-Encoding: chunked"])
def test_the_words_of_a_refusal_are_not_waited_for(monkeypatch: pytest.MonkeyPatch, form: str) -> None:
    monkeypatch.setattr(pace, "WORDS_SECONDS", 0.3)

    with dripping(f"HTTP/1.1 404 No\r\n{form}\r\n\r\n".encode(), b"0") as host, pytest.raises(Unavailable, match="404"):
        Platform(f"http://{host}", "token").report("id", 1)


@pytest.mark.parametrize(
    ("first", "piece"),
    [
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 4000\r\n\r\n", b" "),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"0"),
    ],
)
def test_an_answer_that_does_not_end_is_given_up(monkeypatch: pytest.MonkeyPatch, first: bytes, piece: bytes) -> None:
    for bound in ("HEAD_SECONDS", "WINDOW_SECONDS"):
        monkeypatch.setattr(pace, bound, 0.3)

    with dripping(first, piece) as host, pytest.raises(Unavailable, match=f"{host} .* too slow to wait for"):
        Platform(f"http://{host}", "token").report("id", 1)
