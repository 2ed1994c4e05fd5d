"""Falco's condition language, by recursive descent.

The grammar is that of libsinsp's filter parser: what may stand where decides what a character means (``=`` ends a value
without quotes, a bracket does not), so words are cut as they are expected, not beforehand. Decision 0012 says why there
is no generator.

    Or      = And ("or" And)*
    And     = Not ("and" Not)*
    Not     = "not"* Atom
    Atom    = "(" Or ")" | Left Check | MACRO
    Left    = FIELD ["[" ARGUMENT "]"] | FUNCTION "(" Left ")"
    Check   = "exists" | COMPARISON (VALUE | Right) | LISTING ("(" [VALUE ("," VALUE)*] ")" | LIST | Right)
    Right   = "val(" FIELD ")" | FUNCTION "(" Left ")"
"""

import re
from collections.abc import Callable
from typing import Final

from hullguard.detect.rules.problems import nearest, quoted
from hullguard.detect.rules.syntax import (
    And,
    Call,
    Check,
    Expression,
    FieldName,
    Left,
    Literal,
    MacroName,
    Not,
    Or,
    Spot,
    Text,
)

LONGEST: Final = 256 << 10
"""Characters of one condition."""
DEEPEST: Final = 50
"""Brackets within one another."""
FUNCTIONS: Final = ("tolower", "toupper", "b64", "basename", "len")
"""Transformers of a field's value."""
VAL: Final = "val"
SYMBOLS: Final = ("<=", "<", ">=", ">", "==", "=", "!=")
NUMERIC: Final = frozenset({"<=", "<", ">=", ">"})
WORDS: Final = (
    "glob", "iglob", "contains", "icontains", "bcontains", "startswith", "bstartswith", "endswith", "regex",
)  # fmt: skip
LISTING: Final = ("intersects", "in", "pmatch")
OPERATORS: Final = (*SYMBOLS, *WORDS, *LISTING, "exists")

_BLANK = re.compile(r"[ \t\b\r\n]*")
_FIELD = re.compile(r"[a-zA-Z]+[a-zA-Z0-9_]*(?:\.[a-zA-Z]+[a-zA-Z0-9_]*)+")
_IDENTIFIER = re.compile(r"[a-zA-Z]+[a-zA-Z0-9_]*")
_ARGUMENT = re.compile(r"[^\]\[\"'\s]+")
_NUMBER = re.compile(r"0[xX][0-9a-fA-F]+|[+\-]?[0-9]+\.?[0-9]*(?:[eE][+\-][0-9]+)?")
_BARE = re.compile(r"[^()\"'\s=,]+")
_WORD = re.compile(r"[^\s()\"',=<>!]+|[=<>!]+")
_ESCAPES: Final = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", " ": "\\", "\\": "\\", "/": "/"}
"""After a backslash in quotes; ``\\ `` is a backslash for the sake of old rules, as in libsinsp."""


class Misread(Exception):
    """A condition that does not follow the grammar."""

    def __init__(self, text: str, at: Spot) -> None:
        super().__init__(text)
        self.text, self.at = text, at


def parse(text: Text) -> Expression:
    """Raises Misread at the first thing that cannot be."""
    if len(text.value) > LONGEST:
        raise Misread(f"the condition has {len(text.value)} characters; it may have {LONGEST}", Spot(text, 0))
    parser = _Parser(text)
    found = parser.either()
    parser.blank()
    if parser.position < len(text.value):
        raise parser.misread(f"expected 'and', 'or' or the end, not {parser.seen()}")
    return found


def parse_left(text: Text) -> Left:
    """A field, or functions around one, and nothing else: an exception's ``fields``. Raises Misread."""
    parser = _Parser(text)
    parser.blank()
    found = parser.left()
    if found is None:
        raise parser.misread(f"expected a field such as proc.name, not {parser.seen()}")
    parser.blank()
    if parser.position < len(text.value):
        raise parser.misread(f"expected the end of the field, not {parser.seen()}")
    return found


def parse_values(text: Text) -> tuple[Literal, ...]:
    """``(a, b)``, an exception's values after a listing operator. Raises Misread."""
    parser = _Parser(text)
    parser.blank()
    found = parser.values()
    parser.blank()
    if parser.position < len(text.value):
        raise parser.misread(f"expected the end of the list, not {parser.seen()}")
    return found


