"""Sentences that people read at a terminal, in their language.

The code says them in English; ``zh/`` has the Chinese of each, found by the English with its placeholders. Only
commands speak Chinese: servers, reports for programs and what is stored stay English, which is one form for all.
What a server says in both, since the console cannot know it by a code, it asks ``chinese`` for.
"""

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from hullguard.words.catalogue import Catalogue

__all__ = ["Language", "chinese", "count", "language", "local", "say", "use"]

Language = Literal["en", "zh"]

_chosen: Language = "en"
_chinese: "Catalogue | None" = None


def use(language: Language) -> None:
    """Has this process speak a language from here on."""
    global _chosen  # noqa: PLW0603 - a process speaks one language, as its locale is one
    _chosen = language


def language() -> Language:
    """What this process speaks."""
    return _chosen


def say(english: str, /, **filling: object) -> str:
    """A sentence of this program in the language chosen, its placeholders filled."""
    sentence = english if _chosen == "en" else chinese().written.get(english, english)
    return sentence.format(**filling) if filling else sentence


def count(number: int, one: str, many: str) -> str:
    """``{n} layer`` or ``{n} layers``; Chinese has one form, found by the second."""
    return say(one if _chosen == "en" and number == 1 else many, n=number)


def local(sentence: str) -> str:
    """An English sentence that some other part has made, in the language chosen; as it is when it is not known."""
    return sentence if _chosen == "en" else chinese().of(sentence)


def chinese() -> "Catalogue":
    """Everything that there is in Chinese, read when it is needed for the first time."""
    global _chinese  # noqa: PLW0603 - read once
    if _chinese is None:
        from hullguard.words.catalogue import load

        _chinese = load("zh")
    return _chinese
