import bz2
import gzip
import lzma
import random
import zlib
from collections.abc import Iterator

import pytest
from tests.support.specimens import specimen

from hullguard.inventory import bounds
from hullguard.inventory.content.secrets import inspector
from hullguard.inventory.content.secrets.inspector import SecretInspector
from hullguard.inventory.content.secrets.rules.catalog import RULES
from hullguard.inventory.limits import Limits
from hullguard.model.content import Secret
from hullguard.model.package import Unknown

INSPECTOR = SecretInspector()
TOKEN = specimen(next(rule for rule in RULES if rule.id == "npm-token")).decode()


GZIP, PNG = gzip.compress(b"text"), b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"
ELF = b"\x7fELF\x02\x01\x01" + bytes(50)


@pytest.mark.parametrize(
    ("path", "size", "head", "wanted"),
    [
        ("app/settings.py", 1000, b"import os", True),
        ("var/log/app.log", 5 << 30, b"2024-01-01 started", True),
        ("app/state.db", 1000, b"SQLite\0\0", True),
        ("app/state.db", 10 << 20, b"SQLite\0\0", True),
        ("app/settings.txt", 300_000, b"\0text", True),
        ("app/settings.gz", 1000, b"key = value", True),
        ("app/logo.png", 1000, b"key = value", True),
        ("app/lib.so", 1000, b"key = value", True),
        ("app/tool", 1000, b"\x7fELF and then text", True),
        ("app/notes", 1000, b"GIF89a is what pictures begin with", True),
        ("app/notes", 1000, b"%PDF-1.7 is what documents begin with", True),
        ("app/notes", 1000, b"BZh is what archives begin with", True),
        ("usr/bin/tool", 1000, ELF, False),
        ("app/anything", 1000, ELF, False),
        ("app/empty", 3, b"abc", False),
        ("usr/share/doc/curl/README", 1000, b"text", False),
        ("usr/share/locale/de/x", 1000, b"text", False),
        ("proc/.env", 1000, b"text", True),
        ("sys/.env", 1000, b"text", True),
        ("var/cache/debconf/passwords.dat", 1000, b"text", True),
        ("var/lib/dpkg/info/app.postinst", 1000, b"#!/bin/sh", True),
        ("var/lib/dpkg/info/app.md5sums", 1000, b"text", False),
        ("var/lib/dpkg/status", 1000, b"text", False),
        ("var/lib/pacman/local/app-1-1/install", 1000, b"text", True),
        ("var/lib/pacman/local/app-1-1/desc", 1000, b"text", False),
        ("app/logo.png", 1000, PNG, False),
        ("app/logo", 1000, PNG, False),
        ("app/a.pyc", 1000, b"\xa7\r\r\n" + bytes(12), False),
        ("app/A.class", 1000, b"\xca\xfe\xba\xbe\0\0\0\x41", False),
        ("usr/lib/jvm/lib/modules", 1000, b"\xda\xda\xfe\xca\0\0\1\0", False),
        ("app/a.dll", 1000, b"MZ" + bytes(58) + b"\x80\0\0\0", False),
        ("app/a.pdf", 1000, b"%PDF-1.7\n%\xe2\xe3\xcf\xd3", False),
        ("app/a.mp4", 1000, b"\0\0\0\x20ftypisom", False),
        ("app/settings", 1000, GZIP, False),
        ("app/settings.jar", 1000, b"PK\x03\x04", False),
        ("usr/lib/python3/dist-packages/rsa/tests/key.pem", 1000, b"-----", False),
        ("app/node_modules/jose/test/keys.json", 1000, b"{", False),
        ("app/tests/key.pem", 1000, b"-----", True),
        ("usr/lib/python3.11/test/key.pem", 1000, b"-----", False),
        ("usr/lib/x86_64-linux-gnu/perl/5.36/t/tests/key.pem", 1000, b"-----", False),
        ("usr/local/bundle/gems/jwt-2.7.0/spec/key.pem", 1000, b"-----", False),
        ("srv/vendor/example/jwt/tests/key.pem", 1000, b"-----", False),
        ("srv/vendor/tests/key.pem", 1000, b"-----", True),
        ("srv/python3-app/tests/key.pem", 1000, b"-----", True),
        ("srv/ruby/examples/key.pem", 1000, b"-----", True),
        ("srv/gems/docs/key.pem", 1000, b"-----", True),
        ("root/.ssh/id_rsa", 1000, b"-----BEGIN", True),
    ],
)
def test_what_it_wants_to_see(path: str, size: int, head: bytes, wanted: bool) -> None:
    assert INSPECTOR.wants(path, size, 0o644, head) is wanted


