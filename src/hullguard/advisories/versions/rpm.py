"""rpm versions: ``[epoch:]version[-release]``, rpm's rpmio/rpmvercmp.c and lib/rpmver.c."""

import re

from hullguard.advisories.versions.order import Order, UnreadableVersion

_GRAMMAR = re.compile(r"(?:(\d{0,9}):)?([A-Za-z0-9._+~^]+)(?:-([A-Za-z0-9._+~^]+))?", re.ASCII)
_SEGMENT = re.compile(r"\d+|[A-Za-z]+|~|\^", re.ASCII)
_Segment = tuple[int | str, ...]

# What stands at one place, from the lowest: ``~`` is before the end of the version, ``^`` just behind it.
_BEFORE_END, _END, _BEHIND_END, _LETTERS, _NUMBER = range(5)


class RpmOrder(Order):
    """Segments of digits and of letters; what stands between them only separates.

    A version without a release stands for every release of it, as in rpm's own dependencies.
    """

    name = "rpm"

    def parse(self, text: str) -> tuple[int, tuple[_Segment, ...], tuple[_Segment, ...]]:
        match = _GRAMMAR.fullmatch(text.strip())
        if match is None:
            raise UnreadableVersion(text, self.name)
        epoch, version, release = match.groups()
        return (int(epoch or 0), segments(version), segments(release) if release else ())

    def installed_for(self, installed: str, bound: str) -> str:
        """Without the release where the bound has none: ``1.2-3`` is ``1.2`` then."""
        return installed if "-" in bound else installed.partition("-")[0]


def segments(text: str) -> tuple[_Segment, ...]:
    """A key that sorts as rpmvercmp compares."""
    return (*map(_segment, _SEGMENT.findall(text)), (_END,))


def _segment(part: str) -> _Segment:
    if part == "~":
        return (_BEFORE_END,)
    if part == "^":
        return (_BEHIND_END,)
    return (_NUMBER, int(part)) if part.isdigit() else (_LETTERS, part)
