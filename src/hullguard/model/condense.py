"""Many things of a profile that are alike become one: files of a directory, networks at a port."""

from collections.abc import Iterable

from hullguard.model.profile import Behaviour

MOST_ENTRIES = 1000
"""Of one profile."""
MANY_ALIKE = 8
"""More files of one directory, or networks at one port, become one entry."""
NEVER_WHOLE = ("/bin", "/boot", "/etc", "/lib", "/lib64", "/root", "/sbin", "/usr", "/opt")
"""Below these many files stay many entries: where programs and settings lie, one more is what matters."""
_EVERYWHERE = ("0.0.0.0/0", "::/0")


def condensed(whats: Iterable[tuple[Behaviour, str]]) -> dict[tuple[Behaviour, str], tuple[Behaviour, str]]:
    """What each entry becomes once many that are alike are one."""
    given = list(whats)
    groups: dict[tuple[Behaviour, str], list[tuple[Behaviour, str]]] = {}
    for each in given:
        wider = _wider(*each)
        if wider is not None:
            groups.setdefault((each[0], wider), []).append(each)
    becomes = {each: each for each in given}
    for wide, members in groups.items():
        if len(members) > MANY_ALIKE or wide in becomes:
            becomes |= dict.fromkeys(members, wide)
    return becomes


def _wider(deed: Behaviour, what: str) -> str | None:
    """What stands for an entry and for others like it; None where nothing may."""
    words = what.split(" ")
    if deed is Behaviour.CONNECT:
        if words[0] == "unix" or len(words) != 3:
            return None
        return f"{words[0]} {_EVERYWHERE[':' in words[1]]} {words[2]}"
    directory = what.removesuffix("/*").rpartition("/")[0]
    if deed is Behaviour.EXEC or directory.count("/") < 2:
        return None
    if any(f"{directory}/".startswith(f"{never}/") for never in NEVER_WHOLE):
        return None
    return f"{directory}/*"
