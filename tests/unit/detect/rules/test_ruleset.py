"""Rule files as a whole: what they come to, and what they say of events."""

from pathlib import Path

import pytest
from tests.support.events import RUNTIME, event, process
from tests.support.falco import ABSENT, stable_rules
from tests.support.rules import file, problems, rules, with_condition

from hullguard.detect.rules.definitions import Priority, RuleAction
from hullguard.detect.rules.problems import InvalidRules
from hullguard.detect.rules.reading import RuleFile
from hullguard.detect.rules.ruleset import Rule, RuleSet
from hullguard.model.event import ContainerRef, Event, EventKind, OpenFile, Process
from hullguard.model.severity import Severity

DATA = Path(__file__).parents[3] / "data" / "rules"
CONSTRUCTS, LOCAL = ((DATA / name).read_text(encoding="utf-8") for name in ("constructs.yaml", "local.yaml"))


def run(comm: str = "sh", *, parent: Process = RUNTIME, **changes: object) -> Event:
    actor = process(comm=comm, exe=f"/bin/{comm}", args=(comm, "-c", "true"), **changes)
    return event(lineage=(parent, actor), path=f"/bin/{comm}")


def read(path: str, raw_path: str | None = None, **changes: object) -> Event:
    given = {"reads": True, "result": 3, "file": OpenFile(), "path": path, "raw_path": raw_path}
    return event(EventKind.FILE_OPEN, **(given | changes))


def names(loaded: RuleSet, happened: Event) -> list[str]:
    return [match.rule.name for match in loaded.judge(happened)]


def named(loaded: RuleSet, name: str) -> Rule:
    return next(rule for rule in loaded.rules if rule.name == name)


def test_a_rule_fires_and_says_so() -> None:
    (match,) = rules(CONSTRUCTS).judge(run("nc"))

    assert match.output == ("A tool was started | process=nc parent=containerd-shim command=nc -c true id=c0ffee000000")
    assert match.fields["proc.name"] == "nc"
    assert match.rule.priority is Priority.NOTICE
    assert match.rule.severity is Severity.LOW
    assert match.rule.technique == "T1059.004"
    assert match.rule.action is RuleAction.KILL
    assert match.rule.self_test == ("sh -c true",)
    assert match.rule.words.title_zh == "容器内运行工具"
    assert match.rule.words.advice == "Look at the parent.\nCompare with the image."


@pytest.mark.parametrize(
    ("happened", "fires"),
    [
        (run("my tool"), True),
        (run("ps"), False),
        (run("sh"), True),
        (event(container=ContainerRef("host"), lineage=run("sh").lineage), False),
        (run("sh", parent=process(comm="cron")), True),
        (event(lineage=(process(comm="cron"), process(args=("sh", "-c", "/usr/bin/backup", "now")))), False),
        (event(lineage=(process(comm="make"), process(args=("sh", "x")))), False),
        (run("sh", uid=1234), False),
        (run("sh", uid=1236), True),
        (event(lineage=(process(comm="runner"), process(exe="/opt/ci/sh"))), False),
        (event(lineage=(process(comm="runner"), process(exe="/opt/sh"))), True),
        (event(lineage=(process(comm="snapd"), process(exe="/snap/x/sh"))), False),
    ],
)
def test_exceptions_keep_a_rule_back(happened: Event, fires: bool) -> None:
    assert names(rules(CONSTRUCTS), happened) == (["Tool started"] if fires else [])


@pytest.mark.parametrize(
    ("path", "fires"),
    [
        ("/etc/shadow", True),
        ("/etc/passwd", False),
        ("/etc/pam.d/sshd", True),
        ("/etc/pam.d/deeper/sshd", False),
        ("/x/id_rsa", True),
        ("/x/id_ecdsa", False),
        ("/root/.ssh/config", True),
        ("/home/eve/.ssh/config", True),
        ("/home/eve/ssh", False),
        ("/a/My.KDBX", True),
        ("/a/server.pem", True),
        ("/a/server.pem.txt", False),
    ],
)
def test_paths(path: str, fires: bool) -> None:
    assert names(rules(CONSTRUCTS), read(path)) == (["Secret read"] if fires else [])


def test_what_is_off_left_out_or_for_others() -> None:
    loaded = rules(CONSTRUCTS)

    assert [(rule.name, rule.enabled) for rule in loaded.rules] == [
        ("Tool started", True),
        ("Secret read", True),
        ("Off", False),
    ]
    assert [problem.text.split(";")[0] for problem in loaded.problems] == [
        "there are no events from 'k8s_audit' here",
        "the rule 'Of the future' is left out: it asks to be left out where a field is unknown",
        "there is no field 'proc.karma'",
    ]


