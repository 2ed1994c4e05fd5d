"""Installed Python distributions: core metadata in dist-info (PEP 376, 566) and egg-info."""

import re

from packageurl import PackageURL

from hullguard.inventory.analyzers.analyzer import METADATA, Analyzer, Context, Files, Findings, text
from hullguard.model.package import Package, PackageType, Unknown

_HEADER = re.compile(r"^(Name|Version):[ \t]*(\S.*?)[ \t\r]*$", re.MULTILINE | re.IGNORECASE)


class PythonAnalyzer(Analyzer):
    """What pip, wheel or setuptools left beside the code, in any directory."""

    name, version = "python", 1
    paths = METADATA

    def condense(self, path: str, content: bytes) -> bytes:
        del path
        # Only the headers: the description after the first empty line may contain anything.
        headers = re.split(r"\r?\n\r?\n", text(content[: 1 << 18]), maxsplit=1)[0]
        return "\n".join(f"{key}: {value[:500]}" for key, value in _HEADER.findall(headers)).encode()

    def analyze(self, files: Files, context: Context) -> Findings:
        findings = Findings()
        for path, file in files.matching(self.paths):
            if path in context.owned:
                continue
            fields: dict[str, str] = {}
            for key, value in _HEADER.findall(text(file.content)):
                fields.setdefault(key.lower(), value)
            name, version = fields.get("name"), fields.get("version")
            if not name or not version:
                findings.unknowns.append(Unknown(path, "metadata of a Python package without its name or version"))
                continue
            findings.packages.append(
                Package(
                    purl=PackageURL("pypi", None, name, version).to_string(),
                    type=PackageType.PYPI,
                    name=name,
                    version=version,
                    ecosystem="PyPI",
                    layer=context.layers[file.origin],
                    locations=(path,),
                )
            )
        return findings
