"""Names and lines that people will read are looked at before they are kept: ``NAME`` and ``LINE`` mark their types."""

import functools
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

from msgspec import Struct
from msgspec import inspect as types

from hullguard.model.errors import Invalid
from hullguard.words.plain import fault_of_line, fault_of_name

_Check: TypeAlias = Callable[[Any, str], None]
"""Looks at a value that stands at a place, such as ``$.spec.name``."""
_RULES: Final[Mapping[str, Callable[[str, str], str | None]]] = {"name": fault_of_name, "line": fault_of_line}


def check_shown(value: object, kind: Any) -> None:
    """Raises ``Invalid`` with the field where a marked text in what was decoded as ``kind`` may not stand there."""
    check = _of_type(kind)
    if check is not None:
        check(value, "$")


@functools.lru_cache(maxsize=256)
def _of_type(kind: Any) -> _Check | None:
    return _of(types.type_info(kind))


def _of(info: types.Type) -> _Check | None:
    """The look at values of one type; None where nothing in it is marked."""
    if isinstance(info, types.Metadata):
        rule = (info.extra or {}).get("shown")
        return _of(info.type) if rule is None else functools.partial(_text, _RULES[rule])
    if isinstance(info, types.StructType):
        fields = [(field.name, field.encode_name, _of(field.type)) for field in info.fields]
        marked = [(name, encoded, check) for name, encoded, check in fields if check is not None]
        return functools.partial(_fields, info.cls, marked) if marked else None
    if isinstance(info, types.ListType | types.VarTupleType):
        return None if (check := _of(info.item_type)) is None else functools.partial(_items, check)
    if isinstance(info, types.DictType):
        return None if (check := _of(info.value_type)) is None else functools.partial(_values, check)
    if isinstance(info, types.UnionType):
        checks = [check for each in info.types if (check := _of(each)) is not None]
        return functools.partial(_any, checks) if checks else None
    return None


def _text(rule: Callable[[str, str], str | None], value: Any, place: str) -> None:
    if not isinstance(value, str) or not value:
        return  # whether it may be empty is said by its length
    field = place.rpartition(".")[2].partition("[")[0]
    if (why := rule(value, field)) is not None:
        raise Invalid(why, "name-unclear", field=place)


def _fields(cls: type[Struct], marked: list[tuple[str, str, _Check]], value: Any, place: str) -> None:
    if isinstance(value, cls):
        for name, encoded, check in marked:
            check(getattr(value, name), f"{place}.{encoded}")


def _items(check: _Check, value: Any, place: str) -> None:
    if isinstance(value, list | tuple):
        for number, item in enumerate(value):
            check(item, f"{place}[{number}]")


def _values(check: _Check, value: Any, place: str) -> None:
    if isinstance(value, dict):
        for item in value.values():
            check(item, f"{place}[...]")


def _any(checks: list[_Check], value: Any, place: str) -> None:
    for check in checks:
        check(value, place)
