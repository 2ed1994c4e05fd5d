"""One download: what is asked, how often, and when it is given up."""

import base64
import email.utils
import gzip
import hashlib
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.drip import encrypting
from tests.support.mirror import Answer, SmallMirror, claims, cut, drips, endless, sends, serving, status, unending
from tests.support.registry import certificate

from hullguard.advisories.update.fetch import Absent, Failed, Fetcher, Tag
from hullguard.net import pace

BOUND = 1 << 20
CONTENT = bytes(range(256)) * 1000


@pytest.fixture
def mirror() -> Iterator[SmallMirror]:
    with serving() as mirror:
        mirror.files["/file"] = CONTENT
        yield mirror


class Pauses(list[float]):
    def __call__(self, seconds: float) -> None:
        self.append(seconds)


@pytest.fixture
def pauses() -> Pauses:
    return Pauses()


@pytest.fixture
def into(tmp_path: Path) -> Path:
    return tmp_path / "file"


def test_the_content_and_its_tag(mirror: SmallMirror, into: Path, pauses: Pauses) -> None:
    told: list[int] = []

    tag = Fetcher(lambda _, count: told.append(count), pauses).get(f"{mirror.url}/file", into, BOUND)

    assert into.read_bytes() == CONTENT
    assert tag is not None
    assert tag.etag.startswith('"')
    assert sum(told) == len(CONTENT)
    assert pauses == []
    assert Fetcher().get(f"{mirror.url}/file", into, BOUND, tag) is None
    assert Fetcher().get(f"{mirror.url}/file", into, BOUND, Tag('"another"')) == tag


def test_the_date_is_asked_with_where_there_is_no_tag(mirror: SmallMirror, into: Path) -> None:
    date = "Wed, 01 Jan 2025 00:00:00 GMT"

    Fetcher().get(f"{mirror.url}/file", into, BOUND, Tag(modified=date))

    assert mirror.asked[0][1]["If-Modified-Since"] == date


def test_a_broken_download_is_continued(mirror: SmallMirror, into: Path, pauses: Pauses) -> None:
    mirror.faults["/file"] = [cut(1000), status(503)]

    Fetcher(sleep=pauses).get(f"{mirror.url}/file", into, BOUND)

    assert into.read_bytes() == CONTENT
    assert [headers.get("Range") for _, headers in mirror.asked] == [None, "bytes=1000-", "bytes=1000-"]
    assert mirror.sent["/file"] == len(CONTENT) - 1000


def test_a_file_that_changed_meanwhile_is_begun_again(mirror: SmallMirror, into: Path, pauses: Pauses) -> None:
    mirror.faults["/file"] = [cut(1000)]

    def change(seconds: float) -> None:
        mirror.files["/file"] = CONTENT[::-1]

    Fetcher(sleep=change).get(f"{mirror.url}/file", into, BOUND)

    assert into.read_bytes() == CONTENT[::-1]


@pytest.mark.parametrize("fault", [status(416), status(206, Content_Range="bytes 7-9/10"), status(206)])
def test_a_server_that_cannot_continue_is_asked_from_the_start(mirror: SmallMirror, into: Path, fault: object) -> None:
    mirror.faults["/file"] = [cut(1000), fault]  # type: ignore[list-item]

    Fetcher(sleep=Pauses()).get(f"{mirror.url}/file", into, BOUND)

    assert into.read_bytes() == CONTENT


OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        (drips(b"X-A: 1\r\n", first=OK), "did not end its headers within 0.2 s"),
        (drips(b"HTTP/1.1 100 Continue\r\n\r\n"), "did not end its headers within 0.2 s"),
        (drips(b"x", first=OK + b"Content-Length: 1000000\r\n\r\n"), "sends fewer than 16384 bytes a second"),
        (drips(b"0", first=CHUNKED), "sent no whole piece of its answer within 0.2 s"),
        (drips(b"X: y\r\n" * 10_000, first=CHUNKED + b"2\r\n{}\r\n0\r\n"), "headers or lines of chunks without end"),
    ],
)
def test_a_server_whose_answer_does_not_end_is_given_up(
    mirror: SmallMirror, into: Path, pauses: Pauses, monkeypatch: pytest.MonkeyPatch, fault: Answer, why: str
) -> None:
    for bound in ("HEAD_SECONDS", "WINDOW_SECONDS"):
        monkeypatch.setattr(pace, bound, 30.0 if why.endswith("without end") else 0.2)
    mirror.faults["/file"] = [fault] * 9

    with pytest.raises(Failed, match=rf"/file: .*{why}"):
        Fetcher(sleep=pauses).get(f"{mirror.url}/file", into, BOUND)

    assert mirror.paths() == ["/file", "/file"]


