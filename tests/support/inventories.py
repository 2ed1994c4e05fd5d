"""What analyzers find in a handful of files."""

import io
from collections.abc import Sequence

from tests.support.images import Entry, layer

from hullguard.inventory.analyzers.analyzer import Context
from hullguard.inventory.analyzers.catalog import ANALYZERS
from hullguard.inventory.analyzers.provenance import foreign, looked_up
from hullguard.inventory.layer import Indexer, LayerIndex
from hullguard.inventory.limits import Budget, Limits
from hullguard.inventory.squash import Tree, squash
from hullguard.inventory.wanted import Wanted
from hullguard.model.image import OperatingSystem
from hullguard.model.package import Package, Unknown


class Found:
    """The sum of all analyzers' findings."""

    def __init__(self, *layers: Sequence[Entry], licenses: bool = False) -> None:
        self.tree: Tree = squash([self._index(entries) for entries in layers], Wanted(ANALYZERS), Limits())
        names = tuple(f"layer{number}" for number in range(len(layers)))
        self.packages: list[Package] = []
        context = Context(layers=names, packages=self.packages, licenses=licenses, reals=self.tree.reals)
        self.unknowns: list[Unknown] = []
        self.os: OperatingSystem | None = None
        for analyzer in ANALYZERS:
            findings = analyzer.analyze(self.tree, context)
            context.owned |= findings.owned  # no test has two owners of one file
            context.unlisted |= findings.unlisted
            context.unshown |= findings.unshown
            context.apart |= findings.apart
            self.os = self.os or findings.os
            self.packages += findings.packages
            self.unknowns += findings.unknowns
        self.unknowns += (*context.doubts(), *foreign(context.distribution, self.packages), *looked_up(context))

    def named(self, name: str) -> Package:
        (package,) = (package for package in self.packages if package.name == name)
        return package

    @property
    def names(self) -> list[str]:
        return sorted(package.name for package in self.packages)

    @staticmethod
    def _index(entries: Sequence[Entry]) -> LayerIndex:
        indexer = Indexer(Wanted(ANALYZERS), Budget(Limits()), "layer")
        indexer.run(io.BytesIO(layer(*entries)))
        return indexer.index
