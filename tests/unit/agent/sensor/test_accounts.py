"""Names of users and groups from the machine's own files."""

from pathlib import Path

import pytest

from hullguard.agent.sensor import accounts
from hullguard.agent.sensor.accounts import Accounts
from hullguard.model.event import Process

ACTOR = Process(pid=1, uid=33, gid=5, login_uid=1000)


@pytest.fixture
def etc(tmp_path: Path) -> Path:
    (tmp_path / "passwd").write_text(
        "root:x:0:0::/:/bin/sh\nwww-data:x:33:33::/:/x\nann:x:1000:1000::/home/ann:/bin/sh\n"
    )
    (tmp_path / "group").write_text("tty:x:5:\n")
    return tmp_path


def test_a_process_of_the_host_gets_the_names_of_the_hosts_files(etc: Path) -> None:
    named = Accounts(etc).named(ACTOR, "host")

    assert (named.user_name, named.group_name, named.login_name) == ("www-data", "tty", "ann")


def test_one_in_a_container_only_that_of_who_signed_in(etc: Path) -> None:
    named = Accounts(etc).named(ACTOR, "c" * 64)

    assert (named.user_name, named.group_name, named.login_name) == (None, None, "ann")


def test_files_that_change_are_read_again(etc: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accounts, "_LOOK_SECONDS", 0.0)
    names = Accounts(etc)
    assert names.named(ACTOR, "host").user_name == "www-data"

    (etc / "passwd").write_text("web:x:33:33::/:/x\nsecond:x:33:33::/:/x\n")
    assert names.named(ACTOR, "host").user_name == "web"

    (etc / "passwd").unlink()
    assert names.named(ACTOR, "host").user_name is None


@pytest.mark.parametrize("line", ["", "x", "x:y:z:", "x:y:-1:", "x:y:²:", f"x:y:{'9' * 5000}:", "\udcff:x:33"])
def test_lines_that_say_nothing_are_left_out(etc: Path, line: str) -> None:
    (etc / "passwd").write_bytes(line.encode(errors="surrogateescape") + b"\nlast:x:1000:\n")

    assert Accounts(etc).named(ACTOR, "host").login_name == "last"
