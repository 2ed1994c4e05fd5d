"""What Composer installed: a list of packages (Composer 1), or an object that holds it (Composer 2)."""

from collections.abc import Iterator
from typing import Any

import msgspec

from hullguard.inventory.analyzers.entries import each, listing
from hullguard.inventory.analyzers.language import Doubt, LanguageAnalyzer, Piece
from hullguard.inventory.analyzers.ownable import COMPOSER_INSTALLED
from hullguard.model.package import PackageType


class ComposerPackage(msgspec.Struct):
    """An entry, which is the same in ``composer.lock``."""

    name: str
    version: str
    license: list[str] | str | None = None

    def piece(self) -> Piece:
        licenses = [self.license] if isinstance(self.license, str) else self.license or []
        return Piece(PackageType.COMPOSER, self.name, self.version, tuple(filter(None, licenses)))


class _Installed(msgspec.Struct):
    packages: list[msgspec.Raw]


class PhpAnalyzer(LanguageAnalyzer):
    """Reads ``vendor/composer/installed.json``.

    Branches are versions, too: ``6.5.x-dev`` has its place in Composer's order, and that ``dev-main`` has none is said
    where advisories speak of the package.
    """

    name, version = "php", 5
    paths = COMPOSER_INSTALLED
    linked = r"(?:.*/)?composer"
    form = "list of Composer packages"
    lists = True

    def pieces(self, path: str, content: bytes) -> Iterator[Piece | Doubt]:
        del path
        form: Any = _Installed | list[msgspec.Raw]
        installed = listing(content, form)
        packages = installed.packages if isinstance(installed, _Installed) else installed
        for _, package in each(packages, ComposerPackage):
            yield package if isinstance(package, Doubt) else package.piece()