@pytest.mark.parametrize(
    ("path", "head", "kind"),
    [
        ("srv/backup.sql", GZIP, "compressed"),
        ("srv/backup.bz2", bz2.compress(b"text"), "compressed"),
        ("srv/backup.xz", lzma.compress(b"text"), "compressed"),
        ("srv/app.jar", b"PK\x03\x04", "compressed"),
        ("srv/a.lzma", lzma.compress(b"text" * 100, format=lzma.FORMAT_ALONE), "compressed"),
        ("srv/a.z", zlib.compress(b"text" * 100), "compressed"),
        ("srv/a.snap", b"hsqs" + bytes(60), "compressed"),
        ("srv/a.zst", b"\x50\x2a\x4d\x18\4\0\0\0abcd\x28\xb5\x2f\xfd", "compressed"),
        ("srv/a.lz4", b"\x02\x21\x4c\x18\x10\0\0\0", "compressed"),
        ("srv/a.lz", b"LZIP\1\x0c" + bytes(20), "compressed"),
        ("srv/.git/objects/pack/pack-1.pack", b"PACK\0\0\0\2\0\0\0\1\xb0\x1d", "compressed"),
        ("srv/.git/objects/ab/cd", zlib.compress(b"blob 4\0text"), ""),
        ("srv/formula", b"x^2 + y^2 = z^2, which is no header of zlib", ""),
        ("srv/brackets", b"]\0\0 of somebody's own form, with text behind it", ""),
        ("srv/notes", b"LZIP and hsqs are names of forms", ""),
        ("usr/share/doc/curl/changelog.gz", GZIP, ""),
        ("srv/logo.png", PNG, ""),
        ("srv/tool", ELF, ""),
        ("srv/text.gz", b"key = value", ""),
    ],
)
def test_what_it_cannot_look_into(path: str, head: bytes, kind: str) -> None:
    assert INSPECTOR.passes_over(path, 1000, 0o644, head) == kind


def found(content: bytes, path: str = "srv/a") -> tuple[list[str], list[str]]:
    chunks = (content[start : start + 4096] for start in range(0, len(content), 4096))
    hits = list(INSPECTOR.inspect(path, len(content), 0o644, chunks))
    unknowns = [hit.why for hit in hits if isinstance(hit, Unknown)]
    return [hit.rule for hit in hits if isinstance(hit, Secret)], unknowns


@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
def test_text_in_wide_characters_is_read(encoding: str, mark: str) -> None:
    for size in (9001, 2_000_000):
        content = f"{mark}{'x' * size}\nNPM_TOKEN={TOKEN}\n".encode(encoding)
        assert found(content) == (["npm-token"], [])
        assert found(content + b"\xd8")[0] == ["npm-token"]


def test_a_zero_in_front_hides_nothing() -> None:
    content = b"\0" + b"x" * 300_000 + f"\nNPM_TOKEN={TOKEN}\n".encode()

    assert found(content) == (["npm-token"], [])


def test_what_is_no_text_is_searched_to_a_bound_and_that_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inspector, "_BINARY", 2_000_000)
    sizes = (1_500_000, 2_500_000)
    near, far = (b"\0" + b"x" * size + f"\nNPM_TOKEN={TOKEN}\n".encode() + bytes(900_000) for size in sizes)
    why = "it is no text; credentials were looked for in 2000000 of its {} bytes"

    assert found(near) == (["npm-token"], [why.format(len(near))])
    assert found(far) == ([], [why.format(len(far))])
    assert found(far[1:]) == (["npm-token"], [])


