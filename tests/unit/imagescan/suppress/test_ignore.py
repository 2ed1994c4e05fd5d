"""Ignore files: two forms, and errors that name the line."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hullguard.imagescan.suppress.ignore import read
from hullguard.imagescan.suppress.purl import Purl
from hullguard.model.errors import Invalid
from hullguard.model.report import SuppressedBy


class TestLines:
    def test_each_line_is_a_rule(self) -> None:
        text = (
            b"# nothing\n\nCVE-2024-1\nCVE-2024-2 # not built in\nGHSA-x until:2026-12-31 # later\nCVE-4 exp:2026-01-01"
        )

        rules = read(text, ".hullguardignore")

        assert [(sorted(rule.ids), rule.reason, rule.until) for rule in rules] == [
            (["CVE-2024-1"], "listed in .hullguardignore", None),
            (["CVE-2024-2"], "not built in", None),
            (["GHSA-x"], "later", date(2026, 12, 31)),
            (["CVE-4"], "listed in .hullguardignore", date(2026, 1, 1)),
        ]
        assert rules[1].where == ".hullguardignore, line 4"
        assert {rule.by for rule in rules} == {SuppressedBy.IGNORE_FILE}

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            (b"CVE-1\nCVE-2 openssl", "line 2: 'openssl' is neither"),
            (b"CVE-1 until:soon", "line 1: 'soon' is no date"),
            (b"CVE-1 until:2026-02-30", "line 1: '2026-02-30' is no date"),
            (b"CVE-1 until:2026-01-01 until:2027-01-01", "line 1: until is given twice"),
            (b"\xff\xfe", "not UTF-8 text"),
        ],
    )
    def test_what_is_wrong_is_named_with_its_line(self, text: bytes, words: str) -> None:
        with pytest.raises(Invalid, match=words):
            read(text, "ignore")


@pytest.mark.parametrize("name", ["ignore", "ignore.yaml"])
@pytest.mark.parametrize("end", ["\r", "\x0b", "\x0c", "\x1c", "\x1e", "\x85", "\u2028", "\u2029"])
def test_nothing_hides_behind_a_comment(name: str, end: str) -> None:
    entry = "- {id: CVE-1, reason: x}" if name.endswith("yaml") else "CVE-1"

    with pytest.raises(Invalid, match=rf"line 2: the character U\+{ord(end):04X}, which ends a line for some"):
        read(f"# one\n# two{end}{entry}\n".encode(), name)
    assert len(read(f"# one\r\n{entry}\r\n".encode(), name)) == 1


class TestYaml:
    def test_an_entry_may_say_for_what_and_how_long(self) -> None:
        text = b"""
- id: CVE-2024-1
  reason: not reachable
  until: 2026-12-31
  purl: pkg:npm/lodash@4.0.0
- {id: CVE-2024-2, reason: "only at build time", package: gcc, path: "usr/lib/*"}
"""
        first, second = read(text, "ignore.yaml")

        assert (sorted(first.ids), first.reason, first.until) == (["CVE-2024-1"], "not reachable", date(2026, 12, 31))
        assert first.products[0].package == Purl("npm", "", "lodash", "4.0.0")
        assert first.where == "ignore.yaml, line 2"
        assert (second.package, second.path, second.products) == ("gcc", "usr/lib/*", ())

    @pytest.mark.parametrize("text", [b"", b"# nothing\n", b"[]", b"ignore: []"])
    def test_a_file_may_have_no_entry(self, text: bytes) -> None:
        assert read(text, "ignore.yml") == []

    def test_the_list_may_have_a_name(self) -> None:
        (rule,) = read(b"ignore:\n- {id: CVE-1, reason: why}\n", "ignore.yaml")

        assert rule.ids == {"CVE-1"}

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            (b"- id: CVE-1", "line 1: reason is missing"),
            (b"- reason: x", "line 1: id is missing"),
            (b"- id: CVE-1\n  reason: x\n  untill: 2026-01-01", "line 3: unknown key 'untill'"),
            (b"- id: CVE-1\n  reason: x\n  until: soon", "'soon' is no date"),
            (b"- id: CVE-1\n  reason: x\n  purl: lodash", "'lodash' is no package URL"),
            (b"- id: CVE-1\n  reason: x\n  purl: pkg:npm/lod%ZZash", "behind each % stand two hexadecimal digits"),
            (b"- id: [CVE-1]\n  reason: x", "line 1: id must be a short text"),
            (b"- id: CVE-1\n  reason: ''", "line 2: reason must be a short text"),
            (b"- id: CVE-1\n  id: CVE-2\n  reason: x", "line 2: id is given twice"),
            (b"- [id]: x", "line 1: unknown key"),
            (b"- CVE-1", "line 1: expected an entry"),
            (b"CVE-1", "line 1: expected a list"),
            (b"rules: []", "line 1: expected a list"),
            (b"- &a {id: CVE-1, reason: x}\n- *a", "line 2: aliases are not allowed"),
            (b"[" * 10_000, "nested too deeply"),
            (b"- id: 'x", "no YAML"),
            (b"- id: \x00", "no YAML"),
            (b"--- a\n--- b", "no YAML"),
            (b'- id: "\\Uffffffff"', "no YAML"),
            (b'- id: "a"\n  reason: "\\ud800"', "line 2: an escape that is no character"),
            (b"- !!python/object/apply:os.system [id]", "expected an entry"),
        ],
    )
    def test_what_is_wrong_is_named_with_its_line(self, text: bytes, words: str) -> None:
        with pytest.raises(Invalid, match=words):
            read(text, "ignore.yaml")


@given(st.binary(max_size=60), st.sampled_from(["ignore", "ignore.yaml"]))
def test_any_bytes_are_rules_or_refused(content: bytes, name: str) -> None:
    try:
        rules = read(content, name)
    except Invalid:
        return
    assert all(rule.suppresses and rule.reason for rule in rules)
