"""Credentials of rules that go by the file's name, where that is the name of a link."""

from pathlib import Path

import pytest
from tests.support.images import Entry, Image, file, hardlink, layer, symlink

from hullguard.inventory import read

MY_CNF = b"[client]\nuser=root\npassword=Zx81kqPw73\n"


@pytest.mark.parametrize(
    ("entries", "place"),
    [
        ([file("b/bbb", MY_CNF), hardlink("root/.my.cnf", "b/bbb")], "root/.my.cnf"),
        ([file("b/bbb", MY_CNF), symlink("root/.my.cnf", "/b/bbb")], "root/.my.cnf"),
        ([symlink("b", "srv"), file("b/bbb", MY_CNF), symlink("root/.my.cnf", "../b/bbb")], "root/.my.cnf"),
        ([file("b/bbb", MY_CNF), symlink("b/ccc", "bbb"), symlink("root/.my.cnf", "/b/ccc")], "root/.my.cnf"),
        ([file("b/.my.cnf", MY_CNF), symlink("root/.my.cnf", "/b/.my.cnf")], "b/.my.cnf"),
        ([file("b/.my.cnf", MY_CNF), hardlink("root/.my.cnf", "b/.my.cnf")], "b/.my.cnf"),
        ([file("b/bbb", MY_CNF), symlink("root/.my.cnf", "/b")], ""),
        ([file("b/bbb", MY_CNF)], ""),
    ],
)
@pytest.mark.parametrize("in_layers", [False, True])
def test_a_credential_that_is_known_by_the_files_name_is_found_by_a_links(
    entries: list[Entry], place: str, in_layers: bool, tmp_path: Path
) -> None:
    layers = [layer(entry) for entry in entries] if in_layers else [layer(*entries)]

    found = read(str(Image(layers).docker_archive(tmp_path / "i.tar")), scanners=frozenset({"secret"}))

    assert [(one.path, one.deleted) for one in found.secrets] == ([(place, False)] if place else [])
    assert found.complete


def test_a_credential_is_shown_under_one_name_only(tmp_path: Path) -> None:
    token = b"password=Zx81kqPw73\n[client]\nghp_" + b"16C7e42F292c6912E7710c838347Ae178B4a" + b"\n" + MY_CNF
    entries = [file("b/bbb", token), hardlink("root/.my.cnf", "b/bbb"), symlink("home/.my.cnf", "/b/bbb")]

    found = read(str(Image([layer(*entries)]).docker_archive(tmp_path / "i.tar")), scanners=frozenset({"secret"}))

    assert {one.path for one in found.secrets} == {"home/.my.cnf"}
    assert len({one.rule for one in found.secrets}) == len(found.secrets) == 2
