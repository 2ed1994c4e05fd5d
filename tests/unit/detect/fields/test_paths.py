"""Names of files."""

import pytest
from tests.support.events import event, process

from hullguard.detect.fields.paths import absolute, base_of, by_other_names, directory_of, normal
from hullguard.model.event import EventKind


@pytest.mark.parametrize(
    ("written", "means"),
    [
        ("/etc//shadow", "/etc/shadow"),
        ("/tmp/../etc/./shadow", "/etc/shadow"),
        ("/../../etc", "/etc"),
        ("/", "/"),
        ("/etc/", "/etc"),
    ],
)
def test_paths_are_put_in_order_by_their_letters(written: str, means: str) -> None:
    assert normal(written) == means


def test_what_a_relative_path_counts_from() -> None:
    happened = event(lineage=(process(cwd="/srv"),))

    assert absolute(happened, "a") == "/srv/a"
    assert absolute(event(lineage=(process(cwd=None),)), "a") is None
    assert absolute(happened, "") is None


def test_a_file_has_all_its_names() -> None:
    happened = event(EventKind.FILE_OPEN, path="/usr/bin/su", raw_path="/bin/su", known_as="/sbin/su")

    assert [other.path for other in by_other_names(happened)] == ["/bin/su", "/sbin/su"]


def test_one_name_is_judged_once() -> None:
    assert by_other_names(event(EventKind.FILE_OPEN, path="/a/b", raw_path="/a/./b")) == ()
    assert by_other_names(event(EventKind.EXEC, path="/usr/bin/su", raw_path="/bin/su")) == ()


def test_parts() -> None:
    assert (directory_of("/etc/shadow"), base_of("/etc/shadow")) == ("/etc", "shadow")
    assert (directory_of("/etc"), base_of("/etc")) == ("/", "etc")
