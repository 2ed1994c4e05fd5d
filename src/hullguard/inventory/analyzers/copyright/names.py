"""Debian's names of licences as SPDX's: what a field ``License`` says, as an expression (copyright-format 1.0).

``GPL-2+ or Artistic, and Expat`` becomes ``(GPL-2.0-or-later OR Artistic-1.0-Perl) AND MIT``. A name that SPDX does not
have stays as it is.
"""

import functools
import re
from collections.abc import Iterable

_LONGEST, _MOST_WORDS = 300, 5
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+_~:/-]{0,79}")
_FAMILY = re.compile(
    r"(?:gnu-)?([al]?gpl|gfdl)(-niv)?(?:(?:[-_ ]|(?=v?\d))v?(\d(?:\.\d)?)(?:\.0)*)?(\+|-or-later|-only)?", re.IGNORECASE
)
_VERSIONS = {
    "GPL": ("1.0", "2.0", "3.0"),
    "LGPL": ("2.0", "2.1", "3.0"),
    "AGPL": ("1.0", "3.0"),
    "GFDL": ("1.1", "1.2", "1.3"),
}
PERL = "GPL-1.0-or-later OR Artistic-1.0-Perl"
"""What "the same terms as Perl itself" are."""
# Debian's names and its maintainers' other spellings that are not SPDX's already; its Artistic is the one Perl has.
_NAMES = {
    "Apache-2.0": "apache-2 apache2 apache2.0 apache-v2 apache-v2.0 apache-license-2.0 asl-2.0 asl-2",
    "Artistic-1.0-Perl": "artistic artistic-1 artistic-1.0",
    "Artistic-2.0": "artistic-2",
    "BSD-1-Clause": "bsd-1",
    "BSD-2-Clause": "bsd-2 bsd2 bsd-2-clause-netbsd 2-clause-bsd",
    "BSD-3-Clause": "bsd-3 bsd3 3c-bsd 3-clause-bsd edl-1 edl-1.0",
    "BSD-4-Clause": "bsd-4 bsd4",
    "BSL-1.0": "boost-1.0 boost-1 bsl-1 bsl1.0 bsl1",
    "CC0-1.0": "cc0 cc-0 cc0-1 cc-zero-1.0",
    "MIT": "expat mit/expat expat/mit mit/x11 x11/mit",
    "MPL-1.1": "mplv1.1",
    "MPL-2.0": "mpl-2 mplv2 mplv2.0",
    "OFL-1.1": "sil-1.1 sil-ofl-1.1 ofl",
    "OLDAP-2.8": "openldap-2.8",
    "PSF-2.0": "psf-2 psfl-2",
    "Python-2.0": "python python-2",
    "bzip2-1.0.6": "bzip2",
    "libtiff": "libtiff",
    "Zlib": "zlib/libpng libz",
    "public-domain": "public-domain publicdomain pd",
    PERL: "perl perl-5 perl5",
}
_SPDX = {name: spdx for spdx, names in _NAMES.items() for name in names.split()}
_EXCEPTIONS = {
    "bison": "Bison-exception-2.2",
    "classpath": "Classpath-exception-2.0",
    "font": "Font-exception-2.0",
    "gcc": "GCC-exception-3.1",
    "gcc-runtime-library": "GCC-exception-3.1",
    "libtool": "Libtool-exception",
    "linux-syscall-note": "Linux-syscall-note",
    "llvm": "LLVM-exception",
    "texinfo": "Texinfo-exception",
}
# Of the GNU Autoconf exception each version of the GPL has a text of its own.
_AUTOCONF = {"GPL-2.0-or-later": "Autoconf-exception-2.0", "GPL-3.0-or-later": "Autoconf-exception-3.0"}
_NONE = frozenset({"none", "unknown", "unspecified", "noassertion", "tbd", "todo"})

_JOINED = re.compile(r"[_-](and|or)[_-](?!later\b)", re.IGNORECASE)
_LATER = re.compile(r"(?<=\d),?\s+\(?or\s+(?:any\s+)?(?:later|newer)(?:\s+versions?)?\)?", re.IGNORECASE)
_COMMA = re.compile(r",\s*(?:(and|or)\s+)?", re.IGNORECASE)
_OR = re.compile(r"\s+(?:and/)?or\s+|\s*\|{1,2}\s*", re.IGNORECASE)
_AND = re.compile(r"\s+and\s+|\s*&{1,2}\s*", re.IGNORECASE)
_WITH = re.compile(r"(?:\s+|(?<=[+\d])-)(?:with|plus)[\s-]+|(?<=[+\d])-(?=[a-z]+-exception$)", re.IGNORECASE)
_EXCEPTION = re.compile(r"[\s-]*exceptions?$", re.IGNORECASE)
_CONJUNCTION = re.compile(r"^(?:and|or|with)\b|-(?:and|or|with)$", re.IGNORECASE)
_LICENSE = re.compile(r"\s+licen[cs]e$", re.IGNORECASE)


