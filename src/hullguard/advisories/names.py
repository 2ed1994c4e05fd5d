"""Package names as their ecosystems compare them."""

import re

_RUNS = re.compile(r"[-_.]+")


def canonical(ecosystem: str, name: str) -> str:
    """PyPI ignores case and the kind of separator (PEP 503); elsewhere a name is itself."""
    return _RUNS.sub("-", name).lower() if ecosystem == "PyPI" else name
