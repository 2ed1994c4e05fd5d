"""Licences of copyright files without a form: where Debian keeps a licence's text, grants of GNU's, and known texts.

Only what is unmistakable is taken: a licence is mentioned for many reasons, and "compatible with the GPL" grants
nothing.
"""

import re
from collections.abc import Iterator

from hullguard.inventory.analyzers.copyright.names import PERL, identifier, known

_MARKS = re.compile(r"^[ \t]*(?:\*+/?|/\*+|#+|//+|;+|dnl\b|>+|\|)[ \t]?", re.MULTILINE)
"""What stands before the lines of a comment."""
_QUOTES = str.maketrans("", "", "'\"`‘’“”")

_POINTER = re.compile(
    r"/usr/share/common-licen[cs]es/((?:apache|artistic|bsd|cc0|[al]?gpl|gfdl|mpl)(?:-\d+(?:\.\d+)?)?)"
)
_OWN_TEXT = re.compile(
    r"gnu (lesser |library |affero )?(general public|free documentation) licen[cs]e version (\d(?:\.\d)?), "
    r"(?:\d+ )?(?:june|february|november|march) \d{4}"
)
_SAMPLE = re.compile(r"how to apply these terms to your new.{0,2400}")
"""The end of GNU's own texts shows how to grant what follows; it grants nothing."""
_NAMED = (
    r"gnu (lesser |library |lesser/library |library/lesser |affero )?(general public|free documentation) licen[cs]e"
)
_ANY_LATER = (
    r",?(?: \(?(?:the )?[al]?gpl\)?,?)? \(?(?:or|and) ?,? ?\(?(?:\(?at your (?:option|choice)\)?,? ?)?\(?"
    r"(?:any |or )?(?:later|newer|higher)(?: version)?"
)
_VERSION = r"(?:version |v\.? ?)(\d(?:\.\d)?)\b"
_GRANT = re.compile(
    rf"{_NAMED}(?: \(?[al]?gpl\)?)?(?:,? as published by the free software foundation)?[,;:]?(?: in)? \(?(?:either )?"
    rf"{_VERSION}(?: of the licen[cs]e)?(?:,? as published by the free software foundation)?({_ANY_LATER})?"
)
_GRANT_BEFORE = re.compile(rf"\b{_VERSION}({_ANY_LATER})?,? of the {_NAMED}({_ANY_LATER})?")
_SHORT_GRANT = re.compile(
    rf"\b(?:licen[cs]ed|released|distributed|available|covered|provided) (?:under|by) (?:the )?(?:terms of )?(?:the )?"
    rf"(?:gnu )?([al]?gpl)(?: licen[cs]e)?[ ,-]*(?:version |v\.? ?)?(\d(?:\.\d)?)(\+|{_ANY_LATER})?"
)
_LEAD = re.compile(
    r"(?:under|terms of|conditions of|governed by|covered by|subject to|controlled by)(?: the| either)*\s$"
)
_NOT_LEAD = re.compile(r"(?:text|cop(?:y|ies)|terms and conditions|work licensed under|version) (?:of )?(?:the )?$")
_LATER_LEAD = re.compile(r"(?:\b(?:or|and|is|are|either|both)|[:;-]) (?:- )?the $")
"""What stands only before a grant that goes on with "any later version"."""
_PERL = re.compile(
    r"\bsame terms as perl(?: itself|\b)"
    r"|a\) (?:the )?gnu general public licen[cs]e.{0,200}?[ ,]b\) the (?:perl )?artistic licen[cs]e"
)
_FIELD = re.compile(r"^[ \t]*Licen[cs]e[ \t]*:[ \t]*(\S.{0,60}?)[ \t.]*$", re.MULTILINE | re.IGNORECASE)
_DOMAIN = re.compile(
    r"\b(?:is|are) public domain software"
    r"|\b(?:is|are|been) (?:hereby )?(?:(?:placed|released|donated|dedicated|put) )?(?:in|into|to) the public domain"
)
_NAMED_TEXTS = (
    (
        "Apache-2.0",
        re.compile(
            r"(?:licensed under|terms of|subject to) (?:the )?apache (?:software )?license,? \(?(?:version|v\.?) ?2\b"
            r"|apache license version 2\.0, january 2004"
        ),
    ),
    ("MPL-2.0", re.compile(r"subject to the terms of the mozilla public license, v(?:\.|ersion) 2\.0")),
    ("MPL-1.1", re.compile(r"subject to the mozilla public license version 1\.1")),
    ("BSL-1.0", re.compile(r"boost software license - version 1\.0|under the boost software license, version 1\.0")),
    ("OFL-1.1", re.compile(r"licensed under the sil open font license,? version 1\.1")),
    ("PSF-2.0", re.compile(r"\bpython software foundation license version 2\b")),
    (
        "GPL-3.0-or-later WITH GCC-exception-3.1",
        re.compile(r"described in the gcc runtime library exception, version 3\.1"),
    ),
    (
        "TCL",
        re.compile(r"the authors hereby grant permission to use, copy, modify, distribute, and license this software"),
    ),
)
_OPENING = re.compile(
    r"(?P<mit>permission is hereby granted, free of charge, to any person obtaining a copy of this software and "
    r"associated documentation files)"
    r"|(?P<bsd>redistribution and use in source and binary forms, with or without modification, are permitted provided "
    r"that the following conditions are met)"
    r"|(?P<isc>permission to use, copy, modify,? and(?:/or)? distribute this software for any purpose with or without "
    r"fee is hereby granted)"
    r"|(?P<sell>permission to use, copy, modify, distribute,? and sell this software and its documentation for any "
    r"purpose is hereby granted without fee)"
    r"|(?P<hpnd>permission to use, copy, modify,? and distribute this software and its documentation for any purpose "
    r"(?:and without fee is hereby granted|is hereby granted without fee))"
    r"|(?P<zlib>this software is provided as-is, without any express or implied warranty)"
)
_KEPT_NOTICE = "provided that the above copyright notice and this permission notice appear in all copies"
_BOTH_NOTICES = re.compile(
    r", provided that the above copyright notices? appears? in all copies and that both (?:that|the) copyright notice"
)
_WINDOW, _X11 = 2500, 1700


