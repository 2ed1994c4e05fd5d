"""The catalog as tables of ``docs/howto/rules.md`` and ``rules.zh.md``, where ``scripts/field-tables`` puts them."""

from collections.abc import Mapping
from typing import Final

from hullguard.detect.fields.calls import CALLS
from hullguard.detect.fields.catalog import FIELDS
from hullguard.detect.fields.field import Field, FieldType, Known, Several
from hullguard.model.event import EventKind

BEGIN: Final = "<!-- made by {}: {} -->"
END: Final = "<!-- end -->"
LANGUAGES: Final = ("en", "zh")

_HEADS: Final = {
    "fields": ("| field | type | meaning | known here | made of |", "| 字段 | 类型 | 含义 | 是否可知 | 来源 |"),
    "events": ("| event | `evt.type` |", "| 事件 | `evt.type` |"),
}
_TYPES: Final = {
    FieldType.TEXT: ("text", "文本"),
    FieldType.NUMBER: ("number", "数字"),
    FieldType.FLAG: ("flag", "布尔"),
    FieldType.PORT: ("port", "端口"),
    FieldType.ADDRESS: ("address", "地址"),
    FieldType.NETWORK: ("network", "网段"),
    FieldType.BYTES: ("bytes", "字节"),
}
_KNOWN: Final = {Known.YES: ("yes", "是"), Known.PARTLY: ("partly", "部分"), Known.NO: ("no", "否")}
_SEVERAL: Final = {
    Several.ONE: ("", ""),
    Several.ANY: (", any of several", "，多值任一"),
    Several.EITHER: (", either end", "，任一端"),
    Several.LIST: (", list", "，列表"),
}


def tables(language: str) -> dict[str, str]:
    """Both tables in one language, by name."""
    index = LANGUAGES.index(language)
    return {"fields": _fields(index), "events": _events(index)}


def put_into(page: str, language: str) -> str:
    """A page with its tables as they must be."""
    return with_tables(page, tables(language), "scripts/field-tables")


def with_tables(page: str, made: Mapping[str, str], script: str) -> str:
    """Each table put between the two comments of its name. Raises ValueError where a page has no place for one."""
    for name, table in made.items():
        begin = BEGIN.format(script, name)
        before, mark, rest = page.partition(begin)
        _, end, after = rest.partition(END)
        if not mark or not end:
            raise ValueError(f"the page has no place for the table {name!r}: {begin} … {END}")
        page = f"{before}{begin}\n{table}\n{end}{after}"
    return page


def _fields(index: int) -> str:
    rows = [_HEADS["fields"][index], "|---|---|---|---|---|"]
    rows += [_field(field, index) for field in FIELDS]
    return "\n".join(rows)


def _field(field: Field, index: int) -> str:
    known = _KNOWN[field.known][index]
    why = f"{'：' if index else ': '}{field.whys[index]}" if field.known is not Known.YES else ""
    kind = _TYPES[field.type][index] + _SEVERAL[field.several][index]
    reads = ", ".join(f"`{one}`" for one in field.reads.split(", ") if one)
    return f"| `{field.name}` | {kind} | {field.texts[index]} | {known}{why} | {reads} |"


def _events(index: int) -> str:
    rows = [_HEADS["events"][index], "|---|---|"]
    rows += [f"| {kind} | {', '.join(f'`{call}`' for call in CALLS[kind])} |" for kind in EventKind]
    return "\n".join(rows)
