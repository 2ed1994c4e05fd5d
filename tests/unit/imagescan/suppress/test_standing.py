"""The platform's exceptions as rules, and as a file for the command line: one engine, one meaning."""

import json
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET, structs
from tests.support.reports import report, vulnerability

from hullguard.imagescan.suppress import Rules, ignore, load, standing, vex
from hullguard.model.errors import Invalid
from hullguard.model.exception import ExceptionSpec, ExceptionStatus, Justification, VexFormat
from hullguard.model.image import Target
from hullguard.model.report import ScanReport, SuppressedBy

TODAY = date(2026, 6, 1)
ONE = vulnerability("CVE-2024-1", aliases=("GHSA-x",))
IMAGE = "sha256:" + "ab" * 32
PACKAGE = report(ONE).packages[0]
REPORT = structs.replace(report(ONE), target=Target("app:1", "docker", image_id=IMAGE, tags=("app:1",)))


def spec(**fields: object) -> ExceptionSpec:
    return structs.replace(ExceptionSpec(["CVE-2024-1"], "accepted for now"), **fields)


def suppressed(said: ExceptionSpec, names: tuple[str, ...] = ("app:1",), of: ScanReport = REPORT) -> bool:
    found = Rules([standing.exception_rule("e1", said)]).suppress(of, TODAY, names)
    assert len(found.vulnerabilities) + len(found.suppressed) == 1
    assert found.unknowns == of.unknowns
    return not found.vulnerabilities


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, True),
        ({"vulnerabilities": ["GHSA-x"]}, True),
        ({"vulnerabilities": ["ghsa-X"]}, True),
        ({"vulnerabilities": ["CVE-2024-2"]}, False),
        ({"expires": TODAY}, True),
        ({"expires": date(2026, 5, 31)}, False),
        ({"images": ["app:*"]}, True),
        ({"images": ["app"]}, False),
        ({"images": ["other:*"]}, False),
        ({"images": ["other:*"], "image_ids": [IMAGE]}, True),
        ({"image_ids": ["sha256:" + "cd" * 32]}, False),
        ({"package": PACKAGE.name}, True),
        ({"package": "other"}, False),
        ({"purl": PACKAGE.purl}, True),
        ({"purl": PACKAGE.purl.partition("@")[0]}, True),
        ({"purl": "pkg:npm/left-pad"}, False),
    ],
)
def test_it_covers_what_fits_every_condition(fields: dict[str, object], expected: bool) -> None:
    assert suppressed(spec(**fields)) is expected


def test_names_are_those_of_now_and_not_of_when_it_was_read() -> None:
    assert not suppressed(spec(images=["app:*"]), ("shop:2",))
    assert suppressed(spec(images=["shop:*"]), ("x:1", "shop:2"))


def test_why_is_said_with_whose_word_it_is() -> None:
    said = spec(status=ExceptionStatus.NOT_AFFECTED, justification=Justification.COMPONENT_NOT_PRESENT)
    (one,) = Rules([standing.exception_rule("e1", said)]).suppress(REPORT, TODAY, ()).suppressed
    assert (one.by, one.source) == (SuppressedBy.EXCEPTION, "e1")
    assert one.reason == "not_affected: component_not_present: accepted for now"


def test_without_rules_the_report_is_left_as_it_is() -> None:
    assert Rules().suppress(REPORT, TODAY, ()) is REPORT