def licenses(content: str) -> list[str]:
    """In the order in which they stand there; none where nothing is told unmistakably."""
    text = " ".join(_MARKS.sub(" ", content).lower().translate(_QUOTES).split())
    text = _SAMPLE.sub(" ", text)
    found = [*_gnu(text), *_texts(text)]
    found += [(place.start(), name) for name, pattern in _NAMED_TEXTS if (place := pattern.search(text))]
    if (place := _DOMAIN.search(text)) is not None:
        found.append((place.start(), "public-domain"))
    if (place := _PERL.search(text)) is not None:
        apart = ("GPL-1.0-or-later", "GPL", "Artistic-1.0-Perl")
        found = [(place.start(), PERL), *((at, name) for at, name in found if name not in apart)]
    fields = [name for field in _FIELD.finditer(content) if (name := known(field[1])) is not None]
    return list(dict.fromkeys((*fields, *(name for _, name in sorted(found)))))


def _gnu(text: str) -> Iterator[tuple[int, str]]:
    """Grants of GNU's licences, and the files of common licences that no grant before explains."""
    granted: dict[str, list[tuple[str, bool]]] = {}
    for place, family, version, later in _grants(text):
        granted.setdefault(family, []).append((version, later))
        yield place, identifier(f"{family}-{version}{'+' if later else ''}")
    pointed = [(found.start(), found[1]) for found in _POINTER.finditer(text)]
    pointed += [(found.start(), f"{_family(found[1], found[2])}-{found[3]}") for found in _OWN_TEXT.finditer(text)]
    for place, name in pointed:
        family, _, version = name.partition("-")
        family = family.upper()
        if family not in ("GPL", "LGPL", "AGPL", "GFDL"):
            yield place, "BSD-3-Clause" if family == "BSD" else identifier(name)
        elif family not in granted and version and "later version" not in text[max(place - 600, 0) : place + 200]:
            yield (
                place,
                f"{family}-{version}",
            )  # Debian's name: where the text stands does not say that no later one counts
        elif family not in granted:
            # Of which version, or whether of later ones too, cannot be read: what is sure is the family.
            yield place, family


