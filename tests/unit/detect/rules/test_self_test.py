"""What a rule says of how to test it."""

import pytest
from tests.support.rules import errors, rules, with_condition

from hullguard.detect.rules.definitions import SelfTestOption

RULE = with_condition("evt.type = execve")


def test_a_test_may_need_an_image_and_rights() -> None:
    options = "self_test_options: [privileged, CAP_SYS_PTRACE]"
    (rule,) = rules(f"{RULE}  self_test: 'true'\n  self_test_image: debian\n  {options}\n").rules

    assert (rule.self_test, rule.self_test_image) == (("true",), "debian")
    assert rule.self_test_options == ("privileged", "CAP_SYS_PTRACE")


def test_else_it_needs_neither() -> None:
    (rule,) = rules(RULE).rules

    assert (rule.self_test_image, rule.self_test_options) == ("busybox", ())


@pytest.mark.parametrize(
    ("given", "near"),
    [
        ("[priviledged]", "; did you mean 'privileged'?"),
        ("[CAP_SYS_PTRCE]", "; did you mean 'CAP_SYS_PTRACE'?"),
        ("x", ""),
    ],
)
def test_what_no_test_can_ask_for_is_told(given: str, near: str) -> None:
    (error,) = errors(f"{RULE}  self_test_options: {given}\n")

    assert error.startswith(f"1.yaml:7:3: error: no self-test can ask for {given.strip('[]')!r}{near}")
    assert error.endswith(f"there are {', '.join(SelfTestOption)} and capabilities")


def test_what_the_host_must_have_is_kept() -> None:
    (rule,) = rules(f"{RULE}  self_test_needs: /proc/modules\n").rules

    assert rule.self_test_needs == ("/proc/modules",)