def test_a_second_file_adapts_the_first() -> None:
    loaded = rules(CONSTRUCTS, LOCAL)
    tool = named(loaded, "Tool started")

    assert (tool.priority, tool.action) == (Priority.ERROR, RuleAction.ALERT)
    assert tool.tags[-1] == "local"
    assert tool.desc.endswith("As adapted here.")
    assert names(loaded, run("zsh")) == ["Tool started", "Off"]
    assert loaded.judge(run("zsh"))[0].output.endswith("id=c0ffee000000 tty=0")
    # An appended value, an appended exception, an appended condition, an appended macro.
    assert names(loaded, run("sh", uid=1236)) == ["Off"]
    assert names(loaded, run("bash")) == ["Off"]
    assert names(loaded, event(lineage=(RUNTIME, process(args=("sh", "--version"))))) == ["Off"]
    assert names(loaded, event(container=ContainerRef("1" * 64, "trusted"), lineage=run().lineage)) == ["Off"]
    assert names(loaded, event(lineage=(process(comm="nobody-else"), process()))) == ["Off"]
    assert names(loaded, read("/etc/shadow", lineage=(process(comm="su"),))) == []


def test_rules_are_judged_in_the_order_of_the_files() -> None:
    one, two = with_condition("evt.type = execve"), with_condition("evt.type exists").replace("rule: r", "rule: a")

    assert names(rules(one, two), run()) == ["r", "a"]
    assert names(rules(two, one), run()) == ["a", "r"]


def test_a_later_definition_wins_wherever_it_is_used() -> None:
    first = "- list: l\n  items: [a]\n- macro: m\n  condition: proc.name in (l)\n" + with_condition("m")
    second = "- list: l\n  items: [sh]\n"

    assert names(rules(first), run()) == []
    assert names(rules(first, second), run()) == ["r"]
    assert names(rules(first, "- macro: m\n  condition: proc.name = sh\n"), run()) == ["r"]


def test_a_list_may_hold_a_value_of_its_own_name() -> None:
    assert names(rules("- list: sh\n  items: [sh, a]\n" + with_condition("proc.name in (sh)")), run()) == ["r"]


def test_appended_text_binds_as_text() -> None:
    base = with_condition("proc.name = x or proc.pid = 200")

    assert names(rules(base, "- rule: r\n  condition: and proc.pid = 1\n  append: true\n"), run()) == []
    assert names(rules(base, "- rule: r\n  condition: or proc.pid = 1\n  append: true\n"), run()) == ["r"]


def test_every_name_of_a_file_counts() -> None:
    loaded = rules(with_condition("evt.type = openat and fd.name = /bin/su and not fd.name = /usr/bin/su"))

    (match,) = loaded.judge(read("/usr/bin/su", "/bin/su"))
    assert match.event.path == "/bin/su"
    assert loaded.judge(read("/usr/bin/su", "/usr/bin/su")) == []


def test_a_link_lends_no_name_that_is_let_pass() -> None:
    loaded = rules(with_condition("evt.type = openat and fd.name = /etc/shadow and not fd.name startswith /srv/"))

    assert loaded.judge(read("/etc/shadow", "/srv/link"))
    assert loaded.judge(read("/srv/hard", "/srv/hard", known_as="/etc/shadow"))


def test_a_rule_fires_once_for_all_names() -> None:
    loaded = rules(with_condition("evt.type = openat and fd.name startswith /"))

    assert len(loaded.judge(read("/a", "/b", known_as="/c"))) == 1


def test_what_a_rule_could_not_look_at() -> None:
    loaded = rules(with_condition("proc.name = sh and not container.image.repository in (a)"))
    (match,) = loaded.judge(event(image=None))

    assert match.unknown == ("container.image.repository",)
    assert loaded.judge(event())[0].unknown == ()


def test_a_call_that_no_table_has_is_asked_of_every_rule() -> None:
    loaded = rules(with_condition("evt.type = execve"), with_condition("proc.name = sh").replace("rule: r", "rule: s"))

    assert names(loaded, event(call="execve2")) == ["s"]


def test_variables_that_the_sensor_must_keep() -> None:
    assert rules(with_condition("proc.name = sh")).variables() == frozenset()
    assert rules(with_condition("proc.env[A] = 1 or proc.aenv[B] = 1", "%proc.env[C]")).variables() == {"A", "B", "C"}
    assert rules(with_condition("proc.env contains x")).variables() is None
    assert rules(with_condition("proc.aenv[1] contains x")).variables() is None


