"""What an event is in the words of a profile, and what a profile covers."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.events import event

from hullguard.detect import paths
from hullguard.detect.profiles import Done, Known, complaint, done, general, network, profile_of, rarity, repository
from hullguard.model.event import Endpoint, Event, EventKind, OpenFile, Socket
from hullguard.model.profile import Behaviour, Entry, Profile, ProfileState

NAMES = st.text(st.characters(codec="utf-8", exclude_characters="/\0*", exclude_categories=("Cc", "Cs")), min_size=1)
PATHS = st.lists(NAMES.filter(lambda name: name not in {".", ".."}), min_size=1, max_size=8).map(
    lambda parts: "/" + "/".join(parts)
)


def written(path: str, **changes: object) -> Event:
    return event(EventKind.FILE_OPEN, path=path, writes=True, file=OpenFile(), result=3, **changes)


def connected(address: str, port: int = 0, *, family: str = "ipv4", kind: str = "stream") -> Event:
    return event(EventKind.CONNECT, socket=Socket(family, kind, remote=Endpoint(address, port)))


def known(*whats: tuple[Behaviour, str]) -> Known:
    return Known(Entry(deed, what, 1) for deed, what in whats)


@pytest.mark.parametrize(
    ("image", "name"),
    [
        ("nginx:1.25", "nginx"),
        ("registry:5000/a/b", "registry:5000/a/b"),
        ("registry:5000/a/b:v1@sha256:aa", "registry:5000/a/b"),
        ("", ""),
    ],
)
def test_every_build_of_an_image_shares_its_name(image: str, name: str):
    assert repository(image) == name


def test_a_profile_is_found_by_the_images_name():
    profile = Profile("p", "nginx", ProfileState.MONITOR, 1)

    assert profile_of([profile], "nginx:1.25") is profile
    assert profile_of([profile], "nginx-exporter:1") is None
    assert profile_of([profile], None) is None


@pytest.mark.parametrize(
    ("path", "pattern"),
    [
        ("/var/log/nginx/access.log", "/var/log/nginx/access.log"),
        ("/tmp/a/b", "/tmp/*"),
        ("/proc/4711/oom_score_adj", "/proc/*"),
        ("/var/lib/pg/base/16384/2601", "/var/lib/pg/base/*"),
        ("/data/550e8400-e29b-41d4-a716-446655440000/x", "/data/*"),
        ("/data/tmpa8d3kq2z", "/data/*"),
        ("/data/upload.Xa81Tz", "/data/*"),
        ("/data/blobs/9f86d081884c7d659a2feaa0c55ad015", "/data/blobs/*"),
        ("/usr/lib/python3.11/site-packages/x.pyc", "/usr/lib/python3.11/site-packages/x.pyc"),
        ("/usr/lib/tmpabcdef12/x", "/usr/lib/tmpabcdef12/x"),
        ("/usr/lib/app/tmpabcdef12/x", "/usr/lib/app/*"),
        ("/srv/app/config.yaml", "/srv/app/config.yaml"),
    ],
)
def test_a_random_name_stands_for_its_directory(path: str, pattern: str):
    assert general(path) == pattern


@given(PATHS)
def test_a_pattern_covers_the_path_that_it_was_made_of_and_fits_into_the_kernels_filter(path: str):
    pattern = general(path)

    assert paths.covers(pattern, path)
    assert paths.unusable(pattern) is None
    assert pattern != "/*"


@pytest.mark.parametrize("character", ["a", "ł", "猫", "\U0001f433", "\udc80"])
@pytest.mark.parametrize("rest", ["", "/b/c"])
def test_a_name_longer_than_any_pattern_stands_for_how_it_begins(character: str, rest: str):
    path = f"/{character * 255}{rest}"
    pattern = general(path)

    assert paths.covers(pattern, path)
    assert paths.unusable(pattern) is None
    assert not paths.covers(pattern, "/etc/passwd")


@given(st.ip_addresses())
def test_an_address_is_in_its_network(address: ipaddress.IPv4Address | ipaddress.IPv6Address):
    assert address in ipaddress.ip_network(network(str(address)))


@given(st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)), st.integers(1, 65_535), st.sampled_from(["tcp", "udp"]))
def test_what_was_learned_of_a_connection_covers_it(address: object, port: int, transport: str):
    family = "ipv4" if "." in str(address) else "ipv6"
    seen = done(connected(str(address), port, family=family, kind={"tcp": "stream", "udp": "datagram"}[transport]))

    assert seen is not None
    assert complaint(Behaviour.CONNECT, seen.what) is None
    assert known((seen.deed, seen.what)).cover(seen)
    assert not known((Behaviour.CONNECT, "unix /run/x")).cover(seen)


def test_programs_are_known_by_their_whole_path():
    assert done(event(path="/usr/lib/jvm/17/bin/java")) == Done(
        Behaviour.EXEC, "/usr/lib/jvm/17/bin/java", "/usr/lib/jvm/17/bin/java"
    )
    assert done(event(path="/tmp/x/y", new_file=True)) == Done(Behaviour.EXEC, "/tmp/x/y", "/tmp/*")


@pytest.mark.parametrize(
    "nothing",
    [
        pytest.param(event(EventKind.FILE_OPEN, path="/etc/passwd", reads=True), id="reads"),
        pytest.param(event(EventKind.FILE_OPEN, path="/a", writes=True, result=-13), id="was refused"),
        pytest.param(written("/dev/null"), id="null"),
        pytest.param(written("/dev/pts/0"), id="a terminal"),
        pytest.param(event(EventKind.CONNECT, socket=Socket("netlink", "raw")), id="netlink"),
        pytest.param(
            event(EventKind.CONNECT, socket=Socket("ipv4", "stream", remote=Endpoint("::1", 1), inbound=True)),
            id="inbound",
        ),
        pytest.param(connected("@/tmp/.X11-unix/X0", family="unix"), id="abstract"),
        pytest.param(connected("x.sock", family="unix"), id="a path that nobody could follow"),
        pytest.param(event(EventKind.EXIT), id="another kind"),
    ],
)
def test_what_profiles_do_not_speak_of(nothing: Event):
    assert done(nothing) is None


@pytest.mark.parametrize(
    ("made", "deed", "what"),
    [
        (written("/var/log/x.log"), Behaviour.WRITE, "/var/log/x.log"),
        (connected("10.0.3.7", 5432), Behaviour.CONNECT, "tcp 10.0.3.0/24 5432"),
        (connected("10.0.3.7", 50_000), Behaviour.CONNECT, "tcp 10.0.3.0/24 *"),
        (connected("2001:db8::1", 443, family="ipv6"), Behaviour.CONNECT, "tcp 2001:db8::/64 443"),
        (connected("127.0.0.11", 53, kind="datagram"), Behaviour.CONNECT, "udp 127.0.0.0/8 53"),
        (connected("/run/app.sock", family="unix"), Behaviour.CONNECT, "unix /run/*"),
    ],
)
def test_what_they_speak_of(made: Event, deed: Behaviour, what: str):
    found = done(made)

    assert found is not None
    assert (found.deed, found.what) == (deed, what)


def test_a_name_that_nobody_could_read_is_written_as_escapes():
    found = done(written("/srv/a\nb"))

    assert found is not None
    assert found.what == "/srv/a\\nb"


def test_a_profile_covers_what_its_entries_cover_and_nothing_else():
    profile = known((Behaviour.EXEC, "/bin/sh"), (Behaviour.WRITE, "/data/*"), (Behaviour.CONNECT, "tcp 10.0.0.0/8 *"))

    def covers(deed: Behaviour, thing: str) -> bool:
        return profile.cover(Done(deed, thing, thing))

    assert covers(Behaviour.EXEC, "/bin/sh")
    assert covers(Behaviour.WRITE, "/data/a/b")
    assert covers(Behaviour.CONNECT, "tcp 10.9.9.9 1")
    assert not covers(Behaviour.EXEC, "/bin/sh2")
    assert not covers(Behaviour.EXEC, "/data/a")
    assert not covers(Behaviour.WRITE, "/data2")
    assert not covers(Behaviour.CONNECT, "udp 10.9.9.9 1")
    assert not covers(Behaviour.CONNECT, "tcp 11.0.0.1 1")
    assert not covers(Behaviour.CONNECT, "tcp ::1 1")


def test_what_a_person_removed_is_not_covered_but_remembered():
    refused = Entry(Behaviour.EXEC, "/bin/nc", 3, accepted=False)
    deed = Done(Behaviour.EXEC, "/bin/nc", "/bin/nc")

    assert not Known([refused]).cover(deed)
    assert Known([refused]).refused(deed) is refused
    assert Known([]).refused(deed) is None


@given(st.integers(0, 10_000), st.integers(0, 10_000))
def test_rareness_grows_with_what_is_known_and_falls_with_what_was_seen(seen: int, containers: int):
    score = rarity(seen, containers)

    assert 0 <= score <= 100
    assert rarity(seen, containers + 1) >= score or seen > containers
    assert rarity(seen + 1, containers) <= score


def test_nothing_seen_in_two_containers_says_less_than_in_five_hundred():
    assert (rarity(0, 2), rarity(0, 500), rarity(500, 500)) == (75, 100, 0)


@pytest.mark.parametrize(
    ("deed", "what"),
    [
        (Behaviour.EXEC, "bin/sh"),
        (Behaviour.WRITE, "/a/*/b"),
        (Behaviour.CONNECT, "tcp 10.0.0.0/8"),
        (Behaviour.CONNECT, "sctp 10.0.0.0/8 1"),
        (Behaviour.CONNECT, "tcp 10.0.0.1/8 1"),
        (Behaviour.CONNECT, "tcp 10.0.0.0/8 0"),
        (Behaviour.CONNECT, "tcp 10.0.0.0/8 65536"),
        (Behaviour.CONNECT, "tcp 10.0.0.0/8 ²"),
        (Behaviour.CONNECT, "unix run/x"),
    ],
)
def test_an_entry_that_could_not_be_is_refused(deed: Behaviour, what: str):
    assert complaint(deed, what) is not None
