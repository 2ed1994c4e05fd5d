"""JUnit XML, for build servers: a test case per package, which fails when something is wrong with it."""

from collections.abc import Iterable, Iterator
from xml.etree import ElementTree as ET

from msgspec import Struct

from hullguard.imagescan.formats.format import Format, Page
from hullguard.imagescan.formats.words import left_out, markup, remedy
from hullguard.model.package import OF_SYSTEM
from hullguard.model.report import ScanReport, Vulnerability
from hullguard.model.severity import Severity


class _Failure(Struct, frozen=True):
    severity: Severity
    text: str


class _Case(Struct):
    name: str
    classname: str
    failures: list[_Failure]
    note: str = ""
    skipped: str = ""


class JunitFormat(Format):
    """One ``failure`` per case with every finding in it, because build servers show only the first.

    What could not be decided, and that findings were not asked for, are skipped cases: a green build must not hide it.
    """

    name = "junit"
    suffix = "xml"
    media = "application/xml"

    def render(self, report: ScanReport, page: Page) -> bytes:
        root = ET.Element("testsuites", name=markup(report.target.ref))
        totals = [0, 0, 0]
        for title, cases in _suites(report, page.hidden):
            suite = ET.SubElement(root, "testsuite", name=markup(title))
            counts = [len(cases), sum(bool(case.failures) for case in cases), sum(bool(case.skipped) for case in cases)]
            for attribute, count in zip(("tests", "failures", "skipped"), counts, strict=True):
                suite.set(attribute, str(count))
            suite.set("errors", "0")
            for case in cases:
                suite.append(_element(case))
            totals = [total + count for total, count in zip(totals, counts, strict=True)]
        for attribute, total in zip(("tests", "failures", "skipped"), totals, strict=True):
            root.set(attribute, str(total))
        root.set("errors", "0" if report.complete else "1")
        if not report.complete:
            root.append(_incomplete(report))
        ET.indent(root)
        written: bytes = ET.tostring(root, "utf-8")
        return b'<?xml version="1.0" encoding="UTF-8"?>\n' + written + b"\n"


def _suites(report: ScanReport, hidden: int) -> Iterator[tuple[str, list[_Case]]]:
    yield from _packages(report)
    hits: tuple[tuple[str, Iterable[tuple[str, str, _Failure]]], ...] = (
        (
            "secrets",
            (
                (one.rule, f"{one.path}:{one.line}", _Failure(one.severity, f"{one.title}: {one.match}"))
                for one in report.secrets
            ),
        ),
        (
            "malware",
            (
                (one.rule, one.path, _Failure(one.severity, f"{one.title} (sha256 {one.sha256})"))
                for one in report.malware
            ),
        ),
        (
            "configuration",
            (
                (one.id, one.path or one.title, _Failure(one.severity, f"{one.message} {one.fix}"))
                for one in report.config
            ),
        ),
    )
    for title, found in hits:
        cases = [_Case(name, rule, [failure]) for rule, name, failure in found]
        if cases:
            yield title, cases
    if hidden:
        case = _Case(f"{hidden} findings", "filters", [], skipped=left_out(hidden))
        yield "not asked for", [case]
    if report.unknowns:
        yield "could not be decided", [_Case(one.what, "unknown", [], skipped=one.why) for one in report.unknowns]


def _packages(report: ScanReport) -> Iterator[tuple[str, list[_Case]]]:
    suites: dict[str, dict[tuple[str, str | None], _Case]] = {}
    cases: dict[tuple[str, str | None], _Case] = {}
    unjudged = _unjudged(report)
    for package in report.packages:
        key = (package.purl, package.layer)
        cases[key] = case = _Case(f"{package.name} {package.version}", package.purl, [])
        if report.advisories.built is None:
            case.skipped = "vulnerabilities were not looked for"
        elif package.ecosystem or package.purl.startswith(OF_SYSTEM):
            case.skipped = unjudged.get(package.ecosystem, "")
        suites.setdefault(package.ecosystem or "other", {})[key] = case
    for one in report.vulnerabilities:
        key = (one.package, one.layer)
        if key not in cases:
            cases[key] = _Case(f"{one.package} {one.installed}", one.package, [])
            suites.setdefault("other", {})[key] = cases[key]
        case = cases[key]
        case.failures.append(_Failure(one.severity, _sentence(one)))
        case.skipped = ""
    for two in report.suppressed:
        key = (two.vulnerability.package, two.vulnerability.layer)
        if key in cases:
            cases[key].note += f"{two.vulnerability.id} does not count ({two.by}): {two.reason}\n"
    for title, suite in sorted(suites.items()):
        yield title, list(suite.values())


def _unjudged(report: ScanReport) -> dict[str, str]:
    """By ecosystem why nobody could judge its packages; by an empty one why OS packages that have none were not."""
    ecosystems = {package.ecosystem for package in report.packages}
    found: dict[str, str] = {}
    for each in report.unknowns:
        if each.unjudged and each.what in ecosystems:
            found[each.what] = each.why
        elif each.unjudged and each.what == f"{each.unjudged} OS packages":
            found[""] = each.why  # others are no packages in the report, but parts of a bill of materials
    return found


def _sentence(one: Vulnerability) -> str:
    about = f" {one.summary}" if one.summary else ""
    return f"{one.id} {one.severity}{' exploited' if one.kev else ''}:{about} {remedy(one)} [{one.why.evidence}]"


def _element(case: _Case) -> ET.Element:
    element = ET.Element("testcase", name=markup(case.name), classname=markup(case.classname), time="0")
    if case.failures:
        worst = max((failure.severity for failure in case.failures), key=lambda severity: severity.rank)
        count = f"{len(case.failures)} findings, the gravest {worst}"
        message = case.failures[0].text if len(case.failures) == 1 else count
        failure = ET.SubElement(element, "failure", message=markup(message), type=str(worst))
        gravest = sorted(case.failures, key=lambda failure: -failure.severity.rank)
        failure.text = "\n".join(markup(one.text) for one in gravest)
    if case.skipped:
        ET.SubElement(element, "skipped", message=markup(case.skipped))
    if case.note:
        ET.SubElement(element, "system-out").text = "\n".join(markup(line) for line in case.note.splitlines())
    return element


def _incomplete(report: ScanReport) -> ET.Element:
    suite = ET.Element("testsuite", name="the scan itself", tests="1", failures="0", skipped="0", errors="1")
    case = ET.SubElement(suite, "testcase", name="the whole image was read", classname="hullguard", time="0")
    error = ET.SubElement(case, "error", message="packages or findings may be missing", type="incomplete")
    error.text = "\n".join(markup(f"{each.what}: {each.why}") for each in report.unknowns if each.incomplete)
    return suite
