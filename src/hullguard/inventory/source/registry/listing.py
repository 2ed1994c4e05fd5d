"""What images a registry has: its repositories, their tags, and which manifest each tag names for which platform.

Distribution specification 1.1 ("Content Discovery"), and ``/v2/_catalog`` as Docker's registry has it. All of it is
somebody else's word: what is no name is left out, every count is bounded, and each bound that is reached is told.
"""

import time
from collections.abc import Callable, Mapping
from typing import Final

from msgspec import Struct, structs

from hullguard.inventory.limits import Limits
from hullguard.inventory.source.opened import RegistryAccess
from hullguard.inventory.source.registry.client import Client
from hullguard.inventory.source.registry.image import RegistryBlobs
from hullguard.inventory.source.registry.names import Cut, Names, cut_short, names_of, unmet, wanted
from hullguard.inventory.source.registry.offers import offers
from hullguard.inventory.source.registry.reference import Reference, is_repository, is_tag
from hullguard.model.errors import Denied, HullguardError, Invalid, NotFound, Unauthenticated, Unavailable
from hullguard.model.registry import ListedImage, RegistryAttempt, RegistryListing, RegistrySpec, Trouble
from hullguard.model.tag_order import newest_first

ANY: Final = "*"
_ENDS: Final = frozenset({"registry.unreachable", "registry.busy"})
"""What will be so for every repository: nothing more is asked then."""
_MAY_END: Final = frozenset({"registry.forbidden-address", "net.too-slow", "net.endless"})
"""What one repository may do alone; the others are asked for until so many in a row did the same."""
_IN_A_ROW: Final = 3
_NO_REPOSITORY: Final = frozenset({"NAME_UNKNOWN", "NOT_FOUND"})
"""By which a registry says so itself: the specification's code, and that of Harbor and others."""
_NO_TAG: Final = _NO_REPOSITORY | {"MANIFEST_UNKNOWN"}
_NEVER_ASKED: Final = frozenset({"registry.proxy", "registry.bad-ca"})
_TRIED_REPOSITORIES: Final = 5
_TRIED_NAMES: Final = 5_000
_TOLD: Final = 5
"""Troubles that are told one by one, and repositories that are named in one."""
_NAME: Final = 100
"""Characters of a repository's name that are told beside others."""


class Bounds(Struct, frozen=True):
    """What one listing may cost."""

    names: int = 20_000
    """Of repositories in a catalog, and of tags in a repository."""
    repositories: int = 2_000
    images: int = 10_000
    seconds: float = 1800.0


def list_registry(
    spec: RegistrySpec, access: RegistryAccess, known: Mapping[tuple[str, str], str], bounds: Bounds | None = None
) -> RegistryListing:
    """What a registry has of what ``spec`` names; ``known`` is what each (repository, tag) named the last time.

    What is refused of one repository is told in ``trouble``. Raises why nothing at all could be listed.
    """
    return _Lister(spec, access, known, bounds or Bounds()).listing()


def try_registry(spec: RegistrySpec, access: RegistryAccess, bounds: Bounds | None = None) -> RegistryAttempt:
    """What such a listing would meet with: who is asked for, the catalog if it is needed, the tags of one repository.

    Raises nothing that a registry can do.
    """
    return _Lister(spec, access, {}, bounds or Bounds(names=_TRIED_NAMES)).attempt()


