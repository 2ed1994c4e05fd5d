"""Manifests of a project without a lock file beside them: they say what may be chosen, not what is."""

import re
from typing import NamedTuple

from hullguard.inventory.analyzers.analyzer import Analyzer, Context, Files, Findings
from hullguard.inventory.analyzers.locks.analyzer import OF_OTHERS


class _Kind(NamedTuple):
    name: str
    paths: str
    asks: bytes
    """What stands in one that names dependencies."""
    locks: tuple[str, ...]
    """What says, in its directory or one above, which were chosen."""


_KINDS = (
    _Kind(
        "npm",
        r"package\.json",
        rb'"(?:d|devD|optionalD)ependencies"\s*+:\s*+\{\s*+"',
        ("package-lock.json", "npm-shrinkwrap.json", "yarn.lock", "pnpm-lock.yaml", "bun.lock", "bun.lockb"),
    ),
    _Kind(
        "Python",
        r"(?:.*/)?(?:pyproject\.toml|setup\.(?:py|cfg)|Pipfile|requirements[^/]*\.in)",
        (
            rb"(?m)^[ \t]*+(?:dependencies[ \t]*+=[ \t]*+\[\s*+[^\]\s]|install_requires\b"
            rb"|\[(?:tool\.poetry(?:\.[\w.-]+)?\.dependencies|project\.optional-dependencies|dependency-groups|packages)\]"
            rb"|[A-Za-z0-9][\w.-]*+(?:\[[^\]\n]*+\])?[ \t]*+[=<>~!]=)|install_requires[ \t]*+="
        ),
        ("poetry.lock", "uv.lock", "pdm.lock", "Pipfile.lock", "pylock.toml", "requirements.txt", "requirements.lock"),
    ),
    _Kind(
        "Cargo",
        r"(?:.*/)?Cargo\.toml",
        rb"(?m)^[ \t]*+\[(?:[^\]\n]*+\.)?(?:dev-|build-|workspace\.)?dependencies(?:\.[^\]\n]+)?\]|^\[.*dependencies",
        ("Cargo.lock",),
    ),
    _Kind("Bundler", r"(?:.*/)?(?:Gemfile|gems\.rb)", rb"(?m)^[ \t]*+gem[ \t(]", ("Gemfile.lock", "gems.locked")),
    _Kind("Composer", r"(?:.*/)?composer\.json", rb'"require(?:-dev)?"\s*+:\s*+\{\s*+"', ("composer.lock",)),
    _Kind(
        "Gradle",
        r"(?:.*/)?build\.gradle(?:\.kts)?",
        (
            rb"(?m)(?:^|[{;])[ \t]*+(?:\w*[iI]mplementation|\w*[aA]pi|\w*[cC]ompile(?:Only)?|\w*[rR]untime(?:Only)?"
            rb"|classpath|kapt|annotationProcessor)[ \t]*+[\"'(]"
        ),
        ("gradle.lockfile",),
    ),
    _Kind("sbt", r"(?:.*/)?[^/]+\.sbt", rb'"[ \t]*+%%?%?[ \t]*+"', ("build.sbt.lock",)),
    _Kind("Clojure", r"(?:.*/)?(?:project\.clj|deps\.edn)", rb":dependencies\s*+\[\s*+\[|:mvn/version", ()),
    _Kind("Ivy", r"(?:.*/)?ivy\.xml", rb"<dependency\s", ()),
    _Kind(
        "RubyGems",
        r"(?!(?:.*/)?specifications/)(?:.*/)?[^/]+\.gemspec",
        rb"\.add(?:_runtime|_development)?_dependency\b",
        ("Gemfile.lock", "gems.locked"),
    ),
    _Kind(
        "Dart",
        r"(?:.*/)?pubspec\.yaml",
        rb"(?m)^(?:dev_)?dependencies:[ \t]*+(?:#.*+)?\r?\n(?:[ \t]*+(?:#.*+)?\r?\n)*+[ \t]++\w",
        ("pubspec.lock",),
    ),
    _Kind("Elixir", r"(?:.*/)?mix\.exs", rb"\{[ \t]*+:\w++[ \t]*+,", ("mix.lock",)),
    _Kind("Swift", r"(?:.*/)?Package\.swift", rb"\.package[ \t]*+\(", ("Package.resolved",)),
    _Kind("CocoaPods", r"(?:.*/)?Podfile", rb"(?m)^[ \t]*+pod[ \t(]", ("Podfile.lock",)),
    _Kind(
        "Julia",
        r"(?:.*/)?(?:Julia)?Project\.toml",
        rb"(?m)^\[deps\]\s*+\w",
        ("Manifest.toml", "JuliaManifest.toml"),
    ),
    _Kind(
        "Haskell",
        r"(?:.*/)?(?:[^/]+\.cabal|package\.yaml)",
        rb"(?im)^[ \t]*+build-depends[ \t]*+:|^dependencies:\s*+-",
        ("cabal.project.freeze", "stack.yaml.lock"),
    ),
    # One that is installed says by whom and when it was built.
    _Kind(
        "R",
        r"(?:.*/)?DESCRIPTION",
        rb"(?ms)\A(?!.*^Built:)(?=.*^Package:).*^(?:Imports|Depends|LinkingTo):",
        ("renv.lock",),
    ),
    _Kind("Conda", r"(?:.*/)?conda[^/]*\.ya?ml", rb"(?m)^dependencies:\s*+-", ("conda-lock.yml", "pixi.lock")),
    _Kind("Bower", r"(?:.*/)?bower\.json", rb'"(?:devD|d)ependencies"\s*+:\s*+\{\s*+"', ()),
)


class ManifestAnalyzer(Analyzer):
    """Says of each kind once how many there are: their dependencies are fetched when somebody builds the project."""

    name, version = "manifests", 2
    paths = OF_OTHERS + "(?:" + "|".join(kind.paths for kind in _KINDS) + ")"
    trees_only = True

    def condense(self, path: str, content: bytes) -> bytes:
        kind = next((kind for kind in _KINDS if re.fullmatch(kind.paths, path, re.DOTALL)), None)
        return b"1" if kind is not None and re.search(kind.asks, content) else b""

    def variant(self, path: str) -> str:
        return next((kind.name for kind in _KINDS if re.fullmatch(kind.paths, path, re.DOTALL)), "")

    def analyze(self, files: Files, context: Context) -> Findings:
        findings = Findings(room=context.room)
        if context.distribution is not None:
            return findings  # a system: what was chosen is installed there
        for kind in _KINDS:
            asking = (path for path, file in files.matching(OF_OTHERS + kind.paths) if file.content == b"1")
            open_ = sorted(path for path in asking if not _is_locked(path, kind, files))
            if open_:
                why = (
                    f"{len(open_)} manifests, {open_[0]} the first of them, ask for packages, and no lock file that is "
                    "read says which were chosen: those are not known"
                )
                findings.say(f"dependencies of {kind.name}", why)
        return findings


def _is_locked(path: str, kind: _Kind, files: Files) -> bool:
    """Whether a lock file lies beside it, or above: a workspace has one for all its parts."""
    directory = path
    while directory:
        directory = directory.rpartition("/")[0]
        if any(files.file(f"{directory}/{name}".lstrip("/")) is not None for name in kind.locks):
            return True
    return False
