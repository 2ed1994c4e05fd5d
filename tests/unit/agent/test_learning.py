"""What a node tells of containers whose image is being learned: each new thing once, with counts that add up."""

from datetime import timedelta

import msgspec
import pytest
from tests.support.events import AT, RUNTIME, event, policies, process

from hullguard.agent.learning import AGAIN_SECONDS, TELL_SECONDS, Learner
from hullguard.model.condense import MOST_ENTRIES
from hullguard.model.event import ContainerRef, Event, EventKind, ImageRef, OpenFile
from hullguard.model.policy import NodePolicies
from hullguard.model.profile import Behaviour, Profile, ProfileState
from hullguard.wire.limits import BATCH_TALLIES
from hullguard.wire.messages import Learned

NGINX = Profile("p1", "nginx", ProfileState.LEARNING, 3)


class Node:
    def __init__(self, *profiles: Profile) -> None:
        self.time = 0.0
        self.told: list[Learned] = []
        self.learner = Learner(lambda learned: self.told.append(learned) is None, lambda: self.time)
        self.load(*profiles)

    def load(self, *profiles: Profile) -> None:
        self.learner.load(msgspec.structs.replace(policies(), profiles=profiles))

    def see(self, *events: Event) -> list[Learned]:
        """Whatever is told once these were seen and the time to tell has come."""
        for each in events:
            self.learner.note(each)
        self.told.clear()
        self.time += TELL_SECONDS
        self.learner.tell()
        return list(self.told)


def ran(path: str, container: str = "a", **changes: object) -> Event:
    return event(path=path, container=ContainerRef(container), lineage=(RUNTIME, process(exe=path)), **changes)


def wrote(path: str, container: str = "a") -> Event:
    return event(
        EventKind.FILE_OPEN,
        path=path,
        writes=True,
        file=OpenFile(),
        container=ContainerRef(container),
        lineage=(RUNTIME, process(exe="/bin/sh")),
    )


@pytest.fixture
def node() -> Node:
    return Node(NGINX)


def counts(learned: list[Learned]) -> dict[tuple[Behaviour, str], tuple[int, int]]:
    return {(each.deed, each.what): (each.times, each.containers) for one in learned for each in one.tallies}


def test_what_is_new_is_told_with_how_often_and_in_how_many_containers(node: Node):
    told = node.see(ran("/bin/sh"), ran("/bin/sh"), ran("/bin/sh", "b"), wrote("/srv/x", "b"))

    assert counts(told) == {(Behaviour.EXEC, "/bin/sh"): (3, 2), (Behaviour.WRITE, "/srv/x"): (1, 1)}
    assert [(each.profile, each.generation, each.containers) for each in told] == [("p1", 3, 2)]


def test_nothing_is_told_twice(node: Node):
    node.see(ran("/bin/sh"))

    assert node.see(ran("/bin/sh")) == []
    told = node.see(ran("/bin/sh", "b"))
    assert counts(told) == {(Behaviour.EXEC, "/bin/sh"): (2, 1)}
    assert told[0].containers == 1


def test_what_goes_on_is_told_again_after_an_hour(node: Node):
    node.see(ran("/bin/sh"))
    node.see(ran("/bin/sh", at=AT + timedelta(minutes=1)))
    node.time += AGAIN_SECONDS

    assert counts(node.see()) == {(Behaviour.EXEC, "/bin/sh"): (1, 0)}


def test_it_waits_between_two_tellings(node: Node):
    node.learner.note(ran("/bin/sh"))
    node.learner.tell()

    assert node.told == []


def test_the_programs_above_are_learned_too_for_they_began_before(node: Node):
    above = process(exe="/usr/sbin/nginx", pid=150)
    told = node.see(event(path="/bin/sh", lineage=(RUNTIME, above, process())))

    assert set(counts(told)) == {(Behaviour.EXEC, "/usr/sbin/nginx"), (Behaviour.EXEC, "/bin/sh")}


@pytest.mark.parametrize(
    "elsewhere",
    [
        pytest.param(ran("/bin/sh", image=ImageRef("i", "redis:7")), id="another image"),
        pytest.param(ran("/bin/sh", image=None), id="an image that is not known"),
    ],
)
def test_other_images_are_not_learned(node: Node, elsewhere: Event):
    assert node.see(elsewhere) == []


@pytest.mark.parametrize("state", [ProfileState.MONITOR, ProfileState.PROTECT])
def test_what_is_in_force_is_not_learned(state: ProfileState):
    assert Node(msgspec.structs.replace(NGINX, state=state)).see(ran("/bin/sh")) == []


def test_new_policies_do_not_make_it_forget_but_learning_anew_does(node: Node):
    node.see(ran("/bin/sh"))
    node.load(NGINX)
    assert node.see(ran("/bin/sh")) == []

    node.load(msgspec.structs.replace(NGINX, generation=4))
    assert [each.generation for each in node.see(ran("/bin/sh"))] == [4]


def test_entries_are_bounded_and_what_has_no_room_is_counted(node: Node):
    told = node.see(*(ran(f"/opt/{number}") for number in range(MOST_ENTRIES + 5)))

    assert sum(len(each.tallies) for each in told) == MOST_ENTRIES
    assert max(len(each.tallies) for each in told) == BATCH_TALLIES
    assert (sum(each.dropped for each in told), sum(each.containers for each in told)) == (5, 1)


def test_room_is_made_of_what_is_alike(node: Node):
    told = node.see(*(wrote(f"/srv/data/n{number}x") for number in range(MOST_ENTRIES + 5)))

    assert (Behaviour.WRITE, "/srv/data/*") in counts(told)
    assert sum(each.dropped for each in told) == 0


def test_without_profiles_nothing_is_looked_at():
    learner = Learner(lambda learned: False)
    learner.load(NodePolicies(1, "h", ()))
    learner.note(ran("/bin/sh"))
