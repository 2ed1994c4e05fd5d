"""The distribution, from os-release (freedesktop.org, os-release(5)); older Debian and Alpine have their own files."""

import re
import shlex

from hullguard.inventory import bounds
from hullguard.inventory.analyzers.analyzer import Analyzer, Context, Files, Findings, text
from hullguard.inventory.distributions import Distribution, distribution
from hullguard.model.image import OperatingSystem
from hullguard.model.package import Unknown

_LINE = re.compile(r"^([A-Z][A-Z0-9_]*)=(.*)$", re.MULTILINE)
_VALUE_BOUND = 200


class OsReleaseAnalyzer(Analyzer):
    """Must come first: the package analyzers ask which distribution they are in."""

    name, version = "os-release", 2
    paths = r"etc/os-release|usr/lib/os-release|etc/alpine-release|etc/debian_version"
    fixed = ("etc/os-release", "usr/lib/os-release", "etc/alpine-release", "etc/debian_version")

    def condense(self, path: str, content: bytes) -> bytes:
        del path
        return content[: bounds.OS_RELEASE_BYTES + 1]  # one more says that there is more

    def analyze(self, files: Files, context: Context) -> Findings:
        findings = self._read(files, context)
        for path in self.fixed:
            if (file := files.file(path)) is not None and len(file.content) > bounds.OS_RELEASE_BYTES:
                why = f"has more than {bounds.OS_RELEASE_BYTES} bytes; the rest of it was not read"
                findings.say(path, why, incomplete=True)
        return findings

    def _read(self, files: Files, context: Context) -> Findings:
        for path in ("etc/os-release", "usr/lib/os-release"):
            if (file := files.file(path)) is not None and (values := _values(text(file.content))).get("ID"):
                release = values.get("VERSION_ID") or None
                found = OperatingSystem(values["ID"].lower(), release, values.get("PRETTY_NAME"))
                like = values.get("ID_LIKE", "").lower().split()
                return self._found(distribution(found, values.get("VERSION_CODENAME", ""), like), found, context)
        for path, name in (("etc/alpine-release", "alpine"), ("etc/debian_version", "debian")):
            if (file := files.file(path)) is not None and (release := text(file.content).strip()[:_VALUE_BOUND]):
                number = release if release[0].isdigit() else None
                found = OperatingSystem(name, number, f"{name} {release}")
                return self._found(distribution(found, release.split("/")[0]), found, context)
        why = "no os-release file says which distribution this is, so its OS packages cannot be matched"
        return Findings(unknowns=[Unknown("operating system", why)])

    @staticmethod
    def _found(which: Distribution, os: OperatingSystem, context: Context) -> Findings:
        context.distribution = which
        doubts = [Unknown(os.name or os.id, which.doubt)] if which.doubt else []
        return Findings(unknowns=doubts, os=OperatingSystem(os.id, os.version_id, os.name, which.end_of_life))


def _values(content: str) -> dict[str, str]:
    values = {}
    for key, raw in _LINE.findall(content):
        try:
            words = shlex.split(raw, comments=True)
        except ValueError:
            words = [raw]
        values[key] = " ".join(words)[:_VALUE_BOUND]
    return values
