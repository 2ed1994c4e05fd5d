"""Which observations belong together, and what they tell, without a database."""

import random
from datetime import datetime, timedelta

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.attack import CHAIN, attack, seen, web_server
from tests.support.database import START
from tests.support.records import report, vulnerability

from hullguard.model.attack import Tactic, tactic_of
from hullguard.model.event import Endpoint, EventKind, Process
from hullguard.model.incident import AtStake, Deed, Loaded, Observation
from hullguard.model.package import Package, PackageType, Unknown
from hullguard.model.report import ReportedPackage, ScanReport
from hullguard.model.severity import Severity
from hullguard.storage import stories, story_facts, story_stakes
from hullguard.storage.stories import MOST_STEPS, WINDOW, Account, account_of, clusters, keys_of, merged, root_of
from hullguard.storage.story_stakes import KnownImage

SECOND = timedelta(seconds=1)


def accounts(observations: list[Observation]) -> list[Account]:
    return [account_of("node-1", each) for each in observations]


def whole(observations: list[Observation]) -> Account:
    (group,) = clusters(accounts(observations))
    return merged(group)


def parts(observations: list[Observation]) -> set[frozenset[str]]:
    return {frozenset(each.lead.id for each in group) for group in clusters(accounts(observations))}


class TestRoots:
    def test_the_root_is_what_the_runtime_started(self):
        shim, sh, cat = Process(10, 1, outside=True), Process(20, 10), Process(30, 20)
        assert root_of((shim, sh, cat)) == sh

    def test_the_first_process_of_a_container_is_a_root_without_its_runtime(self):
        init = Process(20, 0, vpid=1)
        assert root_of((init, Process(30, 20))) == init

    def test_a_lineage_that_begins_somewhere_has_no_known_root(self):
        assert root_of((Process(20, 0, vpid=7), Process(30, 20))) is None
        assert root_of((Process(20, 0, outside=True),)) is None
        assert root_of(()) is None

    def test_clocks_that_drift_by_microseconds_do_not_split_an_attack(self):
        one, other = (
            seen(1, lineage=(web_server(), Process(50, 7, started=START)), root_drift=timedelta(microseconds=drift))
            for drift in (0, 400)
        )
        assert keys_of("n", one) == keys_of("n", other)

    def test_no_key_is_shared_between_nodes_or_containers(self):
        here = seen(1)
        assert keys_of("a", here).isdisjoint(keys_of("b", here))
        assert keys_of("a", here).isdisjoint(keys_of("a", seen(1, on="f" * 64)))

    def test_what_is_told_of_the_host_is_joined_by_its_rule(self):
        tampered, ended = (seen(1, rule=rule, on="host") for rule in ("agent.tampered", "agent.ended"))
        assert keys_of("a", tampered).isdisjoint(keys_of("a", ended))
        assert keys_of("a", tampered) == keys_of("a", seen(9, rule="agent.tampered", on="host"))


class TestJoining:
    def test_an_attack_is_one_incident(self):
        assert parts(attack()) == {frozenset(each.id for each in attack())}

    def test_a_daemon_that_was_adopted_is_known_by_its_session(self):
        shell = Process(50, 7, "sh", session=50, started=START)
        adopted = Process(60, 1, "miner", session=50, started=START + SECOND)
        exec_root = Process(50, 9, "sh", session=50, started=START)
        shim = Process(9, 1, outside=True)
        first = seen(1, lineage=(shim, exec_root))
        late = seen(2, at=START + SECOND, lineage=(web_server(), adopted))
        assert shell.session == adopted.session
        assert len(parts([first, late])) == 1

    def test_two_execs_in_a_container_are_two_incidents(self):
        assert len(parts([seen(1, root=41), seen(2, root=42)])) == 2

    def test_what_comes_long_after_is_another_incident(self):
        assert len(parts([seen(1), seen(2, at=START + WINDOW)])) == 1
        assert len(parts([seen(1), seen(2, at=START + WINDOW + SECOND)])) == 2

    def test_what_lies_between_two_makes_them_one(self):
        ends = [seen(1), seen(2, at=START + 2 * WINDOW)]
        assert len(parts(ends)) == 2
        assert len(parts([*ends, seen(3, at=START + WINDOW)])) == 1


