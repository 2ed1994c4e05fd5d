"""Package names as their ecosystems compare them."""

import re

_RUNS = re.compile(r"[-_.]+")


# Packages of NuGet and of Packagist are found whatever their case; a registry keeps one spelling of each.
_IGNORE_CASE = frozenset({"NuGet", "Packagist"})


def canonical(ecosystem: str, name: str) -> str:
    """PyPI ignores case and the kind of separator (PEP 503), NuGet and Packagist ignore case; others nothing.

    Maven's names are ``group:artifact`` and RubyGems' are as they were pushed: both compare exactly. A repository's
    address behind the ecosystem (``Packagist:https://…``) does not change how its names compare.
    """
    family = ecosystem.partition(":")[0]
    if family == "PyPI":
        return _RUNS.sub("-", name).lower()
    return name.lower() if family in _IGNORE_CASE else name
