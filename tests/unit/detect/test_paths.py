import pytest
from hypothesis import given
from hypothesis import strategies as st

from hullguard.detect.paths import LONGEST, complaint, matches


@pytest.mark.parametrize("pattern", ["/etc/shadow", "/root/.ssh/*", "/*", "/a b/ü"])
def test_these_are_patterns(pattern):
    assert complaint(pattern) is None


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("", "absolute"),
        ("etc/shadow", "absolute"),
        ("*", "absolute"),
        ("/etc/*.conf", "wildcard"),
        ("/e?c", "wildcard"),
        ("/*/x", "wildcard"),
        ("/etc/[ab]", "wildcard"),
        ("/etc/../x", "plain"),
        ("/etc/./x", "plain"),
        ("/etc//x", "plain"),
        ("/etc/", "plain"),
        ("/", "plain"),
        ("/a\0b", "control"),
        ("/a\nb", "control"),
        ("/" + "x" * LONGEST, "longer"),
        ("/" + "ü" * (LONGEST // 2), "longer"),
    ],
)
def test_these_are_not_and_it_says_why(pattern, words):
    assert words in complaint(pattern)


def test_a_directory_covers_all_below_but_not_itself():
    assert matches("/root/.ssh/a/b", ["/root/.ssh/*"])
    assert not matches("/root/.ssh", ["/root/.ssh/*"])
    assert not matches("/root/.sshd/x", ["/root/.ssh/*"])


PATHS = st.lists(st.text(st.characters(categories=("L", "N")), min_size=1, max_size=5), min_size=1, max_size=5).map(
    lambda parts: "/" + "/".join(parts)
)


@given(PATHS)
def test_a_path_matches_itself_and_every_directory_above(path):
    assert complaint(path) is None
    assert matches(path, [path])
    above = path.rpartition("/")[0]
    while above:
        assert matches(path, [f"{above}/*"])
        above = above.rpartition("/")[0]
    assert matches(path, ["/*"])


@given(PATHS, PATHS)
def test_a_plain_pattern_matches_nothing_else(path, other):
    assert matches(path, [other]) == (path == other)
