"""The sentences of one language by the English ones, and English sentences that are already filled found again.

What goes wrong deep inside is said in English, with names and numbers in it. To say it in another language the
sentence is compared with every pattern that the code knows: its fixed words must all be there, in their order and up
to both ends. Between them stands what it was filled with, which is passed on as it is.
"""

import re
from collections.abc import Mapping
from importlib.resources import files

import msgspec

_PLACEHOLDER = re.compile(r"\{(\w+)\}")
_DEPTH = 4
"""How deep a sentence may quote others."""
_LONGEST = 8192
_PARTS = 16


class _Pattern:
    """A sentence with placeholders."""

    __slots__ = ("fixed", "names", "sentence", "weight")

    def __init__(self, english: str, sentence: str) -> None:
        parts = _PLACEHOLDER.split(english)
        self.fixed = parts[::2]
        self.names = parts[1::2]
        self.sentence = sentence
        self.weight = sum(map(len, self.fixed))

    def filled(self, text: str) -> dict[str, str] | None:
        """What stands in a text where the placeholders are; None when its fixed words are others.

        Each fixed part is taken where it comes first, so the time is linear in the text.
        """
        first, last = self.fixed[0], self.fixed[-1]
        if not (text.startswith(first) and text.endswith(last)) or len(text) < len(first) + len(last):
            return None
        end = len(text) - len(last)
        found, at = {}, len(first)
        for name, part in zip(self.names, [*self.fixed[1:-1], None], strict=True):
            place = end if part is None else text.find(part, at, end)
            if place <= at:
                return None
            found[name] = text[at:place]
            at = place + len(part or "")
        return found


class Catalogue:
    """The sentences of one language."""

    def __init__(self, sentences: Mapping[str, str]) -> None:
        self.written = sentences
        """By the English with its placeholders."""
        patterns = [_Pattern(english, sentence) for english, sentence in sentences.items() if "{" in english]
        # Of several that fit, the one with the most fixed words says most.
        self._patterns = sorted(patterns, key=lambda pattern: -pattern.weight)

    def of(self, sentence: str) -> str:
        """An English sentence in this language; what is not known stays English."""
        return self._of(sentence, 0) if len(sentence) <= _LONGEST else sentence

    def _of(self, sentence: str, depth: int) -> str:
        if (written := self.written.get(sentence)) is not None and "{" not in sentence:
            return written
        if depth == _DEPTH or " " not in sentence:
            return sentence
        if (several := self._several(sentence, depth)) is not None:
            return several
        for pattern in self._patterns:
            if (filling := pattern.filled(sentence)) is not None:
                if (apart := self._says_more(sentence, pattern, depth)) is not None:
                    return apart
                return pattern.sentence.format(**{name: self._quoted(text, depth) for name, text in filling.items()})
        return self._parts(sentence, depth)

    def _says_more(self, sentence: str, pattern: _Pattern, depth: int) -> str | None:
        """``where: what is wrong`` that fits a pattern by chance, which takes the place's name for one of its words."""
        where, mark, what = sentence.partition(": ")
        if not mark or any(mark in fixed for fixed in pattern.fixed):
            return None
        fits = (each.weight for each in self._patterns if each.filled(what) is not None)
        if what not in self.written and next(fits, 0) <= pattern.weight:
            return None
        return f"{self._quoted(where, depth)}：{self._of(what, depth + 1)}"

    def _several(self, sentence: str, depth: int) -> str | None:
        """Sentences side by side, each of which is known: a pattern of one of them would swallow the others."""
        parts = sentence.split("; ", _PARTS)
        if len(parts) < 2:
            return None
        known = [self._quoted(part, depth) for part in parts]
        return "；".join(known) if all(one != part for one, part in zip(known, parts, strict=True)) else None

    def _quoted(self, text: str, depth: int) -> str:
        """What a sentence was filled with may be a sentence; a single word is a name."""
        return self._of(text, depth + 1) if " " in text else text

    def _parts(self, sentence: str, depth: int) -> str:
        """``where: what is wrong; and what else``: each part for itself."""
        where, mark, what = sentence.partition(": ")
        if mark and self._is_one(what):
            return f"{self._quoted(where, depth)}：{self._of(what, depth + 1)}"
        for mark, written in (("; ", "；"), (": ", "：")):
            parts = sentence.split(mark, _PARTS)
            known = [self._quoted(part, depth) for part in parts] if len(parts) > 1 else parts
            if known != parts:
                return written.join(known)
        return sentence

    def _is_one(self, sentence: str) -> bool:
        """Whether it is one sentence of several parts, which are known together only."""
        if "; " not in sentence:
            return False
        patterns = (pattern for pattern in self._patterns if any("; " in fixed for fixed in pattern.fixed))
        return sentence in self.written or any(pattern.filled(sentence) is not None for pattern in patterns)


def load(language: str) -> Catalogue:
    """Reads every file of a language."""
    sentences: dict[str, str] = {}
    for file in files("hullguard.words").joinpath(language).iterdir():
        if file.name.endswith(".json"):
            sentences.update(msgspec.json.decode(file.read_bytes(), type=dict[str, str]))
    return Catalogue(sentences)
