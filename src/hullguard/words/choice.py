"""Which language a command speaks."""

from collections.abc import Mapping, Sequence

from hullguard.words import Language

VARIABLE = "HULLGUARD_LANG"
OPTION = "--lang"
_LOCALE = ("LC_ALL", "LC_MESSAGES", "LANG")


def chosen(arguments: Sequence[str], environment: Mapping[str, str], encoding: str | None) -> Language:
    """``--lang`` before the command, else ``HULLGUARD_LANG``, else the locale as POSIX orders its variables.

    A terminal whose ``encoding`` has no Chinese is spoken to in English.
    """
    said = asked(arguments) or environment.get(VARIABLE) or _locale(environment)
    return "zh" if said.lower().startswith("zh") and _carries_chinese(encoding) else "en"


def asked(arguments: Sequence[str]) -> str:
    """What ``--lang`` says, which stands before the command or nowhere."""
    for number, argument in enumerate(arguments):
        if argument == OPTION:
            return arguments[number + 1] if number + 1 < len(arguments) else ""
        if argument.startswith(f"{OPTION}="):
            return argument.removeprefix(f"{OPTION}=")
        if not argument.startswith("-"):
            break
    return ""


def without(arguments: Sequence[str]) -> Sequence[str]:
    """The arguments behind ``--lang``."""
    if arguments[:1] == [OPTION]:
        return arguments[2:]
    return arguments[1:] if arguments and arguments[0].startswith(f"{OPTION}=") else arguments


def _locale(environment: Mapping[str, str]) -> str:
    return next((environment[name] for name in _LOCALE if environment.get(name)), "")


def _carries_chinese(encoding: str | None) -> bool:
    try:
        "中文".encode(encoding or "utf-8")
    except (UnicodeEncodeError, LookupError):
        return False
    return True
