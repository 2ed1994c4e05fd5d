"""Options that several commands share are written once, as the fields of a struct, and given to a command as one."""

import functools
import inspect
import typing
from collections.abc import Callable
from typing import Any

from msgspec import Struct


def takes(**groups: type[Struct]) -> Callable[[Callable[..., int]], Callable[..., int]]:
    """Gives a command the fields of these structs as its options.

    ``@takes(reading=Reading) def scan(..., *, reading: Reading)`` has the command line see the fields of ``Reading``
    where the function has one parameter of that name.
    """

    def wrap(function: Callable[..., int]) -> Callable[..., int]:
        fields = {name: _parameters(group) for name, group in groups.items()}

        @functools.wraps(function)
        def command(**given: Any) -> int:
            for name, group in groups.items():
                given[name] = group(**{field.name: given.pop(field.name) for field in fields[name]})
            return function(**given)

        signature = inspect.signature(function)
        own = [parameter for parameter in signature.parameters.values() if parameter.name not in groups]
        every = [*own, *(field for group in fields.values() for field in group)]
        vars(command)["__signature__"] = signature.replace(
            parameters=[parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in every]
        )
        command.__annotations__ = {parameter.name: parameter.annotation for parameter in every}
        return command

    return wrap


def _parameters(group: type[Struct]) -> list[inspect.Parameter]:
    hints = typing.get_type_hints(group, include_extras=True)
    fields = zip(group.__struct_fields__, group.__struct_defaults__, strict=True)
    return [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=hints[name])
        for name, default in fields
    ]