observations = st.lists(
    st.builds(
        lambda number, minutes, root, session, rule, severity: seen(
            number,
            at=START + timedelta(minutes=minutes),
            root=root,
            session=session,
            rule=rule,
            severity=severity,
        ),
        st.integers(1, 10_000),
        st.integers(0, 200),
        st.sampled_from([41, 42, 43, None]),
        st.sampled_from([None, None, 5, 6]),
        st.sampled_from(["a", "b", "c"]),
        st.sampled_from(Severity),
    ),
    min_size=1,
    max_size=14,
    unique_by=lambda each: each.id,
)


def summary(account: Account) -> object:
    return (msgspec.json.encode(stories.story(account)), account.lead.id, account.observations, account.tactics)


@settings(deadline=None, max_examples=150)
@given(observations, st.randoms(use_true_random=False), st.integers(1, 4))
def test_the_order_of_arrival_changes_nothing(drawn: list[Observation], chance: random.Random, size: int) -> None:
    """Neither in one go, nor in several with what stands already joined to what comes."""
    wanted = {frozenset([summary(merged(group))]) for group in clusters(accounts(drawn))}
    shuffled = accounts(drawn)
    chance.shuffle(shuffled)
    standing: list[Account] = []
    for start in range(0, len(shuffled), size):
        standing = [merged(group) for group in clusters([*standing, *shuffled[start : start + size]])]
    assert {frozenset([summary(account)]) for account in standing} == wanted
    assert sum(account.observations for account in standing) == len(drawn)


class TestStory:
    def test_the_time_line_tells_the_attack_in_its_order(self):
        told = stories.story(whole(list(reversed(attack()))))
        assert [step.rule for step in told.steps] == [rule for rule, *_ in CHAIN]
        assert [step.at for step in told.steps] == sorted(step.at for step in told.steps)

    def test_the_tree_hangs_together(self):
        told = stories.story(whole(attack()))
        known = {process.key: process for process in told.processes}
        roots = [process for process in told.processes if process.parent is None]
        assert len(roots) == 1
        assert all(process.parent in known for process in told.processes if process.parent)
        for step in told.steps:
            assert set(step.lineage) <= known.keys()
            for parent, child in zip(step.lineage, step.lineage[1:], strict=False):
                assert known[child].parent == parent

    def test_files_sockets_and_users_are_told_apart(self):
        told = stories.story(whole(attack()))
        hows = {file.path: file.how for file in told.files}
        assert hows["/etc/shadow"] == ("read",)
        assert hows["/tmp/.x"] == ("file_mode", "run-new")
        (socket,) = told.sockets
        assert (socket.address, socket.port, socket.name) == ("203.0.113.9", 3333, "pool.example")
        assert [user.uid for user in told.users] == [33]

    def test_repetition_is_counted_and_not_listed(self):
        many = [seen(number, at=START + number * SECOND, path="/etc/shadow") for number in range(50)]
        (step,) = stories.story(whole(many)).steps
        assert (step.count, step.at, step.last) == (50, START, START + 49 * SECOND)

    def test_what_does_not_fit_is_counted(self):
        many = [seen(number, at=START + number * SECOND, path=f"/tmp/{number}") for number in range(MOST_STEPS + 20)]
        account = whole(many)
        told = stories.story(account)
        assert (len(told.steps), told.left_out, account.observations) == (MOST_STEPS, 20, MOST_STEPS + 20)
        assert sum(step.count for step in told.steps) + told.left_out == account.observations

    def test_a_hostile_observation_stays_small(self):
        huge = Process(50, 7, "x" * 5000, "/" + "y" * 9000, ("z" * 9000,) * 900, env=("A=b",) * 900)
        lineage = (web_server(), *(msgspec.structs.replace(huge, pid=pid) for pid in range(50, 400)))
        told = stories.story(whole([seen(1, lineage=lineage)]))
        assert len(msgspec.json.encode(told)) < 200_000
        assert len(told.processes) == 16

    def test_a_technique_that_is_not_known_is_said(self):
        told = stories.story(whole([seen(1, technique="T9999")]))
        assert [(each.code, each.params) for each in told.unknowns] == [("technique", {"technique": "T9999"})]