def test_a_set_with_an_error_is_refused_as_a_whole() -> None:
    with pytest.raises(
        InvalidRules, match=r"rules.yaml:4:5: error: there is no field 'proc.nam'.* \(and 1 more\)"
    ) as caught:
        RuleSet.load([file(with_condition("proc.nam = a and proc.pi = 1"))])

    assert [problem.place.column for problem in caught.value.problems] == [5, 22]


def test_priorities() -> None:
    for word, priority, severity in (
        ("EMERGENCY", Priority.EMERGENCY, Severity.CRITICAL),
        ("alert", Priority.ALERT, Severity.CRITICAL),
        ("Critical", Priority.CRITICAL, Severity.CRITICAL),
        ("ERROR", Priority.ERROR, Severity.HIGH),
        ("warn", Priority.WARNING, Severity.MEDIUM),
        ("NOTICE", Priority.NOTICE, Severity.LOW),
        ("INFO", Priority.INFORMATIONAL, Severity.NEGLIGIBLE),
        ("debug", Priority.DEBUG, Severity.NEGLIGIBLE),
    ):
        rule = rules(with_condition("m.n exists".replace("m.n", "proc.pid")).replace("WARNING", word)).rules[0]
        assert (rule.priority, rule.severity) == (priority, severity)


@pytest.mark.parametrize(
    ("tags", "technique"), [("[T1059]", "T1059"), ("[x, T1, TA0003]", ""), ("[a, T1055.008, T1]", "T1055.008")]
)
def test_techniques(tags: str, technique: str) -> None:
    assert rules(with_condition("proc.pid = 1") + f"  tags: {tags}\n").rules[0].technique == technique


def stable() -> RuleFile:
    found = stable_rules()
    if found is None:
        pytest.skip(ABSENT)
    return found


@pytest.mark.shared
class TestFalcosStableRules:
    def test_they_load_as_they_are(self) -> None:
        loaded = RuleSet.load([stable()])

        assert len(loaded.rules) == 25
        assert all(rule.enabled for rule in loaded.rules)
        assert [problem for problem in loaded.problems if problem.error] == []

    def test_no_rule_is_asked_of_every_event(self) -> None:
        for prefilter in RuleSet.load([stable()]).prefilters():
            assert 1 <= len(prefilter.kinds) <= 2, prefilter.rule

    @pytest.mark.parametrize(
        ("happened", "rule"),
        [
            (read("/etc/shadow", lineage=(process(comm="cat"),)), "Read sensitive file untrusted"),
            (read("/etc/shadow", "/proc/self/root/etc/shadow", lineage=(process(comm="cat"),)), "Read sensitive file untrusted"),
            (
                event(EventKind.FILE_OPEN, path=None, raw_path="../../../etc/x", reads=True, result=-2,
                      lineage=(process(comm="web", cwd="/a/b"),)),
                "Directory traversal monitored file read",
            ),
            (run("bash", tty=True, parent=process(comm="runc")), "Terminal shell in container"),
            (run("sh", parent=process(comm="nginx")), "Run shell untrusted"),
            (event(lineage=(process(comm="nc", args=("nc", "-e", "/bin/sh")),)), "Netcat Remote Code Execution in Container"),
            (
                event(EventKind.FILE_SYMLINK, path="/tmp/x", target="/etc/shadow"),
                "Create Symlink Over Sensitive Files",
            ),
            (
                event(EventKind.FILE_LINK, path="/tmp/x", target="/etc/shadow"),
                "Create Hardlink Over Sensitive Files",
            ),
            (event(EventKind.PTRACE, arguments={"request": 0x4206}), "PTRACE attached to process"),
            (event(lineage=(process(comm="x", exe_memfd=True),)), "Fileless execution via memfd_create"),
            (event(new_file=True), "Drop and execute new binary in container"),
        ],
    )  # fmt: skip
    def test_they_fire(self, happened: Event, rule: str) -> None:
        assert rule in names(RuleSet.load([stable()]), happened)


def test_problems_of_several_files_stand_in_the_files_order() -> None:
    one, two = with_condition("proc.nam = a"), with_condition("proc.pi = 1").replace("rule: r", "rule: s")

    assert [line.split(":")[0] for line in problems(one, two)] == ["1.yaml", "2.yaml"]
    assert problems("") == []
