"""How many columns of a terminal a text takes: Chinese characters take two."""

import re
import unicodedata

_WIDE = frozenset("WF")
# What never begins a line, and what never ends one (GB/T 15834, "标点符号用法").
_CLOSING = frozenset("，。；：、！？）》」』”’…,.;:!?)]}")
_OPENING = frozenset("（《「『“‘([{")
_PIECES = re.compile(r"[ -~]+|.")


def columns(text: str) -> int:
    """Of a text of one line."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(one) else 2 if unicodedata.east_asian_width(one) in _WIDE else 1 for one in text
    )


def padded(text: str, width: int) -> str:
    """The text with blanks behind it up to a width."""
    return text + " " * (width - columns(text))


def wrapped(text: str, width: int) -> list[str]:
    """A text in lines of at most so many columns; Chinese breaks anywhere, other words at blanks."""
    lines, line = list[str](), ""
    for piece in _unbroken(text):
        if line and columns(line) + columns(piece.rstrip()) > width:
            lines.append(line.rstrip())
            line = piece.lstrip()
        else:
            line += piece
    return [*lines, line.rstrip()] if line.strip() else lines


def _unbroken(text: str) -> list[str]:
    """What stays on one line: a word with the blank behind it, a character with the punctuation beside it."""
    pieces: list[str] = []
    for run in _PIECES.findall(text):
        for piece in re.findall(r"\S*\s*", run) if run.isascii() else [run]:
            if not piece:
                continue
            if pieces and (piece[0] in _CLOSING or pieces[-1][-1] in _OPENING):
                pieces[-1] += piece
            else:
                pieces.append(piece)
    return pieces