class TestSeverity:
    def test_a_chain_of_tactics_raises(self):
        account = whole(attack())
        assert stories.tactics(account) == (
            Tactic.EXECUTION,
            Tactic.PERSISTENCE,
            Tactic.DEFENSE_EVASION,
            Tactic.CREDENTIAL_ACCESS,
            Tactic.COMMAND_AND_CONTROL,
        )
        (reason,) = story_facts.raises(account.tactics, ())
        assert (reason.why, reason.by, reason.count) == ("tactics", 2, 5)
        assert story_facts.raised(Severity.MEDIUM, [reason]) is Severity.CRITICAL
        assert story_facts.raised(Severity.CRITICAL, [reason]) is Severity.CRITICAL

    @pytest.mark.parametrize(("count", "by"), [(1, None), (2, None), (3, 1), (4, 1), (5, 2), (12, 2)])
    def test_by_how_many(self, count: int, by: int | None):
        reasons = story_facts.raises(list(Tactic)[:count], ())
        assert [each.by for each in reasons] == ([] if by is None else [by])

    def test_every_technique_of_the_table_has_one_tactic(self):
        assert tactic_of("T1059") is tactic_of("T1059.004") is Tactic.EXECUTION
        assert tactic_of("T0000") is None
        assert tactic_of("") is None


def package(name: str, kind: PackageType = PackageType.DEB, *locations: str, source: str | None = None) -> Package:
    purl = f"pkg:{kind.value}/{'debian/' if kind is PackageType.DEB else ''}{name}@1.0"
    return Package(purl, kind, name, "1.0", source_name=source, locations=locations)


class TestLoaded:
    @pytest.mark.parametrize(
        ("parts", "complete"),
        [
            ([Loaded(("/b", "/a"), True), Loaded(("/c",), True)], True),
            ([Loaded(("/a", "/b", "/c"), True), None], False),
        ],
    )
    def test_an_incident_has_what_its_observations_have(self, parts: list[Loaded | None], complete: bool):
        observed = [msgspec.structs.replace(seen(n), loaded=each) for n, each in enumerate(parts)]
        assert stories.story(whole(observed)).loaded == Loaded(("/a", "/b", "/c"), complete)

    def test_what_does_not_fit_is_told_to_be_missing(self):
        many = tuple(f"/lib/{number:03}.so" for number in range(300))
        told = stories.story(whole([msgspec.structs.replace(seen(1), loaded=Loaded(many, True))])).loaded
        assert told == Loaded(many[:256], False)