@pytest.mark.parametrize("piece", [b"x", bytes(1 << 16)])
def test_what_comes_with_a_redirect_is_not_read(mirror: SmallMirror, into: Path, pauses: Pauses, piece: bytes) -> None:
    first = b"HTTP/1.1 302 Found\r\nLocation: /file\r\nContent-Length: 99999999999\r\n\r\n"
    mirror.files["/moved"] = b""
    mirror.faults["/moved"] = [drips(piece, first=first)]

    Fetcher(sleep=pauses).get(f"{mirror.url}/moved", into, BOUND)

    assert into.read_bytes() == CONTENT
    assert pauses == []


def test_pauses_grow_and_end(mirror: SmallMirror, into: Path, pauses: Pauses) -> None:
    mirror.faults["/file"] = [status(500)] * 9

    with pytest.raises(Failed, match="the server answers 500"):
        Fetcher(sleep=pauses).get(f"{mirror.url}/file", into, BOUND)

    assert pauses == [2.0, 4.0, 8.0, 16.0]
    assert len(mirror.asked) == 5


def test_the_server_says_how_long_to_wait(mirror: SmallMirror, into: Path, pauses: Pauses) -> None:
    later = email.utils.formatdate(time.time() + 60, usegmt=True)
    mirror.faults["/file"] = [status(429, Retry_After="7"), status(503, Retry_After=later)]

    Fetcher(sleep=pauses).get(f"{mirror.url}/file", into, BOUND)

    assert pauses[0] == 7.0
    assert 50 < pauses[1] <= 60


@pytest.mark.parametrize("header", ["soon", "-1", ""])
def test_a_wait_that_is_none_is_our_own(mirror: SmallMirror, into: Path, pauses: Pauses, header: str) -> None:
    mirror.faults["/file"] = [status(429, Retry_After=header)]

    Fetcher(sleep=pauses).get(f"{mirror.url}/file", into, BOUND)

    assert pauses == [2.0]


def test_a_wait_without_end_is_not_waited_for(mirror: SmallMirror, into: Path, pauses: Pauses) -> None:
    mirror.faults["/file"] = [status(429, Retry_After="999999")]

    with pytest.raises(Failed, match="429"):
        Fetcher(sleep=pauses).get(f"{mirror.url}/file", into, BOUND)

    assert pauses == []


@pytest.mark.parametrize(("code", "error"), [(404, Absent), (410, Absent), (403, Absent), (401, Failed), (400, Failed)])
def test_what_cannot_pass_is_not_tried_again(mirror: SmallMirror, into: Path, code: int, error: type[Failed]) -> None:
    mirror.faults["/file"] = [status(code)]

    with pytest.raises(error, match=str(code)):
        Fetcher(sleep=Pauses()).get(f"{mirror.url}/file", into, BOUND)

    assert len(mirror.asked) == 1


def test_a_server_that_only_ever_breaks_off_is_given_up(mirror: SmallMirror, into: Path, pauses: Pauses) -> None:
    mirror.faults["/file"] = [cut(0)] * 9

    with pytest.raises(Failed, match="broke off"):
        Fetcher(sleep=pauses).get(f"{mirror.url}/file", into, BOUND)

    assert len(mirror.asked) == 5


def test_a_server_that_is_not_there_is_told_without_the_connections_own_words(into: Path, pauses: Pauses) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # and does not listen, so that nobody else can either
        url = f"http://127.0.0.1:{nobody.getsockname()[1]}/file"
        with pytest.raises(Failed) as refused:
            Fetcher(sleep=pauses).get(url, into, BOUND)

    assert str(refused.value).startswith(f"{url}: Failed to establish a new connection: ")


