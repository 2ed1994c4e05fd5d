"""What conda, mamba or pixi installed into an environment: one record a package in ``conda-meta``."""

from collections.abc import Iterator

import msgspec

from hullguard.inventory.analyzers.language import Doubt, LanguageAnalyzer, Piece
from hullguard.inventory.analyzers.ownable import CONDA_RECORD
from hullguard.model.decoding import from_json
from hullguard.model.package import PackageType


class _Record(msgspec.Struct):
    name: str
    version: str
    license: str | None = None


class CondaAnalyzer(LanguageAnalyzer):
    """No advisories speak of conda's packages; a Python distribution among them has metadata of its own as well."""

    name, version = "conda", 1
    paths = CONDA_RECORD
    linked = r"(?:.*/)?conda-meta"
    form = "record of a conda package"

    def pieces(self, path: str, content: bytes) -> Iterator[Piece | Doubt]:
        del path
        record = from_json(content, _Record)
        yield Piece(PackageType.CONDA, record.name, record.version, (record.license,) if record.license else ())
