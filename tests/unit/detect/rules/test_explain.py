"""What is said of a rule."""

import pytest
from tests.support.rules import rules, with_condition

from hullguard.detect.rules.explain import Cost, Denies, Explanation, explain
from hullguard.detect.rules.refusal import OTHERS
from hullguard.model.event import EventKind


def explained(condition: str) -> Explanation:
    return explain(rules(with_condition(condition)).rules)[0]


OPEN = "evt.type in (open, openat)"


@pytest.mark.parametrize(
    ("condition", "cost"),
    [
        ("evt.num = 0", Cost.NEGLIGIBLE),
        ("evt.type = ptrace", Cost.NEGLIGIBLE),
        ("evt.type = execve and proc.name = a", Cost.NEGLIGIBLE),
        ("evt.type = execve", Cost.LOW),
        ("evt.type = connect", Cost.LOW),
        (f"{OPEN} and fd.name startswith /etc/", Cost.LOW),
        (f"{OPEN} and evt.is_open_write = true", Cost.MEDIUM),
        (f"{OPEN} and container.id != host", Cost.MEDIUM),
        (OPEN, Cost.HIGH),
        ("proc.name = a", Cost.LOW),
        ("proc.pname = a", Cost.HIGH),
        (f"evt.type = ptrace or {OPEN}", Cost.HIGH),
    ],
)
def test_cost(condition: str, cost: Cost) -> None:
    assert explained(condition).cost is cost


def test_the_kernels_part_and_pythons() -> None:
    said = explained(
        f"{OPEN} and evt.is_open_read = true and container.id != host and fd.name in (/etc/shadow) and proc.pname = 'a b' "
        "and fd.snet = 10.0.0.0/8"
    )

    assert said.kernel == ()
    said = explained(
        f"{OPEN} and evt.is_open_read = true and container.id != host and fd.name in (/etc/shadow) and proc.pname = 'a b'"
    )
    assert said.kernel == ("openat, open; container; reads; path /etc/shadow",)
    assert said.python == ("fd.name in (/etc/shadow)", 'proc.pname = "a b"')
    assert said.kinds == (EventKind.FILE_OPEN,)


def test_the_words_of_other_bounds() -> None:
    assert explained(
        "evt.type = connect and fd.sport in (443, 22) and fd.snet = 10.0.0.0/8 and user.uid = 0"
    ).kernel == ("connect; port 22, 443; address 10.0.0.0/8",)
    assert explained("evt.type = open and fd.name endswith .key").kernel == ("open; path *.key",)


def test_what_starts_is_told_apart_in_the_kernel() -> None:
    said = explained(
        "evt.type = execve and proc.args contains base64 and proc.pname startswith php and proc.env[LD_PRELOAD] exists "
        "and proc.exepath startswith /tmp/ and proc.cwd startswith /tmp/ and proc.tty != 0"
    )

    assert said.kernel == (
        "execve; terminal; program /tmp/*; parent php*; directory /tmp/*; argument base64; variable LD_PRELOAD",
    )
    assert "proc.tty != 0" not in said.python
    assert "proc.args contains base64" in said.python
    assert explained("evt.type = open and proc.args contains base64 and proc.tty != 0").kernel == ("open",)


def test_what_the_kernel_does_not_look_at_is_pythons() -> None:
    said = explained("evt.type = ptrace and evt.arg.request = PTRACE_ATTACH and proc.tty = 0 and evt.failed = true")

    assert said.kernel == ("ptrace",)
    assert said.python == ("evt.arg.request = PTRACE_ATTACH", "proc.tty = 0", "evt.failed = true")
    assert explained("thread.cap_effective contains CAP_SYS_ADMIN").kernel == ("any event",)


def test_what_is_unknown() -> None:
    said = explained("evt.type = execve and container.healthcheck = x and user.name = a")

    assert [one.field for one in said.unknown] == ["container.healthcheck"]
    assert [one.field for one in said.partly] == ["user.name"]
    assert said.notes[0].startswith("can never fire here")
    assert said.unknown[0].why_zh


@pytest.mark.parametrize(
    ("condition", "denies", "undecided"),
    [
        ("evt.type = execve", None, ()),
        ("evt.type = connect and fd.sport = 22", Denies.KERNEL, ()),
        ("evt.type in (connect, execve) and not proc.name = a", Denies.PARTLY, (OTHERS,)),
        ("evt.type = connect and fd.sport = 22 and proc.pname = a", Denies.SEEN, ("proc.pname = a",)),
    ],
)
def test_what_denying_comes_to(condition: str, denies: Denies | None, undecided: tuple[str, ...]) -> None:
    said = explained(condition)
    assert (said.denies, said.undecided) == (denies, undecided)
