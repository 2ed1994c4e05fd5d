"""Many things that are alike become one, and nothing that matters goes with them."""

from hypothesis import given
from hypothesis import strategies as st

from hullguard.model.condense import MANY_ALIKE, condensed
from hullguard.model.profile import Behaviour

MANY = range(MANY_ALIKE + 1)
WRITES = st.tuples(st.just(Behaviour.WRITE), st.from_regex(r"\A/[a-c](/[a-d]){1,4}(/\*)?\Z"))


def test_files_of_one_directory_become_one_once_they_are_many():
    few = [(Behaviour.WRITE, f"/srv/data/{n}.db") for n in range(MANY_ALIKE)]
    many = [(Behaviour.WRITE, f"/srv/data/{n}.db") for n in MANY]

    assert set(condensed(few).values()) == set(few)
    assert set(condensed(many).values()) == {(Behaviour.WRITE, "/srv/data/*")}


def test_networks_at_one_port_become_all():
    many = [(Behaviour.CONNECT, f"tcp 93.184.{n}.0/24 443") for n in MANY]
    other = (Behaviour.CONNECT, "tcp 10.0.0.0/24 5432")

    becomes = condensed([*many, other])
    assert {becomes[each] for each in many} == {(Behaviour.CONNECT, "tcp 0.0.0.0/0 443")}
    assert becomes[other] == other


def test_programs_settings_and_what_lies_at_the_top_stay_apart():
    for directory in ("/usr/bin", "/etc/cron.d", "/data"):
        many = [(Behaviour.WRITE, f"{directory}/{n}") for n in MANY]
        assert set(condensed(many).values()) == set(many)
    programs = [(Behaviour.EXEC, f"/srv/app/bin/{n}") for n in MANY]
    assert set(condensed(programs).values()) == set(programs)


def test_what_a_wider_entry_says_already_goes_into_it():
    wide, narrow = (Behaviour.WRITE, "/srv/data/*"), (Behaviour.WRITE, "/srv/data/x")

    assert condensed([wide, narrow]) == {wide: wide, narrow: wide}


@given(st.lists(WRITES, max_size=40))
def test_every_entry_stays_covered(entries: list[tuple[Behaviour, str]]):
    becomes = condensed(entries)

    assert set(becomes) == set(entries)
    for (deed, what), (wide_deed, wide) in becomes.items():
        assert deed is wide_deed
        assert what == wide or (wide.endswith("/*") and what.startswith(wide[:-1]))
