import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hullguard.detect import check, default_policy
from hullguard.detect.policy_check import check_parameter
from hullguard.model.detector import ParameterInfo, ParameterKind
from hullguard.model.errors import Invalid
from hullguard.model.policy import Action, DetectorSettings, PolicySpec
from hullguard.model.rollout import Mode, Rollout


def spec(detector: str, **settings: object) -> PolicySpec:
    return PolicySpec(name="p", detectors={detector: DetectorSettings(**settings)})


def test_the_default_policy_is_valid():
    check(default_policy())


def test_a_full_policy_is_valid():
    check(
        PolicySpec(
            name="p",
            detectors={
                "container.drop-and-execute": DetectorSettings(
                    action=Action.KILL, parameters={"exempt_paths": ["/opt/*", "/usr/local/bin/tool"]}
                ),
                "container.terminal-shell": DetectorSettings(parameters={"shells": ["bash", "sh"]}),
                "file.read-sensitive": DetectorSettings(parameters={"paths": ["/srv/keys/*"], "exempt_programs": []}),
            },
        )
    )


@pytest.mark.parametrize(
    ("wrong", "code", "field"),
    [
        (PolicySpec(name="p", rollout=Rollout(Mode.CANARY)), "policy.canary-empty", "$.rollout.canary_nodes"),
        (
            spec("container.terminal-shell", action=Action.DENY),
            "policy.action-unsupported",
            "$.detectors['container.terminal-shell'].action",
        ),
        (spec("no.such"), "policy.detector-unknown", "$.detectors['no.such']"),
        (
            spec("file.read-sensitive", parameters={"path": ["/a"]}),
            "policy.parameter-unknown",
            "$.detectors['file.read-sensitive'].parameters.path",
        ),
        (
            spec("file.read-sensitive", parameters={"paths": "/a"}),
            "policy.parameter-type",
            "$.detectors['file.read-sensitive'].parameters.paths",
        ),
        (
            spec("file.read-sensitive", parameters={"paths": ["/a", "etc/shadow"]}),
            "policy.parameter-item",
            "$.detectors['file.read-sensitive'].parameters.paths[1]",
        ),
        (
            spec("file.read-sensitive", parameters={"paths": ["/a"] * 101}),
            "policy.parameter-bounds",
            "$.detectors['file.read-sensitive'].parameters.paths",
        ),
        (
            spec("container.terminal-shell", parameters={"shells": ["/bin/sh"]}),
            "policy.parameter-item",
            "$.detectors['container.terminal-shell'].parameters.shells[0]",
        ),
        (
            spec("container.terminal-shell", parameters={"shells": [""]}),
            "policy.parameter-item",
            "$.detectors['container.terminal-shell'].parameters.shells[0]",
        ),
    ],
)
def test_a_wrong_policy_is_refused_at_its_field(wrong, code, field):
    with pytest.raises(Invalid) as caught:
        check(wrong)

    assert (caught.value.code, caught.value.field) == (code, field)


NUMBER = ParameterInfo("n", ParameterKind.NUMBER, 5, minimum=1, maximum=9)
FLAG = ParameterInfo("f", ParameterKind.FLAG, default=True)
TEXT = ParameterInfo("t", ParameterKind.TEXT, "")


@pytest.mark.parametrize(("info", "value"), [(NUMBER, 1), (NUMBER, 9), (FLAG, False), (TEXT, "x" * 1000)])
def test_values_within_bounds_pass(info, value):
    check_parameter(info, value, "$")


@pytest.mark.parametrize(
    ("info", "value"),
    [(NUMBER, 0), (NUMBER, 10), (NUMBER, True), (NUMBER, "5"), (FLAG, 1), (TEXT, "x" * 1001), (TEXT, [])],
)
def test_values_out_of_bounds_do_not(info, value):
    with pytest.raises(Invalid):
        check_parameter(info, value, "$")


VALUES = st.one_of(st.booleans(), st.integers(), st.text(max_size=20), st.lists(st.text(max_size=20), max_size=5))


@settings(deadline=None)
@given(
    st.sampled_from(["file.read-sensitive", "container.terminal-shell", "container.drop-and-execute"]),
    st.dictionaries(st.sampled_from(["paths", "shells", "exempt_paths", "exempt_programs", "x"]), VALUES),
)
def test_hostile_parameters_are_valid_or_refused_with_a_field(detector, parameters):
    try:
        check(spec(detector, parameters=parameters))
    except Invalid as refused:
        assert refused.field.startswith(f"$.detectors['{detector}'].parameters.")  # noqa: PT017 - either is right
