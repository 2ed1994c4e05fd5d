"""Paths that name a package of their own unless an OS package lists them: it is reported once, as the OS package."""

import functools
import re
from collections.abc import Callable, Iterable, Iterator
from itertools import islice

from hullguard.inventory import bounds
from hullguard.inventory.analyzers.analyzer import METADATA, NODE_PACKAGE, Findings, text
from hullguard.inventory.analyzers.locks.analyzer import LockAnalyzer
from hullguard.inventory.analyzers.locks.golang import GoAnalyzer
from hullguard.inventory.analyzers.locks.maven import MavenAnalyzer
from hullguard.inventory.analyzers.unread import OF_OS_PACKAGES
from hullguard.inventory.endings import Endings

# Letters of more than two cases are spelled out, so that ``Endings`` can tell other names apart.
JAVA_ARCHIVE = r".*\.(?:(?i:[jwepn]ar)|[sSkK][aA][rR]|[hHjJ][pP][iI]|[lL][pP][kK][gG])"
GEM_SPECIFICATION = r"(?:.*/)?(?:specifications/(?:default/)?|vendor/gems/[^/]+/)[^/]+\.gemspec"
"""The second are copies that a project keeps of gems, with the files that their makers wrote."""
COMPOSER_INSTALLED = r"(?:.*/)?composer/installed\.json"
DOTNET_DEPENDENCIES = r"(?:.*/)?[^/]+\.deps\.json"
PEAR_RECORD = r"(?:.*/)?\.registry/[^/]+\.reg"
CONDA_RECORD = r"(?:.*/)?conda-meta/[^/]+\.json"
JAVA_RELEASE = r"(?:.*/)?release"
"""Runtimes lie in directories of any name, the root among them; the content says whether it is one."""
WEB_APPLICATION = (
    r"(?:.*/)?(?:version\.php|core/lib/Drupal\.php|includes/bootstrap\.inc|administrator/manifests/files/joomla\.xml"
    r"|libraries/classes/Version\.php|gitlab-rails/VERSION)"
)

_LIBRARY = r"(?:.*/)?lib(?:crypto|ssl|python|php|ruby|node|mariadb|perl)[^/]*\.so[^/]*"
_NAMED = (
    METADATA,
    NODE_PACKAGE,
    JAVA_ARCHIVE,
    GEM_SPECIFICATION,
    COMPOSER_INSTALLED,
    DOTNET_DEPENDENCIES,
    PEAR_RECORD,
    CONDA_RECORD,
    JAVA_RELEASE,
    WEB_APPLICATION,
    _LIBRARY,
)
_BY_LINK = r"(?:.*/)?(?:package\.json|METADATA|PKG-INFO|installed\.json|[^/]+\.gemspec)"
"""What names a package where a link leads to the directory that it lies in (``Analyzer.linked``)."""
_ASSEMBLY = r"(?:.*/)?[^/]+\.(?:dll|exe)"
_OWNABLE = (*_NAMED, _BY_LINK, _ASSEMBLY, *OF_OS_PACKAGES, LockAnalyzer.paths, GoAnalyzer.paths, MavenAnalyzer.paths)
"""A lock file that an OS package brought says what its maker built with, and not what is there."""
_SHARED_LIBRARY = r"[^/]+\.so(?:\.[^/]+)?"
_IS_SHARED_LIBRARY = re.compile(_SHARED_LIBRARY, re.DOTALL).fullmatch
_COMMANDS = ("bin", "sbin", "cgi-bin")
_VERSION = "0123456789."
_LONGEST = 4096
"""PATH_MAX: a longer name is no file's."""
_MORE = b"\0"
"""No name: what stood behind it in a list was left out."""
_TOGETHER = 4096
_MOST_LOADABLE, _LONGEST_LOADABLE = 100_000, 512
_NO_PROGRAMS = ("etc/", "usr/share/", "usr/include/", "var/")


def ownable(path: str) -> bool:
    """Whether it matters which OS package a file of this name belongs to.

    It may name a package of its own: metadata of languages does, and programs can say their own version. Or a process
    may be it: then a vulnerability of its package is one of that process.
    """
    return len(path) <= _LONGEST and (loadable(path) or _fits(_OWNABLE, path))


def loadable(path: str) -> bool:
    """Whether it may be a program or a shared library: a command, what lies without a suffix beside them, a ``.so``.

    A version at the end of the name, as in ``php8.2``, is no suffix.
    """
    directory, _, base = path.rpartition("/")
    if base and (
        directory.rpartition("/")[2] in _COMMANDS
        or ("." not in base.rstrip(_VERSION) and not path.startswith(_NO_PROGRAMS))
    ):
        return True
    return ".so" in base and _IS_SHARED_LIBRARY(base) is not None


def metadata(path: str) -> bool:
    """Whether it is a file that names packages, or a library, by its name, and no program."""
    return _fits(_NAMED, path)


def _fits(patterns: tuple[str, ...], path: str) -> bool:
    return _possible()(path) and _compiled(patterns)(path) is not None


@functools.cache
def _possible() -> Callable[[str], bool]:
    """Whether a name may be one of any of those; made when it is asked for, as no cached layer does."""
    return Endings(_OWNABLE).possible


@functools.cache
def _compiled(patterns: tuple[str, ...]) -> Callable[[str], re.Match[str] | None]:
    return re.compile("|".join(f"(?:{pattern})" for pattern in patterns), re.DOTALL).fullmatch


def ownables(names: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Of the files that an OS package lists those that may name packages, a line each, for ``listed``.

    Each has its digest in front, as it is written, or nothing. No name has a line break in it.
    """
    every, kept = iter(names), list[bytes]()
    few = islice(every, bounds.LISTED_FILES)
    while some := list(islice(few, _TOGETHER)):
        # No sign of UTF-8 has a line break in it, so they can be decoded together, in a fraction of the time.
        paths = text(b"\n".join(name for _, name in some)).split("\n")
        kept += [digest + b" " + name for (digest, name), path in zip(some, paths, strict=True) if ownable(path)]
    if next(every, None) is not None:
        kept.append(_MORE)
    return b"\n".join(kept)


def listed(content: bytes, place: str, findings: Findings) -> Iterator[tuple[str, str]]:
    """The files of such a list with their digests; that it was cut is added to the unknowns."""
    for line in content.split(b"\n"):
        if line == _MORE:
            why = f"it lists more than {bounds.LISTED_FILES} files; whose the others are is not known"
            findings.say(place, why, incomplete=True)
        elif line:
            digest, _, name = line.partition(b" ")
            yield text(name), text(digest)


def loadable_files(listed: Iterable[tuple[str, set[str]]]) -> dict[str, tuple[str, ...]]:
    """What of their files containers can load, by package.

    The largest package databases name some twenty thousand. Of a path that is left out nobody is told an owner.
    """
    found: dict[str, set[str]] = {}
    room = _MOST_LOADABLE
    for name, paths in listed:
        directories = {path.rpartition("/")[0] for path in paths}
        files = (path for path in paths - directories if len(path) <= _LONGEST_LOADABLE)
        fit = sorted(filter(loadable, files))[:room]
        if fit:
            found.setdefault(name, set()).update(fit)
            room -= len(fit)
    return {name: tuple(sorted(paths)) for name, paths in sorted(found.items())}