def test_the_version_follows_the_rules() -> None:
    assert INSPECTOR.version == SecretInspector().version
    assert INSPECTOR.version.count(".") == 1


def test_a_text_is_searched_like_a_file() -> None:
    rule = next(rule for rule in RULES if rule.id == "npm-token")

    assert [found.rule.id for found in INSPECTOR.text(f"NPM_TOKEN={specimen(rule).decode()}")] == ["npm-token"]
    assert INSPECTOR.text("PATH=/usr/bin \ud800") == []


def test_an_empty_stream_holds_nothing() -> None:
    assert list(INSPECTOR.inspect("a", 0, 0, iter([]))) == []


@pytest.mark.parametrize(
    "head",
    [b"GIF87a\0\n", b"ID3\0", b"RIFF\0", b"\0\0\1\0", b"abcdftyp\0", b"%PDF-\0", b"..\r\n\0\0\0\0", b"MZ" + bytes(62)],
)
def test_a_form_that_only_the_first_bytes_claim_hides_nothing(head: bytes) -> None:
    content = head + b'\n<?php $token="' + specimen(RULES[0]) + b'";\n'

    assert INSPECTOR.wants("srv/www/a.php", len(content), 0o644, content[:512])
    assert list(INSPECTOR.inspect("srv/www/a.php", len(content), 0o644, iter([content])))


def test_only_the_directory_of_a_distributions_metadata_is_passed_over() -> None:
    assert INSPECTOR.wants("srv/app-dist-info/secret.env", 100, 0o644, b"TOKEN=x" * 9)
    assert not INSPECTOR.wants("lib/app-1.dist-info/RECORD", 100, 0o644, b"TOKEN=x" * 9)


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize(
    "head",
    [
        "设置" * 300,
        "口令: 见下\r\n" * 30,
        b"one line of ASCII that is written first\r\n",
        bytes(range(256)) * 4,
    ],
)
def test_text_in_wide_characters_behind_another_head_is_read(head: str | bytes, encoding: str) -> None:
    begin = head.encode(encoding) if isinstance(head, str) else head
    for size in (900, 2_000_000):
        content = begin + f"\r\n{'é' * size}\r\nNPM_TOKEN={TOKEN}\r\n".encode(encoding) + bytes(900)
        assert found(content) == (["npm-token"], [])


def test_wide_text_that_begins_with_a_zero_is_no_text_of_four_bytes() -> None:
    content = f"\ufeff\0NPM_TOKEN={TOKEN}\n".encode("utf-16-le")

    assert content.startswith(b"\xff\xfe\0\0")
    assert found(content) == (["npm-token"], [])


def test_a_run_of_wide_text_may_be_cut_anywhere_by_the_pieces_of_a_stream() -> None:
    text = f"NPM_TOKEN={TOKEN}\n".encode("utf-16-le")

    for before in range(4096 - len(text), 4096):
        assert found(b"\xff" * before + text + b"\xff" * (2 << 20))[0] == ["npm-token"]


def test_files_are_left_when_the_time_is_over_and_told() -> None:
    bounded, text = SecretInspector(), f"NPM_TOKEN={TOKEN}\n".encode()
    bounded.bind(Limits(secret_seconds=0))

    (left,) = bounded.inspect("srv/a", len(text), 0o644, iter([text]))

    assert left == Unknown(
        "srv/a", "credentials were looked for in other files for too long; in this one they were not", incomplete=True
    )