class _Lister:
    def __init__(
        self, spec: RegistrySpec, access: RegistryAccess, known: Mapping[tuple[str, str], str], bounds: Bounds
    ) -> None:
        self._spec, self._access, self._known, self._bounds = spec, access, known, bounds
        self._until = time.monotonic() + bounds.seconds
        self._troubles: list[Trouble] = []
        self._cut: dict[Cut, list[str]] = {}
        """The lists that were not read to their end, by why."""
        self._images: list[ListedImage] = []
        self._unchanged: list[tuple[str, str]] = []
        self._unlisted: set[str] = set()
        self._listed = 0
        self._of: dict[Trouble, list[str]] = {}
        """Of which repositories a trouble is told."""
        self._tags_seen = False
        self._no_tag = list(spec.tags)
        """The patterns that no tag has fitted so far."""
        self._admitted: bool | None = None
        """Whether the registry admits this name with this password; None while that was not asked."""
        self._refusal: HullguardError | None = None
        self._client = Client(Reference(spec.address, "", None, None), access)

    def listing(self) -> RegistryListing:
        try:
            return self._listing()
        finally:
            self._client.close()

    def attempt(self) -> RegistryAttempt:
        found = RegistryAttempt(reachable=True)
        refusal: HullguardError | None = None
        try:
            names = self._repositories()
            found = structs.replace(found, repositories=len(names))
            found = self._looked_into(found, names[:_TRIED_REPOSITORIES])
            if self._access.username is not None and self._admitted is None:
                self._admitted = self._client.about("").signs_in() or None  # what was read may be there for everybody
        except HullguardError as refused:
            refusal = refused
            self._troubles.insert(0, Trouble(refused.code, str(refused)))
        finally:
            self._client.close()
        codes = {trouble.code for trouble in self._troubles}
        catalog = None if refusal is not None or not self._by_pattern() else True
        wrong = refusal is not None and self._is_of_the_password(refusal)
        return structs.replace(
            found,
            reachable=refusal is None or refusal.code not in _ENDS | _MAY_END | _NEVER_ASKED,
            admitted=False if wrong else self._admitted or None,
            catalog=False if "registry.no-catalog" in codes else catalog,
            trouble=_joined([*self._troubles, *self._cut_short()]),
        )

    def _by_pattern(self) -> bool:
        return any(ANY in name for name in self._spec.repositories)

    def _looked_into(self, found: RegistryAttempt, names: list[str]) -> RegistryAttempt:
        """With how many tags the first repository has that can be read; those before are told."""
        for name in names:
            try:
                tags = self._tags(self._client.about(name), name)
            except (NotFound, Denied, Unauthenticated) as refused:
                if self._is_of_the_password(refused):
                    raise
                self._troubles.append(Trouble(refused.code, str(refused)))
                found = structs.replace(found, repositories=found.repositories - 1)
            else:
                return structs.replace(found, looked_into=name, tags=len(tags))
        return found

    def _listing(self) -> RegistryListing:
        names = self._repositories()
        stopped: Unavailable | None = None
        row = 0
        for number, name in enumerate(names):
            if (bound := self._bound_reached()) is not None:
                self._troubles.insert(0, bound)
                # Beyond the most images nothing is kept; what only took too long may come the next time.
                self._unlisted.update(names[number:] if bound.code == "registry.too-slow" else ())
                break
            try:
                self._repository(name)
                self._listed += 1
                row = 0
            except HullguardError as refused:
                self._refused(name, refused)
                row = row + 1 if refused.code in _MAY_END else 0
                if isinstance(refused, Unavailable) and (refused.code in _ENDS or row == _IN_A_ROW):
                    stopped = refused
                    self._not_asked(refused, names[number + 1 :])
                    break
        if self._refusal is not None and not self._listed and not self._images:
            raise self._refusal
        retry = None if stopped is None else stopped.params.get("retry_after")
        return RegistryListing(
            repositories=self._listed,
            images=tuple(self._images),
            unchanged=tuple(self._unchanged),
            unlisted=tuple(sorted(self._unlisted)),
            trouble=_joined([*map(self._named, self._troubles), *self._cut_short(), *self._tagless()]),
            stopped=stopped is not None,
            retry_after=retry if isinstance(retry, int) else None,
        )

    def _not_asked(self, refused: Unavailable, names: list[str]) -> None:
        self._unlisted.update(names)
        if names:
            self._troubles.append(Trouble(refused.code, f"{len(names)} more repositories were not asked for then"))

    def _bound_reached(self) -> Trouble | None:
        count = len(self._images) + len(self._unchanged)
        if count >= self._bounds.images:
            sentence = (
                f"only {self._bounds.images} images of a registry are read, and this one has more; name fewer "
                "repositories or tags, or only the newest"
            )
            return Trouble("registry.too-many-images", sentence)
        if time.monotonic() > self._until:
            minutes = int(self._bounds.seconds // 60)
            sentence = f"listing took over {minutes} min, so not all repositories were listed; name fewer in one entry"
            return Trouble("registry.too-slow", sentence)
        return None

    def _refused(self, name: str, refused: HullguardError) -> None:
        self._refusal = self._refusal or refused
        if self._is_of_the_password(refused) and not self._listed:
            raise refused  # a wrong password is wrong for all of them, and who sends it often is locked out
        if not isinstance(refused, NotFound):
            self._unlisted.add(name)
        trouble = Trouble(refused.code, str(refused))
        if trouble not in self._of:
            self._troubles.append(trouble)
        self._of.setdefault(trouble, []).append(name)

    def _named(self, trouble: Trouble) -> Trouble:
        """With the repositories that it is told of, unless it names its one itself."""
        names = self._of.get(trouble, [])
        if not names or (len(names) == 1 and names[0] in trouble.sentence):
            return trouble
        told = ", ".join(name[:_NAME] for name in names[:_TOLD])
        more = f" and {len(names) - _TOLD} more" if len(names) > _TOLD else ""
        kind = "repository" if len(names) == 1 else "repositories"
        return Trouble(trouble.code, f"{trouble.sentence} ({kind} {told}{more})")

    def _tagless(self) -> list[Trouble]:
        """Which patterns no tag fits, where there are tags at all."""
        if self._cut or not (self._tags_seen and self._no_tag):
            return []
        patterns = ", ".join(self._no_tag)[:200]
        sentence = f"no tag of the repositories that were looked at on {self._spec.address} is called as {patterns}"
        return [Trouble("registry.no-tag", sentence)]

    def _repositories(self) -> list[str]:
        exact = [name for name in self._spec.repositories if ANY not in name]
        patterns = [name for name in self._spec.repositories if ANY in name]
        names = dict.fromkeys(exact)
        if patterns:
            try:
                catalog = self._catalog()
            except (NotFound, Denied, Unauthenticated, Invalid) as refused:
                if self._is_of_the_password(refused):
                    raise
                self._without_catalog(refused, exact)
            else:
                names |= dict.fromkeys(wanted(catalog, patterns))
                none = unmet(patterns, names)
                if none and not self._cut:
                    sentence = f"no repository of {self._spec.address} is called as {', '.join(none)[:200]}"
                    self._troubles.append(Trouble("registry.no-repository", sentence))
        if len(names) > self._bounds.repositories:
            most = self._bounds.repositories
            sentence = f"only {most} of {len(names)} repositories are read; name fewer in one entry"
            self._troubles.append(Trouble("registry.too-many-repositories", sentence))
        return list(names)[: self._bounds.repositories]

    def _names(self, client: Client, path: str, repository: str = "") -> Names:
        """The names of one list. Who is refused by name is asked for first: if that one is admitted, it is asked again.

        Many registries give the catalog, or some repositories, to few of those whom they admit; and some refuse what
        they gave a moment ago.
        """
        try:
            return names_of(client, path, self._bounds.names, repository)
        except (Denied, Unauthenticated) as refused:
            if self._access.username is None or self._admitted is not None:
                raise
            self._admitted = False
            try:
                self._admitted = self._client.about("").signs_in()
            except Unauthenticated:
                if isinstance(refused, Unauthenticated):
                    raise refused from None
                raise
            if not self._admitted:
                raise
        return names_of(client, path, self._bounds.names, repository)

    def _is_of_the_password(self, refused: HullguardError) -> bool:
        """Whether it is the name or the password that is refused.

        A registry that admits everybody has not looked at the password: 401 still is about that, 403 is not.
        """
        return isinstance(refused, Unauthenticated) and self._access.username is not None and not self._admitted

    def _without_catalog(self, refused: HullguardError, exact: list[str]) -> None:
        """What was found by patterns earlier stands; without exact names nothing can be listed."""
        sentence = f"{refused}; name its repositories exactly if it offers no catalog"
        if isinstance(refused, NotFound):
            sentence = f"the registry {self._spec.address} offers no catalog; name its repositories exactly"
        if not exact:
            raise type(refused)(sentence, "registry.no-catalog") from refused
        self._troubles.append(Trouble("registry.no-catalog", sentence))
        self._unlisted.update(repository for repository, _ in self._known if repository not in exact)

    def _catalog(self) -> list[str]:
        found = self._names(self._client.about(""), "_catalog")
        if found.cut is Cut.BROKEN:
            known = {name for name, _ in self._known}
            self._unlisted.update(set(wanted(known, self._spec.repositories)).difference(found.names))
        return self._sound(found, is_repository, self._spec.address)

    def _repository(self, name: str) -> None:
        client = self._client.about(name)
        for tag in self._tags(client, name):
            if self._bound_reached() is not None:
                self._unlisted.add(name)
                return
            self._tag(client, name, tag)

    def _tags(self, client: Client, name: str) -> list[str]:
        """Those that are wanted. Raises NotFound only where the registry says itself that it has no such repository."""
        what = f"{self._spec.address}/{name}"
        try:
            found = self._names(client, "tags/list", name)
        except NotFound as gone:
            if not _says(gone, _NO_REPOSITORY):
                raise Unavailable(_doubtful(what), "registry.bad-list") from gone
            why = f"{self._spec.address} has no repository {name}, or shows it to nobody whom it does not know"
            raise NotFound(why, "registry.no-repository") from gone
        if found.cut is Cut.BROKEN:
            self._unlisted.add(name)
        tags = self._sound(found, is_tag, what)
        self._tags_seen = self._tags_seen or bool(tags)
        self._no_tag = unmet(self._no_tag, tags)
        return newest_first(wanted(tags, self._spec.tags))[: self._spec.newest]

    def _tag(self, client: Client, name: str, tag: str) -> None:
        # Of its own for each tag: what it keeps goes with it.
        blobs = RegistryBlobs(client, Reference(self._spec.address, name, tag, None), Limits())
        try:
            digest = blobs.tagged(tag)
        except NotFound as gone:
            if not _says(gone, _NO_TAG):
                self._unlisted.add(name)
                self._troubles.append(Trouble("registry.bad-list", _doubtful(f"{self._spec.address}/{name}:{tag}")))
            return  # else it was taken away meanwhile
        if self._known.get((name, tag)) == digest:
            self._unchanged.append((name, tag))
        else:
            self._images += offers(blobs, digest, self._spec.platforms)

    def _cut_short(self) -> list[Trouble]:
        return [cut_short(why, lists, self._bounds.names) for why, lists in self._cut.items()]

    def _sound(self, found: Names, sound: Callable[[str], bool], what: str) -> list[str]:
        good = [name for name in found.names if sound(name)]
        if found.cut is not None:
            self._cut.setdefault(found.cut, []).append(what)
        if odd := len(found.names) - len(good):
            sentence = f"{odd} of the names that {what} lists cannot be names there and were left out"
            self._troubles.append(Trouble("registry.odd-names", sentence))
        return good


def _says(gone: NotFound, codes: frozenset[str]) -> bool:
    """Whether it is the registry that says so, by one of the codes and no other; a proxy's page has none."""
    said = set(str(gone.params.get("says", "")).split())
    return bool(said) and said <= codes


def _doubtful(what: str) -> str:
    return (
        f"{what} was answered with 404, but not in a registry's own words, so what is known of it stands; look at the "
        "proxy before the registry, and name it no longer if it is gone"
    )


def _joined(troubles: list[Trouble]) -> Trouble | None:
    if not troubles:
        return None
    told = "; ".join(each.sentence for each in troubles[:_TOLD])
    more = f"; and {len(troubles) - _TOLD} more" if len(troubles) > _TOLD else ""
    return Trouble(troubles[0].code, told + more)
