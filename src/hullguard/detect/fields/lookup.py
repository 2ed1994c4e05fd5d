"""A field by the name that a rule gives it."""

from hullguard.detect.fields.arguments import FALCO_NAMES, NAMES
from hullguard.detect.fields.catalog import BY_NAME
from hullguard.detect.fields.field import Field

OF_ARGUMENTS = frozenset({"evt.arg", "evt.rawarg"})


def find(name: str) -> tuple[Field, str | None] | None:
    """The field, and the argument that the name itself holds (``flags`` of ``evt.arg.flags``); None for no field."""
    field = BY_NAME.get(name)
    if field is not None:
        return field, None
    base = name
    while "." in base:
        base = base.rpartition(".")[0]
        field = BY_NAME.get(base)
        if field is not None:
            return (field, name[len(base) + 1 :]) if field.prefix else None
    return None


def is_argument(name: str) -> bool:
    """Whether some call, here or in Falco, has an argument of that name or number."""
    return name.isdigit() or name in NAMES or name in FALCO_NAMES
