"""Slackware's packages: a description each, named ``NAME-VERSION-ARCH-BUILD`` (pkgtools' ``installpkg``)."""

from hullguard.inventory.analyzers.analyzer import Analyzer, Context, Files, Findings, is_name, os_purl
from hullguard.inventory.analyzers.language import is_word
from hullguard.model.package import Package, PackageType

_MARK = b"PACKAGE NAME:"
_LOCATIONS = ("var/log/packages", "var/lib/pkgtools/packages")
"""Until release 14.2, and since."""


class SlackwareAnalyzer(Analyzer):
    """The build is part of the version: updates may differ in nothing else. No advisories are published for them."""

    name, version = "slackware", 1
    paths = rf"(?:{'|'.join(_LOCATIONS)})/[^/]+"
    fixed = _LOCATIONS

    def condense(self, path: str, content: bytes) -> bytes:
        del path
        return _MARK if content.startswith(_MARK) else b""

    def analyze(self, files: Files, context: Context) -> Findings:
        findings, context = Findings(room=context.room), context.managed(PackageType.SLACKWARE)
        found = list(files.matching(self.paths))
        database = any(file.content for _, file in found)
        for path, file in found:
            name, *rest = path.rpartition("/")[2].rsplit("-", 3)
            named = len(rest) == 3 and is_name(name) and is_word(path) and all(rest)
            if not file.content:
                # Others may log there, too, where there is no Slackware.
                findings.say(path, "is no description of a Slackware package", incomplete=database or named)
            elif not named:
                why = "its name is not made of a package's name, version, architecture and build"
                findings.say(path, why, incomplete=True)
            elif findings.has_room():
                version, arch, build = rest
                findings.packages.append(
                    Package(
                        purl=os_purl("slackware", context, name, f"{version}-{build}", arch),
                        type=PackageType.SLACKWARE,
                        name=name,
                        version=f"{version}-{build}",
                        source_name=name,
                        source_version=f"{version}-{build}",
                        arch=arch,
                        layer=context.layers[file.origin],
                        locations=(path,),
                    )
                )
        return findings
