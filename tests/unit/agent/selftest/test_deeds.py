"""A rule's self-test becomes a container with no more rights than it asks for."""

import pytest
from tests.support.rules import rules, with_condition

from hullguard.agent.runtime.scratch import Rights
from hullguard.agent.selftest.deeds import deed_of, make, of_detectors
from hullguard.detect import catalog_info
from hullguard.detect.pack import load_pack

RULE = with_condition("evt.type = execve") + "  self_test: 'true'\n"


def test_without_options_it_has_what_a_container_has_and_no_network() -> None:
    deed = deed_of(rules(RULE).rules[0])

    assert deed.rights == Rights()
    assert deed.rights.network_mode == "none"
    assert deed.script.startswith("true\n")
    assert deed.why_not == ""


def test_options_add_up() -> None:
    rights = make("r", ("true",), "busybox", ("unconfined", "CAP_SYS_PTRACE", "host-files", "host-pid")).rights

    assert rights == Rights(
        cap_add=("SYS_PTRACE",), security_opt=("seccomp=unconfined",), binds=("/etc:/host/etc:ro",), pid_mode="host"
    )


def test_what_is_privileged_hides_nothing_of_proc() -> None:
    rights = make("r", ("true",), "busybox", ("privileged", "CAP_SYS_PTRACE")).rights

    assert (rights.masked_paths, rights.readonly_paths) == ((), ())
    assert len(rights.cap_add) == len(set(rights.cap_add)) > 3
    assert rights.network_mode == "none"


def test_rules_of_a_teams_own_get_rights_only_when_somebody_allows_it() -> None:
    (rule,) = rules(f"{RULE}  self_test_options: [privileged]\n").rules

    assert "--own-rights" in deed_of(rule).why_not
    assert deed_of(rule, trusted=True).why_not == ""


def test_a_rule_without_a_self_test_is_not_tried() -> None:
    (rule,) = rules(with_condition("evt.type = execve")).rules

    assert deed_of(rule).why_not == "its file has no self_test"


def test_what_the_machine_does_not_show_is_the_reason() -> None:
    assert make("r", ("true",), "busybox", needs=("/proc/no such file",)).why_not == (
        "this machine has no /proc/no such file, or does not show it"
    )
    assert make("r", ("true",), "busybox", needs=("/proc/self",)).why_not == ""


@pytest.mark.parametrize("rule", load_pack().rules, ids=lambda rule: rule.name)
def test_every_rule_of_the_pack_has_a_deed(rule) -> None:
    deed = deed_of(rule)

    assert deed.image in {"busybox", "debian"}
    assert "self_test" not in deed.why_not


def test_every_detector_has_one_too() -> None:
    deeds = of_detectors([info.id for info in catalog_info()])

    assert len(deeds) == len(catalog_info())
    none = of_detectors(["some.younger"])[0].why_not
    assert none == "this version has no self-test for it"
    assert [deed.rule for deed in deeds if deed.why_not == none] == []
    assert [deed.rule for deed in deeds if deed.why_not] == ["profile.departure"]