@pytest.mark.parametrize("fault", [claims(BOUND + 1), claims(BOUND, "9" * 5000), endless])
def test_more_than_the_bound_is_not_taken(mirror: SmallMirror, into: Path, fault: object) -> None:
    mirror.faults["/file"] = [fault]  # type: ignore[list-item]

    with pytest.raises(Failed, match="larger than"):
        Fetcher(sleep=Pauses()).get(f"{mirror.url}/file", into, BOUND)

    assert len(mirror.asked) == 1
    assert not into.exists() or into.stat().st_size <= BOUND


def test_less_than_was_said_is_not_the_file(mirror: SmallMirror, into: Path) -> None:
    mirror.faults["/file"] = [claims(len(CONTENT) + 500)] * 9

    with pytest.raises(Failed, match="broke off after 256000 bytes"):
        Fetcher(sleep=Pauses()).get(f"{mirror.url}/file", into, BOUND)


def test_enough_ends_a_download(mirror: SmallMirror, into: Path) -> None:
    Fetcher().get(f"{mirror.url}/file", into, BOUND, enough=lambda _: True)

    assert 0 < into.stat().st_size < len(CONTENT)


class TestBucket:
    """What the public bucket and what stands between do to a file."""

    @pytest.mark.parametrize("packing", ["gzip", "x-gzip", "GZIP"])
    def test_what_was_packed_unasked_is_unpacked(self, mirror: SmallMirror, into: Path, packing: str) -> None:
        mirror.faults["/file"] = [sends(gzip.compress(CONTENT), Content_Encoding=packing, ETag='"packed"')]

        Fetcher().get(f"{mirror.url}/file", into, BOUND)

        assert into.read_bytes() == CONTENT

    def test_what_is_packed_in_another_way_is_not_taken(self, mirror: SmallMirror, into: Path) -> None:
        mirror.faults["/file"] = [sends(b"?", Content_Encoding="br")]

        with pytest.raises(Failed, match="packed with 'br'"):
            Fetcher(sleep=Pauses()).get(f"{mirror.url}/file", into, BOUND)

    def test_packing_does_not_hide_how_large_it_is(self, mirror: SmallMirror, into: Path) -> None:
        mirror.faults["/file"] = [sends(gzip.compress(bytes(BOUND + 1)), Content_Encoding="gzip")]

        with pytest.raises(Failed, match="larger than"):
            Fetcher(sleep=Pauses()).get(f"{mirror.url}/file", into, BOUND)

    def test_what_cannot_be_unpacked_is_asked_for_again(self, mirror: SmallMirror, into: Path) -> None:
        mirror.faults["/file"] = [sends(b"no gzip at all", Content_Encoding="gzip")]

        Fetcher(sleep=Pauses()).get(f"{mirror.url}/file", into, BOUND)

        assert into.read_bytes() == CONTENT

    def test_a_packed_file_that_broke_off_is_begun_again(self, mirror: SmallMirror, into: Path) -> None:
        packed = gzip.compress(CONTENT)
        mirror.faults["/file"] = [sends(packed[: len(packed) // 2], Content_Encoding="gzip", ETag='"packed"')]

        Fetcher(sleep=Pauses()).get(f"{mirror.url}/file", into, BOUND)

        assert into.read_bytes() == CONTENT
        assert [headers.get("Range") for _, headers in mirror.asked] == [None, None]

    def test_parts_of_two_files_are_not_put_together(self, mirror: SmallMirror, into: Path) -> None:
        mirror.conditional_ranges = False
        mirror.faults["/file"] = [cut(1000)]

        def change(seconds: float) -> None:
            mirror.files["/file"] = CONTENT[::-1]

        Fetcher(sleep=change).get(f"{mirror.url}/file", into, BOUND)

        assert into.read_bytes() == CONTENT[::-1]

    @pytest.mark.parametrize("others", ["crc32c=AAAAAA==, ", ""])
    def test_the_hash_that_the_server_gives_is_the_content_s(
        self, mirror: SmallMirror, into: Path, others: str
    ) -> None:
        true, false = (
            f"{others}md5={base64.b64encode(hashlib.md5(content).digest()).decode()}" for content in (CONTENT, b"other")
        )
        mirror.faults["/file"] = [sends(CONTENT[::-1], X_Goog_Hash=true), sends(CONTENT, X_Goog_Hash=true)]
        Fetcher(sleep=Pauses()).get(f"{mirror.url}/file", into, BOUND)
        assert into.read_bytes() == CONTENT

        mirror.faults["/file"] = [sends(CONTENT, X_Goog_Hash=false)] * 9
        with pytest.raises(Failed, match="not what the server says"):
            Fetcher(sleep=Pauses()).get(f"{mirror.url}/file", into, BOUND)

    def test_the_hash_of_what_is_kept_packed_is_not_that_of_what_is_sent(self, mirror: SmallMirror, into: Path) -> None:
        false = f"md5={base64.b64encode(hashlib.md5(b'packed').digest()).decode()}"
        mirror.faults["/file"] = [sends(CONTENT, X_Goog_Hash=false, X_Goog_Stored_Content_Encoding="gzip")]

        Fetcher().get(f"{mirror.url}/file", into, BOUND)

        assert into.read_bytes() == CONTENT

    @pytest.mark.parametrize("header", ["md5=", "md5=?", "crc32c=AAAAAA==", "=", "md5"])
    def test_a_hash_that_is_none_proves_nothing(self, mirror: SmallMirror, into: Path, header: str) -> None:
        mirror.faults["/file"] = [sends(CONTENT, X_Goog_Hash=header)]

        Fetcher().get(f"{mirror.url}/file", into, BOUND)

    def test_a_part_that_could_be_the_whole_is_not_taken_for_it(self, mirror: SmallMirror, into: Path) -> None:
        mirror.faults["/file"] = [unending]

        with pytest.raises(Failed, match="where the file ends"):
            Fetcher(sleep=Pauses()).get(f"{mirror.url}/file", into, BOUND)


def test_redirects_are_followed_and_circles_left(mirror: SmallMirror, into: Path) -> None:
    mirror.files["/moved"] = b""
    mirror.faults["/moved"] = [status(302, Location="/file")]
    Fetcher().get(f"{mirror.url}/moved", into, BOUND)
    assert into.read_bytes() == CONTENT

    mirror.faults["/moved"] = [status(302, Location="/moved")] * 100
    with pytest.raises(Failed, match="redirect"):
        Fetcher(sleep=Pauses()).get(f"{mirror.url}/moved", into, BOUND)


@pytest.mark.parametrize("to", ["ftp://127.0.0.1/file", "file:///etc/passwd", "//[/"])
def test_a_redirect_to_what_is_no_address_of_a_mirror_is_not_followed(
    mirror: SmallMirror, into: Path, pauses: Pauses, to: str
) -> None:
    mirror.files["/moved"] = b""
    mirror.faults["/moved"] = [status(302, Location=to)] * 9

    with pytest.raises(Failed, match="/moved: "):
        Fetcher(sleep=pauses).get(f"{mirror.url}/moved", into, BOUND)

    assert not into.exists()


def test_a_redirect_from_tls_to_none_is_not_followed(
    mirror: SmallMirror, into: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own, authority = certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority))
    mirror.files["/moved"] = b""
    mirror.faults["/moved"] = [status(302, Location=f"{mirror.url}/file")]

    plain = mirror.url.removeprefix("http://")
    with encrypting(plain, own) as host, pytest.raises(Failed, match=f"https://{host}/moved: leads to .* without TLS"):
        Fetcher(sleep=Pauses()).get(f"https://{host}/moved", into, BOUND)

    assert mirror.paths() == ["/moved"]


def test_the_proxy_of_the_environment_is_used(mirror: SmallMirror, into: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mirror.files["http://mirror.example/file"] = b"through the proxy"
    monkeypatch.setenv("http_proxy", mirror.url.replace("http://", "http://user:word@"))
    monkeypatch.delenv("no_proxy", raising=False)

    Fetcher().get("http://mirror.example/file", into, BOUND)

    assert into.read_bytes() == b"through the proxy"
    assert mirror.asked[0][1]["proxy-authorization"].startswith("Basic ")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    Fetcher().get(f"{mirror.url}/file", into, BOUND)
    assert into.read_bytes() == CONTENT


@pytest.mark.parametrize("proxy", ["socks9://x", "http://["])
def test_a_proxy_that_is_none_is_said(into: Path, monkeypatch: pytest.MonkeyPatch, proxy: str) -> None:
    monkeypatch.setenv("http_proxy", proxy)

    with pytest.raises(Failed, match="proxy"):
        Fetcher().get("http://mirror.example/file", into, BOUND)
