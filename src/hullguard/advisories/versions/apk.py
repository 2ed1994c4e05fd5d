"""Alpine versions: ``1.2.3b_rc1_p2~0a1b2c-r4``, apk-tools 3, src/version.c."""

import re

from hullguard.advisories.versions.order import Order, UnreadableVersion

_GRAMMAR = re.compile(
    r"(\d+)((?:\.\d+)*)([a-z]?)((?:_(?:alpha|beta|pre|rc|cvs|svn|git|hg|p)\d*)*)(?:~([0-9a-f]+))?(?:-r(\d+))?",
    re.ASCII,
)
_SUFFIX = re.compile(r"_([a-z]+)(\d*)", re.ASCII)
_BEFORE = {"alpha": 0, "beta": 1, "pre": 2, "rc": 3}
_AFTER = {"cvs": 0, "svn": 1, "git": 2, "hg": 3, "p": 4}

# Where two versions have different parts at one place, the kind of part decides: a pre-release suffix comes before
# the end, and the earlier a part may stand in the grammar, the greater is the version that has it.
_PRE, _END, _REVISION, _HASH, _NUMBER, _POST, _LETTER, _DIGITS = range(8)


class ApkOrder(Order):
    """Components behind the first compare as text when they begin with a zero, as numbers otherwise."""

    name = "apk"

    def parse(self, text: str) -> tuple[tuple[int | str, ...], ...]:
        match = _GRAMMAR.fullmatch(text.strip())
        if match is None:
            raise UnreadableVersion(text, self.name)
        first, rest, letter, suffixes, commit, revision = match.groups()
        key: list[tuple[int | str, ...]] = [(_DIGITS, int(first))]
        for component in rest.split(".")[1:]:
            zero = component.startswith("0")
            key.append((_DIGITS, 0, component) if zero else (_DIGITS, 1, int(component)))
        if letter:
            key.append((_LETTER, letter))
        for name, number in _SUFFIX.findall(suffixes):
            key.append((_PRE, _BEFORE[name]) if name in _BEFORE else (_POST, _AFTER[name]))
            if number:
                key.append((_NUMBER, int(number)))
        if commit:
            key.append((_HASH, commit))
        if revision:
            key.append((_REVISION, int(revision)))
        return (*key, (_END,))
