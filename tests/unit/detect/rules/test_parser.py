"""The condition language, as Falco lexes it, and where each error stands."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hullguard.detect.rules.document import Scalar
from hullguard.detect.rules.document import parse as parse_yaml
from hullguard.detect.rules.parser import DEEPEST, LONGEST, OPERATORS, Misread, literal, parse, parse_left, parse_values
from hullguard.detect.rules.problems import Problems
from hullguard.detect.rules.syntax import And, Call, Check, Expression, FieldName, Literal, MacroName, Not, Or, Text


def text(condition: str) -> Text:
    """As if it stood, character by character, in a file."""
    (scalar,) = parse_yaml("f", b"x", Problems())
    assert isinstance(scalar, Scalar)
    return Text(scalar, condition)


def shape(part: Expression | FieldName | Call | Literal | tuple[Literal, ...] | None) -> object:
    """A tree as nested tuples, without places."""
    match part:
        case And(parts):
            return ("and", *map(shape, parts))
        case Or(parts):
            return ("or", *map(shape, parts))
        case Not(inner):
            return ("not", shape(inner))
        case MacroName(name):
            return name
        case FieldName(name, argument):
            return name if argument is None else f"{name}[{argument}]"
        case Call(function, inner):
            return f"{function}({shape(inner)})"
        case Literal(value):
            return value
        case Check(left, operator, right):
            return (shape(left), operator, shape(right))
        case tuple():
            return list(map(shape, part))
        case _:
            return None


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("a.b=c", ("a.b", "=", "c")),
        ("a.b = c", ("a.b", "=", "c")),
        ("a.b==c", ("a.b", "==", "c")),
        ("a.b!='c d'", ("a.b", "!=", "c d")),
        ('a.b = "c\\"d"', ("a.b", "=", 'c"d')),
        ("a.b = 'c\\'d'", ("a.b", "=", "c'd")),
        (r"a.b = '\\\n\t\r\b\f\/'", ("a.b", "=", "\\\n\t\r\b\f/")),
        (r"a.b = 'x\ y'", ("a.b", "=", "x\\y")),
        ("a.b=runc:[0:PARENT]", ("a.b", "=", "runc:[0:PARENT]")),
        ("evt.dir=<", ("evt.dir", "=", "<")),
        ("evt.dir=> and m", ("and", ("evt.dir", "=", ">"), "m")),
        ("a.b>=-1", ("a.b", ">=", "-1")),
        ("a.b<0x1F", ("a.b", "<", "0x1F")),
        ("a.b <= '5'", ("a.b", "<=", "5")),
        ("a.b contains \n x", ("a.b", "contains", "x")),
        ("a.b\n  startswith /etc/", ("a.b", "startswith", "/etc/")),
        ("a.b in (x, 'y z' ,\n w)", ("a.b", "in", ["x", "y z", "w"])),
        ("a.b in(x)", ("a.b", "in", ["x"])),
        ("a.b in ()", ("a.b", "in", [])),
        ("a.b in names", ("a.b", "in", ["names"])),
        ("a.b pmatch (/etc, /usr)", ("a.b", "pmatch", ["/etc", "/usr"])),
        ("a.b intersects (x)", ("a.b", "intersects", ["x"])),
        ("a.b exists", ("a.b", "exists", None)),
        ("a.b[2] = c", ("a.b[2]", "=", "c")),
        ("a.b[*] = c", ("a.b[*]", "=", "c")),
        ("a.b['x y'] = c", ("a.b[x y]", "=", "c")),
        ("a.b[/proc*] exists", ("a.b[/proc*]", "exists", None)),
        ("a.b_c.d1 exists", ("a.b_c.d1", "exists", None)),
        ("tolower(a.b) = c", ("tolower(a.b)", "=", "c")),
        ("len( b64( a.b[1] ) ) > 3", ("len(b64(a.b[1]))", ">", "3")),
        ("a.b = val(c.d)", ("a.b", "=", "val(c.d)")),
        ("a.b in val( c.d[1] )", ("a.b", "in", "val(c.d[1])")),
        ("a.b = toupper(c.d)", ("a.b", "=", "toupper(c.d)")),
        ("a.b = valid", ("a.b", "=", "valid")),
        ("m", "m"),
        ("( m )", "m"),
        ("not m", ("not", "m")),
        ("not(m)", ("not", "m")),
        ("not not m", "m"),
        ("not not not m", ("not", "m")),
        ("m and n and o", ("and", "m", "n", "o")),
        ("m or n and o", ("or", "m", ("and", "n", "o"))),
        ("(m or n)and(o)", ("and", ("or", "m", "n"), "o")),
        ("not m and n", ("and", ("not", "m"), "n")),
        ("not (m or n)", ("not", ("or", "m", "n"))),
        ("order and android", ("and", "order", "android")),
        ("notable or insider", ("or", "notable", "insider")),
        ("\t m \r\n", "m"),
    ],
)
def test_what_conditions_mean(condition: str, expected: object) -> None:
    assert shape(parse(text(condition))) == expected


@pytest.mark.parametrize(
    ("condition", "offset", "said"),
    [
        ("", 0, "expected a field, a macro or '(', not the end of the condition"),
        ("  ", 2, "not the end of the condition"),
        ("a.b", 3, "expected an operator after the field, not the end of the condition"),
        ("a.b like c", 4, "expected an operator after the field, not 'like'"),
        ("a.b contain c", 4, "not 'contain'; did you mean 'contains'?"),
        ("a.b => c", 7, "expected 'and', 'or' or the end, not 'c'"),
        ("a.b <> c", 5, "expected a number after '<', not '>'"),
        ("a.b =", 5, "expected a value, not the end of the condition; quote values"),
        ("a.b = (c)", 6, "expected a value, not '('"),
        ("a.b > c", 6, "expected a number after '>', not 'c'"),
        ("a.b in", 6, "expected a list in brackets or a list's name, not the end"),
        ("a.b in (c", 7, "the list has no ')'"),
        ("a.b in (c d)", 10, "expected ',' or ')' in the list, not 'd'"),
        ("a.b in (c,)", 10, "expected a value, not ')'"),
        ("a.b in (,c)", 8, "expected a value, not ','"),
        ("a.b = 'c", 6, "the text that begins here has no closing '"),
        (r"a.b = 'c\x41'", 8, "there is no escape '\\\\x'"),
        ("a.b[ = c", 4, "expected a number or name inside the brackets"),
        ("a.b[1 = c", 5, "expected ']' after the field's argument, not '='"),
        ("a.b[] = c", 4, "expected a number or name inside the brackets"),
        ("(m", 2, "expected ')' for the '(' before, not the end of the condition"),
        ("(m n)", 3, "expected ')' for the '(' before, not 'n'"),
        ("m)", 1, "expected 'and', 'or' or the end, not ')'"),
        ("m n", 2, "expected 'and', 'or' or the end, not 'n'"),
        ("m and", 5, "not the end of the condition"),
        ("m and or n", 6, "expected a field, a macro or '(', not 'or'"),
        ("= x", 0, "expected a field, a macro or '(', not '='"),
        ("lower(a.b) = c", 0, "there is no function 'lower'; did you mean 'tolower'?"),
        ("tolower(m) = c", 8, "expected a field inside tolower(), not 'm'"),
        ("tolower(a.b = c", 12, "expected ')' at the end of tolower(), not '='"),
        ("a.b = c and 'x'", 12, "expected a field, a macro or '(', not"),
        ("(" * (DEEPEST + 1) + "m", DEEPEST, f"brackets are nested deeper than {DEEPEST}"),
        ("tolower(" * (DEEPEST + 1) + "a.b", 8 * DEEPEST, f"brackets are nested deeper than {DEEPEST}"),
        ("m" * (LONGEST + 1), 0, f"the condition has {LONGEST + 1} characters"),
    ],
)
def test_what_cannot_be(condition: str, offset: int, said: str) -> None:
    with pytest.raises(Misread) as caught:
        parse(text(condition))

    assert (caught.value.at.offset, said) == (offset, said if said in caught.value.text else caught.value.text)


def test_the_deepest_brackets_are_no_recursion() -> None:
    assert shape(parse(text("(" * DEEPEST + "m" + ")" * DEEPEST))) == "m"


@pytest.mark.parametrize(
    ("item", "value", "quoted"),
    [
        ("nginx", "nginx", False),
        ('"(systemd)"', "(systemd)", True),
        ("'a b'", "a b", True),
        ("sh -c x", "sh -c x", False),
        (r'"sh -c \"x\""', 'sh -c "x"', True),
        ('"a" or "b"', '"a" or "b"', False),
        ('"', '"', False),
        ("(a", "(a", False),
    ],
)
def test_items_of_lists(item: str, value: str, quoted: bool) -> None:
    found = literal(text(item))

    assert (found.text, found.quoted) == (value, quoted)


def test_parts_of_exceptions() -> None:
    assert shape(parse_left(text(" tolower(proc.aname[2]) "))) == "tolower(proc.aname[2])"
    assert shape(parse_values(text("(a, 'b c')"))) == ["a", "b c"]
    for wrong in ("proc", "proc.name = a", ""):
        with pytest.raises(Misread):
            parse_left(text(wrong))
    with pytest.raises(Misread):
        parse_values(text("(a) b"))


_TOKENS = st.sampled_from(
    ["a.b", "proc.name", "m", "and", "or", "not", "(", ")", ",", "'", '"', "x", "1", "[", "]", "val(", "tolower(", "\\", "\n",
     "<", "é", *OPERATORS]
)  # fmt: skip


@given(
    st.text(max_size=60) | st.lists(_TOKENS, max_size=25).map(" ".join) | st.lists(_TOKENS, max_size=25).map("".join)
)
def test_any_text_is_a_condition_or_an_error_inside_it(condition: str) -> None:
    found: Expression | Misread
    try:
        found = parse(text(condition))
    except Misread as misread:
        found = misread

    assert not isinstance(found, Misread) or (0 <= found.at.offset <= len(condition) and found.text)
