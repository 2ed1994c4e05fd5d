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
_RED_HAT = re.compile(
    r"(?P<name>[A-Za-z ]+?)(?: Server| Client| Workstation| ComputeNode)? release (?P<release>\d+(?:\.\d+)?)"
)
_RED_HATS = {"Red Hat Enterprise Linux": "rhel", "CentOS": "centos", "CentOS Linux": "centos", "Oracle Linux": "ol"}
_SUSE = re.compile(r"(?P<name>SUSE Linux Enterprise (?P<kind>Server|Desktop) (?P<release>\d+))\b")
_SERVICE_PACK = re.compile(r"^PATCHLEVEL\s*=\s*([1-9]\d?)\s*$", re.MULTILINE)


class OsReleaseAnalyzer(Analyzer):
    """Must come first: the package analyzers ask which distribution they are in."""

    name, version = "os-release", 3
    fixed = (
        *("etc/os-release", "usr/lib/os-release", "etc/alpine-release", "etc/debian_version"),
        *("etc/lsb-release", "etc/redhat-release", "etc/SuSE-release"),
    )
    paths = "|".join(fixed)

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
                if values["ID"].lower() == "debian" and not release and not values.get("VERSION_CODENAME"):
                    release = _number(self._words(files, "etc/debian_version"))
                found = OperatingSystem(values["ID"].lower(), release, values.get("PRETTY_NAME"))
                like = values.get("ID_LIKE", "").lower().split()
                return self._found(distribution(found, values.get("VERSION_CODENAME", ""), like), found, context)
        if (older := self._older(files)) is not None:
            return self._found(distribution(older), older, context)
        for path, name in (("etc/alpine-release", "alpine"), ("etc/debian_version", "debian")):
            if release := self._words(files, path)[:_VALUE_BOUND]:
                found = OperatingSystem(name, _number(release), f"{name} {release}")
                return self._found(distribution(found, release.split("/")[0]), found, context)
        why = "no os-release file says which distribution this is, so its OS packages cannot be matched"
        return Findings(unknowns=[Unknown("operating system", why)])

    @staticmethod
    def _words(files: Files, path: str) -> str:
        return text(file.content).strip() if (file := files.file(path)) is not None else ""

    def _older(self, files: Files) -> OperatingSystem | None:
        """By what there was before os-release; Ubuntu's file goes before Debian's, which it has, too."""
        values = _values(self._words(files, "etc/lsb-release"))
        if (name := values.get("DISTRIB_ID")) and (release := values.get("DISTRIB_RELEASE")):
            return OperatingSystem(name.lower(), release, values.get("DISTRIB_DESCRIPTION") or f"{name} {release}")
        if (words := self._words(files, "etc/redhat-release")) and (found := _RED_HAT.match(words)):
            name = found["name"]
            return OperatingSystem(
                _RED_HATS.get(name, name.split()[0].lower()), found["release"], f"{name} {found['release']}"
            )
        if (words := self._words(files, "etc/SuSE-release")) and (found := _SUSE.match(words)):
            pack = _SERVICE_PACK.search(words)
            release, title = (f".{pack[1]}", f" SP{pack[1]}") if pack else ("", "")
            kind = "sles" if found["kind"] == "Server" else "sled"
            return OperatingSystem(kind, found["release"] + release, found["name"] + title)
        return None

    @staticmethod
    def _found(which: Distribution, os: OperatingSystem, context: Context) -> Findings:
        context.distribution = which
        doubts = [Unknown(os.name or os.id, which.doubt)] if which.doubt else []
        return Findings(unknowns=doubts, os=OperatingSystem(os.id, os.version_id, os.name, which.end_of_life))


def _number(release: str) -> str | None:
    return release[:_VALUE_BOUND] if release[:1].isdigit() else None


def _values(content: str) -> dict[str, str]:
    values = {}
    for key, raw in _LINE.findall(content):
        try:
            words = shlex.split(raw, comments=True)
        except ValueError:
            words = [raw]
        values[key] = " ".join(words)[:_VALUE_BOUND]
    return values
