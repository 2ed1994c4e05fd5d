"""YAML with positions, within bounds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hullguard.detect.rules import document
from hullguard.detect.rules.document import DEEPEST, LARGEST, Mapping, Node, Scalar, Sequence, parse
from hullguard.detect.rules.problems import Place, Problems


def documents(text: str | bytes) -> tuple[list[Node], list[str]]:
    problems = Problems()
    found = parse("f.yaml", text if isinstance(text, bytes) else text.encode(), problems)
    return found, [str(problem) for problem in problems]


def scalar(text: str) -> Scalar:
    ((found, *_), problems) = documents(text)
    assert problems == []
    assert isinstance(found, Mapping)
    value = found.pairs[0][1]
    assert isinstance(value, Scalar)
    return value


@pytest.mark.parametrize(
    ("text", "word", "line", "column"),
    [
        ("a: one two", "two", 1, 8),
        ("a: one\n  two\n  three", "three", 3, 3),
        ("a: 'it''s two'", "two", 1, 11),
        ('a: "tab\\t\\x41\\u0042 two"', "two", 1, 21),
        ('a: "one \\\n  two"', "two", 2, 3),
        ('a: "one\n\n  two"', "two", 3, 3),
        ("a: |\n  one\n    two\n", "two", 3, 5),
        ("a: >-  # note\n  one\n  two\n\n  three\n", "three", 5, 3),
        ("a: >2\n    one\n   two\n", "two", 3, 4),
        ("a: |\r\n  one\r\n  two\r\n", "two", 3, 3),
        ("a: é 中文 two", "two", 1, 9),
    ],
)
def test_a_word_is_found_where_it_stands(text: str, word: str, line: int, column: int) -> None:
    found = scalar(text)

    assert found.place_of(found.value.index(word)) == Place("f.yaml", line, column)


def test_the_end_of_a_value_is_behind_its_last_character() -> None:
    found = scalar("a: |\n  one\n  two\n\n")

    assert found.place_of(len(found.value)) == Place("f.yaml", 3, 6)
    assert scalar("a: ''").place_of(0) == Place("f.yaml", 1, 4)


_PLAIN = st.text(
    st.characters(codec="utf-8", exclude_categories=["C", "Z"], exclude_characters="'\"\\#:|>&*!%@`{}[],?-~"),
    min_size=1,
)
_WORDS = st.lists(_PLAIN.filter(lambda word: word.lower() not in {"null", "true", "no"}), min_size=1, max_size=6)


@given(_WORDS, st.sampled_from(["plain", "single", "double", "literal", "folded"]), st.booleans())
def test_every_visible_character_is_found(words: list[str], style: str, breaks: bool) -> None:
    joined = ("\n  " if breaks else " ").join(words)
    text = {
        "plain": f"a: {joined}\n",
        "single": f"a: '{joined}'\n",
        "double": f'a: "{joined}"\n',
        "literal": f"a: |\n  {joined}\n",
        "folded": f"a: >\n  {joined}\n",
    }[style]
    found, problems = documents(text)
    if problems:
        return
    assert isinstance(found[0], Mapping)
    value = found[0].pairs[0][1]
    assert isinstance(value, Scalar)
    lines = text.split("\n")
    for offset, character in enumerate(value.value):
        if not character.isspace():
            place = value.place_of(offset)
            assert lines[place.line - 1][place.column - 1] == character


def test_comment_lines_in_a_block() -> None:
    found = scalar("a: |\n  one\n  # not this, é\n  two # but this\n")

    assert [found.value[start:end] for start, end in found.comments()] == ["# not this, é"]
    assert scalar("a: 'x # y'").comments() == []
    folded = scalar("a: >\n  one\n  # not this\n  two\n")
    assert [folded.value[start:end] for start, end in folded.comments()] == ["# not this"]


def test_several_documents() -> None:
    found, problems = documents("- a\n---\n- b\n---\n")

    assert problems == []
    assert [type(one) for one in found] == [Sequence, Sequence, Scalar]


def test_aliases_stand_for_their_value() -> None:
    found, problems = documents("- &x [a, b]\n- *x\n")

    assert problems == []
    assert isinstance(found[0], Sequence)
    assert found[0].items[0] is found[0].items[1]


def nested(levels: int) -> str:
    return "[" * levels + "]" * levels


def bomb() -> str:
    lines = ["a0: &a0 [" + ", ".join("x" * 10) + "]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (b"\xff\xfe", "f.yaml:1:1: error: the file is no UTF-8 text"),
        (b"a: b\n- \xc3", "f.yaml:2:3: error: the file is no UTF-8 text"),
        ("a: [", "f.yaml:2:1: error: not YAML: did not find expected node content"),
        ("a: \x01", "f.yaml:1:4: error: not YAML: control characters are not allowed"),
        ("a: *x", "f.yaml:1:4: error: the alias '*x' stands for nothing before it, or for itself"),
        ("a: &x [*x]", "f.yaml:1:8: error: the alias '*x' stands for nothing before it, or for itself"),
        (nested(DEEPEST + 1), f"f.yaml:1:{DEEPEST + 1}: error: lists and mappings are nested deeper than {DEEPEST}"),
        ("? [a]\n: b", "f.yaml:1:3: error: a key must be a name, not a list or mapping"),
        (bomb(), "error: the file has more than 300000 values, aliases counted as what they stand for"),
        (b"#" * (LARGEST + 1), "error: the file has 4194305 bytes; a rule file has at most 4194304"),
        (nested(100_000), "nested deeper than"),
        ("- x\n" * 300_001, "more than 300000 values"),
        ("!!python/object/apply:os.system [x]", None),
    ],
)  # fmt: skip
def test_what_is_refused(text: str | bytes, problem: str | None) -> None:
    found, problems = documents(text)

    if problem is None:
        # A tag makes no object: it is not looked at.
        assert isinstance(found[0], Sequence)
    else:
        assert found == []
        assert len(problems) == 1
        assert problem in problems[0]


@given(st.binary(max_size=200) | st.text("- a:[]{}'\"|>&*#\n\\?!%~", max_size=80).map(str.encode))
def test_any_bytes_give_values_or_a_located_error(content: bytes) -> None:
    found, problems = documents(content)

    assert len(problems) <= 1
    assert all(problem.startswith("f.yaml:") for problem in problems)
    assert isinstance(found, list)


def test_without_libyaml_the_same_is_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "a: >\n  é one\n  two\n"
    fast = scalar(text).place_of(7)
    import yaml

    monkeypatch.setattr(document, "_loader", lambda: yaml.SafeLoader)

    assert scalar(text).place_of(7) == fast
