"""What Bitnami put into an image: for each component a list in SPDX (JSON), ``/opt/bitnami/NAME/.spdx-NAME.spdx``.

Until summer 2022 there was one list for the whole image, ``/opt/bitnami/.bitnami_components.json``.
"""

import re
from collections.abc import Iterator

import msgspec
from packageurl import PackageURL

from hullguard.inventory.analyzers.entries import each, listing
from hullguard.inventory.analyzers.language import Doubt, LanguageAnalyzer, Piece
from hullguard.model.package import PackageType

_COMPONENTS = ".bitnami_components.json"
_SILENT = frozenset({"", "NOASSERTION", "NONE"})


class _Reference(msgspec.Struct, rename="camel"):
    reference_type: str = ""
    reference_locator: str = ""


class _Package(msgspec.Struct, rename="camel"):
    name: str = ""
    version_info: str = ""
    license_declared: str = ""
    external_refs: list[_Reference] = []


class _Document(msgspec.Struct):
    packages: list[msgspec.Raw]


class _Component(msgspec.Struct):
    version: str = ""


class BitnamiAnalyzer(LanguageAnalyzer):
    """The component and what was built into it; advisories speak of those that have a purl of Bitnami's."""

    name, version = "bitnami", 2
    paths = rf"(?:.*/)?(?:\.spdx-[^/]+\.spdx|{re.escape(_COMPONENTS)})"
    form = "list of a component of Bitnami's"

    def pieces(self, path: str, content: bytes) -> Iterator[Piece | Doubt]:
        if path.endswith(_COMPONENTS):
            yield from _components(content)
            return
        others = 0
        for _, package in each(listing(content, _Document).packages, _Package):
            if isinstance(package, Doubt):
                yield package
            elif (piece := _piece(package)) is not None:
                yield piece
            else:
                others += 1
        if others:
            yield Doubt(f"{others} of its entries have no purl of Bitnami's, so no advisories speak of them")


def _components(content: bytes) -> Iterator[Piece | Doubt]:
    for name, component in each(listing(content, dict[str, msgspec.Raw]), _Component):
        yield component if isinstance(component, Doubt) else Piece(PackageType.BITNAMI, name, component.version)


def _piece(package: _Package) -> Piece | None:
    for reference in package.external_refs:
        if not reference.reference_locator.startswith("pkg:bitnami/"):
            continue
        try:
            purl = PackageURL.from_string(reference.reference_locator)
        except ValueError:
            continue
        licenses = () if package.license_declared in _SILENT else (package.license_declared,)
        return Piece(PackageType.BITNAMI, purl.name, purl.version or package.version_info, licenses)
    return None