@functools.lru_cache(maxsize=4096)
def expression(words: str) -> str | None:
    """What a field names, None where it is no name: a sentence of the licence itself, say."""
    if len(words) > _LONGEST or words.lower() in _NONE:
        return None
    plain = _LATER.sub("+", _JOINED.sub(r" \1 ", " ".join(words.split())))
    # A comma binds less than any word: "A or B, and C" is C with one of the others.
    first, *rest = _COMMA.split(plain)
    clauses, joined_by = [_clause(first)], "AND"
    for operator, clause in zip(rest[::2], rest[1::2], strict=True):
        by = "OR" if operator and operator.lower() == "or" else "AND"
        if by != joined_by and all(clauses):
            clauses = [_together(filter(None, clauses), joined_by)]
        clauses.append(_clause(clause))
        joined_by = by
    return _together(filter(None, clauses), joined_by) if all(clauses) else None


def known(words: str) -> str | None:
    """The same, where SPDX has every name of it."""
    found = expression(words)
    return found if found is not None and all(map(_is_spdx, re.split(r" AND | OR |[()]+", found))) else None


@functools.lru_cache(maxsize=4096)
def identifier(name: str) -> str:
    """SPDX's identifier for one name, or the name."""
    if (family := _FAMILY.fullmatch(name)) is not None:
        return _of_family(name, *family.groups())
    return _SPDX.get(name.lower()) or _canonical(name) or name


def _clause(words: str) -> str | None:
    alternatives = []
    for alternative in _OR.split(words):
        parts = [_term(part.strip()) for part in _AND.split(alternative)]
        if any(part is None for part in parts):
            return None
        alternatives.append(_together(filter(None, parts), "AND"))
    return _together(alternatives, "OR")


def _together(parts: Iterable[str], operator: str) -> str:
    """AND binds more than OR, so only what has OR in it needs brackets, within AND."""
    once = tuple(dict.fromkeys(parts))
    if len(once) > 1 and operator == "AND":
        once = tuple(f"({part})" if " OR " in part else part for part in once)
    return f" {operator} ".join(once)


def _term(words: str) -> str | None:
    """One licence, perhaps with an exception."""
    base, *exception = _WITH.split(words, maxsplit=1)
    short = "-".join(_LICENSE.sub("", base).split())
    if _NAME.fullmatch(short) is None or _CONJUNCTION.search(short):
        return None
    name = identifier(short)
    if name == short and len(short.split("-")) > 1 and " " in base:
        return None  # several words are a name where they read as one that is known
    if not exception:
        return name
    plain = _EXCEPTION.sub("", exception[0])
    if len(plain.split()) > _MOST_WORDS or not plain.isprintable():
        return None
    key = "-".join(plain.lower().split())
    spdx = _AUTOCONF.get(name) if key == "autoconf" else _EXCEPTIONS.get(key)
    return f"{name} WITH {spdx or exception[0]}"


def _of_family(name: str, family: str, invariant: str | None, version: str | None, later: str | None) -> str:
    """Of one of GNU's licences; without a version it says nothing of which one counts, and stays as it is."""
    family = family.upper()
    version = version and (version if "." in version else f"{version}.0")
    if version not in _VERSIONS[family] or (invariant and family != "GFDL"):
        return name.upper() if version is None and not later else name
    end = "-or-later" if later in ("+", "-or-later") else "-only"
    return f"{family}-{version}{'-no-invariants' if invariant else ''}{end}"


def _is_spdx(part: str) -> bool:
    return not part.strip() or part == "public-domain" or _canonical(part) is not None


@functools.lru_cache(maxsize=4096)
def _canonical(name: str) -> str | None:
    """The same in SPDX's letters, None where it does not have it."""
    from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression

    if "licenseref-" in name.lower():
        return None
    try:
        return str(canonicalize_license_expression(name))
    except (InvalidLicenseExpression, SyntaxError, ValueError):
        return None