def test_the_command_line_writes_no_source() -> None:
    file = ignore.read(b"CVE-2024-1  # why\n", "ignore")
    (one,) = Rules(file).apply(REPORT, TODAY).suppressed
    assert one.source is UNSET


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"purl": "urllib3"}, "$.spec.purl"),
        ({"justification": Justification.COMPONENT_NOT_PRESENT}, "$.spec.justification"),
    ],
)
def test_what_says_nothing_is_refused(fields: dict[str, object], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        standing.check(spec(**fields))
    assert refused.value.field == field
    assert "\n" not in str(refused.value)


def test_a_pattern_that_is_made_to_be_slow_is_not() -> None:
    assert not suppressed(spec(images=["*a" * 128]), ("a" * 120 + "b",) * 100)


# --- as an ignore file


def test_a_build_decides_as_the_platform_does(tmp_path: Path) -> None:
    found = [
        ("e1", spec(vulnerabilities=["CVE-2024-1", "CVE-2024-9"], expires=TODAY, package=PACKAGE.name)),
        ("e2", spec(images=["other:*"])),
        ("e3", spec(vulnerabilities=["CVE-2024-3"], images=["app:*"])),
    ]
    path = tmp_path / "ignore.yaml"
    everywhere = {"CVE-2024-1", "CVE-2024-9"}
    for image, ids, others in (("", everywhere, 2), ("app:1", everywhere | {"CVE-2024-3"}, 1)):
        text = standing.ignore_file(found, image, TODAY)
        path.write_text(text, encoding="utf-8")
        assert {next(iter(rule.ids)) for rule in ignore.read(text.encode(), "i.yaml")} == ids
        result = load(path).apply(REPORT, TODAY)
        assert [one.vulnerability.id for one in result.suppressed] == ["CVE-2024-1"]
        assert f"left_out={others}" in text.partition("\n")[0]


def test_no_exceptions_are_a_file_without_entries() -> None:
    assert ignore.read(standing.ignore_file([], "", TODAY).encode(), "i.yaml") == []


LINES = st.text(st.characters(exclude_categories=("Cs",), min_codepoint=32), min_size=1, max_size=60).filter(str.strip)


@given(reason=LINES, package=LINES, image=LINES)
def test_whatever_people_write_is_read_as_they_wrote_it(reason: str, package: str, image: str) -> None:
    text = standing.ignore_file([("e1", spec(reason=reason, package=package))], image, TODAY)
    (rule,) = ignore.read(text.encode(), "i.yaml")
    assert (rule.reason, rule.package) == (reason.strip(), package.strip())


# --- which document it is

AT = "2026-02-01T08:00:00+08:00"
OPENVEX = {"@context": "https://openvex.dev/ns/v0.2.0", "@id": "urn:x", "author": "A", "version": 3, "statements": []}
CSAF = {"document": {"csaf_version": "2.0", "publisher": {"name": "A"}, "tracking": {"id": "urn:x", "version": "3"}}}
CYCLONEDX = {"bomFormat": "CycloneDX", "serialNumber": "urn:x", "version": 3}


@pytest.mark.parametrize(
    ("document", "kind", "author"),
    [(OPENVEX, VexFormat.OPENVEX, "A"), (CSAF, VexFormat.CSAF, "A"), (CYCLONEDX, VexFormat.CYCLONEDX, "")],
)
def test_a_document_says_which_it_is(document: dict, kind: VexFormat, author: str) -> None:
    head = vex.describe(json.dumps(document).encode(), "d")
    assert (head.document, head.format, head.author, head.revision, head.issued) == ("urn:x", kind, author, "3", None)


def test_a_document_says_when_it_is_of() -> None:
    head = vex.describe(json.dumps(OPENVEX | {"timestamp": "x", "last_updated": AT}).encode(), "d")
    assert head.issued == datetime(2026, 2, 1, tzinfo=UTC)


def test_one_without_an_id_is_known_by_its_content() -> None:
    one, other = ({**CYCLONEDX, "serialNumber": said} for said in (None, ["x"]))
    heads = [vex.describe(json.dumps(each).encode(), "d") for each in (one, other)]
    assert all(head.document.startswith("sha256:") for head in heads)
    assert heads[0].document != heads[1].document


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"{}", b"\xff", b'{"bomFormat": "CycloneDX", "metadata": 1}', b"[" * 9999]
)
def test_what_is_no_document_is_refused_in_one_line(content: bytes) -> None:
    with pytest.raises(Invalid) as refused:
        vex.describe(content, "the document")
    assert str(refused.value).startswith("the document: ")
    assert "\n" not in str(refused.value)


def test_an_author_is_one_short_line() -> None:
    head = vex.describe(json.dumps(OPENVEX | {"author": "a\n\u202eb\0" + "x" * 9000}).encode(), "d")
    assert head.author.startswith("a b x")
    assert len(head.author) <= 500
