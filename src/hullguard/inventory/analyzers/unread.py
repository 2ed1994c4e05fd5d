"""Packages of managers that are not read here: that they are there is said, once for each kind.

What an OS package of the distribution brought of them is judged as that package.
"""

import re
from typing import Final, NamedTuple

from hullguard.inventory.analyzers.analyzer import Analyzer, Context, Files, Findings
from hullguard.model.package import PackageType


class _Kind(NamedTuple):
    name: str
    paths: str
    unless: str = ""
    """A file beside it that is read in its place."""
    of: PackageType | None = None
    """As which they would be read, where advisories speak of such packages."""


# R brings these itself.
_OF_R = (
    r"(?!(?:base|boot|class|cluster|codetools|compiler|datasets|foreign|graphics|grDevices|grid|KernSmooth|lattice|MASS|"
    r"Matrix|methods|mgcv|nlme|nnet|parallel|rpart|spatial|splines|stats4?|survival|tcltk|tools|translations|utils)/)"
)
_OF_OTHER_CHANNELS = r"(?:.*/)?\.registry/\.channel\.[^/]+/[^/]+\.reg"
_PHAR = re.compile(
    r"(?:.*/)?(?:(?!phar[\d.]*\.phar)[^/]+\.phar|bin/(?:box|composer|deployer|drush|infection|php-cs-fixer|phpcs|phpstan|phpunit|psalm|wp))",
    re.DOTALL,
)
"""But for PHP's own program for such archives."""
_END_OF_STUB = b"__HALT_COMPILER();"
"""Every archive of PHP has it behind the program that opens it (PHP's manual, "Phar file stub")."""
_KINDS = (
    _Kind(
        "R",
        rf"(?:.*/)?(?:site-library|R/library|renv/library/[^/]+/[^/]+)/{_OF_R}[^/]+/DESCRIPTION",
        of=PackageType.CRAN,
    ),
    _Kind("Erlang and Elixir", r"(?:.*/)?(?:lib|plugins)/[^/]+-\d[^/]*(?:/ebin/[^/]+\.app|\.ez)", of=PackageType.HEX),
    _Kind("Lua", r"(?:.*/)?[^/]+\.rockspec"),
    _Kind("Yarn in its archives", r"(?:.*/)?\.pnp\.c?js", of=PackageType.NPM),
    _Kind("Electron in its archives", r"(?:.*/)?[^/]+\.asar", of=PackageType.NPM),
    _Kind("Ruby from repositories", r"(?:.*/)?bundler/gems/[^/]+-[0-9a-f]{7,40}/[^/]+\.gemspec", of=PackageType.GEM),
    _Kind(
        "Composer without its list",
        r"(?:.*/)?composer/installed\.php",
        unless="installed.json",
        of=PackageType.COMPOSER,
    ),
    _Kind("WordPress's plugins and themes", r"(?:.*/)?wp-content/(?:plugins|themes)/[^/]+/readme\.txt"),
    _Kind(
        "bills of materials in other forms, or of packages of Node.js",
        r"(?:.*/)?(?:node_modules/(?:.*/)?(?:s?bom|[^/]+\.(?:cdx|spdx))\.json|[^/]+\.syft\.json)",
        unless="sbom.cdx.json",
    ),
    _Kind("PECL and other channels of PEAR", _OF_OTHER_CHANNELS),
    _Kind("Julia", r"(?:.*/)?packages/[^/]+/[A-Za-z0-9]{4,5}/Project\.toml", of=PackageType.JULIA),
    _Kind("opam", r"(?:.*/)?\.opam-switch/packages/[^/]+/opam"),
    _Kind("Nix in another place", r".+/nix/var/nix/db/db\.sqlite", of=PackageType.NIX),
    _Kind("Guix in another place", r".+/var/guix/db/db\.sqlite", of=PackageType.GUIX),
    _Kind("snap in its archives", r"var/lib/snapd/(?:seed/)?snaps/[^/]+\.snap"),
    _Kind("Homebrew's casks", r"(?:.*/)?Caskroom/[^/]+/\.metadata/INSTALL_RECEIPT\.json"),
    _Kind("Solus", r"var/lib/eopkg/package/[^/]+/metadata\.xml(?!/)"),
    _Kind("Spack in its older form", r"(?:.*/)?\.spack/spec\.yaml", of=PackageType.SPACK),
    _Kind("Dart in its cache", r"(?:.*/)?\.pub-cache/hosted/[^/]+/[^/]+/pubspec\.yaml", of=PackageType.PUB),
    _Kind("Go in its cache", r"(?:.*/)?pkg/mod/cache/download/.+/@v/[^/]+\.ziphash", of=PackageType.GOLANG),
    _Kind("NuGet in its cache", r"(?:.*/)?\.nuget/packages/[^/]+/[^/]+/[^/]+\.nuspec", of=PackageType.NUGET),
    _Kind(".NET in packages.config", r"(?:.*/)?packages\.config", of=PackageType.NUGET),
    _Kind("Cargo in its cache", r"(?:.*/)?\.?cargo/registry/cache/[^/]+/[^/]+\.crate", of=PackageType.CARGO),
    _Kind("CPAN", r"(?:.*/)?(?:\.meta/[^/]+/install\.json|auto/(?:[^/]+/)+\.packlist)"),
    _Kind("PHP in its archives", _PHAR.pattern, of=PackageType.COMPOSER),
)

