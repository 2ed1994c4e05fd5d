"""Lock files of a scanned directory. In images they are left out: there it counts what is installed."""

import importlib
import re
from collections.abc import Callable, Iterable, Iterator

from hullguard.inventory import bounds
from hullguard.inventory.analyzers.language import Doubt, LanguageAnalyzer, Piece, TooMuch
from hullguard.inventory.analyzers.locks.marks import damaged, unmarked

_BINARY = r"bun\.lockb"
_READERS = (
    (r"(?:package-lock|npm-shrinkwrap)\.json", "javascript.package_lock"),
    (r"yarn\.lock", "javascript.yarn_lock"),
    (r"pnpm-lock\.yaml", "javascript.pnpm_lock"),
    (r"bun\.lock", "javascript.bun_lock"),
    (_BINARY, "javascript.bun_lockb"),
    (
        (
            r"[^/]*(?i:requirements)[^/]*\.(?:txt|lock)|requirements/(?:.+/)?[^/]+\.txt"
            r"|constraints[^/]*\.txt|reqs\.txt"
        ),
        "python.requirements",
    ),
    (r"(?:poetry|uv|pdm)\.lock|pylock(?:\.[^/.]+)?\.toml", "python.toml_lock"),
    (r"Pipfile\.lock", "python.pipfile_lock"),
    (r"Cargo\.lock", "others.cargo_lock"),
    (r"Gemfile\.lock|gems\.locked", "others.gemfile_lock"),
    (r"composer\.lock", "others.composer_lock"),
    (r"packages\.lock\.json", "others.nuget_lock"),
    (r"project\.assets\.json", "others.nuget_assets"),
    (r"gradle\.lockfile", "java.gradle_lockfile"),
    (r"mix\.lock", "others.mix_lock"),
    (r"pubspec\.lock", "others.pubspec_lock"),
    (r"Package\.resolved", "swift.package_resolved"),
    (r"(?:Julia)?Manifest(?:-v\d[\d.]*)?\.toml", "science.julia_manifest"),
    (r"renv\.lock", "science.renv_lock"),
    (r"cabal\.project\.freeze", "science.cabal_freeze"),
    (r"stack\.yaml\.lock", "science.stack_lock"),
    (
        (
            r"packages\.config|Directory\.Packages\.props|Podfile\.lock|conan\.lock"
            r"|build\.sbt\.lock|buildscript-gradle\.lockfile|gradle/dependency-locks/[^/]+\.lockfile|libs\.versions\.toml"
            r"|deno\.lock|rebar\.lock|pixi\.lock|conda-lock\.yml|environment\.ya?ml|paket\.lock|Gopkg\.lock|vendor/modules\.txt"
            r"|cpanfile\.snapshot|Cartfile\.resolved|vcpkg\.json|maven_install\.json|shard\.lock|luarocks\.lock|glide\.lock"
            r"|[^/]+\.opam\.locked|MODULE\.bazel\.lock|gradle/verification-metadata\.xml"
        ),
        "others.unread",
    ),
    (r"[^/]+\.(?:cs|fs|vb)proj", "others.dotnet_project"),
)
"""A file's name -> module and function beside this one; only what is met is loaded."""


OF_OTHERS = r"(?!(?:.*/)?(?:node_modules|site-packages|dist-packages|vendor/[^/]+/[^/]+|gems/[^/]+-\d[^/]*)/)"
"""Stands before a path that is no installed package's.

Gems lie in ``gems/NAME-VERSION/``, what Composer, Go and Bundler fetch two directories or more below ``vendor/``.
"""


class LockAnalyzer(LanguageAnalyzer):
    """Lock files that lie inside an installed package are that package's business, not the project's."""

    name, version = "locks", 17
    paths = OF_OTHERS + r"(?:.*/)?(?:" + "|".join(pattern for pattern, _ in _READERS) + ")"
    form = "lock file"
    lists = True
    trees_only = True

    def pieces(self, path: str, content: bytes) -> Iterator[Piece | Doubt]:
        if len(content) > bounds.LOCK_BYTES:
            raise TooMuch(f"has more than {bounds.LOCK_BYTES >> 20} MiB; not read")
        for pattern, place in _READERS:
            if _fits(pattern, path):
                text = unmarked(content)
                if pattern != _BINARY:
                    yield from damaged(text)
                yield from _reader(place)(text)
                return

    def variant(self, path: str) -> str:
        return next((pattern for pattern, _ in _READERS if _fits(pattern, path)), "")


def _fits(pattern: str, path: str) -> bool:
    return re.fullmatch(rf"(?:.*/)?(?:{pattern})", path, re.DOTALL) is not None


def _reader(place: str) -> Callable[[bytes], Iterable[Piece | Doubt]]:
    module, _, name = place.partition(".")
    read: Callable[[bytes], Iterable[Piece | Doubt]] = getattr(
        importlib.import_module(f"hullguard.inventory.analyzers.locks.{module}"), name
    )
    return read
