"""The shared vocabulary keeps its promises."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hullguard.model.command import CommandState
from hullguard.model.errors import HullguardError, Invalid, QuotaExhausted, Stale
from hullguard.model.ids import derived_id, new_id
from hullguard.model.image import Platform, Target
from hullguard.model.policy import DetectorSettings, PolicySpec
from hullguard.model.report import AdvisoryState, ScanReport
from hullguard.model.severity import Severity


def test_severities_are_ordered_from_critical_to_unknown() -> None:
    ordered = sorted(Severity, key=lambda severity: severity.rank, reverse=True)

    assert [str(severity) for severity in ordered] == ["critical", "high", "medium", "low", "negligible", "unknown"]


@pytest.mark.parametrize("severity", Severity)
def test_a_rank_leads_back_to_its_severity(severity: Severity) -> None:
    assert Severity.from_rank(severity.rank) is severity


def test_ids_sort_by_the_time_they_were_made_and_are_version_7() -> None:
    made = [new_id() for _ in range(50)]

    assert len(set(made)) == 50
    assert [identifier[:12] for identifier in made] == sorted(identifier[:12] for identifier in made)
    assert {identifier[12] for identifier in made} == {"7"}
    assert {identifier[16] for identifier in made} <= set("89ab")


@given(st.lists(st.one_of(st.text(), st.integers()), min_size=1), st.lists(st.text(), min_size=1))
def test_derived_ids_are_equal_for_equal_parts_only(parts: list[str | int], others: list[str]) -> None:
    assert derived_id(*parts) == derived_id(*parts)
    if [str(part) for part in parts] != others:
        assert derived_id(*parts) != derived_id(*others)


def test_parts_do_not_run_together() -> None:
    assert derived_id("ab", "c") != derived_id("a", "bc")


def test_errors_have_a_code_and_parameters_for_translators() -> None:
    error = Invalid("no such detector 'x'", "policy.detector-unknown", field="$.detectors['x']", detector="x")

    assert (str(error), error.code, error.field) == (
        "no such detector 'x'",
        "policy.detector-unknown",
        "$.detectors['x']",
    )
    assert error.params == {"detector": "x"}
    assert HullguardError("sorry").code == "error"
    assert (Stale("x").code, QuotaExhausted("x").code) == ("stale", "quota-exhausted")


def test_a_command_ends_in_exactly_four_states() -> None:
    assert {state for state in CommandState if state.final} == {"done", "failed", "expired", "cancelled"}


def test_a_policy_refuses_fields_that_it_does_not_know() -> None:
    with pytest.raises(msgspec.ValidationError, match=r"unknown field `run` - at `\$\.detectors\[\.\.\.\]`"):
        msgspec.json.decode(b'{"name": "p", "detectors": {"d": {"run": "rm -rf /"}}}', type=PolicySpec)


def test_a_policy_refuses_an_action_that_does_not_exist() -> None:
    with pytest.raises(msgspec.ValidationError, match="Invalid enum value 'nuke'"):
        msgspec.json.decode(b'{"action": "nuke"}', type=DetectorSettings)


@pytest.mark.parametrize("name", ["", "x" * 65, "a\nb", "<b>", "../x"])
def test_a_policy_refuses_a_name_that_is_none(name: str) -> None:
    with pytest.raises(msgspec.ValidationError, match="name"):
        msgspec.convert({"name": name}, PolicySpec)


def test_the_report_names_its_schema_first() -> None:
    report = ScanReport(Target("x", "dir"), None, (), (), (), (), AdvisoryState(None), complete=True)
    document = msgspec.json.encode(report)

    assert document.startswith(b'{"schema":"hullguard/scan-report/1","target"')
    assert msgspec.json.decode(document, type=ScanReport) == report


def test_a_platform_is_written_as_people_write_it() -> None:
    assert str(Platform("linux", "arm", "v7")) == "linux/arm/v7"
    assert str(Platform("linux", "amd64")) == "linux/amd64"
