"""VEX documents in three formats: what each says of which products."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hullguard.imagescan.suppress.purl import Purl
from hullguard.imagescan.suppress.rule import Product
from hullguard.imagescan.suppress.vex import read
from hullguard.model.errors import Invalid
from hullguard.model.package import Unknown

LODASH = Product(Purl("npm", "", "lodash", "4.0.0"))


def openvex(*statements: dict[str, Any]) -> bytes:
    return json.dumps(
        {"@context": "https://openvex.dev/ns/v0.2.0", "timestamp": "2026-01-01T00:00:00Z", "statements": statements}
    ).encode()


def csaf(vulnerability: dict[str, Any], **tree: Any) -> bytes:
    document = {"csaf_version": "2.0", "category": "csaf_vex", "tracking": {"current_release_date": "2026-01-02"}}
    return json.dumps({"document": document, "product_tree": tree, "vulnerabilities": [vulnerability]}).encode()


def product(identity: str, purl: str) -> dict[str, Any]:
    return {"product_id": identity, "name": identity, "product_identification_helper": {"purl": purl}}


class TestOpenVex:
    @pytest.mark.parametrize(
        ("status", "suppresses"),
        [
            ("not_affected", True),
            ("fixed", True),
            ("affected", False),
            ("under_investigation", False),
            ("other", False),
        ],
    )
    def test_the_status_decides(self, status: str, suppresses: bool) -> None:
        said = {
            "vulnerability": {"name": "CVE-2024-1", "aliases": ["GHSA-x"]},
            "products": [{"@id": "pkg:npm/lodash@4.0.0"}],
            "status": status,
            "justification": "vulnerable_code_not_present",
        }

        (rule,), unknowns = read(openvex(said), "a.json")

        assert (rule.ids, rule.suppresses, rule.products) == ({"CVE-2024-1", "GHSA-x"}, suppresses, (LODASH,))
        assert rule.reason == f"{status}: vulnerable_code_not_present (a.json)"
        assert (rule.at, unknowns) == ("2026-01-01T00:00:00.000000+00:00", [])

    def test_a_byte_order_mark_is_none_of_the_document(self) -> None:
        said = openvex({"vulnerability": "CVE-2024-1", "products": ["pkg:npm/lodash@4.0.0"], "status": "fixed"})

        assert read(b"\xef\xbb\xbf" + said, "a.json") == read(said, "a.json")

    def test_the_first_version_of_the_format_had_plain_texts(self) -> None:
        said = {"vulnerability": "CVE-2024-1", "products": ["pkg:npm/lodash@4.0.0"], "status": "fixed"}

        (rule,), _ = read(openvex(said), "a.json")

        assert (rule.ids, rule.products) == ({"CVE-2024-1"}, (LODASH,))
        assert rule.reason == "fixed: no justification given (a.json)"

    def test_a_part_of_an_image(self) -> None:
        image = {
            "@id": "https://example.org/app",
            "identifiers": {"purl": "pkg:oci/app@sha256%3Aab"},
            "subcomponents": [{"@id": "pkg:npm/lodash@4.0.0"}, {"@id": "lodash"}],
        }
        said = {"vulnerability": {"name": "CVE-2024-1"}, "products": [image], "status": "fixed"}

        (rule,), _ = read(openvex(said), "a.json")

        assert rule.products == (Product(LODASH.package, Purl("oci", "", "app", "sha256:ab")),)

    def test_a_part_of_a_package_counts_beside_what_holds_it(self) -> None:
        whole = {"@id": "pkg:maven/com.acme/app@1.0", "subcomponents": [{"@id": "pkg:npm/lodash@4.0.0"}]}
        said = {"vulnerability": {"name": "CVE-2024-1"}, "products": [whole], "status": "fixed"}

        (rule,), _ = read(openvex(said), "a.json")

        assert rule.products == (Product(LODASH.package, None, Purl("maven", "com.acme", "app", "1.0")),)

    def test_not_affected_needs_a_reason_and_the_others_are_kept(self) -> None:
        bare = {"vulnerability": "CVE-2024-1", "products": ["pkg:npm/lodash@4.0.0"], "status": "not_affected"}
        given: list[dict[str, Any]] = [
            {"justification": "component_not_present"},
            {"impact_statement": "never called"},
            {"justification": " ", "impact_statement": ""},
        ]

        rules, (unknown,) = read(openvex(bare, *(bare | each for each in given), *[bare] * 5), "a.json")

        assert [rule.where for rule in rules] == ["a.json, statement 2", "a.json, statement 3"]
        assert unknown == Unknown(
            "a.json",
            "7 statements say not_affected without a justification or an impact statement, one of which OpenVEX "
            "requires; they were not applied (by number: 1, 4, 5, 6, 7, …)",
        )

    def test_fixed_without_a_version_says_nothing(self) -> None:
        said = {"vulnerability": "CVE-2024-1", "products": ["pkg:npm/lodash"], "status": "fixed"}

        rules, unknowns = read(openvex(said), "a.json")

        assert (rules, len(unknowns)) == ([], 1)

    def test_what_cannot_be_compared_is_said_aloud(self) -> None:
        said = {"vulnerability": {"name": "CVE-2024-1"}, "products": [{"@id": "lodash"}], "status": "fixed"}

        rules, (unknown,) = read(openvex(said), "a.json")

        assert rules == []
        assert unknown.what == "a.json"
        assert unknown.why.startswith("1 statements name no product")


_TREE = {"branches": [{"name": "maker", "branches": [{"product": product("L", "pkg:npm/lodash@4.0.0")}]}]}


class TestCsaf:
    @pytest.mark.parametrize(
        ("status", "suppresses"),
        [("known_not_affected", True), ("fixed", True), ("known_affected", False), ("under_investigation", False)],
    )
    def test_the_status_decides(self, status: str, suppresses: bool) -> None:
        said = {
            "cve": "CVE-2024-1",
            "product_status": {status: ["L"]},
            "flags": [{"label": "component_not_present", "product_ids": ["L"]}],
            "threats": [{"category": "impact", "details": "not shipped", "product_ids": ["L"]}],
        }

        (rule,), unknowns = read(csaf(said, **_TREE), "a.json")

        assert (rule.suppresses, rule.products, rule.at) == (suppresses, (LODASH,), "2026-01-02T00:00:00.000000+00:00")
        assert rule.reason.endswith(": component_not_present; not shipped (a.json)")
        assert unknowns == []

    def test_fixed_without_a_version_says_nothing(self) -> None:
        tree = {"full_product_names": [product("L", "pkg:npm/lodash")]}

        rules, unknowns = read(csaf({"cve": "CVE-2024-1", "product_status": {"fixed": ["L"]}}, **tree), "a.json")

        assert (rules, len(unknowns)) == ([], 1)

    @pytest.mark.parametrize(
        ("part", "whole", "applied"),
        [
            ("pkg:rpm/redhat/openssl@1.1-2.el8", "cpe", True),
            ("pkg:rpm/redhat/openssl", "cpe", False),
            ("pkg:rpm/redhat/openssl", "pkg:oci/app", True),
        ],
    )
    def test_a_part_of_a_platform_needs_a_version_that_tells_it(self, part: str, whole: str, applied: bool) -> None:
        tree = {
            "full_product_names": [product("part", part), product("whole", whole)],
            "relationships": [
                {
                    "category": "default_component_of",
                    "product_reference": "part",
                    "relates_to_product_reference": "whole",
                    "full_product_name": {"product_id": "both", "name": "both"},
                }
            ],
        }

        rules, unknowns = read(
            csaf({"cve": "CVE-2024-1", "product_status": {"known_not_affected": ["both"]}}, **tree), "a.json"
        )

        assert (len(rules), len(unknowns)) == ((1, 0) if applied else (0, 1))


class TestCycloneDx:
    @pytest.mark.parametrize(
        ("state", "suppresses"),
        [
            ("not_affected", True),
            ("false_positive", True),
            ("resolved", True),
            ("resolved_with_pedigree", True),
            ("exploitable", False),
            ("in_triage", False),
        ],
    )
    @pytest.mark.parametrize(
        "ref", ["l", "urn:cdx:6b5f/1#l", "urn:cdx:6b5f/1#pkg:npm/lodash@4.0.0", "pkg:npm/lodash@4.0.0"]
    )
    def test_the_state_decides(self, state: str, suppresses: bool, ref: str) -> None:
        document = {
            "bomFormat": "CycloneDX",
            "serialNumber": "urn:uuid:6b5f",
            "components": [{"components": [{"bom-ref": "l", "purl": "pkg:npm/lodash@4.0.0"}]}],
            "vulnerabilities": [
                {
                    "id": "CVE-2024-1",
                    "analysis": {"state": state, "justification": "code_not_reachable", "detail": "never called"},
                    "affects": [{"ref": ref}],
                }
            ],
        }

        (rule,), _ = read(json.dumps(document).encode(), "bom.json")

        assert (rule.ids, rule.suppresses, rule.products) == ({"CVE-2024-1"}, suppresses, (LODASH,))
        assert rule.reason == f"{state}: code_not_reachable; never called (bom.json)"

    @pytest.mark.parametrize("serial", ["urn:uuid:0000", None])
    def test_a_reference_into_another_document_is_none_into_this(self, serial: str | None) -> None:
        document = {
            "bomFormat": "CycloneDX",
            "serialNumber": serial or "",
            "components": [{"bom-ref": "l", "purl": "pkg:npm/lodash@4.0.0"}],
            "vulnerabilities": [
                {"id": "CVE-2024-1", "analysis": {"state": "resolved"}, "affects": [{"ref": "urn:cdx:6b5f/1#l"}]}
            ],
        }

        rules, unknowns = read(json.dumps(document).encode(), "bom.json")

        assert (rules, len(unknowns)) == ([], 1)

    @pytest.mark.parametrize(
        ("state", "versions", "meant"),
        [
            ("not_affected", [{"version": "4.0.0"}, {"version": "4.0.1"}], ["4.0.0", "4.0.1"]),
            ("not_affected", [{"range": "vers:npm/>=5.0.0"}], []),
            ("resolved", [], []),
            ("exploitable", [{"range": "vers:npm/>=5.0.0"}], [None]),
        ],
    )
    def test_versions_beside_the_reference_count(
        self, state: str, versions: list[dict[str, str]], meant: list[str | None]
    ) -> None:
        document = {
            "bomFormat": "CycloneDX",
            "vulnerabilities": [
                {
                    "id": "CVE-2024-1",
                    "analysis": {"state": state},
                    "affects": [{"ref": "pkg:npm/lodash", "versions": versions}],
                }
            ],
        }

        rules, _ = read(json.dumps(document).encode(), "bom.json")

        assert [product.package.version for rule in rules for product in rule.products if product.package] == meant

    def test_a_vulnerability_without_an_analysis_says_nothing(self) -> None:
        document = {"bomFormat": "CycloneDX", "vulnerabilities": [{"id": "CVE-2024-1", "affects": [{"ref": "x"}]}]}

        assert read(json.dumps(document).encode(), "bom.json") == ([], [])


@pytest.mark.parametrize(
    "content",
    [b"", b"{}", b"[]", b"\xff", b"[" * 100_000, b'{"bomFormat":"SPDX"}', b'{"@context":"openvex","statements":[{}]}'],
)
def test_what_is_no_vex_is_refused(content: bytes) -> None:
    with pytest.raises(Invalid, match=r"a\.json"):
        read(content, "a.json")


@given(st.recursive(st.none() | st.text(max_size=5), lambda inner: st.lists(inner, max_size=3), max_leaves=5))
def test_any_shape_is_read_or_refused(shape: object) -> None:
    for key in ("statements", "vulnerabilities"):
        content = json.dumps({"@context": "openvex", key: shape}).encode()
        try:
            rules, _ = read(content, "a.json")
        except Invalid:
            continue
        assert all(rule.products for rule in rules)
