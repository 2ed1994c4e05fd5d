"""The catalog holds for every event, and says where it cannot."""

import pytest
from hypothesis import given
from tests.support.rule_events import events

from hullguard.detect.fields.arguments import BY_KIND, NAMES, named
from hullguard.detect.fields.calls import CALLS, KINDS, event_type, is_call
from hullguard.detect.fields.catalog import BY_NAME, FIELDS
from hullguard.detect.fields.field import Argument, Field, FieldType, Known, Several
from hullguard.model.event import Event, EventKind

TYPES = {
    FieldType.TEXT: str,
    FieldType.NUMBER: int,
    FieldType.FLAG: bool,
    FieldType.PORT: int,
    FieldType.ADDRESS: str,
    FieldType.NETWORK: str,
    FieldType.BYTES: bytes,
}


def test_every_kind_of_event_has_calls_and_arguments() -> None:
    assert set(CALLS) == set(BY_KIND) == set(EventKind)


def test_a_call_stands_for_one_kind() -> None:
    assert len(KINDS) == sum(len(calls) for calls in CALLS.values())


def test_names_are_unique() -> None:
    assert len(BY_NAME) == len(FIELDS)


@pytest.mark.parametrize("field", FIELDS, ids=lambda field: field.name)
def test_each_field_is_told_in_both_languages(field: Field) -> None:
    english, chinese = field.texts
    assert english.endswith(".")
    assert chinese.endswith("。")
    assert (field.known is not Known.YES) == bool(field.whys[0] and field.whys[1])


@pytest.mark.parametrize("field", FIELDS, ids=lambda field: field.name)
def test_what_stands_in_brackets_has_a_reader(field: Field) -> None:
    assert (field.bind is not None) == (field.argument is not Argument.NONE)
    assert field.read or field.bind


@given(events())
def test_every_value_is_of_its_type(happened: Event) -> None:
    for field in FIELDS:
        if field.read is None:
            continue
        value = field.reader(None)(happened)
        if field.several is not Several.ONE and value is not None:
            assert isinstance(value, tuple), field.name
        for one in value if isinstance(value, tuple) else (value,):
            assert one is None or type(one) is TYPES[field.type], (field.name, one)
        if field.always:
            assert value not in {None, ()}, field.name
        if field.kinds is not None and value not in {None, ()}:
            assert happened.kind in field.kinds, field.name
        if field.least is not None and isinstance(value, int):
            assert value >= field.least


@given(events())
def test_every_argument_is_a_text(happened: Event) -> None:
    for name in NAMES:
        value = named(name)(happened)
        assert value is None or isinstance(value, str)


@given(events())
def test_every_event_has_a_type_that_rules_may_name(happened: Event) -> None:
    assert is_call(event_type(happened))


def test_calls_that_nothing_reports_are_known_as_calls() -> None:
    assert is_call("ioctl")
    assert is_call("switch")
    assert not is_call("opennat")
