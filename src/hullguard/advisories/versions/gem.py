"""RubyGems versions: Gem::Version of RubyGems, "How Software Changes" and "Pre-releases" in its documentation."""

import re
from functools import cmp_to_key
from itertools import dropwhile, zip_longest
from typing import Any

from hullguard.advisories.versions.order import Order, UnreadableVersion

_GRAMMAR = re.compile(r"[0-9]+(?:\.[0-9a-zA-Z]+)*(?:-[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?", re.ASCII)
_SEGMENT = re.compile(r"[0-9]+|[a-z]+", re.ASCII | re.IGNORECASE)
# A gem with compiled code is named for its platform behind its version: Gem::Platform.
_PLATFORM = re.compile(
    r"-(?:java|jruby|(?:x86|x64|x86_64|i[3-6]86|arm|arm64|armv\w+|aarch64|ppc64le|s390x|riscv64|universal)"
    r"(?:[-_.][\w.-]*)?|mswin\w*|mingw\w*)\Z"
)
_Segment = int | str


class GemOrder(Order):
    """A word makes a pre-release, but a platform does not; trailing zeros do not count."""

    name = "gem"

    def parse(self, text: str) -> Any:
        version = _PLATFORM.sub("", text.strip())
        if _GRAMMAR.fullmatch(version) is None:
            raise UnreadableVersion(text, self.name)
        found = _SEGMENT.findall(version.replace("-", ".pre."))
        segments = [int(part) if part.isdigit() else part for part in found]
        word = next((place for place, part in enumerate(segments) if isinstance(part, str)), len(segments))
        return cmp_to_key(_compare)((*_trimmed(segments[:word]), *_trimmed(segments[word:])))


def _trimmed(segments: list[_Segment]) -> list[_Segment]:
    return list(dropwhile(lambda segment: segment == 0, segments[::-1]))[::-1]


def _compare(one: tuple[_Segment, ...], other: tuple[_Segment, ...]) -> int:
    for left, right in zip_longest(one, other, fillvalue=0):
        if left != right:
            before = (isinstance(left, int), left) < (isinstance(right, int), right)  # words before numbers
            return -1 if before else 1
    return 0
