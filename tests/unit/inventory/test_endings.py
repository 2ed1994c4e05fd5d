"""What is read off a pattern never denies a name that the pattern fits."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hullguard.inventory.analyzers.analyzer import Analyzer
from hullguard.inventory.analyzers.catalog import ANALYZERS
from hullguard.inventory.content.secrets.rules.catalog import RULES
from hullguard.inventory.endings import Endings

NOTHING = Analyzer.paths
PATHS = [analyzer.paths for analyzer in ANALYZERS if analyzer.paths != NOTHING]
IN_EVERY_SCAN = [analyzer.paths for analyzer in ANALYZERS if not analyzer.for_licenses]
OF_RULES = [f"(?:.*/)?(?:{rule.paths})" for rule in RULES if rule.paths]
ODD = [
    *("a", "ab?", "", "(?:a|b)*", "[a-z]{3}", "abc$", "(?i:kiss)", "(?i:json)x?", "x(?i:(?-i:y)ab)", "(?!x).*abcd", r"\Aabcd"),
    *(".*x\\.ez", "(?:abc|.*\\.(?:ab|c))", "[ab]{2}c.*d\\.e", ".*(?:\\.ez|/ebin/x\\.app)"),
    *("[^a]bcd", "(a|bcde)(f|ghij)?", "abcde|[0-9]+", "ab+cdef", "(?:one|two|three){2}", "lazy.*?", "(x)y\\1", ".*needle.*", "a?b?.*"),
]  # fmt: skip


@pytest.mark.parametrize("pattern", [*PATHS, *OF_RULES, *ODD])
@given(data=st.data())
def test_every_name_that_fits_is_possible(pattern: str, data: st.DataObject) -> None:
    name = data.draw(st.from_regex(pattern, fullmatch=True))

    assert Endings([pattern]).possible(name)


@given(st.text("abdeijlmnorstuxJAR./-_DTPKGINFO", max_size=20))
def test_a_name_is_denied_only_when_no_pattern_fits_it(name: str) -> None:
    if not Endings(PATHS).possible(name):
        assert not any(re.fullmatch(pattern, name) for pattern in PATHS)


@pytest.mark.parametrize(
    "name",
    [
        *("usr/bin/bash", "usr/share/doc/adduser/copyright", "srv/app/index.js", "", "x", "opt/plugins/a/b.svg"),
        *(
            "srv/app/node_modules/a/lib/index.js",
            "usr/lib/x86_64-linux-gnu/libx.so.6",
            "usr/lib/python3/dist-packages/a/b.py",
        ),
    ],
)
def test_the_names_that_images_are_full_of_are_denied(name: str) -> None:
    assert not Endings([*IN_EVERY_SCAN, *OF_RULES, NOTHING]).possible(name)
