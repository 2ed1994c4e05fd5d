"""What tests of ``proc.*`` and ``user.*`` say of the events for which they hold; most are about programs that start."""

from collections.abc import Callable
from typing import Any, Final

from hullguard.detect.rules.bounding import ANYTHING, Bounds, bounded, either_way, names_of, paths_of, values_of
from hullguard.detect.rules.conditions import Test
from hullguard.detect.rules.filters import Filter, Paths, Trait
from hullguard.detect.texts import piece


def _terminal(test: Test) -> Bounds:
    """``proc.tty != 0``."""
    yes, no = (Filter(traits=frozenset({(Trait.TERMINAL, holds)})) for holds in (True, False))
    if (test.operator, test.value) in {("!=", 0), (">", 0), (">=", 1)}:
        return Bounds((yes,), (no,), exact=True)
    if (test.operator, test.value) == ("=", 0):
        return Bounds((no,), (yes,), exact=True)
    return Bounds()


def _root(trait: Trait) -> Callable[[Test], Bounds]:
    """``user.euid = 0``, ``user.uid != 0``. Who is not known to be root is not; so is an unknown user."""
    yes, no = (Filter(traits=frozenset({(trait, holds)})) for holds in (True, False))

    def make(test: Test) -> Bounds:
        if (test.operator, test.value) == ("=", 0):
            return Bounds((yes,), (no,))
        if (test.operator, test.value) in {("!=", 0), (">", 0), (">=", 1)}:
            return Bounds((no,), ANYTHING)
        return Bounds()

    return make


def _user(test: Test) -> Bounds:
    """``user.uid``."""
    root = _root(Trait.ROOT)(test)
    return root if values_of(test) is None else Bounds(bounded("uids", names_of)(test).holds, root.fails)


def _program_path(test: Test) -> Bounds:
    """``proc.exepath``; where the test asks for ``/.``, that is another way to tell."""
    made = bounded("program_paths", paths_of)(test)
    sure = test.operator in {"contains", "startswith", "endswith", "=", "icontains"} and "/." in str(test.value)
    if not sure:
        return made
    hidden = Filter(traits=frozenset({(Trait.HIDDEN, True)}))
    return Bounds(tuple(one & hidden for one in made.holds), made.fails)


def _beginnings(test: Test) -> Paths | None:
    """Names, whole or by how they begin."""
    if values_of(test) is None and test.operator != "startswith":
        return None
    return paths_of(test)


def _directory(test: Test) -> Paths | None:
    """``proc.cwd``, by how it begins."""
    found = paths_of(test)
    return None if found is None or found.suffixes else found


_HOLDING: Final = frozenset({"contains", "icontains", "startswith", "endswith"})
"""With these the whole value is in the text."""


def texts(test: Test) -> frozenset[str] | None:
    """Of ``proc.args``: what one of the arguments, or several in a row, must have in them."""
    values: Any = values_of(test)
    if values is None and test.operator in _HOLDING:
        values = (test.value,)
    if values is None:
        return None
    found = [piece(str(value), any_case=test.operator == "icontains") for value in values]
    return frozenset(one for one in found if one is not None) if all(found) else None


def variables(test: Test) -> frozenset[str] | None:
    """Of ``proc.env[NAME]``, for which no test holds where there is no such variable."""
    name = test.operand.argument or ""
    return frozenset({name}) if piece(f"{name}=") == f"{name}=" else None


PROCESS_MAKERS: Final[dict[str, Callable[[Test], Bounds]]] = {
    "proc.tty": _terminal,
    "proc.is_exe_upper_layer": either_way(Trait.NEW_PROGRAM),
    "proc.is_exe_from_memfd": either_way(Trait.MEMORY_PROGRAM),
    "proc.name": bounded("programs", names_of),
    "proc.aname.0": bounded("programs", names_of),
    "proc.pname": bounded("parents", _beginnings),
    "proc.aname.1": bounded("parents", _beginnings),
    "proc.exepath": _program_path,
    "proc.cwd": bounded("directories", _directory),
    "proc.args": bounded("texts", texts),
    "user.uid": _user,
    "user.euid": _root(Trait.EFFECTIVE_ROOT),
}
"""By the field's name, with its argument after a dot."""
ARGUMENT_MAKERS: Final[dict[str, Callable[[Test], Bounds]]] = {
    "proc.args": bounded("texts", texts),
    "proc.env": bounded("variables", variables),
}
"""The same whatever the argument is."""
