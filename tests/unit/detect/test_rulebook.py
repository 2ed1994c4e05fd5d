"""Rules in policies: what is on, what follows, what the kernel is asked for, what is refused."""

import re

import pytest
from tests.support.events import event, policies, policy, process
from tests.support.rules import with_condition

from hullguard.detect import Engine, check, checked, known_settings, plan
from hullguard.detect.detectors.interface import EVERY_VARIABLE, refuses
from hullguard.detect.engine import OUTPUT
from hullguard.detect.plan import MOST_WANTS as MOST_WANTS_OF_SLOT
from hullguard.detect.plan import UNKNOWN
from hullguard.detect.rulebook import LARGEST, check_rules, rulebook
from hullguard.detect.rules.refusal import MOST_WANTS, TOO_MANY
from hullguard.model.errors import Invalid
from hullguard.model.event import Endpoint, Event, EventKind, Socket
from hullguard.model.policy import Action, PolicySpec, RuleSettings, RulesSpec, RuleText
from hullguard.model.rollout import Mode, Rollout
from hullguard.model.severity import Severity

NETCAT = """
- rule: Netcat runs
  desc: d
  condition: evt.type = execve and proc.name = nc and container.id != host
  output: netcat as %user.uid %fd.name
  priority: ERROR
  tags: [T1059.004]
- rule: Key is read
  desc: d
  condition: evt.type in (open, openat) and evt.is_open_read = true and fd.num >= 0 and fd.name startswith /keys/
  output: key
  priority: NOTICE
  enabled: false
"""


def own(*texts: str, **settings: RuleSettings) -> RulesSpec:
    files = [RuleText(f"{number}.yaml", text) for number, text in enumerate(texts, 1)]
    return RulesSpec(pack=False, files=files, settings={name.replace("_", " "): one for name, one in settings.items()})


def engine(spec: RulesSpec) -> Engine:
    made = Engine("n1", "boot")
    made.load(policies(policy("p", nodes=("*",), rules=spec)))
    return made


NC = event(lineage=(process(comm="nc"),))


def test_a_rule_of_a_policy_makes_an_observation():
    (found,) = engine(own(NETCAT)).judge(NC)

    assert (found.rule, found.severity, found.technique) == ("Netcat runs", Severity.HIGH, "T1059.004")
    assert found.action is Action.ALERT
    assert found.details == {OUTPUT: "netcat as 0 <NA>", "user.uid": "0"}
    assert found.policy is not None
    assert found.policy.id == "p"


def test_the_policy_says_what_follows_and_what_is_on():
    killing = engine(own(NETCAT, Netcat_runs=RuleSettings(action=Action.KILL)))
    silent = engine(own(NETCAT, Netcat_runs=RuleSettings(enabled=False)))
    reading = event(EventKind.FILE_OPEN, path="/keys/a", reads=True, call="openat")

    assert [found.action for found in killing.judge(NC)] == [Action.KILL]
    assert silent.judge(NC) == []
    assert engine(own(NETCAT)).judge(reading) == []
    louder = engine(own(NETCAT, Key_is_read=RuleSettings(enabled=True)))
    assert [found.rule for found in louder.judge(reading)] == ["Key is read"]


def test_the_kernel_is_asked_for_what_is_on():
    quiet = plan(policies(policy("p", nodes=("*",), rules=own(NETCAT))))
    louder = plan(policies(policy("p", nodes=("*",), rules=own(NETCAT, Key_is_read=RuleSettings(enabled=True)))))

    assert quiet.kinds == {EventKind.EXEC}
    assert [want.programs for want in quiet.slots[UNKNOWN].wants] == [{"nc"}]
    assert louder.slots[UNKNOWN].opens == {"/keys/*"}
    assert louder.host is None


def test_a_rule_about_any_variable_asks_for_all():
    spec = own(with_condition("evt.type = execve and proc.env contains x"))
    (one,) = plan(policies(policy("p", nodes=("*",), rules=spec))).slots[UNKNOWN].wants

    assert one.environment == {EVERY_VARIABLE}


def test_the_host_is_asked_for_where_the_policy_says_so():
    everywhere = RulesSpec(pack=False, files=[RuleText("r", with_condition("evt.type = execve"))], host=True)

    assert plan(policies(policy("p", nodes=("*",), rules=everywhere))).host is not None


@pytest.mark.parametrize("macro", ["container", "open_read", "open_write", "rename", "spawned_process"])
def test_who_writes_falcos_macros_is_told_what_the_pack_has(macro: str):
    said = re.escape(f"there is no macro '{macro}'; Falco's own rule file defines it, Hullguard's rules have '")

    with pytest.raises(Invalid, match=said):
        check_rules(RulesSpec(files=[RuleText("r", with_condition(macro))]))
    with pytest.raises(Invalid, match=f"there is no macro '{macro}'") as refused:
        check_rules(RulesSpec(pack=False, files=[RuleText("r", with_condition(macro))]))
    assert "Hullguard's rules have" not in str(refused.value)


def test_the_same_rules_are_compiled_once():
    assert rulebook(own(NETCAT)) is rulebook(own(NETCAT))


