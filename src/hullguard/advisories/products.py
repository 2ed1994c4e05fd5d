"""Under which names a release's advisories are published: some publishers speak of parts of it, not of the whole."""

import re
from functools import lru_cache

_RED_HAT = "Red Hat:enterprise_linux:"
_SUSE_SERVER = "SUSE:Linux Enterprise Server "
_SUSE_MODULE = "SUSE:Linux Enterprise Module for "
_LONG_TERM = "-LTSS"


@lru_cache(maxsize=256)
def products(ecosystem: str, known: frozenset[str]) -> tuple[str, ...]:
    """The known ecosystems that a package of this one is looked up in; empty when there is none.

    Red Hat names the repository behind the release (``Red Hat:enterprise_linux:9::baseos``), SUSE the module
    (``SUSE:Linux Enterprise Module for Basesystem 15 SP5``): a package is of one build in all of them.
    """
    found = {name for name in known if _belongs(name, ecosystem)}
    if ecosystem in known:
        found.add(ecosystem)
    return tuple(sorted(found))


def _belongs(name: str, ecosystem: str) -> bool:
    if ecosystem.startswith(_RED_HAT):
        # From the tenth on a release's minor number is named as well.
        return name.startswith((f"{ecosystem}::", f"{ecosystem}."))
    if ecosystem.startswith(_SUSE_SERVER):
        release = ecosystem.removeprefix(_SUSE_SERVER)
        module = name.startswith(_SUSE_MODULE) and name.endswith(f" {release}")
        return module or name == f"{ecosystem}{_LONG_TERM}"
    return False


def releases(name: str) -> tuple[str, ...]:
    """Under which names packages may be stored that are looked up in this ecosystem; the reverse of ``products``."""
    if name.startswith(_RED_HAT):
        release = re.split(r"::|\.", name.removeprefix(_RED_HAT), maxsplit=1)[0]
        return tuple(dict.fromkeys((name, f"{_RED_HAT}{release}")))
    if name.startswith(_SUSE_MODULE):
        # "Basesystem 15 SP5": where the release begins is not marked, so every end of the name may be one.
        words = name.removeprefix(_SUSE_MODULE).split(" ")
        return (name, *(f"{_SUSE_SERVER}{' '.join(words[start:])}" for start in range(1, len(words))))
    if name.startswith(_SUSE_SERVER) and name.endswith(_LONG_TERM):
        return name, name.removesuffix(_LONG_TERM)
    return (name,)