class TestAtStake:
    NGINX, GO, PY = (
        package("nginx"),
        package("example.com/app", PackageType.GOLANG, "usr/local/bin/app"),
        package("nginx", PackageType.PYPI),
    )

    def found(self, *programs: str, **marks: bool) -> tuple[list[tuple[str, str, str]], set[str]]:
        vulnerabilities = (
            vulnerability("CVE-2024-0001", Severity.CRITICAL, of=self.NGINX, fixed="1.1"),
            vulnerability("CVE-2024-0002", Severity.LOW, of=self.GO, kev=True),
            vulnerability("CVE-2024-0003", Severity.HIGH, of=self.PY),
        )
        scanned = msgspec.structs.replace(
            report(vulnerabilities), packages=tuple(map(ReportedPackage.of, (self.NGINX, self.GO, self.PY)))
        )
        ran = [Process(number, exe=exe, **marks) for number, exe in enumerate(programs)]
        stake, _, unknowns = story_stakes.at_stake(ran, Loaded(), KnownImage(scanned))
        return [(each.vulnerability, each.package, each.by) for each in stake], {each.code for each in unknowns}

    def test_the_distributions_package_of_that_name(self):
        assert self.found("/usr/sbin/nginx") == ([("CVE-2024-0001", "nginx", "name")], {"libraries"})

    def test_a_program_that_is_a_package_itself(self):
        assert self.found("/usr/local/bin/app") == ([("CVE-2024-0002", "example.com/app", "location")], {"libraries"})

    def test_a_program_of_no_known_package_is_said(self):
        assert self.found("/opt/thing") == ([], {"libraries", "programs"})

    @pytest.mark.parametrize("mark", ["exe_new", "exe_memfd", "outside"])
    def test_what_the_image_did_not_bring_is_none_of_its_packages(self, mark: str):
        assert self.found("/usr/sbin/nginx", **{mark: True}) == ([], set())

    def owners(self, *loaded: str, ran: str = "/usr/sbin/nginx") -> tuple[list[tuple[str, str, bool]], set[str]]:
        """Of an image whose packages' files are known."""
        crypto = package("cryptography", PackageType.PYPI, "usr/lib/python3/cryptography-1.0.dist-info/METADATA")
        sharp = package("sharp", PackageType.NPM, "app/node_modules/sharp/package.json")
        openssl = package("libssl3", source="openssl")
        packages = (self.NGINX, openssl, crypto, sharp)
        found = [vulnerability(f"CVE-{each.name}", Severity.HIGH, of=each) for each in packages]
        scanned = msgspec.structs.replace(report(found), packages=tuple(map(ReportedPackage.of, packages)))
        lists = {"libssl3": ("usr/lib/libcrypto.so.3", "usr/lib/libssl.so.3"), "nginx-core": ("usr/sbin/nginx",)}
        known = KnownImage(scanned, lists)
        stake, _, unknowns = story_stakes.at_stake([Process(1, exe=ran)], Loaded(loaded, whole=True), known)
        return [(each.package, each.by, each.library) for each in stake], {each.code for each in unknowns}

    def test_a_library_is_of_the_package_that_lists_it(self):
        assert self.owners("/usr/lib/libcrypto.so.3", ran="/opt/x") == ([("libssl3", "file", True)], {"programs"})

    def test_two_libraries_of_one_source_have_its_vulnerabilities_once(self):
        assert self.owners("/usr/lib/libcrypto.so.3", "/usr/lib/libssl.so.3")[0] == [("libssl3", "file", True)]

    def test_a_program_is_of_the_package_that_lists_it_and_not_of_one_that_is_called_so(self):
        assert self.owners() == ([], {"programs"})

    @pytest.mark.parametrize(
        ("path", "name"),
        [
            ("/usr/lib/python3/cryptography/hazmat/_rust.abi3.so", "cryptography"),
            ("/usr/lib/python3/cryptography.libs/libffi.so.8", "cryptography"),
            ("/app/node_modules/sharp/build/sharp.node", "sharp"),
        ],
    )
    def test_a_library_in_the_directory_of_a_languages_package_is_its(self, path: str, name: str):
        assert self.owners(path)[0] == [(name, "directory", True)]

    @pytest.mark.parametrize("path", ["/usr/lib/nginx", "/usr/lib/python3/cryptography_x/a.so", "/app/sharp.node"])
    def test_a_library_of_nobody_is_said(self, path: str):
        assert self.owners(path) == ([], {"programs", "library-owners"})

    def test_a_program_is_no_library_of_itself(self):
        assert self.owners("/usr/sbin/nginx") == ([], {"programs"})

    def test_a_library_raises_only_where_its_vulnerability_is_exploited(self):
        library = AtStake("CVE-1", Severity.CRITICAL, "p", "1", None, False, "/l.so", "file", library=True)
        assert story_facts.raises((), [library]) == ()
        assert story_facts.raises((), [msgspec.structs.replace(library, exploited=True)])

    def test_an_image_that_nobody_read_is_unknown_and_not_harmless(self):
        _, _, unknowns = story_stakes.at_stake([Process(1, exe="/usr/sbin/nginx")], Loaded(), None)
        assert [each.code for each in unknowns] == ["image-unread"]

    def test_advisories_that_were_not_there_are_unknown(self):
        unmatched: ScanReport = report((), built=None)
        _, _, unknowns = story_stakes.at_stake([Process(1, exe="/bin/bash")], Loaded(), KnownImage(unmatched))
        assert "image-unmatched" in {each.code for each in unknowns}

    def test_what_was_not_read_or_judged_is_unknown(self):
        nobody = Unknown("Debian:99", "there are no advisories for it", unjudged=7)
        doubtful = msgspec.structs.replace(report(()), complete=False, unknowns=(nobody,))
        _, _, unknowns = story_stakes.at_stake([Process(1, exe="/bin/bash")], Loaded(), KnownImage(doubtful, unread=2))
        found = {each.code: each.params for each in unknowns}
        assert (found["image-incomplete"], found["image-unjudged"]) == ({}, {"count": 7})
        assert found["image-part-unread"] == {"count": 2}

    def test_what_is_grave_or_exploited_raises_once(self):
        low = AtStake("CVE-1", Severity.LOW, "p", "1", None, exploited=False, program="/p", by="name")
        exploited = msgspec.structs.replace(low, exploited=True)
        assert story_facts.raises((), [low]) == ()
        (reason,) = story_facts.raises((), [low, exploited, exploited])
        assert (reason.why, reason.by, reason.count) == ("vulnerable", 1, 2)


def test_a_deed_that_differs_is_another_step() -> None:
    def connects(number: int, port: int, at: datetime) -> Observation:
        deed = Deed(EventKind.CONNECT, remote=Endpoint("203.0.113.9", port))
        return msgspec.structs.replace(seen(number, at=at), deed=deed)

    steps = stories.story(whole([connects(1, 80, START), connects(2, 443, START), connects(3, 80, START)])).steps
    assert sorted((step.deed.remote.port, step.count) for step in steps if step.deed and step.deed.remote) == [
        (80, 2),
        (443, 1),
    ]