@pytest.mark.parametrize(
    ("spec", "code", "field", "said"),
    [
        (own("- rule: [x"), "policy.rules-invalid", "$.rules.files[0].content", "1.yaml:2:"),
        (own(NETCAT, with_condition("proc.nam = x")), "policy.rules-invalid", "$.rules.files[1].content", "proc.name"),
        (
            own(NETCAT, Netcat_run=RuleSettings()),
            "policy.rule-unknown",
            "$.rules.settings['Netcat run']",
            "Netcat runs",
        ),
        (
            RulesSpec(pack=False, files=[RuleText("a", ""), RuleText("a", "")]),
            "policy.rule-file-twice",
            "$.rules.files[1].name",
            "'a'",
        ),
        (
            own("#" + "x" * (LARGEST // 2), "#" + "y" * (LARGEST // 2)),
            "policy.rule-files-large",
            "$.rules.files",
            str(LARGEST),
        ),
        (
            own(NETCAT, Netcat_runs=RuleSettings(action=Action.DENY)),
            "policy.action-unsupported",
            "$.rules.settings['Netcat runs'].action",
            "not deny",
        ),
        (own(NETCAT.replace("Netcat runs", "n" * 129)), "policy.rule-name", "$.rules.files", "128 characters"),
    ],
)
def test_a_policy_that_no_agent_could_run_is_refused(spec: RulesSpec, code: str, field: str, said: str):
    with pytest.raises(Invalid) as refused:
        check(PolicySpec(name="p", rules=spec))

    assert (refused.value.code, refused.value.field) == (code, field)
    assert said in str(refused.value)


CALLS_HOME = with_condition("evt.type in (connect, sendmsg) and fd.sport = 3333")
DENIED = RuleSettings(action=Action.DENY)


def connecting(port: int = 3333, *, address: str = "192.0.2.1", stopped: bool = False, **changes: object) -> Event:
    socket = Socket("ipv4", "stream", 6, remote=Endpoint(address, port))
    return event(EventKind.CONNECT, path=None, call="connect", socket=socket, stopped=stopped, **changes)


def test_a_rule_that_denies_has_its_connections_refused():
    spec = own(CALLS_HOME, r=DENIED)
    check(PolicySpec(name="p", rules=spec))
    compiled = plan(policies(policy("p", nodes=("*",), rules=spec)))
    refusing = [want for want in compiled.slots[UNKNOWN + 2].wants if refuses(want)]

    assert {(kind, *want.ports) for want in refusing for kind in want.kinds} == {
        (EventKind.CONNECT, 3333),
        (EventKind.SEND, 3333),
    }
    assert compiled.fencing
    assert not any(map(refuses, compiled.slots[UNKNOWN].wants)), "a container that nobody met may be another policy's"


def test_one_incident_an_hour_tells_of_who_is_refused_and_who_was_not_is_killed():
    denying = engine(own(CALLS_HOME, r=DENIED))
    (first,) = denying.judge(connecting(stopped=True, sequence=1))
    (second,) = denying.judge(connecting(stopped=True, sequence=2))
    (open_,) = denying.judge(connecting(sequence=3))

    assert (first.action, first.stopped) == (Action.DENY, True)
    assert first.id == second.id
    assert (open_.action, open_.stopped) == (Action.KILL, False)
    assert denying.unrefused() == {}


def test_a_trial_counts_what_would_have_been_refused_and_what_would_have_been_killed():
    partly = with_condition("evt.type = connect and fd.sport = 3333 and (proc.name = nc or proc.pname = sh)")
    tried = Engine("n1", "boot")
    trial = Rollout(mode=Mode.SIMULATE)
    tried.load(policies(policy("p", nodes=("*",), rules=own(partly, r=DENIED), rollout=trial)))
    (refused,) = tried.judge(connecting(lineage=(process(comm="x"), process(comm="nc"))))
    (killed,) = tried.judge(connecting(lineage=(process(comm="sh"), process(comm="x"))))

    assert [(each.action, each.would) for each in (refused, killed)] == [
        (Action.ALERT, Action.DENY),
        (Action.ALERT, Action.KILL),
    ]
    assert not tried.plan().fencing
    assert tried.unrefused() == {}
    assert engine(own(partly, r=DENIED)).unrefused() == {"r": "proc.pname = sh"}


def test_rules_for_which_there_is_no_room_are_not_refused():
    def many(of: int) -> str:
        places = " or ".join(f"(fd.sport={of}{n} and fd.sip=10.0.{of}.{n})" for n in range(1, MOST_WANTS))
        return with_condition(f"evt.type=connect and ({places})").replace("rule: r", f"rule: r{of}")

    both = engine(own(many(1), many(2), r1=DENIED, r2=DENIED))
    (killed,) = both.judge(connecting(address="10.0.2.3", port=23))

    assert both.unrefused() == {"r2": TOO_MANY}
    assert sum(map(refuses, both.plan().slots[UNKNOWN + 2].wants)) == MOST_WANTS - 1
    assert killed.action is Action.KILL


def test_what_refuses_stays_exact_however_many_wants_there_are():
    others = "".join(
        with_condition(f"evt.type=open and fd.name=/a{n} and proc.name=p{n}").replace("rule: r", f"rule: r{n}")
        for n in range(MOST_WANTS_OF_SLOT + 5)
    )
    wants = engine(own(others, CALLS_HOME, r=DENIED)).plan().slots[UNKNOWN + 2].wants

    assert len(wants) <= MOST_WANTS_OF_SLOT
    assert {port for want in wants if refuses(want) for port in want.ports} == {3333}
    assert all(want.ports for want in wants if refuses(want))


def test_settings_of_rules_that_a_younger_server_knows_are_no_error():
    spec = own(NETCAT, From_the_future=RuleSettings(), Netcat_runs=RuleSettings(enabled=False))

    assert set(known_settings(spec).settings) == {"Netcat runs"}


def test_every_problem_is_told_with_its_place():
    found = checked(own(NETCAT, with_condition("proc.nam = x")))

    assert [rule.name for rule in found.rules] == ["Netcat runs", "Key is read"]
    assert [rule.enabled for rule in found.rules] == [True, False]
    (problem,) = found.problems
    assert (problem.file, problem.line, problem.error) == ("2.yaml", 4, True)