def test_the_time_ends_in_the_middle_of_a_large_file(monkeypatch: pytest.MonkeyPatch) -> None:
    bounded, text = SecretInspector(), f"NPM_TOKEN={TOKEN}\n".encode()
    bounded.bind(Limits(secret_seconds=1))
    chunks = [text + b"x" * (1 << 20), b"x" * (2 << 20)]
    seconds = iter([0.0, 0.0, 0.0, *[5.0] * 99])
    monkeypatch.setattr(inspector.time, "thread_time", lambda: next(seconds))

    first, second = bounded.inspect("srv/a", size := sum(map(len, chunks)), 0o644, iter(chunks))

    assert isinstance(first, Secret)
    assert second == Unknown(
        "srv/a",
        f"credentials were looked for in {len(chunks[0])} of its {size} bytes; the search took too long",
        incomplete=True,
    )
    assert [type(hit) for hit in bounded.inspect("srv/b", len(text), 0o644, iter([text]))] == [Unknown]


def test_waiting_for_the_content_is_no_time_of_the_search(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0

    def chunks() -> Iterator[bytes]:
        nonlocal now
        now += 5.0
        yield f"NPM_TOKEN={TOKEN}\n".encode()

    bounded = SecretInspector()
    bounded.bind(Limits(secret_seconds=1))
    monkeypatch.setattr(inspector.time, "thread_time", lambda: now)

    for _ in range(2):
        assert [type(hit) for hit in bounded.inspect("srv/a", 50, 0o644, chunks())] == [Secret]


def committed(content: bytes, level: int = -1) -> bytes:
    return zlib.compress(b"blob %d\0%b" % (len(content), content), level)


@pytest.mark.parametrize("level", [1, 6, 9])
def test_a_credential_in_an_object_of_git_is_found(level: int) -> None:
    content = committed(f"#!/bin/sh\nexport NPM_TOKEN={TOKEN}\n".encode(), level)
    path = "app/.git/objects/0d/8dbec5a20a8ba72cab5ddc09afacd376455f9f"
    assert INSPECTOR.wants(path, len(content), 0o444, content[:512])
    (hit,) = INSPECTOR.inspect(path, len(content), 0o444, iter([content]))

    assert isinstance(hit, Secret)
    assert (hit.rule, hit.path, hit.line, hit.match) == ("npm-token", path, 2, "NPM_TOKEN=npm_********")


def test_a_large_object_of_git_is_searched_in_pieces() -> None:
    noise = random.Random(4).randbytes(2 << 20)
    content = committed(noise + f"\nNPM_TOKEN={TOKEN}\n".encode())
    pieces = [content[at : at + 65536] for at in range(0, len(content), 65536)]

    assert [hit.rule for hit in INSPECTOR.inspect("a", len(content), 0, iter(pieces))] == ["npm-token"]


def test_what_of_an_object_of_git_cannot_be_read_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "GIT_OBJECT_BYTES", 1 << 20)
    token = f"NPM_TOKEN={TOKEN}\n".encode()
    bomb, cut = committed(token + bytes(64 << 20)), committed(token + random.Random(4).randbytes(2000))[:-500]
    broken = cut[:-200] + bytes(200)
    for content, why in (
        (bomb, f"credentials were looked for in the first {1 << 20} bytes of what is packed in it"),
        (cut, "it is damaged; credentials were looked for in what is before that"),
        (broken, "it is damaged; credentials were looked for in what is before that"),
    ):
        hit, unknown = INSPECTOR.inspect("a", len(content), 0, iter([content]))

        assert isinstance(hit, Secret)
        assert unknown == Unknown("a", why, incomplete=True)


@pytest.mark.parametrize("packed", [gzip.compress(b"text"), lzma.compress(b"text"), b"PK\x03\x04" + bytes(40)])
@pytest.mark.parametrize("large", [False, True])
def test_a_script_with_something_packed_behind_it_is_told(packed: bytes, large: bool) -> None:
    content = f"#!/bin/sh\nNPM_TOKEN={TOKEN}\nexit\n".encode() + packed + bytes(2 << 20 if large else 10)
    found = list(INSPECTOR.inspect("srv/app.run", len(content), 0, iter([content])))

    assert [hit.rule for hit in found if isinstance(hit, Secret)] == ["npm-token"]
    assert [(one.what, one.why) for one in found if isinstance(one, Unknown)] == [
        (
            "srv/app.run",
            "credentials were looked for in the script; what is compressed behind it was not looked into",
        )
    ]
