"""Sentences of rules."""

import pytest
from tests.support.events import event, process
from tests.support.rules import errors, rules, with_condition

from hullguard.model.event import Endpoint, Event, EventKind, Socket


def said(output: str, happened: Event) -> str:
    (match,) = rules(with_condition("evt.num > 0", output)).judge(happened)
    return match.output


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        ("plain", "plain"),
        ("%proc.name", "sh"),
        ("*%proc.name %fd.name", "sh <NA>"),
        ("a=%proc.name, b=%proc.pname.", "a=sh, b=containerd-shim."),
        ("(%container.info)", "(container_id=c0ffee000000 container_name=web)"),
        ("%proc.aname[1] %proc.aname[7]", "containerd-shim <NA>"),
        ("%proc.aname", "(containerd-shim)"),
        ("%evt.arg.flags", "EXE_LOWER_LAYER"),
        ("100%% sure", "100% sure"),
        ("50% of %%proc.name", "50% of %proc.name"),
        ("[%5proc.name] [%1proc.name]", "[sh   ] [s]"),
        ("%toupper(proc.name) %len(proc.name)", "SH 2"),
        ("%proc.is_exe_from_memfd %proc.pid", "false 200"),
        ("%proc.name.exe", "sh.exe"),
        ("%evt.dir", "(<,>)"),
        ("  trimmed  ", "trimmed"),
    ],
)
def test_slots(output: str, expected: str) -> None:
    assert said(output, event()) == expected


def test_control_characters_of_an_attacker_do_not_reach_a_terminal() -> None:
    assert said("x=%proc.name", event(lineage=(process(comm="a\x1b[2Jb\nc"),))) == "x=a.[2Jb.c"


def test_a_connection() -> None:
    happened = event(
        EventKind.CONNECT,
        path=None,
        socket=Socket("ipv4", "stream", local=Endpoint("10.0.0.2", 4), remote=Endpoint("1.2.3.4", 443)),
    )

    assert said("%fd.name %fd.sport %fd.net", happened) == "10.0.0.2:4->1.2.3.4:443 443 (10.0.0.2,1.2.3.4)"


@pytest.mark.parametrize(
    ("output", "line"),
    [
        ("a %proc.nam b", "1.yaml:5:14: error: there is no field 'proc.nam'; did you mean 'proc.name'?"),
        ("%evt.arg", "1.yaml:5:12: error: evt.arg needs an argument"),
        ("%len(proc.pid)", "1.yaml:5:12: error: len() does not take a number"),
    ],
)
def test_a_slot_that_cannot_be(output: str, line: str) -> None:
    assert line in errors(with_condition("evt.num > 0", output))[0]


def test_a_sentence_has_an_end() -> None:
    long = event(lineage=(process(args=("x", "y" * 50_000)),))

    assert len(said("%proc.cmdline", long)) == 16 << 10
