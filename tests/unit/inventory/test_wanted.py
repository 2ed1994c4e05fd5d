"""Names under which a file is wanted, its own or that of a link which leads to it."""

from hypothesis import given
from hypothesis import strategies as st

from hullguard.inventory import bounds
from hullguard.inventory.analyzers.catalog import ANALYZERS
from hullguard.inventory.wanted import Wanted

PART = st.sampled_from(["a", "b", "a-b", "info", "status", "x.list"])
PATH = st.lists(PART, min_size=1, max_size=4).map("/".join)
LOGICAL = st.sampled_from(["var/lib/dpkg", "var/lib/dpkg/info", "var/lib/dpkg/status", "etc/os-release", "srv"])


def one_by_one(wanted: Wanted, path: str) -> str | None:
    """The rule itself: the first alias that fits, in their order."""
    for real, logical in wanted.aliases:
        if path == real:
            return logical
        if path.startswith(real + "/") and (name := Wanted(ANALYZERS).logical(logical + path[len(real) :])):
            return name
    return None


@given(st.lists(st.tuples(PATH, LOGICAL), max_size=6), PATH)
def test_any_number_of_aliases_gives_what_trying_one_after_the_other_would(
    aliases: list[tuple[str, str]], path: str
) -> None:
    wanted = Wanted(ANALYZERS, aliases)

    assert wanted.logical(path) == one_by_one(wanted, path)


def test_a_directory_stands_for_the_wanted_one() -> None:
    wanted = Wanted(ANALYZERS, [("opt/db", "var/lib/dpkg"), ("opt/os", "etc/os-release")])

    assert wanted.logical("opt/db/status") == "var/lib/dpkg/status"
    assert wanted.logical("opt/db/other") is None
    assert wanted.logical("opt/dbs/status") is None
    assert wanted.logical("opt/os") == "etc/os-release"


def test_only_so_many_names_are_tried_of_a_file_below_links_to_one_directory() -> None:
    wanted = Wanted(ANALYZERS, [*((place, f"x{n:03}") for place in ("", "a") for n in range(40)), ("a", "y")])

    assert len(list(wanted._renamed("a/b"))) == bounds.LINKS_TO_A_DIRECTORY == 32
    assert len(list(wanted._renamed("a"))) == 32 + 41
    assert [name for name, _ in wanted.crowded] == [""] * 8 + ["a"] * 41


NAME = st.text(alphabet="a=:/\n\",[]'", min_size=1, max_size=4)
ALIASES = st.lists(st.tuples(NAME, NAME), max_size=3)


@given(ALIASES, ALIASES)
def test_wishes_have_one_signature_only_if_they_are_the_same(
    one: list[tuple[str, str]], other: list[tuple[str, str]]
) -> None:
    same = Wanted([], one).signature == Wanted([], other).signature

    assert same is (set(one) == set(other))
    assert Wanted([], [("a", "b=c")]).signature != Wanted([], [("a=b", "c")]).signature
