"""Accounts: an empty password is told, so is a second root, and what distributions ship is no finding."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.images import Image, file, layer, whiteout

from hullguard.inventory import bounds, read
from hullguard.inventory.content.accounts import AccountInspector
from hullguard.model.content import Misconfiguration
from hullguard.model.package import Unknown
from hullguard.model.severity import Severity

INSPECTOR = AccountInspector()
# As Debian 12, Alpine 3.18 and Rocky Linux 9 ship theirs, in parts.
PASSWD = (
    "root:x:0:0:root:/root:/bin/bash\ndaemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin\nbin:x:2:2:bin:/bin:/usr/sbin/nologin\n"
    "operator:x:11:0:operator:/root:/sbin/nologin\nnobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n"
)
SHADOW = "root:*:19000:0:99999:7:::\ndaemon:!:19000:0:99999:7:::\nbin:!!:19000:0:99999:7:::\nme:$6$a$b:19000::::::\n"
GROUP = "root:x:0:root\ndaemon:x:1:\nadm:x:4:root,daemon\nusers:x:100:\nnobody:x:65534:\n"


def said(path: str, content: str) -> list[tuple[str, str]]:
    assert INSPECTOR.wants(path, len(content), 0o644, b"")
    found = list(INSPECTOR.inspect(path, len(content), 0o644, iter([content.encode()])))
    return [(one.id, one.message) for one in found if isinstance(one, Misconfiguration)]


@pytest.mark.parametrize(
    ("path", "content"), [("etc/passwd", PASSWD), ("etc/shadow", SHADOW), ("etc/group", GROUP), ("etc/passwd", "")]
)
def test_what_distributions_ship_is_no_finding(path: str, content: str) -> None:
    assert said(path, content) == []


@pytest.mark.parametrize(
    ("path", "line", "finding"),
    [
        ("etc/shadow", "root::14871::::::", ("HG-DI-0021", "/etc/shadow: no password is asked of 'root'")),
        ("etc/passwd", "app::1000:1000::/:/bin/sh", ("HG-DI-0021", "/etc/passwd: no password is asked of 'app'")),
        ("etc/passwd", "toor:x:0:0::/root:/bin/sh", ("HG-DI-0022", "/etc/passwd: 'toor' have the number of root")),
        ("etc/passwd", "toor:x:00:0::/root:/bin/sh", ("HG-DI-0022", "/etc/passwd: 'toor' have the number of root")),
        ("etc/passwd", "app:x:2:2::/:/bin/sh", ("HG-DI-0023", "/etc/passwd: 'app', 'bin' share their number")),
        ("etc/passwd", "bin:x:7:7::/:/bin/sh", ("HG-DI-0023", "/etc/passwd: 'bin' stand there more than once")),
        ("etc/group", "wheel:x:1:", ("HG-DI-0023", "/etc/group: 'daemon', 'wheel' share their number")),
        ("etc/group", "adm:x:5:", ("HG-DI-0023", "/etc/group: 'adm' stand there more than once")),
    ],
)
def test_a_careless_account_is_found(path: str, line: str, finding: tuple[str, str]) -> None:
    whole = {"etc/passwd": PASSWD, "etc/group": GROUP, "etc/shadow": SHADOW.replace("root:*:19000:0:99999:7:::\n", "")}

    assert said(path, f"{whole[path]}{line}\n") == [finding]


def test_many_accounts_are_one_finding() -> None:
    lines = "".join(f"a{number}::1:::::\n" for number in range(9))

    assert said("etc/shadow", lines) == [
        ("HG-DI-0021", "/etc/shadow: no password is asked of 'a0', 'a1', 'a2', 'a3', 'a4', …")
    ]


@pytest.mark.parametrize("line", ["+::::::", "-me:x:0:0:::", "#app::1000:", "no entry", ":", "root", "x:y:z:0"])
def test_what_is_no_entry_is_none(line: str) -> None:
    assert [found for found in said("etc/passwd", f"{PASSWD}{line}\n") if found[0] != "HG-DI-0021"] == []


@pytest.mark.parametrize("path", ["etc/passwd-", "srv/etc/passwd", "etc/gshadow", "etc/shadow/a"])
def test_other_files_are_not_read(path: str) -> None:
    assert not INSPECTOR.wants(path, 10, 0o644, b"")


def test_a_file_without_end_is_read_in_part_and_that_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "ACCOUNTS_BYTES", 20)
    content = b"root:*:19000:0:999:7:::\napp::1::::::\n"
    (found,) = INSPECTOR.inspect("etc/shadow", len(content), 0o600, iter([content[:7], content[7:]]))

    assert isinstance(found, Unknown)
    assert (found.why, found.incomplete) == ("of its 37 bytes accounts were looked for in the first 20", True)


def test_what_a_later_layer_mends_is_no_finding(tmp_path: Path) -> None:
    lower = layer(file("etc/shadow", "root::1::::::\n"), file("etc/passwd", PASSWD))

    def found(*layers: bytes) -> list[tuple[str, Severity, str | None]]:
        path = str(Image([*layers]).docker_archive(tmp_path / "image.tar"))
        config = read(path, scanners=frozenset({"config"})).config
        return [(one.id, one.severity, one.path) for one in config if one.id >= "HG-DI-002"]

    assert found(lower) == [("HG-DI-0021", Severity.HIGH, "etc/shadow")]
    assert found(lower, layer(file("etc/shadow", SHADOW))) == []
    assert found(lower, layer(whiteout("etc/shadow"))) == []


@given(st.binary(max_size=300), st.sampled_from(["etc/passwd", "etc/shadow", "etc/group"]))
def test_any_bytes_are_judged(content: bytes, path: str) -> None:
    found = list(INSPECTOR.inspect(path, len(content), 0o644, iter([content])))

    assert all(isinstance(one, Misconfiguration) and one.message.isprintable() for one in found)