def literal(text: Text) -> Literal:
    """A list's item: in quotes of its own (``'"a b"'``) what is within them, else the whole. Raises Misread."""
    value = text.value
    if value[:1] in {'"', "'"} and value[-1:] == value[:1] and len(value) > 1:
        parser = _Parser(text)
        found = parser.in_quotes()
        if parser.position == len(value):
            return Literal(found, True, Spot(text, 0))
    return Literal(value, False, Spot(text, 0))


class _Parser:
    def __init__(self, text: Text) -> None:
        self._text, self._value = text, text.value
        self.position = 0
        self._depth = 0

    # Words ------------------------------------------------------------------------------------------------------------

    def blank(self) -> None:
        found = _BLANK.match(self._value, self.position)
        self.position = found.end() if found else self.position

    def seen(self) -> str:
        """The next word, for a message."""
        blank = _BLANK.match(self._value, self.position)
        start = blank.end() if blank else self.position
        found = _WORD.match(self._value, start)
        if found:
            return quoted(found[0], 40)
        return quoted(self._value[start]) if start < len(self._value) else "the end of the condition"

    def spot(self, offset: int | None = None) -> Spot:
        return Spot(self._text, self.position if offset is None else offset)

    def misread(self, text: str, offset: int | None = None) -> Misread:
        return Misread(text, self.spot(offset))

    def _take(self, pattern: re.Pattern[str]) -> str | None:
        found = pattern.match(self._value, self.position)
        if not found:
            return None
        self.position = found.end()
        return found[0]

    def _symbol(self, text: str) -> bool:
        if not self._value.startswith(text, self.position):
            return False
        self.position += len(text)
        return True

    def _word(self, text: str) -> bool:
        """A word of letters, as a whole: ``or``, not the beginning of ``order``."""
        end = self.position + len(text)
        if not self._value.startswith(text, self.position) or _is_letter(self._value[end : end + 1]):
            return False
        self.position = end
        return True

    # Conditions -------------------------------------------------------------------------------------------------------

    def either(self) -> Expression:
        return self._joined("or", self._both, Or)

    def _both(self) -> Expression:
        return self._joined("and", self._not, And)

    def _joined(
        self, word: str, part: Callable[[], Expression], make: Callable[[tuple[Expression, ...]], Expression]
    ) -> Expression:
        parts = [part()]
        self.blank()
        while self._word(word):
            parts.append(part())
            self.blank()
        return parts[0] if len(parts) == 1 else make(tuple(parts))

    def _not(self) -> Expression:
        opposite = False
        self.blank()
        while self._word("not"):
            opposite = not opposite
            self.blank()
        found = self._atom()
        return Not(found) if opposite else found

    def _atom(self) -> Expression:
        start = self.position
        if self._symbol("("):
            self._depth += 1
            if self._depth > DEEPEST:
                raise self.misread(f"brackets are nested deeper than {DEEPEST}", start)
            found = self.either()
            if not self._symbol(")"):
                raise self.misread(f"expected ')' for the '(' before, not {self.seen()}")
            self._depth -= 1
            return found
        left = self.left()
        if left is not None:
            return self._check(left, start)
        name = self._take(_IDENTIFIER)
        if name is None:
            raise self.misread(f"expected a field, a macro or '(', not {self.seen()}")
        if name in {"and", "or", "not", *OPERATORS}:
            raise self.misread(f"expected a field, a macro or '(', not {name!r}", start)
        return MacroName(name, self.spot(start))

    def left(self) -> Left | None:
        """A field or a function around one; None where something else stands."""
        start = self.position
        name = self._take(_FIELD)
        if name is not None:
            return FieldName(name, self._argument(), self.spot(start))
        function = self._take(_IDENTIFIER)
        if function is None or not self._symbol("("):
            self.position = start
            return None
        if function == VAL:
            raise self.misread("val() stands around a field on the right side of an operator, nowhere else", start)
        if function not in FUNCTIONS:
            if function in {"and", "or", "not", "in", "exists", *WORDS, *LISTING}:
                self.position = start
                return None
            known = ", ".join(FUNCTIONS)
            near = nearest(function, FUNCTIONS)
            raise self.misread(f"there is no function {function!r}{near}; there are {known}", start)
        return self._call(function, start)

    def _call(self, function: str, start: int) -> Call:
        self._depth += 1
        if self._depth > DEEPEST:
            raise self.misread(f"brackets are nested deeper than {DEEPEST}", start)
        self.blank()
        inner = self.left()
        if inner is None:
            raise self.misread(f"expected a field inside {function}(), not {self.seen()}")
        self.blank()
        if not self._symbol(")"):
            raise self.misread(f"expected ')' at the end of {function}(), not {self.seen()}")
        self._depth -= 1
        return Call(function, inner, self.spot(start))

    def _argument(self) -> str | None:
        if not self._symbol("["):
            return None
        argument = self.in_quotes() if self._at_quote() else self._take(_ARGUMENT)
        if not argument:
            raise self.misread("expected a number or name inside the brackets of the field")
        if not self._symbol("]"):
            raise self.misread(f"expected ']' after the field's argument, not {self.seen()}")
        return argument

    def _check(self, left: Left, start: int) -> Check:
        self.blank()
        at = self.position
        operator = self._operator()
        self.blank()
        right: Literal | tuple[Literal, ...] | Left | None
        if operator == "exists":
            right = None
        elif operator in LISTING:
            right = self._listed()
        else:
            right = self._right() or self._value_after(operator)
        return Check(left, operator, right, self.spot(start), self.spot(at))

    def _operator(self) -> str:
        for symbol in SYMBOLS:
            if self._symbol(symbol):
                return symbol
        for word in (*WORDS, *LISTING, "exists"):
            if self._word(word):
                return word
        word = self.seen()
        near = nearest(word.strip("'\""), OPERATORS)
        raise self.misread(
            f"expected an operator after the field, not {word}{near or '; such as =, in, contains, exists'}"
        )

    # Values -----------------------------------------------------------------------------------------------------------

    def _right(self) -> Left | None:
        """``val(proc.pname)``, ``tolower(proc.pname)``."""
        start = self.position
        for function in (VAL, *FUNCTIONS):
            if self._symbol(f"{function}("):
                return self._call(function, start)
        return None

    def _value_after(self, operator: str) -> Literal:
        start = self.position
        if operator in NUMERIC:
            number = self._take(_NUMBER)
            if number is None and not self._at_quote():
                raise self.misread(f"expected a number after {operator!r}, not {self.seen()}")
            if number is not None:
                return Literal(number, False, self.spot(start))
        return self._literal()

    def _literal(self) -> Literal:
        start = self.position
        if self._at_quote():
            return Literal(self.in_quotes(), True, self.spot(start))
        bare = self._take(_BARE)
        if bare is None:
            raise self.misread(
                f"expected a value, not {self.seen()}; quote values with spaces, brackets, commas or '='"
            )
        return Literal(bare, False, self.spot(start))

    def _listed(self) -> tuple[Literal, ...] | Left:
        if self._value[self.position : self.position + 1] == "(":
            return self.values()
        right = self._right()
        if right is not None:
            return right
        start = self.position
        name = self._take(_BARE)
        if name is None:
            raise self.misread(f"expected a list in brackets or a list's name, not {self.seen()}")
        return (Literal(name, False, self.spot(start)),)

    def values(self) -> tuple[Literal, ...]:
        """``(a, "b c", list)``; it may be empty."""
        start = self.position
        if not self._symbol("("):
            raise self.misread(f"expected '(', not {self.seen()}")
        found: list[Literal] = []
        self.blank()
        while not self._symbol(")"):
            if self.position >= len(self._value):
                raise self.misread("the list has no ')'", start)
            if found:
                if not self._symbol(","):
                    raise self.misread(f"expected ',' or ')' in the list, not {self.seen()}")
                self.blank()
            found.append(self._literal())
            self.blank()
        return tuple(found)

    def _at_quote(self) -> bool:
        return self._value[self.position : self.position + 1] in {'"', "'"}

    def in_quotes(self) -> str:
        start = self.position
        quote = self._value[start]
        self.position += 1
        pieces: list[str] = []
        while self.position < len(self._value):
            character = self._value[self.position]
            self.position += 1
            if character == quote:
                return "".join(pieces)
            if character == "\\":
                pieces.append(self._escaped(quote))
            else:
                pieces.append(character)
        raise self.misread(f"the text that begins here has no closing {quote}", start)

    def _escaped(self, quote: str) -> str:
        letter = self._value[self.position : self.position + 1]
        self.position += 1
        if letter == quote:
            return quote
        if letter not in _ESCAPES:
            known = " ".join(f"\\{one}" for one in ("\\", quote, "/", "n", "r", "t", "b", "f"))
            raise self.misread(f"there is no escape {quoted(chr(92) + letter)}; there are {known}", self.position - 2)
        return _ESCAPES[letter]


def _is_letter(character: str) -> bool:
    return character.isalnum() or character in {"_", "."} if character else False
