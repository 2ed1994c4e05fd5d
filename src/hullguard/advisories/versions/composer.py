"""Composer versions: normalised as Composer's documentation says ("Versions and constraints"), compared as PHP does.

PHP's version_compare: ``dev < alpha < beta < RC < the release < a further number < pl``.
"""

import re

from hullguard.advisories.versions.order import Order, UnreadableVersion

_STAGE = r"(?:[._-]?(stable|beta|b|rc|alpha|a|patch|pl|p)((?:[.-]?\d++)*+))?([.-]?dev)?(?:\+\S+)?"
_NUMBERS = re.compile(rf"v?(\d{{1,5}})(\.\d+)?(\.\d+)?(\.\d+)?{_STAGE}", re.ASCII | re.IGNORECASE)
_DATE = re.compile(rf"v?(\d{{4}}(?:[.:-]?\d{{2}}){{1,6}}(?:[.:-]?\d{{1,3}}){{0,2}}){_STAGE}", re.ASCII | re.IGNORECASE)
_BRANCH = re.compile(r"v?(\d+)(\.(?:\d+|[x*]))?(\.(?:\d+|[x*]))?(\.(?:\d+|[x*]))?-dev", re.ASCII | re.IGNORECASE)
_DIGITS = re.compile(r"\d+", re.ASCII)
_DEV, _ALPHA, _BETA, _RC, _END, _NUMBER, _PATCH = range(7)
_STAGES = {
    "beta": _BETA,
    "b": _BETA,
    "rc": _RC,
    "alpha": _ALPHA,
    "a": _ALPHA,
    "patch": _PATCH,
    "pl": _PATCH,
    "p": _PATCH,
}
_NEWEST = 9999999
"""The number that stands for the ``x`` of a branch."""
_Part = tuple[int, int]


class ComposerOrder(Order):
    """``dev-master`` and other branches without a number have no place in the order."""

    name = "Composer"

    def parse(self, text: str) -> tuple[_Part, ...]:
        version = text.strip()
        if match := _NUMBERS.fullmatch(version):
            numbers = [int((part or "0").strip(".")) for part in match.groups()[:4]]
            return _key(numbers, match[5], match[6], match[7])
        if match := _DATE.fullmatch(version):
            return _key([int(part) for part in _DIGITS.findall(match[1])], *match.groups()[1:])
        if match := _BRANCH.fullmatch(version):
            parts = [(part or ".x").strip(".") for part in match.groups()]
            return _key([int(part) if part.isdigit() else _NEWEST for part in parts], None, None, "-dev")
        raise UnreadableVersion(text, self.name)


def _key(numbers: list[int], stage: str | None, count: str | None, dev: str | None) -> tuple[_Part, ...]:
    key = [(_NUMBER, number) for number in numbers]
    if stage and stage.lower() != "stable":
        key.append((_STAGES[stage.lower()], 0))
        key += [(_NUMBER, int(number)) for number in _DIGITS.findall(count or "")]
    if dev:
        key.append((_DEV, 0))
    return (*key, (_END, 0))
