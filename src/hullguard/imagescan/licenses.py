"""Which licences the packages of an image declare, and what each asks of whoever passes the image on."""

import functools
import re
from collections import defaultdict
from collections.abc import Collection, Iterable

from hullguard.imagescan.license_table import ALIASES, CATEGORIES, TEXTS, key
from hullguard.model.content import LicenseUse
from hullguard.model.package import Package, Unknown

PERMISSIVE = "permissive"
WEAK = "weak copyleft"
STRONG = "strong copyleft"
NETWORK = "network copyleft"
PROPRIETARY = "proprietary"
UNKNOWN = "unknown"

# What asks the most is shown first.
_ORDER = (NETWORK, STRONG, PROPRIETARY, UNKNOWN, WEAK, PERMISSIVE)
_LONGEST = 4096
_LONGEST_NAME = 120
_MOST_PARTS = 64
_TEXT = 200
"""What is longer is a licence's text, not an expression."""

_OPERATOR = re.compile(
    r"\s+(?:and/or|and|or(?! (?:any )?later\b))\s+|_(?:and|or)_|\s*[;|]\s*|\s+&{1,2}\s+|\s*/\s*(?=[A-Z]{2,})|"
    r",(?!\s*(?:version\b|v\d))\s*(?:(?:and|or)\s+)?",
    re.IGNORECASE,
)
# Patterns that begin with a run look behind them for its beginning: a run without end is then gone over once.
_EXCEPTION = re.compile(r"(?<![\s\-])[\s\-]+with[\s\-]+.*$", re.IGNORECASE)
_LATER = re.compile(r"(?:\s*\+|-or-later|\s*\(?or (?:any )?later(?: version)?\)?)$", re.IGNORECASE)
_ONLY = re.compile(r"(?:-only|\s+only)$", re.IGNORECASE)
_NOISE = re.compile(r"^(?:the|gnu|licen[sc]ed under(?: the)?)\s+|\s*(?:software )?licen[sc]e$", re.IGNORECASE)
_LINKING = re.compile(r"linking|classpath|gcc|runtime|llvm|font|openssl|foss|universal|bison|autoconf", re.IGNORECASE)
_CLASSIFIER = re.compile(r"^License :: (?:OSI Approved :: )?")
_VERSION = re.compile(r"(?<![\s,])[\s,]+(?:version|v\.?)\s*(?=\d)|(?<=[a-z])v(?=\d)", re.IGNORECASE)


def uses(packages: Iterable[Package]) -> tuple[LicenseUse, ...]:
    """Every licence with the packages that declare it, those that ask the most first."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for package in packages:
        for declared in package.licenses:
            for name in split(declared):
                found[name].add(package.purl)
    listed = (LicenseUse(name, category(name), tuple(sorted(purls))) for name, purls in found.items())
    return tuple(sorted(listed, key=lambda use: (_ORDER.index(use.category), use.license)))


def undeclared(packages: Collection[Package]) -> Unknown | None:
    """What nobody can say of the licences, where some package declares none: dpkg's database, for one, has no field."""
    without = sum(not package.licenses for package in packages)
    if not without:
        return None
    why = f"the licences of {without} of the {len(packages)} packages are not known: what is read of them names none"
    return Unknown("licenses", why)


@functools.lru_cache(maxsize=4096)
def split(declared: str) -> tuple[str, ...]:
    """The licences that a declaration names, by their SPDX identifier where they have one, each once.

    An exception (``WITH``) stays with its licence. Of alternatives (``OR``) all are named: which one is used only the
    image's makers know.
    """
    text = " ".join(declared[:_LONGEST].split())
    if (whole := _known(text) or _of_text(text)) is not None:
        return (whole,)
    parts = _OPERATOR.split(" ".join(text.replace("(", " ").replace(")", " ").split()))[:_MOST_PARTS]
    return tuple(dict.fromkeys(name for part in parts if (name := _named(part.strip()))))


@functools.lru_cache(maxsize=4096)
def category(name: str) -> str:
    """What a licence, as ``split`` names it, asks for."""
    base, _, exception = name.partition(" WITH ")
    found = CATEGORIES.get(_key(base), UNKNOWN)
    # An exception for linking is what tells a runtime library under the GPL from a program under it.
    return WEAK if exception and found == STRONG and _for_linking(exception) else found


def _of_text(text: str) -> str | None:
    """The licence whose own text is given in place of its name."""
    if len(text) < _TEXT:
        return None
    found = next((spdx for spdx, words in TEXTS if all(word in text for word in words)), None)
    expression = (" AND " in text or " OR " in text) and ". " not in text
    return found or (None if expression else _printable(text))


def _for_linking(exception: str) -> bool:
    return (
        re.search(
            r"linking|classpath|gcc|runtime|llvm|font|openssl|foss|universal|bison|autoconf", exception, re.IGNORECASE
        )
        is not None
    )


def _named(part: str) -> str:
    if not part or not any(char.isalnum() for char in part):
        return ""
    base = _EXCEPTION.sub("", part)
    exception = part[len(base) :].strip(" -")[len("with") :].strip(" -")
    name = _known(base) or _printable(base)
    return f"{name} WITH {_printable(exception)}" if exception else name


def _known(text: str) -> str | None:
    """The SPDX identifier for a name, if there is one."""
    text = _CLASSIFIER.sub("", text)
    for candidate in dict.fromkeys((text, _quiet(text), _plain(text))):
        if (found := _identifier(candidate)) is not None:
            return found
    return None


def _plain(text: str) -> str:
    for _ in range(3):
        text = _quiet(text.strip())
    return _VERSION.sub("-", text)


def _quiet(text: str) -> str:
    """The name without the words around it, and without a last remark in brackets."""
    name, opened, _ = text.partition("(")
    return _NOISE.sub("", name.rstrip() if opened and text.rstrip().endswith(")") else text)


def _identifier(text: str) -> str | None:
    later = _LATER.search(text) is not None
    base = _ONLY.sub("", _LATER.sub("", text)).strip()
    key = _key(base)
    spdx = ALIASES.get(key)
    if spdx is None:
        return None
    if spdx.startswith(("GPL-", "LGPL-", "AGPL-", "GFDL-")):
        return spdx + ("-or-later" if later else "-only")
    return spdx


def _key(text: str) -> str:
    family = text.upper().startswith(("GPL", "LGPL", "AGPL", "GFDL"))
    return key(_ONLY.sub("", _LATER.sub("", text)) if family else text)


def _printable(text: str) -> str:
    return "".join(char for char in text[:_LONGEST_NAME] if char.isprintable()).strip()
