"""Lists of names that a registry gives page by page, and patterns for names."""

import enum
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final, NamedTuple
from urllib.parse import urlsplit

import msgspec
from msgspec import UNSET, Struct, UnsetType

from hullguard.inventory.source.registry.client import Client
from hullguard.model.decoding import from_json, wrong
from hullguard.model.errors import Invalid, NotFound, Unavailable
from hullguard.model.registry import Trouble

PAGE: Final = 1000
"""Names that are asked for at once; registries may send fewer."""
_PAGE_BYTES: Final = 4 << 20
_PAGES: Final = 2_000
_TOLD: Final = 3
"""Lists that are named in one sentence."""
_LINK: Final = re.compile(r"<([^<>\s]{1,4096})>\s*;([^<>]{0,256})")
_OTHERS: Final = re.compile(r"<[^<>\s]{1,4096}>\s*;[^<>]{0,256}\brel\b[^<>]{0,256}")
"""A link that leads elsewhere: to the first or the last page, say."""
_NEXT: Final = re.compile(r'(?:^|;)\s*rel\s*=\s*"?next"?\s*(?:[;,]|$)', re.IGNORECASE)


class _Page(Struct, frozen=True):
    """``repositories`` of a catalog, ``tags`` of a repository; these may be null, where all were deleted."""

    name: str | UnsetType | None = UNSET
    """The repository's, beside its tags."""
    repositories: list[str] | UnsetType | None = UNSET
    tags: list[str] | UnsetType | None = UNSET


class Cut(enum.StrEnum):
    """Why a list may have more names than were read of it."""

    TOO_MANY = "registry.too-many-names"
    ENDLESS = "registry.endless-pages"
    BROKEN = "registry.bad-list"


class Names(NamedTuple):
    """The names, and why there may be more."""

    names: list[str]
    cut: Cut | None = None


def names_of(client: Client, path: str, most: int, repository: str = "") -> Names:
    """All names of a list, of tags that of ``repository``, in its order and each once; raises what is refused."""
    names: dict[str, None] = {}
    asked: set[str] = set()
    query = f"n={PAGE}"
    while query not in asked and len(asked) < _PAGES:
        asked.add(query)
        content, headers = _page(client, f"{path}?{query}", len(asked))
        names |= dict.fromkeys(_listed(content, path, repository))
        if len(names) > most:
            return Names(list(names)[:most], Cut.TOO_MANY)
        link = headers.get("Link", "").strip()
        following = _following(link, client.host)
        if following is None:
            return Names(list(names), None if _is_end(link) else Cut.BROKEN)
        query = following
    return Names(list(names), Cut.ENDLESS)


def cut_short(cut: Cut, lists: Sequence[str], most: int) -> Trouble:
    """What is told once of all lists of a registry that were not read to their end for one reason."""
    told = ", ".join(lists[:_TOLD])
    if len(lists) > _TOLD:
        told = f"{told} and {len(lists) - _TOLD} more"
    if cut is Cut.TOO_MANY:
        return Trouble(cut.value, f"only the first {most} names of {told} are looked at; there are more")
    if cut is Cut.BROKEN:
        sentence = f"a page of {told} leads on to nowhere (its Link header cannot be read), so what is known stands"
        return Trouble(cut.value, sentence)
    return Trouble(cut.value, f"the pages of {told} lead on without end; the names that came until then are looked at")


def matches(name: str, pattern: str) -> bool:
    """Whether ``*`` in the pattern can stand for something that makes it the name; takes no longer than looking."""
    first, *rest = pattern.split("*")
    if not rest:
        return name == pattern
    *middle, last = rest
    at, end = len(first), len(name) - len(last)
    if at > end or not name.startswith(first) or not name.endswith(last):
        return False
    for part in middle:
        found = name.find(part, at, end)
        if found < 0:
            return False
        at = found + len(part)
    return True


def wanted(names: Iterable[str], patterns: Sequence[str]) -> list[str]:
    """Those of the names that a pattern fits."""
    return [name for name in names if any(matches(name, one) for one in patterns)]


def unmet(patterns: Iterable[str], names: Collection[str]) -> list[str]:
    """Those of the patterns that fit no name."""
    return [one for one in patterns if not any(matches(name, one) for name in names)]


def _page(client: Client, path: str, number: int) -> tuple[bytes, Mapping[str, str]]:
    """Raises NotFound for the first page alone: what led to a further one is there."""
    try:
        return client.document(path, _PAGE_BYTES, "application/json")
    except NotFound as broken:
        if number == 1:
            raise
        sentence = f"{broken}; page {number - 1} of the list leads there, so what is known stands; look at the registry"
        raise Unavailable(sentence, "registry.bad-list") from broken


def _listed(content: bytes, path: str, repository: str) -> list[str]:
    try:
        found = from_json(content, _Page)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as cause:
        raise Invalid(
            f"the registry's answer to {path} is no list of names: {wrong(cause)}", "registry.bad-list"
        ) from cause
    of_tags = path.endswith("/list")
    names = found.tags if of_tags else found.repositories
    if names is None and not of_tags:
        # Some say so of none, and also to an account from which they hide them.
        sentence = (
            f"the registry's answer to {path} is null in the place of names, so what is known stands; "
            "check what the account may read, and delete the registry here if it is empty"
        )
        raise Invalid(sentence, "registry.bad-list")
    if names is UNSET:
        sentence = f"the registry's answer to {path} is no list of names; is that its address?"
        raise Invalid(sentence, "registry.bad-list")
    if of_tags and found.name and not _may_be(found.name, repository):
        sentence = (
            f"the tags of {repository} were asked for, and those of {found.name[:200]} given, so what is known stands; "
            "look at the proxy before the registry"
        )
        raise Unavailable(sentence, "registry.bad-list")
    return names or []


def _may_be(said: str, asked: str) -> bool:
    """Whether two names can be one repository's: what stands before the last parts may be a registry's own affair."""
    parts = [name.lower().split("/")[::-1] for name in (said, asked)]
    return all(one == other for one, other in zip(*parts, strict=False))


def _following(link: str, host: str) -> str | None:
    """What the next page is asked with. Only the query is taken, so it comes from the same place as this one."""
    address = _next(link)
    if address is None:
        return None
    try:
        parts = urlsplit(address)
    except ValueError:
        return None
    if parts.netloc and parts.netloc.lower() != host.lower():
        sentence = f"the registry's list goes on at another place, {parts.netloc[:200]}; nothing is asked there"
        raise Invalid(sentence, "registry.foreign-page")
    return parts.query or None


def _is_end(link: str) -> bool:
    """Whether what leads to no further page says that there is none: there is no link, or only others."""
    return _next(link) is None and not _OTHERS.sub("", link)


def _next(link: str) -> str | None:
    return next((each[1] for each in _LINK.finditer(link) if _NEXT.search(each[2])), None)