KINDS_BY_NAME: Final = {kind.name: kind.of for kind in _KINDS}
"""By what is said of them, as which kind of packages they would be read."""
OF_OS_PACKAGES: Final = (
    *(kind.paths for kind in _KINDS if kind.name in ("R", "Erlang and Elixir", "Lua", "CPAN", "PHP in its archives")),
    _OF_OTHER_CHANNELS,
)
"""Those that distributions have in packages of their own, too."""
_DATABASES = (
    r"(?:var/lib/dpkg/(?:status|status\.d/[^/]+)|(?:usr/)?lib/apk/db/installed"
    r"|(?:var/lib|usr/lib/sysimage|usr/share)/rpm/(?:Packages|rpmdb\.sqlite|Packages\.db)"
    r"|var/lib/rpmmanifest/container-manifest-2|var/lib/chisel/manifest\.wall|var/lib/pacman/local/[^/]+/desc"
    r"|(?:usr/|var/|opt/)?lib/opkg/status|var/db/pkg/[^/]+/[^/]+/PF|var/db/xbps/pkgdb-[^/]+\.plist"
    r"|var/lib/pkgtools/packages/[^/]+)"
)
# Python, Debian's pip and virtualenv keep some for the environments that they make.
_WHEEL = (
    r"(?!(?:.*/)?(?:ensurepip/_bundled|usr/share/python-wheels|virtualenv/seed/wheels/embed)/[^/]+\Z)(?:.*/)?[^/]+\.whl"
)
_ELSEWHERE = rf"(?!(?:{_DATABASES})\Z)(?!usr/lib/apk/).+/{_DATABASES}"
"""Databases of OS packages below another root: that of a chroot, or of a container in the image."""
_OF_MANY_FILES = re.compile(
    r"(.+/(?:var/lib/dpkg/status\.d|var/lib/pacman/local|var/db/pkg|var/lib/pkgtools/packages))/.*", re.DOTALL
)
"""Those that have a file or a directory for each package."""


class UnreadAnalyzer(Analyzer):
    """Names no package; one that is looked for in vain is better than one that nobody missed."""

    name, version = "unread", 16
    paths = "|".join((*(kind.paths for kind in _KINDS), _WHEEL, _ELSEWHERE))

    def condense(self, path: str, content: bytes) -> bytes:
        return b"phar" if _PHAR.fullmatch(path) is not None and _END_OF_STUB in content else b""

    def analyze(self, files: Files, context: Context) -> Findings:
        findings = Findings(room=context.room)
        if next(iter(files.matching(self.paths)), None) is None:
            return findings  # as in most images; making a dozen patterns takes longer than the rest of this
        for kind in _KINDS:
            places = sorted(
                path
                for path, file in files.matching(kind.paths)
                if context.reals.get(path, path) not in context.owned
                and not _is_read(path, kind, files)
                and (file.content or kind.paths != _PHAR.pattern)
            )
            if places:
                why = (
                    f"packages of this kind are not read; there are {len(places)} signs of them, {places[0]} the first"
                )
                findings.say(f"packages of {kind.name}", why)
        if wheels := sorted(path for path, _ in files.matching(_WHEEL)):
            why = f"they are not installed, so they count for nothing; {wheels[0]} is the first"
            findings.say(f"{len(wheels)} wheels of Python", why)
        # One of many files is told once, by its directory.
        elsewhere = (_OF_MANY_FILES.sub(r"\1", path) for path, _ in files.matching(_ELSEWHERE))
        for path in dict.fromkeys(elsewhere):
            findings.say(path, "an OS package database lies outside the root file system: it was not read")
        return findings


def _is_read(path: str, kind: _Kind, files: Files) -> bool:
    return bool(kind.unless) and files.file(f"{path.rpartition('/')[0]}/{kind.unless}") is not None
