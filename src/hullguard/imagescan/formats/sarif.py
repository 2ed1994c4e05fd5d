"""SARIF 2.1.0, for code hosts and editors: one result per finding, one rule per vulnerability, secret rule or check."""

import hashlib
from typing import Any
from urllib.parse import quote

import msgspec

from hullguard import __version__
from hullguard.imagescan.formats.format import Format, Page
from hullguard.imagescan.formats.words import SCORES, left_out, page_of, remedy, score
from hullguard.model.content import Malware, Misconfiguration, Secret
from hullguard.model.report import ScanReport, Suppressed, Vulnerability
from hullguard.model.severity import Severity
from hullguard.words.plain import plain

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_LEVELS = {Severity.CRITICAL: "error", Severity.HIGH: "error", Severity.MEDIUM: "warning"}


class SarifFormat(Format):
    """``security-severity`` follows the report's severity; unknowns are notifications, never results."""

    name = "sarif"
    suffix = "sarif"
    media = "application/sarif+json"

    def render(self, report: ScanReport, page: Page) -> bytes:
        run = _Run(report, page.hidden)
        for one in report.vulnerabilities:
            run.vulnerability(one)
        for two in report.suppressed:
            run.vulnerability(two.vulnerability, two)
        for secret in report.secrets:
            run.hit(secret.rule, secret, f"{secret.title} in {plain(secret.path)}: {plain(secret.match)}")
        for malware in report.malware:
            run.hit(malware.rule, malware, f"{malware.title} in {plain(malware.path)} (sha256 {malware.sha256})")
        for check in report.config:
            run.hit(check.id, check, f"{plain(check.message)} {check.fix}")
        document = {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run.document()]}
        return msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n"


class _Run:
    """Collects rules while results are added."""

    def __init__(self, report: ScanReport, hidden: int) -> None:
        self._report = report
        self._hidden = hidden
        self._rules: dict[str, dict[str, Any]] = {}
        self._index: dict[str, int] = {}
        self._results: list[dict[str, Any]] = []
        self._names = {package.purl: package.name for package in report.packages}
        self._places = {package.purl: package.locations for package in report.packages}
        self._steps = {layer.diff_id: layer.created_by for layer in report.layers}

    def vulnerability(self, one: Vulnerability, suppressed: Suppressed | None = None) -> None:
        name = plain(self._names.get(one.package, one.package))
        self._rule(
            one.id,
            f"{one.id}: {one.summary}" if one.summary else one.id,
            score(one),
            helpUri=page_of(one.id),
            help={"text": f"{one.summary or one.id}\n{page_of(one.id)}"},
        )
        places = self._places.get(one.package) or ()
        result = self._result(
            one.id,
            one.severity,
            f"{name} {plain(one.installed)} has {one.id} ({one.severity}). {remedy(one)}",
            place=places[0] if places else "",
            layer=one.layer,
            fingerprint=f"{one.id} {one.package.partition('@')[0]}",
        )
        result["properties"] |= {
            "package": one.package,
            "installed": one.installed,
            "fixed": one.fixed,
            "advisory": one.advisory,
            "exploited": one.kev,
            "epss": one.epss,
            "priority": one.priority.score,
            "evidence": f"{one.why.rule}: {one.why.evidence}",
        }
        if suppressed is not None:
            justification = f"{suppressed.by}: {suppressed.reason}"
            result["suppressions"] = [{"kind": "external", "status": "accepted", "justification": justification}]

    def hit(self, rule: str, one: Secret | Malware | Misconfiguration, message: str) -> None:
        self._rule(rule, one.title, SCORES[one.severity])
        path = one.path or ""
        result = self._result(rule, one.severity, message, place=path, layer=one.layer, fingerprint=f"{rule} {path}")
        if isinstance(one, Secret):
            result["locations"][0]["physicalLocation"]["region"] = {"startLine": max(one.line, 1)}

    def document(self) -> dict[str, Any]:
        report = self._report
        notes = [
            {"level": "warning", "message": {"text": f"{plain(unknown.what)}: {plain(unknown.why)}"}}
            for unknown in report.unknowns
        ]
        if self._hidden:
            notes.append({"level": "note", "message": {"text": left_out(self._hidden)}})
        return {
            "tool": {"driver": {"name": "Hullguard", "version": __version__, "rules": list(self._rules.values())}},
            "invocations": [{"executionSuccessful": report.complete, "toolExecutionNotifications": notes}],
            "columnKind": "utf16CodeUnits",
            "results": self._results,
            "properties": {
                "target": report.target.ref,
                "imageId": report.target.image_id,
                "digest": report.target.digest,
                "platform": report.target.platform,
                "complete": report.complete,
            },
        }

    def _rule(self, rule: str, title: str, number: float, **more: object) -> None:
        """One rule may be met in several packages with several severities: it carries the gravest."""
        known = self._rules.get(rule)
        if known is not None:
            number = max(number, float(known["properties"]["security-severity"]))
            known["properties"]["security-severity"] = f"{number:.1f}"
            return
        self._index[rule] = len(self._rules)
        self._rules[rule] = {
            "id": rule,
            "shortDescription": {"text": plain(title)[:1000]},
            "properties": {"security-severity": f"{number:.1f}", "tags": ["security"]},
            **more,
        }

    def _result(
        self, rule: str, severity: Severity, message: str, *, place: str, layer: str | None, fingerprint: str
    ) -> dict[str, Any]:
        where = quote((place.lstrip("/") or self._report.target.ref).lstrip("/"), safe="/")  # relative, as viewers ask
        result: dict[str, Any] = {
            "ruleId": rule,
            "ruleIndex": self._index[rule],
            "level": _LEVELS.get(severity, "note"),
            "message": {"text": message},
            "locations": [{"physicalLocation": {"artifactLocation": {"uri": where}}}],
            "partialFingerprints": {"hullguard/v1": hashlib.sha256(fingerprint.encode()).hexdigest()},
            "properties": {
                "severity": str(severity),
                "layer": layer,
                "instruction": self._steps.get(layer) if layer else None,
            },
        }
        self._results.append(result)
        return result
