"""Packages of Nix and Guix: directories ``HASH-NAME-VERSION[-OUTPUT]`` in a store, which say all that is known of them.

Images are built of stores without the managers' own database, so that is not asked.
"""

import re
from typing import NamedTuple

from hullguard.inventory.analyzers.analyzer import Analyzer, Context, Files, Findings
from hullguard.inventory.analyzers.language import purl
from hullguard.model.package import Package, PackageType

# The hash's alphabet has no e, o, t and u (Nix's manual, "Store path"). A version begins behind the first dash that no
# letter follows (builtins.parseDrvName); it may hold dashes itself.
_DIRECTORY = re.compile(
    r"[0-9a-df-np-sv-z]{32}-((?:[0-9A-Za-z+._?=]|-(?=[A-Za-z]))+)-([0-9][0-9A-Za-z+._?=-]*)", re.ASCII
)
_OUTPUT = re.compile(
    r"-(?:bin|data|debug|dev|devdoc|devman|dist|doc|getent|info|lib|libgcc|locale|man|out|py|static|terminfo)\Z"
)
"""The part of a build that lies there; the first output has no name (nixpkgs' manual, "Multiple-output packages")."""
_SOURCE = re.compile(
    r"(?:-(?:source|src|vendor|go-modules|cargo-deps|npm-deps|checkout)"
    r"|\.(?:drv|patch|diff|tar|tar\.[a-z0-9]+|tgz|zip|whl|gem|crate|lock))\Z"
)
"""What something was built from."""
_LONGEST = 33 + 211
"""Characters of a hash, a dash and a name (Nix's manual, "Store path")."""


class _Store(NamedTuple):
    place: str
    type: PackageType


_STORES = (_Store("nix/store", PackageType.NIX), _Store("gnu/store", PackageType.GUIX))


class StoresAnalyzer(Analyzer):
    """Outputs of one package are one package in several places; what has no version, such as a profile, is counted.

    No advisories are published for these packages, so none of them stands for what lies in it: programs and packages
    of languages are looked up by themselves.
    """

    name, version = "stores", 1
    stores = tuple(store.place for store in _STORES)

    def analyze(self, files: Files, context: Context) -> Findings:
        findings = Findings(room=context.room)
        for store in _STORES:
            others: list[str] = []
            for name, layer in files.stored(store.place):
                if (found := _named(name)) is None:
                    others.append(name)
                elif findings.has_room():
                    findings.packages.append(_package(store, name, *found, context.layers[layer]))
            if others:
                why = f"{len(others)} directories in it name no package with a version, {min(others)} the first of them"
                findings.say(store.place, why)
        return findings


def _named(directory: str) -> tuple[str, str] | None:
    """The name and the version that a directory tells."""
    found = _DIRECTORY.fullmatch(directory) if len(directory) <= _LONGEST else None
    if found is None or _SOURCE.search(directory):
        return None
    return found[1], _OUTPUT.sub("", found[2])


def _package(store: _Store, directory: str, name: str, version: str, layer: str | None) -> Package:
    return Package(
        purl=purl(store.type, name, version),
        type=store.type,
        name=name,
        version=version,
        source_name=name,
        source_version=version,
        layer=layer,
        locations=(f"{store.place}/{directory}",),
    )
