"""Package names as their ecosystems compare them."""

import re

_RUNS = re.compile(r"[-_.]+")


# Packages of NuGet and of Packagist are found whatever their case; a registry keeps one spelling of each. Swift tells
# packages by addresses, and compares those without case.
_IGNORE_CASE = ("NuGet", "Packagist", "SwiftURL")


def canonical(ecosystem: str, name: str) -> str:
    """PyPI ignores case and the kind of separator (PEP 503), NuGet, Packagist and Swift ignore case; others nothing.

    Maven's names are ``group:artifact`` and RubyGems' are as they were pushed: both compare exactly. A repository's
    address behind the ecosystem (``Packagist:https://…``) does not change how its names compare.
    """
    if ecosystem.startswith("PyPI"):
        return _RUNS.sub("-", name).lower()
    return name.lower() if ecosystem.startswith(_IGNORE_CASE) else name
