"""The titles of rules and checks in Chinese, by the English ones. The console reads the same table.

By the title and not by the rule's id: a user's own rule may have the id of one of ours and mean something else.
"""

import functools
from importlib.resources import files

from hullguard.model.decoding import from_json
from hullguard.words import language


def chinese(title: str) -> str:
    """The title in Chinese; as it is when it is a user's own."""
    return _titles().get(title, title)


def title_of(title: str) -> str:
    """The title in the language that this process speaks."""
    return title if language() == "en" else chinese(title)


@functools.cache
def _titles() -> dict[str, str]:
    return from_json((files(__package__ or "") / "titles.zh.json").read_bytes(), dict[str, str])