def _grants(text: str) -> Iterator[tuple[int, str, str, bool]]:
    for found in _GRANT.finditer(text):
        before = text[max(found.start() - 40, 0) : found.start()]
        lead = _LEAD.search(before) or (found[4] and _LATER_LEAD.search(before))
        if lead and not _NOT_LEAD.search(before) and not _OWN_TEXT.match(text, found.start()):
            yield found.start(), _family(found[1], found[2]), found[3], bool(found[4])
    for found in _GRANT_BEFORE.finditer(text):
        before = text[max(found.start() - 40, 0) : found.start()]
        if _LEAD.search(before) and not _NOT_LEAD.search(before):
            yield found.start(), _family(found[3], found[4]), found[1], bool(found[2] or found[5])
    for found in _SHORT_GRANT.finditer(text):
        yield found.start(), found[1].upper(), found[2], bool(found[3])


def _family(kind: str | None, name: str) -> str:
    if name == "free documentation":
        return "GFDL"
    return "AGPL" if kind == "affero " else "LGPL" if kind else "GPL"


def _texts(text: str) -> Iterator[tuple[int, str]]:
    """Licences whose own text stands there, each judged up to where the next begins."""
    openings = list(_OPENING.finditer(text))
    for number, opening in enumerate(openings):
        end = openings[number + 1].start() if number + 1 < len(openings) else len(text)
        rest = text[opening.end() : min(end, opening.end() + _WINDOW)]
        name = _JUDGES[opening.lastgroup or ""](rest)
        if name:
            yield opening.start(), name


def _mit(rest: str) -> str:
    if "shall be included in all copies or substantial portions of the software" not in rest:
        return (
            "MIT-0" if "to permit persons to whom the software is furnished to do so. the software is" in rest else ""
        )
    return "X11" if "except as contained in this notice, the name" in rest[:_X11] else "MIT"


def _bsd(rest: str) -> str:
    """By its conditions; where they are longer than those of the known texts, there are others among them."""
    clauses = re.split(r"\bthis (?:software|library|program|code) is provided|\bas is\b", rest, maxsplit=1)[0]
    source = "redistributions of source code must retain" in clauses
    binary = "redistributions in binary form must reproduce" in clauses
    endorsed = "endorse or promote products derived from this software" in clauses
    advertised = "all advertising materials mentioning features or use of this software must display" in clauses
    if not source or any(word in clauses for word in ("may not be called", "patent", "may appear in")):
        return ""
    if advertised:
        return "BSD-4-Clause" if binary and endorsed and len(clauses) <= 1300 else ""
    if endorsed:
        return "BSD-3-Clause" if binary and len(clauses) <= 950 else ""
    if binary:
        return "BSD-2-Clause" if len(clauses) <= 520 else ""
    return "BSD-1-Clause" if len(clauses) <= 260 else ""


def _isc(rest: str) -> str:
    if _KEPT_NOTICE in rest[:120]:
        return "curl" if "except as contained in this notice, the name" in rest[:_X11] else "ISC"
    return "0BSD" if rest.startswith(". the software is provided as is") else ""


def _sell(rest: str) -> str:
    return "HPND-sell-variant" if _BOTH_NOTICES.match(rest) else ""


def _hpnd(rest: str) -> str:
    return "HPND" if _BOTH_NOTICES.match(rest) else ""


def _zlib(rest: str) -> str:
    marked = "altered source versions must be plainly marked as such" in rest
    return "Zlib" if marked and "the origin of this software must not be misrepresented" in rest else ""


_JUDGES = {"mit": _mit, "bsd": _bsd, "isc": _isc, "sell": _sell, "hpnd": _hpnd, "zlib": _zlib}
